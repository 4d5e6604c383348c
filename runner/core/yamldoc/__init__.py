"""Strict YAML with a place for every key and value, read as a stream.

Works on the events of libyaml's parser (PyYAML), one document after the other, and hands on each entry of one
top-level list (`split`) as soon as it is complete, so that memory does not grow with the file. Scalars follow
`runner.core.yamldoc.scalars`. Refused: tags, duplicate keys, keys that are no text, unknown or circular aliases,
too many levels, aliases that repeat far more than is written. Anchors, aliases and `<<` merge keys work inside
one document.

One error of syntax ends the file, because the parser cannot go on; everything found before it is still handed on.

From 0.2.6 on libyaml has a limit on nesting of its own, 1,000 levels. It looks up to 1,024 characters ahead, so it can
meet that limit before it has handed on the level that passes ours. Then the text before the refused level is read a
second time: where a text ends the parser hands on all it has, and the findings are those of a libyaml without a limit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Any, Final

import yaml
from yaml.events import (
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from runner.core.errors import Problem
from runner.core.yamldoc.builder import MERGE, Builder, too_deep
from runner.core.yamldoc.line_reader import LineReader, Rest, head_of
from runner.core.yamldoc.nodes import Begin, Break, End, EventEntry, Field, Item, Split, point, span
from runner.core.yamldoc.source import Flaw, SourceHead, TextSource
from runner.core.yamldoc.syntax import is_depth_limit, syntax_problem

PURE_PYTHON: Final = not yaml.__with_libyaml__
"""True where PyYAML has no libyaml: everything works the same, about twenty times slower."""


class _PureParser(yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser):
    """PyYAML's own parser in Python."""

    def __init__(self, stream: Any) -> None:
        yaml.reader.Reader.__init__(self, stream)
        yaml.scanner.Scanner.__init__(self)
        yaml.parser.Parser.__init__(self)


def read(source: TextSource, *, split: str, pure: bool = PURE_PYTHON) -> Iterator[Item]:
    """Read a source from its start. Problems that belong to no field or entry come as items of their own.

    The caller may want to switch the cyclic garbage collector off meanwhile: it costs more than the parsing.
    """
    source.rewind()
    text = source.read().decode()
    head = head_of(text, split)
    lines = LineReader(source, head, text[len(head) :])
    opening = _opening(head, source, split=split, pure=pure) if lines.can_begin else []
    if not opening:
        yield from _parse(Rest(source, text), source, split=split, pure=pure)
        return
    yield from opening
    yield from lines.entries()
    if lines.is_done:
        yield End()
        return
    skip = len(opening)
    yield from _parse(
        lines.rest(), source, split=split, pure=pure, skip=skip, count=skip + lines.count, written=lines.values
    )


def parse(source: TextSource, *, split: str, pure: bool = PURE_PYTHON) -> Iterator[Item]:
    """What `read` gives, by the parser alone."""
    source.rewind()
    return _parse(source, source, split=split, pure=pure)


def _opening(head: str, source: TextSource, *, split: str, pure: bool) -> list[Item]:
    """The items of a head up to the split list; none where it is not sure that its last line opens that."""
    with suppress(yaml.MarkedYAMLError):
        match list(_items(head.encode(), source, split=split, pure=pure)):
            case [Begin() as begin, *fields, Field(key=key, value=None) as last, End()] if key == split:
                place = last.key_span()
                if place.line == head.count("\n") and all(isinstance(field, Field) for field in fields):
                    return [begin, *fields, Split(place)]
    return []


def _parse(
    text: TextSource | Rest,
    source: TextSource,
    *,
    split: str,
    pure: bool,
    skip: int = 0,
    count: int = 0,
    written: int = 0,
) -> Iterator[Item]:
    """The items of a text but the first few. Of the source `count` were handed on before, with `written` values."""
    try:
        for item in islice(_items(text, source, split=split, pure=pure, written=written), skip, None):
            yield item
            count += 1
    except yaml.MarkedYAMLError as error:
        refused: Any = error.problem_mark
    else:
        return
    yield from _rest(source, refused, count, split=split, pure=pure)


def _items(
    text: TextSource | SourceHead | Rest | bytes, source: TextSource, *, split: str, pure: bool, written: int = 0
) -> Iterator[Item]:
    """The items of a text, which is the source or a part of it, behind so many values.

    Raises what libyaml says of nesting beyond its limit.
    """
    parser = _PureParser if pure else yaml.cyaml.CParser  # type: ignore[attr-defined]
    build = Builder(parser(text).get_event, path=source.path)
    build.anchors.values = written
    try:
        yield from _DocumentWalker(build, split=split).items()
    except Flaw as flaw:
        yield from build.take()
        yield Break(source.flaw or flaw.problem)
    except yaml.YAMLError as error:
        if is_depth_limit(error):
            raise
        yield from build.take()
        yield Break(source.flaw or syntax_problem(error, source))


def _rest(source: TextSource, refused: Any, count: int, *, split: str, pure: bool) -> Iterator[Item]:
    """What follows the first `count` items where libyaml refused a level of nesting at a mark."""
    item: Item | None = None
    with suppress(yaml.MarkedYAMLError):
        for item in islice(_items(source.head(refused.index), source, split=split, pure=pure), count, None):
            yield item
    if not isinstance(item, Break):  # the file changed meanwhile: what was read may not pass for all of it
        yield Break(too_deep(source.path, point(refused.line, refused.column)))


class _DocumentWalker:
    """Walks over the documents of a file."""

    def __init__(self, build: Builder, *, split: str) -> None:
        self._build = build
        self._split = split

    def items(self) -> Iterator[Item]:
        count = 0
        self._build.get()
        while isinstance(event := self._build.get(), DocumentStartEvent):
            count += 1
            self._build.anchors.forget()
            root = self._build.get()
            if isinstance(root, MappingStartEvent):
                yield Begin(span(event))
                yield from self._document(root)
                self._build.get()
                yield End()
            else:
                yield self._no_mapping(event, root)
                self._build.get()
        if not count:
            hint = "write a manifest, or remove the file"
            yield self._build.problem("PSR005", "the file holds no YAML document", None, hint)

    def _document(self, root: Any) -> Iterator[Item]:
        self._build.refuse_tag(root)
        seen: dict[str, Event] = {}
        while not isinstance(key_event := self._build.get(), MappingEndEvent):
            key = self._build.key(key_event)
            if key == MERGE and not key_event.style:
                self._build.report(
                    "PSR014",
                    "a merge key is not allowed at the top of a manifest",
                    key_event,
                    "put it into `defaults`, or into an order",
                )
            elif key in seen:
                self._build.duplicate(key, key_event, seen[key])
            else:
                seen[key] = key_event
                yield from self._field(key, key_event, self._build.get())
                continue
            self._build.skip(self._build.get())
            yield from self._build.take()

    def _field(self, key: str, key_event: Any, event: Any) -> Iterator[Item]:
        tables = self._build.begin()
        if key == self._split and isinstance(event, SequenceStartEvent) and not event.anchor and not event.tag:
            yield Split(span(key_event))
            yield from self._entries()
        else:
            value = self._build.node(event, 2)
            yield Field(value, event, key_event, tables, self._build.take(), key)

    def _entries(self) -> Iterator[Item]:
        build = self._build
        get, begin, node, take = build.get, build.begin, build.node, build.take
        while (event := get()).__class__ is not SequenceEndEvent:
            tables = begin()
            value = node(event, 3)
            end = build.end if event.__class__ is MappingStartEvent else event
            yield EventEntry(value, event, event, tables, take(), end)

    def _no_mapping(self, begin: Any, root: Any) -> Problem:
        empty = isinstance(root, ScalarEvent) and not root.value and not root.style
        self._build.skip(root)
        if empty:
            return self._build.problem(
                "PSR006", "the document is empty", begin, "write a manifest, or remove the `---`"
            )
        hint = "begin with `apiVersion: orders/v1`"
        return self._build.problem("PSR101", "a manifest is a mapping of fields", root, hint)
