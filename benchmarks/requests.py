"""What is asked of the vendor, and what that costs: this build and an earlier one, whole commands, in turns.

    python benchmarks/requests.py [--only count plan cpu pace] [--earlier PYTHON] [--rounds 3]

Both buy the same batch from a sandbox in this process, each with a ledger of its own. Its orders have 12 contents
between them, and differ otherwise in `customTargetName` alone:

- `count`: requests of a batch at `--rate 0`, beside orders and contents, of which each has to be asked once;
- `plan`: wall time of planning 1,000 orders in words where a read takes 50 ms;
- `cpu`: the client's CPU an order when buying without latency, start-up not counted: less what one order takes;
- `pace`: wall time of 100 orders at the default rate, beside the most of what cannot be avoided: the gap of 2 s between
  purchases, 50 requests in a minute, the latency. It takes 200 s, and some 370 s in the earlier build.

The earlier build is commit 3ee0275, which is cloned and installed unless its interpreter is named. Exit 1 where a
target is missed.
"""

from __future__ import annotations

import argparse
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Final

from earlier import COMMIT, ROOT, install
from ratios import at_least, times

sys.path.insert(0, str(ROOT))

from runner.sandbox.box import Sandbox
from runner.sandbox.options import SANDBOX_KEY, Options

CONTENTS: Final = 12
RATE: Final = 50
GAP: Final = 2.0
LATENCY: Final = 0.05
MAX_REQUESTS: Final = 1.1
"""Requests over orders and contents, beside two."""
MIN_PLAN: Final = 20.0
MAX_CPU: Final = 0.65
MAX_PACE: Final = 1.08


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """A build by its interpreter, and what that needs to find it."""

    name: str
    python: Path
    path: Path | None = None

    def run(self, folder: Path, base_url: str, *arguments: str, rate: int = 0) -> tuple[float, float]:
        """Wall and CPU seconds of one command."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CI", "ORDER_RUNNER"))}
        environment = kept | {
            "PROXY_SELLER_BASE_URL": base_url,
            "PROXY_SELLER_API_KEY": SANDBOX_KEY,
            "ORDER_RUNNER_RATE": str(rate),
            "ORDER_RUNNER_LEDGER": str(folder / f"{time.monotonic_ns()}.sqlite3"),
        }
        if self.path is not None:
            environment["PYTHONPATH"] = str(self.path)
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        argv = [str(self.python), "-m", "runner", *arguments]
        subprocess.run(argv, cwd=folder, env=environment, check=True, capture_output=True)
        wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        return wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


Pair = tuple[Build, Build]
"""This build and the earlier one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One target, and both builds' figures."""

    what: str
    now: str
    before: str
    target: str
    kept: bool


@contextmanager
def _served(latency: float = 0.0) -> Iterator[tuple[Sandbox, str]]:
    box = Sandbox(options=Options(accounts={SANDBOX_KEY: Decimal(10_000_000)}, latency=latency))
    with box.serve() as server:
        yield box, server.base_url


def _manifest(folder: Path, orders: int, *, in_words: bool = False) -> str:
    place, period = ("country: FRA", "period: 1 month") if in_words else ("countryId: 561", "periodId: 1m")
    path = folder / f"{'words' if in_words else 'ids'}-{orders}.yaml"
    lines = ["apiVersion: orders/v1", f"batch: {path.stem}", f"defaults: {{{period}}}", "orders:"]
    for n in range(orders):
        lines += [f"  - name: o{n}", "    type: ipv4", f"    {place}", f"    quantity: {n % CONTENTS + 1}"]
        lines += [f"    customTargetName: purpose {n}"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path.name


def count(builds: Pair, folder: Path, rounds: int, orders: int = 100) -> Row:
    """Requests of one batch."""
    del rounds
    asked = []
    for build in builds:
        with _served() as (box, base_url):
            build.run(folder, base_url, "apply", "-q", "--yes", _manifest(folder, orders))
            asked.append(len(box.requests))
    most = math.floor(MAX_REQUESTS * (orders + min(CONTENTS, orders)) + 2)
    return Row(
        what=f"requests of {orders} orders of {CONTENTS} contents",
        now=str(asked[0]),
        before=str(asked[1]),
        target=f"at most {most}",
        kept=asked[0] <= most,
    )


def plan(builds: Pair, folder: Path, rounds: int, orders: int = 1000) -> Row:
    """Seconds of planning words at a distance."""
    manifest = _manifest(folder, orders, in_words=True)
    walls: list[list[float]] = [[], []]
    with _served(LATENCY) as (_, base_url):
        builds[0].run(folder, base_url, "lock", manifest)
        for n in range(rounds):
            for build, wall in zip(builds, walls, strict=True):
                if build is builds[0] or n == 0:  # a minute each: once is enough for the earlier one
                    wall.append(build.run(folder, base_url, "plan", "-q", manifest)[0])
    now, before = map(median, walls)
    return Row(
        what=f"`plan` of {orders:,} orders in words, 50 ms a read: wall",
        now=f"{now:.2f} s",
        before=f"{before:.2f} s",
        target=f"{times(before, now):.1f} times faster, at least {MIN_PLAN:g}",
        kept=times(before, now) >= MIN_PLAN,
    )


def cpu(builds: Pair, folder: Path, rounds: int, orders: int = 1000) -> Row:
    """CPU an order of buying."""
    one, many = _manifest(folder, 1), _manifest(folder, orders)
    spent: list[list[float]] = [[], []]
    for _ in range(rounds):
        for build, costs in zip(builds, spent, strict=True):
            taken = []
            for manifest in (one, many):
                with _served() as (_, base_url):
                    taken.append(build.run(folder, base_url, "apply", "-q", "--yes", manifest)[1])
            costs.append(1000 * (taken[1] - taken[0]) / (orders - 1))
    now, before = map(median, spent)
    return Row(
        what=f"buying {orders:,} orders: client CPU an order",
        now=f"{now:.2f} ms",
        before=f"{before:.2f} ms",
        target=f"{times(now, before):.2f}, at most {MAX_CPU}",
        kept=times(now, before) <= MAX_CPU,
    )


def pace(builds: Pair, folder: Path, rounds: int, orders: int = 100) -> Row:
    """Seconds of buying at the default rate, beside what cannot be avoided."""
    del rounds
    walls = []
    for build in builds:
        with _served() as (_, base_url):
            manifest = _manifest(folder, orders)
            walls.append(build.run(folder, base_url, "apply", "-q", "--yes", manifest, rate=RATE)[0])
    ideal = max(GAP * (orders - 1), 60.0 * ((orders + min(CONTENTS, orders) - 1) // RATE))
    now, before = (times(wall, ideal) for wall in walls)
    return Row(
        what=f"wall of {orders} orders at the default rate, over {ideal:.0f} s",
        now=f"{now:.2f}",
        before=f"{before:.2f}",
        target=f"at most {MAX_PACE}",
        kept=now <= MAX_PACE,
    )


PARTS: Final[Mapping[str, Callable[..., Row]]] = {"count": count, "plan": plan, "cpu": cpu, "pace": pace}


def main() -> int:
    """Measure, print the table, judge."""
    parser = argparse.ArgumentParser(description="What is asked of the vendor, beside an earlier build.")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to measure")
    parser.add_argument("--earlier", type=Path, help=f"interpreter of the earlier build; {COMMIT} is installed if not")
    parser.add_argument("--rounds", type=at_least(1), default=3)
    parser.add_argument("--orders", type=at_least(2), help="orders of every part, in place of each one's own")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        earlier = Build(name=COMMIT, python=asked.earlier or install(folder))
        builds = (Build(name="this build", python=Path(sys.executable), path=ROOT), earlier)
        size = {"orders": asked.orders} if asked.orders else {}
        rows = [PARTS[part](builds, folder, asked.rounds, **size) for part in asked.only]
    print(f"| | this build | {COMMIT} | target | |")
    print("|---|---:|---:|---|---|")
    for row in rows:
        print(f"| {row.what} | {row.now} | {row.before} | {row.target} | {'kept' if row.kept else 'MISSED'} |")
    return 0 if all(row.kept for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
