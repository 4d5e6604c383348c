"""What `order-runner status --online` costs: one pair of lists a type, however many orders there are.

    python benchmarks/online.py [--orders 1000] [--rounds 3]

Buys that many orders of ten proxies from the sandbox, and then looks at them as a process of its own: the first look,
which notes every address, the ones after it, and the same as JSON. A figure is the median of its turns. Exit 1 where a
target is missed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Final

from purchases import ROOT
from ratios import at_least, cost_of

from runner.sandbox.box import Sandbox

MAX_SECONDS: Final = 2.0
"""CPU of a look at 1,000 orders with 10,000 proxies."""
MAX_MEGABYTES: Final = 120.0


def main() -> int:
    """Measure, print the table, judge."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--orders", type=at_least(1), default=1000)
    parser.add_argument("--rounds", type=at_least(1), default=3)
    options = parser.parse_args()
    box = Sandbox()
    box.set_balance(Decimal(1_000_000))
    with tempfile.TemporaryDirectory() as folder, box.serve() as server:
        environment = os.environ | {
            "PROXY_SELLER_BASE_URL": server.base_url,
            "PROXY_SELLER_API_KEY": server.api_key,
            "ORDER_RUNNER_LEDGER": str(Path(folder) / "ledger.sqlite3"),
            "ORDER_RUNNER_RATE": "0",
            "PYTHONPATH": str(ROOT),
        }
        manifest = Path(folder) / "m.yaml"
        manifest.write_text(_manifest(options.orders), encoding="utf-8")
        report = str(Path(folder) / "report.json")
        cost_of(["apply", "--yes", "-q", "--jobs", "8", "--report", report, str(manifest)], environment)
        turns = {
            "first look": [cost_of(["status", "--online"], environment)],
            "next looks": [cost_of(["status", "--online"], environment) for _ in range(options.rounds)],
            "as JSON": [cost_of(["status", "--online", "-f", "json"], environment) for _ in range(options.rounds)],
        }
    limits = f"CPU, s, at most {MAX_SECONDS} | MB, at most {MAX_MEGABYTES:.0f}"
    print(f"| status --online, {options.orders:,} orders | {limits} |")
    print("|---|---:|---:|")
    figures = {name: [median(column) for column in zip(*each, strict=True)] for name, each in turns.items()}
    for name, (cpu, peak) in figures.items():
        print(f"| {name} | {cpu:.2f} | {peak:.1f} |")
    return 0 if all(cpu <= MAX_SECONDS and peak <= MAX_MEGABYTES for cpu, peak in figures.values()) else 1


def _manifest(orders: int) -> str:
    names = "".join(f"  - {{name: o{n}, type: ipv4, customTargetName: benchmark {n}}}\n" for n in range(orders))
    fields = "  countryId: 561\n  periodId: 1m\n  quantity: 10\n"
    return f"apiVersion: orders/v1\nbatch: bench\ndefaults:\n{fields}orders:\n{names}"


if __name__ == "__main__":
    sys.exit(main())
