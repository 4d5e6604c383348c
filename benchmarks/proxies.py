"""What it costs to have everything that was bought in a file: `order-runner proxies` of 1,000 orders, 10,000 proxies.

    python benchmarks/proxies.py [--orders 1000] [--rows 10] [--rounds 3]

A vendor on loopback answers with the list of the type, as bytes that were made before, and with an empty list of those
that end soon; the client is a process of its own. Four ways: the table, a file of every login, that with a report and
its digests, and that file from a vendor who ignores the filter, so that every proxy is read twice. A figure is the
median of its turns. Exit 1 where a target is missed: two seconds of CPU, 120 MB, and each list asked once.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any, Final

from purchases import ROOT, fill
from ratios import at_least, cost_of

from runner.sandbox.replies import Reply
from runner.sandbox.server import SandboxServer

KEY: Final = "benchmark-key-0123456789"
MAX_SECONDS: Final = 2.0
"""CPU of one call, user and system, at 1,000 orders with 10,000 proxies; more have their share of it."""
MAX_MB: Final = 120.0
IGNORING: Final = "the filter"
"""What is counted as asked while the vendor ignores it."""
LISTS: Final = 2
"""The default list of the type, and that of ending proxies."""


def main() -> int:
    """Measure, print the table, judge."""
    options = _options()
    asked: Counter[str] = Counter()
    body, nothing = _list(options.orders, options.rows), _list(0, 0)

    def respond(method: str, target: str, raw: bytes) -> Reply:
        del method, raw
        asked[target.partition(f"/{KEY}/")[2]] += 1
        return Reply(body=nothing if "ends=" in target and not asked[IGNORING] else body)

    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        fill(folder / "ledger.sqlite3", options.orders, options.rows)
        server = SandboxServer(respond, "127.0.0.1", 0)
        try:
            kept = _measure(folder, server.base_url, options, asked)
        finally:
            server.close()
    return 0 if kept else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--orders", type=at_least(1), default=1000)
    parser.add_argument("--rows", type=at_least(1), default=10, help="proxies of each order")
    parser.add_argument("--rounds", type=at_least(1), default=3)
    return parser.parse_args()


def _list(orders: int, rows: int) -> bytes:
    """`proxy/list/ipv4`, with every key of a live row."""
    items = [_row(order, index, order * rows + index) for order in range(orders) for index in range(rows)]
    return json.dumps({"status": "success", "data": {"items": items}, "errors": []}).encode()


def _row(order: int, index: int, serial: int) -> dict[str, Any]:
    address = f"198.{18 + serial // 65536}.{serial // 256 % 256}.{serial % 256}"
    return {
        "id": 30_000_000 + serial,
        "order_id": 2_000_000 + order,
        "order_number": f"{order}_1",
        "base_order_number": f"{order}_1",
        "basket_id": 9_000_000 + serial,
        "ip": address,
        "ip_only": address,
        "protocol": "HTTP",
        "port_socks": 50101,
        "port_http": 50100,
        "login": f"login{order:06}",
        "password": f"pass:word@{serial:08}",
        "auth_ip": "",
        "rotation": "",
        "link_reboot": "#",
        "country": "France",
        "country_alpha3": "FRA",
        "status": "Active",
        "status_type": "ACTIVE",
        "can_prolong": 1,
        "date_start": "23.11.2026",
        "date_end": "23.12.2026",
        "comment": "",
        "auto_renew": "N",
        "auto_renew_period": "",
        "is_uptime": index % 2 == 0,
    }


def _measure(folder: Path, base_url: str, options: argparse.Namespace, asked: Counter[str]) -> bool:
    environment = os.environ | {
        "PROXY_SELLER_BASE_URL": base_url,
        "PROXY_SELLER_API_KEY": KEY,
        "ORDER_RUNNER_RATE": "0",
        "PYTHONPATH": str(ROOT),
    }
    argv = ["proxies", "-q", "--ledger", str(folder / "ledger.sqlite3"), "--account", "bench"]
    written = ["-f", f"csv={folder / 'proxies.csv'}", "--logins"]
    ways = {
        "a table": argv,
        "a file of logins": [*argv, *written],
        "a file and a report": [*argv, *written, "--report", str(folder / "report.json")],
        "a file, the filter ignored": [*argv, *written],
    }
    share = max(1.0, options.orders * options.rows / 10_000)
    cpu_column, peak_column = f"CPU, s, below {MAX_SECONDS * share:g}", f"peak, MB, below {MAX_MB * share:g}"
    print(f"| proxies of {options.orders:,} orders, {options.rows} each | {cpu_column} | {peak_column} | requests |")
    print("|---|---:|---:|---:|")
    kept = True
    for name, arguments in ways.items():
        asked.clear()
        asked[IGNORING] = int(name.endswith("ignored"))
        turns = [cost_of(arguments, environment) for _ in range(options.rounds)]
        cpu, peak = (median(column) for column in zip(*turns, strict=True))
        requests = (asked.total() - asked[IGNORING]) / options.rounds
        print(f"| {name} | {cpu:.2f} | {peak:.1f} | {requests:g} |")
        kept = kept and cpu < MAX_SECONDS * share and peak < MAX_MB * share and requests == LISTS
    return kept


if __name__ == "__main__":
    sys.exit(main())
