"""The purchase protocol in simulated worlds, and broken protocols that must be told from it."""

from __future__ import annotations

import pytest

from tests.simulation.__main__ import EVENTS, caught, simulate
from tests.simulation.mutants import MUTANTS
from tests.simulation.store import database
from tests.simulation.world import run_seed

RARE = {"purchase without funds", "connection was stale", "emergency saved"}
"""Events that three hundred seeds may do without."""


def test_no_order_is_bought_twice_or_forgotten() -> None:
    """In 300 worlds of faults, kills and freezes: bought once, never forgotten, reported, and settled in the calm."""
    counts, violations = simulate(300)
    assert violations == []
    assert counts["orders placed"] == counts["orders"] == counts["purchases"]
    assert {event for event in EVENTS if not counts[event]} <= RARE


@pytest.mark.parametrize("mutant", MUTANTS)
def test_broken_protocols_are_caught(mutant: str) -> None:
    """Each broken protocol breaks an invariant within a few hundred seeds."""
    ((_, violation),) = caught([mutant], 400)
    assert violation


def test_a_seed_replays() -> None:
    """The same seed is the same world, line by line."""
    told: list[list[str]] = [[], []]
    for lines in told:
        run_seed(11, database(), lines.append)
    assert told[0] == told[1] != []


def test_a_mutant_ends_with_its_test() -> None:
    """What a mutant broke is whole again afterwards."""
    for mutant in MUTANTS.values():
        with mutant():
            pass
    _, violations = simulate(20)
    assert violations == []
