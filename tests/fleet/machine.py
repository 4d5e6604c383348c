"""One machine: it runs `apply`, is killed, settles what is in doubt, and runs again until there is nothing left to do."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import psycopg

from runner.core.states import State
from tests.fleet.world import Fleet, account_of, manifest
from tests.pgserver import Server

PATIENCE = 180.0
"""Seconds one run may take before something is wrong."""
SETTLE_AFTER = 4
"""Seconds of `--settle-after`: a request that a dead runner had written is bought in far less."""

EXIT_OK, EXIT_REFUSED, EXIT_UNKNOWN, EXIT_BUSY, KILLED = 0, 5, 7, 9, -9

LOST = ("no longer holds the account", "cannot be used", "committed with a warning")
"""What a run says whose session was ended."""

_CUT = """
    SELECT pg_terminate_backend(pid) FROM pg_locks lock JOIN pg_stat_activity session USING (pid)
    WHERE lock.locktype = 'advisory' AND lock.granted AND session.datname = current_database()
      AND EXISTS (SELECT FROM orders WHERE state = 'submitted')
    ORDER BY random() LIMIT 1
"""


def live(fleet: Fleet, runner: int, start: threading.Barrier) -> None:
    """Run, be killed, run again, until there is nothing left to do."""
    rng = random.Random(f"{fleet.plan.seed}/{runner}")
    account = account_of(fleet.plan, runner)
    folder_of(fleet, runner)
    (folder_of(fleet, runner) / "orders.yaml").write_text(manifest(fleet.plan, runner, rng))
    kills = fleet.plan.kills
    start.wait()
    while not fleet.violations:
        deadly = kills > 0
        moment = rng.uniform(0.5, fleet.plan.longest), rng.choice((None, rng.uniform(0, 0.03)))
        code, complaint = run_once(fleet, runner, *(moment if deadly else ()))
        fleet.count("runs")
        if code == KILLED:
            kills -= 1
            fleet.count("kills")
        elif code == EXIT_BUSY:
            fleet.count("waits")
            if f"account {account} is held by" not in complaint:
                fleet.accuse(f"machine {runner} of {account} waited for something else: {complaint[-600:]}")
        elif code == EXIT_UNKNOWN:
            settle(fleet, runner)
        elif was_cut(fleet, code, complaint):
            fleet.count("stopped by a cut")
        elif code == EXIT_OK and not deadly:
            return
        elif code != EXIT_OK:
            fleet.accuse(f"machine {runner} ended with exit code {code}: {complaint[-600:]}")
        else:
            kills -= 1  # it was done before its time


def was_cut(fleet: Fleet, code: int, complaint: str) -> bool:
    """Whether a command ended because the server had ended its session."""
    return code == EXIT_REFUSED and fleet.counts["cuts"] > 0 and any(words in complaint for words in LOST)


def survive(fleet: Fleet, runner: int, start: threading.Barrier) -> None:
    """`live`, with whatever goes wrong in the harness held against the run."""
    try:
        live(fleet, runner, start)
    except Exception as error:  # noqa: BLE001 - a thread's error would be printed and forgotten
        fleet.accuse(f"machine {runner}: {error!r}")


def folder_of(fleet: Fleet, machine: int | str) -> Path:
    """All that a machine keeps."""
    folder = fleet.folder / f"machine{machine}"
    folder.mkdir(exist_ok=True)
    return folder


def run_once(fleet: Fleet, runner: int, kill_after: float | None = None, aim: float | None = None) -> tuple[int, str]:
    """One `apply`; its exit code, and what it said.

    Killed after so many seconds; with an `aim`, so many seconds after the next order of the account is in flight.
    """
    account = account_of(fleet.plan, runner)
    command = [sys.executable, "-m", "runner", "apply", "--yes", "--keep-going", "--lock-timeout", "2", "orders.yaml"]
    folder, environment = folder_of(fleet, runner), fleet.environment(str(runner), account)
    with (folder / "log").open("w+b") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            process.wait(PATIENCE if kill_after is None else kill_after)
        except subprocess.TimeoutExpired:
            if kill_after is None:
                fleet.accuse(f"machine {runner} is not done after {PATIENCE:g} s")
            if aim is not None:
                wait_for_flight(fleet, account, process)
                time.sleep(aim)
            process.kill()
            process.wait()
        log.seek(0)
        return process.returncode, log.read().decode(errors="replace")


def command(fleet: Fleet, machine: int | str, account: str, *arguments: str) -> tuple[int, str, str]:
    """Any other command on a machine: exit code, stdout, stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "runner", *arguments],
        cwd=folder_of(fleet, machine),
        env=fleet.environment(str(machine), account),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def settle(fleet: Fleet, runner: int) -> None:
    """`reconcile` on the machine that met the doubt, whatever its mates do meanwhile; else a person at the dashboard."""
    account = account_of(fleet.plan, runner)
    wait = ["--settle-after", f"{SETTLE_AFTER}s", "--wait", f"{2 * SETTLE_AFTER}s", "--lock-timeout", "2"]
    code, output, complaint = command(fleet, runner, account, "reconcile", "--exclusive", "-f", "json", *wait)
    fleet.count("reconciles")
    if code == EXIT_BUSY:
        fleet.count("waits")
        return
    if was_cut(fleet, code, complaint):
        fleet.count("stopped by a cut")
        return
    if code not in (EXIT_OK, EXIT_UNKNOWN):
        fleet.accuse(f"reconcile on machine {runner} ended with exit code {code}: {complaint[-600:]}")
        return
    for order in json.loads(output)["orders"]:
        hold_against_truth(fleet, account, order)
        if order["ruling"] == "open" and code == EXIT_UNKNOWN:
            resolve(fleet, runner, account, order["key"])


def hold_against_truth(fleet: Fleet, account: str, order: dict[str, str]) -> None:
    """A verdict of `reconcile` and the vendor's books. What is absent may be bought by a mate by now, as the next attempt."""
    ids = fleet.bought(account).get(order["key"].partition("/")[2], [])
    fleet.count(f"reconciled {order['ruling']}")
    if order["ruling"] == "placed" and order["order_id"] not in ids:
        fleet.accuse(f"{order['key']} was called placed as {order['order_id']}, the vendor has {ids}")


def resolve(fleet: Fleet, runner: int, account: str, key: str) -> None:
    """A person says what the dashboard shows; somebody else may have settled it meanwhile."""
    ids = fleet.bought(account).get(key.partition("/")[2], [])
    said = ["--placed", ids[0]] if ids else ["--absent", "--reason", "not there", "--accept-possible-second-purchase"]
    code, _, complaint = command(fleet, runner, account, "resolve", key, *said, "--yes", "--lock-timeout", "2")
    fleet.count("settled by a person", code in (EXIT_OK, EXIT_UNKNOWN))
    if code not in (EXIT_OK, EXIT_UNKNOWN, EXIT_BUSY, EXIT_REFUSED):
        fleet.accuse(f"resolve {key} on machine {runner} ended with exit code {code}: {complaint[-600:]}")


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
    asked = f"SELECT EXISTS (SELECT FROM orders WHERE account = %s AND state = '{State.SUBMITTED}')"
    with psycopg.connect(fleet.url, autocommit=True) as raw:
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < deadline:
            with suppress(psycopg.errors.UndefinedTable):  # nobody has made the tables yet
                if raw.execute(asked.encode(), (account,)).fetchone() == (True,):
                    return
            time.sleep(0.002)
