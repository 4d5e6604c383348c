"""Threads of one modelled process, of which exactly one goes on at a time: the one that was handed the baton.

Hands change where something takes time, at the crash points, and where one waits for another; whose turn it is then is
drawn. So a seed replays, and what the lanes do to each other is as varied as the dice.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, ClassVar, Final

from runner.buy.lanes import Lanes
from runner.buy.protocol import Result

if TYPE_CHECKING:
    from tests.simulation.process import Process

DELAYS: Final = (0.0, 0.0, 0.0, 0.0, 0.4, 2.5, 6.0)
"""Seconds by which a thread may be late at a crash point: the machine has others to serve."""


class Strand:
    """One thread of the process, and what it waits for."""

    def __init__(self, gate: threading.Lock, checked_at: float = 0.0) -> None:
        self.gate = gate
        self.wake = 0.0
        self.waits_for: Callable[[], bool] | None = None
        self.checked_at, self.claimed_at, self.guarded_at = checked_at, 0.0, 0.0
        self.is_past_guard = False
        self.goal = ""
        """What it has written, by the name that the vendor knows."""
        self.is_in_flight = False
        self.had_to_end = False
        """Whether the run had to end when its guard was asked."""

    def may_go_on(self, now: float) -> bool:
        return self.wake <= now and (self.waits_for is None or self.waits_for())


class Worker:
    """A real thread, lent to one strand after another: making one for each would cost more than what it does."""

    idle: ClassVar[list[Worker]] = []

    def __init__(self) -> None:
        self.gate = closed_gate()
        self.work: Callable[[], None] | None = None
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            self.gate.acquire()
            work, self.work = self.work, None
            if work is not None:
                work()


os.register_at_fork(after_in_child=Worker.idle.clear)


def closed_gate() -> threading.Lock:
    """A lock that whoever waits at it gets from the one who hands the baton over."""
    gate = threading.Lock()
    gate.acquire()
    return gate


class Baton:
    """Who of a process goes on. The first strand is the thread that runs it."""

    def __init__(self, process: Process, dice: random.Random) -> None:
        self._process = process
        self._clock = process.world.clock
        self._dice = dice
        self.current = Strand(closed_gate())
        self.strands = [self.current]
        self._is_stuck = False

    @property
    def is_shared(self) -> bool:
        return len(self.strands) > 1

    def start(self, work: Callable[[], None]) -> None:
        """A further strand, which goes on when it is handed the baton."""
        worker = Worker.idle.pop() if Worker.idle else Worker()
        strand = Strand(worker.gate, self.current.checked_at)
        worker.work = lambda: self._run(strand, worker, work)
        self.strands.append(strand)

    def dawdle(self) -> None:
        """A moment at which another may go on."""
        if self.is_shared:
            self.sleep(self._dice.choice(DELAYS))

    def sleep(self, seconds: float) -> None:
        """Let others go on until so much time has passed."""
        self._wait(self._clock.monotonic() + seconds, None)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Let others go on until this holds."""
        self._wait(0.0, condition)

    def finish(self) -> int:
        """The process has ended: whatever it had going on is over, at once. How many strands that were."""
        left = len(self.strands) - 1
        self._process.dead = True
        while self.is_shared:
            self._hand_to(self.strands[-1])
        return left

    def _wait(self, wake: float, condition: Callable[[], bool] | None) -> None:
        own = self.current
        own.wake, own.waits_for = wake, condition
        self._hand_to(self._draw())
        own.waits_for = None
        self._process.breathe()
        if self._is_stuck:
            raise RuntimeError("every thread of the run waits for another")

    def _draw(self) -> Strand:
        """Who goes on; time passes until somebody can. Where a process has died, it is its first strand that ends."""
        if self._process.dead:
            return self.strands[0]
        while True:
            now = self._clock.monotonic()
            ready = [strand for strand in self.strands if strand.may_go_on(now)]
            if ready:
                return ready[0] if len(ready) == 1 else self._dice.choice(ready)
            sleeping = [strand.wake for strand in self.strands if strand.wake > now]
            if not sleeping:
                self._is_stuck = True
                return self.strands[0]
            self._clock.pass_until(min(sleeping))

    def _hand_to(self, strand: Strand) -> None:
        own = self.current
        if strand is not own:
            self.current = strand
            strand.gate.release()
            own.gate.acquire()

    def _run(self, strand: Strand, worker: Worker, work: Callable[[], None]) -> None:
        if not self._process.dead:
            work()
        self.strands.remove(strand)
        Worker.idle.append(worker)
        self.current = self._draw()
        self.current.gate.release()


class _Ended(SimpleQueue[Any]):
    """Where strands put what they came to; whoever waits for it lets them go on."""

    def __init__(self, baton: Baton) -> None:
        super().__init__()
        self._baton = baton

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        if self.empty():
            self._baton.wait_for(lambda: not self.empty())
        return super().get(block, timeout)


class SimLanes(Lanes[Result]):
    """The real lanes, but for where their threads come from and how they take turns."""

    def __init__(self, jobs: int, baton: Baton) -> None:
        super().__init__(jobs)
        self._ended = _Ended(baton)
        self._baton = baton

    def start(self, work: Callable[[], Result]) -> None:
        if self._jobs == 1:
            super().start(work)
        else:
            self._baton.start(lambda: self._run(work))
            self.busy += 1
