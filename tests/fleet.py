"""Many machines, one ledger: `python -m tests.fleet [--seed N] [--accounts 4] [--runners 8] [--orders 200] [--kills 3] [--cuts 6]`.

Real runner processes buy overlapping manifests on a few accounts through one PostgreSQL ledger. All start at once, are
killed with SIGKILL at random, and are started again until each finds everything bought. Now and then the server ends the
session of one that has an order in flight. Each has a folder of its own for all that a machine keeps. Then the vendor's purchases are compared with the ledger, and the ledger with itself.
Exits 1 on any violation, and where nothing was killed.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import psycopg

from runner.ledger.interface import Attempt, Hold, Holder, Record, Settlement
from runner.ledger.postgres import open_postgres
from runner.sandbox import Options, Sandbox, SandboxServer
from runner.states import Event, State
from tests.pgserver import NoServer, Server, server

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 180.0
"""Seconds one run may take before something is wrong."""

EXIT_REFUSED, EXIT_UNKNOWN, EXIT_BUSY, KILLED = 5, 7, 9, -9


LOST = ("no longer holds the account", "cannot be used", "did not commit without a warning")
"""What a run says whose session was ended."""

_CUT = """
    SELECT pg_terminate_backend(pid) FROM pg_locks lock JOIN pg_stat_activity session USING (pid)
    WHERE lock.locktype = 'advisory' AND lock.granted AND session.datname = current_database()
      AND session.application_name NOT LIKE 'order-runner person%' AND EXISTS (SELECT FROM orders WHERE state = 'submitted')
    ORDER BY random() LIMIT 1
"""


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
    settling: dict[str, threading.Lock] = field(default_factory=dict)

    def count(self, what: str, by: int = 1) -> None:
        with self.lock:
            self.counts[what] += by

    def accuse(self, words: str) -> None:
        with self.lock:
            self.violations.append(words)

    def bought(self, account: str) -> dict[str, list[str]]:
        """The vendor's truth: order ids by the name of the order, which travels as its purpose."""
        found: dict[str, list[str]] = {}
        for purchase in self.box.purchases:
            if purchase.key == api_key(account):
                found.setdefault(str(purchase.body["customTargetName"]), []).append(str(purchase.order_id))
        return found


def api_key(account: str) -> str:
    return f"FLEET{account}".ljust(32, "0")


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


def live(fleet: Fleet, runner: int, start: threading.Barrier) -> None:
    """One machine: run, be killed, run again, until there is nothing left to do."""
    rng = random.Random(f"{fleet.plan.seed}/{runner}")
    folder, account = fleet.folder / f"machine{runner}", account_of(fleet.plan, runner)
    folder.mkdir()
    (folder / "orders.yaml").write_text(manifest(fleet.plan, runner, rng))
    kills = fleet.plan.kills
    start.wait()
    while not fleet.violations:
        deadly = kills > 0
        moment = rng.uniform(0.5, fleet.plan.longest), rng.random() < 0.5
        code, said = run_once(fleet, runner, *(moment if deadly else ()))
        fleet.count("runs")
        if code == KILLED:
            kills -= 1
            fleet.count("kills")
        elif code == EXIT_BUSY:
            fleet.count("waits")
            if f"account {account} is held by" not in said:
                fleet.accuse(f"machine {runner} of {account} waited for something else: {said[-600:]}")
        elif code == EXIT_UNKNOWN:
            with fleet.settling[account]:
                settle_unknown(fleet, account)
        elif code == EXIT_REFUSED and fleet.counts["cuts"] and any(words in said for words in LOST):
            fleet.count("stopped by a cut")
        elif code == 0 and not deadly:
            return
        elif code != 0:
            fleet.accuse(f"machine {runner} ended with exit code {code}: {said[-600:]}")
        else:
            kills -= 1  # it was done before its time


def survive(fleet: Fleet, runner: int, start: threading.Barrier) -> None:
    """`live`, with whatever goes wrong in the harness held against the run."""
    try:
        live(fleet, runner, start)
    except Exception as error:  # noqa: BLE001 - a thread's error would be printed and forgotten
        fleet.accuse(f"machine {runner}: {error!r}")


def run_once(fleet: Fleet, runner: int, kill_after: float | None = None, aimed: bool = False) -> tuple[int, str]:
    """One `apply`; its exit code, and what it said.

    Killed after so many seconds; where that is `aimed`, as soon as an order of the account is in flight after that.
    """
    folder, account = fleet.folder / f"machine{runner}", account_of(fleet.plan, runner)
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("ORDER_", "PROXY_", "PG"))
    } | {
        "CI": "true",
        "CI_JOB_URL": f"https://ci.example/machine/{runner}",
        "ORDER_RUNNER_LEDGER": fleet.url,
        "ORDER_RUNNER_ACCOUNT": account,
        "PROXY_SELLER_API_KEY": api_key(account),
        "PROXY_SELLER_BASE_URL": fleet.doors[account].base_url,
        "XDG_STATE_HOME": str(folder / "state"),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "runner", "apply", "--yes", "--keep-going", "--rate", "0", "--lock-timeout", "2"]
    with (folder / "log").open("w+b") as log:
        process = subprocess.Popen(
            [*command, "orders.yaml"], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            process.wait(PATIENCE if kill_after is None else kill_after)
        except subprocess.TimeoutExpired:
            if kill_after is None:
                fleet.accuse(f"machine {runner} is not done after {PATIENCE:g} s")
            if aimed:
                wait_for_flight(fleet, account, process)
            process.kill()
            process.wait()
        log.seek(0)
        return process.returncode, log.read().decode(errors="replace")


def cut(fleet: Fleet, pg: Server, ended: threading.Event) -> None:
    """End sessions of holders at random, each at a moment when some order is in flight."""
    rng = random.Random(f"{fleet.plan.seed}/cuts")
    for _ in range(fleet.plan.cuts):
        ended.wait(rng.uniform(0.5, fleet.plan.longest / 2))
        while not ended.is_set():
            with suppress(psycopg.errors.UndefinedTable):
                if pg.run(_CUT, url=fleet.url):
                    fleet.count("cuts")
                    break
            time.sleep(0.01)


def wait_for_flight(fleet: Fleet, account: str, process: subprocess.Popen[bytes]) -> None:
    """Until the account has an order in flight, or the process has ended by itself."""
    asked = "SELECT EXISTS (SELECT FROM orders WHERE account = %s AND state = 'submitted')"
    with psycopg.connect(fleet.url, autocommit=True) as raw:
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < deadline:
            with suppress(psycopg.errors.UndefinedTable):  # nobody has made the tables yet
                if raw.execute(asked, (account,)).fetchone() == (True,):
                    return
            time.sleep(0.002)


def settle_unknown(fleet: Fleet, account: str) -> None:
    """Settle what a killed run left in doubt, by the vendor's own truth, as a person would who can see it.

    The one place to put a command instead, once there is one that settles.
    """
    now = datetime.now(UTC)
    person = Holder(host="desk", pid=os.getpid(), since=now, run_id=f"person-{account}-{time.monotonic_ns()}")
    folder = fleet.folder / "desk"
    with (
        closing(open_postgres(fleet.url, account, folder=folder)) as ledger,
        ledger.hold(person, timeout=PATIENCE) as hold,
    ):
        hold.abandon_submitted(datetime.now(UTC))
        wait_for_silence(fleet.doors[account])
        truth = fleet.bought(account)
        for record in ledger.open_records():
            verdict(hold, record, truth.get(record.key.name, []))
            fleet.count("settled by hand")
            fleet.count("of these bought", bool(truth.get(record.key.name)))


def wait_for_silence(door: SandboxServer) -> None:
    """Until the vendor has read to its end whatever a dead runner had sent. Nobody else may send: the account is held."""
    deadline = time.monotonic() + PATIENCE
    time.sleep(0.3)
    while door._open and time.monotonic() < deadline:
        time.sleep(0.05)


def verdict(hold: Hold, record: Record, order_ids: Sequence[str]) -> None:
    attempt = Attempt(key=record.key, n=record.attempt, run_id=record.run_id or "", claimed_at=record.updated_at)
    hold.settle(
        attempt,
        Settlement(
            event=Event.RESOLVED,
            after=State.PLACED if order_ids else State.ABSENT,
            at=datetime.now(UTC),
            reason="seen at the vendor" if order_ids else "not at the vendor",
            order_id=order_ids[0] if order_ids else None,
        ),
    )


def audit(fleet: Fleet, pg: Server) -> None:
    """Vendor against wishes, ledger against vendor, and the ledger's events against the rules."""
    for account in fleet.doors:
        truth = fleet.bought(account)
        with closing(open_postgres(fleet.url, account, folder=fleet.folder / "desk", read_only=True)) as ledger:
            records = {record.key.name: record for record in ledger.every_record()}
        for name in wanted(fleet.plan, account):
            ids, record = truth.pop(name, []), records.get(name)
            fleet.count("purchases", len(ids))
            fleet.count("duplicates", max(0, len(ids) - 1))
            known = record is not None and record.state is State.PLACED and [record.order_id] == ids
            fleet.count("lost", not known)
            if len(ids) != 1 or not known:
                fleet.accuse(f"{name}: at the vendor {ids}, in the ledger {record}")
        fleet.count("strange", len(truth))
        fleet.violations.extend(f"nobody wanted {name}" for name in truth)
    in_flight(fleet, pg)


def in_flight(fleet: Fleet, pg: Server) -> None:
    """Read from the order of the ledger's events: one order at a time on an account, several accounts at once."""
    flying: dict[str, str] = {}
    for account, key, after in pg.run(
        "SELECT account, key, after FROM order_events WHERE after IS NOT NULL ORDER BY seq", url=fleet.url
    ):
        if after == State.SUBMITTED:
            if account in flying:
                fleet.accuse(f"{key} was sent while {flying[account]} was in flight")
            fleet.count("overlaps of accounts", bool(flying))
            flying[account] = key
        elif after != State.UNKNOWN:
            flying.pop(account, None)


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
        fleet = Fleet(plan=plan, folder=folder, url=url, box=box, doors=doors)
        fleet.settling = {account: threading.Lock() for account in accounts}
        yield fleet


def sail(plan: Plan, pg: Server) -> Fleet:
    """Run a whole fleet; what happened."""
    with world(plan, pg) as fleet:
        start = threading.Barrier(plan.runners)
        crew = [threading.Thread(target=survive, args=(fleet, n, start)) for n in range(plan.runners)]
        ended = threading.Event()
        saboteur = threading.Thread(target=cut, args=(fleet, pg, ended))
        for one in (*crew, saboteur):
            one.start()
        for one in crew:
            one.join()
        ended.set()
        saboteur.join()
        if not fleet.violations:
            audit(fleet, pg)
    if not fleet.counts["kills"]:
        fleet.accuse("nothing was killed: this proves nothing")
    return fleet


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fleet", description=__doc__)
    for name, kind in Plan.__annotations__.items():
        default = getattr(Plan(), name)
        parser.add_argument(f"--{name}", type=type(default), default=default, help=f"{kind}, {default} by default")
    plan = Plan(**vars(parser.parse_args()))
    try:
        with server() as pg:
            fleet = sail(plan, pg)
    except NoServer as error:
        sys.stdout.write(f"no PostgreSQL to test with: {error}\n")
        return 1
    names = (
        "runs",
        "kills",
        "cuts",
        "stopped by a cut",
        "waits",
        "settled by hand",
        "of these bought",
        "purchases",
        "overlaps of accounts",
        "duplicates",
        "lost",
        "strange",
    )
    sys.stdout.write(f"{plan}\n" + "".join(f"{name:>22} {fleet.counts[name]}\n" for name in names))
    sys.stdout.write("".join(f"VIOLATION {words}\n" for words in fleet.violations))
    return 1 if fleet.violations else 0


if __name__ == "__main__":
    sys.exit(main())
