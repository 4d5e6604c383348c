"""What is asked of the vendor, and what that costs: this build and an earlier one, whole commands, in turns.

    python benchmarks/asking.py [--only count plan cpu pace] [--earlier PYTHON] [--rounds 3]

Both buy the same batch from a sandbox in this process, each with a ledger of its own. Its orders have 12 contents
between them, and differ otherwise in `customTargetName` alone:

- `count`: requests of a batch at `--rate 0`, beside orders and contents, of which each has to be asked once;
- `plan`: wall time of planning 1,000 orders in words where a read takes 50 ms;
- `cpu`: the client's CPU an order when buying without latency, start-up not counted: less what one order takes;
- `pace`: wall time of 100 orders at the default rate, beside the most of what cannot be avoided: the gap of 2 s between
  purchases, 50 requests in a minute, the latency. It takes 200 s, and some 370 s in the earlier build.

The earlier build is commit 3ee0275, which is cloned and installed unless its interpreter is named. Exit 1 where a
target is missed.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Final

from builds import CONTENTS, Pair, Row, manifest, measure, served
from ratios import at_least, times

RATE: Final = 50
GAP: Final = 2.0
LATENCY: Final = 0.05
MAX_REQUESTS: Final = 1.1
"""Requests over orders and contents, beside two."""
MIN_PLAN: Final = 20.0
MAX_CPU: Final = 0.65
MAX_PACE: Final = 1.08


def count(builds: Pair, folder: Path, rounds: int, orders: int = 100) -> Row:
    """Requests of one batch."""
    del rounds
    asked = []
    for build in builds:
        with served() as (box, base_url):
            build.run(folder, base_url, "apply", "-q", "--yes", manifest(folder, orders))
            asked.append(len(box.requests))
    most = math.floor(MAX_REQUESTS * (orders + min(CONTENTS, orders)) + 2)
    return Row(
        what=f"requests of {orders} orders of {CONTENTS} contents",
        now=str(asked[0]),
        before=str(asked[1]),
        target=f"at most {most}",
        kept=asked[0] <= most,
    )


def plan(builds: Pair, folder: Path, rounds: int, orders: int = 1000) -> Row:
    """Seconds of planning words at a distance."""
    file = manifest(folder, orders, in_words=True)
    walls: list[list[float]] = [[], []]
    with served(LATENCY) as (_, base_url):
        builds[0].run(folder, base_url, "lock", file)
        for n in range(rounds):
            for build, wall in zip(builds, walls, strict=True):
                if build is builds[0] or n == 0:  # a minute each: once is enough for the earlier one
                    wall.append(build.run(folder, base_url, "plan", "-q", file)[0])
    now, before = map(median, walls)
    return Row(
        what=f"`plan` of {orders:,} orders in words, 50 ms a read: wall",
        now=f"{now:.2f} s",
        before=f"{before:.2f} s",
        target=f"{times(before, now):.1f} times faster, at least {MIN_PLAN:g}",
        kept=times(before, now) >= MIN_PLAN,
    )


def cpu(builds: Pair, folder: Path, rounds: int, orders: int = 1000) -> Row:
    """CPU an order of buying."""
    one, many = manifest(folder, 1), manifest(folder, orders)
    spent: list[list[float]] = [[], []]
    for _ in range(rounds):
        for build, costs in zip(builds, spent, strict=True):
            taken = []
            for file in (one, many):
                with served() as (_, base_url):
                    taken.append(build.run(folder, base_url, "apply", "-q", "--yes", file)[1])
            costs.append(1000 * (taken[1] - taken[0]) / (orders - 1))
    now, before = map(median, spent)
    return Row(
        what=f"buying {orders:,} orders: client CPU an order",
        now=f"{now:.2f} ms",
        before=f"{before:.2f} ms",
        target=f"{times(now, before):.2f}, at most {MAX_CPU}",
        kept=times(now, before) <= MAX_CPU,
    )


def pace(builds: Pair, folder: Path, rounds: int, orders: int = 100) -> Row:
    """Seconds of buying at the default rate, beside what cannot be avoided."""
    del rounds
    walls = []
    for build in builds:
        with served() as (_, base_url):
            file = manifest(folder, orders)
            walls.append(build.run(folder, base_url, "apply", "-q", "--yes", file, rate=RATE)[0])
    ideal = max(GAP * (orders - 1), 60.0 * ((orders + min(CONTENTS, orders) - 1) // RATE))
    now, before = (times(wall, ideal) for wall in walls)
    return Row(
        what=f"wall of {orders} orders at the default rate, over {ideal:.0f} s",
        now=f"{now:.2f}",
        before=f"{before:.2f}",
        target=f"at most {MAX_PACE}",
        kept=now <= MAX_PACE,
    )


PARTS: Final[Mapping[str, Callable[..., Row]]] = {"count": count, "plan": plan, "cpu": cpu, "pace": pace}


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=at_least(1), default=3)


if __name__ == "__main__":
    sys.exit(measure("What is asked of the vendor, beside an earlier build.", PARTS, _options, "rounds"))
