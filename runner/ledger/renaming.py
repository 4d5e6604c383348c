"""Bought orders that go by another key since, in SQL.

For any SQL engine, like `sql.py`: each call belongs inside a transaction that its caller opens. Both events of a
renaming hold all that the other key's row is made of, so that each row follows from its own events alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from runner.core.errors import Refused
from runner.core.orders import OrderKey
from runner.core.records import Attempt, Rename
from runner.core.states import CLAIMABLE, Event, State
from runner.ledger import days, statements
from runner.ledger.codec import json_text, moment_text, origin_detail
from runner.ledger.connection import Statement
from runner.ledger.moves import NO_PURCHASE, PURCHASE
from runner.ledger.origins import bought_detail
from runner.ledger.sql import AccountRows


def rename(rows: AccountRows, fence: int, renames: Iterable[Rename]) -> None:
    """Move purchases from key to key.

    `Refused` where one has none to give, the other cannot take one, or another hold than `fence` has the account.
    """
    rows.chain()
    sums = days.Changes()
    for one in renames:
        _rename(rows, fence, one, sums)
    sums.keep(rows.connection, rows.account)


def _rename(rows: AccountRows, fence: int, one: Rename, sums: days.Changes) -> None:
    before, after = _giver(rows, one), _taker(rows, one)
    purchase = {name: before[name] for name in PURCHASE}
    if after is None:
        statements.INSERT_ORDER.change(rows.connection, _nothing_yet(rows.account, one, purchase))
    state, tries = (State(after["state"]), int(after["attempt"])) if after else (State.PLANNED, 0)
    sums.note(before, {**before, **_give_up(rows, fence, one, before)})
    sums.note(after, {**(after or {}), **_take_over(rows, fence, one, purchase, tries)})
    taken = {"renamed_from": str(one.before)} | _plain(purchase) | bought_detail(rows, one.before)
    _enter(rows, one, one.before, int(before["attempt"]), State.PLACED, {"renamed_to": str(one.after)})
    _enter(rows, one, one.after, tries + 1, state, taken)


def _giver(rows: AccountRows, one: Rename) -> dict[str, Any]:
    row = statements.ROW.one(rows.connection, {"b_account": rows.account, "b_key": str(one.before)})
    if row is None or row["state"] != State.PLACED:
        state = row["state"] if row else "not known"
        raise Refused(f"{one.before} cannot be renamed to {one.after}: it is {state}, not bought")
    return row


def _taker(rows: AccountRows, one: Rename) -> dict[str, Any] | None:
    row = statements.ROW.one(rows.connection, {"b_account": rows.account, "b_key": str(one.after)})
    if row is not None and State(row["state"]) not in CLAIMABLE:
        raise Refused(f"{one.before} cannot be renamed to {one.after}: that is {row['state']} itself")
    if row is not None and row["stray_order_id"] is not None:
        raise Refused(
            f"{one.before} cannot be renamed to {one.after}: the vendor also answered that with order "
            f"{row['stray_order_id']}",
            hint="`order-runner status` has the command that settles it",
        )
    return row


def _nothing_yet(account: str, one: Rename, purchase: Mapping[str, Any]) -> dict[str, Any]:
    content = {name: purchase[name] for name in ("type", "fields", "fingerprint")}
    state = {"state": State.PLANNED.value, "attempt": 0, "updated_at": moment_text(one.at), "base_order_numbers": "[]"}
    return {"account": account, "key": str(one.after)} | content | state


def _give_up(rows: AccountRows, fence: int, one: Rename, before: Mapping[str, Any]) -> dict[str, Any]:
    """What changes of the row. First, because an order id has one owner at every moment."""
    values = dict(NO_PURCHASE) | {
        "state": State.RENAMED.value,
        "updated_at": moment_text(one.at),
        "reason": f"renamed to {one.after}",
    }
    named = {"b_account": rows.account, "b_key": str(one.before), "b_attempt": before["attempt"], "b_fence": fence}
    _change(rows, statements.GIVE_UP, values | named, one)
    return values


def _take_over(rows: AccountRows, fence: int, one: Rename, purchase: Mapping[str, Any], tries: int) -> dict[str, Any]:
    """What changes of the row."""
    values = dict(purchase) | {
        "state": State.PLACED.value,
        "attempt": tries + 1,
        "updated_at": moment_text(one.at),
        "reason": f"renamed from {one.before}",
    }
    named = {"b_account": rows.account, "b_key": str(one.after), "b_attempt": tries, "b_fence": fence}
    _change(rows, statements.TAKE_OVER, values | named, one)
    return values


def _change(rows: AccountRows, statement: Statement, values: Mapping[str, Any], one: Rename) -> None:
    if statement.change(rows.connection, values) != 1:
        raise Refused(f"{one.before} was not renamed: another run has since taken over the account", hint="run again")


def _enter(rows: AccountRows, one: Rename, key: OrderKey, n: int, before: State, detail: Mapping[str, Any]) -> None:
    attempt = Attempt(key=key, n=n, run_id=one.run_id, claimed_at=one.at)
    gives = key == one.before
    entry = rows.telling(
        rows.chain(),
        attempt,
        before,
        Event.RENAMED,
        State.RENAMED if gives else State.PLACED,
        at=one.at,
        detail=json_text({"event": Event.RENAMED.value} | dict(detail) | origin_detail(one.by, {})),
        reason=f"renamed to {one.after}" if gives else f"renamed from {one.before}",
    )
    rows.connection.run_together(*entry)


def _plain(purchase: Mapping[str, Any]) -> dict[str, Any]:
    """A purchase as an event tells it: lists and mappings as such, not as the text of a column."""
    return dict(purchase) | {name: json.loads(purchase[name]) for name in ("fields", "base_order_numbers")}


def successors(rows: AccountRows, keys: Iterable[OrderKey]) -> dict[OrderKey, OrderKey]:
    """What each of these is called now. A key that was given up takes over nothing, so that no chain is a circle."""
    last = _next_of(rows, keys)
    step = last
    while step := _next_of(rows, step.values()):
        last = {key: step.get(name, name) for key, name in last.items()}
    return last


def _next_of(rows: AccountRows, keys: Iterable[OrderKey]) -> dict[OrderKey, OrderKey]:
    told = rows.of_each(statements.RENAMED, "b_keys", sorted(map(str, keys)))
    return {OrderKey.parse(row["key"]): OrderKey.parse(json.loads(row["detail"])["renamed_to"]) for row in told}
