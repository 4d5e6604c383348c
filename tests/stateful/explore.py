"""Lets Hypothesis play, on the terms of a test or of a long run.

Games are played ten to a seed. After the first ten of a run Hypothesis makes new games mostly by copying parts of earlier
ones into themselves, which is good for finding equal values and bad for meeting every fault: so each ten begin anew.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, nullcontext

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import FlakyFailure
from hypothesis.stateful import run_state_machine_as_test

from tests.chaos.judge import Broken
from tests.stateful.child import ShiftedNursery
from tests.stateful.machine import Machine
from tests.stateful.mutants import MUTANTS
from tests.stateful.tally import Tally

GAMES = 10
"""Games to a seed."""
STEPS = 30


def play(
    seed: int, tally: Tally, *, nursery: ShiftedNursery | None = None, games: int = GAMES, shrink: bool = True
) -> None:
    """Play the games of one seed; raises what broke, with the shortest list of steps in its notes.

    With a nursery some kills are real.
    """
    machine = hypothesis.seed(seed)(type("Orders", (Machine,), {"tally": tally, "nursery": nursery}))
    rules = settings(
        max_examples=games,
        stateful_step_count=STEPS,
        database=None,
        deadline=None,
        print_blob=False,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(machine, settings=rules)
    except FlakyFailure as flaky:  # lanes are real threads: what broke once need not break again
        for broken in flaky.exceptions:
            if isinstance(broken, Broken):
                raise broken from flaky
        raise


def seeds_of(examples: int, seed: int) -> Iterator[tuple[int, int]]:
    """Seeds from `seed` on, each with its number of games, `examples` in all."""
    for begun in range(0, examples, GAMES):
        yield seed + begun // GAMES, min(GAMES, examples - begun)


def explore(*, examples: int, seed: int = 0, shrink: bool = True, processes: bool = True) -> Tally:
    """Play `examples` games from seed `seed` on; raises what broke."""
    tally = Tally()
    with ExitStack() as undo:
        nursery = undo.enter_context(ShiftedNursery()) if processes else None
        for number, games in seeds_of(examples, seed):
            play(number, tally, nursery=nursery, games=games, shrink=shrink)
    return tally


def play_seeds(seeds: Sequence[tuple[int, int]], mutant: str | None) -> tuple[Tally, str]:
    """Until something breaks: the counts, and what broke, in words. With a mutant it need not be shrunk."""
    tally = Tally()
    with ExitStack() as undo:
        nursery = None if mutant else undo.enter_context(ShiftedNursery())
        undo.enter_context(MUTANTS[mutant]() if mutant else nullcontext())
        for seed, games in seeds:
            try:
                play(seed, tally, nursery=nursery, games=games, shrink=not mutant)
            except Exception as error:  # noqa: BLE001 - whatever it is, the seed is the finding
                words = (f"seed {seed}: {type(error).__name__}: {error}", *getattr(error, "__notes__", ()))
                return tally, "\n".join(words)
    return tally, ""


def play_all(examples: int, seed: int, jobs: int) -> tuple[Tally, list[str]]:
    """Every seed once, dealt out in turns."""
    seeds = list(seeds_of(examples, seed))
    if jobs == 1:
        tally, broken = play_seeds(seeds, None)
        return tally, [broken] if broken else []
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        results = list(pool.map(play_seeds, [seeds[job::jobs] for job in range(jobs)], [None] * jobs))
    tally = Tally()
    for one, _ in results:
        tally.merge(one)
    return tally, [broken for _, broken in results if broken]
