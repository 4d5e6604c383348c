"""Explanations → text that fits the terminal, or JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from runner.explain.topics import Item, Section, Topic
from runner.views.terminal.console import Channel, Console
from runner.views.terminal.grid import width_of
from runner.views.terminal.safe import json_text, one_line

EXPLAIN_VERSION: Final = "1.0"
WIDEST: Final = 100
"""Cells of a line of prose that is still read with ease."""

BESIDE: Final = 24
"""A name longer than this stands on a line of its own, above its text."""


def render(topics: Sequence[Topic], *, fmt: str, console: Console) -> None:
    """Write the topics in one of `FORMATS` to stdout, in the order given."""
    FORMATS[fmt](topics, console.out)


def _text(topics: Sequence[Topic], channel: Channel) -> None:
    for index, topic in enumerate(topics):
        channel.lines(["", *_topic(topic, channel)] if index else _topic(topic, channel))


def _topic(topic: Topic, channel: Channel) -> Iterator[str]:
    yield channel.paint("strong", one_line(_heading(topic)))
    yield from _columns([Item(name=name, text=text) for name, text in topic.facts], channel)
    for section in topic.sections:
        yield ""
        if section.heading:
            yield channel.paint("note", one_line(section.heading))
        yield from _section(section, channel)
    if topic.see:
        yield ""
        yield from _wrap(f"See also: {', '.join(topic.see)}", channel, indent="", rest="  ")


def _heading(topic: Topic) -> str:
    if topic.kind == "list":
        return topic.title
    return topic.name if topic.name.endswith(topic.title) else f"{topic.name}: {topic.title}"


def _section(section: Section, channel: Channel) -> Iterator[str]:
    for index, paragraph in enumerate(section.paragraphs):
        if index:
            yield ""
        yield from _wrap(paragraph, channel, indent="  ", rest="  ")
    if section.code is not None:
        yield from (one_line(f"    {line}") for line in section.code.splitlines())
    yield from _columns(section.lines, channel, marked=section.marked)


def _columns(lines: Sequence[Item], channel: Channel, *, marked: bool = False) -> Iterator[str]:
    """Names in a column, what goes with each beside it, broken where the terminal ends; a name alone as an item."""
    with_text = [line.name for line in lines if line.mark or line.text]
    beside = min(BESIDE, channel.width // 3)
    column = max((width_of(name) for name in with_text if width_of(name) <= beside), default=0)
    for line in lines:
        text = f"({line.mark}) {line.text}" if line.mark and marked else line.text
        name = channel.paint("strong", one_line(line.name))
        if not text:
            yield from _wrap(line.name, channel, indent="  - ", rest="    ")
        elif width_of(line.name) > beside:
            yield f"  {name}"
            yield from _wrap(text, channel, indent="      ", rest="      ")
        else:
            blanks = " " * (column - width_of(line.name))
            first, *more = _wrap(text, channel, indent=" " * (column + 4), rest=" " * (column + 4))
            yield f"  {name}{blanks}  {first.lstrip()}"
            yield from more


def _wrap(text: str, channel: Channel, *, indent: str, rest: str) -> Iterator[str]:
    width = max(min(channel.width, WIDEST), len(rest) + 20)
    wrapped = textwrap.wrap(
        one_line(text),
        width,
        initial_indent=indent,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    yield from wrapped or [indent.rstrip()]


def _json(topics: Sequence[Topic], channel: Channel) -> None:
    document = {"version": EXPLAIN_VERSION, "topics": [_topic_json(topic) for topic in topics]}
    channel.lines([json_text(document, indent=2)])


def _topic_json(topic: Topic) -> Mapping[str, object]:
    return {
        "name": topic.name,
        "kind": topic.kind,
        "title": topic.title,
        "facts": dict(topic.facts),
        "sections": [
            {
                "heading": section.heading,
                "paragraphs": list(section.paragraphs),
                "code": section.code,
                "lines": [{"name": line.name, "mark": line.mark, "text": line.text} for line in section.lines],
            }
            for section in topic.sections
        ],
        "see": list(topic.see),
    }


FORMATS: Final[Mapping[str, Callable[[Sequence[Topic], Channel], None]]] = {"text": _text, "json": _json}
