"""Reads entries of everyday shape line by line, several times faster than the parser, and agrees with it in everything.

Whatever it is not sure of is for the parser: the first line that is not `key: value` in plain or simply quoted text, at
one of the columns it must have, ends the reading. The parser then gets the file from the entry on which that line
belongs to, behind the head and as much white space as stood between: its places are right, and it knows every anchor.
`python -m tests.agreement` holds the two against each other.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from itertools import chain
from typing import Any, Final

from runner.core.yamldoc.rows import NOTHING, LineEntry, LineRow, LineRows, Piece
from runner.core.yamldoc.source import TextSource

MAX_LINES: Final = 1_000
"""Lines of an everyday entry, blank ones and comments included."""

_BLANKS: Final = 1 << 16


def head_of(text: str, split: str) -> str:
    """A text up to the end of the line that opens the split list; empty where no line does."""
    opening = re.search(rf"^{re.escape(split)}:(?: +#[^\t\r\n]*| *)\n", text, re.MULTILINE) if split else None
    return text[: opening.end()] if opening else ""


class Rest:
    """What is left of a source for the parser: text that was read already, and what was not."""

    def __init__(self, source: TextSource, text: str, *, before: str = "", lines: int = 0, characters: int = 0) -> None:
        """Take the text at hand. `before` it comes the head, and white space of so many lines and characters."""
        self._source = source
        blanks = chain(_repeat(" ", characters - lines), _repeat("\n", lines))
        self._pieces = chain([before], blanks, [text])

    def read(self, _size: int = -1) -> bytes:
        """The next piece, empty at the end."""
        return next(filter(None, self._pieces), "").encode() or self._source.read()


def _repeat(character: str, count: int) -> Iterator[str]:
    return (character * min(_BLANKS, count - done) for done in range(0, count, _BLANKS))


class LineReader:
    """Reads the entries behind the head of a file, as long as their lines are everyday ones.

    Then either `is_done`, or `rest` is for the parser. `count` entries were handed on, with so many `values`.
    """

    def __init__(self, source: TextSource, head: str, text: str) -> None:
        """Take a source, and what was read of it: the head, and the text behind."""
        self.is_done = False
        self.count = 0
        self.values = 0
        self._source = source
        self._head = head
        self._text = text
        self._line = head.count("\n")
        self._index = len(head)
        self._rows = LineRows()
        rows = map(self._rows.__getitem__, text.split("\n", MAX_LINES))
        self._first = next((row for row in rows if row.place != NOTHING), LineRow(NOTHING))

    @property
    def can_begin(self) -> bool:
        """Whether there is a head, and the first line behind it is an everyday one that begins an entry."""
        return bool(self._head) and self._first.is_first

    def entries(self) -> Iterator[LineEntry]:
        """The entries, up to the first one that is not of everyday shape."""
        is_last = False
        while (yield from self._entries(self._piece(is_last), is_last)) and not is_last:
            more = self._source.read().decode()
            self._text += more
            is_last = not more

    def _piece(self, is_last: bool) -> Piece:
        """The lines at hand, without one that may go on in what was not read."""
        text = self._text if is_last else self._text.rpartition("\n")[0]
        return Piece(text.split("\n"), self._rows, line=self._line, index=self._index)

    def _entries(  # noqa: C901 - every line passes here, and a call a line would take longer than all the rest
        self, piece: Piece, is_last: bool
    ) -> Generator[LineEntry, None, bool]:
        """The complete entries of a piece; False where one is not of everyday shape. Each line there is comes by."""
        rows, first = self._rows, self._first
        dash, column = first.place, first.column
        fields: dict[str, Any] = {}
        values, last = fields, first
        begin, nested, below = -1, 0, 0
        for at, line in enumerate(piece.lines):
            row = rows[line]
            place = row[0]
            if place == column:
                fields = values
            elif place == dash:
                if at - begin > MAX_LINES:
                    break
                if begin >= 0:
                    self.count += 1
                    self.values += len(values) + nested
                    yield LineEntry(values, piece, begin, at, -1 - dash, first)
                begin, first, nested, values = at, row, 0, {}
                fields = values
            elif place == NOTHING:
                continue
            elif fields is not values and place == below:
                nested += 1
            elif fields is values and place > column and last.start == last.end:
                fields = values[last.key] = {}
                nested, below = nested + 1, place
            else:
                break
            if row[1] in fields:
                break
            fields[row[1]] = row[2]
            last = row
        else:
            is_everyday = len(piece.lines) - begin <= MAX_LINES
            if is_last and is_everyday and begin >= 0:
                yield LineEntry(values, piece, begin, len(piece.lines), -1, first)
                self.is_done = True
            self._advance(piece, begin)
            return is_everyday
        self._advance(piece, begin)
        return False

    def _advance(self, piece: Piece, count: int) -> None:
        """Let go of the first lines of a piece, whose entries were handed on."""
        if count > 0:
            characters = sum(map(len, piece.lines[:count])) + count
            self._text = self._text[characters:]
            self._line += count
            self._index += characters

    def rest(self) -> Rest:
        """What is left, from the entry on that is not of everyday shape."""
        lines, characters = self._line - self._head.count("\n"), self._index - len(self._head)
        return Rest(self._source, self._text, before=self._head, lines=lines, characters=characters)
