"""Lets Hypothesis play, on the terms of a test or of a long run.

Games are played ten to a seed. After the first ten of a run Hypothesis makes new games mostly by copying parts of earlier
ones into themselves, which is good for finding equal values and bad for meeting every fault: so each ten begin anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.stateful.child import ShiftedNursery
from tests.stateful.machine import Machine
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
    run_state_machine_as_test(machine, settings=rules)


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
