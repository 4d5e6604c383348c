"""Where a runner can be hit, and with what: the plan of one process, and the points it passes.

Nothing under `runner/` knows of this. The plan travels in CHAOS_PLAN, which only `tests/chaos/runner.py` reads.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from runner.core.orders import OrderKey
from runner.core.records import Settlement
from runner.core.states import Event

SPENDING: Final = (b"/order/make", b"/prolong/make/")
"""Paths of the calls that cost money."""

STEPS: Final = ("2", "3", "4", "5", "6", "7", "8", "9")
"""The crash points of `runner/buy/protocol.py`."""

BETWEEN: Final = (
    "1",  # the account is held, the run entered
    "claim-commit",  # the claim's COMMIT is about to be issued
    "claim-committing",  # some microseconds after that, from another thread, while it is in the kernel
    "claim-acked",  # the COMMIT was acknowledged, the protocol does not know yet
    "half-written",  # half of the request is on the wire
    "written",  # all of it is, no answer was read
    "settle-commit",
    "settle-committing",
    "settle-acked",
    "report-rename",  # the new report is on disk under its temporary name
    "closing",  # all is over but the ledger's closing and the words at the end
)
"""Points between the steps, reached by wrapping the ledger, the stream and the report in the test's own entry."""

POINTS: Final = (*STEPS, *BETWEEN)
LATE: Final = ("claim-committing", "settle-committing")
MEETING: Final = ("6", "written", "7")
"""Points that lanes reach without a lock, so that several can stand there at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What happens to one process: `do` (KILL, STOP, TERM, ...) at the `n`-th passing of `point`, or at `after` s.

    Passings are counted over all lanes, of which there are `jobs`. With `together` the lanes that come to the point
    before the `n`-th wait there for it, but no longer than half of the money timeout. `freeze` is how long a STOP lasts, in seconds. `after` and `freeze` are the harness's business.
    """

    point: str | None = None
    n: int = 1
    do: str = ""
    jobs: int = 1
    together: bool = False
    after: float | None = None
    freeze: float = 0.0
    late_us: int = 0
    mutant: str | None = None
    money_timeout: float = 0.4
    uid: int | None = None
    cold: bool = False
    wait: float = 0.0
    lock_timeout: float = 0.0

    def text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, text: str) -> Plan:
        return cls(**json.loads(text))


class Points:
    """Notes every point that is passed, and does what the plan says at the one it names."""

    def __init__(self, plan: Plan, notes: int) -> None:
        self.plan = plan
        self._notes = notes
        self._passed: Counter[str] = Counter()
        self._turn = threading.Lock()
        self._met = threading.Event()
        self._writing = ""
        self._in_flight: list[OrderKey] = []
        self._lost_in_a_row = 0

    def reach(self, point: str) -> None:
        """The protocol is at this point now, in one of its lanes."""
        if self._is_next(point):
            self._act(point)
            self._met.set()
        elif self.plan.together and self.plan.point == point:
            self._met.wait(self.plan.money_timeout / 2)

    def _is_next(self, point: str) -> bool:
        with self._turn:
            self._passed[point] += 1
            self._note(point)
            return self.plan.point == point and self.plan.n == self._passed[point]

    def _note(self, text: str) -> None:
        os.write(self._notes, text.encode() + b"\n")

    def _act(self, point: str) -> None:
        self._note(f"!{self.plan.do} {point} {len(self._in_flight)}")
        ACTIONS[self.plan.do]()

    @contextlib.contextmanager
    def writing(self, what: str) -> Iterator[None]:
        """One transaction of the ledger, by name; its end is `what-acked`."""
        self._writing = what
        try:
            yield
        finally:
            self._writing = ""
        self.reach(f"{what}-acked")

    def begin(self, run_id: str) -> None:
        """The run has taken the account."""
        self._note(f"={run_id}")
        self.reach("1")

    def note_claim(self, key: OrderKey) -> None:
        """From here on it is in flight; claims and settlements come one at a time."""
        self._in_flight.append(key)

    def note_settlement(self, key: OrderKey, settlement: Settlement) -> None:
        """What several in flight have met that one alone cannot meet; `reconcile` settles what it did not claim."""
        if key not in self._in_flight:
            return
        others = len(self._in_flight) > 1
        if others and self._in_flight[0] != key:
            self._note("~answers out of order")
        if others and settlement.event is Event.NOT_SENT and "429" in settlement.reason:
            self._note("~one lane throttled")
        self._in_flight.remove(key)
        is_lost = settlement.event is Event.UNKNOWN and (others or self._lost_in_a_row > 0)
        self._lost_in_a_row = self._lost_in_a_row + 1 if is_lost else 0
        if self._lost_in_a_row > 1 and not self._in_flight:
            self._note("~all connections closed at once")

    def committing(self) -> None:
        """A COMMIT is about to be issued."""
        what = self._writing
        if not what:
            return
        self.reach(f"{what}-commit")
        if self._is_next(f"{what}-committing"):
            threading.Thread(target=self._act_late, args=(f"{what}-committing",), daemon=True).start()

    def _act_late(self, point: str) -> None:
        time.sleep(self.plan.late_us / 1e6)
        self._act(point)

    def halves(self, data: bytes) -> tuple[bytes, bytes] | None:
        """The request in two parts where the plan wants to act between them."""
        if not spends(data) or not self._is_next("half-written"):
            return None
        return data[: len(data) // 2], data[len(data) // 2 :]

    def between_halves(self) -> None:
        self._act("half-written")


def spends(data: bytes) -> bool:
    """Whether this begins a request that costs money."""
    return any(path in data[:400] for path in SPENDING)


def _signal(number: signal.Signals) -> int:
    os.kill(os.getpid(), number)
    return number


def fill_disk() -> None:
    """Not a byte is left in the working folder's file system. For a small tmpfs only."""
    assert Path.cwd().stat().st_dev != Path("/").stat().st_dev, "this would fill the machine's disk"
    size = 1 << 16
    with Path("filler").open("wb", buffering=0) as stream:
        while size:
            try:
                stream.write(bytes(size))
            except OSError:
                size //= 2


def limit_files() -> None:
    """No file may grow beyond what the write-ahead log has now; the kernel refuses, as a quota would."""
    size = max(found.stat().st_size for found in Path.cwd().glob("*-wal"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def read_only() -> None:
    """Ledger, log and folder lose their write bits, as a careless chmod would do it."""
    for path in (*Path.cwd().glob("ledger.sqlite3*"), Path.cwd()):
        path.chmod(0o500 if path.is_dir() else 0o400)


ACTIONS: Final[Mapping[str, Callable[[], object]]] = {
    "KILL": lambda: _signal(signal.SIGKILL),
    "STOP": lambda: _signal(signal.SIGSTOP),
    "TERM": lambda: _signal(signal.SIGTERM),
    "INT": lambda: _signal(signal.SIGINT),
    "HUP": lambda: _signal(signal.SIGHUP),
    "TERM-TWICE": lambda: [_signal(number) for number in (signal.SIGTERM,) * 2],
    "FILL": fill_disk,
    "FSIZE": limit_files,
    "READ-ONLY": read_only,
}
