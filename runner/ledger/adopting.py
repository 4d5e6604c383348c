"""Orders that a ledger may have forgotten, in SQL: what was wanted, what is adopted, what is somebody else's.

For any SQL engine, like `sql.py`: each call belongs inside a transaction that its caller opens.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from runner.core.errors import Refused
from runner.core.orders import OrderKey
from runner.core.records import Adoption, Attempt, Record, Settlement, Stranger, Want
from runner.core.states import CLAIMABLE, Event, State
from runner.ledger import days, statements
from runner.ledger.claims import owners
from runner.ledger.codec import (
    json_text,
    moment_text,
    optional_money,
    origin_detail,
    record_of,
    storable,
    values_of,
)
from runner.ledger.sql import AccountRows


def adopt_all(rows: AccountRows, fence: int, adoptions: Iterable[Adoption]) -> list[Record]:
    """Move orders that are not open to `placed`, each as its next attempt.

    `Refused` where one is open, placed or a renewal, where its order id is another's, or where another hold than
    `fence` has the account.
    """
    sums, keys = days.Changes(), []
    for adoption in adoptions:
        _adopt(rows, fence, adoption, sums)
        keys.append(adoption.want.key)
    sums.keep(rows.connection, rows.account)
    records = rows.records(keys)
    return [records[key] for key in keys]


def _adopt(rows: AccountRows, fence: int, adoption: Adoption, sums: days.Changes) -> None:
    want, head = adoption.want, rows.chain()
    order_id = storable(adoption.order_id)
    named = {"b_account": rows.account, "b_key": str(want.key)}
    if want.key.term:
        raise Refused(f"{want.key} is a renewal, which is not adopted", hint=f"adopt {want.key.purchase}")
    _refuse_owned(rows, order_id, want.key)
    row = statements.ROW.one(rows.connection, named)
    if row is None:
        statements.INSERT_ORDER.change(rows.connection, _nothing_yet(rows.account, adoption))
    before, tries = (State(row["state"]), int(row["attempt"])) if row else (State.PLANNED, 0)
    attempt = Attempt(key=want.key, n=tries + 1, run_id=adoption.run_id, claimed_at=adoption.at)
    settlement = Settlement(
        event=Event.RESOLVED,
        after=State.PLACED,
        at=adoption.at,
        reason=storable(adoption.reason),
        order_id=order_id,
        base_order_numbers=tuple(map(storable, adoption.base_order_numbers)),
        evidence=adoption.evidence,
        by=adoption.by,
    )
    values = _content(want) | {
        "state": State.PLACED.value,
        "attempt": attempt.n,
        "updated_at": moment_text(adoption.at),
        "claimed_at": moment_text(adoption.at),  # nobody knows when it was bought: budgets count it from now on
        "reason": settlement.reason,
        "order_id": order_id,
        "base_order_numbers": json_text(settlement.base_order_numbers),
        "total": None,
        "balance": None,
        "stray_order_id": None,
    }
    if statements.ADOPT.change(rows.connection, values | named | {"b_attempt": tries, "b_fence": fence}) != 1:
        raise _why_not(want.key, before)
    detail = values_of(settlement) | _description(want) | origin_detail(adoption.by, adoption.labels)
    entry = rows.telling(
        head,
        attempt,
        before,
        Event.RESOLVED,
        State.PLACED,
        at=adoption.at,
        detail=json_text(detail),
        reason=settlement.reason,
    )
    rows.connection.change_last(*entry)
    sums.note(row, {**(row or {}), **values})


def _refuse_owned(rows: AccountRows, order_id: str, key: OrderKey | None = None) -> None:
    owner = owners(rows, [order_id]).get(order_id)
    if owner is not None:
        other = f", so it cannot be {key}" if key else ", so it is not somebody else's"
        raise Refused(f"order {order_id} already belongs to {owner}{other}")


def _why_not(key: OrderKey, state: State) -> Refused:
    if state in CLAIMABLE:
        return Refused(f"{key} was not adopted: another run has since taken over the account", hint="run again")
    if state is State.RENAMED:
        return Refused(f"{key} was renamed, and is never bought again", hint="adopt the order under its new key")
    return Refused(f"{key} is {state}: it already has an attempt")


def _nothing_yet(account: str, adoption: Adoption) -> dict[str, Any]:
    state = {"state": State.PLANNED.value, "attempt": 0, "updated_at": moment_text(adoption.at)}
    named = {"account": account, "key": str(adoption.want.key), "base_order_numbers": "[]"}
    return named | _content(adoption.want) | state


def _description(want: Want) -> dict[str, Any]:
    """What was wanted, as an event tells it."""
    return {
        "type": want.type,
        "fields": dict(want.fields),
        "fingerprint": want.fingerprint,
        "quote_total": optional_money(want.quote_total),
    }


def _content(want: Want) -> dict[str, Any]:
    """What was wanted, as columns hold it."""
    return _description(want) | {"fields": json_text(dict(want.fields))}


def note_wants(rows: AccountRows, wanted: Iterable[Want]) -> None:
    """Keep what each key stands for now."""
    for want in wanted:
        values = _content(want) | {"at": moment_text(want.at)}
        named = {"b_account": rows.account, "b_key": str(want.key)}
        if not statements.UPDATE_WANT.change(rows.connection, values | named):
            new = values | {"account": rows.account, "key": str(want.key)}
            statements.INSERT_WANT.change(rows.connection, new)


def wants(rows: AccountRows, keys: Iterable[OrderKey]) -> dict[OrderKey, Want]:
    """What was last kept of these keys."""
    kept = rows.of_each(statements.WANTS, "b_keys", map(str, keys))
    every = (record_of(Want, {**row, "fields": json.loads(row["fields"])}) for row in kept)
    return {want.key: want for want in every}


def disown(rows: AccountRows, others: Iterable[Stranger]) -> None:
    """Remember orders as somebody else's; what is remembered already stays as it is."""
    for stranger in others:
        _refuse_owned(rows, stranger.order_id)
        keep_stranger(rows, stranger)


def keep_stranger(rows: AccountRows, stranger: Stranger) -> None:
    """Remember one, unless it is."""
    order_id = storable(stranger.order_id)
    named = {"b_account": rows.account, "b_order_id": order_id}
    if statements.STRANGER.one(rows.connection, named) is not None:
        return
    values = {name: storable(text) for name, text in values_of(stranger).items()}
    statements.INSERT_STRANGER.change(rows.connection, {"account": rows.account, **values})


def strangers(rows: AccountRows) -> list[Stranger]:
    """Every one that is remembered, by order id."""
    return [record_of(Stranger, row) for row in rows.every(statements.STRANGERS)]
