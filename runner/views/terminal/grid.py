"""Rows and columns: aligned lines for a log, a table on a terminal, one value a line on a narrow one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Final, Protocol

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


class GridRows(Protocol):
    """Rows that can be gone through again and again, kept or made anew each time."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Row]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Any text; it is made safe where it is drawn."""

    columns: tuple[Column, ...]
    rows: GridRows

    @property
    def used_columns(self) -> list[int]:
        """The columns with any text in them."""
        return [index for index in range(len(self.columns)) if any(row.cells[index] for row in self.rows)]


def show(grid: Grid, channel: Channel) -> None:
    """Write a grid in the form that fits where it goes; nothing for no rows."""
    if not grid.rows:
        return
    if not channel.terminal or len(grid.rows) > MANY:
        channel.lines(plain_lines(grid))
    elif widths := _widths(grid, channel.width):
        channel.lines(table_lines(grid, widths, channel))
    else:
        channel.lines(item_lines(grid, channel))


def plain_lines(grid: Grid) -> Iterator[str]:
    """Columns padded to their widest text, a header first; columns without any text are left out.

    The rows are gone through twice, and none is kept.
    """
    header = tuple(one_line(column.name.upper()) for column in grid.columns)
    widths, filled = [width_of(name) for name in header], [False] * len(header)
    for row in grid.rows:
        for index, text in enumerate(map(one_line, row.cells)):
            widths[index] = max(widths[index], width_of(text))
            filled[index] = filled[index] or bool(text)
    used = [index for index, text in enumerate(filled) if text]
    for cells in chain((header,), (tuple(map(one_line, row.cells)) for row in grid.rows)):
        line = (" " * GAP).join(
            _pad(cells[i] or ("-" if i != used[-1] else ""), widths[i], right=grid.columns[i].right) for i in used
        )
        yield one_line(line.rstrip())


def table_lines(grid: Grid, widths: Mapping[int, int], channel: Channel) -> Iterator[str]:
    """A table: a bold header with a rule below it, and rows of as many lines as their longest text folds into."""
    header = Row(cells=tuple(column.name for column in grid.columns), style="strong")
    yield from _row_lines(grid, header, widths, channel)
    yield ("─" if channel.unicode else "-") * (sum(widths.values()) + GAP * (len(widths) - 1))
    for row in grid.rows:
        yield from _row_lines(grid, row, widths, channel)


def _row_lines(grid: Grid, row: Row, widths: Mapping[int, int], channel: Channel) -> Iterator[str]:
    columns = [fold(cell(row.cells[index]), width) for index, width in widths.items()]
    for parts in zip_longest(*columns, fillvalue=""):
        padded = (_pad(part, widths[i], right=grid.columns[i].right) for i, part in zip(widths, parts, strict=True))
        line = (" " * GAP).join(padded)
        yield channel.paint(row.style, line) if row.style else line


def fold(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` cells: broken between words, and inside a word that is longer than a line."""
    lines, used = [""], 0
    for word in re.findall(r"\s*\S+\s*", text):
        size = width_of(word.rstrip())
        if lines[-1] and used + size > width:
            lines.append("")
            used = 0
        for character in word if size > width else (word,):
            if used + width_of(character.rstrip()) > width:
                lines.append("")
                used = 0
            lines[-1] += character
            used += width_of(character)
    return [line.rstrip() for line in lines]


def item_lines(grid: Grid, channel: Channel) -> Iterator[str]:
    """The first value of a row as its heading, the others below it, each with its column's name."""
    names = [cell(column.name) for column in grid.columns[1:]]
    widest = max(map(width_of, names), default=0)
    for row in grid.rows:
        heading = cell(row.cells[0])
        yield channel.paint(row.style, heading) if row.style else heading
        for name, text in zip(names, row.cells[1:], strict=True):
            if text:
                yield f"  {_pad(name, widest, right=False)}  {cell(text)}"


def _widths(grid: Grid, room: int) -> dict[int, int] | None:
    """The width of each used column in a table of `room` cells, the widest folded most; None where too much is lost."""
    room -= GAP * (len(grid.used_columns) - 1)
    widths = {index: _widest(grid, index) for index in grid.used_columns}
    least = {i: min(width, FOLDED) if grid.columns[i].folds else width for i, width in widths.items()}
    if sum(least.values()) > room:
        return None
    while sum(widths.values()) > room:
        widths[max((i for i in widths if widths[i] > least[i]), key=widths.__getitem__)] -= 1
    return widths


def _widest(grid: Grid, index: int) -> int:
    return max(width_of(cell(text)) for text in (grid.columns[index].name, *(row.cells[index] for row in grid.rows)))


def width_of(text: str) -> int:
    """Cells that `text` takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _pad(text: str, width: int, *, right: bool) -> str:
    blanks = " " * (width - width_of(text))
    return blanks + text if right else text + blanks
