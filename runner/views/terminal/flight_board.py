"""Purchases on their way, as text: which are in flight and for how long, what waits, how many are settled."""

from __future__ import annotations

from typing import Final

from runner.core.flights import Flights
from runner.core.orders import OrderKey
from runner.core.progress import Buying, Notice, Progress, Sent, Settled
from runner.core.progress import Waiting as Wait
from runner.views.terminal.layout import Awaited, Work
from runner.views.terminal.remaining import LaneMeter
from runner.views.terminal.safe import cell
from runner.views.wording import money, plural

DOUBTFUL: Final = "unknown"
"""The status of an order after which no other is begun."""


class FlightBoard:
    """`take` every event; `work` is the line of the whole, `flights_and_waits` what goes below it.

    One purchase at a time is told by its name and price. Once two have been on their way together the line counts, and
    a wait is over when its time is or its order moves on, not with whatever another order does.
    """

    def __init__(self) -> None:
        self._flights = Flights()
        self._waits: dict[OrderKey | None, Awaited] = {}
        self._meter = LaneMeter(0.0)
        self._begun = 0
        self._total = 0
        self._stops = False
        self.work: Work | None = None

    def take(self, event: Progress, now: float) -> None:
        """Take over what happens at `now`."""
        self._flights.take(event, now)
        match event:
            case Notice(stops=stops):
                self._stops = self._stops or stops
            case Buying():
                self._begin(event, now)
            case Settled(key=key, status=status):
                self._meter.end(key, now)
                self._stops = self._stops or status == DOUBTFUL
        self._end_waits(event)
        if self.work is not None and self._flights.overlap:
            self._count(self.work, now)

    def wait(self, event: Wait, now: float) -> None:
        """Something pauses from `now` on."""
        text = cell(f"waiting: {event.why}")
        self._waits[event.key] = Awaited(text=text, since=now, seconds=event.seconds)

    def flights_and_waits(self, now: float) -> list[Awaited]:
        """Every purchase in flight, the oldest first, and every pause that goes on."""
        flights = [
            Awaited(text=cell(f"{flight.key} in flight"), since=flight.since, seconds=flight.deadline)
            for flight in self._flights.oldest_first()
        ]
        overlap = self._flights.overlap
        return flights + [wait for wait in self._waits.values() if not overlap or now - wait.since < wait.seconds]

    def clear(self) -> None:
        """Nothing is on its way any more, and no line tells of it."""
        self._flights.clear()
        self._waits.clear()
        self.work = None

    def _begin(self, event: Buying, now: float) -> None:
        if self.work is None:
            self._meter, self._begun = LaneMeter(now), 0
            self.work = Work(kind=Buying, meter=self._meter)
        self._meter.begin(event.key, now)
        self._begun, self._total = max(self._begun, event.n), event.total
        if not self._flights.overlap:
            self.work.text = cell(f"[{event.n}/{event.total}] {event.key} for {money(event.price)}")
            self.work.at(now, event.n - 1, event.total)

    def _end_waits(self, event: Progress) -> None:
        if isinstance(event, Buying | Sent | Settled) and self._flights.overlap:
            self._waits.pop(event.key, None)
        elif not isinstance(event, Notice) and not self._flights.overlap:
            self._waits.clear()

    def _count(self, work: Work, now: float) -> None:
        settled, flights = self._begun - self._flights.lanes, self._flights.oldest_first()
        work.text = f"settled {settled} of {self._total}, {len(flights)} in flight"
        work.at(now, settled, self._total)
        work.until = None
        if self._stops and flights:
            work.text = f"waiting for {plural(len(flights), 'purchase')} to be answered"
            work.part = None
            work.until = max(flight.since + flight.deadline for flight in flights)
