"""What is asked about claims: open ones with their witnesses, what each was allowed, who owns an order id.

For any SQL engine, like `sql.py`: each call belongs inside a transaction that its caller opens.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from runner.core.errors import LedgerUnusable
from runner.core.orders import OrderKey
from runner.core.records import Allowed, Bought, OpenClaim, Record
from runner.core.states import Event, State
from runner.core.vendor import Witness
from runner.ledger import statements
from runner.ledger.codec import moment_text
from runner.ledger.connection import Row
from runner.ledger.sql import AccountRows


def open_claims(rows: AccountRows) -> list[OpenClaim]:
    """Every open order with what its last claim wrote down, oldest claim first."""
    return [_open_claim(rows, record) for record in rows.open_records()]


def owners(rows: AccountRows, order_ids: Iterable[str]) -> dict[str, OrderKey]:
    """The vendor's order ids among these that belong to orders of the account."""
    found = rows.of_each(statements.OWNERS, "b_ids", sorted(set(order_ids)))
    return {row["order_id"]: OrderKey.parse(row["key"]) for row in found}


def owned_numbers(rows: AccountRows, numbers: Iterable[str]) -> frozenset[str]:
    """Those of these base order numbers that belong to orders of the account: one look through the orders, in SQL."""
    found = rows.of_each(statements.OWNED_NUMBERS, "b_numbers", sorted(set(numbers)))
    return frozenset(row["value"] for row in found)


def beginnings(rows: AccountRows, keys: Iterable[OrderKey]) -> dict[OrderKey, str]:
    """The hash of the event that began the last attempt of each of these orders: a claim, an adoption, a renaming."""
    hashes: dict[OrderKey, tuple[int, str]] = {}
    for row in rows.of_each(statements.EVENTS_OF, "b_keys", map(str, keys)):
        key, attempt = OrderKey.parse(row["key"]), int(row["attempt"])
        if row["event"] in _BEGINS and attempt > hashes.get(key, (0, ""))[0]:
            hashes[key] = attempt, str(row["hash"])
    return {key: digest for key, (_, digest) in hashes.items()}


_BEGINS: Final = frozenset({Event.CLAIMED.value, Event.RESOLVED.value, Event.RENAMED.value})


def bought_since(rows: AccountRows, at: datetime) -> list[Bought]:
    """The placed orders that were settled at `at` or later."""
    claimed = {row["key"]: row["claimed_at"] for row in rows.every(statements.BOUGHT, b_at=moment_text(at))}
    records = rows.records(map(OrderKey.parse, claimed))
    return [_purchase(rows, record, claimed[str(key)]) for key, record in records.items()]


def _purchase(rows: AccountRows, record: Record, claimed_at: str) -> Bought:
    """With the place of the first claim that may have bought it.

    A late answer may have been that of an earlier attempt than the last, but of none that was not sent or was refused.
    """
    events = _since_purchase(rows, record.key)
    claimed = {event["attempt"]: event["seq"] for event in events if event["event"] == Event.CLAIMED}
    adopted = bool(events) and events[-1]["attempt"] not in claimed
    in_vain = {event["attempt"] for event in events if event["event"] in (Event.NOT_SENT, Event.REJECTED)}
    claims = [] if adopted else [seq for attempt, seq in claimed.items() if attempt not in in_vain]
    return Bought(
        record=record,
        claimed_at=datetime.fromisoformat(claimed_at),
        claimed_seq=min(claims, default=0),
        settled_seq=max((event["seq"] for event in events if event["after"] == State.PLACED), default=0),
    )


def _since_purchase(rows: AccountRows, key: OrderKey) -> list[Row]:
    """The events of an order, under the key it was bought by: no renaming makes a purchase a newer one."""
    events = rows.every(statements.EVENTS, b_key=str(key))
    taken = [event for event in events if (event["event"], event["after"]) == (Event.RENAMED, State.PLACED)]
    if not taken:
        return [event for event in events if event["event"] != Event.RENAMED]
    return _since_purchase(rows, OrderKey.parse(json.loads(taken[0]["detail"])["renamed_from"]))


def evidence(rows: AccountRows, keys: Iterable[OrderKey]) -> dict[OrderKey, Mapping[str, object]]:
    """The evidence in the last event of each of these orders, where there is any."""
    by_key: dict[OrderKey, Mapping[str, object]] = {}
    for key in keys:
        details = [detail for _, detail in _history(rows, key)]
        if details and details[-1].get("evidence"):
            by_key[key] = details[-1]["evidence"]
    return by_key


def allowances(rows: AccountRows, keys: Iterable[OrderKey]) -> dict[OrderKey, Allowed]:
    """The ceiling and the approval in the last claim of each of these orders."""
    by_key: dict[OrderKey, Allowed] = {}
    for row in rows.of_each(statements.CLAIMED, "b_keys", map(str, keys)):
        detail = json.loads(row["detail"])
        claim = Allowed(ceiling=Decimal(detail["ceiling"]), approval=detail.get("approval"))
        by_key[OrderKey.parse(row["key"])] = claim
    return by_key


def _history(rows: AccountRows, key: OrderKey) -> list[tuple[Row, dict[str, Any]]]:
    """Every event of an order with its detail, oldest first."""
    return [(event, json.loads(event["detail"])) for event in rows.every(statements.EVENTS, b_key=str(key))]


def _open_claim(rows: AccountRows, record: Record) -> OpenClaim:
    history = _history(rows, record.key)
    claims = [
        (event, detail)
        for event, detail in history
        if (event["event"], event["attempt"]) == (Event.CLAIMED, record.attempt)
    ]
    if not claims:
        raise LedgerUnusable(f"the ledger has no claim of {record.key}", hint="restore the newest copy of the ledger")
    event, detail = claims[-1]
    return OpenClaim(
        record=record,
        claimed_at=datetime.fromisoformat(event["at"]),
        balance=Decimal(detail["balance"]),
        witness=_witness(rows, record, detail["witness"]),
        leaning_placed=any(_hints(earlier["event"], detail) for earlier, detail in history),
        evidence=history[-1][1].get("evidence") or {},
        claimed_seq=event["seq"],
        read_seq=_seq_before(rows, event["seq"], detail.get("events_since", 0)),
        ends=tuple(sorted((date.fromisoformat(day), count) for day, count in detail.get("ends", {}).items())),
    )


def _seq_before(rows: AccountRows, seq: int, events: int) -> int:
    """The place of the account's last event before these `events`, which are the last before `seq`; 0 for none."""
    values = {"b_account": rows.account, "b_seq": seq, "b_events": events}
    row = statements.EARLIER.one(rows.connection, values)
    return row["seq"] if row else 0


def _hints(event: str, detail: Mapping[str, Any]) -> bool:
    """Whether somebody saw an answer of this order that speaks of a purchase, in whatever attempt."""
    leans = (detail.get("evidence") or {}).get("leaning_placed")
    return event == Event.PLACED or detail.get("event") == Event.PLACED or bool(leans)


def _witness(rows: AccountRows, record: Record, digest: str) -> Witness:
    witness = rows.witness(digest)
    if witness is None:
        raise LedgerUnusable(f"the ledger has no witness of {record.key}", hint="restore the newest copy of the ledger")
    return witness
