"""What a person decides and a ledger records: asked for on a terminal, or meant with `--yes`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from runner.core.errors import Cancelled, UsageError

if TYPE_CHECKING:
    from runner.views.terminal.console import Console


def refuse_unasked(console: Console, *, yes: bool, hint: str) -> None:
    """UsageError where nobody can be asked and nobody said yes."""
    if not (yes or (console.interactive and sys.stdin.isatty())):
        raise UsageError("there is no terminal to confirm this on", hint=hint)


def confirm(claim: str, lines: Iterable[str], console: Console) -> None:
    """Have a person agree to a claim, below the lines it is about. Cancelled for anything but a yes."""
    from runner.views.terminal.safe import one_line

    console.err.lines(map(one_line, lines))
    try:
        agreed = click.confirm(one_line(f"{claim}. Record that?"), default=False, err=True)
    except click.Abort:
        agreed = False
    if not agreed:
        raise Cancelled("not confirmed; nothing was recorded")


def say(text: str, console: Console) -> None:
    """One line on stdout: what was recorded."""
    from runner.views.terminal.safe import one_line

    console.out.lines([one_line(text)])
