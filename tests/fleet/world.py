"""What a fleet is made of: a vendor, one PostgreSQL ledger, accounts, wishes, and a folder for each machine."""

from __future__ import annotations

import os
import random
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from runner.core.records import Holder
from runner.ledger.postgres import open_postgres
from runner.limits.admission import enter_account
from runner.sandbox.box import Sandbox
from runner.sandbox.options import Options
from runner.sandbox.server import SandboxServer
from tests.pgserver import Server

ROOT = Path(__file__).resolve().parents[2]
JOBS = (2, 8)
"""Purchases that a machine may have in flight at once, in turns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do; the same seed gives the same manifests and the same moments to kill at."""

    seed: int = 1
    accounts: int = 4
    runners: int = 8
    orders: int = 200
    kills: int = 3
    cuts: int = 6
    longest: float = 6.0


@dataclass(slots=True)
class Fleet:
    """One vendor, one ledger, and what has happened so far."""

    plan: Plan
    folder: Path
    url: str
    box: Sandbox
    doors: dict[str, SandboxServer]
    counts: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, what: str, by: int = 1) -> None:
        with self.lock:
            self.counts[what] += by

    def accuse(self, words: str) -> None:
        with self.lock:
            self.violations.append(words)

    def bought(self, account: str) -> dict[str, list[str]]:
        """The vendor's truth: order ids by the name of the order, which travels as its purpose."""
        ids: dict[str, list[str]] = {}
        for purchase in self.box.purchases:
            if purchase.key == api_key(account):
                ids.setdefault(str(purchase.body["customTargetName"]), []).append(str(purchase.order_id))
        return ids

    def environment(self, machine: str, account: str) -> dict[str, str]:
        """All that a job on one machine is given."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ORDER_", "PROXY_", "PG"))}
        return kept | {
            "CI": "true",
            "CI_JOB_URL": f"https://ci.example/machine/{machine}",
            "USER": "desk",
            "ORDER_RUNNER_LEDGER": self.url,
            "ORDER_RUNNER_ACCOUNT": account,
            "ORDER_RUNNER_RATE": "0",
            "ORDER_RUNNER_JOBS": str(jobs_of(machine, self.plan.accounts)),
            "PROXY_SELLER_API_KEY": api_key(account),
            "PROXY_SELLER_BASE_URL": self.doors[account].base_url,
            "XDG_STATE_HOME": str(self.folder / f"machine{machine}" / "state"),
            "PYTHONPATH": str(ROOT),
        }


def api_key(account: str) -> str:
    return f"FLEET{account}".ljust(32, "0")


def jobs_of(machine: str, accounts: int) -> int:
    """Mates on an account differ; machines that buy nothing have the first number."""
    return JOBS[int(machine) // accounts % len(JOBS)] if machine.isdecimal() else JOBS[0]


def account_of(plan: Plan, n: int) -> str:
    return f"acc{n % plan.accounts}"


def wanted(plan: Plan, account: str) -> list[str]:
    """The names of all orders of an account."""
    return [f"{account}-n{n}" for n in range(plan.orders) if account_of(plan, n) == account]


def manifest(plan: Plan, runner: int, rng: random.Random) -> str:
    """A runner's own copy: its share of its account's orders for certain, and many of those of the others."""
    account = account_of(plan, runner)
    mates = [n for n in range(plan.runners) if account_of(plan, n) == account]
    lines = ["apiVersion: orders/v1", f"batch: {account}", "defaults: {periodId: 1m}", "orders:"]
    for n, name in enumerate(wanted(plan, account)):
        if mates[n % len(mates)] == runner or rng.random() < 0.6:
            what = f"type: ipv4, countryId: 561, quantity: {1 + n % 4}, customTargetName: {name}"
            lines.append(f"  - {{name: {name}, {what}}}")
    return "\n".join(lines) + "\n"


@contextmanager
def world(plan: Plan, pg: Server) -> Iterator[Fleet]:
    """Everything a fleet needs, for the length of a `with`."""
    accounts = [account_of(plan, n) for n in range(min(plan.accounts, plan.runners))]
    money = {api_key(account): Decimal(1_000_000) for account in accounts}
    box = Sandbox(options=Options(accounts=money, latency=0.03))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="order-runner-fleet-")))
        doors = {account: stack.enter_context(box.serve()) for account in accounts}
        url = pg.create()
        stack.callback(pg.drop, url)
        for account in accounts:
            _enter(url, account, folder / "founder")
        yield Fleet(plan=plan, folder=folder, url=url, box=box, doors=doors)


def _enter(url: str, account: str, folder: Path) -> None:
    """Make an account known to the ledger, which in CI no purchase does; its key is entered by its first run."""
    now = datetime.now(UTC)
    founder = Holder(host="founder", pid=1, since=now, run_id="founding")
    with closing(open_postgres(url, account, folder=folder)) as ledger, ledger.hold(founder, timeout=60) as hold:
        enter_account(ledger, hold, None, at=now, who="the founder of the fleet")
