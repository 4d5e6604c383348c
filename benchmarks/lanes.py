"""Several purchases in flight: how near the wall time comes to what the vendor's latency allows, and what it takes.

    python benchmarks/lanes.py [--only client gap memory] [--earlier PYTHON] [--whole]

- `client`: 200 orders whose purchases take 2 s, with `--jobs 16 --gap 0 --rate 0`, beside the ideal (every purchase
  waits for a lane and nothing else) and beside the vendor's own client for API v1 (1.0.4 from PyPI), a session a thread
  in 16 threads, which quotes nothing and writes nothing down;
- `gap`: 100 orders whose purchases take 20 s, with the default gap of 2 s and `--jobs 16`, beside the earlier build. It
  buys one after the other: ten orders are measured, and a hundred take ten times as long; `--whole` measures them all;
- `memory`: peak of buying 1,000 orders with `--jobs 16`, beside `--jobs 1`.

The sandbox runs in this process. The earlier build is commit 3ee0275, which is cloned and installed unless its
interpreter is named. Exit 1 where a target is missed, or something was bought twice or not at all.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from builds import CONTENTS, Pair, Row, manifest, measure, served
from ratios import times

from runner.sandbox.options import SANDBOX_KEY

JOBS: Final = 16
MAX_WALL: Final = 1.15
MIN_GAIN: Final = 8.0
MAX_MEMORY: Final = 1.2
CLIENT: Final = "proxy-seller-user-api==1.0.4"
BUY: Final = """
import sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from proxy_seller_user_api import Api
url, key, orders, jobs, contents = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
Api.URL = url + "/"
own = threading.local()
def buy(n):
    if not hasattr(own, "api"):
        own.api = Api({"key": key})
    own.api.orderMakeIpv4(561, "1m", n % contents + 1, "", "", f"purpose {n}")
began = time.monotonic()
with ThreadPoolExecutor(jobs) as pool:
    list(pool.map(buy, range(orders)))
print(time.monotonic() - began)
"""


def client(builds: Pair, folder: Path, whole: bool, orders: int = 200) -> Row:
    """Wall time over the ideal, and the vendor's client's."""
    del whole
    seconds = 2.0
    slow = f"slow@1x{orders}:{seconds:g}"
    with served(0.0, slow) as (box, base_url):
        options = ("--jobs", str(JOBS), "--gap", "0", "-q", "--yes")
        wall, _ = builds[0].run(folder, base_url, "apply", *options, manifest(folder, orders))
        bought = len(box.purchases)
    with served(0.0, slow) as (box, base_url):
        theirs = _vendors_client(folder, base_url, orders)
    ideal = math.ceil(orders / JOBS) * seconds
    return Row(
        what=f"{orders} orders of {seconds:g} s in {JOBS} lanes: wall over {ideal:g} s",
        now=f"{times(wall, ideal):.2f}",
        before=f"{times(theirs, ideal):.2f} (the vendor's client)",
        target=f"at most {MAX_WALL}",
        kept=times(wall, ideal) <= MAX_WALL and bought == orders,
    )


def _vendors_client(folder: Path, base_url: str, orders: int) -> float:
    python = folder / "client" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder / "client")], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", CLIENT, "requests"], check=True)
    argv = [str(python), "-c", BUY, base_url, SANDBOX_KEY, str(orders), str(JOBS), str(CONTENTS)]
    return float(subprocess.run(argv, check=True, capture_output=True, text=True, cwd=folder).stdout)


def gap(builds: Pair, folder: Path, whole: bool, orders: int = 100) -> Row:
    """How many times faster than one after the other."""
    seconds = 20.0
    slow = f"slow@1x{orders}:{seconds:g}"
    with served(0.0, slow) as (box, base_url):
        options = ("--jobs", str(JOBS), "--gap", "2", "-q", "--yes")
        wall, _ = builds[0].run(folder, base_url, "apply", *options, manifest(folder, orders))
        bought = len(box.purchases)
    fewer = orders if whole else max(1, orders // 10)
    with served(0.0, slow) as (_, base_url):
        measured, _ = builds[1].run(folder, base_url, "apply", "-q", "--yes", manifest(folder, fewer))
    earlier = measured * orders / fewer
    return Row(
        what=f"{orders} orders of {seconds:g} s, 2 s apart, in {JOBS} lanes: wall",
        now=f"{wall:.0f} s",
        before=f"{earlier:.0f} s" + ("" if whole else f" ({fewer} orders times {orders // fewer})"),
        target=f"{times(earlier, wall):.1f} times faster, at least {MIN_GAIN:g}",
        kept=times(earlier, wall) >= MIN_GAIN and bought == orders,
    )


def memory(builds: Pair, folder: Path, whole: bool, orders: int = 1000) -> Row:
    """Peak memory over that of a single lane."""
    del whole
    peaks = []
    for jobs in (JOBS, 1):
        with served() as (_, base_url):
            peaks.append(
                builds[0].peak(folder, base_url, "apply", "--jobs", str(jobs), "-q", "--yes", manifest(folder, orders))
            )
    return Row(
        what=f"peak memory of {orders:,} orders in {JOBS} lanes",
        now=f"{peaks[0] / 1024:.0f} MB",
        before=f"{peaks[1] / 1024:.0f} MB (this build, one lane)",
        target=f"{times(peaks[0], peaks[1]):.2f} times, below {MAX_MEMORY}",
        kept=times(peaks[0], peaks[1]) < MAX_MEMORY,
    )


PARTS: Final[Mapping[str, Callable[..., Row]]] = {"client": client, "gap": gap, "memory": memory}


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--whole", action="store_true", help="have the earlier build buy as many orders")


if __name__ == "__main__":
    sys.exit(measure("Several purchases in flight, beside an earlier build.", PARTS, _options, "whole"))
