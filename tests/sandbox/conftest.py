"""A served sandbox, and a client that knows nothing but HTTP."""

import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from runner.sandbox.box import Sandbox
from runner.sandbox.server import SandboxServer


@dataclass(frozen=True)
class Reply:
    """An HTTP answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def data(self) -> Any:
        return self.json["data"]

    @property
    def error(self) -> str:
        return str(self.json["errors"][0]["message"])


class Stage:
    """A sandbox that is served, and one connection to it."""

    def __init__(self, box: Sandbox, server: SandboxServer) -> None:
        self.box = box
        self.server = server
        parts = urlsplit(server.base_url)
        self.root = parts.path
        self.connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)

    def ask(self, method: str, endpoint: str, body: Any = None, *, key: str | None = None) -> Reply:
        path = f"{self.root}/{quote(key or self.server.api_key, safe='')}/{endpoint}"
        return self.send(method, path, body)

    def send(self, method: str, path: str, body: Any = None) -> Reply:
        payload = None if body is None else json.dumps(body)
        try:
            self.connection.request(method, path, payload, {"Content-Type": "application/json"})
            response = self.connection.getresponse()
            return Reply(response.status, dict(response.getheaders()), response.read())
        except (OSError, http.client.HTTPException):
            self.connection.close()
            raise

    def unanswered(self, body: Any, *, endpoint: str = "order/make", **changes: Any) -> None:
        """Sends an order, or what `endpoint` takes, that meets a fault, and gives up on its answer a moment after.

        Raises TimeoutError.
        """
        fired = self.box.fault_counts
        parts = urlsplit(self.server.base_url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
        with closing(connection):
            connection.request("POST", f"{self.root}/{self.server.api_key}/{endpoint}", json.dumps({**body, **changes}))
            while self.box.fault_counts == fired:
                time.sleep(0.001)
            connection.sock.settimeout(0.2)
            connection.getresponse().read()

    def get(self, endpoint: str, body: Any = None) -> Reply:
        return self.ask("GET", endpoint, body)

    def calc(self, body: Any, **changes: Any) -> Reply:
        return self.ask("POST", "order/calc", {**body, **changes})

    def make(self, body: Any, **changes: Any) -> Reply:
        return self.ask("POST", "order/make", {**body, **changes})


@pytest.fixture
def stage() -> Iterator[Callable[..., Stage]]:
    """Opens stages with the arguments of Sandbox."""
    with ExitStack() as stack:

        def open_stage(**arguments: Any) -> Stage:
            box = Sandbox(**arguments)
            opened = Stage(box, stack.enter_context(box.serve()))
            stack.callback(opened.connection.close)
            return opened

        yield open_stage


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Seconds since the epoch, moved by hand."""
    return Clock()
