"""The purchase protocol in simulated worlds, and broken protocols that must be told from it."""

from __future__ import annotations

from itertools import chain

import pytest

from tests.simulation.__main__ import EVENTS, RARE, RENEWALS, caught, caught_together, simulate
from tests.simulation.forgetting import UNSEEN
from tests.simulation.mutants import MUTANTS, REDUNDANT
from tests.simulation.settling import CLASSES
from tests.simulation.store import database
from tests.simulation.world import run_seed

SELDOM = (
    RARE
    | {event for event in EVENTS if event.startswith(("killed at", "frozen at", "asked to stop at"))}
    | {event for event in EVENTS if event.endswith("with several in flight")}
    | {f"exclusive: left to a person: {name}" for name in CLASSES}
    | set(RENEWALS)
    | {
        "connection was stale",
        "charged more, answer lost",
        "verdict open: a stranger on an exclusive account",
        "bought again: over by now",
        "all connections closed at once",
        "clock leapt while lanes waited",
        "two at once: overcharge",
        "settled as a set: placed, exclusive",
        "settled as a set: absent, exclusive",
    }
)
"""Events that a few hundred seeds may do without."""
CAUGHT_AT = {
    "send-unacknowledged": 35,
    "retry-after-timeout": 34,
    "server-error-is-not-bought": 29,
    "error-with-an-order-is-rejected": 27,
    "reconnect-when-stale": 151,
    "lock-not-read": 25,
    "lock-not-written": 25,
    "no-waiting-time": 109,
    "part-of-a-list-is-whole": 1991,
    "always-exclusive": 196,
    "balance-explains-anything": 28,
    "balance-not-asked": 28,
    "list-not-asked": 28,
    "renewals-are-new": 235,
    "mark-is-no-candidate": 28,
    "mark-is-not-compared": 21,
    "one-list-is-looked-at": 42,
    "witness-of-one-list": 401,
    "card-is-balance": 378,
    "lost-rows-unnoticed": 291,
    "limit-not-reserved": 193,
    "balance-not-reserved": 953,
    "read-in-flight": 30,
    "answers-balance-is-a-reading": 32,
    "failure-hides-answers": 20,
    "anchor-ignored": 66,
    "anchor-lost": 34,
    "hints_are_forgotten": 810,
    "orders_never_end": 34,
    "renewal-without-end": 94,
    "renewal-repeated-after-timeout": 18,
    "renewal-judged-by-row-ids": 775,
    "renewal-stacked-early": 6,
    "renewal-charge-is-no-charge": 1390,
    "renewal_ends_compared_exactly": 1016,
}
"""Where to look first, to save time; where that no longer holds, all of `SEEDS` are tried."""
SEEDS = range(2000)


def test_no_order_is_bought_twice_or_forgotten() -> None:
    """In 250 worlds of faults, kills and freezes: bought once, never forgotten, settled as the truth is, reported.

    Bought again is only what the ledger forgot and the vendor's list did not give away.
    """
    counts, violations = simulate(250)
    assert violations == []
    again = sum(counts[f"bought again: {reason}"] for reason in UNSEEN)
    assert counts["orders placed"] == counts["orders"]
    assert counts["orders"] <= counts["purchases"] <= counts["orders"] + again
    assert {event for event in EVENTS if not counts[event]} <= SELDOM
    assert counts["verdict placed"]
    assert counts["verdict absent"]
    assert counts["terms placed"] >= counts["renewals"] > 50


@pytest.mark.parametrize("mutant", MUTANTS)
def test_broken_protocols_are_caught(mutant: str) -> None:
    """Each broken protocol breaks an invariant within two thousand seeds."""
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
