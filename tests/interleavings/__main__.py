"""`python -m tests.interleavings`: every interleaving of three orders in two lanes, over the real judge and ledger rules.

Exit code 1 where a promise is broken, with the shortest way there. With `--mutant` a rule is broken on purpose, and the
exit code is 1 where that was not noticed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

from tests.interleavings.explore import Result, explore
from tests.interleavings.mutants import HARMLESS, MUTANTS
from tests.interleavings.scopes import FULL, SMALL
from tests.interleavings.state import Scope


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def caught(name: str) -> Result:
    """What is found with this rule broken."""
    mutant, where = (MUTANTS | HARMLESS)[name]
    with mutant():
        return explore(where)


def _mutants(names: Sequence[str]) -> int:
    missed = 0
    for name in names:
        result = caught(name)
        missed += (result.fault is None) is (name in MUTANTS)
        after = f"after {len(result.story)} moves" if result.fault else f"in {result.worlds:,} worlds"
        _say(f"{name:26} {result.fault or 'nothing found'}, {after}")
    return 1 if missed else 0


def _explored(scopes: Sequence[Scope], jobs: int) -> Iterator[Result]:
    if jobs == 1:
        yield from map(explore, scopes)
    else:
        with ProcessPoolExecutor(jobs) as pool:
            yield from pool.map(explore, scopes)


def _tell(result: Result) -> None:
    verdicts = ", ".join(f"{result.verdicts[ruling]:,} {ruling}" for ruling in ("placed", "absent", "open"))
    sums = f"{result.worlds:9,} worlds {result.moves:10,} moves {result.questions:7,} judged: {verdicts}"
    _say(f"{result.scope.name:36} {sums}")
    if result.fault is not None:
        _say(f"  BROKEN: {result.fault}")
        for number, move in enumerate(result.story, 1):
            _say(f"  {number:3}  {move}")


def explore_all(scopes: Sequence[Scope], jobs: int = 1, tell: Callable[[Result], None] = _tell) -> list[Result]:
    """Each scope to its end."""
    results = []
    for result in _explored(scopes, jobs):
        tell(result)
        results.append(result)
    return results


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.interleavings", description=__doc__)
    parser.add_argument("--small", action="store_true", help="only what every run of the tests explores")
    parser.add_argument("--scope", help="only those whose name has this text")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--mutant", choices=("all", *MUTANTS, *HARMLESS), help="break a rule on purpose")
    asked = parser.parse_args()
    if asked.mutant:
        return _mutants((*MUTANTS, *HARMLESS) if asked.mutant == "all" else (asked.mutant,))
    started = time.monotonic()
    scopes = [scope for scope in (SMALL if asked.small else FULL) if (asked.scope or "") in scope.name]
    results = explore_all(scopes, asked.jobs)
    sums = Counter[str]()
    for result in results:
        sums.update(worlds=result.worlds, moves=result.moves, broken=int(result.fault is not None))
    rate = f"in {time.monotonic() - started:.0f} s"
    _say(f"{sums['worlds']:,} worlds, {sums['moves']:,} moves, {sums['broken']} broken promises, {rate}")
    return 1 if sums["broken"] or not results else 0


if __name__ == "__main__":
    sys.exit(main())
