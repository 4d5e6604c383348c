"""How fast the vendor is asked: never above the rate in any minute, never two purchases within two seconds."""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections import deque
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.core.progress import Progress, Waiting
from runner.vendors.pace import LEAST, MOST, PURCHASE_GAP, STEP, WINDOW, Pace


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


def buy(pace: Pace) -> None:
    """A purchase that is written at once."""
    with pace.purchase():
        pace.purchase_written()


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
        with pace.purchase():
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
            buy(pace)
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
        buy(pace)
        clock.time += 30
    assert clock.sleeps == []


def test_the_gap_counts_from_the_moment_of_writing() -> None:
    """A purchase whose connection took five seconds still keeps the next one two seconds away."""
    clock = SleepingClock()
    pace = Pace(50, clock, lambda _: None)
    with pace.purchase():
        clock.time += 5
        pace.purchase_written()
    buy(pace)
    assert clock.time == pytest.approx(7.0, abs=1e-3)


def test_only_a_wait_that_a_person_notices_is_told() -> None:
    """The gap between purchases passes in silence, the end of a minute's rate does not."""
    clock, seen = SleepingClock(), list[Progress]()
    pace = Pace(2, clock, seen.append)
    buy(pace)
    buy(pace)
    assert seen == []
    buy(pace)
    assert [(wait.why, round(wait.seconds)) for wait in seen if isinstance(wait, Waiting)] == [("the request rate", 56)]


def test_a_gap_of_its_own_holds_at_any_rate() -> None:
    """`--gap` counts where the rate is unlimited, too, and 0 lifts it where the rate is not."""
    clock = SleepingClock()
    for gap, rate, seconds in ((5.0, 0, 10.0), (0.0, 50, 0.0)):
        begun, pace = clock.time, Pace(rate, clock, lambda _: None, gap=gap)
        for _ in range(3):
            buy(pace)
        assert clock.time - begun == pytest.approx(seconds, abs=1e-3)


def test_whoever_is_to_stop_does_not_wait_for_the_gap() -> None:
    """A sleep that ends early, because the run is asked to stop, is the last one: nothing turns round and round."""
    clock = SleepingClock()
    pace = Pace(50, clock, lambda _: None)
    buy(pace)
    clock.sleep = clock.sleeps.append  # type: ignore[method-assign]
    buy(pace)
    assert len(clock.sleeps) == 1


def test_lanes_are_written_one_gap_apart() -> None:
    """Of eight threads that connect at once each is written two seconds after the one before, however long it took."""
    clock, lock = SleepingClock(), threading.Lock()
    pace, written = Pace(500, clock, lambda _: None), list[float]()

    def lane(connecting: float) -> None:
        with pace.purchase():
            with lock:
                clock.time += connecting
            pace.purchase_written()
            written.append(clock.time)

    lanes = [threading.Thread(target=lane, args=(n % 3 / 2,)) for n in range(8)]
    for thread in lanes:
        thread.start()
    for thread in lanes:
        thread.join()
    assert len(written) == 8
    assert all(later - first >= PURCHASE_GAP - 1e-3 for first, later in pairwise(written))


# -- a rate that climbs


def used(pace: Pace, clock: SleepingClock, minutes: int) -> list[int]:
    """How many requests start in each of so many minutes, as many as may."""
    begin, starts = clock.time, list[float]()
    while clock.time < begin + minutes * WINDOW:
        pace.request()
        starts.append(clock.time)
    return [sum(n * WINDOW <= start - begin < (n + 1) * WINDOW for start in starts) for n in range(minutes)]


def climbing(clock: SleepingClock, rate: int = 50) -> Pace:
    return Pace(rate, clock, lambda _: None, climbs=True)


def test_a_rate_climbs_while_nothing_throttles() -> None:
    """From the safe rate on it doubles by the minute, and stays at the most that a source names."""
    clock = SleepingClock()
    assert used(climbing(clock), clock, 7) == [50, 100, 200, 400, 800, MOST, MOST]


def test_a_rate_that_nobody_uses_up_does_not_climb() -> None:
    """Half of the safe rate for an hour proves nothing about more."""
    clock = SleepingClock()
    pace = climbing(clock)
    for _ in range(60 * 25):
        pace.request()
        clock.time += WINDOW / 25
    clock.time += WINDOW
    assert used(pace, clock, 1) == [50]


def test_a_rate_falls_at_once_and_climbs_slowly() -> None:
    """A refusal halves it; after that a minute without one adds a few."""
    clock = SleepingClock()
    pace = climbing(clock)
    assert used(pace, clock, 3) == [50, 100, 200]
    pace.fall()
    clock.time += WINDOW
    assert used(pace, clock, 3) == [200, 200 + STEP, 200 + 2 * STEP]


def test_one_burst_of_refusals_is_one_fall() -> None:
    """Requests that were under way when the rate fell are refused as well: that is no further news."""
    clock = SleepingClock()
    pace = climbing(clock)
    for _ in range(8):
        pace.fall()
        clock.time += 0.5
    assert used(pace, clock, 1) == [25]


def test_only_a_rate_that_had_climbed_is_worth_another_try() -> None:
    """At the safe rate and below, and for a rate that is named, the refusal has another reason."""
    clock = SleepingClock()
    assert not Pace(500, clock, lambda _: None).fall()
    pace = climbing(clock)
    used(pace, clock, 2)
    for expected in (True, True, False):  # at 200, at 100, and at 50
        clock.time += WINDOW
        assert pace.fall() is expected


def test_a_named_rate_never_falls() -> None:
    """What a person asks for is kept, whatever the vendor says."""
    clock = SleepingClock()
    pace = Pace(50, clock, lambda _: None)
    pace.fall()
    assert used(pace, clock, 2) == [50, 50]


THROTTLED = st.lists(
    st.tuples(
        st.sampled_from(["read", "read", "read", "purchase", "refused"]),
        st.integers(1, 400),
        st.sampled_from([0.0, 0.0, 0.01, 1.0, 59.0, 60.0, 61.0]),
        st.floats(0, 25),
    ),
    max_size=25,
)


@given(THROTTLED)
def test_whatever_happens_no_minute_holds_more_than_a_thousand(steps: list[tuple[str, int, float, float]]) -> None:
    """Any mix of bursts, idle times, slow connections and refusals; and after a refusal never more than before it."""
    clock = SleepingClock()
    pace = climbing(clock)
    starts: list[float] = []
    for kind, count, idle, connecting in steps:
        clock.time += idle
        if kind == "refused":
            pace.fall()
        for _ in range(count if kind == "read" else 0):
            pace.request()
            starts.append(clock.time)
        if kind == "purchase":
            with pace.purchase():
                clock.time += connecting
                pace.purchase_written()
                starts.append(clock.time)
    starts.sort()
    fullest = max((n + 1 - bisect_right(starts, at - WINDOW + ROUNDING) for n, at in enumerate(starts)), default=0)
    assert fullest <= MOST


@settings(deadline=None, max_examples=30)
@given(st.integers(LEAST, 400))
def test_it_finds_what_the_vendor_takes(limit: int) -> None:
    """Of whatever a vendor takes in any minute, at least half is used in the end, and it is asked for more now and then."""
    clock = SleepingClock()
    pace = climbing(clock)
    taken: deque[float] = deque(maxlen=limit)
    last: list[float] = []
    while clock.time < 20 * WINDOW:
        pace.request()
        if len(taken) == limit and taken[0] > clock.time - WINDOW + ROUNDING:
            pace.fall()
            clock.time += 2.0
            continue
        taken.append(clock.time)
        if clock.time >= 10 * WINDOW:
            last.append(clock.time)
    assert len(last) / 10 >= limit / 2 - 1


def test_threads_share_one_pace() -> None:
    """Eight threads that ask at once are let in as one would be: in no minute one too many, no two purchases at once."""
    clock = SleepingClock()
    pace = Pace(40, clock, lambda _: None)
    starts, purchases = list[float](), list[float]()

    def ask() -> None:
        for n in range(50):
            if n % 10:
                starts.append(pace._start())
            else:
                starts.append(pace._start(purchase=True))
                purchases.append(starts[-1])

    def sleep(seconds: float) -> None:
        end = clock.time + seconds
        while clock.time < end:
            time.sleep(0.0001)

    clock.sleep = sleep  # type: ignore[method-assign] - it is over when the clock says so
    moving = threading.Event()

    def tick() -> None:
        while not moving.wait(0.0001):
            clock.time += PURCHASE_GAP

    ticking, asking = threading.Thread(target=tick), [threading.Thread(target=ask) for _ in range(8)]
    for thread in (ticking, *asking):
        thread.start()
    for thread in asking:
        thread.join()
    moving.set()
    ticking.join()
    starts.sort()
    assert len(starts) == 400
    assert all(later - first >= WINDOW - ROUNDING for first, later in zip(starts, starts[40:], strict=False))
    assert all(later - first >= PURCHASE_GAP - ROUNDING for first, later in pairwise(sorted(purchases)))
