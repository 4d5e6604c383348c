"""A purchase is written once, whole, on the connection that was opened for it, or provably not at all."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from contextlib import suppress

import pytest

from runner.core.vendor import NotSent
from runner.vendors.failures import Lost
from runner.vendors.transport import HttpConnection, Timing
from runner.vendors.wire import Response
from tests.vendors.transport.peer import (
    BUY,
    GOOD,
    KEY,
    ROOT,
    FakeClock,
    Peer,
    Script,
    Visit,
    answering,
    client,
    go,
    ok,
    on_cue,
    opened,
    server_tls,
    serving,
    wait_for_news,
)

Guard = Callable[[], str | None]


def buy(peer: Peer, guard: Callable[[HttpConnection], str | None] = lambda _: None) -> Response | NotSent | Lost:
    with client(peer.url()) as way, way.connect() as found:
        connection = opened(found)
        return connection.exchange(BUY, lambda: guard(connection))


def after_news(connection: HttpConnection) -> None:
    wait_for_news(connection)


def cued(peer: Peer, connection: HttpConnection) -> None:
    peer.visit().cue.set()
    wait_for_news(connection)


@pytest.mark.parametrize("tls", [None, server_tls()], ids=["plain", "tls"])
def test_a_purchase_leaves_whole_in_one_write(tls: ssl.SSLContext | None) -> None:
    """The server's first recv holds the whole request: no part of it can go without the rest."""
    with serving(answering(ok()), tls=tls) as peer:
        answer = buy(peer)
    (visit,) = peer.visits
    assert answer == Response(status=200, headers={"content-length": str(len(GOOD))}, body=GOOD)
    (chunk,) = visit.chunks
    head, _, body = chunk.partition(b"\r\n\r\n")
    assert head.startswith(f"POST {ROOT}/{KEY}/order/make HTTP/1.1\r\n".encode())
    assert body == BUY.body
    lowered = head.lower()
    assert b"\r\ncontent-type: application/json\r\n" in lowered
    assert b"\r\naccept-encoding: identity\r\n" in lowered
    assert re.search(rb"\r\nconnection: close(\r\n|\Z)", lowered)


def test_nothing_is_written_before_the_guard_is_asked() -> None:
    """While the guard thinks, the server has a connection and not one byte."""
    seen: list[bytes] = []
    with serving(answering(ok())) as peer:
        answer = buy(peer, lambda _: seen.append(peer.visit().received))
    assert (seen, answer.status if isinstance(answer, Response) else answer) == ([b""], 200)


@pytest.mark.parametrize("tls", [None, server_tls()], ids=["plain", "tls"])
def test_a_guard_that_says_no_sends_nothing(tls: ssl.SSLContext | None) -> None:
    """The guard's reason becomes NotSent, and the server saw zero bytes of a request."""
    with serving(Visit.until_gone, tls=tls) as peer:
        assert buy(peer, lambda _: "the run was asked to stop") == NotSent(reason="the run was asked to stop")
    assert [visit.received for visit in peer.visits] == [b""]


def test_a_guard_that_breaks_sends_nothing() -> None:
    """An exception of the guard comes out as it is, before any byte."""

    def broken(_: HttpConnection) -> str | None:
        raise RuntimeError("bug")

    with serving(Visit.until_gone) as peer, pytest.raises(RuntimeError, match="bug"):
        buy(peer, broken)
    assert [visit.received for visit in peer.visits] == [b""]


def test_a_connection_is_good_for_one_purchase() -> None:
    """A second exchange on a connection is NotSent, whatever the first one was."""
    with serving(answering(ok(), ok())) as peer, client(peer.url()) as way, way.connect() as found:
        connection = opened(found)
        first, second = connection.exchange(BUY, go), connection.exchange(BUY, go)
    assert isinstance(first, Response)
    assert second == NotSent(reason="the connection was used before")
    assert peer.visits[0].received.count(b"POST ") == 1


def hang_up(visit: Visit) -> None:
    visit.sock.close()


def speak_first(visit: Visit) -> None:
    visit.say(ok())
    visit.until_gone()


def close_notify(visit: Visit) -> None:
    visit.sock.setblocking(False)
    with suppress(ssl.SSLError):
        assert isinstance(visit.sock, ssl.SSLSocket)
        visit.sock.unwrap()
    visit.sock.setblocking(True)
    with suppress(ssl.SSLError):
        visit.until_gone()


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (hang_up, "closed the connection|dropped"),
        (Visit.reset, "dropped|closed the connection"),
        (speak_first, "sent data before"),
    ],
)
def test_a_line_that_is_dead_or_talks_is_not_written_to(script: Script, reason: str, tls: bool) -> None:
    """Closed, reset or speaking before the purchase is written: NotSent, and the server saw zero bytes."""
    with serving(on_cue(script), tls=silent_tls() if tls else None) as peer:
        answer = buy(peer, lambda connection: cued(peer, connection))
    assert isinstance(answer, NotSent)
    assert re.search(reason, answer.reason)
    assert [visit.received for visit in peer.visits] == [b""]


def silent_tls() -> ssl.SSLContext:
    """Without session tickets, so that what arrives is what the script did."""
    context = server_tls()
    context.num_tickets = 0
    return context


def test_a_tls_goodbye_is_a_hang_up() -> None:
    """close_notify before the purchase is written: NotSent, though TCP is still open."""
    with serving(on_cue(close_notify), tls=silent_tls()) as peer:
        answer = buy(peer, lambda connection: cued(peer, connection))
    assert answer == NotSent(reason="the vendor closed the connection before anything was sent")
    assert [visit.received for visit in peer.visits] == [b""]


def test_session_tickets_are_no_hang_up() -> None:
    """TLS 1.3 tickets that wait in the kernel before the write are not taken for an end or an answer."""
    tls = server_tls()
    tls.minimum_version = ssl.TLSVersion.TLSv1_3
    assert tls.num_tickets > 0
    with serving(answering(ok()), tls=tls) as peer:
        answer = buy(peer, after_news)
    assert isinstance(answer, Response)
    assert answer.body == GOOD


def half_read_then_reset(visit: Visit) -> None:
    visit.hear(10)
    visit.reset()


def half_read_then_close(visit: Visit) -> None:
    visit.hear(10)


def read_then(data: bytes, *, reset: bool) -> Script:
    def play(visit: Visit) -> None:
        visit.hear_request()
        visit.say(data)
        if reset:
            visit.reset()

    return play


BROKEN = {
    "nothing": b"",
    "half a status line": b"HTTP/1.1 20",
    "half the headers": b"HTTP/1.1 200 OK\r\nContent-Le",
    "no body": b"HTTP/1.1 200 OK\r\nContent-Length: 54\r\n\r\n",
    "half a body": ok()[:-20],
    "half a chunked body": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n36\r\n" + GOOD[:20],
    "no last chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(GOOD), GOOD),
    "only 100 Continue": b"HTTP/1.1 100 Continue\r\n\r\n",
}


@pytest.mark.parametrize("reset", [False, True], ids=["close", "reset"])
@pytest.mark.parametrize("sent", BROKEN.values(), ids=BROKEN.keys())
def test_an_answer_that_breaks_off_is_lost_and_nothing_is_sent_again(sent: bytes, reset: bool) -> None:
    """Once a byte was written every failure is Lost; the server saw one connection and one request."""
    with serving(read_then(sent, reset=reset)) as peer:
        answer = buy(peer)
    assert isinstance(answer, Lost)
    assert re.search(r"connection (ended|was reset)", answer.reason)
    assert [visit.received.count(b"POST ") for visit in peer.visits] == [1]


@pytest.mark.parametrize("script", [half_read_then_reset, half_read_then_close])
def test_a_request_cut_in_the_middle_is_lost(script: Script) -> None:
    """A server that leaves while it reads may have read it all: Lost, one connection, no second try."""
    with serving(script) as peer:
        answer = buy(peer)
    assert isinstance(answer, Lost)
    assert len(peer.visits) == 1


def test_a_line_cut_after_the_guard_is_lost_or_not_sent_but_never_retried() -> None:
    """A reset at the very moment of writing: whatever it is taken for, there is one connection and no second."""
    for _ in range(20):
        with serving(on_cue(Visit.reset)) as peer:
            answer = buy(peer, lambda _: peer.visit().cue.set())
        assert isinstance(answer, Lost | NotSent)
        assert len(peer.visits) == 1


def test_a_tls_line_cut_after_the_request_is_lost() -> None:
    """A TLS server that leaves without close_notify after reading the purchase: Lost."""
    with serving(read_then(ok()[:40], reset=True), tls=server_tls()) as peer:
        answer = buy(peer)
    assert isinstance(answer, Lost)
    assert [visit.received.count(b"POST ") for visit in peer.visits] == [1]


def test_each_purchase_has_a_connection_of_its_own() -> None:
    """Two purchases and a read between them: three connections, none of them shared."""
    with serving(answering(ok(), ok(), ok())) as peer, client(peer.url()) as way:
        for _ in range(2):
            with way.connect() as found:
                assert isinstance(opened(found).exchange(BUY, go), Response)
    assert [visit.received.count(b"POST ") for visit in peer.visits] == [1, 1]


def test_a_connection_that_is_not_used_is_closed() -> None:
    """Leaving `connect()` without a word ends the connection, also by an exception."""
    with serving(Visit.until_gone) as peer, client(peer.url()) as way:
        with way.connect() as connection:
            opened(connection)
        with pytest.raises(KeyError), way.connect() as connection:
            raise KeyError(opened(connection)._used)
        assert all(peer.visit(n).ended.wait(10) for n in range(2))
    assert len(peer.visits) == 2


def test_purchases_keep_their_gap_from_write_to_write() -> None:
    """A claim that took five seconds after connecting: the next connection still waits two from the write."""
    clock = FakeClock()

    def slow_claim() -> None:
        clock.time += 5

    with serving(answering(ok())) as peer, client(peer.url(), clock=clock, rate=50) as way:
        with way.connect() as connection:
            opened(connection).exchange(BUY, slow_claim)
        with way.connect() as connection:
            assert clock.time == pytest.approx(1007.0, abs=1e-3)
            opened(connection)


def test_the_money_deadline_is_its_own() -> None:
    """A purchase may take longer than a read: only `money` ends it, and the reason names its seconds."""
    timing = Timing(read=0.01, money=0.3, connect=10)
    with serving(Visit.until_gone) as peer, client(peer.url(), timing=timing) as way, way.connect() as found:
        answer = opened(found).exchange(BUY, go)
    assert answer == Lost(reason="no complete answer within 0.3 s")
