"""The keys of all orders of one call, to find two orders with one name, in little memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from runner.core.orders import OrderKey

_BITS: Final = 20
_MOST: Final = (1 << _BITS) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NamePlace:
    """Where something was seen first; line and column count from 1."""

    path: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


class PackedPlaces:
    """Places in the files of a call, each packed into one integer (file, line, column)."""

    def __init__(self) -> None:
        self._paths: list[str] = []
        self._first = 0
        """The first place of the current file."""

    def begin(self, path: str) -> None:
        """What is packed from now on stands in this file."""
        self._first = len(self._paths) << 2 * _BITS
        self._paths.append(path)

    def _pack(self, line: int, column: int) -> int:
        """A place in the current file; line and column count from 0."""
        if line > _MOST or column > _MOST:
            line, column = min(line, _MOST), min(column, _MOST)
        return self._first | line << _BITS | column

    def _place(self, packed: int) -> NamePlace:
        line, column = packed >> _BITS & _MOST, packed & _MOST
        return NamePlace(path=self._paths[packed >> 2 * _BITS], line=line + 1, column=column + 1)


class Keys(PackedPlaces):
    """Names by batch with the place of each."""

    def __init__(self) -> None:
        super().__init__()
        self._names: dict[str, dict[str, int]] = {}

    def forget(self) -> None:
        """Drop what the current file added: it is read again."""
        for batch, names in self._names.items():
            self._names[batch] = {name: place for name, place in names.items() if place < self._first}
        self._paths.pop()

    def add(self, batch: str, name: str, place: tuple[int, int]) -> NamePlace | None:
        """Remember a name; the place of the same name in the same batch, if it was met before."""
        names = self._names.get(batch)
        if names is None:
            names = self._names[batch] = {}
        packed = self._pack(*place)
        first = names.setdefault(name, packed)
        return None if first is packed else self._place(first)

    def place_of(self, key: OrderKey) -> NamePlace | None:
        """Where an order of this key stands, if there is one."""
        tag = key.name if key.generation == 1 else f"{key.name}#{key.generation}"
        packed = self._names.get(key.batch, {}).get(tag)
        return None if packed is None else self._place(packed)
