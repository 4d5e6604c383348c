"""What API v1 says and names, read once for purchases and reads alike: ids, error items, the access refusal."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from runner.core.vendor import VendorError
from runner.vendors.wire import Envelope, clean_text

FIELDS: Final = (
    "countryId",
    "periodId",
    "quantity",
    "paymentId",
    "customTargetName",
    "authorization",
    "coupon",
    "generateAuth",
    "protocol",
    "mobileServiceType",
    "operatorId",
    "rotationId",
    "tarifId",
)
"""Every field of a purchase, in the order of the vendor's table (docs/vendor/api-v1.md#order-fields)."""

_BLAMED: Final[Mapping[str, str]] = {
    "country not exists": "countryId",
    "incorrect goal": "customTargetName",
    "incorrect protocol": "protocol",
    "incorrect payment system": "paymentId",
    "payment id not exists": "paymentId",
    "tarif not found": "tarifId",
}
_SHORT_OF_MONEY: Final = ("insufficient funds", "no saved card")
_QUOTE_FIELDS: Final = frozenset({"warning", "balance", "total", "quantity", "currency", "discount", "price"})
_PURCHASE_FIELDS: Final = frozenset({"total", "balance"})
"""What `order/calc` answers with: a price that was refused, no purchase (docs/vendor/api-v1.md#price-quotes).

A purchase has two of these as well, so that they alone tell nothing.
"""
_GATE: Final = ("error api key", "ip not allowed", "request limit reached")
_ORDER_ID: Final = re.compile(r"(?!0+$)[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}")


def refusal_field(message: str) -> str | None:
    """The manifest field a refusal blames: named in brackets, or known by its text.

    The texts: docs/vendor/api-v1.md#order-refusals.
    """
    names = {name.casefold(): name for name in FIELDS}
    for bracketed in re.findall(r"\[\s*(\w+)[^\[\]]*\]", message):
        if bracketed.casefold() in names:
            return names[bracketed.casefold()]
    text = message.strip().casefold()
    return next((name for start, name in _BLAMED.items() if text.startswith(start)), None)


def is_plain_refusal(errors: Sequence[VendorError], data: object) -> bool:
    """Whether nothing beside these errors can be a purchase.

    `data` is empty, in whatever spelling; or it is a quote, which a purchase's own amounts are not, and every error is
    one that the vendor is known to refuse an order with (docs/vendor/api-v1.md#order-refusals).
    """
    if data is None or data in ([], {}, ""):
        return True
    return isinstance(data, dict) and _is_quote(data) and all(_is_known(error) for error in errors)


def _is_quote(data: Mapping[str, object]) -> bool:
    is_flat = not any(isinstance(value, dict | list) for value in data.values())
    return is_flat and data.keys() <= _QUOTE_FIELDS and not data.keys() <= _PURCHASE_FIELDS


def _is_known(error: VendorError) -> bool:
    return error.field is not None or error.message.casefold().startswith(_SHORT_OF_MONEY)


def answers(status: int) -> bool:
    """204 and 206 promise that there is no whole answer."""
    return 200 <= status <= 299 and status not in (204, 206)


def order_id(value: object) -> str | None:
    """A positive integer or an id-like text, as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    return str(value) if _ORDER_ID.fullmatch(str(value)) else None


def base_number(value: object) -> str | None:
    """What a renewal keeps of an order number; None for what is none.

    That is all before the last `_e_`. Numbers in the form of API v2 have that mark from the first purchase on, and a
    renewal changes only what follows: it marks nothing (docs/vendor/api-v1.md#order-numbers).
    """
    number = order_id(value)
    return number and number.rsplit("_e_", 1)[0]


def vendor_errors(envelope: Envelope) -> tuple[VendorError, ...]:
    """The errors as data; the message is empty where there is none."""
    return tuple(_error(item.get("message"), item.get("code")) for item in envelope.errors)


def _error(message: object, code: object) -> VendorError:
    text = clean_text(message) if isinstance(message, str) else ""
    coded = isinstance(code, int | str) and not isinstance(code, bool)
    return VendorError(message=text, code=clean_text(str(code)) if coded else None, field=refusal_field(text))


def is_gate(error: VendorError) -> bool:
    """One item of the access refusal; the caller's address may follow the text (docs/vendor/api-v1.md#access)."""
    return error.code == "503" and error.message.casefold().startswith(_GATE)


def resembles_gate(error: VendorError) -> bool:
    return error.code == "503" or error.message.casefold().startswith(_GATE)


def is_access(errors: tuple[VendorError, ...]) -> bool:
    """Refused at the door, before any order was looked at: one to three items, all of that kind."""
    return 1 <= len(errors) <= 3 and all(is_gate(error) for error in errors)
