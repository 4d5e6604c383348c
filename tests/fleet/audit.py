"""What must hold when all machines are done: vendor, wishes and ledger agree, and any machine can tell."""

from __future__ import annotations

import json
from contextlib import closing

from runner.core.states import State
from runner.ledger.postgres import open_postgres
from tests.fleet.machine import EXIT_OK, command, folder_of
from tests.fleet.world import JOBS, Fleet, wanted
from tests.pgserver import Server


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
    """Read from the order of the ledger's events: one run at a time on an account, with no more orders than its jobs."""
    flying: dict[str, dict[str, str]] = {account: {} for account in fleet.doors}
    for account, key, after, run in pg.run(
        "SELECT account, key, after, run_id FROM order_events WHERE after IS NOT NULL ORDER BY seq", url=fleet.url
    ):
        if after == State.SUBMITTED:
            mine = flying[account]
            if set(mine.values()) - {run} or len(mine) >= max(JOBS):
                fleet.accuse(f"{key} was sent by {run} while in flight were {mine}")
            fleet.count("overlaps of accounts", any(keys for name, keys in flying.items() if name != account))
            fleet.count("overlaps on an account", bool(mine))
            mine[key] = run
        elif after != State.UNKNOWN:
            flying[account].pop(key, None)


def seen_from_afar(fleet: Fleet) -> None:
    """A machine that bought nothing sees every order with `status`, and takes a history out that is whole."""
    for account in fleet.doors:
        code, output, complaint = command(fleet, "-afar", account, "status", "-f", "json")
        orders = {order["key"]: order for order in json.loads(output)["orders"]} if code == EXIT_OK else {}
        truth = {f"{account}/{name}": ids for name, ids in fleet.bought(account).items()}
        seen = {key: [order["order_id"]] for key, order in orders.items() if order["state"] == State.PLACED}
        if seen != truth:
            fleet.accuse(f"status from afar, exit code {code}: {seen}, the vendor has {truth}; {complaint[-600:]}")
        export = f"{account}.jsonl"
        for arguments in (["export", "-o", export], ["verify", export], ["verify"]):
            code, output, complaint = command(fleet, "-afar", account, "ledger", *arguments)
            if code != EXIT_OK:
                fleet.accuse(f"ledger {' '.join(arguments)} ended with {code}: {output[-300:]}{complaint[-600:]}")
        with (folder_of(fleet, "-afar") / export).open() as lines:
            fleet.count("lines exported", sum(1 for _ in lines))
        fleet.count("orders seen from afar", len(seen))
