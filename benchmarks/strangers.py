"""What orders at the vendor cost that the ledger does not know: the first contact, and one stranger beside a history.

    python benchmarks/strangers.py [--orders 10000] [--history 100000] [--rounds 3]

First, the CPU of comparing as many orders to buy with as many unknown ones, at the whole and at half the size: all of
them alike, all different in number, of many countries and periods, and packages of many countries. Then `order-runner
plan` as a process of its own, beside a ledger of `--history` bought orders: with an account that shows nothing unknown,
and with one that shows a single order of somebody else. A figure is the median of its turns. Exit 1 where a target is
missed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Final

from purchases import AT, ROOT, fill, request
from ratios import at_least, cost_of, times

from runner.core.orders import OrderRequest, ProductType
from runner.core.vendor import SeenOrder
from runner.evidence.match import period_end
from runner.evidence.strangers import likenesses
from runner.sandbox.box import PREFIX, Sandbox

MAX_GROWTH: Final = 3.5
"""Twice the orders, in times of half of them: 2 where the cost is in proportion, 4 where everything is compared."""
MAX_SECONDS: Final = 3.0
"""CPU of the first contact at 10,000 orders; more or fewer have their share of it."""
MAX_RATIO: Final = 1.2
"""A plan beside one stranger, in times of one beside none: CPU and peak memory."""
PLANNED: Final = 20
COUNTRIES: Final = 60
PERIODS: Final = ("1w", "2w", "1m", "2m", "3m", "6m", "9m", "12m")
_KINDS: Final = ("all alike", "all different", "countries and periods", "packages")


def main() -> int:
    """Measure, print the tables, judge."""
    options = _options()
    print("| first contact | orders | CPU, s | in times of half, at most 3.5 |")
    print("|---|---:|---:|---:|")
    kept = [_contact(kind, options.orders, options.rounds) for kind in _KINDS]
    with tempfile.TemporaryDirectory() as folder:
        kept += _history(Path(folder), options.history, options.rounds)
    return 0 if all(kept) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--orders", type=at_least(2), default=10_000)
    parser.add_argument("--history", type=at_least(1), default=100_000)
    parser.add_argument("--rounds", type=at_least(1), default=3)
    return parser.parse_args()


def _contact(kind: str, orders: int, rounds: int) -> bool:
    whole, half = ([_compare(size, kind) for _ in range(rounds)] for size in (orders, orders // 2))
    seconds, growth = median(whole), times(median(whole), median(half))
    print(f"| {kind} | {orders:,} | {seconds:.2f} | {growth:.2f} |")
    return growth <= MAX_GROWTH and seconds < MAX_SECONDS * orders / 10_000


def _compare(size: int, kind: str) -> float:
    """CPU seconds of comparing `size` orders with `size` strangers."""
    product: ProductType = "mix" if kind == "packages" else "ipv4"
    countries = {(product, str(561 + n)): f"C{n:02}" for n in range(COUNTRIES)}
    strangers = [_stranger(n, kind) for n in range(size)]
    wanted = [_wanted(n, kind, product) for n in range(size)]
    begun = time.process_time()
    likenesses(wanted, {product: strangers}, countries, AT.date())
    return time.process_time() - begun


def _wanted(n: int, kind: str, product: ProductType) -> OrderRequest:
    plain = request("first", n, quantity=1 + n if kind == "all different" else 5)
    if kind.startswith("all"):
        return plain
    period = PERIODS[n // COUNTRIES % len(PERIODS)]
    return replace(plain, type=product, fields={**plain.fields, "countryId": 561 + n % COUNTRIES, "periodId": period})


def _stranger(n: int, kind: str) -> SeenOrder:
    starts = AT.date() - timedelta(days=0 if kind == "all alike" else n % 30)
    period = "1m" if kind.startswith("all") else PERIODS[n // COUNTRIES % len(PERIODS)]
    countries = {"countries and periods": {n % COUNTRIES}, "packages": {n % COUNTRIES, n // 7 % COUNTRIES}}
    return SeenOrder(
        order_id=str(3_000_000 + n),
        rows=1 + n if kind == "all different" else 5,
        numbers=frozenset({f"{3_000_000 + n}_1"}),
        countries=frozenset(f"C{code:02}" for code in countries.get(kind, {0})),
        starts=starts,
        ends=period_end(starts, period),
    )


def _history(folder: Path, history: int, rounds: int) -> Iterator[bool]:
    ledger = folder / "ledger.sqlite3"
    fill(ledger, history)
    box = Sandbox()
    manifest = folder / "m.yaml"
    names = "".join(f"  - name: o{n}\n    type: ipv4\n" for n in range(PLANNED))
    fields = "  countryId: 561\n  periodId: 1m\n  quantity: 1\n  customTargetName: benchmark\n"
    manifest.write_text(f"apiVersion: orders/v1\nbatch: new\ndefaults:\n{fields}orders:\n{names}", encoding="utf-8")
    with box.serve() as server:
        environment = os.environ | {
            "PROXY_SELLER_BASE_URL": server.base_url,
            "PROXY_SELLER_API_KEY": server.api_key,
            "ORDER_RUNNER_RATE": "0",
            "PYTHONPATH": str(ROOT),
        }
        argv = ["plan", "-q", "--ledger", str(ledger), "--account", "bench", str(manifest)]
        clean = [cost_of(argv, environment) for _ in range(rounds)]
        body = b'{"countryId": 562, "periodId": "1m", "quantity": 3, "paymentId": 1, "customTargetName": "theirs"}'
        box.respond("POST", f"{PREFIX}{server.api_key}/order/make", body)
        beside = [cost_of(argv, environment) for _ in range(rounds)]
    print(f"\n| plan beside {history:,} bought orders | CPU, s | peak, MB | in times of none, at most {MAX_RATIO} |")
    print("|---|---:|---:|---:|")
    ratios = [
        times(median(x), median(y)) for x, y in zip(zip(*beside, strict=True), zip(*clean, strict=True), strict=True)
    ]
    for name, turns in (("no stranger", clean), ("one stranger", beside)):
        cpu, peak = (median(column) for column in zip(*turns, strict=True))
        note = f"{ratios[0]:.2f}, memory {ratios[1]:.2f}" if turns is beside else ""
        print(f"| {name} | {cpu:.2f} | {peak:.1f} | {note} |")
    yield from (ratio <= MAX_RATIO for ratio in ratios)


if __name__ == "__main__":
    sys.exit(main())
