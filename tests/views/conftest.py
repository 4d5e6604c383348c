"""Small orders, problems and reports to draw, and real pseudo-terminals to draw them on."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import re
import struct
import termios
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TextIO

import pytest

from runner.core.errors import Problem
from runner.core.orders import OrderRequest, ProductType, Quote, Scalar
from runner.core.records import Record
from runner.core.states import State
from runner.plan.inputs import Inputs
from runner.report.report import OrderEntry, Report
from runner.views.terminal.console import Channel, Console
from tests import make as values

AT = values.AT


class Make:
    """Values to draw, by the names that the pictures in these tests have."""

    at = AT

    def problem(
        self, message: str = "unknown field `quantiti`", path: str | None = "orders.yaml", line: int = 5, **changes: Any
    ) -> Problem:
        span = values.span(line) if path else None
        return values.problem(message, path=path, span=span, **changes)

    def request(
        self,
        name: str = "fr-prices",
        product: ProductType = "ipv4",
        fields: dict[str, Scalar] | None = None,
        path: str = "orders.yaml",
        line: int = 5,
    ) -> OrderRequest:
        only = {} if fields is None else {"only": fields}
        return values.order(name, batch="crawl", path=path, line=line, type=product, **only)

    def record(self, name: str = "fr-prices", state: State = State.PLACED, **changes: Any) -> Record:
        usual: dict[str, Any] = {"quote_total": Decimal("12.5")}
        if state is State.PLACED:
            usual |= {"order_id": "1000501", "total": Decimal("12.5"), "balance": Decimal("87.5")}
        return values.record(self.request(name), state, **(usual | changes))

    def entry(self, status: str, name: str = "fr-prices", **changes: Any) -> OrderEntry:
        return values.entry(status, changes.pop("request", None) or self.request(name), **changes)

    def report(self, *entries: OrderEntry, **changes: Any) -> Report:
        inputs = Inputs(manifests=(), ledger="ledger.db", base_url=None)
        return values.report(*entries, **({"inputs": inputs} | changes))

    def document(self, report: Report) -> dict[str, Any]:
        """A report as a reader of its JSON has it."""
        parsed: dict[str, Any] = json.loads(report.render())
        return parsed

    def quote(self, total: str = "12.5", unit: str | None = "1.25") -> Quote:
        return values.quote(total, unit_price=Decimal(unit) if unit else None)


@dataclass
class Plain:
    """A console without a terminal, and what was written to it."""

    stdout: io.StringIO = field(default_factory=io.StringIO)
    stderr: io.StringIO = field(default_factory=io.StringIO)

    @property
    def console(self) -> Console:
        return Console(out=Channel(stream=self.stdout), err=Channel(stream=self.stderr))

    @property
    def out(self) -> str:
        return self.stdout.getvalue()

    @property
    def err(self) -> str:
        return self.stderr.getvalue()


ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A pseudo-terminal of a width; `text` is what it was sent, `lines` the same without what
    moves and colours, each redrawing on lines of its own."""

    def __init__(self, width: int) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
        self.stream: TextIO = os.fdopen(slave, "w", encoding="utf-8")
        self._received = bytearray()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def console(self, *, no_color: bool = False, **environ: str) -> Console:
        return Console.detect(
            no_color=no_color, stdout=self.stream, stderr=self.stream, environ={"TERM": "xterm-256color"} | environ
        )

    def close(self) -> None:
        if not self.stream.closed:
            self.stream.close()
            self._reader.join()
            os.close(self._master)

    @property
    def text(self) -> str:
        self.close()
        return self._received.decode()

    @property
    def lines(self) -> list[str]:
        return ESCAPES.sub("", self.text).replace("\r\n", "\n").replace("\r", "\n").split("\n")

    def _read(self) -> None:
        while True:
            try:
                received = os.read(self._master, 65536)
            except OSError:  # EIO: the other side is closed and drained
                return
            if not received:
                return
            self._received += received


@pytest.fixture(scope="session")
def make() -> Make:
    return Make()


@pytest.fixture
def plain() -> Plain:
    return Plain()


@pytest.fixture
def terminal() -> Iterator[Callable[[int], Terminal]]:
    opened: list[Terminal] = []

    def open_one(width: int) -> Terminal:
        opened.append(Terminal(width))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()
