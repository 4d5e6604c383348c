"""A server of raw sockets on loopback: it says what a test tells it to, and keeps what it was told."""

from __future__ import annotations

import re
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import trustme

from runner.core.clock import SystemClock
from runner.core.progress import Progress
from runner.core.secrets import ApiKey
from runner.core.vendor import NotSent
from runner.vendors.transport import HttpConnection, Timing, Transport, tls_context
from runner.vendors.wire import Request

KEY = "CaNaRy_Key-0123456789abcdefXYZ"
ROOT = "/personal/api/v1"
BUY = Request(method="POST", path="order/make", body=b'{"countryId": 561}')
LOOK = Request(method="GET", path="balance/get")
PRICE = Request(method="POST", path="order/calc", body=b'{"countryId": 561}')
GOOD = b'{"status":"success","data":{"orderId":77},"errors":[]}'
PATIENCE = 20.0
"""Seconds until a peer gives a silent client up: long enough never to matter, short enough not to hang a test run."""


def ok(body: bytes = GOOD, *headers: str, status: str = "200 OK") -> bytes:
    """A whole answer with its length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


class Visit:
    """One connection, from the server's side."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.chunks: list[bytes] = []
        self.handshake: str | None = None
        self.cue = threading.Event()
        self.ended = threading.Event()
        self.cut_by_client = False

    @property
    def received(self) -> bytes:
        return b"".join(self.chunks)

    def hear(self, size: int = 1 << 16) -> bytes:
        """One recv."""
        data = self.sock.recv(size)
        if data:
            self.chunks.append(data)
        return data

    def hear_request(self) -> bytes:
        """Until head and body are there, or the client is gone."""
        start = len(self.received)
        while True:
            head, end, body = self.received[start:].partition(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: *(\d+)", head)
            if end and len(body) >= (int(length[1]) if length else 0):
                return self.received[start:]
            if not self.hear():
                return b""

    def say(self, data: bytes) -> None:
        self.sock.sendall(data)

    def drip(self, start: bytes, drop: bytes) -> None:
        """`start`, then `drop` for ever, a little at a time."""
        self.say(start)
        while True:
            self.say(drop)
            threading.Event().wait(0.01)

    def reset(self) -> None:
        """Leave with a RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def hear_and_reset(self) -> None:
        """Read a request and leave with a RST."""
        self.hear_request()
        self.reset()

    def until_gone(self) -> None:
        """Say nothing until the client leaves."""
        while self.hear():
            pass


Script = Callable[[Visit], object]


class Peer:
    """Plays the n-th script to the n-th connection, the last one to all that follow."""

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None) -> None:
        self.visits: list[Visit] = []
        self._scripts = scripts
        self._tls = tls
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)  # what is not read soon stops a client
        self.port: int = self._listener.getsockname()[1]
        self._last: tuple[str, int] | None = None
        self._arrived = threading.Condition()
        self._acceptor = threading.Thread(target=self._accept)
        self._acceptor.start()

    def url(self, scheme: str | None = None, host: str = "127.0.0.1") -> str:
        return f"{scheme or ('https' if self._tls else 'http')}://{host}:{self.port}{ROOT}"

    def close(self) -> None:
        """Every connection that was ever asked for is accepted and over, every thread is gone."""
        with socket.socket() as last, self._listener:
            last.bind(("127.0.0.1", 0))
            self._last = last.getsockname()
            last.connect(("127.0.0.1", self.port))
            self._acceptor.join()
        for thread in self._threads:
            thread.join()

    def visit(self, n: int = 0) -> Visit:
        """The n-th connection, waited for: connecting is over for a client before its server knows."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.visits) > n, PATIENCE)
        return self.visits[n]

    def _accept(self) -> None:
        while True:
            sock, address = self._listener.accept()
            if address == self._last:
                sock.close()
                return
            sock.settimeout(PATIENCE)
            script = self._scripts[min(len(self.visits), len(self._scripts) - 1)]
            visit = Visit(sock)
            with self._arrived:
                self.visits.append(visit)
                self._arrived.notify_all()
            thread = threading.Thread(target=self._play, args=(visit, script))
            self._threads.append(thread)
            thread.start()

    def _play(self, visit: Visit, script: Script) -> None:
        try:
            if self._tls is not None:
                visit.sock = self._tls.wrap_socket(visit.sock, server_side=True)
                visit.handshake = "done"
            script(visit)
        except OSError as error:
            visit.handshake = visit.handshake or str(error)
            visit.cut_by_client = True
        finally:
            visit.sock.close()
            visit.ended.set()


@contextmanager
def serving(*scripts: Script, tls: ssl.SSLContext | None = None) -> Iterator[Peer]:
    """A peer that is gone with the `with`."""
    peer = Peer(*scripts, tls=tls)
    try:
        yield peer
    finally:
        peer.close()


def on_cue(script: Script) -> Script:
    """The script, once the test has set the visit's cue."""

    def play(visit: Visit) -> None:
        visit.cue.wait(PATIENCE)
        script(visit)

    return play


def answering(*answers: bytes) -> Script:
    """One request, one answer, on one connection, until the client or the answers are gone."""

    def play(visit: Visit) -> None:
        for answer in answers:
            if not visit.hear_request():
                return
            visit.say(answer)
        visit.until_gone()

    return play


class FakeClock(SystemClock):
    """Time that passes only by sleeping; every sleep is kept."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.sleeps: list[float] = []

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.time += max(seconds, 0.0)


class TickingClock(FakeClock):
    """Time that passes by being looked at: a second each time."""

    def monotonic(self) -> float:
        self.time += 1.0
        return self.time


AUTHORITY = trustme.CA()
STRANGER = trustme.CA()


def server_tls(*names: str, ca: trustme.CA = AUTHORITY, days_left: int = 30) -> ssl.SSLContext:
    """A server's context with a certificate for `names`."""
    now = datetime.now(UTC)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(
        *(names or ("127.0.0.1",)), not_before=now - timedelta(days=60), not_after=now + timedelta(days=days_left)
    ).configure_cert(context)
    return context


def trusting() -> ssl.SSLContext:
    """The context the runner uses, with the tests' authority on top."""
    context = tls_context()
    AUTHORITY.configure_trust(context)
    return context


def client(
    base_url: str,
    *,
    clock: SystemClock | None = None,
    rate: int = 0,
    timing: Timing | None = None,
    tls: Callable[[], ssl.SSLContext] = trusting,
    events: list[Progress] | None = None,
) -> Transport:
    """A transport with the canary key, which sleeps nowhere unless told to."""
    seen = [] if events is None else events
    return Transport(
        base_url,
        ApiKey(KEY),
        clock=clock or FakeClock(),
        rate=rate,
        timing=timing or Timing(read=PATIENCE, money=PATIENCE, connect=PATIENCE),
        watch=seen.append,
        tls=tls,
    )


def opened(way: HttpConnection | NotSent) -> HttpConnection:
    """A connection that must have been made."""
    assert isinstance(way, HttpConnection), way
    return way


def wait_for_news(connection: HttpConnection) -> None:
    """Until the kernel holds something the other side sent: bytes, or its end."""
    ready, _, _ = select.select([connection._stream.get_extra_info("socket")], [], [], PATIENCE)
    assert ready


def go(_: Sequence[object] = ()) -> str | None:
    """A guard that has nothing against it."""
    return None


def spellings(key: str) -> list[str]:
    """Ways in which a vendor may repeat a key."""
    every = "".join(f"%{ord(c):02X}" for c in key)
    some = "".join(f"%{ord(c):02x}" if n % 3 else c for n, c in enumerate(key))
    doubled = key.replace("_", "%255F").replace("-", "%252d")
    escaped = key.replace("_", "\\u005f").replace("-", "\\u002D")
    return [key, key.lower(), key.upper(), key.swapcase(), every, every.lower(), some, some.upper(), doubled, escaped]


def traces(key: str = KEY) -> Callable[[str], list[str]]:
    """Finds the spellings of the key in a text, and long pieces of it."""
    wanted = [*spellings(key), key[:12], key[-12:], key[6:18]]

    def find(text: str) -> list[str]:
        return [piece for piece in wanted if piece.lower() in text.lower()]

    return find
