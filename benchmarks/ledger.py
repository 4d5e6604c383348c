"""What the ledger costs an order, and whether old orders cost anything: on the disk of `--folder`.

    python benchmarks/ledger.py [--purchases 2000] [--orders 100000] [--rounds 5] [--folder DIR]

First, claim and settle of one order, durable, on SQLite and on a PostgreSQL server of its own, beside two bare
`INSERT; COMMIT` of the same bytes in a table of one column and beside one fsync, in turn, so that all of them meet the
same disk. Then, in processes of their own, what it takes to open an SQLite ledger of `--orders` settled orders and to
plan 1,000 new ones, beside an empty ledger. A figure is the median of its turns, memory the greatest peak. The full
size is `--orders 1000000`: about ten minutes and 3 GB. Exit 1 where a target is missed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from purchases import ROOT, Turns, fill, on_postgres, on_sqlite
from ratios import at_least

MAX_COMMITS = 2.0
"""Claim and settle, in times of two bare commits."""
MAX_COMMITS_FAR = 2.2
"""The same with a server that is 5 ms away; a bare commit is one journey there, which nothing can undercut."""
FAR_SECONDS = 0.005
FAR = f"PostgreSQL, {FAR_SECONDS * 1000:g} ms away"
MAX_PLAN = 3.0
"""Opening and planning with old orders, in times of an empty ledger."""
MAX_PEAK = 1.1
"""Peak memory with old orders, in times of an empty ledger."""
NEW = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One promise, and what was measured."""

    promise: str
    measured: float
    limit: float

    @property
    def kept(self) -> bool:
        return self.measured <= self.limit


PLANNING = """
import json, resource, sys, time
sys.path[:0] = sys.argv[2:4]
from purchases import AT, request
NEW = 1000
from runner.plan.plan import compare_with_ledger
from runner.plan.former_keys import recall
from runner.ledger.sqlite import open_sqlite
from pathlib import Path
orders = tuple(request("new", n) for n in range(NEW))
_ = [order.fingerprint for order in orders]
started = time.perf_counter()
ledger = open_sqlite(Path(sys.argv[1]), "bench", read_only=True)
assert ledger.open_records() == []
steps = compare_with_ledger(orders, {}, recall(ledger, orders, ""), today=AT.date())
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
        turns = {
            "SQLite": on_sqlite(folder, options.purchases),
            "PostgreSQL": on_postgres(folder, options.purchases),
            FAR: on_postgres(folder, min(options.purchases, 500), FAR_SECONDS),
        }
        sizes = {0: folder / "empty.db", options.orders: folder / "full.db"}
        for size, path in sizes.items():
            fill(path, size)
        rounds = [{size: planning(path) for size, path in sizes.items()} for _ in range(options.rounds)]
    print("| what | median, ms | peak, MB | turns |")
    print("|---|---:|---:|---:|")
    targets = [*_commits(turns), *_planning(rounds, options.orders)]
    print("\n| target | at most | measured | |")
    print("|---|---:|---:|---|")
    for target in targets:
        verdict = "kept" if target.kept else "MISSED"
        print(f"| {target.promise} | {target.limit:g} | {target.measured:.2f} | {verdict} |")
    return 0 if all(target.kept for target in targets) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--purchases", type=at_least(1), default=2000)
    parser.add_argument("--orders", type=at_least(1), default=100_000)
    parser.add_argument("--rounds", type=at_least(1), default=5)
    parser.add_argument("--folder", type=Path, default=None, help="on the disk to measure [the system's temporary one]")
    return parser.parse_args()


def _commits(found: dict[str, Turns | str]) -> Iterator[Target]:
    for engine, turns in found.items():
        if isinstance(turns, str):
            print(f"| {engine}: not measured, {turns} | | | |")
            continue
        ours, bare = median(turns.ledger), median(turns.commits)
        print(f"| {engine}: claim and settle one order | {ours:.3f} | | {len(turns.ledger):,} |")
        print(f"| {engine}: two bare `INSERT; COMMIT` | {bare:.3f} | | {len(turns.commits):,} |")
        print(f"| one bare fsync meanwhile | {median(turns.fsync):.3f} | | {len(turns.fsync):,} |")
        yield Target(
            promise=f"{engine}: claim and settle, in two bare commits",
            measured=ours / bare,
            limit=MAX_COMMITS_FAR if engine == FAR else MAX_COMMITS,
        )


def _planning(rounds: list[dict[int, tuple[float, float]]], orders: int) -> Iterator[Target]:
    times = {size: median(found[size][0] for found in rounds) for size in (0, orders)}
    peaks = {size: max(found[size][1] for found in rounds) for size in (0, orders)}
    for size in (0, orders):
        print(f"| open, plan {NEW:,} new beside {size:,} | {times[size]:.1f} | {peaks[size]:.1f} | {len(rounds)} |")
    yield Target(
        promise="planning beside old orders, in an empty ledger's", measured=times[orders] / times[0], limit=MAX_PLAN
    )
    yield Target(promise="peak memory, in an empty ledger's", measured=peaks[orders] / peaks[0], limit=MAX_PEAK)


if __name__ == "__main__":
    sys.exit(main())
