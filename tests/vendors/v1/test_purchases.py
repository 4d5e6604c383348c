"""What no answer whatever may do to the reading of a purchase."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from runner.core.errors import AccessError, VendorUnavailable
from runner.core.orders import PRODUCT_TYPES, ProductType
from runner.core.vendor import NotSent, Placed, Rejected, Unknown
from runner.vendors.v1 import purchases as v1
from runner.vendors.v1 import reads
from runner.vendors.v1.lists import decode_look
from runner.vendors.wire import MAX_DEPTH, Malformed, Response, parse_envelope, parse_json
from tests.streaming import streamed

JSON = {"content-type": "application/json"}
AT = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
SUCCESS = (
    b'{"status":"success","data":{"orderId":2426273,"total":16.2,'
    b'"listBaseOrderNumbers":["3388485_57471911"],"balance":1776.88},"errors":[]}'
)
REFUSAL = b'{"status":"error","data":null,"errors":[{"message":"Country not exists","code":0,"customData":null}]}'
ACCESS = b'{"status":"error","data":null,"errors":[{"message":"Error api key","code":503,"customData":null}]}'

statuses = st.one_of(st.just(200), st.sampled_from([201, 204, 206, 302, 403, 429, 500, 502]), st.integers(-1, 1000))
headers = st.just(JSON) | st.dictionaries(
    st.sampled_from(["content-type", "retry-after", "date", "location"]),
    st.one_of(st.text(max_size=20), st.sampled_from(["application/json", "text/html", "5", "1e9", "Mon, 2 Nov 26"])),
    max_size=3,
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**9),
    st.floats(allow_nan=True),
    st.text(max_size=8),
    st.sampled_from(["success", "error", "Error api key", "IP not allowed", "Country not exists", "2426273", 503]),
)
keys = st.one_of(
    st.sampled_from(["status", "data", "errors", "orderId", "message", "code", "items", "total", "warning", "country"]),
    st.text(max_size=4),
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)
items = st.one_of(values, st.fixed_dictionaries({"message": scalars, "code": scalars}))
envelopes = st.fixed_dictionaries(
    {"status": st.sampled_from(["success", "error", "other"])},
    optional={
        "data": values | st.fixed_dictionaries({"orderId": scalars, "total": scalars, "balance": scalars}),
        "errors": values | st.lists(items, max_size=4),
        "orderId": scalars,
    },
)
purchases = st.fixed_dictionaries(
    {
        "status": st.just("success"),
        "data": st.fixed_dictionaries({"orderId": st.integers(1) | scalars, "total": scalars}),
    },
    optional={"errors": st.just([]) | values},
)
messages = st.sampled_from(
    ["Error api key", "IP not allowed 1.2.3.4", "Request limit reached", "Country not exists", ""]
)
refusals = st.fixed_dictionaries(
    {
        "status": st.just("error"),
        "errors": st.lists(
            st.fixed_dictionaries({"message": messages, "code": st.sampled_from([0, 503, "503", 503.0])}), max_size=4
        ),
    },
    optional={"data": st.none() | values, "orderId": scalars},
)
documents = st.one_of(refusals, purchases, refusals, values, envelopes).map(lambda value: json.dumps(value).encode())
pieces = st.sampled_from([SUCCESS, REFUSAL, ACCESS, b"\xef\xbb\xbf", b"<html>", b"{", b"}", b'"orderId"', b"\x00\xff"])
mangled = st.lists(st.one_of(pieces, st.binary(max_size=6)), max_size=4).map(b"".join)
bodies = st.one_of(documents, documents, mangled, st.binary(max_size=200))


def body_as_json(body: bytes) -> Any:
    """As a stranger would read it, by other code than ours."""
    return json.loads(body.removeprefix(b"\xef\xbb\xbf"))


Read = Callable[[Response, ProductType], object]
READS: list[Read] = [
    lambda answer, _: reads.decode_calc(answer, AT),
    lambda answer, _: reads.decode_balance(answer),
    lambda answer, _: reads.decode_comment(answer),
    lambda answer, product: decode_look([streamed(answer), streamed(answer, size=1)], product),
    lambda answer, _: reads.decode_package(answer),
    reads.decode_reference,
]


def refused_by(read: Read, answer: Response, product: ProductType) -> str | None:
    try:
        read(answer, product)
    except (AccessError, VendorUnavailable) as error:
        return str(error)
    return None


def strict(body: bytes) -> object:
    try:
        return parse_json(body)
    except Malformed as reason:
        return type(reason) if str(reason) else None


@given(statuses, headers, bodies)
@settings(max_examples=800, deadline=None)
def test_a_purchase_is_never_read_without_proof(status: int, head: dict[str, str], body: bytes) -> None:
    """Any status, headers and bytes give an outcome; only proof makes it anything but unknown."""
    outcome = v1.decode_make(Response(status=status, headers=head, body=body)).outcome
    event(type(outcome).__name__)
    match outcome:
        case Placed(order_id=order_id):
            value = body_as_json(body)
            assert 200 <= status <= 299
            assert value["status"] == "success"
            assert str(value["data"]["orderId"]) == order_id
        case Rejected(errors=errors, access=access):
            value = body_as_json(body)
            assert 200 <= status <= 299
            assert value["status"] == "error"
            assert not value.get("data") or value["data"].keys() - {"total", "balance"}
            assert len(value["errors"]) == len(errors) > 0
            assert all(isinstance(item["message"], str) for item in value["errors"])
            assert b'"orderId"' not in body
            assert access == all(str(item.get("code")) == "503" for item in value["errors"])
        case NotSent():
            assert status == 429
            assert b'"orderId"' not in body
        case Unknown(reason=reason):
            assert reason


@given(statuses, headers, bodies, st.sampled_from(PRODUCT_TYPES))
@settings(max_examples=300, deadline=None)
def test_reads_end_in_a_value_or_a_reason(status: int, head: dict[str, str], body: bytes, product: ProductType) -> None:
    """Any answer to a read is believed whole or refused in the two ways the contract names."""
    answer = Response(status=status, headers=head, body=body)
    for read in READS:
        reason = refused_by(read, answer, product)
        assert reason is None or (reason and "\n" not in reason)


@given(bodies)
@settings(max_examples=300, deadline=None)
def test_strict_json_agrees_with_the_parser_it_guards(body: bytes) -> None:
    """What the strict reader accepts, any reader accepts; it refuses with a reason and nothing else."""
    value = strict(body)
    assert value is Malformed or json.loads(json.dumps(value, default=float)) == json.loads(body)


@pytest.mark.parametrize("end", range(len(SUCCESS) + 1))
def test_a_cut_success_is_never_certain(end: int) -> None:
    """A success is a purchase only when its last byte is there; cut anywhere before, it is unknown."""
    outcome = v1.decode_make(Response(status=200, headers=JSON, body=SUCCESS[:end])).outcome
    assert isinstance(outcome, Placed if end == len(SUCCESS) else Unknown)
    if isinstance(outcome, Unknown) and end > SUCCESS.index(b"success") + len("success"):
        assert outcome.leaning_placed


@pytest.mark.parametrize("body", [REFUSAL, ACCESS], ids=["refusal", "access"])
def test_a_cut_refusal_is_never_certain(body: bytes) -> None:
    """A refusal releases the order only when its last byte is there."""
    for end in range(len(body)):
        assert isinstance(v1.decode_make(Response(status=200, headers=JSON, body=body[:end])).outcome, Unknown), end
    assert isinstance(v1.decode_make(Response(status=200, headers=JSON, body=body)).outcome, Rejected)


@given(st.integers(0, len(REFUSAL) - 1), st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_a_flipped_byte_never_turns_a_refusal_into_a_purchase(place: int, byte: int) -> None:
    """One wrong byte in a refusal leaves a refusal or makes it unknown."""
    body = REFUSAL[:place] + bytes([byte]) + REFUSAL[place + 1 :]
    assert isinstance(v1.decode_make(Response(status=200, headers=JSON, body=body)).outcome, Rejected | Unknown)


class Treacherous(Mapping[str, str]):
    """Headers that fail when they are read."""

    def __getitem__(self, key: str) -> str:
        raise RuntimeError(key)

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError

    def __len__(self) -> int:
        return 1


def test_a_mistake_of_ours_is_unknown_too() -> None:
    """Whatever fails while an answer is read, the answer is kept and the outcome is unknown."""
    answer = v1.decode_make(Response(status=429, headers=Treacherous(), body=REFUSAL))
    assert answer.outcome == Unknown(reason="the answer could not be read: RuntimeError")
    assert (answer.http_status, answer.body_head) == (429, REFUSAL.decode())


def test_the_head_of_a_long_answer_is_kept() -> None:
    """Of a long answer 4 KiB are kept, with what is no text replaced."""
    answer = v1.decode_make(Response(status=502, body=b"\xff\x00" + b"x" * 10_000))
    assert answer.body_head == "\N{REPLACEMENT CHARACTER}" * 2 + "x" * 4094


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"[" * (MAX_DEPTH + 1), "the answer is nested too deep"),
        (b'{"a":' * (MAX_DEPTH + 1), "the answer is nested too deep"),
        (b'"' + b'\\"' * 500_000, "the answer is not JSON"),
        (b'["' + b"[" * 500_000, "the answer is broken or cut-off JSON"),
        (b"[1e999999]", "the answer holds an absurdly large number"),
        (b"[" + b"1" * 5000 + b".5]", "the answer holds an absurdly large number"),
        (b"[0." + b"1" * 5000 + b"]", "the answer holds an absurdly large number"),
        (b'{"a":1,"b":{"c":1,"c":2}}', "the answer holds a key twice"),
        (b"\xef\xbb\xbf[]", "the answer starts with a byte order mark"),
        (b"[1] [2]", "the answer has text after its JSON"),
        (b"[01]", "the answer is broken or cut-off JSON"),
        (b'["\x01"]', "the answer is broken or cut-off JSON"),
        (b"-Infinity", "the answer holds NaN or Infinity"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_hostile_json_is_refused_in_words(body: bytes, reason: str) -> None:
    """What could hurt is refused before it does, for a reason a person can read."""
    with pytest.raises(Malformed, match=f"^{reason}$"):
        parse_json(body)


@pytest.mark.parametrize(
    ("body", "value"),
    [(b"16.20", Decimal("16.20")), (b"1.8e1", Decimal("1.8E+1")), (b"9007199254740993", 9007199254740993)],
    ids=["scale", "exponent", "integer"],
)
def test_numbers_keep_every_digit(body: bytes, value: object) -> None:
    """Integers are int, other numbers Decimal as they were written."""
    assert repr(parse_json(body)) == repr(value)


def test_nesting_up_to_the_limit_is_read() -> None:
    """The limit of nesting is the deepest that passes."""
    assert strict(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH) is not Malformed
    assert strict(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1)) is Malformed


def test_an_envelope_without_data_and_errors_is_one() -> None:
    """Only the status is needed for an envelope; what is absent is empty."""
    envelope = parse_envelope(Response(status=502, body=b'{"status":"error"}'))
    assert (envelope.status, envelope.data, envelope.errors) == ("error", None, ())
