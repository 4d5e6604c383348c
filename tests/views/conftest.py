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
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TextIO

import pytest

from runner.core.errors import Problem, Severity, Span
from runner.core.orders import OrderKey, OrderRequest, ProductType, Quote, Scalar, Source
from runner.core.records import Record
from runner.core.states import State
from runner.plan.inputs import Inputs
from runner.report.report import OrderEntry, Report
from runner.views.terminal.console import Channel, Console

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Make:
    """Values for tests; every text can be replaced."""

    at = AT

    def span(self, line: int = 5, column: int = 3, end_column: int = 9) -> Span:
        return Span(line=line, column=column, end_line=line, end_column=end_column)

    def problem(
        self,
        message: str = "unknown field `quantiti`",
        hint: str | None = "did you mean `quantity`?",
        path: str | None = "orders.yaml",
        code: str = "PSR012",
        severity: Severity = "error",
        line: int = 5,
    ) -> Problem:
        span = self.span(line) if path else None
        return Problem(code=code, message=message, hint=hint, path=path, span=span, severity=severity)

    def request(
        self,
        name: str = "fr-prices",
        product: ProductType = "ipv4",
        fields: dict[str, Scalar] | None = None,
        path: str = "orders.yaml",
        line: int = 5,
    ) -> OrderRequest:
        usual: dict[str, Scalar] = {"countryId": 561, "periodId": "1m", "quantity": 10, "paymentId": 1}
        source = Source(path=path, span=self.span(line), fields={"countryId": self.span(line + 2)})
        return OrderRequest(
            key=OrderKey("crawl", name), type=product, fields=usual if fields is None else fields, source=source
        )

    def record(self, name: str = "fr-prices", state: State = State.PLACED, **changes: Any) -> Record:
        request = self.request(name)
        usual: dict[str, Any] = {
            "key": request.key,
            "type": request.type,
            "fields": request.fields,
            "fingerprint": request.fingerprint,
            "state": state,
            "attempt": 1,
            "updated_at": AT,
            "quote_total": Decimal("12.5"),
        }
        if state is State.PLACED:
            usual |= {"order_id": "1000501", "total": Decimal("12.5"), "balance": Decimal("87.5")}
        return Record(**(usual | changes))

    def entry(self, status: str, name: str = "fr-prices", **changes: Any) -> OrderEntry:
        request = changes.pop("request", None) or self.request(name)
        return OrderEntry(request=request, status=status, **({"body": request.fields} | changes))

    def report(self, *entries: OrderEntry, **changes: Any) -> Report:
        inputs = Inputs(manifests=(), ledger="ledger.db", base_url=None)
        usual: dict[str, Any] = {"run_id": "r1", "mode": "apply", "started_at": AT, "inputs": inputs}
        return Report(**(usual | {"orders": list(entries)} | changes))

    def document(self, report: Report) -> dict[str, Any]:
        """A report as a reader of its JSON has it."""
        parsed: dict[str, Any] = json.loads(report.render())
        return parsed

    def quote(self, total: str = "12.5", unit: str | None = "1.25") -> Quote:
        return Quote(total=Decimal(total), at=AT, unit_price=Decimal(unit) if unit else None)


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
