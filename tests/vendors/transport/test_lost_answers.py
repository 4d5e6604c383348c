"""What a purchase over real sockets becomes: an answer that breaks off is unknown, and keeps the hint it gave."""

from __future__ import annotations

import pytest

from runner.core.vendor import Answer, NotSent, Placed, Rejected, Unknown
from runner.vendors.v1.adapter import V1Buyer
from tests import make
from tests.vendors.transport.peer import GOOD, FakeClock, Script, Visit, client, go, ok, serving

ORDER = make.order()
NO = b'{"status":"error","data":null,"errors":[{"message":"Insufficient funds","code":0}]}'


def bought(script: Script) -> Answer:
    with serving(script) as peer, client(peer.url()) as way, V1Buyer(way, FakeClock()).connect() as line:
        assert not isinstance(line, NotSent)
        return line.send(ORDER, go)


def says(data: bytes) -> Script:
    def play(visit: Visit) -> None:
        visit.hear_request()
        visit.say(data)

    return play


def cut(body: bytes, status: str = "200 OK") -> bytes:
    """An answer whose length promises more than comes."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body) + 1}\r\n\r\n".encode() + body


HINTS = {
    "an order id": (cut(GOOD[:-8]), True),
    "a whole envelope": (cut(GOOD), True),
    "a success": (cut(b'{"status": "success", "da'), True),
    "a number list": (cut(b'{"data":{"listBaseOrderNumbers":["1'), True),
    "behind a 500": (cut(GOOD, "500 Oops"), True),
    "behind a 429": (cut(GOOD, "429 Slow down"), True),
    "chunked": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(GOOD), GOOD), True),
    "the beginning of an envelope": (cut(b'{"status": "succ'), False),
    "a whole refusal": (cut(NO), False),
    "429 without an order": (cut(b"slow down", "429 Slow down"), False),
    "no body": (cut(b""), False),
    "half the headers": (b"HTTP/1.1 200 OK\r\nContent-", False),
    "nothing": (b"", False),
}


@pytest.mark.parametrize(("sent", "leaning"), HINTS.values(), ids=HINTS.keys())
def test_a_broken_answer_is_unknown_and_leans_by_what_came(sent: bytes, leaning: bool) -> None:
    """Never placed, rejected or not sent; leaning to placed exactly where an order shows in the bytes."""
    answer = bought(says(sent))
    assert answer.outcome == Unknown(
        reason="the connection ended without a complete, readable answer", leaning_placed=leaning
    )


def test_what_came_of_a_broken_answer_is_kept_for_a_person() -> None:
    """Status and body, as far as they came, stand in the evidence."""
    answer = bought(says(cut(GOOD[:-8])))
    assert (answer.http_status, answer.body_head) == (200, GOOD[:-8].decode())


def test_no_answer_has_no_facts() -> None:
    """Where no status came there is nothing to show."""
    assert bought(Visit.hear_request) == Answer(
        outcome=Unknown(reason="the connection ended without a complete, readable answer")
    )


def test_a_whole_answer_is_what_it_says() -> None:
    """The same bytes, complete: placed, and rejected."""
    assert bought(says(ok(GOOD))).outcome == Placed(order_id="77")
    assert isinstance(bought(says(ok(NO))).outcome, Rejected)


def test_a_dead_line_is_not_sent_in_the_outcome_too() -> None:
    """A guard's no comes up as NotSent, without facts."""
    with (
        serving(Visit.until_gone) as peer,
        client(peer.url()) as way,
        V1Buyer(way, FakeClock()).connect() as line,
    ):
        assert not isinstance(line, NotSent)
        assert line.send(ORDER, lambda: "stopped") == Answer(outcome=NotSent(reason="stopped"))


def test_no_connection_is_not_sent() -> None:
    """Where nobody listens, `connect` itself says so."""
    with serving(Visit.until_gone) as peer:
        url = peer.url()
    with client(url) as way, V1Buyer(way, FakeClock()).connect() as line:
        assert line == NotSent(reason="no connection could be made: Connection refused")
