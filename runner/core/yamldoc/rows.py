"""Lines of everyday shape: `key: value`, with or without `- ` before it, and entries that are made of nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import Any, Final, NamedTuple

from runner.core.errors import Problem, Span
from runner.core.yamldoc.scalars import Trap, plain

NOTHING: Final = -10_000
UNKNOWN: Final = -20_000
MAX_LINE: Final = 1_000
"""Characters of a line that is still an everyday one."""

_CACHED: Final = 10_000
_SHAPE: Final = re.compile(
    r"( *)(- )?([A-Za-z][A-Za-z0-9_-]*):"
    r"""(?: +("[^"\\\t\r]*"|'[^'\t\r]*'|(?:[\w/.+$]|-\w)(?:[^\s:#]++|:(?=\S)| ++(?=[^\s#]))*+))?"""
    r"(?: +#[^\t\r]*| *)"
)
"""Indentation, dash, key, value."""

_VALUE: Final = 4

_NOTHING: Final = re.compile(r" *(?:#[^\t\r]*)?")


class LineRow(NamedTuple):
    """One line. Columns count from 0; `start` and `end` are the value's, the same where there is none.

    `place` is the column of the key, or -1 less the column of the `- ` before it; `NOTHING` for a blank line or a
    comment, `UNKNOWN` for a line that is for the parser to read.
    """

    place: int
    key: str = ""
    value: Any = None
    column: int = 0
    start: int = 0
    end: int = 0

    @property
    def is_first(self) -> bool:
        """Whether an entry begins here."""
        return NOTHING < self.place < 0


_NOTHING_ROW: Final = LineRow(NOTHING)
_UNKNOWN_ROW: Final = LineRow(UNKNOWN)


class LineRows(dict[str, LineRow]):
    """Rows by their lines. A line that was met before is not looked at again: most are but those with the names."""

    def __missing__(self, line: str) -> LineRow:
        row = _row_of(line)
        if len(self) < _CACHED and not row.is_first:
            self[line] = row
        return row


def _row_of(line: str) -> LineRow:
    if len(line) > MAX_LINE:
        return _UNKNOWN_ROW
    shape = _SHAPE.fullmatch(line)
    if shape is None:
        return _NOTHING_ROW if _NOTHING.fullmatch(line) else _UNKNOWN_ROW
    indent, dash, key, text = shape.groups()
    value = _value(text)
    if value.__class__ is Trap or not _is_text(key):
        return _UNKNOWN_ROW
    begin = len(indent)
    place, column = (-1 - begin, begin + 2) if dash else (begin, begin)
    start = shape.start(_VALUE) if text else column + len(key) + 1
    return LineRow(place, key, value, column, start, start + len(text or ""))


@lru_cache(maxsize=256)
def _is_text(key: str) -> bool:
    return plain(key) == key


def _value(text: str | None) -> Any:
    if text is None:
        return None
    return text[1:-1] if text[0] in "\"'" else plain(text)


class Piece:
    """Some lines of a file on end; the first is line `line` of it, from 0, and begins `index` characters into it."""

    def __init__(self, lines: Sequence[str], rows: LineRows, *, line: int, index: int) -> None:
        self.lines = lines
        self.rows = rows
        self.line = line
        self.index = index

    @cached_property
    def offsets(self) -> list[int]:
        """Where each line begins, and where one more would."""
        return list(accumulate((len(line) + 1 for line in self.lines), initial=self.index))


class _Place(NamedTuple):
    """Where a field is written, and the fields in it."""

    line: int
    row: LineRow
    inner: dict[str, _Place]


class LineEntry:
    """An entry of the split list that was read line by line: lines `first` to before `last` of a piece.

    It says of itself what `EventEntry` would, and looks for no place before somebody asks. `end` is the column in line
    `last` where what follows begins.
    """

    __slots__ = ("_end", "_first", "_last", "_piece", "_row", "_table", "value")
    problems: tuple[Problem, ...] = ()

    def __init__(self, value: dict[str, Any], piece: Piece, first: int, last: int, end: int, row: LineRow) -> None:
        self.value = value
        self._piece = piece
        self._first = first
        self._last = last
        self._end = end
        self._row = row
        self._table: dict[str, _Place] | None = None

    @property
    def extent(self) -> tuple[int, int, int]:
        """Index and column of its first character, index of what follows."""
        offsets, column = self._piece.offsets, self._row.column
        return offsets[self._first] + column, column, offsets[self._last] + self._end

    def where(self, name: str) -> tuple[int, int]:
        """Line and column, from 0, where to look for this entry: at a field's value, or at its own beginning."""
        row, line = self._row, self._piece.line + self._first
        if row.key == name and row.start != row.end:
            return line, row.start
        place = self._places().get(name)
        if place is None:
            return line, row.column
        for below in place.inner.values():
            return below.line, below.row.column
        return place.line, place.row.start

    def landmark(self, name: str) -> Span:
        """The place that `where` begins."""
        line, column = self.where(name)
        place = self._places().get(name)
        end = column + 1 if place is None or place.inner else place.row.end
        return _span(line, column, end)

    def key_span(self, *path: str | int) -> Span:
        """Place of a key; of the nearest key around it where `path` leads nowhere."""
        place = self._find(path)
        if place is None:
            return _span(self._piece.line + self._first, self._row.column, self._row.column + 1)
        return _span(place.line, place.row.column, place.row.column + len(place.row.key))

    def value_span(self, *path: str | int) -> Span:
        """Place of a value; of its key where it is empty or a mapping, which both have none."""
        place = self._find(path)
        if place is None or place.row.start == place.row.end:
            return self.key_span(*path)
        return _span(place.line, place.row.start, place.row.end)

    def _find(self, path: tuple[str | int, ...]) -> _Place | None:
        place, table = None, self._places()
        for step in path:
            if step not in table:
                break
            place = table[str(step)]
            table = place.inner
        return place

    def _places(self) -> dict[str, _Place]:
        if self._table is None:
            self._table = table = {}
            piece, column = self._piece, self._row.column
            for at in range(self._first, self._last):
                row = piece.rows[piece.lines[at]]
                if row.column == column:
                    table[row.key] = last = _Place(piece.line + at, row, {})
                elif row.place != NOTHING:
                    last.inner[row.key] = _Place(piece.line + at, row, {})
        return self._table


def _span(line: int, column: int, end: int) -> Span:
    return Span(line=line + 1, column=column + 1, end_line=line + 1, end_column=end + 1)
