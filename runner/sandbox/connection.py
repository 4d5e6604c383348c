"""HTTP/1.1 by hand, over one connection: about ten times cheaper a request than the standard library's server."""

import re
import socket
import struct
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus

from runner.sandbox.replies import Reply

MOST_HEAD, MOST_BODY = 64 * 1024, 1024 * 1024
_SMALL = 16 * 1024
_DRAIN, _DRAIN_SECONDS = 32 * MOST_BODY, 1.0
_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)


class BadRequestError(Exception):
    """A request that gets this status and the end of its connection."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A request as it came over the wire."""

    method: str
    target: str
    body: bytes
    keep_alive: bool


class Wire:
    """One connection, seen from the server."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._read = bytearray()

    def receive(self) -> Incoming | None:
        """The next request; None when the client has gone. Raises BadRequestError, OSError."""
        head = self._head()
        if head is None:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        words = first.split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise BadRequestError(400)
        headers = _headers(lines)
        body = self._body(headers)
        connection = headers.get("connection", "").lower()
        keep_alive = connection != "close" and (words[2] != "HTTP/1.0" or connection == "keep-alive")
        return Incoming(method=words[0], target=words[1], body=body, keep_alive=keep_alive)

    def send(self, answer: Reply, *, keep_alive: bool, share: float = 1.0) -> None:
        """Sends the answer, or its head and that share of its body. Raises OSError."""
        body = answer.body[: int(len(answer.body) * share)]
        head = _head_of(answer, keep_alive=keep_alive)
        if len(body) < _SMALL:
            self._sock.sendall(head + body)
        else:
            self._sock.sendall(head)
            self._sock.sendall(body)

    def send_byte(self, byte: bytes) -> None:
        """Sends raw bytes. Raises OSError."""
        self._sock.sendall(byte)

    def outlast(self) -> None:
        """Says nothing until the client goes."""
        while self._sock.recv(65536):
            pass

    def drain(self) -> None:
        """Ends our side and reads on for a while: closing with unread bytes would destroy the answer on its way."""
        self._sock.shutdown(socket.SHUT_WR)
        self._sock.settimeout(_DRAIN_SECONDS)
        left = _DRAIN
        while left > 0 and (data := self._sock.recv(65536)):
            left -= len(data)

    def reset(self) -> None:
        """Makes the coming close a TCP reset."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _head(self) -> bytes | None:
        while (end := self._read.find(b"\r\n\r\n")) < 0 and len(self._read) <= MOST_HEAD:
            if not self._fill():
                return None
        if not 0 <= end <= MOST_HEAD:
            raise BadRequestError(431)
        head = bytes(self._read[:end])
        del self._read[: end + 4]
        return head

    def _body(self, headers: dict[str, str]) -> bytes:
        if "transfer-encoding" in headers:
            raise BadRequestError(411)
        length = headers.get("content-length", "0")
        if not _LENGTH.fullmatch(length):
            raise BadRequestError(400)
        size = int(length)
        if size > MOST_BODY:
            raise BadRequestError(413)
        if size and headers.get("expect", "").lower() == "100-continue":
            self._sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        while len(self._read) < size:
            if not self._fill():
                raise ConnectionError("the client left in the middle of its request body")
        body = bytes(self._read[:size])
        del self._read[:size]
        return body

    def _fill(self) -> bool:
        data = self._sock.recv(65536)
        self._read += data
        return bool(data)


def _headers(lines: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.lower()
        if not colon or not name or name != name.strip() or (name == "content-length" and name in headers):
            raise BadRequestError(400)
        headers[name] = value.strip()
    return headers


def _head_of(answer: Reply, *, keep_alive: bool) -> bytes:
    lines = [
        f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
        f"Date: {formatdate(usegmt=True)}",
        f"Content-Type: {answer.content_type}",
        f"Content-Length: {len(answer.body)}",
        f"Connection: {'keep-alive' if keep_alive else 'close'}",
        *(f"{name}: {value}" for name, value in answer.headers),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
