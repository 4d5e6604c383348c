"""Reads: tried again a bounded number of times and only where that can help, over one connection that is kept."""

from __future__ import annotations

from typing import Literal

import pytest

from runner.core.errors import VendorUnavailable
from runner.core.progress import Progress, Waiting
from runner.vendors.transport import READ_BODY_LIMIT, Timing
from runner.vendors.wire import Request, Response
from tests.vendors.transport.peer import (
    KEY,
    LOOK,
    PRICE,
    ROOT,
    FakeClock,
    Script,
    Visit,
    answering,
    client,
    go,
    ok,
    opened,
    serving,
)

WHY = "balance/get got no proper answer"


def busy(*headers: str) -> bytes:
    return ok(b"", *headers, status="429 Too Many Requests")


def test_a_read_that_succeeds_is_made_once() -> None:
    """A good answer is returned as it came, after one request and no sleep."""
    clock = FakeClock()
    with serving(answering(ok(b"{}", "X-Name: Value"))) as peer, client(peer.url(), clock=clock) as way:
        answer = way.read(LOOK)
    assert answer == Response(status=200, headers={"content-length": "2", "x-name": "Value"}, body=b"{}")
    assert clock.sleeps == []
    assert peer.visits[0].received.count(b"GET ") == 1


@pytest.mark.parametrize("status", ["500 Internal Server Error", "502 Bad Gateway", "503 Unavailable", "599 Odd"])
def test_a_server_error_is_asked_again_and_then_returned(status: str) -> None:
    """5xx: three tries with the pauses between them, each told to whoever watches; the last answer comes back."""
    clock, events = FakeClock(), list[Progress]()
    bad = ok(b"oops", status=status)
    with serving(answering(bad, bad, bad)) as peer, client(peer.url(), clock=clock, events=events) as way:
        answer = way.read(LOOK)
    assert (answer.status, answer.body) == (int(status[:3]), b"oops")
    assert clock.sleeps == [1.0, 3.0]
    assert events == [Waiting(seconds=1.0, why=WHY), Waiting(seconds=3.0, why=WHY)]


def test_a_read_that_heals_is_returned() -> None:
    """A 500, a lost answer, then a good one: the good one is what the caller sees."""
    clock = FakeClock()

    def fail_then_close(visit: Visit) -> None:
        visit.hear_request()
        visit.say(ok(b"", "Connection: close", status="500 Oops"))

    with (
        serving(fail_then_close, Visit.hear_request, answering(ok(b"{}"))) as peer,
        client(peer.url(), clock=clock) as way,
    ):
        assert way.read(LOOK).body == b"{}"
    assert (len(peer.visits), clock.sleeps) == (3, [1.0, 3.0])


RETRY_AFTER = {
    "seconds": ("7", 7.0),
    "zero": ("0", 0.0),
    "blanks": (" 5 ", 5.0),
    "capped": ("1000000000", 60.0),
    "long": ("9" * 400, 2.0),
    "negative": ("-5", 2.0),
    "fraction": ("1.5", 2.0),
    "infinite": ("inf", 2.0),
    "junk": ("soon", 2.0),
    "date": ("Wed, 21 Oct 2099 07:28:00 GMT", 2.0),
    "date-of-the-vendor": ("Wed, 21 Oct 2099 07:28:09 GMT\r\nDate: Wed, 21 Oct 2099 07:28:00 GMT", 9.0),
}


@pytest.mark.parametrize(("header", "slept"), RETRY_AFTER.values(), ids=RETRY_AFTER.keys())
def test_too_many_requests_waits_as_told_within_reason(header: str, slept: float) -> None:
    """429: `Retry-After` is kept up to 60 s, by the vendor's clock if it is a date; what makes no sense means 2 s."""
    clock = FakeClock()
    answers = answering(busy(f"Retry-After: {header}"), ok(b"{}"))
    with serving(answers) as peer, client(peer.url(), clock=clock) as way:
        assert way.read(LOOK).status == 200
    assert clock.sleeps == [slept]


def test_too_many_requests_for_ever_ends() -> None:
    """429 without end is returned after three tries."""
    clock = FakeClock()
    with serving(answering(busy(), busy(), busy(), busy())) as peer, client(peer.url(), clock=clock) as way:
        assert way.read(LOOK).status == 429
    assert clock.sleeps == [2.0, 2.0]
    assert peer.visits[0].received.count(b"GET ") == 3


@pytest.mark.parametrize("status", ["400 Bad", "401 No", "403 Forbidden", "404 Not Found", "204 Empty", "302 Found"])
def test_other_answers_are_final(status: str) -> None:
    """Below 500 only 429 is asked again."""
    clock = FakeClock()
    body = b"" if status.startswith("204") else b"{}"
    answer = ok(body, status=status) if body else b"HTTP/1.1 204 Empty\r\n\r\n"
    with serving(answering(answer)) as peer, client(peer.url(), clock=clock) as way:
        assert way.read(LOOK).status == int(status[:3])
    assert clock.sleeps == []


LOSSES: dict[str, tuple[Script, str]] = {
    "closed": (Visit.hear_request, "the connection ended without a complete, readable answer"),
    "cut": (answering(ok(b"x" * 50)[:-10]), "no complete answer within 0.2 s"),
    "reset": (Visit.hear_and_reset, "the connection was reset while the answer was awaited"),
    "no HTTP": (answering(b"SSH-2.0-OpenSSH\r\n\r\n"), "the connection ended without a complete, readable answer"),
}


@pytest.mark.parametrize(("script", "words"), LOSSES.values(), ids=LOSSES.keys())
def test_a_lost_read_is_tried_three_times_and_told_in_plain_words(script: Script, words: str) -> None:
    """No complete answer: three connections, then one sentence that says what was asked and what happened."""
    clock = FakeClock()
    timing = Timing(read=0.2)
    with (
        serving(script) as peer,
        client(peer.url(), clock=clock, timing=timing) as way,
        pytest.raises(VendorUnavailable) as raised,
    ):
        way.read(LOOK)
    assert str(raised.value) == f"balance/get: {words}"
    assert raised.value.hint == "check the base URL and whether the vendor is up; try again later"
    assert (len(peer.visits), clock.sleeps) == (3, [1.0, 3.0])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("POST", path) for path in ("order/make", "ORDER/MAKE", "Order/Calc", "order/calc/", "balance/add")),
        *(("POST", path) for path in ("prolong/make", "prolong/make/ipv4", "prolong/calc", "auth/add/ip")),
        *(("POST", path) for path in ("autoprolong/enable", "autoprolong/disable", "proxy/replace")),
        *(("GET", path) for path in ("prolong/make/ipv4", "order/calc", "order/list", "proxy/list", "proxy/list/x")),
        *(("POST", path) for path in ("balance/get", "proxy/list/ipv4", "resident/package")),
    ],
)
def test_what_is_not_known_to_cost_nothing_is_no_read(method: Literal["GET", "POST"], path: str) -> None:
    """Only the calls that are named as free, with their method, are sent as reads; others open no connection."""
    with serving(Visit.until_gone) as peer, client(peer.url()) as way, pytest.raises(ValueError, match="not a read"):
        way.read(Request(method=method, path=path, body=b"{}" if method == "POST" else None))
    assert peer.visits == []


@pytest.mark.parametrize(
    "path",
    [
        "balance/get?x=1",
        "balance/../order/calc",
        "/balance/get",
        "balance//get",
        "balance/get\r\nX: 1",
        "balance/get HTTP/1.1\r\n\r\n",
        "balance/%2e%2e/x",
        "https://evil/",
        "balance/gét",
        "***/x",
        "",
    ],
)
def test_a_path_that_could_lead_elsewhere_is_refused(path: str) -> None:
    """Words and slashes only: nothing else reaches a request line, of a read or of a purchase."""
    with serving(Visit.until_gone) as peer, client(peer.url()) as way:
        with pytest.raises(ValueError, match="not a read"):
            way.read(Request(method="GET", path=path))
        with way.connect() as connection, pytest.raises(ValueError, match="is not a path"):
            opened(connection).exchange(Request(method="POST", path=path, body=b"{}"), go)
        assert peer.visit().received == b""


def test_reads_share_a_connection() -> None:
    """Keep-alive: five reads, one connection."""
    with serving(answering(*[ok(b"{}")] * 5)) as peer, client(peer.url()) as way:
        for _ in range(5):
            way.read(PRICE)
    assert [visit.received.count(b"POST ") for visit in peer.visits] == [5]


def test_a_kept_connection_that_the_server_closed_is_replaced() -> None:
    """Closed between two reads: the next read opens another, and no caller notices."""

    def one_answer(visit: Visit) -> None:
        visit.hear_request()
        visit.say(ok(b"{}"))

    with serving(one_answer) as peer, client(peer.url()) as way:
        for n in range(3):
            assert way.read(LOOK).status == 200
            assert peer.visit(n).ended.wait(10)
    assert len(peer.visits) == 3


def test_a_kept_connection_that_dies_under_the_next_read_is_no_failure() -> None:
    """Closed just as the second read is written: it is asked again on a new connection."""

    def one_and_a_half(visit: Visit) -> None:
        visit.hear_request()
        visit.say(ok(b"{}"))
        visit.hear_request()

    with serving(one_and_a_half, answering(ok(b"[]"))) as peer, client(peer.url()) as way:
        assert [way.read(LOOK).body, way.read(LOOK).body] == [b"{}", b"[]"]
    assert len(peer.visits) == 2


def test_the_connection_for_reads_ends_with_the_transport() -> None:
    """Leaving the `with` closes what was kept."""
    with serving(answering(ok(b"{}"))) as peer:
        with client(peer.url()) as way:
            way.read(LOOK)
            assert not peer.visit().ended.is_set()
        assert peer.visit().ended.wait(10)


def test_cookies_are_neither_kept_nor_sent() -> None:
    """What a server sets with one answer does not come back with the next request."""
    answers = answering(ok(b"{}", "Set-Cookie: a=b; Path=/"), ok(b"{}"))
    with serving(answers) as peer, client(peer.url()) as way:
        way.read(LOOK)
        way.read(LOOK)
    assert b"cookie" not in peer.visits[0].received.lower()


def test_an_answer_above_the_limit_is_given_up_at_once() -> None:
    """64 MiB and a byte: one connection, no second try, in plain words."""
    clock = FakeClock()

    def flood(visit: Visit) -> None:
        visit.hear_request()
        visit.say(b"HTTP/1.1 200 OK\r\n\r\n")
        block = b" " * (1 << 20)
        for _ in range((READ_BODY_LIMIT >> 20) + 8):
            visit.say(block)

    with serving(flood) as peer, client(peer.url(), clock=clock) as way:
        with pytest.raises(VendorUnavailable, match=r"^balance/get: the answer is larger than 64 MiB$"):
            way.read(LOOK)
        assert peer.visit().ended.wait(10)
    assert (len(peer.visits), peer.visits[0].cut_by_client, clock.sleeps) == (1, True, [])


def test_the_request_rate_holds_reads_back() -> None:
    """With `rate` 2 the third read waits until the first is a minute old, and says so."""
    clock, events = FakeClock(), list[Progress]()
    with serving(answering(*[ok(b"{}")] * 3)) as peer, client(peer.url(), clock=clock, rate=2, events=events) as way:
        for _ in range(3):
            way.read(LOOK)
    assert clock.time >= 1060
    assert events == [Waiting(seconds=60.0, why="the request rate")]


def test_tries_count_as_requests() -> None:
    """A read that is tried again uses up the rate as often as it is sent."""
    clock = FakeClock()
    bad = ok(status="500 Oops")
    with serving(answering(bad, bad, ok(b"{}"))) as peer, client(peer.url(), clock=clock, rate=2) as way:
        assert way.read(LOOK).status == 200
    assert clock.time >= 1060


def test_the_target_of_a_deep_base_url_is_whole() -> None:
    """The base URL's path, the key, the path, in this order, and the host with its port."""
    with serving(answering(ok(b"{}"))) as peer, client(peer.url() + "/deeper") as way:
        way.read(Request(method="GET", path="proxy/list/mix_isp"))
        port = peer.port
    lines = peer.visits[0].received.decode().split("\r\n")
    assert lines[0] == f"GET {ROOT}/deeper/{KEY}/proxy/list/mix_isp HTTP/1.1"
    assert f"host: 127.0.0.1:{port}" in [line.lower() for line in lines]


NOTE = Request(method="POST", path="proxy/comment/set", body=b'{"ids": [7], "comment": "x"}')


def test_the_door_for_comments_takes_nothing_else() -> None:
    """What may spend, and what reads, has doors of its own: none of the three is another's."""
    with serving(answering()) as peer, client(peer.url()) as way:
        for request in (
            LOOK,
            PRICE,
            Request(method="POST", path="order/make", body=b"{}"),
            Request(method="POST", path="prolong/make/ipv4", body=b"{}"),
            Request(method="GET", path="proxy/comment/set"),
            Request(method="POST", path="autoprolong/enable", body=b"{}"),
        ):
            with pytest.raises(ValueError, match="not known to be a harmless write"):
                way.write(request)
        with pytest.raises(ValueError, match="not known to cost nothing"):
            way.read(NOTE)
        assert peer.visits == []


def test_a_comment_is_set_again_where_that_may_heal() -> None:
    """To set it twice changes nothing more: a 500 and then a good answer is a success."""
    clock = FakeClock()
    answers = answering(ok(b"oops", status="500 Internal Server Error"), ok(b'{"status":"success"}'))
    with serving(answers) as peer, client(peer.url(), clock=clock) as way:
        assert way.write(NOTE).status == 200
    assert clock.sleeps == [1.0]
    assert b"".join(visit.received for visit in peer.visits).count(b"POST ") == 2
