"""Builds values from YAML events: scalars by our own rules, a place for everything, problems collected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
)

from runner.core.errors import Problem, Span
from runner.core.yamldoc.anchors import Anchors
from runner.core.yamldoc.nodes import Table, Value, span
from runner.core.yamldoc.scalars import Trap, plain
from runner.core.yamldoc.source import UNSAFE, Flaw, unsafe_message

MAX_DEPTH: Final = 20
"""Levels of nesting, the document itself being the first."""

MERGE: Final = "<<"
MAX_VALUES: Final = 10_000
"""Values in one order, or in one field of a manifest: each is held in memory with its place."""

_CACHED: Final = 10_000
_NO_PROBLEMS: Final[tuple[Problem, ...]] = ()


class Builder:
    """Turns the events of one file into values. `_mapping` is the hot path: it sees every field of every order.

    `tables` holds the places of what is being built; `begin` starts a new value. `end` is the event that ended the last
    mapping.
    """

    def __init__(self, get: Callable[[], Any], *, path: str) -> None:
        self.get = get
        self.tables: dict[int, Table] = {}
        self.anchors = Anchors()
        self.end: Any = None
        self._path = path
        self._limit = MAX_VALUES
        self._problems: list[Problem] = []
        self._cache: dict[str, Value] = {}

    def begin(self) -> dict[int, Table]:
        """Start a value of its own: an order, or a field of the document. Returns its empty `tables`."""
        self._limit = self.anchors.values + MAX_VALUES
        self.tables = {}
        return self.tables

    def take(self) -> tuple[Problem, ...]:
        """The problems found since the last call."""
        if not self._problems:
            return _NO_PROBLEMS
        problems = tuple(self._problems)
        self._problems.clear()
        return problems

    def node(self, event: Any, depth: int) -> Value:
        """The value that begins with an event, at a level of nesting."""
        kind = event.__class__
        if kind is ScalarEvent:
            return self._scalar(event)
        if kind is AliasEvent:
            return self._alias(event, depth)
        self.refuse_tag(event)
        return self._collection(event, depth) if event.anchor is None else self._anchored_value(event, depth)

    def _collection(self, event: Any, depth: int) -> Value:
        if depth > MAX_DEPTH:
            raise self._too_deep(event)
        return self._mapping(depth) if event.__class__ is MappingStartEvent else self._sequence(depth)

    def _mapping(self, depth: int) -> dict[str, Value]:
        get, cache = self.get, self._cache
        values: dict[str, Value] = {}
        table: dict[str, tuple[Event, Event]] = {}
        merges: list[tuple[Event, Value]] = []
        while (key_event := get()).__class__ is not MappingEndEvent:
            # A plain text that was met before needs no second look: this is nearly every key and most values.
            if (
                key_event.__class__ is not ScalarEvent
                or key_event.style
                or key_event.tag is not None
                or key_event.anchor is not None
                or (key := cache.get(key_event.value)).__class__ is not str
            ):
                key = self.key(key_event)
                if len(values) > MAX_VALUES:
                    raise self._too_large(key_event)
            event = get()
            if (
                event.__class__ is not ScalarEvent
                or event.style
                or event.tag is not None
                or event.anchor is not None
                or (value := cache.get(event.value)) is None
            ):
                value = self.node(event, depth + 1)
            if key == MERGE and not key_event.style:
                merges.append((event, value))
            if key in table:
                self.duplicate(key, key_event, table[key][0])
            else:
                values[key] = value
                table[key] = key_event, event
        self._count(len(values), key_event)
        self.end = key_event
        if merges:
            self._merge(values, table, merges)
        self.tables[id(values)] = table
        return values

    def _sequence(self, depth: int) -> list[Value]:
        get = self.get
        values: list[Value] = []
        table: list[Event] = []
        while (event := get()).__class__ is not SequenceEndEvent:
            values.append(self.node(event, depth + 1))
            table.append(event)
            if len(values) > MAX_VALUES:
                raise self._too_large(event)
        self._count(len(values), event)
        self.tables[id(values)] = table
        return values

    def _merge(self, values: dict[str, Value], table: dict[str, tuple[Event, Event]], merges: list[Any]) -> None:
        """Fill in what `<<` brings: earlier mappings before later ones, the mapping's own keys before all."""
        event, merged = merges[0]
        del values[MERGE], table[MERGE]
        sources = merged if isinstance(merged, list) else [merged]
        if merged is None and isinstance(event, AliasEvent):  # reported where it was met
            return
        if not all(isinstance(source, dict) for source in sources):
            self.report("PSR014", "`<<` merges a mapping or a list of mappings", event, "write `<<: *anchor`")
            return
        for source in sources:
            places = self.tables[id(source)]
            for key, value in source.items():
                if key not in values:
                    values[key] = value
                    table[key] = places[key]

    def _scalar(self, event: Any) -> Value:
        value: Value
        if event.tag is not None:
            self.refuse_tag(event)
            value = self._text(event)
        else:
            value = self._text(event) if event.style else self._plain(event)
        if event.anchor is not None:
            self.anchors.scalar(event.anchor, value)
            self._refuse_excess(event)
        return value

    def _text(self, event: Any) -> str:
        """The text of a scalar; escapes can bring in what the file itself may not hold."""
        text: str = event.value
        if event.style == '"' and not text.isprintable() and (found := UNSAFE.search(text)):
            self.report("PSR002", unsafe_message(found[0]), event, "remove the escape")
            return UNSAFE.sub("\ufffd", text)
        return text

    def _plain(self, event: Any) -> Value:
        value = plain(event.value)
        if isinstance(value, Trap):
            self.report(value.code, value.message, event, value.hint)
            return event.value
        if len(self._cache) < _CACHED:
            self._cache[event.value] = value
        return value

    def key(self, event: Any) -> str:
        """The text of a key; what is no text is reported, and stands for itself."""
        if event.__class__ is not ScalarEvent:
            self.report("PSR011", "a key must be plain text", event, "write the key as a word")
            self.skip(event)
            return ""
        self.refuse_tag(event)
        text = self._text(event)
        if event.anchor is not None:
            self.anchors.scalar(event.anchor, text)
            self._refuse_excess(event)
        if event.style or text == MERGE or event.tag is not None:
            return text
        value = plain(text)
        if isinstance(value, Trap):
            self.report(value.code, value.message, event, f'quote the key: "{value.text}"')
        elif not isinstance(value, str):
            self.report("PSR011", f"a key must be text; `{text}` is not", event, "quote the key, or remove it")
        elif len(self._cache) < _CACHED:
            self._cache[value] = value
        return text

    def _anchored_value(self, event: Any, depth: int) -> Value:
        outer, self.tables = self.tables, {}
        mark = self.anchors.begin(event.anchor)
        value = self._collection(event, depth)
        self.anchors.end(event.anchor, value, self.tables, mark)
        self._refuse_excess(event)
        outer.update(self.tables)
        self.tables = outer
        return value

    def _alias(self, event: Any, depth: int) -> Value:
        name = event.anchor
        if self.anchors.is_open(name):
            message = f"`*{name}` is inside `&{name}`: it would contain itself"
            self.report("PSR012", message, event, "write it out")
            return None
        anchor = self.anchors.get(name)
        if anchor is None:
            hint = f"define `&{name}` earlier in the same document, or quote the text"
            self.report("PSR012", f"`*{name}` has no anchor before it", event, hint)
            return None
        self._refuse_excess(event)
        if depth + anchor.height - 1 > MAX_DEPTH:
            raise self._too_deep(event)
        self.tables.update(anchor.tables)
        return anchor.value

    def _refuse_excess(self, event: Any) -> None:
        if self.anchors.is_exhausted:
            message = "anchors and aliases expand to too many values"
            raise Flaw(self.problem("PSR013", message, event, "write the values out, or use `defaults`"))

    def refuse_tag(self, event: Any) -> None:
        """Report an explicit tag, whatever it says."""
        if event.tag is None:
            return
        name = event.tag.removeprefix("tag:yaml.org,2002:")
        shown = f"!!{name}" if name != event.tag else event.tag
        hint = "remove it; for text, quote the value" if isinstance(event, ScalarEvent) else "remove it"
        self.report("PSR009", f"the tag `{shown}` is not allowed", event, hint)

    def duplicate(self, key: str, event: Any, first: Event) -> None:
        """Report a key that was set before."""
        where = span(first)
        message = f"`{key}` is set twice, first at line {where.line}, column {where.column}"
        self.report("PSR010", message, event, "remove one of the two")

    def skip(self, event: Any) -> None:
        """Read over a value without building it."""
        depth = 1
        while True:
            if isinstance(event, CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    raise self._too_deep(event)
            elif isinstance(event, CollectionEndEvent):
                depth -= 1
            if depth == 1:
                return
            event = self.get()

    def _count(self, values: int, event: Any) -> None:
        self.anchors.values += values
        if self.anchors.values > self._limit:
            raise self._too_large(event)

    def _too_large(self, event: Any) -> Flaw:
        message = f"more than {MAX_VALUES:,} values in one order or field"
        return Flaw(self.problem("PSR015", message, event, "write each order as an entry of `orders`"))

    def _too_deep(self, event: Any) -> Flaw:
        return Flaw(too_deep(self._path, span(event)))

    def report(self, code: str, message: str, event: Any, hint: str | None) -> None:
        self._problems.append(self.problem(code, message, event, hint))
        if len(self._problems) > MAX_VALUES:
            raise self._too_large(event)

    def problem(self, code: str, message: str, event: Event | None, hint: str | None) -> Problem:
        """A finding at an event; at the beginning of the file without one."""
        place = span(event) if event else Span(line=1, column=1, end_line=1, end_column=1)
        return Problem(code=code, message=message, hint=hint, path=self._path, span=place)


def too_deep(path: str, place: Span) -> Problem:
    """The finding about more levels than `MAX_DEPTH`."""
    message = f"nested more than {MAX_DEPTH} levels deep"
    return Problem(code="PSR008", message=message, hint="flatten it", path=path, span=place)
