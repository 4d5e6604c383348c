"""A few seeds of the chaos, and two broken protocols. `python -m tests.chaos --seeds 1000` is the real thing."""

from __future__ import annotations

import pytest

from tests.chaos.points import POINTS
from tests.chaos.schedule import MAKE_FAULTS, READ_FAULTS, schedule
from tests.chaos.seeds import play_seeds
from tests.chaos.tally import FEW, MANY, Tally

SEEDS = 12


def test_nothing_is_bought_twice_or_lost_in_a_few_seeds() -> None:
    """Kills, freezes, signals and a failing vendor: one purchase an order, ledger equal to the vendor at the end."""
    tally = play_seeds(list(range(SEEDS)), None)
    assert tally.broken == []
    assert tally.gaps() == []
    assert tally.purchases > SEEDS


@pytest.mark.parametrize("mutant", ["retry-after-unknown", "mark-after-send"])
def test_a_broken_protocol_is_caught(mutant: str) -> None:
    """A runner that repeats what got no answer, or marks after it sent, is found out within twenty seeds."""
    tally = play_seeds(list(range(20)), mutant)
    assert {kind for _, kind, _ in tally.broken} <= {"duplicate", "lost"}
    assert tally.broken


def test_a_seed_is_the_same_everywhere() -> None:
    """The schedule of a seed depends on nothing but its number; two seeds differ."""
    assert schedule(7) == schedule(7)
    assert schedule(7) != schedule(8)
    assert schedule(7).rounds == schedule(7, None).rounds


def test_a_run_that_met_nothing_proves_nothing() -> None:
    """Counters at zero are gaps: of every sort after a few seeds, of every point and fault after many."""
    assert Tally(seeds=FEW - 1).gaps() == []
    assert "no fault" in Tally(seeds=FEW).gaps()
    gaps = Tally(seeds=MANY).gaps()
    assert {f"no kill at {point}" for point in POINTS} <= set(gaps)
    assert {f"fault {kind} never met" for kind in (*MAKE_FAULTS, *READ_FAULTS)} <= set(gaps)
