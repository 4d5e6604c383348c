"""Rows and columns: aligned lines for a log, a table on a terminal, one value a line on a narrow one."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from runner.views.terminal.console import Channel
from runner.views.terminal.safe import cell, one_line

FOLDED: Final = 12
"""A column that folds is worth drawing from so many cells on."""

GAP: Final = 2

MANY: Final = 1000
"""More rows than a drawn table is worth waiting for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """`right`: numbers, aligned at their end. `folds`: its texts may be broken over several lines of a table."""

    name: str
    right: bool = False
    folds: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One text a column; `style` is a meaning of `console.STYLES`."""

    cells: tuple[str, ...]
    style: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Any text; it is made safe where it is drawn."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    @property
    def used(self) -> list[int]:
        """The columns with any text in them."""
        return [index for index in range(len(self.columns)) if any(row.cells[index] for row in self.rows)]


def show(grid: Grid, channel: Channel) -> None:
    """Write a grid in the form that fits where it goes; nothing for no rows."""
    if not grid.rows:
        return
    if not channel.terminal or len(grid.rows) > MANY:
        channel.lines(aligned(grid))
    elif not _fits(grid, channel.width):
        channel.lines(stacked(grid, channel))
    else:
        from runner.views.terminal.tables import draw

        draw(grid, channel)


def aligned(grid: Grid) -> Iterator[str]:
    """Columns padded to their widest text, a header first; columns without any text are left out."""
    table = [tuple(map(one_line, row.cells)) for row in grid.rows]
    used = grid.used
    header = tuple(one_line(column.name.upper()) for column in grid.columns)
    widths = [max(width_of(cells[index]) for cells in (header, *table)) for index in range(len(header))]
    for cells in (header, *table):
        line = (" " * GAP).join(
            _padded(cells[i] or ("-" if i != used[-1] else ""), widths[i], right=grid.columns[i].right) for i in used
        )
        yield one_line(line.rstrip())


def stacked(grid: Grid, channel: Channel) -> Iterator[str]:
    """The first value of a row as its heading, the others below it, each with its column's name."""
    names = [cell(column.name) for column in grid.columns[1:]]
    widest = max(map(width_of, names), default=0)
    for row in grid.rows:
        heading = cell(row.cells[0])
        yield channel.paint(row.style, heading) if row.style else heading
        for name, text in zip(names, row.cells[1:], strict=True):
            if text:
                yield f"  {_padded(name, widest, right=False)}  {cell(text)}"


def _fits(grid: Grid, width: int) -> bool:
    """Whether a table of that width leaves every text whole that may not be folded."""
    used = grid.used
    return sum(_least(grid, index) for index in used) + GAP * (len(used) - 1) <= width


def _least(grid: Grid, index: int) -> int:
    column = grid.columns[index]
    texts = (cell(row.cells[index]) for row in grid.rows)
    widest = max(width_of(cell(column.name)), *map(width_of, texts))
    return min(widest, FOLDED) if column.folds else widest


def width_of(text: str) -> int:
    """Cells that `text` takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _padded(text: str, width: int, *, right: bool) -> str:
    blanks = " " * (width - width_of(text))
    return blanks + text if right else text + blanks
