"""The whole history of one account in SQL: read in pages, held against the orders, and put back.

Knows no engine; each step belongs inside a transaction that its caller opens and commits, like those of `sql.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from runner.core.errors import LedgerUnusable
from runner.core.records import COLUMNS, Contradiction, Entry, Head, Restored, Stranger
from runner.core.vendor import Witness
from runner.ledger import days, statements
from runner.ledger.adopting import keep_stranger
from runner.ledger.fold import fold
from runner.ledger.sql import AccountRows
from runner.ledger.takeover import former_names

PAGE: Final = 1000
"""Rows read at a time."""

_HASHES: Final = ("prev_hash", "hash")


def kept_head(rows: AccountRows) -> Head:
    """Where the account's chain ends, as the ledger keeps it."""
    row = statements.HEAD.one(rows.connection, {"b_account": rows.account})
    return Head(row["events"], row["hash"]) if row else Head()


def event_number(rows: AccountRows, number: int) -> tuple[int, str] | None:
    """The `seq` and the hash of the account's `number`-th event; None where it has no such event."""
    beyond = kept_head(rows).events - number
    if beyond < 0 or number < 1:
        return None
    values = {"b_account": rows.account, "b_beyond": beyond}
    row = statements.EVENT_BEFORE_THE_END.one(rows.connection, values)
    return (int(row["seq"]), str(row["hash"])) if row else None


def accounts(rows: AccountRows) -> list[str]:
    """Every account that was ever held, in order."""
    return [row["account"] for row in rows.every(statements.ACCOUNTS)]


def page_of_events(rows: AccountRows, after: int, size: int) -> list[Entry]:
    """At most `size` events, oldest first, from the first one after number `after`."""
    return [Entry(**row) for row in rows.every(statements.HISTORY, b_after=after, b_size=size)]


def former_accounts(rows: AccountRows) -> tuple[str, ...]:
    """The names under which this history was made before, the last one first."""
    first = page_of_events(rows, 0, 1)
    return former_names(first[0]) if first else ()


def kept_witness(rows: AccountRows, digest: str) -> Witness | None:
    """The witness stored under `digest`; `Contradiction` where it cannot be read."""
    try:
        return rows.witness(digest)
    except (ValueError, TypeError) as error:
        raise Contradiction(f"its witness cannot be read: {error}") from error


def misfit_after(rows: AccountRows, last: str, size: int) -> tuple[str | None, str | None]:
    """The first misfit among `size` orders after key `last`; and the last key looked at, None after the last order."""
    page = rows.every(statements.PAGE, b_after=last, b_size=size)
    if not page:
        orphan = statements.ORPHAN.one(rows.connection, {"b_account": rows.account})
        return (f"{orphan['key']} has events, first number {orphan['seq']}, but is missing" if orphan else None), None
    folded = _fold_orders(rows, [row["key"] for row in page])
    found = (_misfit(row, folded.get(row["key"])) for row in page)
    return next((misfit for misfit in found if misfit), None), str(page[-1]["key"])


def misfit_among(rows: AccountRows, keys: Sequence[str]) -> str | None:
    """The first misfit among the orders with these keys, each of which has an event."""
    page = {row["key"]: row for row in rows.of_each(statements.ROWS, "b_keys", keys)}
    folded = _fold_orders(rows, keys)
    misfits = (
        _misfit(page[key], folded.get(key)) if key in page else f"{key} has events, but is missing" for key in keys
    )
    return next(filter(None, misfits), None)


def misfit_of_days(rows: AccountRows) -> str | None:
    """The first day that is not kept as the orders make it; in words."""
    return days.misfit(rows.connection, rows.account)


def _fold_orders(rows: AccountRows, keys: Sequence[str]) -> dict[str, dict[str, Any] | str]:
    """What the events make of each order: its row, or why there can be none."""
    folded: dict[str, dict[str, Any] | str] = {}
    for row in rows.of_each(statements.EVENTS_OF, "b_keys", keys):
        entry = Entry(**row)
        before = folded.get(entry.key)
        if isinstance(before, str):
            continue
        try:
            folded[entry.key] = fold(before, entry)
        except Contradiction as error:
            folded[entry.key] = f"event {entry.seq} is not valid: {error}"
    return folded


def _misfit(row: Mapping[str, Any], folded: dict[str, Any] | str | None) -> str | None:
    if folded is None:
        return f"{row['key']} is {row['state']}, but has no event"
    if isinstance(folded, str):
        return folded
    for name, value in row.items():
        if folded[name] != value:
            return f"{row['key']} has {name} {_words(value)}, but its events give {_words(folded[name])}"
    return None


def restore(rows: AccountRows, history: Iterable[Entry | Witness | Stranger]) -> Restored:
    """Add what a history has beyond the ledger's own events; `Contradiction` where the two differ."""
    start = rows.chain()
    theirs = _every_event(rows)
    end, added, orders, sums = Head(), 0, 0, days.Changes()
    for part in history:
        if isinstance(part, Witness):
            rows.keep_witness(part)
            continue
        if isinstance(part, Stranger):
            keep_stranger(rows, part)
            continue
        ours = None if added else next(theirs, None)
        if ours is not None:
            _refuse_other(ours, part)
        else:
            if not added and end != start:
                raise LedgerUnusable("the ledger's own chain is broken", hint="check it: order-runner ledger verify")
            orders += _append(rows, part, sums)
            added += 1
        end = Head(end.events + 1, part.hash)
    present = end.events - added
    if added:
        moved = {"b_account": rows.account, "events": end.events, "hash": end.hash}
        statements.MOVE_CHAIN.change(rows.connection, moved)
        rows.ends.append(end)
    sums.keep(rows.connection, rows.account)
    return Restored(events=added, orders=orders, present=present, beyond=0 if added else start.events - present)


def _every_event(rows: AccountRows) -> Iterator[Entry]:
    last = 0
    while page := page_of_events(rows, last, PAGE):
        yield from page
        last = page[-1].seq


def _refuse_other(ours: Entry, theirs: Entry) -> None:
    for name in (*COLUMNS, *_HASHES):
        mine, yours = getattr(ours, name), getattr(theirs, name)
        if mine != yours:
            raise Contradiction(
                f"it differs from event {ours.seq} of the ledger ({ours.event} of {ours.key} at {ours.at}): "
                f"{name} is {_words(yours)} here, {_words(mine)} there"
            )


def _append(rows: AccountRows, entry: Entry, sums: days.Changes) -> bool:
    """Enter one event and move its order; whether the order is new."""
    condition = {"b_account": rows.account, "b_key": entry.key}
    row = statements.ROW.one(rows.connection, condition)
    after = fold(row, entry)
    sums.note(row, after)
    if row is None:
        statements.RESTORE_ORDER.change(rows.connection, after)
    else:
        statements.REDO_ORDER.change(rows.connection, condition | after)
    values = {name: getattr(entry, name) for name in (*COLUMNS, *_HASHES)}
    statements.INSERT_EVENT.change(rows.connection, values)
    return row is None


def _words(value: object) -> str:
    """A value of a column, cut short where it is long."""
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
