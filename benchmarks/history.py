"""Whether a ledger knows its age: whole commands beside an empty ledger, and beside one of a tenth of the orders.

    python benchmarks/history.py [--orders 1000000] [--rounds 3] [--slow-rounds 1] [--folder DIR]

Makes three SQLite ledgers of bought orders (none, a tenth, all), past the product but with a right chain, which the
measured `ledger verify` proves. Then fresh commands take turns on them: `plan` of 1,000 orders against a sandbox in
this process, `status` in every form, and, `--slow-rounds` times, `ledger export`, `spent`, `verify`, and `verify
--since` of the last 1,000 events. CPU is that of the command, user and system, median of its rounds; memory its
greatest peak. The full size takes about 20 minutes and 6 GB; `--orders 100000` two minutes. Exit 1 where a target is
missed.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, Final

from purchases import AT, ROOT, WITNESS, history
from ratios import at_least, times

from runner.core.records import Entry, Head, Holder
from runner.ledger.days import Changes
from runner.ledger.fold import fold
from runner.ledger.sqlite import open_sqlite
from runner.sandbox.box import Sandbox

NEW: Final = 1000
"""Orders of a plan; events behind the mark of a nightly check."""

MAX_PLAN, MAX_STATUS, MAX_MEMORY, MAX_GROWTH, MAX_NIGHTLY = 1.2, 3.0, 1.5, 11.0, 0.1


@dataclass(slots=True)
class Cost:
    """CPU seconds of each round of one command on one ledger, and its greatest peak in MB."""

    cpu: list[float] = field(default_factory=list)
    peak: float = 0.0

    def add(self, cpu: float, peak: float) -> None:
        self.cpu.append(cpu)
        self.peak = max(self.peak, peak)


Costs = Mapping[tuple[str, int], Cost]


def main() -> int:
    options = _options()
    costs: defaultdict[tuple[str, int], Cost] = defaultdict(Cost)
    sizes = (0, options.orders // 10, options.orders)
    with tempfile.TemporaryDirectory(dir=options.folder) as name, Sandbox().serve() as server:
        folder = Path(name)
        marks = {size: fill(folder / f"{size}.db", size) for size in sizes}
        orders = _manifest(folder / "orders.yaml")
        environment = _environment(server.base_url, server.api_key)
        quick = {
            f"plan of {NEW:,}": ["plan", "-q", str(orders)],
            "status": ["status"],
            "status --all": ["status", "--all"],
            "status -f json": ["status", "-f", "json"],
        }
        for _ in range(options.rounds):
            for size in (sizes[0], sizes[2]):
                for what, arguments in quick.items():
                    costs[what, size].add(*_run([*arguments, *_ledger(folder, size)], environment))
        for _ in range(options.slow_rounds):
            for size in sizes[1:]:
                since = ["--since", marks[size]]
                by = ["--by", "actor"]
                slow: tuple[tuple[str, list[str]], ...] = (
                    ("export", []),
                    ("verify", []),
                    ("verify --since", since),
                    ("spent", []),
                    ("spent --by actor", by),
                )
                for what, more in slow:
                    command = ["ledger", what.split()[0], *more, *_ledger(folder, size)]
                    costs[what, size].add(*_run(command, environment))
    return _judge(costs, sizes)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--orders", type=at_least(1000), default=1_000_000)
    parser.add_argument("--rounds", type=at_least(1), default=3)
    parser.add_argument("--slow-rounds", type=at_least(1), default=1)
    parser.add_argument("--folder", type=Path, default=None, help="where the ledgers go [the system's temporary one]")
    return parser.parse_args()


def fill(path: Path, count: int) -> str:
    """A ledger of `count` bought orders; the mark `NEW` events before its end, as `ledger verify --since` takes it."""
    with closing(open_sqlite(path, "bench")) as ledger, ledger.hold(_holder(), timeout=0):
        pass
    marks: dict[int, str] = {0: f"0:{Head().hash}"}
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA synchronous = OFF")
        raw.execute("BEGIN")
        _insert(raw, "witnesses", [_witness()])
        sums, entries, number = Changes(), _entries(count), 0
        while page := list(islice(entries, 10_000)):
            rows: dict[str, dict[str, Any]] = {}
            for entry in page:  # both events of an order are in one page
                row = fold(rows.get(entry.key), entry)
                sums.note(rows.get(entry.key), row)
                rows[entry.key] = row
                number += 1
                marks[number] = f"{number}:{entry.hash}"
                marks.pop(number - NEW - 1, None)
            _insert(raw, "orders", rows.values())
            _insert(raw, "order_events", map(_event, page))
        head = marks[number].split(":")
        _insert(raw, "chains", [{"account": "bench", "events": number, "hash": head[1]}])
        for _, day in sums.calls("bench", []):
            _insert(raw, "days", [{name: day[name] for name in ("account", "day", "orders", "spent")}])
        raw.execute("COMMIT")
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return marks[max(0, number - NEW)]


def _holder() -> Holder:
    return Holder(host="bench", pid=os.getpid(), since=AT, run_id="bench")


def _entries(count: int) -> Iterator[Entry]:
    return (part for part in history(count) if isinstance(part, Entry))


def _event(entry: Entry) -> dict[str, Any]:
    return entry.content | {"hash": entry.hash}


def _witness() -> dict[str, Any]:
    ids = json.dumps(sorted(WITNESS.order_ids), separators=(",", ":"))
    named = {"account": "bench", "digest": WITNESS.digest, "type": WITNESS.type}
    return named | {"order_ids": ids, "at": AT.isoformat(timespec="microseconds").replace("+00:00", "Z")}


def _insert(raw: sqlite3.Connection, table: str, rows: Any) -> None:
    every = list(rows)
    if every:
        names = ", ".join(f'"{name}"' for name in every[0])
        marks = ", ".join(f":{name}" for name in every[0])
        raw.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", every)  # noqa: S608 - names of our own


def _manifest(path: Path) -> Path:
    lines = ["apiVersion: orders/v1", "batch: fresh", "defaults:", "  periodId: 1m"]
    lines += ["  customTargetName: benchmark", "orders:"]
    for n in range(NEW):
        lines += [f"  - name: o{n}", "    type: ipv4", "    countryId: 561", "    quantity: 1"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _environment(base_url: str, key: str) -> dict[str, str]:
    return os.environ | {
        "PROXY_SELLER_BASE_URL": base_url,
        "PROXY_SELLER_API_KEY": key,
        "ORDER_RUNNER_RATE": "0",
        "PYTHONPATH": str(ROOT),
    }


def _ledger(folder: Path, size: int) -> list[str]:
    return ["--ledger", str(folder / f"{size}.db"), "--account", "bench"]


MEASURED: Final = """
import re, runpy, sys
from pathlib import Path
place = sys.argv.pop(1)
try:
    runpy.run_module("runner", run_name="__main__", alter_sys=True)
finally:
    Path(place).write_text(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""
"""A command that tells its own peak, in kB: that of a child counts what its parent had before the child was one."""


def _run(arguments: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """CPU seconds, user and system, and the peak in MB of one command that has to succeed."""
    with tempfile.NamedTemporaryFile("r") as peak:
        process = subprocess.Popen(
            [sys.executable, "-c", MEASURED, peak.name, *arguments],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        errors = process.stderr.read() if process.stderr else b""
        _, status, used = os.wait4(process.pid, 0)
        if status != 0:
            raise SystemExit(f"{' '.join(arguments)}: {errors.decode()[:1000]}")
        return used.ru_utime + used.ru_stime, int(peak.read()) / 1024


def _judge(costs: Costs, sizes: tuple[int, int, int]) -> int:
    empty, tenth, full = sizes
    print("| command | orders | CPU, s | peak, MB |")
    print("|---|---:|---:|---:|")
    for (what, size), cost in sorted(costs.items()):
        print(f"| `{what}` | {size:,} | {median(cost.cpu):.2f} | {cost.peak:.0f} |")

    def cpu(what: str, size: int, base: int) -> float:
        return times(median(costs[what, size].cpu), median(costs[what, base].cpu))

    def memory(what: str, base: int) -> float:
        return times(costs[what, full].peak, costs[what, base].peak)

    plan, since = (
        f"plan of {NEW:,}",
        times(median(costs["verify --since", full].cpu), median(costs["verify", full].cpu)),
    )
    targets = [
        (f"`{plan}` beside {full:,}, over an empty ledger: CPU", MAX_PLAN, cpu(plan, full, empty)),
        ("`status`: CPU", MAX_STATUS, cpu("status", full, empty)),
        *((f"`{what}`: memory", MAX_MEMORY, memory(what, empty)) for what in (plan, "status", "status --all")),
        ("`status -f json`: memory", MAX_MEMORY, memory("status -f json", empty)),
        *(
            (f"`ledger {what}`, over {tenth:,}: CPU", MAX_GROWTH, cpu(what, full, tenth))
            for what in ("export", "verify")
        ),
        *((f"`ledger {what}`: memory", MAX_MEMORY, memory(what, tenth)) for what in ("export", "verify")),
        ("`ledger verify --since`, over `verify`: CPU", MAX_NIGHTLY, since),
    ]
    print("\n| target | at most | measured | |")
    print("|---|---:|---:|---|")
    for promise, limit, measured in targets:
        print(f"| {promise} | {limit:g} | {measured:.2f} | {'kept' if measured <= limit else 'MISSED'} |")
    return 0 if all(measured <= limit for _, limit, measured in targets) else 1


if __name__ == "__main__":
    sys.exit(main())
