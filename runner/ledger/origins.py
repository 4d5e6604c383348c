"""Who began the attempt that an order stands by, when, and with which labels; and what each order counts for.

For any SQL engine, like `sql.py`: each call belongs inside a transaction that its caller opens. What a claim or an
adoption says of it stays with the purchase: an order that takes one over has it in its own event.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from runner.core.orders import OrderKey
from runner.core.provenance import Provenance
from runner.core.records import Origin, Spending
from runner.core.states import Event, State
from runner.ledger import statements
from runner.ledger.codec import origin_detail
from runner.ledger.connection import Row
from runner.ledger.days import amount_of
from runner.ledger.sql import AccountRows

_A_DAY: Final = timedelta(days=1)


def origins(rows: AccountRows, keys: Iterable[OrderKey]) -> dict[OrderKey, Origin]:
    """The origin of each of these orders that ever had an attempt."""
    return {OrderKey.parse(key): origin for key, origin in _by_key(rows, map(str, keys)).items()}


def _by_key(rows: AccountRows, keys: Iterable[str]) -> dict[str, Origin]:
    events = groupby(rows.of_each(statements.BEGINNINGS, "b_keys", keys), key=itemgetter("key"))
    begun = {key: _beginning(of_order) for key, of_order in events}
    return {key: _origin(row, json.loads(row["detail"])) for key, row in begun.items()}


def _beginning(events: Iterable[Row]) -> Row:
    """What began the attempt that bought an order, perhaps by a late answer; else the last one."""
    attempts: dict[int, Row] = {}
    current = 0
    for row in events:
        attempts.setdefault(current := row["attempt"], row)
    return attempts[current]


def _origin(row: Row, detail: Mapping[str, Any]) -> Origin:
    renamed = row["event"] == Event.RENAMED
    source = detail.get("bought", {}) if renamed else detail
    return Origin(
        at=datetime.fromisoformat((detail["claimed_at"] if renamed else None) or row["at"]),
        by=Provenance.of_json(source.get("by")),
        labels=dict(source.get("labels") or {}),
    )


def bought_detail(rows: AccountRows, key: OrderKey) -> dict[str, Any]:
    """The origin of an order's purchase, as the event of whatever takes the purchase over has it."""
    origin = _by_key(rows, [str(key)]).get(str(key))
    bought = origin_detail(origin.by, origin.labels) if origin else {}
    return {"bought": bought} if bought else {}


def page_of_spendings(
    rows: AccountRows, after: str, size: int, *, since: date, until: date, origins: bool
) -> list[Spending]:
    """At most `size` orders that cost money, or may have, by the text of their keys, from the first one after `after`.

    Those that were claimed from the day `since` to the day `until`, both included. Without `origins` none is read.
    """
    end = min(until, date.max - _A_DAY) + _A_DAY
    days = {"b_since": since.isoformat(), "b_end": end.isoformat()}
    page = rows.every(statements.SPENDINGS, b_after=after, b_size=size, **days)
    known = _by_key(rows, (row["key"] for row in page)) if origins else {}
    return [_spending(row, known.get(row["key"])) for row in page]


def _spending(row: Row, origin: Origin | None) -> Spending:
    return Spending(
        key=row["key"],
        type=row["type"],
        day=date.fromisoformat(row["claimed_at"][:10]),
        amount=amount_of(row["state"], row["total"], row["quote_total"], row["stray_order_id"]),
        in_doubt=row["state"] != State.PLACED,
        origin=origin,
    )
