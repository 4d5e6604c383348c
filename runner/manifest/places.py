"""Where an order's fields are written."""

from __future__ import annotations

from dataclasses import dataclass

from runner.core.errors import Span
from runner.core.yamldoc.nodes import Field, ListEntry

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class OrderPlaces:
    """Where an order's fields stand: in its entry, or in the defaults it inherits them from."""

    entry: ListEntry
    defaults: Field | None

    @property
    def landmark(self) -> Span:
        """Where to look for the order."""
        return self.entry.landmark("name")

    def inherits(self, name: str) -> bool:
        """True where a field comes from the defaults."""
        return name not in self.entry.value and self.defaults is not None and name in self.defaults.value

    def _node(self, path: Path) -> Field | ListEntry:
        if path and self.defaults and self.inherits(str(path[0])):
            return self.defaults
        return self.entry

    def key(self, path: Path) -> Span:
        return self._node(path).key_span(*path)

    def value(self, path: Path) -> Span:
        return self._node(path).value_span(*path)
