"""A way to a PostgreSQL server that counts the journeys on it, and makes each of them take its time."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from urllib.parse import urlsplit, urlunsplit

READY = b"Z"
"""The server's word that it has answered all that it was sent: https://www.postgresql.org/docs/current/protocol.html"""


class Proxy:
    """`url` leads to the server by this way; `journeys` counts its answers after the one that let a session in."""

    def __init__(self, url: str, delay: float) -> None:
        parts = urlsplit(url)
        self._server = (parts.hostname or "", parts.port or 5432)
        self._delay = delay
        self._lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        login = parts.netloc.rpartition("@")[0]
        place = f"{login}@127.0.0.1:{self.listener.getsockname()[1]}"
        self.url = urlunsplit(parts._replace(netloc=place, query="sslmode=disable&gssencmode=disable"))
        self.ends: list[socket.socket] = []
        self.sessions = 0
        self.journeys = 0

    def accept(self) -> None:
        """Take sessions until the listener is closed."""
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(self._server)
                for end in (client, server):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.ends += [client, server]
                self.sessions += 1
                self.journeys -= 1  # the answer that lets it in
                for source, target, watch in ((client, server, False), (server, client, True)):
                    self._carry(source, target, watch=watch)

    def _carry(self, source: socket.socket, target: socket.socket, *, watch: bool) -> None:
        waiting: SimpleQueue[tuple[float, bytes]] = SimpleQueue()
        threading.Thread(target=self._receive, args=(source, waiting, watch), daemon=True).start()
        threading.Thread(target=_send, args=(waiting, target), daemon=True).start()

    def _receive(self, source: socket.socket, waiting: SimpleQueue[tuple[float, bytes]], watch: bool) -> None:
        unread = b""
        data = b"-"
        while data:
            data = b""
            with suppress(OSError):
                data = source.recv(65536)
            waiting.put((time.monotonic() + self._delay / 2, data))
            if watch:
                unread = self._count(unread + data)

    def _count(self, unread: bytes) -> bytes:
        """Count the server's messages that are whole; what is left of them."""
        while len(unread) >= 5 and len(unread) > (length := int.from_bytes(unread[1:5], "big")):
            with self._lock:
                self.journeys += unread[:1] == READY
            unread = unread[length + 1 :]
        return unread


def _send(waiting: SimpleQueue[tuple[float, bytes]], target: socket.socket) -> None:
    data = b"-"
    with suppress(OSError):
        while data:
            due, data = waiting.get()
            time.sleep(max(0.0, due - time.monotonic()))
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxy(url: str, delay: float = 0.0) -> Iterator[Proxy]:
    """A way to the server of `url` on which a question and its answer take `delay` seconds more."""
    way = Proxy(url, delay)
    thread = threading.Thread(target=way.accept, daemon=True)
    thread.start()
    try:
        yield way
    finally:
        with suppress(OSError):
            way.listener.shutdown(socket.SHUT_RDWR)
        way.listener.close()
        thread.join()
        for end in way.ends:
            end.close()
