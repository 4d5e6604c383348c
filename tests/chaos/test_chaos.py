"""A few seeds of the chaos, and some broken protocols. `python -m tests.chaos --seeds 1000` is the real thing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos.judge import Broken
from tests.chaos.nursery import Nursery
from tests.chaos.play import Player
from tests.chaos.points import POINTS, Plan
from tests.chaos.runner import GUARD_SECONDS
from tests.chaos.schedule import (
    ARGUMENTS,
    FREEZES,
    MAKE_FAULTS,
    OFFERS,
    READ_FAULTS,
    RENEW,
    RENEW_FAULTS,
    SETTLE_AFTER,
    Round,
    Schedule,
    schedule,
)
from tests.chaos.seeds import play_all, play_seeds
from tests.chaos.tally import FEW, LANES, MANY, MOST, RENEWALS, SETTLED, Tally

SEEDS = 12


def test_nothing_is_bought_twice_or_lost_in_a_few_seeds() -> None:
    """Kills, freezes, signals and a failing vendor: one purchase an order, ledger equal to the vendor at the end."""
    tally = play_all(list(range(SEEDS)), None, jobs=4)
    assert tally.broken == []
    assert tally.gaps() == []
    assert tally.purchases > SEEDS


@pytest.mark.parametrize(
    ("mutant", "first"),
    [
        ("retry-after-unknown", 0),
        ("mark-after-send", 20),
        ("stop-does-not-wait", 5),
        ("failure-hides-answers", 20),
        ("one-connection", 8),
    ],
)
def test_a_broken_protocol_is_caught(mutant: str, first: int) -> None:
    """Who repeats what got no answer, marks after it sent, or mixes up its lanes, is found out within a few seeds."""
    tally = play_seeds(list(range(first, first + 60)), mutant)
    assert {kind for _, kind, _ in tally.broken} <= {"duplicate", "lost", "verdict", "awaited", "phantom"}
    assert tally.broken


def test_a_renewal_that_is_repeated_is_caught(tmp_path: Path) -> None:
    """The order is bought, and the answer to its renewal is lost: the program keeps it in doubt, the mutant does not."""
    tally = Tally()
    with Nursery() as nursery:
        Player(nursery, tally).play(_one_renewal(None), _folder(tmp_path / "whole"))
        with pytest.raises(Broken) as caught:
            Player(nursery, Tally()).play(_one_renewal("renewal-repeated"), _folder(tmp_path / "broken"))
    assert (tally.renewals["made"], tally.renewals["answer lost, sold"]) == (1, 1)
    assert caught.value.kind in ("duplicate", "lost")


def _one_renewal(mutant: str | None) -> Schedule:
    order = {"name": "o", **OFFERS[0], "customTargetName": "o", "renew": RENEW}
    buys = Round(orders=(order,), runners=(Plan(mutant=mutant),), faults=(), strangers=(), settling=None)
    renews = replace(buys, orders=(), faults=("renew-close-after+1",))
    return Schedule(seed=0, shared=False, renews=True, rounds=(buys, renews), switches={})


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def test_nothing_is_bought_after_the_waiting_time() -> None:
    """Guard, freeze and the vendor's latest purchase are over before an order may be called absent: else it proves nothing."""
    assert GUARD_SECONDS + max(FREEZES) + float(ARGUMENTS["silent-later"]) < SETTLE_AFTER
    assert float(ARGUMENTS["silent-later"]) > Plan().money_timeout, "it comes when nobody waits for it any more"


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
    assert {f"no {what}" for what in SETTLED} <= set(gaps)
    assert {f"no renewal {what}" for what in RENEWALS} <= set(gaps)
    assert {f"fault {kind} never met" for kind in RENEW_FAULTS} <= set(Tally(seeds=MOST).gaps())
    assert {f"never {what}" for what in LANES} <= set(gaps)
    assert "20 seeds without a verdict" in Tally(seeds=MANY, slow=20).gaps()
