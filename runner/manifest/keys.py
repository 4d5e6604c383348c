"""The keys of all orders of one call, to find two orders with one name, in little memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

_BITS: Final = 20
_MOST: Final = (1 << _BITS) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NamePlace:
    """Where a name was seen first; line and column count from 1."""

    path: str
    line: int
    column: int


class Keys:
    """Names by batch with the place of each, packed into one integer (file, line, column)."""

    def __init__(self) -> None:
        self._paths: list[str] = []
        self._names: dict[str, dict[str, int]] = {}

    def begin(self, path: str) -> None:
        """Names added from now on stand in this file."""
        self._paths.append(path)

    def forget(self) -> None:
        """Drop what the current file added: it is read again."""
        first = (len(self._paths) - 1) << 2 * _BITS
        for batch, names in self._names.items():
            self._names[batch] = {name: place for name, place in names.items() if place < first}
        self._paths.pop()

    def add(self, batch: str, name: str, mark: Any) -> NamePlace | None:
        """Remember a name; the place of the same name in the same batch, if it was met before."""
        names = self._names.get(batch)
        if names is None:
            names = self._names[batch] = {}
        first = names.get(name)
        if first is None:
            column = min(mark.column, _MOST)
            names[name] = ((len(self._paths) - 1) << 2 * _BITS) | (min(mark.line, _MOST) << _BITS) | column
            return None
        return NamePlace(
            path=self._paths[first >> 2 * _BITS], line=(first >> _BITS & _MOST) + 1, column=(first & _MOST) + 1
        )
