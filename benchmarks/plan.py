"""What words cost a plan: the client's CPU an order beside the same orders in ids, and how often the vendor is asked.

    python benchmarks/plan.py [--orders 1000] [--rounds 3]

The sandbox serves from this process; every plan is a fresh `order-runner plan` with an empty ledger. CPU is that of the
client process, user and system, less what a plan of one order takes: start-up is not planning. Manifests take turns.
Exit 1 where words cost more than 1.5 times the ids, or the vendor is asked more than one list a type and one price an
order.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

from ratios import at_least, times

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from runner.sandbox.box import Sandbox  # noqa: E402 - found by the line above

MAX_RATIO: Final = 1.5
TYPES: Final = 3
"""Product types in each manifest."""
WORDS: Final = (
    ("ipv4", "country: FRA", "quantity: 1"),
    ("isp", "country: United States", "quantity: 1"),
    ("mix", "package: Europe mix", "quantity: 10"),
)
IDS: Final = (
    ("ipv4", "countryId: 561", "quantity: 1"),
    ("isp", "countryId: 3758", "quantity: 1"),
    ("mix", "countryId: 1370", "quantity: 10"),
)


@dataclass(slots=True, kw_only=True)
class Side:
    """One spelling: its manifests, and the CPU seconds of each round, of one order and of all."""

    name: str
    one: Path
    many: Path
    starts: list[float] = field(default_factory=list)
    plans: list[float] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)

    def an_order(self, orders: int) -> float:
        """Milliseconds of CPU an order."""
        return 1000 * (median(self.plans) - median(self.starts)) / (orders - 1)


def main() -> int:
    """Measure, print the table, judge."""
    parser = argparse.ArgumentParser(description="Client CPU of planning words and ids against a local sandbox.")
    parser.add_argument("--orders", type=at_least(2), default=1000, help="orders in each manifest")
    parser.add_argument("--rounds", type=at_least(1), default=3, help="plans of each manifest")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root, box = Path(folder), Sandbox()
        with box.serve() as server:
            environment = _environment(root, server.base_url, server.api_key)
            sides = [_side(root, "words", "period: 1 month", WORDS, arguments.orders)]
            sides += [_side(root, "ids", "periodId: 1m", IDS, arguments.orders)]
            locked = _cpu(["lock", str(root / "words")], environment)
            for _ in range(arguments.rounds):
                for side in sides:
                    side.starts.append(_cpu(["plan", "-q", str(side.one)], environment))
                    before = len(box.requests)
                    side.plans.append(_cpu(["plan", "-q", str(side.many)], environment))
                    side.asked = Counter(r.endpoint.split("/list/")[0] for r in box.requests[before:])
    return _judge(sides, arguments.orders, locked)


def _environment(root: Path, base_url: str, key: str) -> dict[str, str]:
    return os.environ | {
        "PROXY_SELLER_BASE_URL": base_url,
        "PROXY_SELLER_API_KEY": key,
        "ORDER_RUNNER_RATE": "0",
        "ORDER_RUNNER_LEDGER": str(root / "ledger.sqlite3"),
        "PYTHONPATH": str(ROOT),
    }


def _side(root: Path, name: str, default: str, spellings: tuple[tuple[str, str, str], ...], orders: int) -> Side:
    folder = root / name
    folder.mkdir()
    paths = []
    for count in (1, orders):
        lines = ["apiVersion: orders/v1", f"batch: {name}-{count}", "defaults:", f"  {default}"]
        lines += ["  customTargetName: benchmark", "orders:"]
        for number in range(count):
            product, place, quantity = spellings[number % TYPES]
            lines += [f"  - name: o{number}", f"    type: {product}", f"    {place}", f"    {quantity}"]
        paths.append(folder / f"{count}.yaml")
        paths[-1].write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Side(name=name, one=paths[0], many=paths[1])


def _cpu(arguments: list[str], environment: dict[str, str]) -> float:
    """CPU seconds, user and system, of one command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "runner", *arguments]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def _judge(sides: list[Side], orders: int, locked: float) -> int:
    words, ids = sides
    print(f"| {orders:,} orders of {TYPES} types | CPU ms an order | `reference/list` | `order/calc` |")
    print("|---|---:|---:|---:|")
    for side in sides:
        print(
            f"| in {side.name} | {side.an_order(orders):.2f} | {side.asked['reference']} | {side.asked['order/calc']} |"
        )
    ratio = times(words.an_order(orders), ids.an_order(orders))
    print(f"\nwords / ids: {ratio:.2f}, at most {MAX_RATIO}; `lock` of all words: {locked:.2f} s of CPU")
    asked_once = all(s.asked["reference"] <= TYPES and s.asked["order/calc"] <= orders for s in sides)
    return 0 if ratio <= MAX_RATIO and asked_once else 1


if __name__ == "__main__":
    sys.exit(main())
