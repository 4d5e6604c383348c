"""A list of many proxies, read as it comes, beside `json.loads` of the same bytes: CPU and memory.

    python benchmarks/lists.py [--rows 100000] [--rounds 5]

Each reading is a process of its own, which makes the same pieces of 50 KB, one after the other. `json.loads` has to
keep them; the reader of `proxy/list` is given each and forgets it, and compares the whole with an empty list of ending
proxies. What a process costs that only makes the pieces is taken off. A figure is the median of its rounds. Exit 1
where a target is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from statistics import median
from typing import Final

from purchases import ROOT
from ratios import at_least, times

from runner.core.secrets import ApiKey
from runner.vendors.v1.lists import decode_look
from runner.vendors.wire import Begin, Response, Streamed

MAX_TIMES: Final = 8.0
"""CPU of the reader in times of that of `json.loads`."""
MAX_MEMORY: Final = 0.2
"""Its peak memory, likewise."""
ROW: Final = (
    b'{"id":"%d","order_id":"%d","order_number":"%d_%d","base_order_number":"%d_57471911","ip":"192.0.2.1",'
    b'"protocol":"HTTP","port_socks":50101,"port_http":50100,"login":"login%d","password":"password%d","auth_ip":"",'
    b'"rotation":"","link_reboot":"https:\\/\\/example.test\\/0123456789abcdef0123456789abcdef","country":"France",'
    b'"country_alpha3":"FRA","status":"Active","status_type":"ACTIVE","can_prolong":1,"date_start":"02.11.2026",'
    b'"date_end":"02.12.2026","auto_renew":"N","auto_renew_period":"","comment":""}'
)


def main() -> int:
    """Measure, print the table, judge; or read in a way that is named, as a process of its own."""
    options = _options()
    if options.way:
        _read(options.way, options.rows)
        return 0
    ways = {way: _median(way, options.rows, options.rounds) for way in ("pieces", "loads", "list")}
    cost = {way: [figure - bare for figure, bare in zip(ways[way], ways["pieces"], strict=True)] for way in ways}
    ratios = [times(ours, theirs) for ours, theirs in zip(cost["list"], cost["loads"], strict=True)]
    targets = f"in times, at most {MAX_TIMES:g} | memory, MB | in times, at most {MAX_MEMORY}"
    print(f"| {options.rows:,} rows | CPU, s | {targets} |")
    print("|---|---:|---:|---:|---:|")
    print(f"| `json.loads` | {cost['loads'][0]:.2f} | 1 | {cost['loads'][1]:.1f} | 1 |")
    print(f"| read as it comes | {cost['list'][0]:.2f} | {ratios[0]:.2f} | {cost['list'][1]:.1f} | {ratios[1]:.2f} |")
    return 0 if ratios[0] <= MAX_TIMES and ratios[1] <= MAX_MEMORY else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=at_least(1), default=100_000)
    parser.add_argument("--rounds", type=at_least(1), default=5)
    parser.add_argument("--way", choices=["pieces", "loads", "list"], help=argparse.SUPPRESS)
    return parser.parse_args()


def _pieces(rows: int) -> Iterator[bytes]:
    yield b'{"status":"success","data":{"items":['
    for start in range(0, rows, 100):
        numbers = ((n, 2_000_000 + n // 10) for n in range(start, min(start + 100, rows)))
        yield (b"," if start else b"") + b",".join(ROW % (n, o, o, n, o, n, n) for n, o in numbers)
    yield b']},"errors":[]}'


def _read(way: str, rows: int) -> None:
    if way == "loads":
        json.loads(b"".join(_pieces(rows)))
    elif way == "list":
        decode_look([partial(_answer, rows), partial(_answer, 0)], "ipv4")
    else:
        for _ in _pieces(rows):
            pass


def _answer(rows: int, begin: Begin) -> Response:
    parser = begin(ApiKey("benchmark-key").redact)
    for piece in _pieces(rows):
        parser.take(piece)
    return Streamed(status=200, envelope=parser.close())


def _median(way: str, rows: int, rounds: int) -> tuple[float, float]:
    turns = [_measure(way, rows) for _ in range(rounds)]
    return median(cpu for cpu, _ in turns), median(peak for _, peak in turns)


def _measure(way: str, rows: int) -> tuple[float, float]:
    """CPU seconds of one process, user and system, and its peak memory in MB."""
    argv = [sys.executable, __file__, "--rows", str(rows), "--way", way]
    process = subprocess.Popen(argv, env=os.environ | {"PYTHONPATH": str(ROOT)})
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{way} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
