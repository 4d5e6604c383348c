"""`python -m tests.chaos --seeds 1000`: real runners, a real vendor on loopback, real kills, and a judge."""

from __future__ import annotations

import argparse
import os
import sys
import time

from tests.chaos.mutants import MUTANTS
from tests.chaos.play import silent
from tests.chaos.seeds import play_all, play_seeds

JOBS = 5 * (os.cpu_count() or 1)


def main() -> int:
    """Exit code 0 where every promise was kept, and enough has happened for that to mean something."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, help="how many seeds [100]")
    parser.add_argument("--first", type=int, default=0, help="the first of them [0]")
    parser.add_argument("--seed", type=int, help="this one only")
    parser.add_argument("--trace", action="store_true", help="with --seed: say what happens")
    parser.add_argument("--jobs", type=int, default=JOBS, help=f"processes that play seeds, mostly waiting [{JOBS}]")
    parser.add_argument("--mutant", choices=sorted(MUTANTS), help="break the protocol, and expect exit code 1")
    arguments = parser.parse_args()
    begin = time.monotonic()
    if arguments.seed is not None:
        tally = play_seeds([arguments.seed], arguments.mutant, print if arguments.trace else silent)
    else:
        tally = play_all(
            list(range(arguments.first, arguments.first + arguments.seeds)), arguments.mutant, arguments.jobs
        )
    for seed, _, text in tally.broken:
        print(f"seed {seed}: {text}\n  again: python -m tests.chaos --seed {seed} --trace")
    for line in tally.lines():
        print(line)
    print(f"took                 {time.monotonic() - begin:.0f} s")
    gaps = [] if arguments.mutant or tally.broken else tally.gaps()
    for gap in gaps:
        print(f"proves nothing: {gap}")
    return 1 if tally.broken or gaps else 0


if __name__ == "__main__":
    sys.exit(main())
