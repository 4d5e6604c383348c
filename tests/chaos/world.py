"""One seed's world: a served vendor with books that do not lie, a manifest, a ledger, and nothing else."""

from __future__ import annotations

import json
import socket
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from runner import manifest
from runner.core.ledger import Ledger
from runner.core.orders import OrderKey
from runner.core.records import OpenClaim, Record
from runner.core.renewals import term_id
from runner.core.states import OPEN, State
from runner.ledger.sqlite import open_sqlite
from runner.sandbox import KINDS
from runner.sandbox.basket import RefusedError
from runner.sandbox.box import Sandbox
from runner.sandbox.control import stranger_body
from runner.sandbox.options import Options
from runner.sandbox.server import SandboxServer
from runner.vendors.v1.offline import V1Encoder
from tests.chaos.points import Plan

KEY: Final = "CanaryKeyOfTheChaosTests98765432"
ACCOUNT: Final = "default"
PLENTY: Final = Decimal(100000)


@dataclass(slots=True)
class World:
    """What outlives every real runner: a folder with manifest and ledger, and a served sandbox that remembers the truth.

    `renewing` are the keys of orders that the manifest has renewed, each once.
    `jobs_of` says how many purchases a run, by its id, may have in flight; `current_runs` are those of this round.
    """

    folder: Path
    box: Sandbox
    server: SandboxServer
    shared: bool = False
    orders: list[dict[str, Any]] = field(default_factory=list)
    bodies: dict[str, OrderKey] = field(default_factory=dict)
    renewing: list[OrderKey] = field(default_factory=list)
    judged: set[tuple[str, int]] = field(default_factory=set)
    jobs_of: dict[str, int] = field(default_factory=dict)
    current_runs: set[str] = field(default_factory=set)

    @property
    def ledger_path(self) -> Path:
        return self.folder / "ledger.sqlite3"

    @property
    def env(self) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "PROXY_SELLER_API_KEY": KEY, "USER": "desk"}

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
        self.renewing = [request.key for request in loaded.orders if request.renew]
        assert len(self.bodies) == len(self.orders), "two orders with one body cannot be told apart"

    def arguments(self, slot: str, plan: Plan) -> list[str]:
        """The command line of one runner; each has a report of its own."""
        return [
            *("orders.yaml", "--yes", "--rate", "0", "--large", str(PLENTY)),
            *("--ledger", "ledger.sqlite3", "--base-url", self.server.base_url),
            *("--report", f"report-{slot}.json", "--lock-timeout", str(plan.lock_timeout)),
            *("--jobs", str(plan.jobs)),
        ]

    def bought(self) -> dict[OrderKey | None, list[str]]:
        """The vendor's books: order ids by our key, None for what fits no order of ours. Strangers' are left out.

        A renewal has the id that the ledger gives its term. An order is to be renewed once, so every term of it counts
        as one of the first.
        """
        ids: dict[OrderKey | None, list[str]] = defaultdict(list)
        for key, order_id, _ in self._sales():
            ids[key].append(order_id)
        return dict(ids)

    def bought_at(self, key: OrderKey) -> list[float]:
        """When the vendor's books say it was bought."""
        return [at for sold, _, at in self._sales() if sold == key]

    def _sales(self) -> Iterator[tuple[OrderKey | None, str, float]]:
        """What we were sold, as key, id in the ledger, and when."""
        keys: dict[int, OrderKey | None] = {}
        for purchase in self.box.purchases:
            if not purchase.stranger:
                keys[purchase.order_id] = key = self.bodies.get(_canonical(purchase.body))
                yield key, str(purchase.order_id), purchase.at
        first: dict[int, OrderKey | None] = {}
        for renewal in self.box.renewals:
            for order_id, before, _ in renewal.terms:
                end = datetime.fromtimestamp(before, UTC).date()
                key = keys.get(order_id)
                term = first.setdefault(order_id, key.renewal(end) if key in self.renewing and key else None)
                yield term, term_id(str(order_id), end), renewal.at

    def stranger_buys(self, order: Mapping[str, Any]) -> bool:
        """Somebody else buys on our account, past every fault; False where the balance does not allow it."""
        with self.box._turn() as turn:
            body = stranger_body(dict(order))
            try:
                event = self.box._vendor.buy(self.box._vendor.account(KEY), body, time.time(), stranger=True)
            except RefusedError:
                return False
            self.box._commit(turn, event)
            return True

    def top_up(self) -> None:
        """Money for what comes next, unless an order is in doubt: it would blur what the balance tells of it."""
        if not any(record.state in OPEN for record in self.records().values()):
            self.box.set_balance(PLENTY, KEY)

    def records(self) -> dict[OrderKey, Record]:
        """The ledger as a bystander reads it."""
        with self._reading() as ledger:
            return {record.key: record for record in ledger.every_record()}

    def open_claims(self) -> dict[OrderKey, OpenClaim]:
        """What is in doubt, what a dead run left `submitted` included."""
        with self._reading() as ledger:
            return {claim.record.key: claim for claim in ledger.open_claims()}

    def claimed_by(self) -> dict[OrderKey, str]:
        """The run that claimed an order last."""
        with self._reading() as ledger:
            entries = [entry for entry in ledger.history() if entry.after == State.SUBMITTED]
        return {OrderKey.parse(entry.key): entry.run_id or "" for entry in entries}

    def _reading(self) -> closing[Ledger]:
        return closing(open_sqlite(self.ledger_path, ACCOUNT, read_only=True))

    def arm(self, faults: Sequence[str]) -> None:
        """`KIND+K[xN][:ARG]`: the K-th request to its endpoint from now on, and the next ones, N in all."""
        for spec in faults:
            kind, _, rest = spec.partition("+")
            place, colon, argument = rest.partition(":")
            ahead, x, times = place.partition("x")
            endpoint = KINDS[kind].endpoint
            seen = self.box._faults._seen[endpoint]
            self.box.add_fault(f"{kind}@{seen + int(ahead)}{x}{times}{colon}{argument}")

    def calm(self) -> None:
        """No fault fires any more."""
        with self.box._lock:
            self.box._faults._armed.clear()

    @contextmanager
    def blinded(self, kind: str) -> Iterator[None]:
        """A fault that does not pass while this lasts."""
        self.box.add_fault(f"{kind}x*")
        try:
            yield
        finally:
            with self.box._lock:
                armed = self.box._faults._armed
                armed[:] = [(fault, times) for fault, times in armed if fault.count is not None]

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
def world(folder: Path, *, shared: bool = False, **switches: Any) -> Iterator[World]:
    """A new world with nothing wanted yet, and a vendor with these switches."""
    box = Sandbox(options=Options(accounts={KEY: PLENTY}, **switches))
    with box.serve() as server:
        yield World(folder=folder, box=box, server=server, shared=shared)


def _canonical(body: Any) -> str:
    return json.dumps(dict(body), sort_keys=True)
