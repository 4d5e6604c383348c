"""The ledger in SQL: what one account's rows answer, and the steps that move them.

Knows no engine. Each step belongs inside a transaction that its caller opens and commits: nothing is durable, and
nothing may be sent, before that commit is acknowledged.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from runner.core.errors import LedgerUnusable, Refused
from runner.core.orders import OrderKey
from runner.core.provenance import Provenance
from runner.core.records import GENESIS, Attempt, Claim, Head, Holder, Record, Run, Settlement
from runner.core.states import CLAIMABLE, Event, State
from runner.core.vendor import Witness
from runner.ledger import days, statements, witnesses
from runner.ledger.chain import event_hash
from runner.ledger.codec import (
    claim_detail,
    holder_values,
    json_text,
    moment_text,
    money_text,
    record_of,
    storable,
    values_of,
)
from runner.ledger.connection import Call, Row, SqlConnection, Statement, first_row
from runner.ledger.moves import NO_PURCHASE, SettlementCase, arrow, changes, refuse_nonsense

ABANDONED: Final = "its run ended before the outcome was recorded"


@dataclass(frozen=True, slots=True)
class AccountRows:
    """One account's rows, inside one transaction; `ends` has where each event that was entered leaves the chain."""

    connection: SqlConnection
    account: str
    ends: list[Head] = field(default_factory=list)

    def records(self, keys: Iterable[OrderKey]) -> dict[OrderKey, Record]:
        """The known ones among `keys`."""
        return {record.key: record for record in self.find(statements.ROWS, "b_keys", map(str, keys))}

    def find(self, statement: Statement, name: str, wanted: Iterable[str]) -> list[Record]:
        """The orders that a statement finds which takes all of `wanted` by one name."""
        return [_record(row) for row in self.of_each(statement, name, wanted)]

    def every(self, statement: Statement, **values: object) -> list[Row]:
        """The account's rows that a statement finds."""
        return statement.every(self.connection, {"b_account": self.account, **values})

    def of_each(self, statement: Statement, name: str, wanted: Iterable[str], **more: object) -> list[Row]:
        """The rows of a statement that takes all of `wanted` by one name; it is not asked for nothing."""
        texts = list(wanted)
        return self.every(statement, **{name: json_text(texts)}, **more) if texts else []

    def page_of_records(self, after: str, size: int) -> list[Record]:
        """At most `size` records, by the text of their keys, from the first one after `after`."""
        return [_record(row) for row in self.every(statements.PAGE, b_after=after, b_size=size)]

    def open_records(self) -> list[Record]:
        """Every `submitted` and `unknown` order, oldest claim first."""
        return [_record(row) for row in self.every(statements.OPEN_ROWS)]

    def newest_records(self, size: int) -> list[Record]:
        """At most `size` settled orders, those that moved last first."""
        return [_record(row) for row in self.every(statements.NEWEST, b_size=size)]

    def stray_records(self) -> list[Record]:
        """Every claimable order with an order id of the vendor's that could not become its own, by that id."""
        return [_record(row) for row in self.every(statements.STRAY_ROWS)]

    def take_fence(self, holder: Holder) -> int:
        """Count one more hold of the account; the number is that hold's alone, and every earlier one is overtaken."""
        ours, told = {"b_account": self.account}, {"holder": json_text(holder_values(holder))}
        if not statements.UPDATE_HOLD.change(self.connection, ours | told):
            statements.INSERT_HOLD.change(self.connection, told | {"account": self.account, "fence": 1})
        return self.fence()

    def fence(self) -> int:
        """The number of the account's last hold."""
        row = statements.HOLD.one(self.connection, {"b_account": self.account})
        return int(row["fence"]) if row else 0

    def claim(self, fence: int, claim: Claim) -> Attempt:
        """Move an order to `submitted`, as its next attempt.

        `Refused` where the order is not to be bought, or another hold than `fence` has the account by now. The
        witness is not stored: see `keep_witness`.
        """
        key = claim.request.key
        named = {"b_account": self.account, "b_key": str(key)}
        today = statements.DAY, {"b_account": self.account, "b_day": moment_text(claim.at)[:10]}
        head, (row, hold, *kept) = self._head_and(
            (statements.ROW, named), (statements.KEEP_HOLD, named), (statements.DAY_OF_ORDER, named), today
        )
        before, tries = (State(row["state"]), int(row["attempt"])) if row else (State.PLANNED, 0)
        if hold is None or hold["fence"] != fence or not _is_claimable(row):
            raise _why_not(row, claim)
        attempt = Attempt(key=key, n=tries + 1, run_id=claim.run_id, claimed_at=claim.at)
        claimed = {"b_state": State.SUBMITTED.value, "b_attempt": attempt.n, "b_run_id": claim.run_id}
        proof = statements.IS_CLAIMED, named | claimed
        move, values = self._claiming(fence, claim, row)
        if not self.connection.change_surely((move, values), proof):
            raise _why_not(row, claim)
        detail = json_text(claim_detail(claim, head.events))
        entry = self.telling(head, attempt, before, Event.CLAIMED, State.SUBMITTED, at=claim.at, detail=detail)
        sums = days.move(self.account, kept, row, {**(row or NO_PURCHASE), **values})
        self.connection.change_last(*entry, *sums)
        return attempt

    def _claiming(self, fence: int, claim: Claim, row: Mapping[str, Any] | None) -> Call:
        tries = int(row["attempt"]) if row else 0
        key = str(claim.request.key)
        values = _claim_values(claim, tries + 1) | {"b_account": self.account, "b_fence": fence}
        if row is None:
            return statements.CLAIM_NEW, values | {"account": self.account, "key": key, "base_order_numbers": "[]"}
        return statements.CLAIM, values | {"b_key": key, "b_attempt": tries}

    def keep_witness(self, witness: Witness, base: Witness | None = None) -> bool:
        """Store a witness that claims refer to by its digest, unless it is there.

        With `base`, which is there, perhaps as the difference to it: then True.
        """
        columns = witnesses.columns_of(witness, base)
        values = {"account": self.account, "digest": witness.digest, **columns}
        self.connection.change_last((statements.INSERT_WITNESS, values))
        return witnesses.is_difference(columns)

    def witness(self, digest: str) -> Witness | None:
        """The witness that is stored under `digest`, whether or not it still has it; ValueError for no witness."""
        row = self._witness_row(digest)
        return None if row is None else witnesses.read(row, self._witness_row)

    def _witness_row(self, digest: str) -> Row | None:
        return statements.KEPT_WITNESS.one(self.connection, {"b_account": self.account, "b_digest": digest})

    def settle(self, attempt: Attempt, settlement: Settlement) -> Record:
        """Move an order out of an attempt, or keep the fact where it can no longer move it.

        `Refused` for a move that is in no table, for a verdict the order's state does not allow, and for a verdict
        that gives away another order's id. A placed fact is stored whatever the ledger holds.
        """
        refuse_nonsense(settlement)
        settlement = _storable(settlement)
        head, case, kept = self._case(attempt, settlement)
        event, after = arrow(case)
        detail = json_text(values_of(settlement))
        if after is None and self._is_told(attempt, detail):
            return _record(case.row)
        values = changes(case, after)
        moved = statements.MOVE, {"b_account": self.account, "b_key": str(attempt.key), **values}
        entered = self.telling(
            head, attempt, case.state, event, after, at=settlement.at, detail=detail, reason=values["reason"]
        )
        now = {**case.row, **values}
        sums = days.move(self.account, kept, case.row, now)
        self.connection.change_last(moved, *entered, *sums)
        return _record(now)

    def _case(self, attempt: Attempt, settlement: Settlement) -> tuple[Head, SettlementCase, list[Row | None]]:
        order_id = settlement.order_id if settlement.after is State.PLACED else None
        values = {"b_account": self.account, "b_key": str(attempt.key), "b_order_id": order_id}
        head, (row, *kept) = self._head_and((statements.ROW_AND_OWNER, values), (statements.DAY_OF_ORDER, values))
        if row is None or row["attempt"] < attempt.n:
            raise LedgerUnusable(
                f"the ledger does not know attempt {attempt.n} of {attempt.key}",
                hint="it looks like an older copy: restore the newest one",
            )
        return head, SettlementCase(row=row, attempt=attempt, settlement=settlement, owner=row["owner"]), kept

    def abandon_submitted(self, at: datetime, by: Provenance | None = None) -> list[Record]:
        """Every left-over `submitted` becomes `unknown`; the records as they are afterwards, oldest first."""
        abandoned = Settlement(event=Event.ABANDONED, after=State.UNKNOWN, at=at, reason=ABANDONED, by=by)
        left = [record for record in self.open_records() if record.state is State.SUBMITTED]
        return [self.settle(_open_attempt(record), abandoned) for record in left]

    def start_run(self, run: Run) -> None:
        """Enter a run."""
        statements.INSERT_RUN.change(self.connection, {"account": self.account, **values_of(run)})

    def finish_run(self, run_id: str, at: datetime, exit_code: int) -> None:
        """Close a run."""
        values = {"finished_at": moment_text(at), "exit_code": int(exit_code)}
        statements.FINISH_RUN.change(self.connection, values | {"b_account": self.account, "b_id": run_id})

    def _is_told(self, attempt: Attempt, detail: str) -> bool:
        values = {"b_account": self.account, "b_key": str(attempt.key), "b_attempt": attempt.n, "b_detail": detail}
        return statements.SAME_EVENT.one(self.connection, values) is not None

    def chain(self) -> Head:
        """Where the account's chain ends; nobody else can add to it until this transaction is over."""
        return self._head(statements.CHAIN.one(self.connection, {"b_account": self.account}))

    def _head_and(self, *calls: Call) -> tuple[Head, list[Row | None]]:
        """The chain's end, and what is read when nobody else can add to it any more."""
        chain = statements.CHAIN, {"b_account": self.account}
        end, *rows = map(first_row, self.connection.run_together(chain, *calls))
        return self._head(end), rows

    def _head(self, row: Mapping[str, Any] | None) -> Head:
        if row is None:
            statements.INSERT_CHAIN.change(self.connection, {"account": self.account, "events": 0, "hash": GENESIS})
            return Head()
        return Head(row["events"], row["hash"])

    def telling(
        self,
        head: Head,
        attempt: Attempt,
        before: State,
        event: Event,
        after: State | None,
        *,
        at: datetime,
        detail: str,
        reason: str | None = None,
    ) -> tuple[Call, Call]:
        """What enters an event and moves the chain's end to it."""
        values = {
            "account": self.account,
            "key": str(attempt.key),
            "attempt": attempt.n,
            "event": event.value,
            "before": before.value,
            "after": None if after is None else after.value,
            "at": moment_text(at),
            "run_id": attempt.run_id,
            "reason": reason,
            "detail": detail,
            "prev_hash": head.hash,
        }
        end = Head(head.events + 1, event_hash(values))
        self.ends.append(end)
        values["hash"] = end.hash
        moved = {"b_account": self.account, "events": end.events, "hash": end.hash}
        return (statements.INSERT_EVENT, values), (statements.MOVE_CHAIN, moved)


def _claim_values(claim: Claim, n: int) -> dict[str, Any]:
    return {
        "type": claim.request.type,
        "fields": json_text(dict(claim.request.fields)),
        "fingerprint": claim.request.fingerprint,
        "state": State.SUBMITTED.value,
        "attempt": n,
        "updated_at": moment_text(claim.at),
        "claimed_at": moment_text(claim.at),
        "run_id": claim.run_id,
        "quote_total": money_text(claim.quote.total),
        "reason": None,
    }


def _is_claimable(row: Mapping[str, Any] | None) -> bool:
    return row is None or (State(row["state"]) in CLAIMABLE and row["stray_order_id"] is None)


def _why_not(row: Mapping[str, Any] | None, claim: Claim) -> Refused:
    key, state = claim.request.key, State(row["state"]) if row else State.PLANNED
    if row is None or _is_claimable(row):
        return Refused(f"{key} was not claimed: another run has since taken over the account", hint="run again")
    if state in CLAIMABLE:
        return Refused(
            f"{key} is {state}, but the vendor also answered it with order {row['stray_order_id']}",
            hint="check that order at the vendor: if it is this one, `order-runner status` has the command; to buy "
            "anyway, raise the order's `generation`",
        )
    if state is State.RENAMED:
        return Refused(f"{key} was renamed, and is never bought again", hint="give the order another name")
    if state is not State.PLACED:
        return Refused(f"{key} is {state}: its attempt {row['attempt']} may have been charged")
    if row["fingerprint"] == claim.request.fingerprint:
        return Refused(f"{key} is already bought as order {row['order_id']}")
    return Refused(
        f"{key} was changed after its purchase as order {row['order_id']}",
        hint="restore its content, or buy it once more by raising its `generation`",
    )


def _storable(settlement: Settlement) -> Settlement:
    reason, order_id = settlement.reason, settlement.order_id
    if (reason or "").isascii() and (order_id or "").isascii() and "\0" not in f"{reason}{order_id}":
        return settlement
    return replace(settlement, reason=reason and storable(reason), order_id=order_id and storable(order_id))


def _open_attempt(record: Record) -> Attempt:
    # A submitted order was last moved by its claim.
    return Attempt(key=record.key, n=record.attempt, run_id=record.run_id or "", claimed_at=record.updated_at)


def _record(row: Mapping[Any, Any]) -> Record:
    lists = {name: json.loads(row[name]) for name in ("fields", "base_order_numbers")}
    return record_of(Record, {**row, **lists})
