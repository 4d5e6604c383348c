"""How a ledger writes values down: times, money and the details of an event as text that any engine can keep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeVar

from runner.core.canonical import canonical_json
from runner.core.orders import OrderKey
from runner.core.provenance import Provenance
from runner.core.records import Claim, Holder
from runner.core.states import Event, State

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")


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


def values_of(record: DataclassInstance) -> dict[str, Any]:
    """Every field of a record by its name, as JSON can hold it: what `record_of` reads back.

    Without `by` where that is None: a detail of an earlier version has the same text now.
    """
    values = {field.name: _plain(getattr(record, field.name)) for field in fields(record)}
    if values.get(_BY, values) is None:
        del values[_BY]
    return values


def holder_values(holder: Holder) -> dict[str, Any]:
    """A holder as whoever waits reads it: on a line of a fixed length, and by versions that know no `by`."""
    return values_of(replace(holder, by=None))


def record_of(kind: type[T], values: Mapping[str, Any]) -> T:
    """The record with these `values_of`; ValueError, KeyError, TypeError or ArithmeticError where there is none."""
    names = [field.name for field in fields(kind) if field.name != _BY or _BY in values]  # type: ignore[arg-type]
    return kind(**{name: _READ[name](values[name]) if name in _READ else values[name] for name in names})


def _plain(value: object) -> Any:
    return next((write(value) for kind, write in _WRITE if isinstance(value, kind)), value)


def claim_detail(claim: Claim, events_before: int) -> dict[str, Any]:
    """All a later judge needs: what was asked for, at what price, and the witnesses (the list by its digest).

    `events_before`: how many events the account had before this one. What of them came after the balance was read is
    counted, for that stays right in another store.
    """
    detail: dict[str, Any] = {
        "type": claim.request.type,
        "fields": dict(claim.request.fields),
        "fingerprint": claim.request.fingerprint,
        "ceiling": money_text(claim.ceiling),
        "quote": values_of(claim.quote),
        "balance": money_text(claim.balance),
        "witness": claim.witness.digest,
    }
    detail |= origin_detail(claim.by, claim.request.labels)
    if claim.ends:
        detail["ends"] = {day.isoformat(): rows for day, rows in claim.ends}
    if claim.approval is not None:
        detail["approval"] = claim.approval
    if claim.events_read is not None and claim.events_read < events_before:
        detail["events_since"] = events_before - claim.events_read
    return detail


def origin_detail(by: Provenance | None, labels: Mapping[str, str]) -> dict[str, Any]:
    """Who, and an order's labels, as the detail of an event has them: what there is."""
    return ({} if by is None else {_BY: by.as_json()}) | ({"labels": dict(labels)} if labels else {})


_BY: Final = "by"

_WRITE: Final[tuple[tuple[type, Callable[[Any], object]], ...]] = (
    (datetime, moment_text),
    (Decimal, money_text),
    (StrEnum, str),
    (OrderKey, str),
    (Provenance, Provenance.as_json),
    (frozenset, sorted),
    (tuple, list),
    (Mapping, dict),
)
"""What a field is written as, by its kind; every other one as it is."""

_READ: Final[Mapping[str, Callable[[Any], object]]] = {
    "key": OrderKey.parse,
    "n": int,
    "state": State,
    "event": Event,
    "after": State,
    "base_order_numbers": tuple,
    "order_ids": frozenset,
    "numbers": lambda numbers: None if numbers is None else frozenset(numbers),
    "evidence": dict,
    "by": Provenance.of_json,
    "package": lambda package: None if package is None else dict(package),
    **dict.fromkeys(("at", "claimed_at", "updated_at"), datetime.fromisoformat),
    **dict.fromkeys(("quote_total", "total", "balance"), optional_decimal),
}
"""What a field is made of, by its name; every other one is what stands there."""
