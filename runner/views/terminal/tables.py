"""A grid as a table. Imports rich: only for a real terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rich import box
from rich.console import Console as Rich
from rich.console import JustifyMethod
from rich.table import Table
from rich.text import Text

from runner.views.terminal.console import Channel
from runner.views.terminal.grid import Grid
from runner.views.terminal.safe import cell

RICH_STYLES: Final[Mapping[str | None, str]] = {
    None: "",
    "error": "bold red",
    "warning": "yellow",
    "good": "green",
    "faint": "dim",
    "strong": "bold",
    "note": "cyan",
}
"""The meanings of `console.STYLES` in rich's words."""


def draw(grid: Grid, channel: Channel) -> None:
    """Write the table, folded to the width of the terminal."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    used = grid.used
    for index in used:
        column = grid.columns[index]
        justify: JustifyMethod = "right" if column.right else "left"
        table.add_column(Text(cell(column.name)), justify=justify, overflow="fold", no_wrap=not column.folds)
    for row in grid.rows:
        table.add_row(*(Text(cell(row.cells[index])) for index in used), style=RICH_STYLES[row.style])
    rich_on(channel).print(table)


def rich_on(channel: Channel) -> Rich:
    """A rich console on a channel: nothing in a text is markup, and a write never raises."""
    return Rich(
        file=_Stream(channel),  # type: ignore[arg-type]
        force_terminal=True,
        width=channel.width,
        no_color=not channel.colour,
        color_system="standard" if channel.colour else None,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )


class _Stream:
    """As much of a text file as rich asks for."""

    def __init__(self, channel: Channel) -> None:
        self.write = channel.write
        self.flush = channel.flush
