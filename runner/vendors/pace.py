"""How fast the vendor may be asked: a sliding window over all requests, a gap between purchases."""

from __future__ import annotations

from collections import deque
from typing import Final

from runner.core.clock import Clock
from runner.core.progress import Waiting, Watch

WINDOW: Final = 60.0
PURCHASE_GAP: Final = 2.0
"""Seconds between the starts of two purchases, as the vendor's own client keeps them (docs/vendor/api-v1.md#limits)."""
_WORTH_SAYING: Final = 3.0
_ROUNDING: Final = 1e-6
"""Seconds on top of a wait: a sum of floats may fall short of the moment it was made from."""


class Pace:
    """At most `rate` requests start in any 60 s; 0 is unlimited, purchases included."""

    def __init__(self, rate: int, clock: Clock, watch: Watch) -> None:
        self._rate = rate
        self._clock = clock
        self._watch = watch
        self._starts: deque[float] = deque(maxlen=rate or 1)
        self._next_purchase = float("-inf")

    def request(self) -> None:
        """Wait until one more request may start, and count it."""
        if not self._rate:
            return
        if len(self._starts) == self._rate:
            self._wait(self._starts[0] + WINDOW, "the request rate")
        self._starts.append(self._clock.monotonic())

    def purchase(self) -> None:
        """Wait until a purchase may start, and count it as a request too."""
        if not self._rate:
            return
        self._wait(self._next_purchase, "the gap between purchases")
        self.request()
        self.purchase_written()

    def purchase_written(self) -> None:
        """The purchase counted last leaves only now: connecting and claiming took their time."""
        if not self._rate:
            return
        now = self._clock.monotonic()
        self._starts[-1] = now
        self._next_purchase = now + PURCHASE_GAP

    def _wait(self, until: float, why: str) -> None:
        seconds = until - self._clock.monotonic()
        if seconds <= 0:
            return
        if seconds >= _WORTH_SAYING:
            self._watch(Waiting(seconds=seconds, why=why))
        self._clock.sleep(seconds + _ROUNDING)
