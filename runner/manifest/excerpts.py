"""The lines of each order as they are written, cut out of a file while it is read.

Orders come in the order of the file, so no more of it is held than what the parser has read ahead.
"""

from __future__ import annotations

from typing import Final

from runner.core.yamldoc.nodes import ListEntry

MAX_LINES: Final = 40
MAX_CHARACTERS: Final = 4_000
"""What is kept of one order; the rest of it is cut off."""

_MARGIN: Final = 200
"""Characters before an order in which its line has to begin, if it is to have that line for itself."""


class Excerpts:
    """Takes a file's text piece by piece with `feed`, and cuts out what `of` asks for, from the top to the bottom."""

    def __init__(self) -> None:
        self._text = ""
        self._base = 0
        self._done = 0

    def feed(self, chunk: bytes) -> None:
        """The next piece of clean UTF-8. What stands before the last order is let go."""
        past = max(self._done - _MARGIN - self._base, 0)
        self._text = self._text[past:] + chunk.decode()
        self._base += past

    def of(self, entry: ListEntry) -> str:
        """The lines of an entry; of one that shares its lines with others, only its own part."""
        start, column, end = entry.extent
        self._done = end
        at = start - self._base
        line = self._text.rfind("\n", max(at - _MARGIN, 0), at) + 1
        begin = line if line and not self._text[line:at].strip(" -") else at
        text = self._text[begin : min(end - self._base, begin + MAX_CHARACTERS)]
        return _trim(text.replace("\r\n", "\n").split("\n")[:MAX_LINES], column)


def _trim(lines: list[str], column: int) -> str:
    """Without blank lines at the end, and comments there no deeper than the order: those are the next one's."""
    while len(lines) > 1 and _is_beside(lines[-1], column):
        lines.pop()
    return "\n".join(lines)


def _is_beside(line: str, column: int) -> bool:
    text = line.lstrip(" ")
    return not text or (text.startswith("#") and len(line) - len(text) < column)
