"""What the ledger costs an order, and whether old orders cost anything: SQLite, on the disk of `--folder`.

    python benchmarks/ledger.py [--purchases 2000] [--orders 100000] [--rounds 5] [--folder DIR]

First, claim and settle of one order, durable, beside two bare `INSERT; COMMIT` of the same bytes in a table of one
column and beside one fsync, in turn, so that all of them meet the same disk. Then, in processes of their own, what it
takes to open a ledger of `--orders` settled orders and to plan 1,000 new ones, beside an empty ledger. A figure is the
median of its turns, memory the greatest peak. The full size is `--orders 1000000`: about ten minutes and 3 GB.
Exit 1 where a target is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from runner.errors import Span  # noqa: E402 - a script finds the project beside it
from runner.ledger.chain import Entry, Head, event_hash  # noqa: E402
from runner.ledger.codec import claim_detail, json_text, moment_text, settlement_detail  # noqa: E402
from runner.ledger.interface import Claim, Hold, Holder, Settlement  # noqa: E402
from runner.ledger.sqlite import open_sqlite  # noqa: E402
from runner.orders import OrderKey, OrderRequest, Quote, Source  # noqa: E402
from runner.states import Event, State  # noqa: E402
from runner.vendors.interface import Witness  # noqa: E402

MAX_COMMITS = 2.0
"""Claim and settle, in times of two bare commits."""
MAX_PLAN = 3.0
"""Opening and planning with old orders, in times of an empty ledger."""
MAX_PEAK = 1.1
"""Peak memory with old orders, in times of an empty ledger."""
NEW = 1000

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SOURCE = Source(path="orders.yaml", span=Span(line=1, column=1, end_line=1, end_column=2))
WITNESS = Witness(type="ipv4", order_ids=frozenset(str(1_000_000 + n) for n in range(50)), at=AT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One promise, and what was measured."""

    promise: str
    measured: float
    limit: float

    @property
    def kept(self) -> bool:
        return self.measured <= self.limit


@dataclass(slots=True)
class Turns:
    """Milliseconds of what is measured in turn."""

    ledger: list[float] = field(default_factory=list)
    commits: list[float] = field(default_factory=list)
    fsync: list[float] = field(default_factory=list)


def request(batch: str, n: int) -> OrderRequest:
    fields = {"countryId": 561, "customTargetName": "price monitoring", "paymentId": 1, "periodId": "1m", "quantity": 5}
    return OrderRequest(key=OrderKey(batch, f"order-{n:07}"), type="ipv4", fields=fields, source=SOURCE)


def claim(wanted: OrderRequest, at: datetime) -> Claim:
    return Claim(
        request=wanted,
        quote=Quote(total=Decimal("12.30"), at=at, unit_price=Decimal("2.46"), balance=Decimal("100.00")),
        ceiling=Decimal("13.00"),
        witness=WITNESS,
        balance=Decimal("100.00"),
        run_id="20261123T120000Z-0a1b2c3d",
        at=at,
    )


def placed(n: int, at: datetime) -> Settlement:
    return Settlement(
        event=Event.PLACED,
        after=State.PLACED,
        at=at,
        order_id=str(2_000_000 + n),
        base_order_numbers=(f"{n}_1",),
        total=Decimal("12.30"),
        balance=Decimal("87.70"),
        evidence={"http_status": 200, "body_sha256": "0" * 64},
    )


def purchases(folder: Path, count: int) -> Turns:
    """`count` orders, each beside two bare commits and a bare fsync."""
    turns, payload = Turns(), "x" * 1200
    holder = Holder(host="bench", pid=os.getpid(), since=AT, run_id="bench")
    with (
        closing(open_sqlite(folder / "purchases.db", "bench")) as ledger,
        closing(_bare(folder / "bare.db")) as bare,
        (folder / "bare.bin").open("wb") as file,
        ledger.hold(holder, timeout=0) as hold,
    ):
        for n in range(count):
            wanted = claim(request("bench", n), AT + timedelta(seconds=n))
            answer = placed(n, AT + timedelta(seconds=n, milliseconds=500))
            # Both are known before an order is claimed: the plan has the fingerprint, the reading its digest.
            _ = wanted.request.fingerprint, wanted.witness.digest
            turns.ledger.append(_timed(lambda: _buy(hold, wanted, answer)))  # noqa: B023 - called at once
            turns.commits.append(_timed(lambda: _commit_twice(bare, payload)))
            turns.fsync.append(_timed(lambda: _sync(file.fileno())))
    return turns


def _bare(path: Path) -> sqlite3.Connection:
    bare = sqlite3.connect(path, isolation_level=None)
    bare.execute("PRAGMA journal_mode = WAL")
    bare.execute("PRAGMA synchronous = FULL")
    bare.execute("CREATE TABLE bare (text)")
    return bare


def _timed(call: object) -> float:
    started = time.perf_counter()
    call()  # type: ignore[operator]
    return (time.perf_counter() - started) * 1000


def _buy(hold: Hold, wanted: Claim, answer: Settlement) -> None:
    hold.settle(hold.claim(wanted), answer)


def _commit_twice(bare: sqlite3.Connection, payload: str) -> None:
    for _ in range(2):
        bare.execute("BEGIN IMMEDIATE")
        bare.execute("INSERT INTO bare VALUES (?)", (payload,))
        bare.execute("COMMIT")


def _sync(descriptor: int) -> None:
    os.write(descriptor, b"x" * 4096)
    os.fsync(descriptor)


def history(count: int) -> Iterator[Entry | Witness]:
    """`count` orders that were bought, as a ledger would tell it."""
    yield WITNESS
    head = Head()
    for n in range(count):
        wanted, answer = claim(request("old", n), AT + timedelta(seconds=n)), placed(n, AT + timedelta(seconds=n))
        told = (
            (Event.CLAIMED, State.PLANNED, State.SUBMITTED, json_text(claim_detail(wanted))),
            (Event.PLACED, State.SUBMITTED, State.PLACED, json_text(settlement_detail(answer))),
        )
        for event, before, after, detail in told:
            values = {
                "account": "bench",
                "key": str(wanted.request.key),
                "attempt": 1,
                "event": event.value,
                "before": before.value,
                "after": after.value,
                "at": moment_text(wanted.at),
                "run_id": wanted.run_id,
                "reason": None,
                "detail": detail,
                "prev_hash": head.hash,
            }
            entry = Entry(**values, hash=event_hash(values))  # type: ignore[arg-type]
            head = Head(head.events + 1, entry.hash)
            yield entry


def fill(path: Path, count: int) -> None:
    """A ledger of `count` bought orders."""
    holder = Holder(host="bench", pid=os.getpid(), since=AT, run_id="bench")
    with closing(open_sqlite(path, "bench")) as ledger, ledger.hold(holder, timeout=0) as hold:
        hold.restore(history(count))


PLANNING = """
import json, resource, sys, time
sys.path[:0] = sys.argv[2:4]
from ledger import AT, NEW, request
from runner import plan
from runner.ledger.sqlite import open_sqlite
from runner.manifest import Loaded
from pathlib import Path
orders = tuple(request("new", n) for n in range(NEW))
_ = [order.fingerprint for order in orders]
started = time.perf_counter()
ledger = open_sqlite(Path(sys.argv[1]), "bench", read_only=True)
assert ledger.open_records() == []
steps = plan.draft(
    Loaded(count=NEW, orders=orders, batches=(), problems=(), files=()),
    ledger.records(o.key for o in orders),
    today=AT.date(),
)
ledger.close()
assert sum(step.to_buy for step in steps) == NEW
print(json.dumps([(time.perf_counter() - started) * 1000, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


def planning(path: Path) -> tuple[float, float]:
    """Milliseconds to open and plan, and the peak of the process in MB."""
    argv = [sys.executable, "-c", PLANNING, str(path), str(ROOT / "benchmarks"), str(ROOT)]
    done = subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True)
    milliseconds, peak = json.loads(done.stdout)
    return milliseconds, peak


def main() -> int:
    options = _options()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        turns = purchases(folder, options.purchases)
        sizes = {0: folder / "empty.db", options.orders: folder / "full.db"}
        for size, path in sizes.items():
            fill(path, size)
        rounds = [{size: planning(path) for size, path in sizes.items()} for _ in range(options.rounds)]
    return _judge(turns, rounds, options.orders)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--purchases", type=int, default=2000)
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=None, help="on the disk to measure [the system's temporary one]")
    return parser.parse_args()


def _judge(turns: Turns, rounds: list[dict[int, tuple[float, float]]], orders: int) -> int:
    """Print both tables; 1 where a target is missed."""
    ours, bare, fsync = median(turns.ledger), median(turns.commits), median(turns.fsync)
    times = {size: median(found[size][0] for found in rounds) for size in (0, orders)}
    peaks = {size: max(found[size][1] for found in rounds) for size in (0, orders)}
    print("| what | median, ms | peak, MB | turns |")
    print("|---|---:|---:|---:|")
    print(f"| claim and settle one order | {ours:.3f} | | {len(turns.ledger):,} |")
    print(f"| two bare `INSERT; COMMIT` | {bare:.3f} | | {len(turns.commits):,} |")
    print(f"| one bare fsync | {fsync:.3f} | | {len(turns.fsync):,} |")
    for size in (0, orders):
        print(f"| open, plan {NEW:,} new beside {size:,} | {times[size]:.1f} | {peaks[size]:.1f} | {len(rounds)} |")
    targets = (
        Target(promise="claim and settle, in two bare commits", measured=ours / bare, limit=MAX_COMMITS),
        Target(
            promise="planning beside old orders, in an empty ledger's",
            measured=times[orders] / times[0],
            limit=MAX_PLAN,
        ),
        Target(promise="peak memory, in an empty ledger's", measured=peaks[orders] / peaks[0], limit=MAX_PEAK),
    )
    print("\n| target | at most | measured | |")
    print("|---|---:|---:|---|")
    for target in targets:
        verdict = "kept" if target.kept else "MISSED"
        print(f"| {target.promise} | {target.limit:g} | {target.measured:.2f} | {verdict} |")
    return 0 if all(target.kept for target in targets) else 1


if __name__ == "__main__":
    sys.exit(main())
