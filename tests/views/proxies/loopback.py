"""A proxy on 127.0.0.1 that asks for a login: HTTP and SOCKS5, plain and TLS behind it. It keeps the bytes it was sent.

Nothing is passed on: every site behind it is a page that says so, whatever its name.
"""

from __future__ import annotations

import base64
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any, Final, cast

import trustme

from runner.core.deliveries import Proxy

SITE: Final = "site.example"
BODY: Final = b"came through the proxy\n"
NO_LOGIN: Final = (
    b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)


@dataclass
class Loopback:
    """A proxy under test: its two ports, the CA of every site behind it, and what arrived, in order."""

    port_http: int
    port_socks: int
    ca: Path
    logins: list[tuple[str, str]] = field(default_factory=list)
    """Login and password of each connection that had them."""

    targets: list[str] = field(default_factory=list)
    """`host:port` or URL that each of these asked for."""

    lock: threading.Lock = field(default_factory=threading.Lock)

    def placed(self, proxy: Proxy) -> Proxy:
        """The same proxy, at this address."""
        return replace(proxy, ip="127.0.0.1", port_http=self.port_http, port_socks=self.port_socks)

    def take(self) -> list[tuple[str, str]]:
        """The different logins that arrived since the last call, in order."""
        with self.lock:
            logins, self.logins, self.targets = list(dict.fromkeys(self.logins)), [], []
        return logins

    def keep(self, login: bytes, password: bytes, target: str) -> None:
        """Remember one arrival; bytes that are no UTF-8 stay visible."""
        with self.lock:
            self.logins.append((login.decode(errors="backslashreplace"), password.decode(errors="backslashreplace")))
            self.targets.append(target)


class Server(ThreadingTCPServer):
    """One port of it."""

    request_queue_size = 128  # squid looks at all of its parents at once
    daemon_threads = True
    block_on_close = False
    loopback: Loopback
    context: ssl.SSLContext

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is none of the test's business: what arrived was kept."""


class Handler(BaseRequestHandler):
    """What both kinds share: reading from the socket, and the page behind the proxy."""

    request: socket.socket

    @property
    def server_of_proxy(self) -> Server:
        return cast("Server", self.server)

    def head(self, peer: socket.socket) -> bytes:
        """A request or an answer up to its empty line; no more is read than that."""
        data = b""
        while not data.endswith(b"\r\n\r\n"):
            if not (byte := peer.recv(1)):
                break
            data += byte
        return data

    def exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size and (more := self.request.recv(size - len(data))):
            data += more
        return data

    def page(self, peer: socket.socket, *, more: bool = False) -> None:
        """The answer of every site; with `more`, the connection stays open for another request."""
        end = b"" if more else b"Connection: close\r\n"
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n" % (len(BODY), end) + BODY)

    def site(self) -> None:
        """What is behind the tunnel: TLS where the client begins it."""
        first = self.request.recv(1, socket.MSG_PEEK)
        if first == b"\x16":
            with self.server_of_proxy.context.wrap_socket(self.request, server_side=True) as peer:
                self.head(peer)
                self.page(peer)
                peer.unwrap().close()
        elif first:
            self.head(self.request)
            self.page(self.request)


class HttpHandler(Handler):
    """HTTP with Basic; CONNECT, and requests for whole URLs, any number of these on one connection."""

    def handle(self) -> None:
        while (request := self.head(self.request)) and self.answer(request):
            pass

    def answer(self, request: bytes) -> bool:
        """Whether another request may follow."""
        match = re.search(rb"^proxy-authorization: basic ([A-Za-z0-9+/=]*)\r$", request, re.MULTILINE | re.IGNORECASE)
        if not match:
            self.request.sendall(NO_LOGIN)
            return False
        login, _, password = base64.b64decode(match[1], validate=True).partition(b":")
        method, target, _ = request.split(b" ", 2)
        self.server_of_proxy.loopback.keep(login, password, target.decode())
        if method == b"CONNECT":
            self.request.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            self.site()
            return False
        self.page(self.request, more=True)
        return True


class SocksHandler(Handler):
    """SOCKS5 with login and password (RFC 1928, RFC 1929); a client that offers none is turned away."""

    def handle(self) -> None:
        version, count = self.exactly(2)
        methods = self.exactly(count)
        if version != 5 or 2 not in methods:
            self.request.sendall(b"\x05\xff")
            return
        self.request.sendall(b"\x05\x02")
        login = self.exactly(self.exactly(2)[1])
        password = self.exactly(self.exactly(1)[0])
        self.request.sendall(b"\x01\x00")
        kind = self.exactly(4)[3]
        size = {1: 4, 4: 16}.get(kind) or self.exactly(1)[0]
        name = self.exactly(size)
        port = int.from_bytes(self.exactly(2), "big")
        where = name.decode() if kind == 3 else name.hex()
        self.server_of_proxy.loopback.keep(login, password, f"{where}:{port}")
        self.request.sendall(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        self.site()


@contextmanager
def serve(folder: Path) -> Iterator[Loopback]:
    """The proxy, until the end of the block. `folder` takes the certificate of its CA."""
    authority = trustme.CA()
    ca = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(ca))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(SITE).configure_cert(context)
    servers = [Server(("127.0.0.1", 0), handler) for handler in (HttpHandler, SocksHandler)]
    ports = [server.server_address[1] for server in servers]
    loopback = Loopback(port_http=ports[0], port_socks=ports[1], ca=ca)
    for server in servers:
        server.loopback, server.context = loopback, context
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield loopback
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
