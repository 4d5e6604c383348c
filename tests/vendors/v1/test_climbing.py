"""A rate that climbs, on real sockets, against a vendor that has a limit and says so in either of its two ways."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import pytest

from runner.core.errors import AccessError
from runner.core.secrets import ApiKey
from runner.core.vendor import NotSent
from runner.sandbox.box import Sandbox
from runner.sandbox.options import SANDBOX_KEY, Options
from runner.vendors.pace import WINDOW
from runner.vendors.transport import Transport
from runner.vendors.v1.adapter import V1Buyer, V1Reader
from tests.make import order

FORMS: tuple[Literal["429", "triple"], ...] = ("429", "triple")
READS = 1200


class SleepingClock:
    """Time that passes by sleeping; the vendor's minutes are the same."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time, UTC)

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += max(seconds, 0.0)


def reading(limit_form: Literal["429", "triple"], limit: int, clock: SleepingClock, reads: int, **rate: int) -> Sandbox:
    """The account's balance, read so often at a rate that climbs."""
    options = Options(limit_form=limit_form, limit_per_minute=limit)
    box = Sandbox(options=options, clock=clock.monotonic)
    settings = {"rate": 50, "climbs": True} | rate
    with (
        box.serve() as server,
        Transport(server.base_url, ApiKey(SANDBOX_KEY), clock=clock, **settings) as way,  # type: ignore[arg-type]
    ):
        reader = V1Reader(way, clock)
        for _ in range(reads):
            reader.balance()
    return box


@pytest.mark.parametrize("limit_form", FORMS)
def test_every_read_is_answered_in_the_end_and_sooner(limit_form: Literal["429", "triple"]) -> None:
    """Where the vendor takes 150 in a minute, that is found out; what it turned away on the way is asked again."""
    clock = SleepingClock()
    box = reading(limit_form, 150, clock, READS)
    turned_away = len(box.requests) - READS
    assert 1 <= turned_away <= READS / 100
    assert clock.time < READS / 50 * WINDOW / 1.5


def test_a_vendor_that_takes_all_is_asked_a_thousand_times_a_minute() -> None:
    """Nothing throttles below the highest limit that is known."""
    clock = SleepingClock()
    box = reading("triple", 1000, clock, 2 * READS)
    assert len(box.requests) == 2 * READS
    assert clock.time < 6 * WINDOW


@pytest.mark.parametrize("fault", ["429", "triple"])
def test_a_purchase_that_is_turned_away_slows_reads_down(fault: str) -> None:
    """Half as many requests as before start in the minute of the refusal."""
    clock = SleepingClock()
    with (
        Sandbox(faults=[fault], clock=clock.monotonic).serve() as server,
        Transport(server.base_url, ApiKey(SANDBOX_KEY), clock=clock, rate=50, climbs=True) as way,
    ):
        buyer = V1Buyer(way, clock)
        with buyer.connect() as line:
            assert not isinstance(line, NotSent)
            line.send(order(fields={"customTargetName": "prices"}), lambda: None)
        for _ in range(24):
            buyer.balance()
        assert clock.time < WINDOW
        buyer.balance()
    assert clock.time >= WINDOW


def test_a_refusal_at_the_safe_rate_is_final() -> None:
    """The three causes of the refusal have one answer: where it cannot be the rate, nobody waits for it."""
    clock = SleepingClock()
    with pytest.raises(AccessError):
        reading("triple", 5, clock, 10)
    assert clock.time < WINDOW


def test_a_named_rate_is_kept() -> None:
    """Without `auto` a refusal ends the reading at any rate."""
    clock = SleepingClock()
    with pytest.raises(AccessError):
        reading("triple", 150, clock, 400, rate=300, climbs=False)
