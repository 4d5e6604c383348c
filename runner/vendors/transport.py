"""Bytes to the vendor and back. The only module that knows httpx, and the only one that asks for the API key.

Above it a URL carries `***` where the key belongs; the key is put in just before httpcore, and taken out of
everything that comes back. Reads share one connection; a purchase gets one of its own, which is opened first and
written once. Deadlines are total, resolving a name aside.
"""

from __future__ import annotations

import logging
import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Self

import certifi
import httpcore
import httpx

from runner._version import __version__
from runner.core.clock import Clock
from runner.core.errors import UsageError, VendorUnavailable
from runner.core.identity import Identity
from runner.core.orders import PRODUCT_TYPES
from runner.core.progress import Waiting, Watch, ignore
from runner.core.secrets import MASK, ApiKey
from runner.core.vendor import NotSent
from runner.vendors.base_url import address_of
from runner.vendors.failures import Lost, TooLarge, in_words, may_heal
from runner.vendors.pace import WINDOW, Pace
from runner.vendors.retry_after import retry_after
from runner.vendors.streams import Deadline, TimedBackend, TimedStream
from runner.vendors.wire import Begin, Parser, Request, Response, Streamed

READS: Final = frozenset(
    {("GET", path) for path in ("auth/list", "balance/get", "resident/lists", "resident/package", "system/ping")}
    | {("GET", f"{path}/{product}") for path in ("proxy/list", "reference/list") for product in PRODUCT_TYPES}
    | {("POST", "order/calc")}
    | {("POST", f"prolong/calc/{product}") for product in PRODUCT_TYPES}
)
"""The calls that cost nothing and may be tried again, by method and path; whatever is not among them may spend.

The paths: docs/vendor/api-v1.md#endpoints. No word of a path tells: `autoprolong/enable` arms a later payment.
"""
WRITES: Final = frozenset({("POST", "proxy/comment/set")})
"""The calls that change something, cost nothing, and may be tried again because a second time changes nothing more.

The paths: docs/vendor/api-v1.md#comments.
"""
MONEY_BODY_LIMIT: Final = 1 << 20
READ_BODY_LIMIT: Final = 64 << 20
RETRY_AFTER_DEFAULT: Final = 2.0
"""Seconds until a throttled read is tried again, where the answer does not tell."""

HEADERS: Final = {
    "User-Agent": f"order-runner/{__version__}",
    "Accept": "application/json",
    "Accept-Encoding": "identity",
}
_PATH: Final = re.compile(r"[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*")
_QUERY: Final = re.compile(r"(?:[A-Za-z]+=[A-Za-z0-9]+)?")

# They log whole URLs and the headers of answers; what is worth saying of those is said here, without the key.
for _name in ("httpx", "httpcore", "httpcore.connection", "httpcore.http11"):
    logging.getLogger(_name).setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Total seconds a call may take, by purpose, and the pauses before a read is tried again."""

    read: float = 30.0
    money: float = 180.0
    connect: float = 20.0
    pauses: tuple[float, ...] = (1.0, 3.0)


def tls_context() -> ssl.SSLContext:
    """Verifies against certifi's authorities; deaf to SSL_CERT_FILE, SSLKEYLOGFILE and their kind."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(certifi.where())
    return context


class _Incoming:
    """An answer as far as it has come. No dataclass: its `repr` would show what a vendor echoes."""

    def __init__(self, limit: int) -> None:
        self.status: int | None = None
        self._limit = limit
        self._headers: Any = ()
        self._body = bytearray()

    def take(self, status: int, headers: Any, chunks: Iterator[bytes]) -> None:
        self.status, self._headers = status, headers
        for chunk in chunks:
            self._take(chunk)

    def complete(self, key: ApiKey) -> Response:
        return Response(**self._head(key), body=key.redact_bytes(bytes(self._body)))

    def as_lost(self, error: Exception, seconds: float, key: ApiKey) -> Lost:
        return Lost(
            reason=in_words(error, seconds),
            status=self.status,
            body=key.redact_cut(bytes(self._body[:MONEY_BODY_LIMIT])),
            again=may_heal(error),
        )

    def _take(self, chunk: bytes) -> None:
        self._body += chunk
        if len(self._body) > self._limit:
            raise TooLarge(self._limit)

    def _head(self, key: ApiKey) -> dict[str, Any]:
        assert self.status is not None  # noqa: S101 - called after `take`
        headers = {name.decode("latin-1").lower(): key.redact(value.decode("latin-1")) for name, value in self._headers}
        return {"status": self.status, "headers": headers}


class _Passing(_Incoming):
    """An answer whose body goes to a parser, piece by piece."""

    def __init__(self, parser: Parser) -> None:
        super().__init__(0)
        self._parser = parser

    def _take(self, chunk: bytes) -> None:
        self._parser.take(chunk)

    def complete(self, key: ApiKey) -> Response:
        return Streamed(**self._head(key), envelope=self._parser.close())


@dataclass(slots=True, repr=False)
class HttpConnection:
    """One open connection, good for one exchange."""

    _stream: TimedStream
    _origin: httpcore.Origin
    _deadline: Deadline
    _seconds: float
    _core: Callable[[Request], httpcore.Request]
    _key: ApiKey
    _pace: Pace
    _used: bool = field(default=False, init=False)

    def exchange(self, request: Request, guard: Callable[[], str | None]) -> Response | NotSent | Lost:
        """Ask the guard, look whether the line is still open, write once, read once."""
        core = self._core(request)
        reason = "the connection was used before" if self._used else guard() or self._stream.hung_up()
        if reason:
            return NotSent(reason=reason)
        self._used = True
        self._pace.purchase_written()
        self._deadline.start(self._seconds)
        incoming = _Incoming(MONEY_BODY_LIMIT)
        try:
            with closing(httpcore.HTTP11Connection(self._origin, self._stream)) as connection:
                response = connection.handle_request(core)
                if response.status == httpx.codes.TOO_MANY_REQUESTS:
                    self._pace.fall()
                incoming.take(response.status, response.headers, response.iter_stream())
                return incoming.complete(self._key)
        except Exception as error:  # noqa: BLE001 - whatever it is, bytes may have left: the outcome is unknown
            return incoming.as_lost(error, self._seconds, self._key)

    def slow_down(self) -> None:
        """The vendor refused access, perhaps for the rate."""
        self._pace.fall()


class Transport:
    """One vendor account over HTTP/1.1: bounded, paced, never redirected, deaf to the environment."""

    def __init__(
        self,
        base_url: str,
        key: ApiKey,
        *,
        clock: Clock,
        rate: int,
        gap: float | None = None,
        climbs: bool = False,
        timing: Timing | None = None,
        watch: Watch = ignore,
        tls: Callable[[], ssl.SSLContext] = tls_context,
    ) -> None:
        if key.redact(base_url) != base_url:
            raise UsageError("the base URL contains the API key", hint="leave it out: it is added where it belongs")
        self.base_url = f"{base_url}/{MASK}"
        self.identity = Identity(address=address_of(base_url), key=key)
        self.timing = timing or Timing()
        self._key = key
        self._clock = clock
        self._watch = watch
        self._pace = Pace(rate, clock, watch, gap=gap, climbs=climbs)
        self._deadline = Deadline(clock)
        self._url = httpx.URL(base_url)
        self._masked = httpx.Request("GET", f"{self.base_url}/", headers=HEADERS)
        self._tls = tls() if self._url.scheme == "https" else None
        # No `httpx.Client`: it would keep cookies, and fail on a redirect it cannot read even where it is told not to
        # follow it.
        self._reads = httpcore.ConnectionPool(
            ssl_context=self._tls,
            max_connections=1,
            keepalive_expiry=30.0,
            network_backend=TimedBackend(self._deadline),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._deadline.interrupts.hold():
            self._reads.close()

    def read(self, request: Request) -> Response:
        """The answer to something that costs nothing, tried again a bounded number of times.

        Raises VendorUnavailable where no complete answer came, ValueError for a call that spends.
        """
        return self._read(request, lambda: _Incoming(READ_BODY_LIMIT))

    def stream(self, request: Request, begin: Begin) -> Response:
        """`read`, with a body that is parsed as it comes, by a new parser for each try."""
        return self._read(request, lambda: _Passing(begin(self._key.redact)))

    def slow_down(self) -> bool:
        """The vendor refused access, perhaps for the rate: ask less. True, a minute later, where it had climbed.

        The limit is said to be one of calendar minutes (docs/vendor/api-v1.md#limits): the next one is worth a try.
        """
        if not self._pace.fall():
            return False
        self._watch(Waiting(seconds=WINDOW, why="the vendor refused access, perhaps for the rate"))
        self._clock.sleep(WINDOW)
        return True

    def write(self, request: Request) -> Response:
        """The answer to something that changes what costs nothing, tried again like a read.

        Raises VendorUnavailable where no complete answer came: it may have been done. ValueError for any other call.
        """
        if (request.method, request.path) not in WRITES:
            raise ValueError(f"{request.method} {request.path!r} is not known to be a harmless write")
        return self._ask(request, lambda: _Incoming(READ_BODY_LIMIT))

    def _read(self, request: Request, begin: Callable[[], _Incoming]) -> Response:
        if (request.method, request.path) not in READS:
            raise ValueError(f"{request.method} {request.path!r} is not known to cost nothing: it is not a read")
        return self._ask(request, begin)

    def _ask(self, request: Request, begin: Callable[[], _Incoming]) -> Response:
        for pause in self.timing.pauses:
            answer = self._read_once(request, begin())
            wait = self._worth_another_try(answer, pause)
            if wait is None:
                break
            self._watch(Waiting(seconds=wait, why=f"{request.path} got no proper answer"))
            self._clock.sleep(wait)
        else:
            answer = self._read_once(request, begin())
        if isinstance(answer, Lost):
            raise VendorUnavailable(
                f"{request.path}: {answer.reason}",
                hint="check the base URL and whether the vendor is up; try again later",
            )
        return answer

    def _read_once(self, request: Request, incoming: _Incoming) -> Response | Lost:
        self._pace.request()
        self._deadline.start(self.timing.read)
        try:
            core = self._on_the_wire(request)
            with self._deadline.interrupts.hold(), closing(self._reads.handle_request(core)) as answer:
                incoming.take(answer.status, answer.headers, answer.iter_stream())
        except (httpcore.ProtocolError, httpcore.NetworkError, httpcore.TimeoutException, TooLarge, OSError) as error:
            return incoming.as_lost(error, self.timing.read, self._key)
        return incoming.complete(self._key)

    def _worth_another_try(self, answer: Response | Lost, pause: float) -> float | None:
        """Seconds until a read is worth repeating, or None."""
        if isinstance(answer, Lost):
            return pause if answer.again else None
        if answer.status == httpx.codes.TOO_MANY_REQUESTS:
            self._pace.fall()
            seconds = retry_after(answer.headers)
            return RETRY_AFTER_DEFAULT if seconds is None else seconds
        return pause if answer.status >= httpx.codes.INTERNAL_SERVER_ERROR else None

    @contextmanager
    def connect(self) -> Iterator[HttpConnection | NotSent]:
        """A connection for one purchase, TCP and TLS done, after the vendor's pace was kept; in any thread."""
        deadline = Deadline(self._clock)
        with self._pace.purchase():
            opened = self._open(deadline)
            if isinstance(opened, NotSent):
                yield opened
                return
            with closing(opened):
                money = self.timing.money
                yield HttpConnection(opened, self._origin(), deadline, money, self._core, self._key, self._pace)

    def _open(self, deadline: Deadline) -> TimedStream | NotSent:
        deadline.start(self.timing.connect)
        try:
            stream = TimedBackend(deadline).connect_tcp(self._url.host, self._origin().port)
            return stream if self._tls is None else stream.start_tls(self._tls, self._url.host)
        except (httpcore.NetworkError, httpcore.TimeoutException, OSError) as error:
            return NotSent(reason=in_words(error, self.timing.connect))

    def _origin(self) -> httpcore.Origin:
        port = self._url.port or (443 if self._url.scheme == "https" else 80)
        return httpcore.Origin(self._url.raw_scheme, self._url.raw_host, port)

    def _core(self, request: Request) -> httpcore.Request:
        return self._on_the_wire(request, (b"Connection", b"close"))

    def _on_the_wire(self, request: Request, *more: tuple[bytes, bytes]) -> httpcore.Request:
        """The one place where the key enters a URL; ValueError for a path that could lead elsewhere.

        What `httpx` makes of address and headers is made once, not for each request: it cost a fifth of a purchase.
        """
        if not _PATH.fullmatch(request.path) or not _QUERY.fullmatch(request.query):
            raise ValueError(f"{request.path!r} is not a path of the vendor's API")
        headers = [*self._masked.headers.raw, *_headers_of(request.body), *more]
        path = request.path + (request.query and f"?{request.query}")
        target = self._masked.url.raw_path.replace(f"/{MASK}/".encode(), f"/{self._key.reveal()}/".encode(), 1)
        url = self._masked.url
        return httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=target + path.encode("ascii")
            ),
            headers=headers,
            content=request.body or b"",
        )


def _headers_of(body: bytes | None) -> list[tuple[bytes, bytes]]:
    if body is None:
        return []
    return [(b"Content-Type", b"application/json"), (b"Content-Length", b"%d" % len(body))]
