"""The API key is on the wire, in the request line, and nowhere else."""

from __future__ import annotations

import io
import logging
import os
import pickle
import signal
import ssl
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import pytest
from rich.console import Console
from rich.traceback import Traceback

from runner.core.errors import UsageError, VendorUnavailable
from runner.core.secrets import ApiKey
from runner.vendors.failures import Lost
from runner.vendors.transport import Timing, Transport
from runner.vendors.wire import Request, Response
from tests.vendors.transport.peer import (
    BUY,
    GOOD,
    KEY,
    LOOK,
    PRICE,
    ROOT,
    Peer,
    Script,
    Visit,
    answering,
    client,
    go,
    ok,
    opened,
    server_tls,
    serving,
    spellings,
    traces,
)

found_in = traces()


class Interrupted(BaseException):
    """What a signal handler raises, as Ctrl-C does."""


@pytest.mark.parametrize("tls", [None, server_tls()], ids=["plain", "tls"])
def test_the_key_is_a_segment_of_the_request_line_and_of_nothing_else(tls: ssl.SSLContext | None) -> None:
    """Reads and purchases carry the key once, in the target; no header and no body has it."""
    with serving(answering(ok()), tls=tls) as peer, client(peer.url()) as way:
        way.read(LOOK)
        with way.connect() as found:
            opened(found).exchange(BUY, go)
    requests = [visit.received for visit in peer.visits]
    for request, line in zip(requests, ("GET {}/balance/get", "POST {}/order/make"), strict=True):
        first, _, rest = request.partition(b"\r\n")
        assert first.decode() == line.format(f"{ROOT}/{KEY}") + " HTTP/1.1"
        assert found_in(rest.decode()) == []
        assert b"***" not in request


PLACES: dict[str, Callable[[str], bytes]] = {
    "body": lambda echo: ok(f'{{"path": "/{echo}/order/make", "half": "\\u2014 {echo}"}}'.encode()),
    "header": lambda echo: ok(b"{}", f"X-Path: /v1/{echo}/x", f"Location: https://other/{echo}"),
    "chunks": lambda echo: (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"".join(b"1\r\n%c\r\n" % byte for byte in f"<p>{echo}</p>".encode())
        + b"0\r\n\r\n"
    ),
    "cut": lambda echo: f"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n<p>{echo}</p>".encode(),
}


@pytest.mark.parametrize("echo", spellings(KEY))
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
def test_a_key_that_the_vendor_repeats_is_masked(echo: str, place: Callable[[str], bytes]) -> None:
    """Plain, escaped wholly or in part, in any letter case, in body, headers or a cut answer: `***` comes up."""

    def play(visit: Visit) -> None:
        visit.hear_request()
        visit.say(place(echo))

    with serving(play) as peer, client(peer.url()) as way, way.connect() as found:
        answer = opened(found).exchange(BUY, go)
    assert isinstance(answer, Response | Lost)
    shown = repr(answer)
    assert "***" in shown
    assert found_in(shown) == []


@pytest.mark.parametrize("length", range(4, len(KEY)))
def test_a_key_that_the_answer_breaks_off_in_is_masked(length: int) -> None:
    """The first characters of the key at the end of a cut body are masked as well."""

    def play(visit: Visit) -> None:
        visit.hear_request()
        visit.say(f"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n<p>/v1/{KEY[:length]}".encode())

    with serving(play) as peer, client(peer.url()) as way, way.connect() as found:
        answer = opened(found).exchange(BUY, go)
    assert isinstance(answer, Lost)
    assert answer.body == b"<p>/v1/***"


def echo_then(end: Callable[[Visit], None]) -> Script:
    def play(visit: Visit) -> None:
        visit.hear_request()
        visit.say(f"HTTP/1.1 {KEY} {KEY}\r\n{KEY}: {KEY}\r\n\r\n".encode())
        end(visit)

    return play


def moved(visit: Visit) -> None:
    visit.hear_request()
    visit.say(ok(b"", f"Location: http://[{KEY}", status="302 Found"))


FAILURES: dict[str, Script] = {
    "closed": Visit.hear_request,
    "reset": Visit.hear_and_reset,
    "garbage": echo_then(Visit.until_gone),
    "garbage and reset": echo_then(Visit.reset),
    "silent": Visit.until_gone,
}


@pytest.mark.parametrize("script", FAILURES.values(), ids=FAILURES.keys())
def test_a_failed_read_raises_without_the_key(script: Script) -> None:
    """Message, hint, causes and a traceback with all locals: no trace of the key in any of them."""
    timing = Timing(read=0.3, pauses=(0.0,))
    with serving(script) as peer, client(peer.url(), timing=timing) as way, pytest.raises(VendorUnavailable) as raised:
        way.read(LOOK)
    assert found_in(with_locals(raised.value)) == []
    assert found_in(f"{raised.value!r} {raised.value.hint}") == []


@pytest.mark.parametrize("call", ["read", "purchase"])
def test_an_unreadable_redirect_is_an_answer_without_the_key(call: str) -> None:
    """A Location that no parser takes is data like any other: nothing is raised over it, the key in it is masked."""
    with serving(moved) as peer, client(peer.url()) as way:
        if call == "read":
            answer: object = way.read(LOOK)
        else:
            with way.connect() as found:
                answer = opened(found).exchange(BUY, go)
    assert isinstance(answer, Response)
    assert (answer.status, answer.headers["location"]) == (302, "http://[***")


def with_locals(error: BaseException) -> str:
    """What the most talkative reporters would print."""
    console = Console(file=io.StringIO(), width=10_000)
    frames = Traceback.from_exception(
        type(error),
        error,
        error.__traceback__,
        show_locals=True,
        locals_max_length=1_000_000,
        locals_max_string=1_000_000,
    )
    console.print(frames)
    assert isinstance(console.file, io.StringIO)
    return plain_locals(error) + console.file.getvalue()


def plain_locals(error: BaseException) -> str:
    """The same from the standard library, which is quick about megabytes."""
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


@contextmanager
def interruptible() -> Iterator[Callable[[], None]]:
    """A way to raise `Interrupted` in the main thread, wherever it is."""

    def handler(number: int, frame: FrameType | None) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        yield lambda: os.kill(os.getpid(), signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)


def use(way: Transport, call: str) -> object:
    if call == "read":
        return way.read(LOOK)
    if call == "large read":
        return way.read(Request(method=PRICE.method, path=PRICE.path, body=b" " * (8 << 20)))
    with way.connect() as found:
        return opened(found).exchange(BUY, go)


@pytest.mark.parametrize("tls", [None, server_tls()], ids=["plain", "tls"])
@pytest.mark.parametrize("call", ["read", "large read", "purchase"])
def test_an_interrupt_while_the_vendor_is_waited_for_shows_no_key(call: str, tls: ssl.SSLContext | None) -> None:
    """Ctrl-C in the middle of reading or writing, with every local of every frame printed: no trace of the key."""
    with interruptible() as interrupt:

        def play(visit: Visit) -> None:
            visit.hear(10)
            if call != "large read":
                visit.hear_request()
            visit.cue.wait(0.3)  # until the client is deep in its wait
            interrupt()
            visit.cue.wait(20)

        with serving(play, tls=tls) as peer, client(peer.url()) as way:
            with pytest.raises(Interrupted) as raised:
                use(way, call)
            peer.visit().cue.set()
    shown = with_locals(raised.value) if call != "large read" else plain_locals(raised.value)
    assert "httpcore" in shown
    assert found_in(shown) == []


@pytest.fixture
def all_logs() -> Iterator[io.StringIO]:
    """Everything that is logged at DEBUG by anybody."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def everything(peer: Peer, timing: Timing) -> None:
    with client(peer.url(), timing=timing) as way:
        for path in ("balance/get", "reference/list/ipv4"):
            with pytest.raises(VendorUnavailable):
                way.read(Request(method="GET", path=path))
        with way.connect() as found:
            opened(found).exchange(BUY, go)


def test_logs_at_debug_have_no_key(all_logs: io.StringIO) -> None:
    """With the root logger at DEBUG, and a vendor that repeats the key in its answers, no log line has it."""
    logging.getLogger("httpcore").setLevel(logging.DEBUG)  # as someone who looks for a fault would
    try:
        with serving(*FAILURES.values()) as peer:
            everything(peer, Timing(read=0.3, money=0.3, pauses=(0.0,)))
    finally:
        logging.getLogger("httpcore").setLevel(logging.WARNING)
    assert found_in(all_logs.getvalue()) == []


def test_httpcore_at_its_most_talkative_logs_no_request_line(all_logs: io.StringIO) -> None:
    """Even where every logger of httpcore is turned up by name, what we send is not in the log."""
    names = ("httpcore.connection", "httpcore.http11")
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    try:
        with serving(answering(ok())) as peer, client(peer.url()) as way:
            way.read(LOOK)
            with way.connect() as found:
                opened(found).exchange(BUY, go)
    finally:
        for name in names:
            logging.getLogger(name).setLevel(logging.WARNING)
    assert "send_request_headers" in all_logs.getvalue()
    assert found_in(all_logs.getvalue()) == []


def test_what_holds_the_key_does_not_show_it() -> None:
    """repr and str of key, transport and connection, and pickling: no trace of the key."""
    with serving(Visit.until_gone) as peer, client(peer.url()) as way, way.connect() as found:
        held = [way, opened(found), way._reads, way.base_url, way._key]
        text = " ".join(f"{thing!r} {thing!s}" for thing in held)
        assert way.base_url == f"{peer.url()}/***"
        with pytest.raises(TypeError):
            pickle.dumps(way._key)
    assert found_in(text) == []


@pytest.mark.parametrize("spelled", [KEY, KEY.lower()])
def test_a_base_url_that_holds_the_key_is_refused(spelled: str) -> None:
    """The vendor's page shows URLs with the key in them: pasted whole, they are refused without being repeated."""
    with pytest.raises(UsageError, match="contains the API key") as raised:
        client(f"https://proxy-seller.com{ROOT}/{spelled}")
    assert found_in(f"{raised.value} {raised.value.hint}") == []


def test_the_mask_in_a_body_is_left_alone() -> None:
    """Only the place of the key in the URL is filled in; three stars elsewhere stay three stars."""
    body = b'{"coupon": "/***/"}'
    with serving(answering(ok(GOOD))) as peer, client(peer.url()) as way:
        way.read(Request(method="POST", path="order/calc", body=body))
    assert peer.visits[0].received.endswith(b"\r\n\r\n" + body)
    assert peer.visits[0].received.count(KEY.encode()) == 1


def test_a_key_of_every_allowed_character_arrives_as_it_is() -> None:
    """Nothing in an allowed key needs quoting: the server reads it back unchanged."""
    key = "".join(chr(n) for n in range(128) if chr(n).isalnum() or chr(n) in "-_")
    with (
        serving(answering(ok())) as peer,
        Transport(peer.url(), ApiKey(key), clock=client(peer.url())._clock, rate=0) as way,
    ):
        way.read(LOOK)
    assert peer.visits[0].received.startswith(f"GET {ROOT}/{key}/balance/get HTTP/1.1\r\n".encode())
