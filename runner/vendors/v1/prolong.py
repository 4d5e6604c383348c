"""Renewals in API v1, pure: `prolong/calc/{type}` and `prolong/make/{type}` (docs/vendor/api-v1.md#renewals).

One order a call, all of its rows, by the ids they have now. A renewal is known by its order and its term, never by the
number in the answer, which is a new one, the old one or none: a success is one without it, too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Final

from runner.core.orders import ENDS, PAY_BY_BALANCE, Body, OrderRequest, ProductType, Scalar
from runner.core.renewals import term_id
from runner.core.vendor import Answer, Placed, VendorError
from runner.vendors.v1.purchases import AnswerRules, decode_answer, placed_as, speaks_of_purchase
from runner.vendors.v1.refusals import order_id
from runner.vendors.wire import Envelope, Request, Response

RENEWABLE: Final[tuple[ProductType, ...]] = ("ipv4", "isp", "mix", "mix_isp", "ipv6", "mobile")

_IN_PROGRESS: Final = "57"
"""A renewal of the order is still running (docs/vendor/api-v2.md#renewals): nobody knows yet what becomes of it."""

_ANSWERS: Final = frozenset({"orderId", "orderIds", "listBaseOrderNumbers", "total", "balance"})
"""What the answer to a renewal has; with any of them it is whole enough to be believed."""

_QUOTE_PARTS: Final = ("items", "orders")
"""What a price of a renewal has beside that of an order: the rows as they are, and how many orders they are of."""


def encode_renewal(request: OrderRequest) -> Body:
    """The exact body of `prolong/make` and `prolong/calc`; ValueError where rows or type cannot be renewed."""
    if request.type not in RENEWABLE:
        raise ValueError(f"{request.type} orders are not renewed")
    if request.term is None or not request.term.row_ids:
        raise ValueError(f"{request.key}: the rows to renew were not read")
    return {
        "ids": [_row_id(text) for text in request.term.row_ids],
        "periodId": request.fields["periodId"],
        "coupon": "",
        "paymentId": str(request.fields.get("paymentId", PAY_BY_BALANCE)),
    }


def _row_id(text: str) -> Scalar:
    """A number, as the vendor's own client sends it, wherever it is one and is spelled as one."""
    return int(text) if text.isascii() and text.isdecimal() and str(int(text)) == text else text


def make(request: OrderRequest) -> Request:
    """The renewal. Spends money when sent."""
    return _call("prolong/make", request)


def calc(request: OrderRequest) -> Request:
    """The request for the price of a renewal; it costs nothing."""
    return _call("prolong/calc", request)


def _call(path: str, request: OrderRequest) -> Request:
    body = json.dumps(encode_renewal(request)).encode("ascii")
    return Request(method="POST", path=f"{path}/{request.type}", body=body)


def decode_renewal(response: Response, request: OrderRequest) -> Answer:
    """What became of a renewal. Never raises."""
    rules = AnswerRules(
        placement=partial(_placement, request),
        objection=_objection,
        without_quote=_without_quote,
        unusable="a success without anything of a renewal",
    )
    return decode_answer(response, rules)


def _placement(request: OrderRequest, data: object) -> Placed | None:
    """Bought, if the answer has anything that belongs to a renewal; its `orderId` may be missing or empty."""
    if not isinstance(data, dict) or not data.keys() & _ANSWERS:
        return None
    end = date.fromisoformat(str(request.fields[ENDS]))
    return replace(placed_as(term_id(str(request.renews), end), data), vendor_id=order_id(data.get("orderId")))


def _objection(errors: tuple[VendorError, ...]) -> str | None:
    """Why these errors do not prove that nothing was renewed."""
    if any(error.code == _IN_PROGRESS for error in errors):
        return "the vendor says that a renewal of this order is in progress"
    return None


def _without_quote(envelope: Envelope) -> Envelope:
    """An envelope without what a price says of the rows: they have an order's id and numbers, and are no purchase."""
    data = envelope.data
    if not isinstance(data, Mapping) or not isinstance(data.get("items", []), list):
        return envelope
    if speaks_of_purchase(json.dumps({**data, "items": []}, default=str).encode()):
        return envelope
    return replace(envelope, data={name: part for name, part in data.items() if name not in _QUOTE_PARTS})
