"""One seed's world: a served vendor with books that do not lie, a manifest, a ledger, and nothing else."""

from __future__ import annotations

import json
import socket
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from runner import manifest
from runner.ledger import storage
from runner.ledger.interface import Attempt, Holder, Record, Settlement
from runner.ledger.sqlite import open_sqlite
from runner.orders import OrderKey
from runner.sandbox import KINDS, Options, Sandbox, SandboxServer
from runner.states import Event, State
from runner.vendors.offline_v1 import V1Encoder
from tests.chaos.points import Plan

KEY: Final = "CanaryKeyOfTheChaosTests98765432"
ACCOUNT: Final = "default"
PLENTY: Final = Decimal(100000)


@dataclass(slots=True)
class World:
    """Everything that outlives a runner."""

    folder: Path
    box: Sandbox
    server: SandboxServer
    orders: list[dict[str, Any]] = field(default_factory=list)
    bodies: dict[str, OrderKey] = field(default_factory=dict)
    judged: set[tuple[str, int]] = field(default_factory=set)

    @property
    def ledger_path(self) -> Path:
        return self.folder / "ledger.sqlite3"

    @property
    def env(self) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "PROXY_SELLER_API_KEY": KEY}

    @property
    def keys(self) -> list[OrderKey]:
        return list(self.bodies.values())

    def want(self, orders: Sequence[dict[str, Any]]) -> None:
        """Add orders to the manifest."""
        self.orders.extend(orders)
        # JSON is YAML, and has no surprises.
        head = {"apiVersion": "orders/v1", "batch": "b", "orders": self.orders}
        path = self.folder / "orders.yaml"
        path.write_text(json.dumps(head, indent=1))
        loaded = manifest.load([str(path)])
        assert not loaded.errors, loaded.problems
        encoder = V1Encoder()
        self.bodies = {_canonical(encoder.preview(request)): request.key for request in loaded.orders}
        assert len(self.bodies) == len(self.orders), "two orders with one body cannot be told apart"

    def arguments(self, slot: str, plan: Plan) -> list[str]:
        """The command line of one runner; each has a report of its own."""
        return [
            *("apply", "orders.yaml", "--yes", "--rate", "0"),
            *("--ledger", "ledger.sqlite3", "--base-url", self.server.base_url),
            *("--report", f"report-{slot}.json", "--lock-timeout", str(plan.lock_timeout)),
        ]

    def bought(self) -> dict[OrderKey | None, list[str]]:
        """The vendor's books: order ids by our key, None for what fits no order of ours."""
        found: dict[OrderKey | None, list[str]] = defaultdict(list)
        for purchase in self.box.purchases:
            found[self.bodies.get(_canonical(purchase.body))].append(str(purchase.order_id))
        return dict(found)

    def records(self) -> dict[OrderKey, Record]:
        """The ledger as a bystander reads it.

        A death while a new file is switched to its write-ahead log leaves a rollback journal, which only an opening
        for writing can clear away: then the next `apply` does that, and here this does.
        """
        if storage.beside(self.ledger_path, "-journal").exists():
            open_sqlite(self.ledger_path, ACCOUNT).close()
        ledger = open_sqlite(self.ledger_path, ACCOUNT, read_only=True)
        try:
            return {record.key: record for record in ledger.every_record()}
        finally:
            ledger.close()

    def arm(self, faults: Sequence[str]) -> None:
        """`KIND+K[:ARG]`: the K-th request to its endpoint from now on."""
        for spec in faults:
            kind, _, rest = spec.partition("+")
            ahead, colon, argument = rest.partition(":")
            endpoint = KINDS[kind].endpoint
            seen = self.box._faults._seen[endpoint]
            self.box.add_fault(f"{kind}@{seen + int(ahead)}{colon}{argument}")

    def calm(self) -> None:
        """No fault fires any more."""
        with self.box._lock:
            self.box._faults._armed.clear()

    def settled_down(self) -> None:
        """Returns when no request of a dead runner, and no late order, is on its way at the vendor any more."""
        host, port = urlsplit(self.server.base_url).netloc.split(":")
        with socket.create_connection((host, int(port)), timeout=10) as last:  # taken up after all that came before
            last.sendall(b"GET /_sandbox/state HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            while last.recv(1 << 16):
                pass
        deadline = time.monotonic() + 20
        while self.server._open or self.box._vendor.later:
            assert time.monotonic() < deadline, "the vendor does not come to rest"
            time.sleep(0.005)
            _ = self.box.purchases  # makes what is late


@contextmanager
def world(folder: Path, *, delay: float = 0.0) -> Iterator[World]:
    """A new world with nothing wanted yet."""
    box = Sandbox(options=Options(accounts={KEY: PLENTY}, provisioning_delay=delay))
    with box.serve() as server:
        yield World(folder=folder, box=box, server=server)


def _canonical(body: Any) -> str:
    return json.dumps(dict(body), sort_keys=True)


def settle_open(found: World) -> int:
    """Settle every open order by the vendor's books, as a person with the dashboard would; how many there were.

    The one place to put `order-runner reconcile --settle-after 0s --exclusive` in. It must be called when every
    runner is dead.
    """
    found.settled_down()
    bought = found.bought()
    now = datetime.now(UTC)
    holder = Holder(host="judge", pid=1, since=now, run_id="judge")
    ledger = open_sqlite(found.ledger_path, ACCOUNT)
    try:
        with ledger.hold(holder, timeout=1) as hold:
            hold.abandon_submitted(now)
            left = ledger.open_records()
            for record in left:
                attempt = Attempt(key=record.key, n=record.attempt, run_id="judge", claimed_at=record.updated_at)
                hold.settle(attempt, _verdict(bought.get(record.key, []), now))
    finally:
        ledger.close()
    return len(left)


def _verdict(ids: list[str], now: datetime) -> Settlement:
    after = State.PLACED if ids else State.ABSENT
    return Settlement(
        event=Event.RESOLVED, after=after, at=now, reason="the vendor's books", order_id=ids[0] if ids else None
    )
