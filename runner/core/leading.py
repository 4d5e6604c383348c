"""Commands that a hint suggests, led to the ledger and account of the call: pasted, they do there what they say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from runner.core.errors import LedgerUnusable, NotThisAccount, RunnerError

_COMMAND: Final = re.compile(
    r"(order-runner (?:apply|doctor|plan|reconcile|resolve|status|ledger (?:export|import|init|rekey|verify)))(?![\w-])"
    r"( --account [A-Za-z0-9][A-Za-z0-9._-]*)?"
)
_SANDBOX: Final = " --sandbox"
_NOT_IN_THE_SANDBOX: Final = re.compile(r"ledger (?:import|init|rekey)$")


def with_flags(text: str, flags: str) -> str:
    """A text with the flags of a call behind each command that it suggests; they say whose account it is, if any does.

    A command that has them already stays as it is.
    """

    def command(match: re.Match[str]) -> str:
        if text.startswith(flags, match.end(1)) or (flags == _SANDBOX and _NOT_IN_THE_SANDBOX.search(match[1])):
            return match[0]
        account = "" if " --account " in flags else match[2] or ""
        return f"{match[1]}{flags}{account}"

    return _COMMAND.sub(command, text) if flags else text


def lead(error: RunnerError, flags: str) -> None:
    """Lead what an error suggests, if it is about a ledger or whose it is."""
    if isinstance(error, (NotThisAccount, LedgerUnusable)):
        error.hint = error.hint and with_flags(error.hint, flags)


@contextmanager
def leading_there(flags: str) -> Iterator[None]:
    """Has what an error in this `with` suggests lead to the ledger that `flags` name, not to the usual one."""
    try:
        yield
    except RunnerError as error:
        lead(error, flags)
        raise
