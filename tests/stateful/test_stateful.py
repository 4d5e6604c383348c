"""Games of faults, deaths, reruns and strangers on the real parts, and broken code that must be told from them."""

from __future__ import annotations

import pytest

from tests.chaos.judge import Broken
from tests.stateful.explore import STEPS, explore
from tests.stateful.machine import Machine
from tests.stateful.mutants import MUTANTS

GAMES = 10


def test_no_order_is_bought_twice_or_forgotten() -> None:
    """In every game: bought once, never forgotten, never another's, told by exit codes and reports, settled in the calm."""
    counts = explore(examples=GAMES).counts
    assert counts["games whole"] >= GAMES
    assert counts["purchases"] == counts["orders"] > 0
    for kind in ("fault ", "died at ", "verdict ", "person ", "exit "):
        assert sum(count for name, count in counts.items() if name.startswith(kind)) > 0, f"nothing met of {kind}"


@pytest.mark.parametrize("mutant", ["mark-after-sending", "failed-list-is-empty"])
def test_broken_code_is_noticed(mutant: str) -> None:
    """A broken protocol breaks a promise within a few games; `python -m tests.stateful --mutant all` tries the others."""
    with MUTANTS[mutant](), pytest.raises(Broken):
        explore(examples=60, shrink=False, processes=False)


@pytest.mark.long
def test_what_breaks_is_told_as_a_short_list_of_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Hypothesis shrinks to, given a few seconds, can be read, and played again by hand."""
    monkeypatch.setattr("hypothesis.internal.conjecture.engine.MAX_SHRINKING_SECONDS", 6)
    with MUTANTS["abandoned-is-planned"](), pytest.raises(Broken) as caught:
        explore(examples=20, processes=False)
    notes = "\n".join(getattr(caught.value, "__notes__", ()))
    steps = [line for line in notes.splitlines() if line.startswith("state.")]
    assert steps[0].startswith("state.begin(")
    assert steps[-1] == "state.teardown()"
    assert 3 <= len(steps) < STEPS, notes


def test_a_clock_that_went_back_does_not_confuse_the_balance() -> None:
    """Purchases from before a lost one stay before it for the judge, whatever our clock says of when they were made.

    Hypothesis found this: their price was taken off what the lost order may have cost.
    """
    game = Machine()
    game.begin(exclusive=True, list_lags=0, wanted=["ipv4 561"])
    game.apply(jobs=1)
    game.clock_jumps(seconds=-3_600.0)
    game.apply_with_make_fault(fault="close-before", order=1, wanted=["isp 4480"], settled=False, jobs=1)
    game.teardown()
