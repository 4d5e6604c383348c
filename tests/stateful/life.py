"""A run of the program inside this process, as a thing that can die: afterwards nothing of it happens any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from unittest import mock

from runner.core.errors import LedgerUnusable
from runner.core.ledger import Hold, Ledger
from runner.core.records import Attempt, Claim, Holder, Record, Run, Settlement
from runner.core.stop import Stop
from runner.report.file import ReportFile
from runner.report.report import Report
from runner.vendors.streams import TimedStream
from tests.chaos.points import STEPS

POINTS: Final = (*STEPS, "1", "claim-acked", "half-written", "written", "settle-acked")
"""Where a modelled death may come: the steps of place.py, and points between them named as in `tests.chaos`."""


class Died(BaseException):
    """The end of a process. What it would still do on its way out meets this again."""


class Life:
    """One run, its death at the `n`-th passing of `point`, and the disk that fails at the `n`-th `fails`."""

    def __init__(self, point: str = "", n: int = 1, fails: str = "") -> None:
        self.point = point
        self.fails = fails
        self.n = n
        self.dead = False
        self._passed: Counter[str] = Counter()

    def breathe(self) -> None:
        """A dead process does nothing."""
        if self.dead:
            raise Died

    def reach(self, point: str) -> None:
        """The run is at this point now."""
        self.breathe()
        self._passed[point] += 1
        if point == self.point and self._passed[point] == self.n:
            self.dead = True
            raise Died

    def write(self, what: str) -> None:
        """The ledger is about to be written."""
        self.breathe()
        self._passed[f"write {what}"] += 1
        if what == self.fails and self._passed[f"write {what}"] == self.n:
            self.fails = ""
            raise LedgerUnusable(f"the disk is full, says the test, at a {what}")


class MortalLedger:
    """The ledger of a process that may die; what it holds goes with it, as the kernel would see to."""

    def __init__(self, ledger: Ledger, life: Life) -> None:
        self._ledger = ledger
        self._life = life

    def __getattr__(self, name: str) -> Any:
        self._life.breathe()
        return getattr(self._ledger, name)

    @contextmanager
    def hold(self, holder: Holder, *, timeout: float) -> Iterator[MortalHold]:
        with self._ledger.hold(holder, timeout=timeout) as hold:
            yield MortalHold(hold, self._life)


class MortalHold:
    """A hold whose every write is one of a process that may die before and after it."""

    def __init__(self, hold: Hold, life: Life) -> None:
        self._hold = hold
        self._life = life

    def __getattr__(self, name: str) -> Any:
        self._life.breathe()
        return getattr(self._hold, name)

    def start_run(self, run: Run) -> None:
        self._life.write("run")
        self._hold.start_run(run)
        self._life.reach("1")

    def claim(self, claim: Claim) -> Attempt:
        self._life.write("claim")
        attempt = self._hold.claim(claim)
        self._life.reach("claim-acked")
        return attempt

    def settle(self, attempt: Attempt, settlement: Settlement) -> Record:
        self._life.write("settle")
        record = self._hold.settle(attempt, settlement)
        self._life.reach("settle-acked")
        return record


class MortalFile(ReportFile):
    """The report of a process that may die, replaced at every occasion."""

    MIN_INTERVAL = 0.0  # type: ignore[misc]
    COST_FACTOR = 0  # type: ignore[misc]

    def __init__(self, path: Path, life: Life) -> None:
        super().__init__(path)
        self._life = life

    def write(self, report: Report) -> None:
        self._life.breathe()
        super().write(report)


class PatientStop(Stop):
    """Waits in the world's time."""

    def __init__(self, sleep: Callable[[float], None]) -> None:
        super().__init__()
        self._sleep = sleep

    def wait(self, seconds: float) -> None:
        self._sleep(seconds)


@contextmanager
def on_the_wire(life: Life) -> Iterator[None]:
    """While this lasts, the run can die with half of a purchase written, and with all of it."""
    sends = TimedStream._send

    def send(self: TimedStream) -> None:
        data = bytes(self._unsent)
        if b"/order/make" not in data[:400]:
            return sends(self)
        if life.point == "half-written":
            self._unsent = bytearray(data[: len(data) // 2])
            sends(self)
            life.reach("half-written")
            self._unsent = bytearray(data[len(data) // 2 :])
        sends(self)
        return life.reach("written")

    with mock.patch.object(TimedStream, "_send", send):
        yield
