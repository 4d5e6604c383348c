"""How fast the vendor may be asked: a sliding window over all requests, a gap between purchases."""

from __future__ import annotations

from collections import deque
from typing import Final

from runner.clock import Clock
from runner.progress import Waiting, Watch

WINDOW: Final = 60.0
PURCHASE_GAP: Final = 2.0
"""Seconds between the starts of two purchases, as the vendor's own client keeps them (api/v1.md section 4)."""
_WORTH_SAYING: Final = 3.0


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
        self._next_purchase = self._clock.monotonic() + PURCHASE_GAP

    def _wait(self, until: float, why: str) -> None:
        seconds = until - self._clock.monotonic()
        if seconds >= _WORTH_SAYING:
            self._watch(Waiting(seconds=seconds, why=why))
        self._clock.sleep(seconds)
