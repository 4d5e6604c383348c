"""What commands that take manifests share: words turned into ids through the lockfile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from runner.cli.options.common import option

if TYPE_CHECKING:
    from runner.manifest import Checked
    from runner.views.terminal.console import Console

F = TypeVar("F", bound=Callable[..., Any])


def lockfile_option(command: F) -> F:
    """`--lockfile PATH`."""
    return option(
        "--lockfile",
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="What the words of the manifests stand for. [orders.lock.json beside them]",
    )(command)


def note_left_out(found: Checked, console: Console) -> None:
    """Says on stderr which folders were not read."""
    from runner.views.terminal.safe import one_line

    for folder in found.left_out:
        console.note(one_line(f"left out: {folder} has a lockfile of its own; name it in a call of its own") + "\n")
