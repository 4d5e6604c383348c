"""What buying costs the client: CPU an order, the share of each step, and how it grows with the batch.

    python benchmarks/buy.py [--sizes 200 2000] [--rounds 3]

The sandbox serves from a process of its own, without latency or faults; the client is a fresh process a run, with a
real ledger file, a real report file and plain progress lines, put together as `order-runner apply --yes` does it.
CPU is that of the client process, user and system, from the first line of the manifest to the finished report;
imports and the making of a new ledger come before and are shown apart. A step's figure leaves out the steps inside it.
Exit 1 where the large batch costs more than its share.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final, cast

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from runner.core.ledger import Hold, Ledger
    from runner.core.orders import OrderRequest, ProductType, Quote
    from runner.core.progress import Progress, Watch
    from runner.core.records import Attempt, Claim, Holder, Record, Settlement
    from runner.core.vendor import Answer, Buyer, Connection, NotSent, QuoteRefused, Witness
    from runner.plan.task import Task
    from runner.report.file import ReportFile
    from runner.report.report import Report
    from runner.run.settings import Settings

MAX_GROWTH: Final = 1.2
"""Ten times the orders may cost this much more than ten times as much: 2,000 orders less than 12 times 200."""
STEPS: Final = ("manifest", "quote", "witness", "connect", "claim", "send+read", "settle", "report", "progress", "rest")


@dataclass(slots=True)
class Meter:
    """CPU seconds by step. Steps nest: each is charged with what no inner step takes."""

    spent: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    _open: list[str] = field(default_factory=lambda: ["before"])
    _since: float = field(default_factory=time.process_time)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Charge what happens inside to `name`."""
        self._charge()
        self._open.append(name)
        try:
            yield
        finally:
            self._charge()
            self._open.pop()

    def _charge(self) -> None:
        now = time.process_time()
        self.spent[self._open[-1]] += now - self._since
        self._since = now


@dataclass(slots=True)
class MeteredBuyer:
    """A buyer whose calls are charged to their steps."""

    buyer: Buyer
    meter: Meter

    def __getattr__(self, name: str) -> Any:
        return getattr(self.buyer, name)

    def quote(self, request: OrderRequest) -> Quote | QuoteRefused:
        with self.meter.step("quote"):
            return self.buyer.quote(request)

    def balance(self) -> Decimal:
        with self.meter.step("witness"):
            return self.buyer.balance()

    def witness(self, product: ProductType) -> Witness:
        with self.meter.step("witness"):
            return self.buyer.witness(product)

    @contextmanager
    def connect(self) -> Iterator[MeteredLine | NotSent]:
        from runner.core.vendor import NotSent

        opening = self.buyer.connect()
        with self.meter.step("connect"):
            line = opening.__enter__()
        try:
            yield line if isinstance(line, NotSent) else MeteredLine(line, self.meter)
        finally:
            with self.meter.step("connect"):
                opening.__exit__(*sys.exc_info())


@dataclass(slots=True)
class MeteredLine:
    """A line whose exchange is charged to its step."""

    line: Connection
    meter: Meter

    def send(self, request: OrderRequest, guard: Callable[[], str | None]) -> Answer:
        with self.meter.step("send+read"):
            return self.line.send(request, guard)


@dataclass(slots=True)
class MeteredHold:
    """A held account whose claims and settlements are charged to their steps."""

    hold: Hold
    meter: Meter

    def __getattr__(self, name: str) -> Any:
        return getattr(self.hold, name)

    def claim(self, claim: Claim) -> Attempt:
        with self.meter.step("claim"):
            return self.hold.claim(claim)

    def settle(self, attempt: Attempt, settlement: Settlement) -> Record:
        with self.meter.step("settle"):
            return self.hold.settle(attempt, settlement)


@dataclass(slots=True)
class MeteredLedger:
    """A ledger that hands out metered holds."""

    ledger: Ledger
    meter: Meter

    def __getattr__(self, name: str) -> Any:
        return getattr(self.ledger, name)

    @contextmanager
    def hold(self, holder: Holder, *, timeout: float) -> Iterator[MeteredHold]:
        with self.ledger.hold(holder, timeout=timeout) as hold:
            yield MeteredHold(hold, self.meter)


def metered_report(path: Path, meter: Meter) -> ReportFile:
    """A report file whose writing is charged to its step."""
    from runner.report.file import ReportFile

    class Metered(ReportFile):
        def write(self, report: Report) -> None:
            with meter.step("report"):
                super().write(report)

        def refresh(self, report: Report) -> None:
            with meter.step("report"):
                super().refresh(report)

    return Metered(path)


def metered_watch(watch: Watch, meter: Meter) -> Watch:
    """The same watch, charged to its step."""

    def metered(event: Progress) -> None:
        with meter.step("progress"):
            watch(event)

    return metered


def child(manifest: str, base_url: str) -> None:
    """One run in this process: buys the manifest and prints its figures as JSON."""
    from runner.buy.protocol import Till
    from runner.core.clock import SystemClock
    from runner.core.stop import Stop, StoppableClock
    from runner.run import batch, wiring
    from runner.run.settings import Settings, locate
    from runner.views.terminal import events
    from runner.views.terminal.console import Console

    meter, stop = Meter(), Stop()
    settings = Settings(ledger="ledger.sqlite3", base_url=base_url, rate=0)
    console = Console.detect(no_color=True)
    with events.watching(console, quiet=False, verbose=False) as plain:
        watch = metered_watch(plain, meter)
        clock = StoppableClock(SystemClock(), stop)
        ledger = wiring.open_ledger(locate(settings))
        with closing(ledger), wiring.buyer(settings, clock, watch) as buyer:
            till = Till(
                file=metered_report(Path("report.json"), meter),
                confirm=lambda _: None,
                stop=stop,
                money_timeout=settings.money_timeout,
            )
            started = time.perf_counter()
            with meter.step("rest"):
                outcome = batch.apply(
                    _task(settings, manifest, meter, watch),
                    till,
                    cast("Ledger", MeteredLedger(ledger, meter)),
                    cast("Buyer", MeteredBuyer(buyer, meter)),
                )
            wall = time.perf_counter() - started
    if outcome.error is not None:
        raise outcome.error
    placed = outcome.report.summary["placed"]
    print(json.dumps({"wall": wall, "placed": placed, "steps": meter.spent}))


def _task(settings: Settings, manifest: str, meter: Meter, watch: Watch) -> Task:
    from runner.limits.limits import Limits
    from runner.manifest import load
    from runner.run import call

    with meter.step("manifest"):
        loaded = load([manifest])
    return call.task_of(settings, loaded, Limits(), call.consent_of(settings), watch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """One run, in seconds: wall, and CPU by step."""

    placed: int
    wall: float
    steps: Mapping[str, float]


@dataclass(slots=True)
class Figures:
    """What the runs of one size took, in seconds; medians."""

    size: int
    runs: list[Took] = field(default_factory=list)

    def step(self, name: str) -> float:
        return median(run.steps.get(name, 0.0) for run in self.runs)

    @property
    def cpu(self) -> float:
        return median(sum(run.steps.get(name, 0.0) for name in STEPS) for run in self.runs)

    @property
    def wall(self) -> float:
        return median(run.wall for run in self.runs)


def main() -> int:
    """Measure, print the table, judge."""
    arguments = _arguments()
    found = [Figures(size) for size in sorted(set(arguments.sizes))]
    for _ in range(arguments.rounds):
        for figures in found:
            figures.runs.append(_run(figures.size))
    _print(found, arguments.rounds)
    return _judge(found[0], found[-1])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Client CPU of buying from a local sandbox.")
    parser.add_argument("--sizes", type=int, nargs="+", default=[200, 2000], help="orders in each batch")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if len(set(arguments.sizes)) == 1 or min(arguments.rounds, *arguments.sizes) < 1:
        parser.error("it takes two sizes to see growth, and a round")
    return arguments


def _run(size: int) -> Took:
    """One batch against a sandbox of its own."""
    with tempfile.TemporaryDirectory() as folder, _sandbox() as served:
        _write_manifest(Path(folder) / "batch.yaml", size)
        argv = [sys.executable, str(Path(__file__).resolve()), "--child", "batch.yaml", served["base_url"]]
        env = {**os.environ, "PROXY_SELLER_API_KEY": served["api_key"], "PYTHONPATH": str(ROOT)}
        done = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
    took = Took(**json.loads(done.stdout))
    if took.placed != size:
        raise SystemExit(f"{took.placed} of {size} orders were bought: the figures would mean nothing")
    return took


@contextmanager
def _sandbox() -> Iterator[dict[str, str]]:
    argv = [sys.executable, "-m", "runner", "sandbox", "--port", "0", "--balance", "1000000.00"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # noqa: S101 - asked for above
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def _write_manifest(path: Path, size: int) -> None:
    head = (
        "apiVersion: orders/v1\nbatch: bench\ndefaults:\n  periodId: 1m\n"
        "  customTargetName: price monitoring\norders:\n"
    )
    lines = (f"  - name: n{n}\n    type: ipv4\n    countryId: 561\n    quantity: {n % 9 + 1}\n" for n in range(size))
    path.write_text(head + "".join(lines))


def _print(found: Sequence[Figures], rounds: int) -> None:
    print(f"Medians of {rounds} interleaved runs, each in a fresh process. Client CPU, ms an order, and share.\n")
    print("| step |" + "".join(f" {figures.size:,} orders | |" for figures in found))
    print("|---|" + "---:|---:|" * len(found))
    for name in STEPS:
        print(f"| {name} |" + "".join(_cells(figures, figures.step(name)) for figures in found))
    print("| **all** |" + "".join(_cells(figures, figures.cpu) for figures in found))
    print("| wall |" + "".join(f" {1000 * figures.wall / figures.size:.2f} | |" for figures in found))
    print("| before, once |" + "".join(f" {1000 * figures.step('before'):.0f} | |" for figures in found))


def _cells(figures: Figures, seconds: float) -> str:
    return f" {1000 * seconds / figures.size:.3f} | {100 * seconds / figures.cpu:.0f} % |"


def _judge(small: Figures, large: Figures) -> int:
    """Print how the cost grew; 1 where that is too much."""
    most = MAX_GROWTH * large.size / small.size
    ratio = large.cpu / small.cpu
    kept = ratio < most
    print("\n| target | measured | |\n|---|---:|---|")
    print(f"| CPU of {large.size:,} orders over {small.size:,}, below {most:g} | {ratio:.2f} | ", end="")
    print("kept |" if kept else "MISSED |")
    print(f"| wall of the same, for information | {large.wall / small.wall:.2f} | |")
    return 0 if kept else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
        sys.exit(0)
    sys.exit(main())
