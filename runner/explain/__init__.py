"""Offline help: everything that has a name, explained from the published schemas, the tables and the docs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from runner.core import schemas
from runner.core.nearest import nearest
from runner.core.orders import PRODUCT_TYPES
from runner.explain import fields, order_fields, page_tables
from runner.explain.fields import FieldNode
from runner.explain.topics import Item, Section, Topic, first_sentence

__all__ = ["PREFIXES", "UnknownTopic", "every_name", "explained", "overview"]

FILES: Final = ("manifest", "policy", "lockfile", "plan", "report", "event", "doctor", "delivery")


class UnknownTopic(LookupError):
    """Nothing is called `word`; `near` are names that may have been meant."""

    def __init__(self, word: str, near: tuple[str, ...]) -> None:
        super().__init__(word)
        self.word, self.near = word, near


PREFIXES: Final[dict[str, Callable[[str], Topic | None]]] = {
    "exit": page_tables.exit_code,
    "finding": lambda word: page_tables.finding(word.upper()),
    "state": page_tables.status,
    "status": page_tables.status,
    "term": page_tables.term,
    "type": lambda word: fields.topic(fields.root(word)) if word in PRODUCT_TYPES else None,
    "field": lambda word: next(_fields(word), None),
}
"""Words that say what kind of name follows, each with where it is looked up."""


def explanations(words: Sequence[str]) -> tuple[Topic, ...]:
    """The topics of a call, in its order; a word with several meanings is several topics. UnknownTopic."""
    answers: list[Topic] = []
    rest = list(words)
    while rest:
        if taken := _words_of_a_term(rest):
            topics = [topic for topic in (page_tables.term(" ".join(rest[:taken])),) if topic]
            word, rest = " ".join(rest[:taken]), rest[taken:]
        elif (word := rest.pop(0)) in PREFIXES and rest:
            if word == "exit" and rest[0] == "code" and rest[1:]:
                rest.pop(0)
            topic = PREFIXES[word](rest[0])
            topics = [topic] if topic else []
            word = f"{word} {rest.pop(0)}"
        else:
            topics = list(_meanings(word))
        if not topics:
            raise UnknownTopic(word, nearest_names(word))
        answers += [topic for topic in topics if topic not in answers]
    return tuple(answers)


def _words_of_a_term(words: Sequence[str]) -> int:
    """How many of the next words are one term of the glossary; 0 where that is none of several words."""
    return next((count for count in range(len(words), 1, -1) if page_tables.term(" ".join(words[:count]))), 0)


def overview() -> Topic:
    """What can be asked for."""
    groups: tuple[tuple[str, Iterable[str]], ...] = (
        ("Product types", PRODUCT_TYPES),
        ("Files", FILES),
        ("Fields of orders", order_fields.names()),
        ("Other fields of a manifest", (name for name in fields.root("manifest").children() if name != "orders")),
        ("Lists", _LISTS),
    )
    lines = tuple(Item(name=heading, text=" ".join(names)) for heading, names in groups)
    paths = ("ipv4.quantity", "budget.max_total", "policy.budgets", "report.money.unexplained", "PSR012", "exit 7")
    example = "\n".join(f"order-runner explain {name}" for name in paths)
    sections = (Section(lines=lines), Section(heading="For example", code=example))
    return Topic(name="topics", kind="list", title="What can be explained", sections=sections)


def every_name() -> list[str]:
    """Every name that `explained` knows, those of fields with their whole path."""
    nodes = (node.name for schema in (*FILES, *PRODUCT_TYPES) for node in fields.every(fields.root(schema)))
    exits = (f"exit {number}" for number, _, _ in page_tables.exit_codes().values())
    statuses = (f"status {name}" for name in page_tables.statuses())
    words = (
        *order_fields.names(),
        *page_tables.findings(),
        *page_tables.exit_codes(),
        *page_tables.statuses(),
        *page_tables.terms(),
        *_LISTS,
    )
    return list(dict.fromkeys((*nodes, *exits, *statuses, *words)))


def nearest_names(word: str) -> tuple[str, ...]:
    """Names that may have been meant: the same last part elsewhere first, then those that are spelled alike."""
    names = every_name()
    last = word.lower().rpartition(".")[2]
    same = [name for name in names if name.lower().rpartition(".")[2] == last and name.partition(".")[0] in FILES]
    alike = nearest(word, reversed(names), most=4, likeness=0.6, fold=str.lower)
    return tuple(dict.fromkeys((*same[:4], *alike)))[:5]


def _meanings(word: str) -> Iterator[Topic]:
    """Whatever is called so; a word of the glossary only where nothing else is."""
    listed = _LISTS.get(_ALSO_CALLED.get(word, word))
    if listed:
        yield listed()
        return
    code = None if word.isdecimal() else page_tables.exit_code(word)
    named = [
        topic for topic in (page_tables.finding(word.upper()), code, page_tables.status(word), *_fields(word)) if topic
    ]
    term = page_tables.term(word)
    yield from named or ([term] if term else [])


def _fields(word: str) -> Iterator[Topic]:
    """A schema, a field by its whole path, one of a manifest, or one that orders have."""
    first, *rest = word.replace("[]", "").split(".")
    if first in schemas.names():
        if node := fields.at(first, tuple(rest)):
            yield fields.topic(node)
        return
    inside: FieldNode | None = fields.at("manifest", (first, *rest))
    if inside:
        yield fields.topic(inside)
    elif topic := order_fields.topic((first, *rest)):
        yield topic


def _list_topic(name: str, title: str, rows: Iterable[tuple[str, str]], ask: str) -> Topic:
    lines = tuple(Item(name=word, text=text) for word, text in rows)
    return Topic(name=name, kind="list", title=title, sections=(Section(lines=lines),), see=(ask,))


def _exits() -> Topic:
    codes = page_tables.exit_codes().items()
    lines = (Item(name=str(number), mark=name, text=first_sentence(when)) for name, (number, when, _) in codes)
    section = Section(lines=tuple(lines), marked=True)
    return Topic(name="exit-codes", kind="list", title="Exit codes", sections=(section,), see=("exit 7",))


def _terms() -> Topic:
    rows = ((word, first_sentence(text)) for word, text in page_tables.terms().items())
    return _list_topic("terms", "Terms", rows, "claim")


def _types() -> Topic:
    rows = ((name, fields.root(name).rule["title"]) for name in PRODUCT_TYPES)
    return _list_topic("types", "Product types", rows, "ipv4")


_LISTS: Final[dict[str, Callable[[], Topic]]] = {
    "types": _types,
    "findings": lambda: _list_topic("findings", "Findings", page_tables.findings().items(), "PSR012"),
    "exit-codes": _exits,
    "statuses": lambda: _list_topic(
        "statuses", "Statuses of an order", page_tables.statuses().items(), "status unknown"
    ),
    "terms": _terms,
}
_ALSO_CALLED: Final = {"exit": "exit-codes", "status": "statuses", "states": "statuses", "glossary": "terms"}
