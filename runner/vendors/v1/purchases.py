"""The vendor's API v1, pure: orders to exact bodies, answers to outcomes. No socket, no clock, no key.

An outcome is `Unknown` unless the answer proves better: a purchase is believed liberally, its absence strictly.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from runner.core.orders import PAY_BY_BALANCE, PRODUCT_TYPES, OrderRequest, ProductType, Scalar
from runner.core.secrets import without_credentials
from runner.core.vendor import Answer, NotSent, Outcome, Placed, Rejected, Unknown, VendorError
from runner.vendors.retry_after import retry_after
from runner.vendors.v1.refusals import (
    FIELDS,
    answers,
    base_number,
    is_access,
    is_plain_refusal,
    order_id,
    resembles_gate,
    vendor_errors,
)
from runner.vendors.wire import BOM, Envelope, Malformed, Request, Response, amount, clean_text, parse_envelope

API_VERSION: Final = "v1"
BODY_HEAD: Final = 4096
_CHARGE_SHOWN: Final = 60
"""Characters that are shown of a charge nobody can read."""

BALANCE_GET: Final = Request(method="GET", path="balance/get")
RESIDENT_PACKAGE: Final = Request(method="GET", path="resident/package")
RESIDENT_LISTS: Final = Request(method="GET", path="resident/lists")
AUTH_LIST: Final = Request(method="GET", path="auth/list")
PING: Final = Request(method="GET", path="system/ping")

_PURCHASE: Final = re.compile(
    rb'"(?:list_?)?(?:base_?)?order_?(?:id|number)s?\\*"'
    rb"|order_?(?:id|number)s?[\\\"'\s]*[:=]"
    rb'|"status"\s*:\s*"success"|"success"\s*:\s*true',
    re.IGNORECASE,
)
"""What speaks of an order: its names in either spelling, as a key anywhere, or with a value inside of a text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRules:
    """What of an answer is read by the call it answers.

    `placement` is the purchase in the data of a success, None where there is none, of which `unusable` says so.
    `objection` is why errors that look like a refusal are none; `without_quote` leaves out of an error what a price has
    beside it, and no purchase.
    """

    placement: Callable[[object], Placed | None]
    unusable: str
    objection: Callable[[tuple[VendorError, ...]], str | None] = lambda _: None
    without_quote: Callable[[Envelope], Envelope] = lambda envelope: envelope


def encode_order(request: OrderRequest) -> dict[str, Scalar]:
    """The exact body of `order/make` and `order/calc`; ValueError for a field the vendor does not have, or a word."""
    if request.open_words:
        raise ValueError(f"unresolved words: {', '.join(request.open_words)}")
    fields = {"paymentId": PAY_BY_BALANCE, **request.fields}
    unknown = sorted(set(fields) - set(FIELDS))
    if unknown:
        raise ValueError(f"not fields of the vendor's: {', '.join(unknown)}")
    return {name: fields[name] for name in FIELDS if name in fields}


def make(request: OrderRequest) -> Request:
    """The purchase. Spends money when sent."""
    return Request(method="POST", path="order/make", body=_body(request))


def calc(request: OrderRequest) -> Request:
    """The request for the price of an order; it costs nothing."""
    return Request(method="POST", path="order/calc", body=_body(request))


def proxy_list(product: ProductType) -> Request:
    """The default list, from which proxies that end soon may be left out (docs/vendor/api-v1.md#proxy-lists)."""
    return Request(method="GET", path=f"proxy/list/{_require_type(product)}")


def ending_list(product: ProductType) -> Request:
    """The proxies that end soon; all of them again where the vendor ignores the filter.

    It is sent as query and as body, because sources disagree on which of them API v1 reads
    (docs/vendor/api-v1.md#proxy-lists).
    """
    return replace(proxy_list(product), query="ends=Y", body=b'{"ends": "Y"}')


def comment_set(row_ids: Sequence[str], comment: str) -> Request:
    """Sets the comment of rows, by the ids they have now (docs/vendor/api-v1.md#comments). It costs nothing."""
    ids = [int(row) if row.isdecimal() else row for row in row_ids]
    body = json.dumps({"ids": ids, "comment": comment}).encode()
    return Request(method="POST", path="proxy/comment/set", body=body)


def reference_list(product: ProductType) -> Request:
    return Request(method="GET", path=f"reference/list/{_require_type(product)}")


def decode_make(response: Response) -> Answer:
    """What became of a purchase. Never raises."""
    return decode_answer(response, _PURCHASES)


def decode_answer(response: Response, rules: AnswerRules) -> Answer:
    """What became of something that spends. Never raises."""
    try:
        outcome = _outcome(response, rules)
    except Exception as error:  # noqa: BLE001 - money may have moved: a mistake of ours must not lose the answer
        outcome = _unknown_outcome(f"the answer could not be read: {type(error).__name__}", response.body)
    text = response.body[:BODY_HEAD].decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    return Answer(
        outcome=outcome,
        http_status=response.status,
        body_sha256=hashlib.sha256(response.body).hexdigest(),
        body_head=without_credentials(text),
    )


def _body(request: OrderRequest) -> bytes:
    return json.dumps(encode_order(request)).encode("ascii")


def _require_type(product: ProductType) -> ProductType:
    if product not in PRODUCT_TYPES:
        raise ValueError(f"not a product type: {product!r}")
    return product


def _outcome(response: Response, rules: AnswerRules) -> Outcome:
    """The first proof that holds; the order of these lines is the argument."""
    if response.status == 429:
        return _throttling(response)
    if not answers(response.status):
        return _unknown_outcome(f"HTTP {response.status}", response.body)
    try:
        envelope = parse_envelope(replace(response, body=response.body.removeprefix(BOM)))
    except Malformed as problem:
        return _unknown_outcome(str(problem), response.body)
    if envelope.status == "success":
        return rules.placement(envelope.data) or Unknown(reason=rules.unusable, leaning_placed=True)
    bare, errors = rules.without_quote(envelope), vendor_errors(envelope)
    if bare is not envelope:
        response = replace(response, body=_body_of(bare))
    doubt = rules.objection(errors) or _doubt(response, bare, errors)
    return _unknown_outcome(doubt, response.body) if doubt else Rejected(errors=errors, access=is_access(errors))


def _body_of(envelope: Envelope) -> bytes:
    content = {"status": envelope.status, "data": envelope.data, "errors": envelope.errors, **envelope.beside}
    return json.dumps(content, default=str).encode()


def _placement(data: object) -> Placed | None:
    if not isinstance(data, dict) or (bought := order_id(data.get("orderId"))) is None:
        return None
    return placed_as(bought, data)


_PURCHASES: Final = AnswerRules(placement=_placement, unusable="a success without a usable orderId")


def placed_as(identity: str, data: Mapping[str, object]) -> Placed:
    """A purchase under this id, with numbers and amounts as the data of its answer has them."""
    numbers = data.get("listBaseOrderNumbers")
    parts = [base_number(number) for number in numbers] if isinstance(numbers, list) else []
    total, unread_total = _charge(data.get("total"))
    return Placed(
        order_id=identity,
        base_order_numbers=tuple(part for part in parts if part is not None),
        total=total,
        unread_total=unread_total,
        balance=amount(data.get("balance")),
    )


def _charge(value: object) -> tuple[Decimal | None, str | None]:
    """What was charged, or else the text that tells it in a form nobody can read; neither where nothing is told."""
    total = amount(value)
    if total is not None and total >= 0:
        return total, None
    if value is None or value == "":
        return None, None
    text = value if isinstance(value, str) else json.dumps(value, default=str).strip('"')
    return None, clean_text(text)[:_CHARGE_SHOWN]


def _doubt(response: Response, envelope: Envelope, errors: tuple[VendorError, ...]) -> str | None:
    """Why an error envelope does not prove that nothing was bought; None where it does."""
    if speaks_of_purchase(response.body):
        return "an error that names an order"
    if not errors or not all(error.message for error in errors):
        return "an error without a reason"
    if not is_plain_refusal(errors, envelope.data):
        return "an error with data"
    if any(resembles_gate(error) for error in errors) and not is_access(errors):
        return "an access error mixed with something else"
    if response.body.startswith(BOM):
        return "an error envelope behind a byte order mark"
    return None


def speaks_of_purchase(text: bytes) -> bool:
    """Whether a text names an order or a success."""
    return _PURCHASE.search(text) is not None


def _throttling(response: Response) -> NotSent | Unknown:
    """429 comes from the edge in front of the API (docs/vendor/api-v1.md#limits), unless it speaks of an order."""
    if speaks_of_purchase(response.body):
        return Unknown(reason="HTTP 429 that looks like a purchase", leaning_placed=True)
    return NotSent(reason="HTTP 429, too many requests", throttled=True, retry_after=retry_after(response.headers))


def _unknown_outcome(reason: str, body: bytes) -> Unknown:
    return Unknown(reason=reason, leaning_placed=speaks_of_purchase(body))
