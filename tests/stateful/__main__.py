"""`python -m tests.stateful --examples 2000`: games of faults, deaths, reruns, reconciles and strangers, as Hypothesis draws them.

Exit code 1 on a broken promise, with the shortest list of steps that breaks it, and where a rule, a fault, a death or a
verdict of its list never happened, since such a run has shown nothing. With `--mutant` the code is broken on purpose, and
the exit code is 1 where that was not noticed.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.stateful.explore import GAMES, play_all, play_seeds, seeds_of
from tests.stateful.mutants import MUTANTS

ENOUGH = 300
"""Games from which on everything of the list is expected."""


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _mutants(asked: str, examples: int, seed: int) -> int:
    missed = 0
    for name in MUTANTS if asked == "all" else [asked]:
        tally, broken = play_seeds(list(seeds_of(examples, seed)), name)
        missed += not broken
        told = f"in game {tally.counts['games']:,}: {broken.splitlines()[0][:100]}" if broken else ""
        _say(f"{name:32} {told or f'NOT NOTICED in {examples} games'}")
    return 1 if missed else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.stateful", description=__doc__)
    parser.add_argument("--examples", type=int, default=300, help=f"games, {GAMES} to a seed")
    parser.add_argument("--seed", type=int, default=0, help="the first one")
    parser.add_argument("--mutant", choices=("all", *MUTANTS), help="break the code on purpose")
    parser.add_argument("--jobs", type=int, default=1, help="processes that share the seeds")
    asked = parser.parse_args()
    if asked.mutant:
        return _mutants(asked.mutant, asked.examples, asked.seed)
    begun = time.monotonic()
    tally, broken = play_all(asked.examples, asked.seed, asked.jobs)
    for line in (*tally.lines(), *broken):
        _say(line)
    absent = tally.missing() if asked.examples >= ENOUGH and not broken else []
    for name in absent:
        _say(f"NEVER HAPPENED: {name}")
    took = f"in {time.monotonic() - begun:.0f} s"
    if not broken:
        _say(f"{tally.counts['games whole']:,} games, bought twice 0, lost 0, other promises broken 0, {took}")
    else:
        _say(f"BROKEN after {tally.counts['games']:,} games, {took}")
    return 1 if broken or absent else 0


if __name__ == "__main__":
    sys.exit(main())
