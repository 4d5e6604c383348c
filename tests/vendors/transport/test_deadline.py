"""One total deadline a call: however slowly and endlessly a server talks, it ends, and so does the connection."""

from __future__ import annotations

import pytest

from runner.core.clock import SystemClock
from runner.core.errors import VendorUnavailable
from runner.vendors.failures import Lost
from runner.vendors.transport import Timing
from runner.vendors.wire import Request
from tests.vendors.transport.peer import (
    BUY,
    LOOK,
    PATIENCE,
    PRICE,
    FakeClock,
    Script,
    TickingClock,
    Visit,
    client,
    go,
    opened,
    serving,
)

HEAD = b"HTTP/1.1 200 OK\r\n"

DRIPS = {
    "nothing": (b"", b""),
    "status line": (b"HTTP/1.1 200 ", b"O"),
    "headers": (HEAD, b"X-Drip: 1\r\n"),
    "one header": (HEAD + b"X-Drip: ", b"1"),
    "informational answers": (b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    "a body with a length": (HEAD + b"Content-Length: 1000000\r\n\r\n", b" "),
    "a body without one": (HEAD + b"\r\n", b" "),
    "a chunked body": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "one chunk": (HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffff\r\n", b" "),
    "trailers": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-Drip: 1\r\n"),
}


def dripping(start: bytes, drop: bytes) -> Script:
    def play(visit: Visit) -> None:
        visit.hear_request()
        if drop:
            visit.drip(start, drop)
        visit.until_gone()

    return play


@pytest.mark.parametrize(("start", "drop"), DRIPS.values(), ids=DRIPS.keys())
def test_a_dripping_server_cannot_outlive_a_purchase(start: bytes, drop: bytes) -> None:
    """The purchase is Lost at its deadline, and the server, which would have gone on for ever, sees the end."""
    timing = Timing(money=0.25)
    with serving(dripping(start, drop)) as peer:
        with client(peer.url(), clock=SystemClock(), timing=timing) as way, way.connect() as found:
            answer = opened(found).exchange(BUY, go)
        assert peer.visit().ended.wait(10)
    assert isinstance(answer, Lost)
    assert answer.reason == "no complete answer within 0.25 s"
    assert len(peer.visits) == 1


@pytest.mark.parametrize(("start", "drop"), DRIPS.values(), ids=DRIPS.keys())
def test_a_dripping_server_cannot_outlive_a_read(start: bytes, drop: bytes) -> None:
    """The same for a read, while the transport stays open; it is told in plain words."""
    timing = Timing(read=0.25, pauses=())
    with serving(dripping(start, drop)) as peer, client(peer.url(), clock=SystemClock(), timing=timing) as way:
        with pytest.raises(VendorUnavailable, match=r"^balance/get: no complete answer within 0\.25 s$"):
            way.read(LOOK)
        assert peer.visit().ended.wait(10)


def test_the_deadline_is_counted_on_the_clock_that_was_handed_in() -> None:
    """A clock that moves a second at each look ends a drip after a few reads, whatever the wall clock says."""
    timing = Timing(money=10, connect=10)
    script = dripping(*DRIPS["a body with a length"])
    with serving(script) as peer, client(peer.url(), clock=TickingClock(), timing=timing) as way:
        with way.connect() as found:
            answer = opened(found).exchange(BUY, go)
        assert peer.visit().ended.wait(10)
    assert isinstance(answer, Lost)
    assert (answer.reason, answer.status) == ("no complete answer within 10 s", 200)
    assert 0 < len(answer.body) < 1_000_000


def test_a_server_that_reads_nothing_cannot_hold_a_large_request() -> None:
    """Writing ends at the deadline too."""
    large = Request(method="POST", path="order/calc", body=b" " * (8 << 20))
    timing = Timing(read=0.25, pauses=())

    def read_nothing(visit: Visit) -> None:
        visit.cue.wait(PATIENCE)

    with serving(read_nothing) as peer, client(peer.url(), clock=SystemClock(), timing=timing) as way:
        with pytest.raises(VendorUnavailable, match=r"^order/calc: no complete answer within 0\.25 s$"):
            way.read(large)
        peer.visit().cue.set()


def test_each_read_has_a_deadline_of_its_own() -> None:
    """Three answers that take six seconds each of a clock, ten allowed, are no failure."""
    clock = FakeClock()

    def slowly(visit: Visit) -> None:
        while visit.hear_request():
            visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{")
            clock.time += 6
            visit.say(b"}")

    timing = Timing(read=10, pauses=())
    with serving(slowly) as peer, client(peer.url(), clock=clock, timing=timing) as way:
        assert [way.read(PRICE).body for _ in range(3)] == [b"{}"] * 3
    assert len(peer.visits) == 1
