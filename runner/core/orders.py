"""The vocabulary of an order: its key, what it asks for, what that costs, and the fingerprint that tells two apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Final, Literal, Self, cast

from runner.core.canonical import digest
from runner.core.errors import Problem, Span
from runner.core.renewals import RenewalRule, Term

ProductType = Literal["ipv4", "isp", "mix", "mix_isp", "ipv6", "mobile", "resident"]
PRODUCT_TYPES: Final[tuple[ProductType, ...]] = ("ipv4", "isp", "mix", "mix_isp", "ipv6", "mobile", "resident")

CURRENCY: Final = "USD"
"""The vendor sells in US dollars only (docs/vendor/api-v1.md#what-is-not-offered)."""

PAY_BY_BALANCE: Final = 1
PAY_BY_CARD: Final = 43
"""The two `paymentId`s of `order/make` (docs/vendor/api-v1.md#order-fields)."""

UNSHOWN: Final = "not shown by the vendor"
"""What stands for the purpose of an order that was written down from what the vendor shows: never bought with."""

Scalar = str | int
Body = Mapping[str, Scalar | Sequence[Scalar]]
"""What is sent, by the vendor's names."""

RENEWS: Final = "renews"
ENDS: Final = "ends"
"""The fields of a renewal that are ours: the order it renews, by the vendor's id, and the day before the new term."""

NO_ORDER_ID: Final = "@"
"""In place of the vendor's id where none is said: a renewal is known by its term. No id has that mark."""

WORDS: Final[Mapping[str, str]] = {
    "country": "countryId",
    "package": "countryId",
    "period": "periodId",
    "operator": "operatorId",
    "rotation": "rotationId",
    "tariff": "tarifId",
}
"""The words of a manifest that a lockfile turns into the vendor's fields."""


@dataclass(frozen=True, slots=True, order=True)
class OrderKey:
    """`batch/name`, or `batch/name#2` for generation 2: the idempotency key the vendor does not have.

    With a `term`, `batch/name@2026-12-31`, it is the renewal of that order whose term follows that day; empty for the
    purchase itself.
    """

    batch: str
    name: str
    generation: int = 1
    term: str = ""

    def __str__(self) -> str:
        suffix = f"#{self.generation}" if self.generation > 1 else ""
        return f"{self.batch}/{self.name}{suffix}{self.term and f'@{self.term}'}"

    @property
    def purchase(self) -> OrderKey:
        """The key of the order that is renewed; of a purchase, its own."""
        return replace(self, term="") if self.term else self

    def renewal(self, end: date) -> OrderKey:
        """The key of the renewal whose term follows that day."""
        return replace(self, term=end.isoformat())

    @classmethod
    def parse(cls, text: str) -> Self:
        """The key that prints as `text`; ValueError where there is none."""
        order, at, term = text.partition("@")
        stem, _, generation = order.partition("#")
        batch, slash, name = stem.partition("/")
        if (
            not (slash and batch and name)
            or "/" in name
            or not (generation or "2").isdecimal()
            or not _is_term(at, term)
        ):
            raise ValueError(f"{text!r} is not an order key: write batch/name, batch/name#2 or batch/name@2026-12-31")
        return cls(batch, name, int(generation or 1), term)


def _is_term(at: str, text: str) -> bool:
    """Whether this is a day behind its mark, or neither is there."""
    if not at:
        return True
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where an order is written: the file as the user spelled it, the place of its name and of each field.

    `snippet` holds its own lines as they are written, None where they were not kept.
    """

    path: str
    span: Span
    fields: Mapping[str, Span] = field(default_factory=dict)
    snippet: str | None = field(default=None, repr=False)

    def of(self, name: str | None) -> Span:
        """The place of a field, or of the order's name where the field is not written."""
        return self.fields.get(name, self.span) if name else self.span


@dataclass(frozen=True, kw_only=True)
class OrderRequest:
    """One checked entry of a manifest.

    `fields` holds the vendor's own fields by the vendor's own names, defaults merged in, `paymentId` always present,
    absent optionals left out. `words` are those of `WORDS` that were written in place of a field; until a lockfile
    has turned them into fields, the order has no fingerprint and no body. `max_total` is in `CURRENCY`. `renamed_from`
    is the key it was bought by, if that was another one. `copies_meant`: wanted beside others of the same content.
    `raised_in` is where its generation is written, for it and others, if that is not the order itself.
    `renew` says whether it shall go on when it ends.

    The renewal of an order is such a request, too: its key has a term, its `fields` name the order by the vendor's
    id (`RENEWS`), the day before the term (`ENDS`), `periodId` and `paymentId`; `term` is what the lists showed of
    that order last, None while they were not read. It is no part of the fingerprint.
    """

    key: OrderKey
    type: ProductType
    fields: Mapping[str, Scalar]
    source: Source
    enabled: bool = True
    labels: Mapping[str, str] = field(default_factory=dict)
    max_total: Decimal | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    renamed_from: OrderKey | None = None
    copies_meant: bool = False
    raised_in: Literal["defaults", "batch"] | None = None
    renew: RenewalRule | None = None
    term: Term | None = None

    @cached_property
    def fingerprint(self) -> str:
        """`sha256:…` over what would be bought: type and fields, not words, labels, limits, place or spelling.

        ValueError where words are left that nobody turned into fields.
        """
        if self.open_words:
            raise ValueError(f"{self.key} has unresolved words: {', '.join(self.open_words)}")
        return fingerprint(self.type, self.fields)

    @property
    def open_words(self) -> tuple[str, ...]:
        """The words that are no fields yet."""
        return tuple(word for word in self.words if WORDS[word] not in self.fields)

    @property
    def has_words(self) -> bool:
        """Whether a lockfile is needed to say what is bought, or for how long it is renewed."""
        return bool(self.words) or (self.renew is not None and self.renew.period is not None)

    @property
    def renews(self) -> str | None:
        """The vendor's id of the order that this renews; None for a purchase."""
        return renewed_order(self.fields)

    @property
    def price_hint(self) -> str:
        """What to do about it where the vendor does not price it."""
        if self.renews is not None:
            return "do what the vendor says, top up for example, and run again before it ends; or renew it by hand"
        return "compare the order with `order-runner reference`"

    @property
    def pays_by_card(self) -> bool:
        return self.fields.get("paymentId") == PAY_BY_CARD

    def problem(self, code: str, message: str, *, hint: str | None = None, field: str | None = None) -> Problem:
        """A finding at the order's line, or at the line of one of its fields; of a renewal, at `renew`."""
        field = field if self.renews is None else "renew"
        return Problem(
            code=code,
            message=message,
            hint=hint,
            path=self.source.path,
            span=self.source.of(field),
            field=field,
            key=str(self.key),
        )


def renewed_order(fields: Mapping[str, Scalar]) -> str | None:
    """The vendor's id of the order that a request or record of these fields renews; None for a purchase."""
    return str(fields[RENEWS]) if RENEWS in fields else None


def fingerprint(product: ProductType, fields: Mapping[str, Scalar]) -> str:
    """`sha256:…` over the canonical JSON of what would be bought."""
    return digest({"fields": dict(fields), "type": product})


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The vendor's price for one order at one moment (`order/calc`), in `CURRENCY`.

    `balance` is the account's balance as told with the price, None where it was not. A `warning` that is not empty
    means "do not order", whatever the envelope says (docs/vendor/api-v1.md#price-quotes).
    """

    total: Decimal
    at: datetime
    unit_price: Decimal | None = None
    discount: Decimal | None = None
    balance: Decimal | None = None
    warning: str = ""
    currency: str = CURRENCY


def decimal_text(amount: Decimal) -> str:
    """Money as text: plain notation, at least two decimals, nothing rounded away."""
    exponent = cast("int", amount.as_tuple().exponent)
    return f"{amount:.2f}" if exponent > -2 else f"{amount:f}"
