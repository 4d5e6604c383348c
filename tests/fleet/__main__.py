"""Many machines, one ledger: `python -m tests.fleet [--seed N] [--accounts 4] [--runners 8] [--orders 200] [--kills 3] [--cuts 6]`.

Real runner processes buy overlapping manifests on a few accounts through one PostgreSQL ledger. All start at once, are
killed with SIGKILL at random, and are started again until each finds everything bought. Now and then the server ends the
session of one that has an order in flight. What is in doubt is settled by `order-runner reconcile`. Each has a folder of
its own for all that a machine keeps. Then the vendor's purchases are compared with the ledger, the ledger with itself,
and both with what `status`, `ledger export` and `ledger verify` say on a machine that bought nothing.
Exits 1 on any violation, and where nothing was killed or reconciled, or no account had several orders in flight.
"""

from __future__ import annotations

import argparse
import sys
import threading

from tests.fleet.audit import audit, seen_from_afar
from tests.fleet.machine import cut, survive
from tests.fleet.world import Fleet, Plan, world
from tests.pgserver import NoServer, Server, server

COUNTS = (
    "runs",
    "kills",
    "cuts",
    "stopped by a cut",
    "waits",
    "reconciles",
    "reconciled placed",
    "reconciled absent",
    "reconciled open",
    "settled by a person",
    "purchases",
    "overlaps of accounts",
    "overlaps on an account",
    "orders seen from afar",
    "lines exported",
    "duplicates",
    "lost",
    "strange",
)


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
            seen_from_afar(fleet)
    return fleet


def gaps(fleet: Fleet) -> list[str]:
    """What has to happen in a run that proves anything, and did not."""
    return [
        f"no {what}: this proves nothing"
        for what in ("kills", "reconciles", "overlaps on an account")
        if not fleet.counts[what]
    ]


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
    sys.stdout.write(f"{plan}\n" + "".join(f"{name:>22} {fleet.counts[name]}\n" for name in COUNTS))
    wrong = fleet.violations + gaps(fleet)
    sys.stdout.write("".join(f"VIOLATION {words}\n" for words in wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
