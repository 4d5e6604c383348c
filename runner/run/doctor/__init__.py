"""Everything a run depends on, looked at without changing any of it: one small function a check, in one table.

Reads only: no ledger is made, no hold taken, nothing can be bought. A check leaves in the `Examination` what later
ones need.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Final

from runner.core.errors import RunnerError
from runner.core.leading import lead
from runner.run import wiring
from runner.run.doctor import ours, theirs
from runner.run.doctor.check import Check, failure
from runner.run.doctor.examination import Examination

CHECKS: Final[Mapping[str, Callable[[Examination], Check]]] = {
    "key": theirs.key,
    "address": theirs.address,
    "access": theirs.access,
    "clock": theirs.clock,
    "balance": theirs.balance,
    "ledger": ours.ledger,
    "account": ours.account,
    "open orders": ours.open_orders,
    "hold": ours.hold,
    "lockfile": ours.lockfile,
    "policies": ours.policies,
    "versions": ours.versions,
    "terminal": ours.terminal,
}
"""Each check by its name, in the order they are made."""


def examine(case: Examination) -> tuple[Check, ...]:
    """Every check, once. What cannot even be looked at has failed, with the code of its error."""
    with ExitStack() as stack:
        if case.settings.sandbox:
            case.endpoint = stack.enter_context(wiring.endpoint(case.settings))
            case.key = case.endpoint.key
        return tuple(_make(name, check, case) for name, check in CHECKS.items())


def _make(name: str, check: Callable[[Examination], Check], case: Examination) -> Check:
    try:
        made = check(case)
    except RunnerError as error:
        lead(error, case.flags)
        made = failure(error.exit_code, str(error), error.hint)
    hint = made.hint and case.redact(made.hint)
    facts = {fact: case.redact(value) if isinstance(value, str) else value for fact, value in made.facts.items()}
    return replace(made, name=name, text=case.redact(made.text), hint=hint, facts=facts)
