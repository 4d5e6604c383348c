"""A run of the program as a thing that can be killed, frozen and asked to stop, in time that passes on request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from runner.core.stop import Stop
from tests.simulation.flights import BAD_LUCK, Flights
from tests.simulation.points import LOCKED

if TYPE_CHECKING:
    from tests.simulation.baton import Baton, Strand
    from tests.simulation.world import World

AT: Final = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MOVES: Final = "loses its ledger"
"""The fate of a process whose ledger goes away: `moving.py`."""


class Killed(BaseException):
    """The end of a process: nothing of it happens any more, not even what it would do on its way out."""


class SimClock:
    """Time that passes when somebody says so."""

    def __init__(self) -> None:
        self._passed = 0.0
        self.baton: Baton | None = None

    def now(self) -> datetime:
        return AT + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        return self._passed

    def sleep(self, seconds: float) -> None:
        self.advance(max(seconds, 0))

    def advance(self, seconds: float) -> None:
        """Time passes for whoever asks; what else its process has in flight goes on meanwhile."""
        if self.baton is not None and self.baton.is_shared:
            self.baton.sleep(seconds)
        else:
            self._passed += seconds

    def pass_until(self, moment: float) -> None:
        """Time passes for everybody."""
        self._passed = max(self._passed, moment)

    @contextmanager
    def lent_to(self, baton: Baton | None) -> Iterator[None]:
        """Only this process goes on, or none: those that are frozen do not."""
        before, self.baton = self.baton, baton
        try:
            yield
        finally:
            self.baton = before


class SimStop(Stop):
    """A wish to stop that waits in simulated time and takes no signals."""

    def __init__(self, clock: SimClock) -> None:
        super().__init__()
        self._clock = clock

    def wait(self, seconds: float) -> None:
        self._clock.sleep(seconds)

    @contextmanager
    def deferring(self, watch: Any, in_flight: Any = None) -> Iterator[None]:
        del watch, in_flight
        yield


class Process:
    """One run of the program, with what is going to happen to it."""

    def __init__(self, world: World, *, fate: str = "lives", point: str = "", nth: int = 1) -> None:
        self.world = world
        self.stop = SimStop(world.clock)
        self.fate = fate
        self.knows_hold = world.rng.random() < 0.5
        """A process whose hold was lost while it was frozen may not know of it."""
        self.connection, self.lock = world.connection, world.lock
        """What it has open, wherever that is by now."""
        self.dead = False
        self.point = point
        self.looks = False
        self.saw: dict[str, set[int]] = {}
        """By type: which orders the first reading had."""
        self.flights = Flights(self)
        self._left = nth

    def befall(self, fate: str, point: str, nth: int) -> None:
        """Something else is going to happen to it, unless it is to lose its ledger."""
        if self.fate != MOVES:
            self.fate, self.point, self._left = fate, point, nth

    @property
    def own(self) -> Strand:
        """What the thread that is going on remembers of its order."""
        return self.flights.baton.current

    def breathe(self) -> None:
        """A dead process does nothing."""
        if self.dead:
            raise Killed

    def die(self, where: str) -> None:
        self.world.counts[f"killed {where}"] += 1
        self.world.say(f"    killed {where}")
        self.flights.count("killed")
        self.dead = True
        raise Killed

    def at(self, point: str) -> None:
        """A crash point was reached."""
        self.breathe()
        self._note(point)
        if point not in LOCKED:
            self.flights.baton.dawdle()
        if point != self.point or self.fate == "lives" or (self.fate == MOVES and self.flights.is_one_past_guard):
            return
        self._left -= 1
        if self._left == 0:
            fate, self.fate = self.fate, "lives"
            self._suffer(fate, point)

    def _note(self, point: str) -> None:
        now, own = self.world.clock.monotonic(), self.own
        own.checked_at = now if point == "2" else own.checked_at
        own.claimed_at = now if point == "5" else own.claimed_at
        own.guarded_at = now if point == "written" else own.guarded_at
        self.flights.note(point)

    def _suffer(self, fate: str, point: str) -> None:
        if fate == "dies":
            self.die(f"at {point}")
        elif fate == "is to stop":
            self.world.counts[f"asked to stop at {point}"] += 1
            self.flights.count("asked to stop")
            self.stop.request()
        elif fate == MOVES:
            self.world.moving.away(self)
        elif fate in BAD_LUCK:
            self.flights.suffer(fate, point)
        else:
            self.world.counts[f"frozen at {point}"] += 1
            self.flights.count("frozen")
            with self.world.clock.lent_to(None):
                self.world.while_frozen(self)

    def meets(self, accident: str, moment: str) -> None:
        """What happens around a commit."""
        if accident == f"killed {moment} a commit":
            self.die(f"{moment} a commit")
