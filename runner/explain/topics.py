"""What an explanation is made of: plain values, for views to word and draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["type", "file", "field", "finding", "exit code", "status", "term", "list"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One row of a table: a name, what is to be known at a glance, and one sentence."""

    name: str
    mark: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a topic: paragraphs of text, code as it is written, or lines of a table.

    `marked`: the marks of the lines are worth showing; elsewhere the heading says the same.
    """

    heading: str | None = None
    paragraphs: tuple[str, ...] = ()
    code: str | None = None
    lines: tuple[Item, ...] = ()
    marked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One thing explained. `name` is what one asks for; `see` are other topics, by name."""

    name: str
    kind: Kind
    title: str
    facts: tuple[tuple[str, str], ...] = ()
    sections: tuple[Section, ...] = ()
    see: tuple[str, ...] = ()


def first_sentence(text: str) -> str:
    """The beginning of a text up to the first full stop that ends a sentence."""
    head, stop, _ = " ".join(text.split()).partition(". ")
    return f"{head}." if stop else head


def gist(text: str) -> str:
    """The first sentence without what follows a colon in it, where enough is left to be understood."""
    sentence = first_sentence(text)
    head, colon, _ = sentence.partition(": ")
    return f"{head}." if colon and len(head.split()) > 2 else sentence
