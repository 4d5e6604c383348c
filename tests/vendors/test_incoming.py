"""Envelopes read as they come: as strict as those that are read whole, whatever the pieces they come in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.vendors import incoming
from runner.vendors.failures import TooLarge
from runner.vendors.incoming import IncomingEnvelope
from runner.vendors.wire import MAX_DEPTH, MAX_NUMBER, Envelope, Malformed, Response, parse_envelope

SUCCESS = b'{"status":"success","data":%s}'
CUT = "the answer is broken or cut-off JSON"
HUGE = "the answer holds an absurdly large number"
HALF = "the answer holds half a surrogate pair"


class Kept:
    """The rows of a list, all of them."""

    def __init__(self) -> None:
        self.rows: list[object] = []

    def __repr__(self) -> str:
        return repr(self.rows)

    def add(self, row: object) -> None:
        self.rows.append(row)


def parser(redact: Any = str) -> IncomingEnvelope:
    return IncomingEnvelope({("data",), ("data", "items")}, Kept, redact)


def read_in_pieces(body: bytes, size: int) -> Envelope | Malformed:
    incoming = parser()
    for start in range(0, len(body), size):
        incoming.take(body[start : start + size])
    return incoming.close()


def read_whole(body: bytes) -> Envelope | Malformed:
    try:
        return parse_envelope(Response(status=200, body=body))
    except Malformed as refusal:
        return refusal


def row(value: bytes) -> bytes:
    """A list whose second row holds this."""
    return SUCCESS % (b'[{"order_id":1},{"order_id":2,"x":%s}]' % value)


REFUSED = {
    "nothing": (b"", "the answer is empty"),
    "blanks": (b" \r\n\t", "the answer is empty"),
    "HTML": (b" <html>oops</html>", "the answer is HTML, not JSON"),
    "words": (b"oops", "the answer is not JSON"),
    "byte order mark": (b"\xef\xbb\xbf" + SUCCESS % b"[]", "the answer starts with a byte order mark"),
    "UTF-16": ('{"status":"success"}'.encode("utf-16"), None),
    "not UTF-8": (row(b'"\xff"'), "the answer is not UTF-8"),
    "UTF-8 of half a pair": (row(b'"\xed\xa0\x80"'), "the answer is not UTF-8"),
    "overlong UTF-8": (row(b'"\xc0\x80"'), "the answer is not UTF-8"),
    "cut in a row": (row(b"1")[:-5], CUT),
    "cut after the list": (row(b"1")[:-1], CUT),
    "text after": (row(b"1") + b" x", "the answer has text after its JSON"),
    "a second value": (row(b"1") + b"{}", "the answer has text after its JSON"),
    "NUL after": (row(b"1") + b"\0", "the answer has text after its JSON"),
    "key twice in a row": (row(b'1,"order_id":3'), "the answer holds a key twice"),
    "key twice in the envelope": (b'{"status":"error",' + (SUCCESS % b"[]")[1:], "the answer holds a key twice"),
    "list twice": (b'{"data":[],"status":"success","data":[]}', "the answer holds a key twice"),
    "key twice by an escape": (row(b'{"a":1,"\\u0061":2}'), "the answer holds a key twice"),
    "NaN": (row(b"NaN"), None),
    "Infinity": (row(b"-Infinity"), None),
    "too deep in a row": (row(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH), "the answer is nested too deep"),
    "too deep beside": (b'{"errors":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}", "the answer is nested too deep"),
    "half a pair": (row(b'"\\ud83d"'), HALF),
    "the second half": (row(b'"\\uDE00"'), HALF),
    "halves the wrong way": (row(b'"\\ude00\\ud83d"'), HALF),
    "half a pair and a letter": (row(b'"\\ud83d\\u0041"'), HALF),
    "halves around an escape": (row(b'"\\ud83d\\\\\\ude00"'), HALF),
    "half a pair in a key": (SUCCESS % b'[{"\\ud83d":1}]', HALF),
    "half a pair beside": (b'{"status":"success","x":"\\ud83d"}', HALF),
    "exponent": (row(b"1e101"), HUGE),
    "enormous exponent": (row(b"1e99999999999999999999"), HUGE),
    "small exponent": (row(b"1e-101"), HUGE),
    "integer": (row(b"1" * 41), HUGE),
    "negative integer": (row(b"-" + b"1" * 40), HUGE),
    "endless integer": (row(b"1" * 5000), HUGE),
    "fraction": (row(b"0." + b"1" * MAX_NUMBER), HUGE),
    "fraction of naughts": (row(b"1." + b"0" * MAX_NUMBER), HUGE),
    "exponent of naughts": (row(b"1e" + b"0" * MAX_NUMBER + b"1"), HUGE),
    "naught before": (row(b"01"), CUT),
    "point at the end": (row(b"1."), CUT),
    "plus": (row(b"+1"), CUT),
    "line feed in a text": (row(b'"\n"'), CUT),
    "vertical tab": (SUCCESS % b"\v[]", CUT),
    "form feed": (SUCCESS % b"[]\f", CUT),
    "no-break space": (SUCCESS % b"\xc2\xa0[]", CUT),
    "unknown escape": (row(b'"\\x"'), CUT),
    "comment": (SUCCESS % b"/* */[]", CUT),
    "comma at the end": (row(b"1,"), CUT),
    "no comma": (SUCCESS % b"[{} {}]", CUT),
    "single quotes": (row(b"'x'"), CUT),
    "no envelope": (b"[{}]", "the answer is JSON, but not an envelope"),
    "a number": (b"1", "the answer is JSON, but not an envelope"),
    "no status": (b'{"data":[]}', "the answer's status is neither success nor error"),
    "errors of an odd kind": (b'{"status":"error","errors":["x"]}', "the answer's errors are not a list of objects"),
}
BELIEVED = {
    "no rows": SUCCESS % b"[]",
    "rows": SUCCESS % b'[{"order_id":1},{"order_id":"2","x":[1.50,{"y":null}]}]',
    "rows of pages": SUCCESS % b'{"metadata":{"total_pages":1},"items":[{"order_id":1}]}',
    "rows of odd kinds": SUCCESS % b'[1,"x",null,true,[],{}]',
    "no list": SUCCESS % b'{"x":{"items":[1,2]}}',
    "status after the rows": b'{"data":[{"order_id":1}],"errors":[],"status":"success"}',
    "errors": b' {"errors":[{"message":"Error api key","code":503}],"status":"error","data":null}\r\n',
    "a pair": row(b'"\\ud83d\\uDE00"'),
    "pairs": row(b'"\\ud83d\\ude00\\ud83d\\ude01"'),
    "no escape at all": row(b'"\\\\ud83d"'),
    "a backslash and a pair": row(b'"\\\\\\ud83d\\ude00"'),
    "escapes": row(b'"https:\\/\\/x\\n\\u00e9\\\\"'),
    "greatest numbers": row(b"[1e100,-1E-100,%s,0.%s]" % (b"1" * 40, b"1" * 98)),
    "every digit": row(b"[16.20,9007199254740993,-0,-0.0,1.8e1]"),
    "a text like a long number": row(b'"x%s"' % (b"1" * 200)),
    "a line in a text": row(b'" %s"' % (b"-" * 200)),
    "as deep as may be": row(b"[" * (MAX_DEPTH - 3) + b"]" * (MAX_DEPTH - 3)),
}
SIZES = (1, 2, 3, 7, 100, 1 << 16)


@pytest.mark.parametrize(("body", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused_whole_is_refused_in_pieces(body: bytes, words: str | None) -> None:
    """One table for both parsers: refused, for the same reason wherever the table names one."""
    whole = read_whole(body)
    assert isinstance(whole, Malformed)
    for size in SIZES:
        refusal = read_in_pieces(body, size)
        assert isinstance(refusal, Malformed)
        assert words in (None, str(refusal)), size
    assert words in (None, str(whole))


@pytest.mark.parametrize("body", BELIEVED.values(), ids=BELIEVED.keys())
def test_what_is_believed_whole_means_the_same_in_pieces(body: bytes) -> None:
    """Every value is the same, to the last digit, whatever the pieces."""
    whole = read_whole(body)
    assert isinstance(whole, Envelope)
    for size in SIZES:
        assert repr(read_in_pieces(body, size)) == repr(whole), size


@pytest.mark.parametrize("end", range(len(BELIEVED["rows of pages"])))
def test_no_beginning_of_an_answer_is_one(end: int) -> None:
    """Cut anywhere, it is refused."""
    assert isinstance(read_in_pieces(BELIEVED["rows of pages"][:end], 5), Malformed)


TOKENS = [*b'{}[],:"\\ud83e01-.+ \n\v\xc3\xa9\xed']
texts = st.text(max_size=6)
rows = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(
    st.lists(rows, max_size=4),
    st.booleans(),
    st.lists(st.tuples(st.integers(0, 400), st.sampled_from(TOKENS)), max_size=3),
    st.integers(1, 40),
)
@settings(max_examples=600, deadline=None)
def test_both_parsers_agree_on_damaged_answers(
    data: list[object], ascii_: bool, damage: list[tuple[int, int]], size: int
) -> None:
    """Bytes changed at random: both refuse it, or both have the same values."""
    body = bytearray(
        json.dumps({"status": "success", "data": data, "x": data}, ensure_ascii=ascii_).encode("utf-8", "replace")
    )
    for place, byte in damage:
        body[place % len(body)] = byte
    whole, pieces = read_whole(bytes(body)), read_in_pieces(bytes(body), size)
    if isinstance(whole, Malformed):
        assert isinstance(pieces, Malformed)
    else:
        assert repr(pieces) == repr(whole)


def test_what_is_refused_is_taken_to_the_end() -> None:
    """A refusal is told at the end, so that a connection that breaks after it is still one that broke."""
    incoming = parser()
    for _ in range(1000):
        incoming.take(b"<html>")
    assert str(incoming.close()) == "the answer is HTML, not JSON"


def test_an_answer_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many bytes in which no row ends, or too many at all: rows alone start the first count anew."""
    monkeypatch.setattr(incoming, "UNBROKEN_LIMIT", 2000)
    monkeypatch.setattr(incoming, "TOTAL_LIMIT", 100_000)
    for flood, limit in ((b'{"a":1}, ', 100_000), (b"     ", 2000), (b'"x', 2000)):
        answer = parser()
        answer.take(b'{"status":"success","data":[')
        for _ in range((limit - 100) // len(flood)):
            answer.take(flood)
        with pytest.raises(TooLarge):
            answer.take(flood * 60)


def test_errors_are_redacted_wherever_a_piece_ends() -> None:
    """What the vendor says in an error is kept, and so rid of the API key first, also one that is split."""
    answer = parser(lambda text: text.replace("SECRET", "***"))
    for byte in b'{"status":"error","errors":[{"message":"bad SEC\\u0052ET","code":"SECRET"}]}':
        answer.take(bytes([byte]))
    envelope = answer.close()
    assert isinstance(envelope, Envelope)
    assert envelope.errors == ({"message": "bad ***", "code": "***"},)
