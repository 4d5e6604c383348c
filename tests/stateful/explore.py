"""Lets Hypothesis play, on the terms of a test or of a long run."""

from __future__ import annotations

from contextlib import ExitStack

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.stateful.child import ShiftedNursery
from tests.stateful.machine import Machine
from tests.stateful.tally import Tally

STEPS = 20


def explore(
    *, examples: int, seed: int | None = None, shrink: bool = True, processes: bool = True, steps: int = STEPS
) -> Tally:
    """Play `examples` games of `steps` steps; raises what broke, with the list of steps in its notes.

    Without a seed the games are the same on every machine. `processes`: whether some kills are real.
    """
    tally = Tally()
    with ExitStack() as undo:
        nursery = undo.enter_context(ShiftedNursery()) if processes else None
        machine = type("Orders", (Machine,), {"tally": tally, "nursery": nursery})
        if seed is not None:
            machine = hypothesis.seed(seed)(machine)
        rules = settings(
            max_examples=examples,
            stateful_step_count=steps,
            derandomize=seed is None,
            database=None,
            deadline=None,
            print_blob=False,
            report_multiple_bugs=False,
            phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )
        run_state_machine_as_test(machine, settings=rules)
    return tally
