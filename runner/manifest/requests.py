"""What a judged document comes to: its batch with the limits, and one `OrderRequest` an order."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final, Literal, cast

from runner.core.errors import Span
from runner.core.orders import CURRENCY, PAY_BY_BALANCE, PAY_BY_CARD, WORDS, OrderKey, OrderRequest, ProductType, Source
from runner.core.renewals import RenewalRule
from runner.manifest.judging import Accepted, ManifestDocument
from runner.manifest.kinds import OWN
from runner.manifest.places import OrderPlaces
from runner.manifest.renew import window_of

_NOT_SENT: Final = OWN | WORDS.keys() | {"payment", "auth"}
_PAYMENTS: Final = {"balance": PAY_BY_BALANCE, "card": PAY_BY_CARD}


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Limits of one batch. `price_tolerance` is a fraction: 0.025 is 2.5 percent."""

    currency: str = CURRENCY
    max_total: Decimal | None = None
    max_order: Decimal | None = None
    price_tolerance: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One document: the batch it belongs to, and the limits it sets. `buy_by` is the last day, in UTC.

    `renamed_from` is the name it had before. `places` has the file and the place of `batch`, `renamed_from`, `buy_by`
    and of each limit of the budget, by its name.
    """

    name: str
    path: str
    budget: Budget | None = None
    buy_by: date | None = None
    renamed_from: str | None = None
    places: Mapping[str, tuple[str, Span]] = field(default_factory=dict)


class FieldSpans(Mapping[str, Span]):
    """The place of each field of one order. Packed, because a batch may have 100,000 orders."""

    __slots__ = ("_names", "_numbers")

    def __init__(self, spans: Mapping[str, Span]) -> None:
        self._names = tuple(spans)
        self._numbers = array("L")
        for place in spans.values():
            self._numbers.extend((place.line, place.column, place.end_line, place.end_column))

    def __getitem__(self, name: str) -> Span:
        if name not in self._names:
            raise KeyError(name)
        at = 4 * self._names.index(name)
        line, column, end_line, end_column = self._numbers[at : at + 4]
        return Span(line=line, column=column, end_line=end_line, end_column=end_column)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def batch_of(document: ManifestDocument) -> Batch | None:
    """The batch of a finished document; None where it has no usable name or no orders. Bad limits are left out,
    because a problem was reported for each and nothing is bought while there is one."""
    if document.batch is None or not document.orders:
        return None
    values = {name: document.fields[name].value for name in ("budget", "buy_by") if name in document.fields}
    return Batch(
        name=document.batch,
        path=document.path,
        budget=_budget(values.get("budget")) if document.sound else None,
        buy_by=date.fromisoformat(values["buy_by"]) if document.sound and "buy_by" in values else None,
        renamed_from=document.renamed_from,
        places={name: (document.path, place) for name, place in _places(document)} if document.sound else {},
    )


def _places(document: ManifestDocument) -> Iterator[tuple[str, Span]]:
    for name in ("batch", "renamed_from", "buy_by"):
        if node := document.fields.get(name):
            yield name, node.value_span()
    if node := document.fields.get("budget"):
        yield from ((name, node.value_span(name)) for name in node.value)


def _budget(value: dict[str, str] | None) -> Budget | None:
    if value is None:
        return None
    amounts = {name: Decimal(text) for name, text in value.items() if name != "currency"}
    return Budget(currency=value.get("currency", CURRENCY), **amounts)


def request_of(accepted: Accepted, document: ManifestDocument, snippet: str | None = None) -> OrderRequest:
    """The order that an entry without errors asks for. The document must have a batch."""
    values, entry = accepted.values, accepted.entry
    places = OrderPlaces(entry, document.defaults)
    ceiling = values.get("max_total")
    fields = {name: places.value((name,)) for name in values if name in entry.value or places.inherits(name)}
    raised_in = _raised_in(entry.value, document)
    if raised_in == "batch":
        fields["generation"] = document.fields["generation"].value_span()
    words = {name: values[name] for name in values if name in WORDS}
    if words or "payment" in values or "auth" in values:
        fields |= _stands_for(values, places)
    return OrderRequest(
        key=OrderKey(cast("str", document.batch), values["name"], values["generation"]),
        type=cast("ProductType", accepted.kind.name),
        fields=_vendor_fields(values),
        source=Source(path=document.path, span=entry.landmark("name"), fields=FieldSpans(fields), snippet=snippet),
        enabled=values["enabled"],
        labels=values.get("labels", {}),
        max_total=None if ceiling is None else Decimal(ceiling),
        words=words,
        renamed_from=former_key(values, document),
        copies_meant="copies" in values,
        renew=_rule(values["renew"]) if "renew" in values else None,
        raised_in=raised_in,
    )


def _rule(value: Mapping[str, str]) -> RenewalRule:
    return RenewalRule(
        until=date.fromisoformat(value["until"]),
        period_id=value.get("periodId"),
        within=window_of(value),
        max_total=Decimal(value["max_total"]) if "max_total" in value else None,
        period=value.get("period"),
    )


def _raised_in(entry: Mapping[str, Any], document: ManifestDocument) -> Literal["defaults", "batch"] | None:
    """Where an order has its generation from, if it does not say it itself."""
    if "generation" in entry:
        return None
    if document.defaults is not None and "generation" in document.defaults.value:
        return "defaults"
    return None if document.generation is None else "batch"


def former_key(values: Mapping[str, Any], document: ManifestDocument) -> OrderKey | None:
    """The key that an order was bought by, as it says itself or as its batch was renamed; None for no other one."""
    if "renamed_from" in values:
        return OrderKey.parse(values["renamed_from"])
    if document.renamed_from in (None, document.batch):
        return None
    return OrderKey(document.renamed_from, values["name"], values["generation"])


def has_words(accepted: Accepted) -> bool:
    """Whether a lockfile is needed to say what an entry asks for."""
    return not accepted.values.keys().isdisjoint(accepted.kind.words) or "period" in accepted.values.get("renew", ())


def _stands_for(values: dict[str, Any], places: OrderPlaces) -> dict[str, Span]:
    """The place of each vendor's field that is written as a word: what is said of the field is said of the word."""
    paths = {field: (word,) for word, field in WORDS.items() if word in values}
    if "payment" in values:
        paths["paymentId"] = ("payment",)
    spans = {field: places.value(path) for field, path in paths.items()}
    for part, sent in (("ip", "authorization"), ("generate", "generateAuth")):
        if part in values.get("auth", ()):
            spans[sent] = places.value(("auth", part))
    return spans


def _vendor_fields(values: dict[str, Any]) -> dict[str, Any]:
    """The vendor's fields, those included that `payment` and `auth` stand for (docs/vendor/api-v1.md#order-fields)."""
    fields = {name: value for name, value in values.items() if name not in _NOT_SENT}
    if "payment" in values:
        fields["paymentId"] = _PAYMENTS[values["payment"]]
    auth = values.get("auth", {})
    if "ip" in auth:
        fields["authorization"] = auth["ip"]
    if "generate" in auth:
        fields["generateAuth"] = "Y" if auth["generate"] else "N"
    return fields
