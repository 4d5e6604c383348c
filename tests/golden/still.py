"""A Python that is the same in every run: its clocks stand still, its random ids are counted, its machine has one name.

Installed before the runner is imported, so nothing of the runner needs to know, and nothing here knows the runner. Time
passes where the main thread waits, by exactly what it waits for, and no longer than an instant. Other threads, which is
where the emulated vendor lives, wait as long as they say.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import queue
import selectors  # noqa: F401 - has the real clock of the modules that the standard library waits with, by this import
import socket
import socketserver  # noqa: F401 - the same
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any, Final

HOST: Final = "golden"
PID: Final = 4_242_424
"""More than any process can have, so that nobody is hit who is meant by it."""
PORT: Final = 4711
"""Where the emulated vendor seems to be, whichever port it has."""

_datetime, _date = dt.datetime, dt.date
_sleep, _localtime, _gmtime, _strftime = time.sleep, time.localtime, time.gmtime, time.strftime
_send, _sendall = socket.socket.send, socket.socket.sendall
_connect, _getsockname, _create_server = socket.socket.connect, socket.socket.getsockname, socket.create_server


class Moment:
    """Where and when this is: seconds since the epoch, how long the main thread has waited, the vendor's real port."""

    def __init__(self) -> None:
        self.port = 0
        self.begin(0.0)

    def begin(self, start: float) -> None:
        self.start = start
        self.waited = 0.0
        self._drawn = 0

    def now(self) -> float:
        return self.start + self.waited

    def monotonic(self) -> float:
        return 1000.0 + self.waited

    def wait(self, seconds: float) -> None:
        self.waited += max(seconds, 0.0)

    def draw(self) -> uuid.UUID:
        """The next id: another one each time, the same ones in each run."""
        self._drawn += 1
        return uuid.UUID(bytes=hashlib.sha256(f"{self.start} {self._drawn}".encode()).digest()[:16], version=4)


MOMENT: Final = Moment()


class _Same(type):
    """A moment that somebody else made is one as well."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.__mro__[1])


class StillDatetime(_datetime, metaclass=_Same):
    __slots__ = ()  # as large as C code expects

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> StillDatetime:
        return cls.fromtimestamp(MOMENT.now(), tz)

    @classmethod
    def today(cls) -> StillDatetime:
        return cls.now()


class StillDate(_date, metaclass=_Same):
    __slots__ = ()

    @classmethod
    def today(cls) -> StillDate:
        return cls.fromtimestamp(MOMENT.now())


class StillQueue(queue.SimpleQueue):  # type: ignore[type-arg]
    """A queue on which the main thread waits in no time."""

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        if timeout is None or threading.current_thread() is not threading.main_thread():
            return super().get(block, timeout)
        try:
            return super().get(block=False)
        except queue.Empty:
            MOMENT.wait(timeout)
            raise


def install() -> None:
    """Still the standard library; what is imported from it afterwards has no other."""
    dt.datetime, dt.date = StillDatetime, StillDate  # type: ignore[misc]
    time.time = MOMENT.now
    time.time_ns = lambda: round(MOMENT.now() * 1e9)
    time.monotonic = time.perf_counter = MOMENT.monotonic
    time.monotonic_ns = time.perf_counter_ns = lambda: round(MOMENT.monotonic() * 1e9)
    time.localtime = lambda seconds=None: _localtime(MOMENT.now() if seconds is None else seconds)
    time.gmtime = lambda seconds=None: _gmtime(MOMENT.now() if seconds is None else seconds)
    time.strftime = lambda form, at=None: _strftime(form, time.localtime() if at is None else at)
    time.sleep = _slept
    queue.SimpleQueue = StillQueue  # type: ignore[misc]
    uuid.uuid4 = MOMENT.draw
    socket.gethostname = lambda: HOST


def begin(start: float, port: int | None) -> None:
    """This process is a command that starts now, at `start` seconds since the epoch.

    The vendor is at `port`, or where this process itself serves it. None: it is to say its real port.
    """
    MOMENT.begin(start)
    os.getpid = lambda: PID
    if port is not None:
        MOMENT.port = port
        socket.socket.connect, socket.socket.getsockname = _connected, _named  # type: ignore[method-assign]
        socket.create_server = _serving


def _connected(self: socket.socket, address: Any) -> None:
    _connect(self, (address[0], MOMENT.port) if address[1] == PORT else address)


def _named(self: socket.socket) -> Any:
    name = _getsockname(self)
    return (name[0], PORT) if name[1] == MOMENT.port else name


def _serving(*given: Any, **options: Any) -> socket.socket:
    server = _create_server(*given, **options)
    MOMENT.port = _getsockname(server)[1]
    return server


def _slept(seconds: float) -> None:
    if threading.current_thread() is threading.main_thread():
        MOMENT.wait(seconds)
    else:
        _sleep(seconds)


def before_sending(words: bytes, nth: int, act: Callable[[], None]) -> None:
    """Do `act` before this process sends its `nth` request with these words in its first line."""
    left = nth

    def look(data: Any) -> None:
        nonlocal left
        if words in bytes(data[:400]).partition(b"\r\n")[0]:
            left -= 1
            if not left:
                act()

    def send(self: socket.socket, data: Any, flags: int = 0) -> int:
        look(data)
        return _send(self, data, flags)

    def sendall(self: socket.socket, data: Any, flags: int = 0) -> None:
        look(data)
        _sendall(self, data, flags)

    socket.socket.send, socket.socket.sendall = send, sendall  # type: ignore[method-assign]
