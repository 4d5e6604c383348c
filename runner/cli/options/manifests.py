"""The lockfile, which turns words of manifests into ids."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runner.cli.options.command import option

if TYPE_CHECKING:
    from runner.manifest import Checked
    from runner.views.terminal.console import Console


def lockfile_option() -> Any:
    """`--lockfile PATH`."""
    return option(
        "--lockfile",
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="What the words of the manifests stand for. [orders.lock.json beside them]",
    )


def note_left_out(checked: Checked, console: Console) -> None:
    """Say on stderr which folders were not read."""
    from runner.views.terminal.safe import one_line

    for folder in checked.left_out:
        console.note(one_line(f"left out: {folder} has its own lockfile; run it separately") + "\n")
