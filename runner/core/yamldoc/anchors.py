"""Anchors and aliases of one document: plain reuse of what was written, with limits on how much and how deep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from runner.core.yamldoc.nodes import Table, Value

FREE_EXPANSION: Final = 10_000
EXPANSION_RATIO: Final = 10
"""Aliases may repeat `FREE_EXPANSION` values and ten times as many as the file really holds."""

MAX_HELD: Final = 50_000
"""Values that the anchors of one document may hold: they stay in memory until its end."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """An anchored value with its places. `size` counts its values, `height` its levels (0 for a scalar)."""

    value: Value
    tables: dict[int, Table]
    size: int = 1
    height: int = 0


class Anchors:
    """What has been anchored so far, and how much the aliases have repeated."""

    def __init__(self) -> None:
        self._anchors: dict[str, Anchor] = {}
        self._open: list[str] = []
        self.values = 0
        self.repeats = 0
        self._held = 0

    def forget(self) -> None:
        """A document ends, and its anchors with it."""
        self._anchors.clear()
        self._held = 0

    def scalar(self, name: str, value: Value) -> None:
        self._held += 1
        self._anchors[name] = Anchor(value, {})

    def begin(self, name: str) -> int:
        """A collection with an anchor begins; returns what `end` wants back."""
        self._open.append(name)
        return self.values + self.repeats

    def end(self, name: str, value: Value, tables: dict[int, Table], mark: int) -> None:
        self._open.pop()
        size = 1 + self.values + self.repeats - mark
        self._held += size
        self._anchors[name] = Anchor(value, tables, size, _height(value))

    def is_open(self, name: str) -> bool:
        """True inside the value that the name stands for."""
        return name in self._open

    def get(self, name: str) -> Anchor | None:
        """The value of an alias; counts it."""
        anchor = self._anchors.get(name)
        if anchor:
            self.repeats += anchor.size
        return anchor

    @property
    def is_exhausted(self) -> bool:
        """True once anchors hold, or aliases have repeated, more than they may."""
        return self._held > MAX_HELD or self.repeats > FREE_EXPANSION + EXPANSION_RATIO * self.values


def _height(value: Value) -> int:
    """Levels of nesting in a value. Not deep, and not large: both were limited while it was built."""
    if isinstance(value, dict):
        return 1 + max(map(_height, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_height, value), default=0)
    return 0
