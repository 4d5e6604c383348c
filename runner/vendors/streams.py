"""Streams under one total deadline, for httpcore, whose own timeouts are per read: a dripping server outlives those."""

from __future__ import annotations

import socket
import ssl
from typing import Any, cast

import httpcore

from runner.core.clock import Clock
from runner.vendors.interrupts import Interrupts


class Deadline:
    """One total deadline, shared by the streams of the call under way, and what signals do to their waits."""

    def __init__(self, clock: Clock) -> None:
        self.interrupts = Interrupts()
        self._clock = clock
        self._end = float("inf")

    def start(self, seconds: float) -> None:
        self._end = self._clock.monotonic() + seconds

    def seconds_left(self, late: type[httpcore.TimeoutException] = httpcore.ReadTimeout) -> float:
        """Seconds left; raises `late` where there are none."""
        seconds = self._end - self._clock.monotonic()
        if seconds <= 0:
            raise late("the total deadline has passed")
        return seconds


class TimedStream(httpcore.NetworkStream):
    """A stream whose every wait ends at the deadline, and whose writes leave as one, when an answer is wanted."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline
        self._unsent = bytearray()

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        del timeout
        self._unsent += buffer

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        del timeout
        if self._unsent:
            self._send()
        with self._deadline.interrupts.waiting():
            return self._stream.read(max_bytes, self._deadline.seconds_left())

    def _send(self) -> None:
        """Once, whatever comes of it; as a view, because a traceback that shows locals would show a request."""
        view = memoryview(self._unsent)
        self._unsent = bytearray()
        with self._deadline.interrupts.waiting():
            self._stream.write(cast("bytes", view), self._deadline.seconds_left())

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> TimedStream:
        del timeout
        try:
            left = self._deadline.seconds_left(httpcore.ConnectTimeout)
            with self._deadline.interrupts.waiting():
                stream = self._stream.start_tls(ssl_context, server_hostname, left)
        except BaseException:
            self.close()
            raise
        if stream.get_extra_info("ssl_object") is None:  # the ssl module wraps a dead socket without a handshake
            stream.close()
            raise httpcore.ConnectError("no handshake took place")
        return TimedStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def hung_up(self) -> str | None:
        """Why nothing may be written: the other side has closed, or speaks out of turn."""
        raw: socket.socket = self.get_extra_info("socket")
        raw.settimeout(0)
        try:
            data = raw.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):  # open and silent, session tickets aside
            return None
        except OSError:
            return "the vendor dropped the connection before anything was sent"
        return (
            "the vendor sent data before the request"
            if data
            else "the vendor closed the connection before anything was sent"
        )

    def close(self) -> None:
        self._stream.close()


class TimedBackend(httpcore.NetworkBackend):
    """Opens streams that end at the deadline; knows no proxy and no environment."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> TimedStream:
        """To the first of the host's addresses that answers; all of them share the deadline."""
        del timeout, local_address, socket_options
        failure: Exception | None = None
        with self._deadline.interrupts.waiting():
            for address in _addresses(host, port):
                try:
                    stream = self._backend.connect_tcp(
                        address, port, self._deadline.seconds_left(httpcore.ConnectTimeout)
                    )
                    return TimedStream(stream, self._deadline)
                except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                    failure = error
        raise failure or httpcore.ConnectError("the host has no address")


def _addresses(host: str, port: int) -> list[str]:
    """Raises ConnectError. How long the resolver may take is the system's business (resolv.conf)."""
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore.ConnectError("the name was not resolved") from error
    return [str(address[0]) for *_, address in addresses]
