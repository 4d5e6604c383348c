"""Progress as plain lines: one an event, and one now and then for each order in flight."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Final, Self

from runner.core.flights import Flight, Flights
from runner.core.progress import Buying, Following, Notice, Progress, Quoting, Reading, Sent, Settled, Waiting
from runner.views.terminal.console import Channel
from runner.views.terminal.safe import one_line
from runner.views.wording import STATUS_STYLES, money, plural

EVERY: Final = 15.0
"""Seconds between two lines while nothing else happens."""

LONG_WAIT: Final = 5.0
"""A wait of so many seconds is told; shorter ones are the vendor's ordinary pace."""

NAMED: Final = 8
"""So many orders in flight have a line at a time, the oldest first; the others are counted."""


class Lines:
    """One line an event, and every `every` seconds one for each order that has been in flight for as long."""

    def __init__(
        self, channel: Channel, *, verbose: bool, every: float = EVERY, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._channel = channel
        self._verbose = verbose
        self._every = every
        self._clock = clock
        self._changed = threading.Condition(threading.RLock())  # reentrant: a signal handler may watch, too
        self._over = False
        self._thread: threading.Thread | None = None
        self._flights = Flights()
        self._last_beat = float("-inf")
        self._last_count = clock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._over = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def __call__(self, event: Progress) -> None:
        with self._changed:
            if not isinstance(event, Quoting | Reading | Following) or self._is_due(event):
                self._channel.lines(event_lines(event, self._channel, verbose=self._verbose))
            self._follow(event)
            if self._flights and self._thread is None:
                self._thread = threading.Thread(target=self._beats, name="progress", daemon=True)
                self._thread.start()

    def beat(self) -> None:
        """Tell how long each order in flight has been there."""
        with self._changed:
            now = self._last_beat = self._clock()
            flights = [flight for flight in self._flights.oldest_first() if now >= flight.since + self._every]
            self._channel.lines(in_flight(flight, now - flight.since) for flight in flights[:NAMED])
            if len(flights) > NAMED:
                self._channel.lines([f"and {len(flights) - NAMED} more in flight"])

    def _follow(self, event: Progress) -> None:
        self._flights.take(event, self._clock())
        if not isinstance(event, Notice):
            self._changed.notify()

    def _beats(self) -> None:
        with self._changed:
            while not self._over:
                self._changed.wait(self._seconds_to_beat())
                if self._seconds_to_beat() == 0:
                    self.beat()

    def _seconds_to_beat(self) -> float | None:
        """None where nothing is in flight, and at the end."""
        flights = self._flights.oldest_first()
        if self._over or not flights:
            return None
        return max(max(self._last_beat, flights[0].since) + self._every - self._clock(), 0.0)

    def _is_due(self, event: Quoting | Reading | Following) -> bool:
        """Counts are told now and then, every quote to a verbose run; that prices are complete is told always."""
        now = self._clock()
        asked = isinstance(event, Quoting) and (self._verbose or event.done >= event.total)
        if asked or now - self._last_count >= self._every:
            self._last_count = now
            return True
        return False


def event_lines(event: Progress, channel: Channel, *, verbose: bool) -> Iterator[str]:
    """The line of an event, or none where only a verbose run tells it."""
    match event:
        case Quoting():
            yield f"quoted {event.done} of {event.total}"
        case Reading():
            yield f"read {event.done:,} of {plural(event.total, 'manifest')}, {plural(event.orders, 'order')}"
        case Following():
            yield f"checked {event.done:,} of {plural(event.total, 'event')}"
        case Buying():
            yield one_line(f"[{event.n}/{event.total}] {event.key}: buying for {money(event.price)}")
        case Sent():
            yield one_line(f"{event.key}: sent, waiting up to {event.deadline:.0f} s for the answer")
        case Settled():
            status = channel.paint(STATUS_STYLES.get(event.status, "strong"), one_line(event.status))
            detail = f" ({one_line(event.detail)})" if event.detail else ""
            yield f"{one_line(str(event.key))}: {status}{detail}"
        case Waiting() if verbose or event.seconds >= LONG_WAIT:
            yield one_line(f"waiting {event.seconds:.0f} s: {event.why}")
        case Notice():
            yield from notice(event, channel)


def in_flight(flight: Flight, elapsed: float) -> str:
    """How long an order has been on its way, and how long it may be."""
    left = max(flight.deadline - elapsed, 0)
    return one_line(f"{flight.key}: in flight for {elapsed:.0f} s, {left:.0f} s until the answer counts as lost")


def notice(event: Progress, channel: Channel) -> Iterator[str]:
    """The line of a notice; none for any other event."""
    if isinstance(event, Notice):
        yield f"{channel.paint('note', 'note:')} {one_line(event.text)}"
