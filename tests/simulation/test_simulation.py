"""The purchase protocol in simulated worlds, and broken protocols that must be told from it."""

from __future__ import annotations

from itertools import chain

import pytest

from tests.simulation.__main__ import EVENTS, caught, caught_together, simulate
from tests.simulation.mutants import MUTANTS, REDUNDANT
from tests.simulation.store import database
from tests.simulation.world import run_seed

CAUGHT_AT = {}
"""Where to look first, to save time; where that no longer holds, all of `SEEDS` are tried."""
SEEDS = range(500)


def test_no_order_is_bought_twice_or_forgotten() -> None:
    """In 250 worlds of faults, kills and freezes: bought once, never forgotten, settled as the truth is, reported."""
    counts, violations = simulate(250)
    assert violations == []
    assert counts["orders placed"] == counts["orders"] == counts["purchases"]
    assert len([event for event in EVENTS if not counts[event]]) < 25
    assert counts["verdict placed"]
    assert counts["verdict absent"]


@pytest.mark.parametrize("mutant", MUTANTS)
def test_broken_protocols_are_caught(mutant: str) -> None:
    """Each broken protocol breaks an invariant within a few hundred seeds."""
    ((_, violation),) = caught([mutant], chain([CAUGHT_AT.get(mutant, 0)], SEEDS))
    assert violation


@pytest.mark.parametrize("pair", range(len(REDUNDANT)))
def test_redundant_layers_are_needed_without_the_other(pair: int) -> None:
    """A layer that another one covers is caught with it, in a world where breaking the other alone does no harm."""
    first, _ = REDUNDANT[pair]
    found = caught_together([REDUNDANT[pair]], chain([CAUGHT_AT[first.__name__]], SEEDS))
    assert all(violation for _, _, violation in found)


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
