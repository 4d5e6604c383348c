"""Answers of API v1 to calls that cost nothing: believed whole or not at all.

Each raises `AccessError` where key, address or rate were refused, and `VendorUnavailable` for what cannot be believed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final, Protocol, TypeVar

from runner.core.errors import AccessError, UnknownForm, VendorUnavailable
from runner.core.orders import CURRENCY, ProductType, Quote
from runner.core.vendor import Choice, QuoteRefused, VendorError
from runner.vendors.v1.reference import choices
from runner.vendors.v1.refusals import answers, is_gate, refusal_field, vendor_errors
from runner.vendors.wire import Envelope, Malformed, Response, amount, clean_text, parse_envelope

_ACCESS_HINT: Final = (
    "the vendor gives one answer for three causes: check that the API key is right and active, that this machine's "
    "address (IPv6 too) is on the key's allow-list, and that the rate limit is respected (wait a minute, lower --rate)"
)

_LEFT_OUT: Final = "nothing was bought; try again: an answer without a list is believed only while none was ever needed"

_PAGING: Final = ("metadata", "meta", "pagination")
_PAGE_SIZES: Final = ("per_page", "current_limit", "limit")
_TOTALS: Final = ("total", "total_orders", "total_items")


class NumberedRows(Protocol):
    """The rows of one list, and their number; `all_numbered` while each that came has an order id."""

    @property
    def rows(self) -> int: ...

    @property
    def all_numbered(self) -> bool: ...


L = TypeVar("L", bound=NumberedRows)


def decode_calc(response: Response, at: datetime, path: str = "order/calc") -> Quote | QuoteRefused:
    """The price, or why not to order. A warning refuses under either status.

    The statuses: docs/vendor/api-v1.md#price-quotes, and docs/vendor/api-v1.md#renewals of `prolong/calc`.
    """
    envelope = _read(response, path)
    errors = tuple(error for error in vendor_errors(envelope) if error.message)
    data = envelope.data if isinstance(envelope.data, dict) else {}
    warning = _warning(data.get("warning"))
    if warning:
        errors = (VendorError(message=warning, field=refusal_field(warning)), *errors)
    try:
        quote = _quote(data, warning, at)
    except Malformed as problem:
        if errors:
            return QuoteRefused(errors=errors)
        raise unavailable(path, str(problem)) from None
    if errors:
        return QuoteRefused(errors=errors, quote=quote)
    if envelope.status == "error":
        raise unavailable(path, "an error without a reason")
    return quote


def decode_balance(response: Response) -> Decimal:
    """`data.summ`, a number or a decimal text."""
    data = successful_data(response, "balance/get")
    summ = amount(data.get("summ")) if isinstance(data, dict) else None
    if summ is None:
        raise unavailable("balance/get", "it has no amount")
    return summ


def decode_comment(response: Response) -> int:
    """`data.updated`: how many comments were set; VendorUnavailable with the vendor's words where it refuses."""
    envelope = _read(response, "proxy/comment/set")
    errors = [error.message for error in vendor_errors(envelope) if error.message]
    number = envelope.data.get("updated") if isinstance(envelope.data, dict) else None
    if envelope.status == "error" or not isinstance(number, int) or isinstance(number, bool):
        raise unavailable("proxy/comment/set", errors[0] if errors else "it does not say how many were set")
    return number


def list_paths(product: ProductType) -> frozenset[tuple[str, ...]]:
    """Where `proxy/list/{type}` may have its list, as keys from the envelope down."""
    return frozenset({("data",), ("data", product), ("data", "items"), ("data", product, "items")})


def proxy_list(response: Response, product: ProductType, kind: type[L]) -> L | None:
    """The `kind` that stands where `proxy/list/{type}` has its list; None for an empty object by the list's name.

    VendorUnavailable unless all rows are there; UnknownForm where nothing is there in place of a list.
    """
    envelope = _successful(response, "proxy/list")
    data, around = envelope.data, [envelope.beside]
    for name in (product, "items"):
        if isinstance(data, dict) and name in data:
            around.append(data)
            data = data[name]
    rows = data.rows if isinstance(data, kind) else 0
    if any(_tells_more(part, rows) for part in around):
        raise unavailable("proxy/list", f"the list of {product} is not complete")
    if data == {} and len(around) > 1:
        return None
    if data in (None, "", {}):
        raise UnknownForm(f"no usable answer from proxy/list: the list of {product} is left out", hint=_LEFT_OUT)
    if not isinstance(data, kind):
        raise unavailable("proxy/list", f"the list of {product} is not complete")
    if not data.all_numbered:
        raise unavailable("proxy/list", "a row without an order id")
    return data


def decode_package(response: Response) -> Mapping[str, str] | None:
    """What a resident purchase moves: `traffic_limit`, `expired_at`, `tarif_id`, `is_active` as far as told.

    None: the account has no package. Used traffic is left out because it moves by itself, `package_key` because
    it is a key (docs/vendor/api-v1.md#resident-package).
    """
    data = package_data(response)
    if data is None:
        return None
    state = {name: _flat(data.get(name)) for name in ("traffic_limit", "expired_at", "tarif_id", "is_active")}
    return {name: text for name, text in state.items() if text}


def package_data(response: Response) -> Mapping[str, object] | None:
    """The fields of the resident package; None where the account has none."""
    envelope = _read(response, "resident/package")
    refusals = vendor_errors(envelope) if envelope.status == "error" else ()
    if any(error.message.casefold().startswith("tarif not found") for error in refusals):
        return None
    data = successful_data(response, "resident/package")
    if not isinstance(data, dict) or data.get("traffic_limit") is None:
        raise unavailable("resident/package", "it has no package")
    return data


def decode_reference(response: Response, product: ProductType) -> tuple[Choice, ...]:
    """What can be ordered of a type; UnknownForm where the answer is the vendor's and its list cannot be made out."""
    data = successful_data(response, "reference/list")
    try:
        return choices(data, product)
    except Malformed as problem:
        failure = unavailable("reference/list", str(problem))
        raise UnknownForm(str(failure), hint=failure.hint) from None


def _read(response: Response, path: str) -> Envelope:
    """The envelope of a call that costs nothing; raises where it was refused at the door or is no envelope."""
    if response.status == 429:
        raise AccessError("the vendor's rate limit is reached (HTTP 429)", hint="wait a minute, or lower --rate")
    try:
        envelope = parse_envelope(response)
    except Malformed as problem:
        reason = str(problem) if answers(response.status) else f"HTTP {response.status}"
        raise unavailable(path, reason) from None
    if any(is_gate(error) for error in vendor_errors(envelope)):
        raise AccessError("the vendor refused the key, the address or the rate", hint=_ACCESS_HINT)
    if not answers(response.status):
        raise unavailable(path, f"HTTP {response.status}")
    return envelope


def successful_data(response: Response, path: str) -> object:
    """The `data` of a call that costs nothing; VendorUnavailable for anything but a success without errors."""
    return _successful(response, path).data


def _successful(response: Response, path: str) -> Envelope:
    """A success without errors: beside one, what it says may be a part."""
    envelope = _read(response, path)
    messages = [error.message for error in vendor_errors(envelope) if error.message]
    if envelope.status == "error" or messages:
        raise unavailable(path, f"the error {', '.join(map(json.dumps, messages)) or 'nothing'}")
    return envelope


def unavailable(path: str, reason: str) -> VendorUnavailable:
    """The error for an answer that cannot be believed."""
    return VendorUnavailable(f"no usable answer from {path}: {reason}", hint="nothing was bought; try again")


def _warning(value: object) -> str:
    """A warning of an odd kind is still one."""
    return clean_text(value if isinstance(value, str) else str(value)) if value else ""


def _quote(data: Mapping[str, object], warning: str, at: datetime) -> Quote:
    total, currency = amount(data.get("total")), data.get("currency")
    if total is None or total < 0:
        raise Malformed("it has no total")
    if currency and str(currency).upper() != CURRENCY:
        raise Malformed(f"a currency other than {CURRENCY}")
    return Quote(
        total=total,
        at=at,
        unit_price=amount(data.get("price")),
        discount=amount(data.get("discount")),
        balance=amount(data.get("balance")),
        warning=warning,
    )


def _tells_more(around: Mapping[str, object], rows: int) -> bool:
    """Whether what stands around a list tells of more pages than one, or of more rows than there are.

    Paged answers of v2 have `metadata`, those of the vendor's MCP server the numbers beside the rows
    (docs/vendor/api-v2.md#list-of-orders). A total counts only beside the size of a page: alone it may count anything.
    """
    parts = (around, *(part for name in _PAGING if isinstance(part := around.get(name), dict)))
    return any(_exceeds(part.get("total_pages"), 1) or _is_cut(part, rows) for part in parts)


def _is_cut(part: Mapping[str, object], rows: int) -> bool:
    return any(size in part for size in _PAGE_SIZES) and any(_exceeds(part.get(name), rows) for name in _TOTALS)


def _exceeds(value: object, most: int) -> bool:
    number = amount(value)
    return number is not None and number > most


def _flat(value: object) -> str:
    """A date may be an object `{date, timezone_type, timezone}`."""
    if isinstance(value, dict):
        return " ".join(filter(None, (_flat(value.get("date")), _flat(value.get("timezone")))))
    return clean_text(str(value)) if isinstance(value, str | int | Decimal) else ""
