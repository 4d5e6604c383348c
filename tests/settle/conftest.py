"""The command line in this process against a served sandbox, with a ledger of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from runner.cli import run
from runner.core.orders import OrderKey
from runner.core.records import Holder, Record, Settlement
from runner.core.states import Event, State
from runner.ledger.sqlite import open_sqlite
from runner.sandbox.box import Sandbox
from runner.sandbox.memory import Sale
from runner.sandbox.options import SANDBOX_KEY, Options
from tests import make

IPV4 = "type: ipv4, countryId: 561, quantity: 2, periodId: 1m, customTargetName: prices"
RESIDENT = "type: resident, tarifId: 6928"


@dataclass(slots=True)
class Desk:
    """One vendor, one ledger, and the command."""

    folder: Path
    box: Sandbox
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch
    ahead: list[float] = field(default_factory=lambda: [0.0])

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger.sqlite3"

    def run(self, *arguments: object) -> tuple[int, str]:
        """The exit code, and both streams."""
        self.capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        told = self.capsys.readouterr()
        return code, told.out + told.err

    def rulings(self, *arguments: object) -> tuple[int, dict[str, Any]]:
        """What `reconcile -f json` says: the exit code, and the verdicts by name."""
        self.capsys.readouterr()
        code = run(["reconcile", "-f", "json", "-q", *map(str, arguments)])
        document = json.loads(self.capsys.readouterr().out)
        return code, {order["key"].removeprefix("b/"): order for order in document["orders"]}

    def apply(self, *orders: str, fault: str | None = None, options: tuple[str, ...] = ()) -> int:
        """Buys orders `n0`, `n1` …; `fault` is armed for the next purchase."""
        lines = "\n".join(f"  - {{name: n{place}, {order}}}" for place, order in enumerate(orders or (IPV4,)))
        path = self.folder / "orders.yaml"
        path.write_text(f"apiVersion: orders/v1\nbatch: b\norders:\n{lines}\n")
        for spec in filter(None, (fault or "").split()):
            self.box.add_fault(spec)
        report = self.folder / "report.json"
        return self.run("apply", "--yes", "-q", "--report", report, *options, path)[0]

    def later(self, seconds: float) -> None:
        """Only the vendor's clock."""
        self.ahead[0] += seconds

    def record(self, name: str = "n0", account: str = "default") -> Record:
        with closing(open_sqlite(self.ledger, account, read_only=True)) as ledger:
            return ledger.records([OrderKey("b", name)])[OrderKey("b", name)]

    def lose(self, *names: str, unknown: bool = True, **fields: Any) -> None:
        """Claims that were made and never answered, one after the other; nothing is bought by it."""
        asked = {"quantity": 2, "customTargetName": "prices"}
        with (
            closing(open_sqlite(self.ledger, "default")) as ledger,
            ledger.hold(Holder(host="h", pid=1, since=datetime.now(UTC), run_id="lost"), timeout=0) as hold,
        ):
            for name in names:
                at = datetime.now(UTC)
                balance = self.box.balances[SANDBOX_KEY]
                request = make.order(name, fields=asked | fields)
                claim = make.claim(request, quote=make.quote("3.60", at=at), ceiling=Decimal("3.60"))
                shown = self.listed_sales()
                numbers = frozenset(number for purchase in shown for number in purchase.base_order_numbers)
                witness = make.witness(*(str(purchase.order_id) for purchase in shown), at=at, numbers=numbers)
                attempt = hold.claim(replace(claim, witness=witness, balance=balance, run_id="lost", at=at))
                if unknown:
                    hold.settle(attempt, Settlement(event=Event.UNKNOWN, after=State.UNKNOWN, at=at, reason="lost"))

    def listed_sales(self) -> list[Sale]:
        return [purchase for purchase in self.box.purchases if purchase.type == "ipv4"]


@pytest.fixture
def open_desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Desk]]:
    served: list[Any] = []

    def make(**switches: Any) -> Desk:
        ahead = [0.0]
        box = Sandbox(options=Options(**switches), clock=lambda: time.time() + ahead[0])
        server = box.serve()
        served.append(server)
        desk = Desk(folder=tmp_path, box=box, capsys=capsys, monkeypatch=monkeypatch, ahead=ahead)
        environment = {
            "PROXY_SELLER_API_KEY": SANDBOX_KEY,
            "PROXY_SELLER_BASE_URL": server.base_url,
            "ORDER_RUNNER_LEDGER": str(desk.ledger),
            "ORDER_RUNNER_RATE": "0",
            "USER": "alice",
        }
        for name in ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_USER_ID", "ORDER_RUNNER_EXCLUSIVE", "CI"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return desk

    yield make
    for server in served:
        server.close()


@pytest.fixture
def desk(open_desk: Callable[..., Desk]) -> Desk:
    return open_desk()
