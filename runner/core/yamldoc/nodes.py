"""What comes out of a YAML file: values with the place of everything in them, and the stream they come in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from yaml.events import CollectionStartEvent, Event

from runner.core.errors import Problem, Span
from runner.core.yamldoc.rows import LineEntry

Value = Any
"""What YAML holds: dict with text keys, list, str, int, bool or None."""

Table = dict[str, tuple[Event, Event]] | list[Event]
"""Places of one collection: the events of each key and value, or of each item."""


def span(event: Event) -> Span:
    """Where an event stands; for a collection, where it begins."""
    start: Any = event.start_mark
    end: Any = event.end_mark
    if isinstance(event, CollectionStartEvent):
        return point(start.line, start.column)
    return Span(line=start.line + 1, column=start.column + 1, end_line=end.line + 1, end_column=end.column + 1)


def point(line: int, column: int) -> Span:
    """One character, as the parser counts it: line and column from 0."""
    return Span(line=line + 1, column=column + 1, end_line=line + 1, end_column=column + 2)


@dataclass(slots=True)
class Node:
    """A value with the places of all that is in it. Not frozen: a frozen dataclass takes four times as long to make.

    `event` is where the value stands, `key_event` its key (the value itself where it has none).
    """

    value: Value
    event: Event
    key_event: Event
    tables: dict[int, Table] = field(repr=False)
    problems: tuple[Problem, ...]

    def places(self, *path: str | int) -> tuple[Event, Event]:
        """Events of the key and the value at `path`; those of the nearest container where `path` leads nowhere."""
        key_event, event, value = self.key_event, self.event, self.value
        for step in path:
            table = self.tables.get(id(value))
            if isinstance(table, dict) and step in table:
                key_event, event = table[str(step)]
            elif isinstance(table, list) and isinstance(step, int):
                key_event = event = table[step]
            else:
                break
            value = value[step]
        return key_event, event

    def key_span(self, *path: str | int) -> Span:
        return span(self.places(*path)[0])

    def value_span(self, *path: str | int) -> Span:
        """Place of a value; of its key where the value is empty and so has no place."""
        key_event, event = self.places(*path)
        start: Any = event.start_mark
        end: Any = event.end_mark
        return span(key_event if start.index == end.index else event)


@dataclass(slots=True)
class EventEntry(Node):
    """One item of the list that is split, from the parser. `end` is the event that it ends with."""

    end: Event

    @property
    def extent(self) -> tuple[int, int, int]:
        """Index and column of its first character, and index of what it ends before, from 0."""
        start: Any = self.event.start_mark
        end: Any = self.end.end_mark
        return start.index, start.column, end.index

    def where(self, name: str) -> tuple[int, int]:
        """Line and column, from 0, that this entry, a mapping, is to be looked for at: as of `landmark`."""
        mark = self._landmark(name).start_mark
        return mark.line, mark.column

    def landmark(self, name: str) -> Span:
        """Where this entry, a mapping, is to be looked for: at a field's value, unless that came in by an alias."""
        return span(self._landmark(name))

    def _landmark(self, name: str) -> Any:
        table: Any = self.tables[id(self.value)]
        if name not in table:
            return self.event
        event = table[name][1]
        own: Any = self.event.start_mark
        return event if event.start_mark.index >= own.index else self.event


ListEntry = EventEntry | LineEntry
"""One item of the list that is split."""


@dataclass(slots=True)
class Field(Node):
    """One key of the document and its value; not the list that is split."""

    key: str


@dataclass(frozen=True, slots=True)
class Begin:
    """A document that is a mapping begins; fields, the split list and its entries follow."""

    span: Span


@dataclass(frozen=True, slots=True)
class Split:
    """The split list begins."""

    span: Span


@dataclass(frozen=True, slots=True)
class End:
    """A document is complete."""


@dataclass(frozen=True, slots=True)
class Break:
    """Reading ends here, for this reason; what was open stays open."""

    problem: Problem


Item = Begin | Field | Split | ListEntry | End | Problem | Break
