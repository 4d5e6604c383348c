"""What a settlement does to an order: pure rules over the order's row, the attempt and the table of legal moves.

A fact (an answer somebody holds) is kept whatever the order has become meanwhile; a verdict (reconciled, resolved,
abandoned) is refused where the order's state does not allow it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from runner.core.errors import Refused
from runner.core.records import Attempt, Settlement
from runner.core.states import CLAIMABLE, MOVES, OPEN, Event, State, is_legal
from runner.ledger.codec import json_text, moment_text, optional_money

FACTS: Final = frozenset({Event.PLACED, Event.REJECTED, Event.NOT_SENT, Event.UNKNOWN})
"""What the holder of an answer tells; every other event but a claim and a renaming is a verdict."""

ENDINGS: Final = frozenset(
    (move.event, move.after) for move in MOVES if move.event not in (Event.CLAIMED, Event.RENAMED)
)
"""What a settlement can be."""

PURCHASE: Final = (
    *("type", "fields", "fingerprint", "claimed_at", "run_id", "quote_total"),
    *("order_id", "base_order_numbers", "total", "balance", "stray_order_id"),
)
"""What of an order's row is its purchase, and goes with it from key to key."""

NO_PURCHASE: Final[Mapping[str, Any]] = {
    "order_id": None,
    "base_order_numbers": "[]",
    "quote_total": None,
    "total": None,
    "balance": None,
    "stray_order_id": None,
}
"""What a key keeps of a purchase that goes by another one: nothing that could count twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementCase:
    """A settlement of `attempt`, the order's row as it stands, and the other order that has the vendor's id already."""

    row: Mapping[str, Any]
    attempt: Attempt
    settlement: Settlement
    owner: str | None

    @property
    def state(self) -> State:
        return State(self.row["state"])

    @property
    def is_current(self) -> bool:
        return bool(self.row["attempt"] == self.attempt.n)


def refuse_nonsense(settlement: Settlement) -> None:
    """`Refused` for a move that no order makes, and for one to `placed` without an order id."""
    if (settlement.event, settlement.after) not in ENDINGS:
        raise Refused(f"no order is settled by {settlement.event} to {settlement.after}")
    if settlement.after is State.PLACED and not settlement.order_id:
        raise Refused(f"{settlement.event} to {settlement.after} needs the vendor's order id")


def arrow(case: SettlementCase) -> tuple[Event, State | None]:
    """What to enter: an event, and the state it leads to, None where it moves nothing."""
    event, after = case.settlement.event, case.settlement.after
    # An earlier attempt that proves to be placed decides the order, unless a later one is in doubt itself.
    speaks = case.is_current or (event is Event.PLACED and case.state in CLAIMABLE)
    if event is Event.RESOLVED and case.state not in OPEN:  # that is an adoption, and an attempt of its own
        speaks = False
    if case.owner is None and speaks and is_legal(case.state, event, after):
        return event, after
    if event not in FACTS:
        raise Refused(_no_such_verdict(case))
    if case.owner is not None and case.is_current and case.state is State.SUBMITTED:
        return Event.UNKNOWN, State.UNKNOWN
    return event, None


def _no_such_verdict(case: SettlementCase) -> str:
    key, settlement = case.row["key"], case.settlement
    if case.owner is not None:
        return f"order {settlement.order_id} already belongs to {case.owner}, so it cannot be {key}"
    if not case.is_current:
        return (
            f"{key} has been claimed again since: attempt {case.row['attempt']} is to be settled, not {case.attempt.n}"
        )
    return f"{key} is {case.state}: it cannot become {settlement.after} by {settlement.event}"


def changes(case: SettlementCase, after: State | None) -> dict[str, Any]:
    """The order's columns as they are afterwards."""
    row, settlement = case.row, case.settlement
    facts = {name: row[name] for name in ("order_id", "base_order_numbers", "total", "balance")}
    if after is State.PLACED:
        facts = {
            "order_id": settlement.order_id,
            "base_order_numbers": json_text(settlement.base_order_numbers),
            "total": optional_money(settlement.total),
            "balance": optional_money(settlement.balance),
        }
    return facts | {
        "state": row["state"] if after is None else after.value,
        "updated_at": moment_text(settlement.at),
        "reason": _reason(case, after),
        "stray_order_id": _stray(case, after),
    }


def _stray(case: SettlementCase, after: State | None) -> str | None:
    """The vendor's order id that this order was answered with and could not take; a person's verdict ends it."""
    if case.settlement.event is Event.RESOLVED:
        return None
    if case.settlement.event is Event.PLACED and after is not State.PLACED:
        return case.settlement.order_id
    stray: str | None = case.row["stray_order_id"]
    return stray


def _reason(case: SettlementCase, after: State | None) -> str | None:
    reason, stood = case.settlement.reason, case.row["reason"]
    if case.settlement.event is Event.PLACED and after is not State.PLACED:
        return _stray_reason(case) + (f"; {reason}" if reason else "")
    return stood if after is None and not (reason and case.is_current) else reason


def _stray_reason(case: SettlementCase) -> str:
    answered = f"the vendor answered attempt {case.attempt.n} with order {case.settlement.order_id}"
    if case.owner is not None:
        return f"{answered}, which already belongs to {case.owner}"
    standing = (
        f"order {case.row['order_id']}" if case.row["order_id"] else f"{case.state} by attempt {case.row['attempt']}"
    )
    return f"{answered}, but this order is {standing}"
