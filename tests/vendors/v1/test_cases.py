"""API v1 by example: one file in `cases/` is one promise, and adding a case means adding a file."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from runner.core.errors import RunnerError
from runner.core.orders import OrderRequest
from runner.core.vendor import SeenOrder
from runner.vendors.v1 import prolong, reads
from runner.vendors.v1 import purchases as v1
from runner.vendors.v1.lists import decode_look
from runner.vendors.v1.refusals import refusal_field
from runner.vendors.wire import Request, Response
from tests import make
from tests.streaming import streamed

Case = dict[str, Any]

CASES = sorted(Path(__file__).with_name("cases").glob("*.json"))
AT = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


def order(case: Case) -> OrderRequest:
    return make.order(batch="batch", name="name", type=case["type"], only=case["fields"])


def response(case: Case) -> Response:
    return response_of(case["response"])


def response_of(answer: Case) -> Response:
    if "body_base64" in answer:
        body = base64.b64decode(answer["body_base64"])
    else:
        body = (answer["body_text"] if "body_text" in answer else json.dumps(answer["body"])).encode()
    return Response(status=answer["status"], headers=answer.get("headers", {}), body=body)


def spell(value: object) -> Any:
    """A value as a case file spells it: the type's name and whatever differs from the defaults; amounts as text."""
    if is_dataclass(value):
        shown = {
            item.name: spell(getattr(value, item.name))
            for item in fields(value)
            if item.default is MISSING or getattr(value, item.name) != item.default
        }
        return {"is": type(value).__name__, **shown}
    if isinstance(value, datetime):
        assert value == AT
        return "now"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [spell(item) for item in value]
    return value


def encoded(case: Case) -> object:
    """The body as text, the same for the price and the purchase."""
    request = order(case)
    sent = [v1.make(request), v1.calc(request)]
    assert [item.path for item in sent] == ["order/make", "order/calc"]
    assert sent[0].body == sent[1].body == json.dumps(v1.encode_order(request)).encode()
    assert sent[0].body is not None
    return sent[0].body.decode()


def purchased(case: Case) -> object:
    """The outcome; the answer beside it always carries what it was read from."""
    given = response(case)
    answer = v1.decode_make(given)
    assert answer.http_status == given.status
    assert answer.body_sha256 == hashlib.sha256(given.body).hexdigest()
    assert answer.body_head is not None
    assert len(answer.body_head) <= 4096
    return answer.outcome


def renewal(case: Case) -> OrderRequest:
    """The renewal of order 4742113 by the rows of a case."""
    fields = case.get("fields", {"renews": "4742113", "ends": "2026-12-29", "periodId": "1m", "paymentId": 1})
    term = make.term("4742113", *case.get("rows", ["1"]))
    return make.order(batch="batch", name="name", type=case.get("type", "ipv4"), only=fields, term=term)


def renewed(case: Case) -> object:
    """The outcome; the answer beside it always carries what it was read from."""
    given = response(case)
    answer = prolong.decode_renewal(given, renewal(case))
    assert answer.http_status == given.status
    assert answer.body_sha256 == hashlib.sha256(given.body).hexdigest()
    return answer.outcome


def encoded_renewal(case: Case) -> object:
    """Path and body, the body the same for the price and the renewal."""
    request = renewal(case)
    sent, priced = prolong.make(request), prolong.calc(request)
    assert (sent.method, priced.method, sent.body) == ("POST", "POST", priced.body)
    assert priced.path == sent.path.replace("make", "calc")
    assert sent.body is not None
    assert json.loads(sent.body) == prolong.encode_renewal(request)
    return {"path": sent.path, "body": json.loads(sent.body)}


def looked(case: Case) -> tuple[SeenOrder, ...]:
    """The same from lists that come whole and from lists that come byte by byte."""
    answers = list(map(response_of, case.get("responses", [case.get("response")])))
    whole = [streamed(answer) for answer in answers]
    bytewise = [streamed(answer, size=1) for answer in answers]
    with suppress(RunnerError):
        assert decode_look(bytewise, case["type"]) == decode_look(whole, case["type"])
    return decode_look(bytewise, case["type"])


CALLS: dict[str, Callable[[Case], object]] = {
    "encode": encoded,
    "make": purchased,
    "calc": lambda case: reads.decode_calc(response(case), AT),
    "encode_renewal": encoded_renewal,
    "renewal": renewed,
    "calc_renewal": lambda case: reads.decode_calc(response(case), AT, prolong.calc(renewal(case)).path),
    "balance": lambda case: reads.decode_balance(response(case)),
    "proxy_list": lambda case: frozenset(seen.order_id for seen in looked(case)),
    "look": looked,
    "package": lambda case: reads.decode_package(response(case)),
    "reference": lambda case: reads.decode_reference(response(case), case["type"]),
}


def outcome(case: Case) -> object:
    try:
        return spell(CALLS[case["call"]](case))
    except RunnerError as error:
        return {"is": type(error).__name__, "says": str(error)}


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    """Each answer of the vendor means what its case file says, and nothing more."""
    case = json.loads(path.read_text(encoding="utf-8"))
    assert outcome(case) == case["expect"], case["what"]


def test_cases_say_what_and_whence() -> None:
    """Every case names its promise and its source, so that a wrong guess can be traced."""
    cases = [json.loads(path.read_text(encoding="utf-8")) for path in CASES]
    assert len(cases) >= 80
    assert all(case["what"].endswith(".") and case["source"] for case in cases)
    assert {case["call"] for case in cases} == set(CALLS)


@pytest.mark.parametrize(
    ("request_", "path"),
    [
        (v1.BALANCE_GET, "balance/get"),
        (v1.proxy_list("mix_isp"), "proxy/list/mix_isp"),
        (v1.RESIDENT_PACKAGE, "resident/package"),
        (v1.reference_list("ipv6"), "reference/list/ipv6"),
        (v1.PING, "system/ping"),
    ],
)
def test_reads_are_plain_gets(request_: Request, path: str) -> None:
    """A call that costs nothing is a GET without a body, its path exact."""
    assert (request_.method, request_.path, request_.body) == ("GET", path, None)


def test_the_list_of_ending_proxies_is_asked_for_in_both_ways() -> None:
    """The filter is in the query and in the body, because sources disagree on which of them the vendor reads."""
    asked = v1.ending_list("isp")
    assert (asked.method, asked.path, asked.query) == ("GET", "proxy/list/isp", "ends=Y")
    assert json.loads(asked.body or b"") == {"ends": "Y"}


@pytest.mark.parametrize("call", [v1.proxy_list, v1.ending_list, v1.reference_list])
def test_type_never_reaches_the_path_unchecked(call: Callable[[Any], Request]) -> None:
    """Only the seven product types become part of a path, so no text can add to a request."""
    with pytest.raises(ValueError, match="not a product type"):
        call("ipv4\r\nHost: elsewhere")


def test_unknown_field_is_never_dropped() -> None:
    """A field the vendor does not have stops the encoding: leaving it out would buy something else."""
    with pytest.raises(ValueError, match="typeId"):
        v1.encode_order(order({"type": "ipv4", "fields": {"countryId": 561, "typeId": 1}}))


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ("Country not exists", "countryId"),
        ("Set existed [periodId] from reference", "periodId"),
        ("Set existed [periodId]", "periodId"),
        ("Set [customTargetName]", "customTargetName"),
        ("Incorrect goal", "customTargetName"),
        ("Incorrect protocol", "protocol"),
        ("Set existed [paymentId]", "paymentId"),
        ("Incorrect payment system", "paymentId"),
        ("Payment id not exists", "paymentId"),
        ("Set [quantity]", "quantity"),
        ("set exists [OPERATORID]", "operatorId"),
        ("[ids] is not applicable for [rotationId]", "rotationId"),
        ("Tarif not found", "tarifId"),
        ("Insufficient funds. Total $2. Not enough $33.10", None),
        ("Set [summ > 1]", None),
        ("Set exists [orderNumber]", None),
        ("Unknown error", None),
        ("", None),
    ],
)
def test_refusal_names_its_field(message: str, field: str | None) -> None:
    """A known refusal points at the manifest field it blames, an unknown one at none."""
    assert refusal_field(message) == field
