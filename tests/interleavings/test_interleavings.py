"""Every interleaving of orders in flight, deaths, strangers and reconciles, and broken rules that must be noticed."""

from __future__ import annotations

import pytest

from tests.interleavings.__main__ import caught, explore_all
from tests.interleavings.mutants import HARMLESS, MUTANTS
from tests.interleavings.scopes import FULL, SMALL
from tests.interleavings.state import Scope


@pytest.mark.parametrize("scope", SMALL, ids=lambda scope: scope.name)
def test_no_interleaving_breaks_a_promise(scope: Scope) -> None:
    """Bought once, placed and absent as the truth is, no claim in doubt, nothing open for ever: in every world."""
    (result,) = explore_all([scope], tell=lambda _: None)
    assert (result.fault, result.story) == (None, ())
    assert result.ends > 10
    assert set(result.verdicts) == ({"placed", "absent", "open"} if scope.exclusive else {"absent", "open"})


@pytest.mark.parametrize("name", MUTANTS)
def test_a_broken_rule_is_found(name: str) -> None:
    """Without this rule some interleaving breaks a promise."""
    result = caught(name)
    assert result.fault is not None
    assert result.story


@pytest.mark.parametrize("name", HARMLESS)
def test_a_strict_rule_is_known_to_be_strict(name: str) -> None:
    """Nothing is found without this rule: docs/explanation/many-at-once.md says so."""
    assert caught(name).fault is None


def test_the_names_tell_scopes_apart() -> None:
    """No scope is explored twice."""
    assert len({scope.name for scope in FULL}) == len(FULL)
