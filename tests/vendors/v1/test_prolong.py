"""What no answer whatever may do to the reading of a renewal, and what a renewal never becomes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import event, given, settings

from runner.core.orders import PRODUCT_TYPES, ProductType
from runner.core.vendor import NotSent, Placed, Rejected, Unknown
from runner.vendors.transport import READS
from runner.vendors.v1 import prolong
from runner.vendors.v1.offline import V1Encoder
from runner.vendors.wire import Response
from tests import make
from tests.vendors.v1.test_purchases import bodies, body_as_json, headers, statuses

REQUEST = make.renewal(renews="4742113", term=make.term("4742113"))
IDENTITY = "4742113@2026-12-29"
SUCCESS = json.dumps(
    {"status": "success", "data": {"orderId": 3388536, "total": 35.1, "balance": 40.4}, "errors": []}
).encode()
REFUSAL = b'{"status":"error","data":null,"errors":[{"message":"Incorrect orderIds","code":29,"customData":null}]}'


@given(statuses, headers, bodies)
@settings(max_examples=500, deadline=None)
def test_a_renewal_is_never_read_without_proof(status: int, head: dict[str, str], body: bytes) -> None:
    """Any status, headers and bytes give an outcome; only proof makes it anything but unknown."""
    outcome = prolong.decode_renewal(Response(status=status, headers=head, body=body), REQUEST).outcome
    event(type(outcome).__name__)
    match outcome:
        case Placed(order_id=order_id):
            assert order_id == IDENTITY
            assert 200 <= status <= 299
            assert body_as_json(body)["status"] == "success"
        case Rejected(errors=errors):
            value = body_as_json(body)
            assert 200 <= status <= 299
            assert value["status"] == "error"
            assert len(value["errors"]) == len(errors) > 0
            assert all(error.code != "57" for error in errors)
        case NotSent():
            assert status == 429
        case Unknown(reason=reason):
            assert reason


@pytest.mark.parametrize("body", [SUCCESS, REFUSAL], ids=["success", "refusal"])
def test_an_answer_that_was_cut_anywhere_proves_nothing(body: bytes) -> None:
    """Of every part of an answer nothing is concluded, and what began as a success is a hint that it was made."""
    for cut in range(len(body)):
        outcome = prolong.decode_renewal(Response(status=200, body=body[:cut]), REQUEST).outcome
        assert isinstance(outcome, Unknown), body[:cut]
    whole = prolong.decode_renewal(Response(status=200, body=body), REQUEST).outcome
    assert isinstance(whole, Placed if body is SUCCESS else Rejected)


@pytest.mark.parametrize("product", PRODUCT_TYPES)
def test_the_price_of_a_renewal_may_be_asked_again_and_the_renewal_never(product: ProductType) -> None:
    """Every `prolong/calc` is among the calls that cost nothing, no `prolong/make` is."""
    assert ("POST", f"prolong/calc/{product}") in READS
    assert not any("make" in path for _, path in READS)


def test_a_renewal_needs_rows_and_a_type_that_is_renewed() -> None:
    """Nothing is sent for rows that were not read, nor for resident proxies, which are bought anew."""
    with pytest.raises(ValueError, match="the rows to renew were not read"):
        prolong.make(make.renewal())
    with pytest.raises(ValueError, match="the rows to renew were not read"):
        prolong.make(make.renewal(term=replace(make.term(), row_ids=())))
    with pytest.raises(ValueError, match="resident orders are not renewed"):
        prolong.calc(make.renewal(type="resident", term=make.term()))


def test_what_is_shown_of_a_renewal_is_what_is_sent() -> None:
    """The body of a report is that of the request, and has nothing of ours: no order id and no day."""
    body = V1Encoder().preview(REQUEST)
    assert json.loads(prolong.make(REQUEST).body or b"") == body
    assert set(body) == {"ids", "periodId", "coupon", "paymentId"}
