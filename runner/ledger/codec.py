"""How a ledger writes values down: times, money and the details of an event as text that any engine can keep."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from runner.core.canonical import canonical_json
from runner.core.orders import OrderKey
from runner.core.records import Attempt, Claim, Holder, Settlement
from runner.core.states import Event, State


def moment_text(moment: datetime) -> str:
    """RFC 3339, UTC, always with microseconds, so that text sorts as time."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def money_text(amount: Decimal) -> str:
    """Plain notation, no digit added or dropped."""
    return format(amount, "f")


def optional_money(amount: Decimal | None) -> str | None:
    """`money_text` where there is an amount."""
    return None if amount is None else money_text(amount)


def optional_decimal(text: str | None) -> Decimal | None:
    """The amount that `optional_money` wrote."""
    return None if text is None else Decimal(text)


def storable(words: str) -> str:
    """`words` as every engine can keep them: no NUL, no half of a surrogate pair."""
    return words.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def json_text(value: object) -> str:
    """Canonical JSON in ASCII. What is not JSON is written as its text: a fact is never lost to its form."""
    return canonical_json(value, lenient=True)


def holder_detail(holder: Holder) -> dict[str, Any]:
    """Who holds an account."""
    return {
        "host": holder.host,
        "pid": holder.pid,
        "since": moment_text(holder.since),
        "run_id": holder.run_id,
        "ci_job": holder.ci_job,
    }


def claim_detail(claim: Claim) -> dict[str, Any]:
    """All a later judge needs: what was asked for, at what price, and the witnesses (the list by its digest)."""
    detail = {
        "type": claim.request.type,
        "fields": dict(claim.request.fields),
        "fingerprint": claim.request.fingerprint,
        "ceiling": money_text(claim.ceiling),
        "quote": _quote(claim),
        "balance": money_text(claim.balance),
        "witness": claim.witness.digest,
    }
    return detail if claim.approval is None else detail | {"approval": claim.approval}


def _quote(claim: Claim) -> dict[str, Any]:
    quote = claim.quote
    return {
        "total": money_text(quote.total),
        "currency": quote.currency,
        "at": moment_text(quote.at),
        "unit_price": optional_money(quote.unit_price),
        "discount": optional_money(quote.discount),
        "balance": optional_money(quote.balance),
        "warning": quote.warning,
    }


def settlement_detail(settlement: Settlement) -> dict[str, Any]:
    """A settlement, whole: `settlement_from` reads it back."""
    return {
        "event": settlement.event.value,
        "after": settlement.after.value,
        "at": moment_text(settlement.at),
        "reason": settlement.reason,
        "order_id": settlement.order_id,
        "base_order_numbers": list(settlement.base_order_numbers),
        "total": optional_money(settlement.total),
        "balance": optional_money(settlement.balance),
        "evidence": dict(settlement.evidence),
    }


def settlement_from(detail: Mapping[str, Any]) -> Settlement:
    """The settlement that `settlement_detail` wrote; ValueError, KeyError or TypeError where it is none."""
    return Settlement(
        event=Event(detail["event"]),
        after=State(detail["after"]),
        at=datetime.fromisoformat(detail["at"]),
        reason=detail["reason"],
        order_id=detail["order_id"],
        base_order_numbers=tuple(detail["base_order_numbers"]),
        total=optional_decimal(detail["total"]),
        balance=optional_decimal(detail["balance"]),
        evidence=dict(detail["evidence"]),
    )


def attempt_detail(attempt: Attempt) -> dict[str, Any]:
    """An attempt, whole: `attempt_from` reads it back."""
    return {
        "key": str(attempt.key),
        "n": attempt.n,
        "run_id": attempt.run_id,
        "claimed_at": moment_text(attempt.claimed_at),
    }


def attempt_from(detail: Mapping[str, Any]) -> Attempt:
    """The attempt that `attempt_detail` wrote; ValueError, KeyError or TypeError where it is none."""
    return Attempt(
        key=OrderKey.parse(detail["key"]),
        n=int(detail["n"]),
        run_id=str(detail["run_id"]),
        claimed_at=datetime.fromisoformat(detail["claimed_at"]),
    )
