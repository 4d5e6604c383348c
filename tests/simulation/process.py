"""A run of the program as a thing that can be killed, frozen and asked to stop, in time that passes on request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from runner.core.stop import Stop

if TYPE_CHECKING:
    from tests.simulation.world import World

AT: Final = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
POINTS: Final = ("2", "3", "4", "5", "6", "written", "answered", "7", "8", "9")
"""Where a process may be killed or frozen: the steps of place.py, and both ends of the wire."""


LOOKING: Final = "looking"
"""Where a `reconcile` may be killed or frozen: at each of its reads."""


class Killed(BaseException):
    """The end of a process: nothing of it happens any more, not even what it would do on its way out."""


class SimClock:
    """Time that passes when somebody says so."""

    def __init__(self) -> None:
        self._passed = 0.0

    def now(self) -> datetime:
        return AT + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        return self._passed

    def sleep(self, seconds: float) -> None:
        self.advance(max(seconds, 0))

    def advance(self, seconds: float) -> None:
        self._passed += seconds


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
        self.checked_at = self.claimed_at = self.guarded_at = 0.0
        self.point = point
        self.looks = False
        self.saw: dict[str, set[int]] = {}
        """By type: which orders the first reading had."""
        self._left = nth

    def breathe(self) -> None:
        """A dead process does nothing."""
        if self.dead:
            raise Killed

    def die(self, where: str) -> None:
        self.world.counts[f"killed {where}"] += 1
        self.world.say(f"    killed {where}")
        self.dead = True
        raise Killed

    def at(self, point: str) -> None:
        """A crash point was reached."""
        self.breathe()
        now = self.world.clock.monotonic()
        self.checked_at = now if point == "2" else self.checked_at
        self.claimed_at = now if point == "5" else self.claimed_at
        self.guarded_at = now if point == "written" else self.guarded_at
        if point != self.point or self.fate == "lives":
            return
        self._left -= 1
        if self._left == 0:
            fate, self.fate = self.fate, "lives"
            if fate == "dies":
                self.die(f"at {point}")
            elif fate == "is to stop":
                self.world.counts[f"asked to stop at {point}"] += 1
                self.stop.request()
            elif fate == "loses its ledger":
                self.world.moving.away(self)
            else:
                self.world.counts[f"frozen at {point}"] += 1
                self.world.while_frozen(self)

    def meets(self, accident: str, moment: str) -> None:
        """What happens around a commit."""
        if accident == f"killed {moment} a commit":
            self.die(f"{moment} a commit")
