"""Read line by line or by the parser alone, a manifest is the same, and a reader that errs is found out."""

from __future__ import annotations

import pytest

from tests.agreement.__main__ import run_all
from tests.agreement.mutants import MUTANTS, is_noticed

IN_EVERY_CHANGE = ("comment-without-space", "duplicate", "deeper-without-reason", "end-of-a-value")


def test_both_readers_agree() -> None:
    """In 3,000 texts, most of them read line by line, no order, finding or place differs."""
    tally = run_all(0, 3_000, 1)
    assert tally.differences == []
    assert tally.lacking == []


@pytest.mark.parametrize("name", IN_EVERY_CHANGE)
def test_a_broken_reader_is_noticed(name: str) -> None:
    """What a reader does wrong in one spot makes some of the texts differ."""
    assert is_noticed(name, 8_000)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in MUTANTS if name not in IN_EVERY_CHANGE])
def test_every_broken_reader_is_noticed(name: str) -> None:
    """The same of all the other spots."""
    assert is_noticed(name, 20_000)
