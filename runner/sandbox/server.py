"""A loopback port that answers: one thread a connection, all of them daemons, nothing logged."""

import ipaddress
import socket
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import Self

from runner.sandbox.connection import BadRequestError, Incoming, Wire
from runner.sandbox.options import SANDBOX_KEY
from runner.sandbox.replies import How, Reply, html

Respond = Callable[[str, str, bytes], Reply]
_PATIENCE = 2.0


class SandboxServer:
    """A running server. Raises ValueError for an address other than loopback, OSError for a port that is taken."""

    def __init__(self, respond: Respond, host: str, port: int) -> None:
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"the sandbox serves loopback addresses only, not {host}")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._respond = respond
        self._closing = Event()
        self._lock = Lock()
        self._open: dict[socket.socket, Thread] = {}
        self._listener = socket.create_server((host, port), family=family, backlog=512)
        bound = f"[{host}]" if family == socket.AF_INET6 else host
        self.base_url = f"http://{bound}:{self._listener.getsockname()[1]}/personal/api/v1"
        self.api_key = SANDBOX_KEY
        self._acceptor = Thread(target=self._accept, name="sandbox", daemon=True)
        self._acceptor.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stops listening and cuts every connection; more than once is fine."""
        if self._closing.is_set():
            return
        self._closing.set()
        with suppress(OSError):  # accept() is woken by a connection: closing its socket does not wake it everywhere
            socket.create_connection(self._listener.getsockname()[:2], timeout=_PATIENCE).close()
        self._acceptor.join(_PATIENCE)
        self._listener.close()
        with self._lock:
            threads = list(self._open.values())
            for sock in self._open:
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(_PATIENCE)

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                sock, _address = self._listener.accept()
            except OSError:
                return
            if self._closing.is_set():
                sock.close()
                return
            thread = Thread(target=self._attend, args=(sock,), name="sandbox connection", daemon=True)
            with self._lock:
                self._open[sock] = thread
            thread.start()

    def _attend(self, sock: socket.socket) -> None:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            wire = Wire(sock)
            while self._exchange(wire):
                pass
        except OSError:
            pass  # the client went, or close() cut it off
        finally:
            with self._lock:
                del self._open[sock]
                sock.close()

    def _exchange(self, wire: Wire) -> bool:
        """One request and its answer; whether the connection goes on."""
        try:
            incoming = wire.receive()
        except BadRequestError as bad:
            wire.send(html(bad.status, f"{bad.status} Bad request"), keep_alive=False)
            wire.drain()
            return False
        if incoming is None:
            return False
        answer = self._respond(incoming.method, incoming.target, incoming.body)
        if answer.pause:
            self._closing.wait(answer.pause)
        return self._deliver(wire, incoming, answer)

    def _deliver(self, wire: Wire, incoming: Incoming, answer: Reply) -> bool:
        keep_alive = incoming.keep_alive
        if answer.how is How.WHOLE:
            wire.send(answer, keep_alive=keep_alive)
            return keep_alive
        if answer.how is How.RESET:
            wire.reset()
        elif answer.how is How.SILENT:
            wire.outlast()
        elif answer.how is How.CUT:
            wire.send(answer, keep_alive=keep_alive, share=0.5)
        elif answer.how is How.DRIP:
            self._drip(wire, answer)
        return False

    def _drip(self, wire: Wire, answer: Reply) -> None:
        wire.send(answer, keep_alive=False, share=0.0)
        for place in range(len(answer.body)):
            if self._closing.wait(answer.step):
                return
            wire.send_byte(answer.body[place : place + 1])
