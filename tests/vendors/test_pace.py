"""How fast the vendor is asked: never above the rate in any minute, never two purchases within two seconds."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.progress import Progress, Waiting
from runner.vendors.pace import PURCHASE_GAP, WINDOW, Pace


class SleepingClock:
    """Time that passes by sleeping, or when a test says so."""

    def __init__(self) -> None:
        self.time = 0.0
        self.sleeps: list[float] = []

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time, UTC)

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.time += seconds


ROUNDING = 1e-9
"""Seconds that sums of floating numbers may be off by."""
SECONDS = st.floats(0, 90) | st.sampled_from([0.0, 0.1, 2.0, 59.9, 60.0])
STEPS = st.lists(st.tuples(st.sampled_from(["read", "purchase", "connect"]), SECONDS, st.floats(0, 25)), max_size=80)


@given(st.integers(1, 9), STEPS)
def test_no_minute_holds_more_than_the_rate_and_purchases_keep_their_gap(
    rate: int, steps: list[tuple[str, float, float]]
) -> None:
    """Whatever mix of reads, purchases and connections that come to nothing, at whatever pace they are wanted."""
    clock = SleepingClock()
    pace = Pace(rate, clock, lambda _: None)
    starts: list[float] = []
    purchases: list[float] = []
    for kind, idle, connecting in steps:
        clock.time += idle
        if kind == "read":
            pace.request()
            starts.append(clock.time)
            continue
        pace.purchase()
        starts.append(clock.time)
        clock.time += connecting
        if kind == "purchase":
            pace.purchase_written()
            starts[-1] = clock.time
            purchases.append(clock.time)
    assert all(later - first >= WINDOW - ROUNDING for first, later in zip(starts, starts[rate:], strict=False))
    assert all(later - first >= PURCHASE_GAP - ROUNDING for first, later in pairwise(purchases))


@given(st.lists(st.booleans(), max_size=30))
def test_zero_is_unlimited(steps: list[bool]) -> None:
    """Rate 0: nothing ever waits, purchases included."""
    clock = SleepingClock()
    pace = Pace(0, clock, lambda _: None)
    for purchase in steps:
        if purchase:
            pace.purchase()
            pace.purchase_written()
        else:
            pace.request()
    assert clock.sleeps == []


def test_no_time_is_wasted() -> None:
    """The wait is what the rule asks for, to the microsecond: the rate is used up in full."""
    clock = SleepingClock()
    pace = Pace(50, clock, lambda _: None)
    for _ in range(500):
        pace.request()
    assert clock.time == pytest.approx(9 * WINDOW, abs=1e-3)


def test_a_purchase_that_takes_its_time_needs_no_further_gap() -> None:
    """Two purchases whose answers took longer than the gap follow each other at once."""
    clock = SleepingClock()
    pace = Pace(50, clock, lambda _: None)
    for _ in range(3):
        pace.purchase()
        pace.purchase_written()
        clock.time += 30
    assert clock.sleeps == []


def test_the_gap_counts_from_the_moment_of_writing() -> None:
    """A purchase whose connection took five seconds still keeps the next one two seconds away."""
    clock = SleepingClock()
    pace = Pace(50, clock, lambda _: None)
    pace.purchase()
    clock.time += 5
    pace.purchase_written()
    pace.purchase()
    assert clock.time == pytest.approx(7.0, abs=1e-3)


def test_only_a_wait_that_a_person_notices_is_told() -> None:
    """The gap between purchases passes in silence, the end of a minute's rate does not."""
    clock, seen = SleepingClock(), list[Progress]()
    pace = Pace(2, clock, seen.append)
    pace.purchase()
    pace.purchase()
    assert seen == []
    pace.purchase()
    assert [(wait.why, round(wait.seconds)) for wait in seen if isinstance(wait, Waiting)] == [("the request rate", 56)]
