"""Which purchases are in flight, as the events of a run tell it: one after the other, or several at once."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from runner.core.orders import OrderKey
from runner.core.progress import Buying, Notice, Progress, Sent, Settled, Waiting, Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """A purchase on its way since `since`; after `deadline` seconds its answer counts as lost."""

    key: OrderKey
    since: float
    deadline: float


class Flights:
    """The purchases in flight, the oldest first: `take` every event of a run, one call at a time.

    An order has a lane from `Buying` to `Settled`; `overlap` is true once two had one at the same time. Before that
    any later event but a notice ends the flight, so that a purchase that turns out not to be sent needs no event of
    its own. `len()` may be asked at any moment, by a signal handler too.
    """

    def __init__(self) -> None:
        self._lanes: set[OrderKey] = set()
        self._sent: dict[OrderKey, Flight] = {}
        self.overlap = False

    def __len__(self) -> int:
        return len(self._sent)

    @property
    def lanes(self) -> int:
        """How many orders are begun and not settled."""
        return len(self._lanes)

    def take(self, event: Progress, now: float = 0.0) -> None:
        """Take over an event that was told at `now`."""
        match event:
            case Notice():
                return
            case Buying(key=key):
                self._lanes.add(key)
                self._sent.pop(key, None)
            case Settled(key=key) | Waiting(key=OrderKey() as key):
                self._sent.pop(key, None)
                if isinstance(event, Settled):
                    self._lanes.discard(key)
        self.overlap = self.overlap or len(self._lanes) > 1
        if not self.overlap:
            self._sent.clear()
        if isinstance(event, Sent):
            self._sent.pop(event.key, None)  # one that is sent again is the youngest
            self._sent[event.key] = Flight(key=event.key, since=now, deadline=event.deadline)

    def oldest_first(self) -> tuple[Flight, ...]:
        """Every flight, in the order in which they were sent."""
        return tuple(self._sent.values())

    def clear(self) -> None:
        """Nothing is on its way any more."""
        self._lanes.clear()
        self._sent.clear()

    def watched_by(self, watch: Watch) -> Watch:
        """A watch that takes every event and hands it on; several threads and a signal handler may call it.

        Its lock is not held while `watch` is called, which may wait for another one.
        """
        lock = threading.RLock()

        def take(event: Progress) -> None:
            with lock:
                self.take(event)
            watch(event)

        return take
