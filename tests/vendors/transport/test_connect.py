"""No connection, no purchase: every failure to connect is NotSent, in words, and not one byte of a request left."""

from __future__ import annotations

import errno
import re
import select
import socket
import ssl

import httpcore
import pytest

from runner.core.clock import SystemClock
from runner.core.errors import VendorUnavailable
from runner.core.vendor import NotSent
from runner.vendors.streams import Deadline, TimedBackend
from runner.vendors.transport import Timing
from runner.vendors.wire import Response
from tests.vendors.transport.peer import (
    BUY,
    KEY,
    LOOK,
    PATIENCE,
    STRANGER,
    FakeClock,
    Peer,
    Script,
    TickingClock,
    Visit,
    answering,
    client,
    go,
    ok,
    on_cue,
    opened,
    server_tls,
    serving,
    trusting,
)


def connect(base_url: str, seconds: float = 20) -> NotSent:
    with client(base_url, timing=Timing(connect=seconds, read=seconds)) as way, way.connect() as found:
        assert isinstance(found, NotSent)
        return found


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


CERTIFICATES = {
    "self-signed": (server_tls(ca=STRANGER), "127.0.0.1", "unable to get local issuer|self.signed"),
    "wrong name": (server_tls("vendor.example"), "127.0.0.1", "not valid for '127.0.0.1'"),
    "wrong address": (server_tls("127.0.0.1"), "localhost", "not valid for 'localhost'"),
    "expired": (server_tls(days_left=-1), "127.0.0.1", "expired"),
}


@pytest.mark.parametrize(("tls", "host", "words"), CERTIFICATES.values(), ids=CERTIFICATES.keys())
def test_a_certificate_that_does_not_hold_is_not_sent(tls: ssl.SSLContext, host: str, words: str) -> None:
    """Self-signed, for another host or expired: NotSent, the reason says which, the server never sees a request."""
    with serving(Visit.until_gone, tls=tls) as peer:
        found = connect(peer.url(host=host))
    assert found.reason.startswith("the vendor's certificate was not accepted: ")
    assert re.search(words, found.reason)
    (visit,) = peer.visits
    assert visit.received == b""


def test_a_port_where_nobody_listens_is_not_sent() -> None:
    """Connection refused is NotSent, in the system's own words."""
    assert connect(f"http://127.0.0.1:{unused_port()}") == NotSent(
        reason="no connection could be made: Connection refused"
    )


def test_a_name_that_does_not_resolve_is_not_sent() -> None:
    """A resolver's refusal is NotSent. The name is too long to be asked of any server."""
    host = ".".join(["a" * 60] * 5)
    assert connect(f"https://{host}").reason == "no connection could be made: Name or service not known"


def test_silence_instead_of_a_handshake_is_not_sent() -> None:
    """A server that accepts and never speaks TLS: NotSent at the deadline, and it saw no request."""
    with serving(Visit.until_gone) as peer:
        found = connect(peer.url("https"), 0.3)
    assert found == NotSent(reason="no connection within 0.3 s")
    assert no_request(peer)


def drip_handshake(visit: Visit) -> None:
    visit.hear()
    visit.drip(b"\x16\x03\x03\x3f\xff", b"\x02")


def answer_plainly(visit: Visit) -> None:
    visit.hear()
    visit.say(ok(b"this is no TLS", status="400 Bad Request"))


def leave(visit: Visit) -> None:
    visit.hear()


def hello_and_reset(visit: Visit) -> None:
    visit.hear()
    visit.reset()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (drip_handshake, "no connection within 0.3 s"),
        (answer_plainly, "TLS with the vendor failed: wrong version number"),
        (leave, "TLS with the vendor failed: unexpected eof|no connection could be made"),
        (hello_and_reset, "no connection could be made: Connection reset by peer"),
    ],
)
def test_a_handshake_that_fails_is_not_sent(script: Script, words: str) -> None:
    """Dripped, plain HTTP, closed, reset: NotSent, and no byte of a request was there to read."""
    with serving(script) as peer:
        found = connect(peer.url("https"), 0.3)
    assert re.search(words, found.reason)
    assert no_request(peer)


def no_request(peer: Peer) -> bool:
    return all(b"POST" not in visit.received and KEY.encode() not in visit.received for visit in peer.visits)


def test_a_socket_that_died_before_the_handshake_is_never_spoken_to_plainly() -> None:
    """Python wraps a dead socket without a handshake: that is a failure to connect, not a stream to write to."""
    deadline = Deadline(SystemClock())
    deadline.start(PATIENCE)
    with serving(on_cue(Visit.reset)) as peer:
        stream = TimedBackend(deadline).connect_tcp("127.0.0.1", peer.port)
        sock: socket.socket = stream.get_extra_info("socket")
        peer.visit().cue.set()
        select.select([sock], [], [], PATIENCE)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNRESET
        with pytest.raises(httpcore.ConnectError, match="no handshake"):
            stream.start_tls(trusting(), "127.0.0.1")
    assert peer.visits[0].received == b""


def test_a_deadline_that_ends_between_tcp_and_tls_is_not_sent() -> None:
    """No time left for the handshake: NotSent, the connection is closed, and not even a hello went out."""
    timing = Timing(connect=2)
    with serving(Visit.until_gone) as peer, client(peer.url("https"), clock=TickingClock(), timing=timing) as way:
        with way.connect() as found:
            assert found == NotSent(reason="no connection within 2 s")
        assert peer.visit().ended.wait(10)
    assert peer.visits[0].received == b""


def test_a_full_backlog_is_not_sent() -> None:
    """A server that never accepts: NotSent at the deadline."""
    with socket.socket() as listener, socket.socket() as first:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        first.connect(listener.getsockname())
        with socket.socket() as second:
            second.setblocking(False)
            second.connect_ex(listener.getsockname())
            found = connect(f"http://127.0.0.1:{listener.getsockname()[1]}", 0.2)
    assert found == NotSent(reason="no connection within 0.2 s")


def test_all_addresses_of_a_host_are_tried() -> None:
    """`localhost` may mean ::1 first: the address that answers is the one that is used."""
    with serving(answering(ok())) as peer, client(peer.url(host="localhost")) as way, way.connect() as found:
        assert isinstance(opened(found).exchange(BUY, go), Response)
    assert b"\r\nhost: localhost:" in peer.visits[0].received.lower()


def test_a_failed_handshake_leaves_nothing_to_reads_either() -> None:
    """A read over a certificate that does not hold stops after one try, with the reason in plain words."""
    clock = FakeClock()
    with (
        serving(Visit.until_gone, tls=server_tls(ca=STRANGER)) as peer,
        client(peer.url(), clock=clock) as way,
        pytest.raises(VendorUnavailable, match=r"^balance/get: the vendor's certificate was not accepted: "),
    ):
        way.read(LOOK)
    assert clock.sleeps == []
    assert [visit.received for visit in peer.visits] == [b""]
