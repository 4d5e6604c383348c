"""How fast work goes and how long it still takes.

Nothing is told before it can be known, and nothing is negative. Pure: the caller reads the clock.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Hashable
from itertools import pairwise
from statistics import median
from typing import Final

KNOWN_AFTER: Final = 2.0
"""Seconds of work before anything is said of its pace."""
KNOWN_FROM: Final = 3
"""Steps before anything is said of its pace."""
LEAST_PART: Final = 0.02
"""So much of a whole has to be done before its rest is told."""
WINDOW: Final = 60.0
"""The vendor's limit counts requests in so many seconds (docs/vendor/api-v1.md#limits)."""


class Meter:
    """One piece of work: `note` how far it is, then ask for `elapsed`, `per_second` and `left`.

    `rate` is how many steps may start in any 60 s, 0 for any number: work that runs into that limit is foretold with
    its pauses, before the first of them comes.
    """

    def __init__(self, now: float, *, rate: int = 0) -> None:
        self._began = now
        self._rate = rate
        self._first: tuple[float, float] | None = None
        self._last = (now, 0.0)
        self._total = 0.0
        self._notes = 0
        self._steps: deque[float] = deque(maxlen=max(rate, 2))

    def note(self, now: float, done: float, total: float) -> None:
        """`done` of `total` is done; any unit that is the same every time."""
        self._total = total
        if self._first is None:
            self._first = (now, done)
        if done > self._last[1] or not self._notes:
            self._last = (now, done)
            self._steps.append(now)
            self._notes += 1

    def elapsed_seconds(self, now: float) -> float:
        """Seconds since the work began."""
        return max(now - self._began, 0.0)

    def per_second(self, now: float) -> float | None:
        """Units done in a second, on average; None while that says nothing."""
        if not self._is_known(now):
            return None
        return 1 / self._pace(now)

    def remaining_seconds(self, now: float) -> float | None:
        """Seconds until all is done; None while that cannot be known."""
        if not self._is_known(now) or self._last[1] < LEAST_PART * self._total:
            return None
        rest = max(self._total - self._last[1], 0.0)
        if self._rate:
            return max(self._paced_seconds(now, math.ceil(rest)), 0.0)
        pace = self._pace(now)
        return max(rest * pace - min(now - self._last[0], pace), 0.0)

    def _is_known(self, now: float) -> bool:
        moved = self._first is not None and self._last[1] > self._first[1]
        return moved and self._notes >= KNOWN_FROM and self.elapsed_seconds(now) >= KNOWN_AFTER

    def _pace(self, now: float) -> float:
        """Seconds a unit, on average; a step that takes long already counts before it is over."""
        (since, start), (until, done) = self._first or self._last, self._last
        moved = done - start
        step = moved / max(self._notes - 1, 1)
        return max((until - since) / moved, (now - since) / (moved + step), 1e-9)

    def _paced_seconds(self, now: float, rest: int) -> float:
        """The rest played through: each step takes what most took, and waits where the limit is reached."""
        starts = list(self._steps)
        quick = median(after - before for before, after in pairwise(starts))
        rounds = max(rest // self._rate - 1, 0)
        at = max(self._last[0], now - quick)
        for _ in range(rest - rounds * self._rate):
            free = starts[-self._rate] + WINDOW if len(starts) >= self._rate else at
            at = max(at + quick, free)
            starts.append(at)
        return at - now + rounds * max(WINDOW, self._rate * quick)


class LaneMeter(Meter):
    """Work whose steps may overlap: `begin` and `end` each by its name, and `note` how many are done.

    What is left is played through in as many lanes as were seen at once. Steps that never overlapped are measured as
    by `Meter`.
    """

    def __init__(self, now: float) -> None:
        super().__init__(now)
        self._open: dict[Hashable, float] = {}
        self._lanes = 0
        self._ended = 0
        self._spent = 0.0

    def begin(self, step: Hashable, now: float) -> None:
        """A step takes a lane."""
        self._open[step] = now
        self._lanes = max(self._lanes, len(self._open))

    def end(self, step: Hashable, now: float) -> None:
        """It leaves the lane."""
        if step in self._open:
            self._spent += now - self._open.pop(step)
            self._ended += 1

    def remaining_seconds(self, now: float) -> float | None:
        """Seconds until all is done; None while that cannot be known."""
        left = super().remaining_seconds(now)
        if left is None or self._lanes < 2 or not self._ended:
            return left
        ages = [now - began for began in self._open.values()]
        each = max(self._spent / self._ended, (self._spent + sum(ages)) / (self._ended + len(ages)))
        free = sorted([max(each - age, 0.0) for age in ages] + [0.0] * (self._lanes - len(ages)))
        rounds, more = divmod(max(round(self._total - self._last[1]) - len(ages), 0), self._lanes)
        last = max(free[-1], free[more - 1] + each) if more else free[-1]
        return last + rounds * each


def span(seconds: float) -> str:
    """`8 s`, `3 min 20 s`, `1 h 5 min`: a length of time that was measured."""
    whole = int(seconds)
    minutes, rest = divmod(whole, 60)
    if whole < 60:
        return f"{whole} s"
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def about(seconds: float) -> str:
    """A length of time that was estimated, no finer than it can be known."""
    if seconds < 5:
        return "a few seconds"
    if seconds < 58:
        return f"about {5 * max(round(seconds / 5), 1)} s"
    minutes = max(round(seconds / 60), 1)
    if minutes < 60:
        return f"about {minutes} min"
    fives = 5 * round(seconds / 300)
    return f"about {fives // 60} h {fives % 60} min"


def pace(per_second: float) -> str:
    """`1,200/s`, `3.4/s`, `45/min`, `6/h`: whichever has a figure to read."""
    if per_second >= 10:
        return f"{per_second:,.0f}/s"
    if per_second >= 1:
        return f"{per_second:.1f}/s"
    if per_second * 60 >= 1:
        return f"{per_second * 60:.0f}/min"
    return f"{per_second * 3600:.0f}/h"
