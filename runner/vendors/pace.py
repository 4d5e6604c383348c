"""How fast the vendor may be asked: a sliding window over all requests, a gap between purchases."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from runner.core.clock import Clock
from runner.core.progress import Waiting, Watch

WINDOW: Final = 60.0
PURCHASE_GAP: Final = 2.0
"""Seconds between the starts of two purchases, as the vendor's own client keeps them (docs/vendor/api-v1.md#limits)."""
MOST: Final = 1000
"""Requests in any 60 s that a climbing rate ends at: the greatest limit that a source names for a minute."""
LEAST: Final = 10
"""What it never falls below."""
STEP: Final = 10
"""What a minute without throttling adds, once the rate has fallen."""
_SAME_NEWS: Final = 5.0
"""Seconds in which further refusals tell what the first one told: they were asked before it fell."""
_WORTH_SAYING: Final = 3.0
_RATE: Final = "the request rate"
_ROUNDING: Final = 1e-6
"""Seconds on top of a wait: a sum of floats may fall short of the moment it was made from."""


class Pace:
    """At most `rate` requests start in any 60 s; 0 is unlimited. `gap` is the seconds between the starts of purchases.

    With `climbs` that is where the rate begins: each minute that was used up and not throttled doubles it, until it has
    fallen once, and adds `STEP` from then on. Several threads may keep one pace.
    """

    def __init__(
        self, rate: int, clock: Clock, watch: Watch, *, gap: float | None = None, climbs: bool = False
    ) -> None:
        self._rate = self._first = rate
        self._gap = (PURCHASE_GAP if rate else 0.0) if gap is None else gap
        self._climbs = climbs
        self._clock = clock
        self._watch = watch
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._own = threading.local()
        self._starts: deque[float] = deque()
        self._next_purchase = self._fallen = self._changed = float("-inf")
        self._fell_from = rate

    def request(self) -> None:
        """Wait until one more request may start, and count it."""
        if self._rate:
            self._start()

    @contextmanager
    def purchase(self) -> Iterator[None]:
        """Wait until a purchase may start, and count it as a request too.

        With a gap, it is the turn of this thread until `purchase_written`, or the end of the `with`: of several that
        connect and claim at once, two could be written together.
        """
        if self._gap:
            self._turn.acquire()
        self._own.turn = bool(self._gap)
        try:
            self._own.start = self._start(purchase=True) if self._rate or self._gap else None
            yield
        finally:
            self._end_turn()

    def purchase_written(self) -> None:
        """The purchase this thread counted last leaves only now: connecting and claiming took their time."""
        if self._own.start is None:
            return
        with self._lock:
            now = self._clock.monotonic()
            if self._own.start in self._starts:
                self._starts.remove(self._own.start)
                self._starts.append(now)
            self._own.start, self._next_purchase = now, now + self._gap
        self._end_turn()

    def _end_turn(self) -> None:
        if self._own.turn:
            self._own.turn = False
            self._turn.release()

    def fall(self) -> bool:
        """The vendor throttles: halve a rate that climbs. True where it had climbed, so that asking again may help."""
        with self._lock:
            if not self._climbs:
                return False
            now = self._clock.monotonic()
            if now - self._fallen >= _SAME_NEWS:
                self._fell_from, self._rate = self._rate, max(LEAST, self._rate // 2)
                self._changed = self._fallen = now
            return self._fell_from > self._first

    def _start(self, *, purchase: bool = False) -> float:
        """The moment at which a request may start, once it has come; at once where the run is asked to stop."""
        waited = is_cut_short = False
        while True:
            with self._lock:
                now = self._clock.monotonic()
                if waited:
                    self._climb(now)
                until, why = self._earliest(now, purchase=purchase)
                if until <= now or is_cut_short:
                    if self._rate:
                        self._starts.append(now)
                    self._next_purchase = now + self._gap if purchase else self._next_purchase
                    return now
            self._wait(until - now, why)
            waited = why == _RATE
            is_cut_short = self._clock.monotonic() < until

    def _earliest(self, now: float, *, purchase: bool) -> tuple[float, str]:
        """From when on the next request may start, and what it waits for."""
        gap_ends = self._next_purchase if purchase else now
        if gap_ends > now:
            return gap_ends, "the gap between purchases"
        while self._starts and self._starts[0] + WINDOW <= now:
            self._starts.popleft()
        full = self._rate and len(self._starts) >= self._rate
        return self._starts[-self._rate] + WINDOW if full else now, _RATE

    def _climb(self, now: float) -> None:
        """Somebody had to wait: the last minute was used up. More in the next one, unless the rate is a new one."""
        if self._climbs and now - self._changed >= WINDOW:
            ever_fell = self._fallen > float("-inf")
            self._rate = min(MOST, self._rate + STEP if ever_fell else self._rate * 2)
            self._changed = now

    def _wait(self, seconds: float, why: str) -> None:
        if seconds >= _WORTH_SAYING:
            self._watch(Waiting(seconds=seconds, why=why))
        self._clock.sleep(seconds + _ROUNDING)
