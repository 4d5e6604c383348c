"""Verdicts on orders in doubt → lines or JSON: what was found, why, and the commands that settle the rest."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from runner.core.clock import rfc3339
from runner.core.orders import CURRENCY, OrderKey, decimal_text
from runner.core.records import OpenClaim, Record
from runner.core.states import State
from runner.evidence.judge import Verdict
from runner.settle.reconcile import Settlements, evidence
from runner.views.terminal.console import Channel, Console
from runner.views.terminal.safe import json_text, one_line
from runner.views.wording import money, plural, what

RECONCILE_VERSION: Final = "1.0"
_STYLES: Final = {"placed": "good", "absent": "warning", "open": "error"}


def render(outcome: Settlements, *, fmt: str, console: Console, flags: str = "") -> None:
    """Write an outcome in one of `FORMATS` to stdout; `flags` belong behind every command that is suggested."""
    console.out.lines(FORMATS[fmt](outcome, console.out, flags))


def commands(key: OrderKey, flags: str, candidates: list[str] | None = None) -> Iterator[str]:
    """The exact commands that settle an order; the placeholders in capitals are for a person to fill in."""
    yield f"order-runner reconcile {key}{flags}"
    ids = [""] if key.term else [f" {identity}" for identity in candidates or ["ORDER_ID"]]
    yield from (f"order-runner resolve {key} --placed{identity}{flags}" for identity in ids)
    yield f"order-runner resolve {key} --absent --reason WHY{flags}"


def open_lines(claim: OpenClaim, flags: str) -> Iterator[str]:
    """What is known of an open order, and how to settle it."""
    record, last = claim.record, claim.evidence
    cost = "an unknown amount" if record.quote_total is None else money(record.quote_total)
    yield one_line(f"{record.key}: {what(record.type, record.fields)}; may have cost {cost}")
    yield one_line(f"  claimed {_moment(claim.claimed_at)} with a balance of {money(claim.balance)}")
    if "ruling" in last:
        yield one_line(f"  last look: {last.get('why')}")
    yield from (one_line(f"  {command}") for command in commands(record.key, flags, identities(last)))


def disputed_lines(record: Record, flags: str) -> Iterator[str]:
    """An order that is not open, but that the vendor also answered with an order id, and how to settle it."""
    yield one_line(f"{record.key}: {what(record.type, record.fields)}; {record.state}, and is not bought: the vendor")
    yield one_line(f"  also answered it with order {record.stray_order_id}; if that is this order:")
    yield one_line(f"  {adoption(record, flags)}")


def adoption(record: Record, flags: str) -> str:
    """The command that gives an order the id that the vendor answered it with."""
    return f"order-runner resolve {record.key} --placed {shlex.quote(str(record.stray_order_id))}{flags}"


def identities(evidence: Mapping[str, object]) -> list[str]:
    """The vendor's ids of the orders that may be this one, as the evidence of a claim has them."""
    candidates = evidence.get("candidates")
    rows = candidates if isinstance(candidates, list) else []
    return [str(row["order_id"]) for row in rows if isinstance(row, Mapping) and "order_id" in row]


def _text(outcome: Settlements, channel: Channel, flags: str) -> Iterator[str]:
    for record in outcome.earlier:
        yield one_line(f"{record.key} is settled already: {_stands(record)}")
    for verdict in outcome.verdicts.values():
        record = verdict.claim.record
        price = f"  {money(record.quote_total)}" if record.quote_total is not None else ""
        order = f"  order {verdict.order_id}" if verdict.order_id else ""
        ruling = channel.paint(_STYLES[verdict.ruling], verdict.ruling)
        yield ruling + one_line(f"  {verdict.key}{order}{price}  {what(record.type, record.fields)}")
        yield one_line(f"  {verdict.reason}")
        if verdict.ruling == "open":
            yield from map(one_line, _how_on(verdict, flags))
    yield _counts(outcome)


def _how_on(verdict: Verdict, flags: str) -> Iterator[str]:
    for candidate in verdict.candidates:
        order = candidate.order
        days = f"{order.starts or '?'} to {order.ends or '?'}"
        doubts = f": {'; '.join(candidate.doubts)}" if candidate.doubts else ""
        countries = ", ".join(sorted(order.countries)) or "no country"
        yield f"  candidate order {order.order_id}, {plural(order.rows, 'row')}, {countries}, {days}{doubts}"
    yield f"  it may be declared absent from {_moment(verdict.decidable_at)} on, not before"
    named = [candidate.order.order_id for candidate in verdict.candidates]
    yield from (f"  {one}" for one in commands(verdict.key, flags, named))


def _counts(outcome: Settlements) -> str:
    rulings = [verdict.ruling for verdict in outcome.verdicts.values()]
    parts = [f"{rulings.count(ruling)} {ruling}" for ruling in _STYLES if ruling in rulings]
    return ", ".join(parts) or "nothing is in doubt"


def _stands(record: Record) -> str:
    if record.state is State.RENAMED:
        return record.reason or "renamed"
    return f"placed as order {record.order_id}" if record.order_id else str(record.state)


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _json(outcome: Settlements, _channel: Channel, _flags: str) -> Iterator[str]:
    verdicts = outcome.verdicts.values()
    document = {
        "version": RECONCILE_VERSION,
        "currency": CURRENCY,
        "summary": {ruling: sum(verdict.ruling == ruling for verdict in verdicts) for ruling in _STYLES},
        "orders": [
            {
                "key": str(verdict.key),
                "type": verdict.claim.record.type,
                "attempt": verdict.claim.record.attempt,
                "ruling": verdict.ruling,
                "order_id": verdict.order_id,
                "reason": verdict.reason,
                "claimed_at": rfc3339(verdict.claim.claimed_at),
                "decidable_at": rfc3339(verdict.decidable_at),
                "evidence": evidence(verdict, outcome.rules),
            }
            for verdict in verdicts
        ],
        "settled_before": [_settled_json(record) for record in outcome.earlier],
        "not_read": [str(failure) for failure in outcome.failures],
    }
    yield json_text(document, indent=2)


def _settled_json(record: Record) -> Mapping[str, object]:
    total = None if record.total is None else decimal_text(record.total)
    return {"key": str(record.key), "state": record.state.value, "order_id": record.order_id, "total": total}


FORMATS: Final[Mapping[str, Callable[[Settlements, Channel, str], Iterator[str]]]] = {"text": _text, "json": _json}
