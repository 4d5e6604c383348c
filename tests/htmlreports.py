"""Reports for tests of what is made from them: any number of orders, every field filled, valid by the schema."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from runner.report.report import REPORT_VERSION, STATUSES

START = datetime(2026, 11, 23, 2, 14, 7, 120_000, UTC)
REQUEST = {"countryId": 561, "periodId": "1m", "quantity": 10, "paymentId": 1, "customTargetName": "price monitoring"}
SNIPPET = "  - name: fr-prices\n    type: ipv4\n\tcountry: FRA # France"
OUTCOMES = {"placed": "placed", "rejected": "rejected", "unknown": "unknown"}
EXITS = {"unknown": (7, "outcome_unknown"), "rejected": (6, "orders_failed"), "refused": (5, "refused")}


def moment(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def finding(category: str, message: str, **changes: Any) -> dict[str, Any]:
    told = {"code": "PSR501", "category": category, "message": message, "hint": "look at `order-runner reference`"}
    place = {"field": "countryId", "file": "orders/crawl.yaml", "line": 7, "column": 16}
    return {**told, **place, "key": None, "vendor": None, **changes}


def order(number: int, status: str = "placed", **changes: Any) -> dict[str, Any]:
    """The `number`-th order; its price is 2.50 and a cent for each one before it."""
    key = f"crawl/order-{number:04}"
    total = str(Decimal("2.50") + Decimal(number) / 100)
    bought = status in ("placed", "already_placed")
    outcome = OUTCOMES.get(status)
    tried = {"n": 1, "started_at": moment(60 + 3 * number), "duration_ms": 1500, "http_status": 200, "outcome": outcome}
    entry = {
        "key": key,
        "name": key.partition("/")[2],
        "type": ("ipv4", "isp", "ipv6")[number % 3],
        "source": {"file": "orders/crawl.yaml", "line": 4 + 6 * number, "column": 11, "snippet": SNIPPET},
        "status": status,
        "renamed_from": None,
        "renews": None,
        "reason": None if bought else f"why it is {status}",
        "fingerprint": f"sha256:{number:064x}",
        "request": REQUEST,
        "words": {"country": "FRA", "period": "1 month"},
        "labels": {"team": "crawl"},
        "quote": {"total": total, "currency": "USD", "at": moment(2)},
        "result": {
            "order_id": str(2_400_000 + number),
            "base_order_numbers": [f"{number}_57471911"],
            "total": total,
            "balance": "9000.00",
        }
        if bought
        else None,
        "possible": total if status == "unknown" else None,
        "attempts": [tried] if outcome else [],
        "evidence": {"http_status": 200, "body_sha256": "e" * 64} if outcome else None,
        "errors": [] if bought or status == "planned" else [finding(status, f"found: {status}")],
    }
    return entry | changes


def report(orders: list[dict[str, Any]], *, new_keys: bool = True, **changes: Any) -> dict[str, Any]:
    """A complete run of these orders; without `new_keys` as version 1.0 had it."""
    counts = Counter(entry["status"] for entry in orders)
    spent = sum((Decimal(one["result"]["total"]) for one in orders if one["status"] == "placed"), Decimal(0))
    doubt = sum((Decimal(one["quote"]["total"]) for one in orders if one["status"] == "unknown"), Decimal(0))
    code, name = next((EXITS[status] for status in EXITS if counts[status]), (0, "ok"))
    document = {
        "report_version": REPORT_VERSION,
        "tool": {"name": "order-runner", "version": "0.1.0"},
        "run": {
            "id": "20261123T021407Z-08e00d03",
            "mode": "apply",
            "complete": True,
            "started_at": moment(0),
            "finished_at": moment(70 + 3 * len(orders)),
            "exit": {"code": code, "name": name},
            "actor": "Ann Lee",
            "commit": "2f1e8a6d7c3b4a5968778695a4b3c2d1e0f1a2b3",
            "ref": "refs/heads/main",
            "job": "https://github.com/acme/orders/actions/runs/7",
        },
        "inputs": {
            "manifests": [{"path": "orders/crawl.yaml", "sha256": "a" * 64}],
            "policies": [{"path": "order-runner.yaml", "sha256": "b" * 64}],
            "lockfile": "orders.lock.json",
            "ledger": "~/.local/state/order-runner/ledger.sqlite3",
            "api": {"base_url": "https://proxy-seller.com/personal/api/v1/***", "version": "v1"},
        },
        "money": {
            "currency": "USD",
            "quoted_total": f"{spent + doubt:.2f}",
            "spent_confirmed": f"{spent:.2f}",
            "spent_possible": f"{doubt:.2f}",
            "balance_before": "10000.00",
            "balance_after": f"{10000 - spent - doubt:.2f}",
            "unexplained": f"{doubt:.2f}",
        },
        "summary": {"total": len(orders)} | {status: counts[status] for status in STATUSES},
        "not_checked": [],
        "orders": orders if new_keys else [_plain(entry) for entry in orders],
        "errors": [],
    }
    return json.loads(json.dumps(document | changes))


def every_status(**changes: Any) -> dict[str, Any]:
    """One order of each status, and findings of no order."""
    entries = [order(number, status) for number, status in enumerate(STATUSES)]
    entries[3]["errors"] = [
        finding("rejected", "the vendor refused it", vendor={"code": "12", "message": "Country not exists"})
    ]
    entries[4]["evidence"] = {
        "http_status": None,
        "body_head": "<html>\r\n<b>502</b>",
        "candidates": [{"order_id": "77"}],
    }
    entries[4]["attempts"].insert(
        0, {**entries[4]["attempts"][0], "outcome": "not_sent", "duration_ms": None, "http_status": None}
    )
    warning = finding("warning", "the balance fell", field=None, file=None, line=None, column=None, code="PSR507")
    return report(entries, errors=[warning], not_checked=["whether it rains"], **changes)


def large(count: int = 2000) -> dict[str, Any]:
    """As a big batch comes out: mostly bought, some refused by the vendor."""
    return report([order(number, "rejected" if number % 100 == 99 else "placed") for number in range(count)])


def _plain(entry: Mapping[str, Any]) -> dict[str, Any]:
    source = {name: value for name, value in entry["source"].items() if name != "snippet"}
    return {
        name: value for name, value in entry.items() if name not in ("words", "labels", "possible", "renamed_from")
    } | {"source": source}
