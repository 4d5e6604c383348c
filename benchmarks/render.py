"""What each format of a report of 2,000 orders costs in one process, beside the JSON report.

    python benchmarks/render.py [--orders 2000] [--rounds 5] [--format NAME ...]

The report is that of a run with orders of every fate. A side is what `report render` does after it has read the file:
parse and check the JSON, render, encode. So is json. Every round renders each format in a process of its own, which
measures itself: CPU seconds, and by how much its peak memory grew; formats take turns with json. `alone` is the
rendering without parsing and checking. Exit 1 where a format takes more than twice the time or the memory of json.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any, Final

from ratios import at_least, times

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from runner.core import schemas  # noqa: E402 - found by the line above
from runner.views import formats  # noqa: E402 - the same

MAX_RATIO: Final = 2.0
TEXT: Final = "text"

CHILD: Final = """
import io, json, re, sys, time
from functools import partial
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from runner.views import formats, summary
from runner.views.formats import parse
from runner.views.terminal.console import Channel
name, data = sys.argv[2], Path(sys.argv[3]).read_bytes()
def text(document):
    out = io.StringIO()
    summary.render(document, Channel(stream=out), "report.json")
    return out.getvalue()
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
render = text if name == "text" else partial(formats.render, name)
tiny = Path(sys.argv[4]).read_bytes()
render(parse.read(tiny, "r"))
before = peak()
started = time.process_time()
document = parse.read(data, "r")
parsed = time.process_time()
made = render(document).encode()
ended = time.process_time()
print(json.dumps([ended - started, ended - parsed, (peak() - before) / 1024, len(made) / 1e6]))
"""
"""The peak is that of /proc: getrusage's begins with what the parent had.

Whatever is imported or cached once is so before the clock runs, by rendering a report of one order."""


def main() -> int:
    """Measure, print the table, judge."""
    parser = argparse.ArgumentParser(description="CPU and memory of every format of a report, beside the JSON report.")
    parser.add_argument("--orders", type=at_least(1), default=2_000, help="orders in the report")
    parser.add_argument("--rounds", type=at_least(1), default=5, help="processes of each format")
    parser.add_argument("--format", action="append", help="only these formats, and json")
    arguments = parser.parse_args()
    names = [name for name in (TEXT, *formats.NAMES) if name == "json" or name in (arguments.format or [name])]
    with tempfile.TemporaryDirectory() as folder:
        large, small = Path(folder, "large.json"), Path(folder, "small.json")
        large.write_text(report_of(arguments.orders), encoding="ascii")
        small.write_text(report_of(len(FATES)), encoding="ascii")
        taken: dict[str, list[list[float]]] = defaultdict(list)
        for _ in range(arguments.rounds):
            for name in names:
                taken[name].append(_measured(name, large, small))
    return _judge({name: [median(column) for column in zip(*rows, strict=True)] for name, rows in taken.items()})


def _measured(name: str, large: Path, small: Path) -> list[float]:
    command = [sys.executable, "-c", CHILD, str(ROOT), name, str(large), str(small)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: list[float] = json.loads(done.stdout)
    return found


def _judge(sides: dict[str, list[float]]) -> int:
    seconds, _, memory, _ = sides["json"]
    missed = []
    print("| format | CPU ms | times json | alone, ms | memory, MB | times json | output, MB |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, (whole, alone, grown, size) in sides.items():
        time_ratio, memory_ratio = times(whole, seconds), times(grown, memory)
        print(
            f"| `{name}` | {1000 * whole:.0f} | {time_ratio:.2f} | {1000 * alone:.0f} "
            f"| {grown:.1f} | {memory_ratio:.2f} | {size:.2f} |"
        )
        missed += [name] * (not (time_ratio <= MAX_RATIO and memory_ratio <= MAX_RATIO))
    print(f"\nat most {MAX_RATIO:g} times json, in time and in memory: {', '.join(missed) or 'kept by all'}")
    return 1 if missed else 0


FATES: Final = ("placed", "placed", "placed", "already_placed", "planned", "rejected", "refused", "skipped", "unknown")
"""In the proportions of a bad night: most are bought, one in nine is in doubt."""


def report_of(count: int) -> str:
    """A report with so many orders, valid by its schema."""
    orders = [_order(number, FATES[number % len(FATES)]) for number in range(count)]
    statuses = schemas.load("report")["properties"]["summary"]["required"][1:]
    document = {
        "report_version": schemas.load("report")["properties"]["report_version"]["const"],
        "tool": {"name": "order-runner", "version": "0.1.0"},
        "run": {
            "id": "20261123T120000Z-00000000",
            "mode": "apply",
            "complete": True,
            "started_at": "2026-11-23T12:00:00.000Z",
            "finished_at": "2026-11-23T13:00:00.000Z",
            "exit": {"code": 7, "name": "outcome_unknown"},
            "actor": "Ann Lee",
            "commit": "2f1e8a6d7c3b4a5968778695a4b3c2d1e0f1a2b3",
            "ref": "refs/heads/main",
            "job": "https://github.com/acme/orders/actions/runs/7",
        },
        "inputs": {
            "manifests": [{"path": "orders/crawl.yaml", "sha256": "0" * 64}],
            "policies": [],
            "lockfile": "orders.lock.json",
            "ledger": "postgresql://ledger.example/orders",
            "api": {"base_url": "https://proxy-seller.com/personal/api/v1/***", "version": "v1"},
        },
        "money": dict.fromkeys(("quoted_total", "spent_confirmed", "spent_possible", "balance_before"), "1234.50")
        | {"currency": "USD", "balance_after": "12.50", "unexplained": "0.00"},
        "summary": {"total": count} | {status: sum(o["status"] == status for o in orders) for status in statuses},
        "not_checked": [],
        "orders": orders,
        "errors": [],
    }
    if faults := schemas.explain("report", document)[:3]:
        raise SystemExit(f"the benchmark's own report is not a report: {faults}")
    return json.dumps(document, indent=2)


def _order(number: int, status: str) -> dict[str, Any]:
    bought = status in ("placed", "already_placed")
    tried = status in ("placed", "rejected", "unknown")
    outcome = status if status != "already_placed" else "placed"
    name, line = f"prices-{number:05}", 8 * number + 8
    lines = (
        f"- name: {name}",
        "  type: ipv4",
        "  country: FRA",
        "  quantity: 10",
        f"  customTargetName: site {number}",
    )
    return {
        "key": f"crawl-2026-11/{name}",
        "name": name,
        "type": "ipv4",
        "source": {
            "file": "orders/crawl.yaml",
            "line": line,
            "column": 11,
            "snippet": "\n".join(f"  {text}" for text in lines),
        },
        "words": {"country": "FRA", "period": "1 month"},
        "labels": {"team": "crawl"},
        "status": status,
        "renamed_from": None,
        "renews": None,
        "reason": None if bought or status == "planned" else "why it stands as it does, in a sentence of usual length",
        "fingerprint": f"sha256:{number:064x}",
        "request": {"countryId": 561, "periodId": "1m", "quantity": 10, "paymentId": 1, "customTargetName": "site"},
        "quote": {"total": "18.00", "currency": "USD", "at": "2026-11-23T12:00:10.000Z"},
        "possible": None,
        "result": {"order_id": str(2_426_273 + number), "base_order_numbers": [], "total": "18.00", "balance": "99.00"}
        if bought
        else None,
        "attempts": [
            {
                "n": 1,
                "started_at": f"2026-11-23T12:{number * 3 // 2 // 60 % 60:02}:{number * 3 // 2 % 60:02}.000Z",
                "duration_ms": 1310,  # one after the other, as purchases are
                "http_status": 200,
                "outcome": outcome,
            }
        ]
        if tried
        else [],
        "evidence": {"http_status": 200, "body_sha256": "0" * 64} if tried else None,
        "errors": [_finding(number, line, status)] if status in ("rejected", "refused", "unknown") else [],
    }


def _finding(number: int, line: int, status: str) -> dict[str, Any]:
    code = {"rejected": "PSR501", "refused": "PSR408", "unknown": "PSR504"}[status]
    return {
        "code": code,
        "category": status,
        "message": "what is wrong with the order, in a sentence of the usual length, with what the vendor said",
        "hint": "compare the order with `order-runner reference`; the next run tries it again, changed or not",
        "field": "countryId",
        "file": "orders/crawl.yaml",
        "line": line + 2,
        "column": 14,
        "key": f"crawl-2026-11/prices-{number:05}",
        "vendor": {"code": "0", "message": "Country not exists"} if status == "rejected" else None,
    }


if __name__ == "__main__":
    sys.exit(main())
