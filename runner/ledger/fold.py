"""What an order is after its events: the row of `orders`, derived again from `order_events`. Pure.

The ledger moves an order and enters the event in one transaction; this says the same from the event alone, so that a
row which was changed past its events shows, and a ledger can be made anew from its events.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from runner.core.records import Contradiction, Entry
from runner.core.states import CLAIMABLE, Event, State, is_legal
from runner.ledger.codec import json_text
from runner.ledger.moves import NO_PURCHASE, PURCHASE

Row = Mapping[str, Any]

_NOTHING: Row = {
    "state": State.PLANNED.value,
    "attempt": 0,
    "claimed_at": None,
    "run_id": None,
    "quote_total": None,
    "order_id": None,
    "base_order_numbers": "[]",
    "total": None,
    "balance": None,
    "stray_order_id": None,
}


def fold(row: Row | None, entry: Entry) -> dict[str, Any]:
    """The order's row after `entry`, where it was `row` before (None: none yet); `Contradiction` where it cannot."""
    before = _NOTHING if row is None else row
    try:
        _refuse_leap(before, entry)
        detail = json.loads(entry.detail)
        after = (
            _after_claim(entry, detail) if entry.event == Event.CLAIMED else _after_settlement(before, entry, detail)
        )
        if _gives_up(entry):
            after |= NO_PURCHASE
        if _takes_over(entry):
            after |= _purchase(detail) | {"attempt": entry.attempt}
        if _is_adoption(entry):
            begun = {"attempt": entry.attempt, "claimed_at": entry.at, "quote_total": detail["quote_total"]}
            after |= begun | _content(detail)
    except Contradiction:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise Contradiction(f"its detail cannot be read ({type(error).__name__}: {error})") from error
    return {**before, "account": entry.account, "key": entry.key, "updated_at": entry.at, **after}


def _refuse_leap(row: Row, entry: Entry) -> None:
    if entry.before != row["state"]:
        raise Contradiction(f"it moves {entry.key} from {entry.before}, but the order was {row['state']}")
    begins = entry.event == Event.CLAIMED or _is_adoption(entry) or _takes_over(entry)
    tries = row["attempt"] + 1 if begins else row["attempt"]
    if entry.attempt > tries or (begins and entry.attempt < tries):
        raise Contradiction(
            f"it belongs to attempt {entry.attempt} of {entry.key}, which was at attempt {row['attempt']}"
        )
    after = entry.after
    if after is None and entry.event != Event.CLAIMED:
        return
    if after is None or not is_legal(State(entry.before), Event(entry.event), State(after)):
        raise Contradiction(f"no order goes from {entry.before} to {after} by {entry.event}")


def _is_adoption(entry: Entry) -> bool:
    """Whether a person gave the order an id without a claim before it."""
    return entry.event == Event.RESOLVED and entry.before in CLAIMABLE


def _gives_up(entry: Entry) -> bool:
    """Whether the order's purchase goes by another key from here on."""
    return entry.event == Event.RENAMED and entry.after == State.RENAMED


def _takes_over(entry: Entry) -> bool:
    """Whether the order takes over another key's purchase."""
    return entry.event == Event.RENAMED and entry.after == State.PLACED


def _purchase(detail: Mapping[str, Any]) -> dict[str, Any]:
    lists = {name: json_text(detail[name]) for name in ("fields", "base_order_numbers")}
    return {name: detail[name] for name in PURCHASE} | lists


def _content(detail: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked for."""
    return {"type": detail["type"], "fields": json_text(detail["fields"]), "fingerprint": detail["fingerprint"]}


def _after_claim(entry: Entry, detail: Mapping[str, Any]) -> dict[str, Any]:
    return _content(detail) | {
        "state": entry.after,
        "attempt": entry.attempt,
        "claimed_at": entry.at,
        "run_id": entry.run_id,
        "quote_total": detail["quote"]["total"],
        "reason": None,
    }


def _after_settlement(row: Row, entry: Entry, detail: Mapping[str, Any]) -> dict[str, Any]:
    moved = {"reason": entry.reason, "state": entry.after or row["state"], "stray_order_id": _stray(row, entry, detail)}
    if entry.after != State.PLACED:
        return moved
    facts = {name: detail[name] for name in ("order_id", "total", "balance")}
    return moved | facts | {"base_order_numbers": json_text(detail["base_order_numbers"])}


def _stray(row: Row, entry: Entry, detail: Mapping[str, Any]) -> Any:
    """An id that could not become the order's own stays until a person's verdict."""
    if detail["event"] == Event.RESOLVED:
        return None
    if detail["event"] == Event.PLACED and entry.after != State.PLACED:
        return detail["order_id"]
    return row["stray_order_id"]
