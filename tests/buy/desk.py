"""A purchase desk on real parts: the served sandbox, a SQLite ledger, the v1 adapter over sockets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runner import manifest
from runner.buy.protocol import Till, no_crash
from runner.core.clock import SystemClock
from runner.core.ledger import Ledger
from runner.core.orders import OrderKey
from runner.core.progress import Progress
from runner.core.records import Holder, Record
from runner.core.secrets import ApiKey
from runner.core.stop import Stop
from runner.ledger.sqlite import open_sqlite
from runner.limits.limits import Limits
from runner.plan.plan import Plan
from runner.plan.task import Task
from runner.report.file import ReportFile
from runner.run import batch
from runner.sandbox.box import Sandbox
from runner.sandbox.options import Options
from runner.vendors.transport import Timing, Transport
from runner.vendors.v1.adapter import V1Buyer

KEY = "CanaryKeyForCrashTests0123456789"

MANIFEST = """\
apiVersion: orders/v1
batch: b
defaults: {periodId: 1m, customTargetName: prices}
orders:
  - {name: one, type: ipv4, countryId: 561, quantity: 2}
  - {name: two, type: ipv4, countryId: 561, quantity: 3}
  - {name: three, type: ipv4, countryId: 561, quantity: 4}
"""


def agree(_: Plan) -> None:
    """A person who says yes."""


@dataclass(slots=True)
class World:
    """One folder, one served sandbox, one SQLite ledger, in this process; every `apply` opens them anew, as a new process would."""

    folder: Path
    box: Sandbox
    base_url: str
    money_timeout: float = 5.0
    events: list[Progress] = field(default_factory=list)
    runs: int = 0

    @property
    def ledger_path(self) -> Path:
        return self.folder / "ledger.sqlite3"

    def manifest(self, text: str = MANIFEST) -> Path:
        path = self.folder / "orders.yaml"
        path.write_text(text)
        return path

    def apply(
        self,
        text: str = MANIFEST,
        *,
        crash_point: Callable[[str], None] = no_crash,
        wrap: Callable[[Ledger], Ledger] = lambda ledger: ledger,
        stop: Stop | None = None,
        limits: Limits | None = None,
        **changes: Any,
    ) -> batch.Ended:
        self.runs += 1
        clock = changes.pop("clock", SystemClock())
        ledger = open_sqlite(self.ledger_path, "default")
        timing = Timing(read=5, money=self.money_timeout, connect=5, pauses=(0.01, 0.01))
        holder = Holder(host="here", pid=1, since=datetime.now(UTC), run_id=f"run-{self.runs}")
        task = Task(
            contents=manifest.load([str(self.manifest(text))]),
            limits=limits or Limits(),
            holder=holder,
            clock=clock,
            watch=self.events.append,
            ledger_name="ledger",
        )
        assert not task.contents.errors, task.contents.problems
        try:
            with Transport(self.base_url, ApiKey(KEY), clock=clock, rate=0, timing=timing) as transport:
                settings: dict[str, Any] = {
                    "file": ReportFile(self.folder / "report.json"),
                    "confirm": agree,
                    "stop": stop or Stop(),
                    "money_timeout": self.money_timeout,
                    "pauses": (0.01, 0.01),
                    "crash_point": crash_point,
                }
                buyer = V1Buyer(transport, clock)
                return batch.apply(task, Till(**(settings | changes)), wrap(ledger), buyer)
        finally:
            ledger.close()

    def record(self, name: str) -> Record | None:
        ledger = open_sqlite(self.ledger_path, "default", read_only=True)
        try:
            return ledger.records([OrderKey("b", name)]).get(OrderKey("b", name))
        finally:
            ledger.close()

    def states(self, *names: str) -> list[str | None]:
        records = [self.record(name) for name in names or ("one", "two", "three")]
        return [record.state.value if record else None for record in records]


@contextmanager
def world(folder: Path, faults: Sequence[str] = (), **switches: Any) -> Iterator[World]:
    from decimal import Decimal

    box = Sandbox(faults=faults, options=Options(accounts={KEY: Decimal(1000)}, **switches))
    with box.serve() as server:
        yield World(folder=folder, box=box, base_url=server.base_url)


def statuses(outcome: batch.Ended) -> list[str]:
    return [entry.status for entry in outcome.report.orders]
