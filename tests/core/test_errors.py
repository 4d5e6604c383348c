"""Exit codes and their order."""

from __future__ import annotations

from itertools import permutations

from runner.core.errors import PRECEDENCE, ExitCode, RunnerError, worst


def test_every_code_has_one_rank() -> None:
    """The precedence names each exit code once."""
    assert sorted(PRECEDENCE) == sorted(ExitCode)


def test_possible_money_outranks_everything() -> None:
    """Whatever else happened, an unknown outcome decides the exit code."""
    for code in ExitCode:
        for order in permutations([code, ExitCode.OUTCOME_UNKNOWN]):
            assert worst(*order) is ExitCode.OUTCOME_UNKNOWN


def test_nothing_wrong_is_ok() -> None:
    """No code at all is success."""
    assert worst() is ExitCode.OK


def test_every_error_of_ours_has_a_code_of_the_table() -> None:
    """Each class of the tree ends in a documented exit code."""
    pending, seen = [RunnerError], []
    while pending:
        kind = pending.pop()
        seen.append(kind)
        pending += kind.__subclasses__()
    assert len(seen) > 8
    assert all(isinstance(kind.exit_code, ExitCode) for kind in seen)
