"""`python -m tests.powercuts --seeds 5000`: power cuts under the SQLite ledger, counted.

Exit code 1 where anything acknowledged was lost or anything is corrupt, and where the cuts did no harm to test against.
With `--broken` the ledger or the disk is broken on purpose, and the exit code says whether that was noticed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from tests.powercuts.cuts import BROKEN, Verdict, bench, run_seed

HARM = ("writes dropped", "writes reordered", "writes torn", "sectors torn")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _some(seeds: range, broken: str | None) -> list[Verdict]:
    with bench() as at:
        return [run_seed(seed, at, broken=broken) for seed in seeds]


def run(seeds: int, jobs: int, broken: str | None) -> list[Verdict]:
    """Every seed once, dealt out in turns."""
    shares = [range(job, seeds, jobs) for job in range(jobs)]
    if jobs == 1:
        return _some(shares[0], broken)
    with ProcessPoolExecutor(jobs) as pool:
        shared = pool.map(_some, shares, [broken] * jobs)
        return sorted((verdict for share in shared for verdict in share), key=lambda verdict: verdict.seed)


def summed(verdicts: list[Verdict]) -> Counter[str]:
    counts: Counter[str] = Counter(dict.fromkeys(("lost", "half done", "corrupt", "refused"), 0))
    for verdict in verdicts:
        counts.update(verdict.counts)
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.powercuts", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5000)
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--trace", action="store_true", help="with --seed: every call, and what survived")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--broken", choices=BROKEN, help="break the ledger or the disk on purpose")
    asked = parser.parse_args()
    started = time.monotonic()
    if asked.seed is not None:
        with bench() as at:
            verdicts = [run_seed(asked.seed, at, broken=asked.broken, say=_say if asked.trace else lambda _: None)]
    else:
        verdicts = run(asked.seeds, asked.jobs, asked.broken)
    counts = summed(verdicts)
    for name, count in sorted(counts.items()):
        _say(f"{count:9,}  {name}")
    bad = [verdict for verdict in verdicts if verdict.violations]
    for verdict in bad[:10]:
        _say(verdict.violations[0])
    _say(f"{len(bad)} of {len(verdicts)} seeds with violations, in {time.monotonic() - started:.0f} s")
    if asked.broken:
        return 0 if bad else 1
    harmless = asked.seed is None and not all(counts[kind] for kind in HARM)
    return 1 if bad or harmless else 0


if __name__ == "__main__":
    sys.exit(main())
