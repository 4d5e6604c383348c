"""Bytes to the vendor and back. The only module that knows httpx, httpcore, sockets and the API key.

Above it a URL carries `***` where the key belongs; the key is put in just before httpcore, and taken out of
everything that comes back. Reads go through one `httpx.Client`; a purchase gets a connection of its own, which is
opened first and written once. httpx timeouts are per read; the deadlines here are total.
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final

import certifi
import httpcore
import httpx

from runner._version import __version__
from runner.clock import Clock
from runner.errors import VendorUnavailable
from runner.progress import Waiting, Watch, unwatched
from runner.secrets import MASK, ApiKey
from runner.vendors.interface import NotSent
from runner.vendors.pace import Pace
from runner.vendors.wire import Request, Response

SPENDING_PATHS: Final = frozenset({"order/make", "prolong/make", "balance/add"})
MONEY_BODY_LIMIT: Final = 1 << 20
READ_BODY_LIMIT: Final = 64 << 20
RETRY_AFTER_DEFAULT: Final = 2.0
RETRY_AFTER_CAP: Final = 60.0

# httpx logs whole URLs and httpcore logs answer headers; neither has anything to say that we do not say better.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """Something was, or may have been, written, and no complete answer came back."""

    reason: str


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


class _Deadline:
    """One total deadline, shared by the streams of the call under way."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._end = float("inf")

    def start(self, seconds: float) -> None:
        self._end = self._clock.monotonic() + seconds

    def left(self) -> float:
        seconds = self._end - self._clock.monotonic()
        if seconds <= 0:
            raise httpcore.ReadTimeout("the total deadline has passed")
        return seconds


class _TimedStream(httpcore.NetworkStream):
    """A stream whose every wait ends at the deadline, and whose writes leave as one, when an answer is wanted."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._stream = stream
        self._deadline = deadline
        self._unsent = bytearray()

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        del timeout
        self._unsent += buffer

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        del timeout
        if self._unsent:
            data, self._unsent = bytes(self._unsent), bytearray()
            self._stream.write(data, self._deadline.left())
        return self._stream.read(max_bytes, self._deadline.left())

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        del timeout
        stream = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left())
        return _TimedStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def close(self) -> None:
        self._stream.close()


class _TimedBackend(httpcore.NetworkBackend):
    """Opens streams that end at the deadline; no proxy, no environment."""

    def __init__(self, deadline: _Deadline) -> None:
        self._deadline = deadline
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        bound = min(timeout or float("inf"), self._deadline.left())
        return _TimedStream(self._backend.connect_tcp(host, port, bound, local_address, socket_options), self._deadline)


class _KeyedTransport(httpx.BaseTransport):
    """httpx's way down to a pool of ours: puts the key in, and lets no error out that could carry it."""

    def __init__(self, pool: httpcore.ConnectionPool, key: ApiKey) -> None:
        self._pool = pool
        self._key = key

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._pool.handle_request(_core_request(request, self._key))
        return httpx.Response(
            status_code=response.status, headers=response.headers, stream=_Body(response), request=request
        )

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


def _core_request(request: httpx.Request, key: ApiKey) -> httpcore.Request:
    """The one place where the key enters a URL."""
    url = request.url
    target = url.raw_path.replace(f"/{MASK}/".encode(), f"/{key.reveal()}/".encode(), 1)
    return httpcore.Request(
        method=request.method,
        url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=target),
        headers=request.headers.raw,
        content=request.read(),
    )


@dataclass(slots=True)
class Connection:
    """One open connection, good for one exchange."""

    _stream: _TimedStream
    _origin: httpcore.Origin
    _deadline: _Deadline
    _seconds: float
    _core: Callable[[Request], httpcore.Request]
    _key: ApiKey
    _used: bool = field(default=False, init=False)

    def exchange(self, request: Request, guard: Callable[[], str | None]) -> Response | NotSent | Lost:
        """Ask the guard, look whether the line is still open, write once, read once."""
        core = self._core(request)
        reason = "the connection was used before" if self._used else guard() or self._hung_up()
        if reason:
            return NotSent(reason=reason)
        self._used = True
        self._deadline.start(self._seconds)
        try:
            with closing(httpcore.HTTP11Connection(self._origin, self._stream)) as connection:
                response = connection.handle_request(core)
                return _complete(response.status, response.headers, response.iter_stream(), MONEY_BODY_LIMIT, self._key)
        except Exception as error:  # noqa: BLE001 - whatever it is, bytes may have left: the outcome is unknown
            return Lost(reason=_in_words(error, self._seconds))

    def _hung_up(self) -> str | None:
        """Why nothing may be written: the other side has closed, or speaks out of turn."""
        found: socket.socket = self._stream.get_extra_info("socket")
        found.settimeout(0)
        try:
            data = found.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):  # open and silent, session tickets aside
            return None
        except OSError:
            return "the vendor dropped the connection before anything was sent"
        what = "spoke out of turn on" if data else "closed"
        return f"the vendor {what} the connection before anything was sent"


class Transport:
    """One vendor account over HTTP/1.1: bounded, paced, never redirected, deaf to the environment."""

    def __init__(
        self,
        base_url: str,
        key: ApiKey,
        *,
        clock: Clock,
        rate: int,
        timing: Timing | None = None,
        watch: Watch = unwatched,
        tls: Callable[[], ssl.SSLContext] = tls_context,
    ) -> None:
        self.base_url = f"{base_url}/{MASK}"
        self.timing = timing or Timing()
        self._key = key
        self._clock = clock
        self._watch = watch
        self._pace = Pace(rate, clock, watch)
        self._deadline = _Deadline(clock)
        self._backend = _TimedBackend(self._deadline)
        self._url = httpx.URL(base_url)
        self._tls = tls() if self._url.scheme == "https" else None
        pool = httpcore.ConnectionPool(
            ssl_context=self._tls, max_connections=1, keepalive_expiry=30.0, network_backend=self._backend
        )
        self._client = httpx.Client(
            transport=_KeyedTransport(pool, key),
            trust_env=False,
            follow_redirects=False,
            headers={
                "User-Agent": f"order-runner/{__version__}",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
            },
        )

    def __enter__(self) -> Transport:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def read(self, request: Request) -> Response:
        """The answer to something that costs nothing, tried again a bounded number of times.

        Raises VendorUnavailable where no complete answer came, ValueError for a call that spends.
        """
        if request.path in SPENDING_PATHS:
            raise ValueError(f"{request.path} spends money and is no read")
        for pause in self.timing.pauses:
            answer = self._read_once(request)
            wait = _worth_another_try(answer, pause)
            if wait is None:
                break
            self._watch(Waiting(seconds=wait, why=f"{request.path} was not answered properly"))
            self._clock.sleep(wait)
        else:
            answer = self._read_once(request)
        if isinstance(answer, Lost):
            raise VendorUnavailable(
                f"{request.path}: {answer.reason}", hint="is the base URL right, and the vendor up? try again later"
            )
        return answer

    def _read_once(self, request: Request) -> Response | Lost:
        self._pace.request()
        self._deadline.start(self.timing.read)
        try:
            with self._client.stream(request.method, self._full_url(request), **_content(request)) as answer:
                return _complete(answer.status_code, answer.headers.raw, answer.iter_raw(), READ_BODY_LIMIT, self._key)
        except (httpcore.ProtocolError, httpcore.NetworkError, httpcore.TimeoutException, _TooLarge, OSError) as error:
            return Lost(reason=_in_words(error, self.timing.read))

    @contextmanager
    def connect(self) -> Iterator[Connection | NotSent]:
        """A connection for one purchase, TCP and TLS done, after the vendor's pace was kept."""
        self._pace.purchase()
        opened = self._open()
        if isinstance(opened, NotSent):
            yield opened
            return
        with closing(opened):
            yield Connection(opened, self._origin(), self._deadline, self.timing.money, self._core, self._key)

    def _open(self) -> _TimedStream | NotSent:
        origin = self._origin()
        self._deadline.start(self.timing.connect)
        try:
            stream = self._backend.connect_tcp(self._url.host, origin.port)
            if self._tls is not None:
                stream = stream.start_tls(self._tls, self._url.host)
        except (httpcore.NetworkError, httpcore.TimeoutException, OSError) as error:
            return NotSent(reason=_in_words(error, self.timing.connect))
        assert isinstance(stream, _TimedStream)  # noqa: S101 - what our own backend returns
        return stream

    def _origin(self) -> httpcore.Origin:
        port = self._url.port or (443 if self._url.scheme == "https" else 80)
        return httpcore.Origin(self._url.raw_scheme, self._url.raw_host, port)

    def _core(self, request: Request) -> httpcore.Request:
        built = self._client.build_request(request.method, self._full_url(request), **_content(request))
        built.headers["Connection"] = "close"
        return _core_request(built, self._key)

    def _full_url(self, request: Request) -> str:
        return f"{self.base_url}/{request.path}"


class _TooLarge(Exception):
    """An answer above its limit."""


def _content(request: Request) -> dict[str, Any]:
    if request.body is None:
        return {}
    return {"content": request.body, "headers": {"Content-Type": "application/json"}}


def _complete(status: int, headers: Any, chunks: Iterator[bytes], limit: int, key: ApiKey) -> Response:
    """The whole answer, redacted."""
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > limit:
            raise _TooLarge(f"the answer is larger than {limit >> 20} MiB")
    return Response(status=status, headers=_plain(headers, key), body=key.redact_bytes(bytes(body)))


def _plain(headers: Any, key: ApiKey) -> Mapping[str, str]:
    return {name.decode("latin-1").lower(): key.redact(value.decode("latin-1")) for name, value in headers}


def _worth_another_try(answer: Response | Lost, pause: float) -> float | None:
    """Seconds until a read is worth repeating, or None."""
    if isinstance(answer, Lost):
        return None if "certificate" in answer.reason else pause
    if answer.status == httpx.codes.TOO_MANY_REQUESTS:
        told = answer.headers.get("retry-after", "")
        return min(float(told), RETRY_AFTER_CAP) if told.isdecimal() and len(told) < 9 else RETRY_AFTER_DEFAULT
    return pause if answer.status >= httpx.codes.INTERNAL_SERVER_ERROR else None


def _in_words(error: Exception, seconds: float) -> str:
    """What happened, from the kind of error alone: its text might carry what it should not."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the vendor's certificate was not accepted: {cause.verify_message}"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, _TooLarge):
        return str(error)
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return words.format(seconds=seconds, system=_system_words(error))
    return f"an error of our own while waiting for the answer ({type(error).__name__})"


def _system_words(error: BaseException) -> str:
    """What the operating system said: `: Connection refused`, or nothing."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return f": {cause.strerror}"
        cause = cause.__cause__ or cause.__context__
    return ""


_WORDS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (httpcore.ConnectTimeout, "no connection within {seconds:g} s"),
    (httpcore.ConnectError, "no connection could be made{system}"),
    (httpcore.TimeoutException, "no complete answer within {seconds:g} s"),
    (httpcore.ReadError, "the connection was reset while the answer was awaited"),
    (httpcore.WriteError, "the connection broke while the request was written"),
    (httpcore.ProtocolError, "the connection was closed without a complete answer"),
    (OSError, "the network failed{system}"),
)
