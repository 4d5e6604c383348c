"""`python -m tests.stateful --examples 2000`: games of faults, deaths, reruns, reconciles and strangers, as Hypothesis draws them.

Exit code 1 on a broken promise, with the shortest list of steps that breaks it, and where a rule, a fault, a death or a
verdict of its list never happened, since such a run has shown nothing. With `--mutant` the code is broken on purpose, and
the exit code is 1 where that was not noticed.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import ExitStack

from tests.stateful.child import ShiftedNursery
from tests.stateful.explore import GAMES, play, seeds_of
from tests.stateful.mutants import MUTANTS
from tests.stateful.tally import Tally

ENOUGH = 300
"""Games from which on everything of the list is expected."""


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _play(examples: int, seed: int, *, processes: bool, shrink: bool) -> tuple[Tally, BaseException | None]:
    """Until something breaks: the counts, and what broke."""
    tally = Tally()
    with ExitStack() as undo:
        nursery = undo.enter_context(ShiftedNursery()) if processes else None
        for number, games in seeds_of(examples, seed):
            try:
                play(number, tally, nursery=nursery, games=games, shrink=shrink)
            except Exception as error:  # noqa: BLE001 - whatever it is, the seed is the finding
                _say(f"seed {number}: {type(error).__name__}: {error}")
                for note in getattr(error, "__notes__", ()):
                    _say(note)
                return tally, error
    return tally, None


def _mutants(asked: str, examples: int, seed: int) -> int:
    missed = 0
    for name in MUTANTS if asked == "all" else [asked]:
        with MUTANTS[name]():
            tally, error = _play(examples, seed, processes=False, shrink=False)
        missed += error is None
        _say(
            f"{name}: "
            + (f"noticed in game {tally.counts['games']:,}" if error else f"NOT NOTICED in {examples} games")
        )
    return 1 if missed else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.stateful", description=__doc__)
    parser.add_argument("--examples", type=int, default=300, help=f"games, {GAMES} to a seed")
    parser.add_argument("--seed", type=int, default=0, help="the first one")
    parser.add_argument("--mutant", choices=("all", *MUTANTS), help="break the code on purpose")
    asked = parser.parse_args()
    if asked.mutant:
        return _mutants(asked.mutant, asked.examples, asked.seed)
    begun = time.monotonic()
    tally, error = _play(asked.examples, asked.seed, processes=True, shrink=True)
    for line in tally.lines():
        _say(line)
    absent = tally.missing(real=True) if asked.examples >= ENOUGH and error is None else []
    for name in absent:
        _say(f"NEVER HAPPENED: {name}")
    took = f"in {time.monotonic() - begun:.0f} s"
    if error is None:
        _say(f"{tally.counts['games whole']:,} games, bought twice 0, lost 0, other promises broken 0, {took}")
    else:
        _say(f"BROKEN in game {tally.counts['games']:,}, {took}")
    return 1 if error is not None or absent else 0


if __name__ == "__main__":
    sys.exit(main())
