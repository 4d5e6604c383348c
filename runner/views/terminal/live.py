"""Progress redrawn on a terminal: a line for the work, one for each thing awaited, all gone at the end.

What is over scrolls up as plain lines. The cursor is never hidden, so that nothing, a SIGKILL included, can leave a
terminal without one; it rests at the start of the last line drawn. Only relative moves and erasing are used, so never
more lines are drawn than the terminal has.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from runner.core.progress import Buying, Comparing, Following, Listing, Looked, Progress, Quoting, Reading, Sent
from runner.core.progress import Waiting as Wait
from runner.views.terminal.console import MIN_WIDTH, Channel
from runner.views.terminal.event_log import event_lines
from runner.views.terminal.flight_board import FlightBoard
from runner.views.terminal.layout import Work, awaited_lines, work_line
from runner.views.terminal.remaining import Meter
from runner.views.wording import plural

MOMENT: Final = 0.5
"""Work that is over sooner is not drawn."""
BEAT: Final = 0.125
"""Seconds between two drawings."""
LINES: Final = 24
"""Lines of a terminal that does not tell how many it has."""

_BELOW: Final = "\x1b[J"
"""Erases from the cursor to the end of the screen."""
_REST: Final = "\x1b[K"
"""Erases the rest of the line."""


class Drawn:
    """A `Watch` that draws. `rate` is how many requests may start in any 60 s, 0 for any number.

    Nothing is drawn between the last quote and the first purchase, where a person may be asked to confirm.
    """

    def __init__(self, channel: Channel, *, verbose: bool, clock: Callable[[], float], rate: int = 0) -> None:
        self._channel = channel
        self._verbose = verbose
        self._clock = clock
        self._rate = rate
        self._follows = _size(channel).columns == channel.width
        self._changed = threading.Condition(threading.RLock())  # reentrant: a signal handler may watch, too
        self._busy = False
        self._later: list[Progress] = []
        self._thread: threading.Thread | None = None
        self._over = False
        self._work: Work | None = None
        self._flights = FlightBoard()
        self._began: float | None = None
        self._drawn_at = float("-inf")
        self._rows = 0

    def __call__(self, event: Progress) -> None:
        with self._changed:
            self._later.append(event)
            if self._busy:  # a signal handler, in the middle of a drawing: told right after it
                return
            self._busy = True
            try:
                while self._later:
                    self._take(self._later.pop(0))
            finally:
                self._busy = False
            if self._began is not None and self._thread is None:
                self._thread = threading.Thread(target=self._beats, name="progress", daemon=True)
                self._thread.start()

    def beat(self) -> None:
        """Draw what is going on, if it has been going on for more than a moment."""
        with self._changed:
            now = self._clock()
            if self._began is not None and now - self._began >= MOMENT and now - self._drawn_at >= BEAT:
                self._draw((), now)

    def end(self) -> None:
        """Leave the terminal as a log: drawn lines are taken away, what scrolled up stays."""
        with self._changed:
            self._over = True
            self._changed.notify()
            self._put_away()
        if self._thread is not None:
            self._thread.join()

    def _beats(self) -> None:
        with self._changed:
            while not self._over:
                self._changed.wait(BEAT)
                if not self._over:
                    self.beat()

    def _take(self, event: Progress) -> None:
        now = self._clock()
        self._flights.take(event, now)
        match event:
            case Quoting() if event.done >= event.total:
                self._put_away()
                self._print(event)
            case Listing() if self._work is not None and self._work.kind in (Quoting, Buying):
                pass  # a part of something larger
            case Listing(type=None):
                self._put_away()
            case Reading() | Following() if event.done >= event.total:
                self._put_away()
            case Quoting() | Reading() | Listing() | Following() | Comparing() | Looked():
                self._go_on(event, now)
            case Buying():
                self._work = self._flights.work
                self._begin(now)
            case Sent():
                self._begin(now)
            case Wait() if self._work is not None:
                self._flights.wait(event, now)
                self._begin(now)
            case _:
                self._print(event)

    def _go_on(self, event: Progress, now: float) -> None:
        work = self._work
        if work is None or work.kind is not type(event):
            self._flights.clear()
            rate = self._rate if isinstance(event, Quoting) else 0
            work = self._work = Work(kind=type(event), meter=Meter(now, rate=rate))
        update(work, event, now)
        self._begin(now)

    def _begin(self, now: float) -> None:
        if self._began is None:
            self._began = now
        self.beat()

    def _print(self, event: Progress) -> None:
        lines = list(event_lines(event, self._channel, verbose=self._verbose))
        if not self._rows:
            self._channel.lines(lines)
        elif lines:
            self._draw(lines, self._clock())

    def _draw(self, above: Iterable[str], now: float) -> None:
        """Everything in one write: what scrolls up, then the lines that stay below."""
        width, rows = self._room()
        below = [work_line(self._work, now, width, self._channel)] if self._work else []
        below += awaited_lines(self._flights.flights_and_waits(now), now, width, rows - len(below), self._channel)
        start = _up(self._rows) + "".join(f"{line}{_REST}\n" for line in above)
        self._rows, self._drawn_at = len(below), now
        self._channel.write(start + f"{_REST}\n".join(below) + _BELOW + "\r")

    def _put_away(self) -> None:
        self._work = self._began = None
        self._flights.clear()
        if self._rows:
            start, self._rows = _up(self._rows), 0
            self._channel.write(start + _BELOW)

    def _room(self) -> tuple[int, int]:
        """Cells that a line may take, the last of the terminal's left free, where terminals differ; and lines.

        The topmost is left to what was last written above, where there are more than two.
        """
        size = _size(self._channel)
        columns = size.columns if self._follows else self._channel.width
        return columns - 1, max(size.lines - 1, min(size.lines, 2))


def update(work: Work, event: Progress, now: float) -> None:
    """Take over how far the work is."""
    match event:
        case Quoting():
            work.text = f"quoted {event.done} of {event.total}"
            work.at(now, event.done, event.total)
        case Reading():
            work.text = f"read {event.done:,} of {plural(event.total, 'manifest')}, {plural(event.orders, 'order')}"
            work.at(now, event.part, 1.0)
            work.unit(event.orders, "orders")
        case Following():
            work.text = f"checked {event.done:,} of {plural(event.total, 'event')}"
            work.at(now, event.done, event.total)
        case Listing():
            work.text = f"reading the vendor's list of {event.type}"
        case Comparing():
            work.text = "comparing orders with their events"
        case Looked():
            looks = plural(event.looks, "look")
            work.text = f"{event.open} of {plural(event.total, 'order')} in doubt after {looks}"
            work.until = now + event.left


def _up(rows: int) -> str:
    return (f"\x1b[{rows - 1}A" if rows > 1 else "") + "\r" if rows else ""


def _size(channel: Channel) -> os.terminal_size:
    with suppress(OSError, ValueError, AttributeError):
        columns, lines = os.get_terminal_size(channel.stream.fileno())  # type: ignore[union-attr]
        return os.terminal_size((max(columns or channel.width, MIN_WIDTH), lines or LINES))
    return os.terminal_size((channel.width, LINES))
