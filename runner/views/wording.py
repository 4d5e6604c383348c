"""Words that several views share: money, counts, what an order is for, and what to do about an open one."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from runner.core.orders import CURRENCY, ENDS, RENEWS, WORDS, ProductType, Scalar, decimal_text
from runner.core.renewals import new_end_of

WHAT_TO_DO: Final = (
    "`order-runner reconcile` settles it by what the vendor shows, now or later",
    "or look at the vendor's dashboard, and record with `order-runner resolve` what you found",
    "do not buy it again by hand before that: it may have been bought already",
    "`order-runner status` lists every open order of the account, with the commands that settle it",
)
"""What a person does about an order that may have been charged."""

PACKAGES: Final = frozenset(("mix", "mix_isp"))
"""Types whose `countryId` names a package (docs/vendor/api-v1.md#placing-an-order)."""


def money(amount: Decimal | None) -> str:
    """`12.50 USD`, or `unknown` for an amount nobody told."""
    return "unknown" if amount is None else f"{decimal_text(amount)} {CURRENCY}"


def amount(value: Decimal | None) -> str:
    """Money in a column that names the currency itself; empty for none."""
    return "" if value is None else decimal_text(value)


def plural(number: int, noun: str) -> str:
    """`1 order`, `1,200 orders`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def what(product: ProductType, fields: Mapping[str, Scalar], words: Mapping[str, str] | None = None) -> str:
    """What is bought, as the manifest says it: `ipv4, 10 × country 561, 1m`, with words `ipv4, 10 × FRA, 1 month`.

    Of a renewal, `ipv4, renews order 77, 2026-12-29 → 2027-01-28`.
    """
    if RENEWS in fields:
        ends = str(fields[ENDS])
        return renewal(product, str(fields[RENEWS]), ends, new_end_of(ends, fields.get("periodId", "")))
    written = {WORDS[word]: text for word, text in (words or {}).items()}
    place = "package" if product in PACKAGES else "country"
    named = (
        (place, "countryId"),
        ("tariff", "tarifId"),
        ("operator", "operatorId"),
        ("rotation", "rotationId"),
    )
    main = next((written.get(name) or f"{label} {fields[name]}" for label, name in named[:2] if name in fields), "")
    quantity = fields.get("quantity")
    parts = [product, f"{quantity} × {main}".removesuffix(" × ") if quantity is not None else main]
    parts += [str(fields[name]) for name in ("mobileServiceType", "protocol") if name in fields]
    parts += [written.get(name) or f"{label} {fields[name]}" for label, name in named[2:] if name in fields]
    parts += [written.get("periodId") or str(fields["periodId"])] if "periodId" in fields else []
    return ", ".join(part for part in parts if part)


def renewal(product: str, order_id: str, ends: str, new_end: str | None) -> str:
    """What a renewal buys: which order goes on, from which day to which, as far as that is known."""
    return f"{product}, renews order {order_id}, {ends} → {new_end or 'later'}"


STATUS_STYLES: Final[Mapping[str, str]] = {
    "planned": "strong",
    "placed": "good",
    "already_placed": "faint",
    "skipped": "faint",
    "renamed": "faint",
    "unknown": "error",
    "submitted": "error",
    "refused": "warning",
    "rejected": "warning",
    "absent": "warning",
    "invalid": "error",
}
"""What a status means to the eye, in the words of `console.STYLES`."""
