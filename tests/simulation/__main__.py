"""`python -m tests.simulation --seeds 100000`: the purchase protocol against modelled vendors, networks and deaths.

Exit code 1 on a violation, and where a fault or a crash point never happened, since such a run has shown nothing. With
`--mutant` the protocol is broken on purpose, and the exit code is 1 where that was not noticed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext

from runner.ledger.sqlite import SqliteConnection
from tests.simulation.answers import BAD_LISTS, BAD_READS, LIES
from tests.simulation.flights import BAD_LUCK, JOBS
from tests.simulation.forgetting import UNSEEN
from tests.simulation.mutants import MUTANTS, REDUNDANT, Mutant
from tests.simulation.points import LOOKING, POINTS
from tests.simulation.renewing import RENEWAL_CLASSES, RENEWAL_KINDS
from tests.simulation.settling import CLASSES, KINDS
from tests.simulation.store import database
from tests.simulation.terms import RENEWAL_FAULTS
from tests.simulation.vendor import ALONE, CONFUSING, FAULTS, OTHERS, READS
from tests.simulation.world import run_seed

RENEWALS = (
    *("worlds with renewals", "renew removed by a person", "auto-renewal armed", "auto-renewal turned off by a person"),
    *(f"renewal {fault}" for fault in dict.fromkeys((*FAULTS, *RENEWAL_FAULTS))),
    *("renewed late", "renewed by half", "renewed by hand", "renewed by the vendor", "rows got other ids"),
    *("renewal by old ids", "renewal by old ids refused", "renewed behind what somebody had just bought"),
    *("renewal beside others in flight", "renewal charged more, told", "window missed"),
    *(f"term {n} of an order" for n in (1, 2, 3)),
    *(f"renewal {status} in a report" for status in ("placed", "already_placed", "refused", "rejected", "unknown")),
    *("renewal refused: PSR413", "renewal refused: PSR460", "renewal already_placed: PSR462"),
    *(f"renewal verdict {ruling}" for ruling in ("placed", "absent", "open")),
    *(f"verdict open: {name}" for name in RENEWAL_KINDS.values() if name != "no end before"),
    *(f"exclusive: left to a person: {name}" for name in RENEWAL_CLASSES[:3]),
    "exclusive: left to a person: renewal hinted at, not bought",
    "renewal placed: somebody else bought that term",
    *("settled by a person, renewal placed", "settled by a person, renewal absent"),
)
EVENTS = (
    *(f"purchase {fault}" for fault in dict.fromkeys(FAULTS)),
    *(f"killed at {point}" for point in (*POINTS, LOOKING)),
    *(f"frozen at {point}" for point in (*POINTS, LOOKING)),
    *(f"asked to stop at {point}" for point in (*POINTS, LOOKING)),
    *("killed before a commit", "killed after a commit", "ledger disk full", "ledger not acknowledged"),
    *("hold lost while frozen", "connection was stale", "connection refused", "guard said no", "committed late"),
    *(
        "emergency saved",
        "purchase without funds",
        "charged more, answer lost",
        "charged more, told",
        "settled a week later",
    ),
    *("inherited in doubt", "renewed under a new id", "renewed under its id", "list with half of an order"),
    *("list with numbers marked from birth", "order hidden from the default list"),
    *(f"stranger {what}" for what in dict.fromkeys((*ALONE, *OTHERS, *CONFUSING))),
    *(f"read {kind}" for kind in dict.fromkeys((*BAD_READS, *BAD_LISTS, *LIES, "unreachable"))),
    *(f"{path} failed" for path in READS),
    *("verdict placed", "verdict absent", *(f"verdict open: {name}" for name in KINDS.values())),
    *("settled by a person, placed", "settled by a person, absent", "shared: left to a person"),
    *(f"exclusive: left to a person: {name}" for name in CLASSES if "charged otherwise" not in name),
    *("refused: looks bought", "settled by a person, adopted", "settled by a person, not mine"),
    "run under another name",
    *("ledger moved away", "older copy refused"),
    *("renamed without a word", "renamed", "old name came back"),
    *("ledger put back", *(f"bought again: {name}" for name in UNSEEN)),
    *(f"runs with {jobs} at once" for jobs in sorted(set(JOBS))),
    *(f"{what} with several in flight" for what in ("killed", "frozen", "asked to stop", *dict.fromkeys(BAD_LUCK))),
    *(f"stranger {what} with several in flight" for what in dict.fromkeys((*ALONE, *OTHERS))),
    *("killed with eight in flight", "answered out of order", "all connections closed at once"),
    *("clock leapt while lanes waited", "two at once: overcharge", "one of several: throttled"),
    *(f"settled as a set: {what}" for what in ("placed, exclusive", "absent, exclusive", "absent, shared")),
    *RENEWALS,
)
"""What has to have happened before a result means anything."""
Pair = tuple[Mutant, Mutant]
RARE = {
    "purchase without funds",
    "verdict open: free of charge",
    "verdict open: ends later than asked for",
    *(f"exclusive: left to a person: {name}" for name in ("an order ended meanwhile", "beside one of these")),
    "exclusive: left to a person: another was settled since its claim",
    "verdict open: rows without order numbers",
    "verdict open: country not read",
    "verdict open: half delivered",
    "verdict open: too many to tell apart",
    "exclusive: left to a person: too many to tell apart",
    "killed with eight in flight",
    "ledger fails with several in flight",
    "stranger tops up with several in flight",
    "settled as a set: absent, shared",
    *RENEWALS,
}
"""What happens in one or two of a thousand worlds."""
ENOUGH, PLENTY = 1000, 4000
"""Seeds from which on every one of `EVENTS` is expected, without those of `RARE` and with them."""


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _some(seeds: range) -> tuple[Counter[str], list[str]]:
    """The sums of some seeds, and the first violation of each that has any."""
    connection = database()
    counts: Counter[str] = Counter()
    violations = []
    for seed in seeds:
        world = run_seed(seed, connection)
        counts.update(world.counts)
        violations += world.violations[:1]
    return counts, violations


def simulate(seeds: int, jobs: int = 1) -> tuple[Counter[str], list[str]]:
    """Every seed once, dealt out in turns."""
    shares = [range(job, seeds, jobs) for job in range(jobs)]
    if jobs == 1:
        return _some(shares[0])
    with ProcessPoolExecutor(jobs) as pool:
        results = list(pool.map(_some, shares))
    return sum((counts for counts, _ in results), Counter()), [words for _, found in results for words in found]


def missing(counts: Counter[str], seeds: int) -> list[str]:
    """Events that never happened in so many seeds and should have."""
    expected = [event for event in EVENTS if event not in RARE or seeds >= PLENTY]
    return [event for event in expected if not counts[event]] if seeds >= ENOUGH else []


def caught(names: Iterable[str], seeds: Iterable[int]) -> Iterator[tuple[str, str | None]]:
    """Each mutant, and the first violation that gives it away."""
    connection, tried = database(), list(seeds)
    for name in names:
        with MUTANTS[name]():
            found = (run_seed(seed, connection).violations[:1] for seed in tried)
            yield name, next((violations[0] for violations in found if violations), None)


def caught_together(pairs: Iterable[Pair], seeds: Iterable[int]) -> Iterator[tuple[str, str, str | None]]:
    """Each redundant layer, the one it is needed without, and a violation of both that is none of the second alone."""
    connection, tried = database(), list(seeds)
    for first, second in pairs:
        found = (_only_together(first, second, seed, connection) for seed in tried)
        yield first.__name__, second.__name__, next(filter(None, found), None)


def _only_together(first: Mutant, second: Mutant, seed: int, connection: SqliteConnection) -> str | None:
    with first(), second():
        both = run_seed(seed, connection).violations
    with second():
        return both[0] if both and not run_seed(seed, connection).violations else None


def _mutants(asked: str, seeds: int) -> int:
    missed = 0
    for name, violation in caught(MUTANTS if asked == "all" else [asked], range(seeds)):
        missed += violation is None
        _say(f"{name:32} {violation or f'NOT CAUGHT in {seeds} seeds'}")
    for name, other, violation in caught_together(REDUNDANT if asked == "all" else (), range(seeds)):
        missed += violation is None
        _say(f"{name} with {other:12} {violation or f'NOT CAUGHT in {seeds} seeds'}")
    return 1 if missed else 0


def _one(seed: int, mutant: str | None, *, trace: bool) -> int:
    with MUTANTS[mutant]() if mutant else nullcontext():
        world = run_seed(seed, database(), _say if trace else lambda _: None)
    for words in world.violations:
        _say(words)
    return 1 if world.violations else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10_000)
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--trace", action="store_true", help="with --seed: what happens, line by line")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--mutant", choices=("all", *MUTANTS), help="break the protocol on purpose")
    asked = parser.parse_args()
    if asked.seed is not None:
        return _one(asked.seed, asked.mutant, trace=asked.trace)
    if asked.mutant:
        return _mutants(asked.mutant, asked.seeds)
    started = time.monotonic()
    counts, violations = simulate(asked.seeds, asked.jobs)
    seconds = time.monotonic() - started
    for name, count in sorted(counts.items()):
        _say(f"{count:11,}  {name}")
    for words in violations[:20]:
        _say(words)
    absent = missing(counts, asked.seeds)
    for event in absent:
        _say(f"NEVER HAPPENED: {event}")
    _say(f"{len(violations)} of {asked.seeds:,} seeds with violations, in {seconds:.0f} s")
    return 1 if violations or absent else 0


if __name__ == "__main__":
    sys.exit(main())
