"""One document of a manifest while it is read: its own fields, and each order as it comes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, TypeGuard

from runner.core import schemas
from runner.core.errors import Problem, Span
from runner.core.orders import PRODUCT_TYPES, OrderKey
from runner.core.yamldoc.nodes import Break, Field, Item, ListEntry, Split
from runner.manifest.fitting import refit
from runner.manifest.head import DocumentHead, head_problems
from runner.manifest.keys import Keys
from runner.manifest.kinds import Kind, kind_of
from runner.manifest.phrases import did_you_mean, display, nearest_name, one_of
from runner.manifest.places import OrderPlaces
from runner.manifest.renew import is_sound, renewal_problems
from runner.manifest.rules import SchemaSubject, is_template, violations, way_out

FORMAT: Final = "orders/v1"
EARLY: Final = ("apiVersion", "batch", "renamed_from", "generation", "defaults")
"""Fields without which no order can be judged."""

_NEEDS_END: Final = frozenset({"PSR104", "PSR111", "PSR112", "PSR204", "PSR211"})
"""Findings about what is not there; wrong where a document was cut short."""

MAX_PROBLEMS: Final = 10_000
"""Findings in one file after which reading it stops."""

MAX_FIELDS: Final = 1_000
"""Fields of one document after which reading its file stops: there are eight that mean anything."""


class Late(Exception):
    """A field came after the orders that depend on it; the file has to be read again, this time knowing it."""


class TooMany(Exception):
    """There are more findings than anybody reads."""


@dataclass(slots=True)
class Accepted:
    """An entry without errors, defaults merged in."""

    entry: ListEntry
    kind: Kind
    values: dict[str, Any]


class ManifestDocument:
    """Judges a document piece by piece; `problems` is complete after `finish`."""

    def __init__(self, path: str, begin: Span, keys: Keys, early: dict[str, Field]) -> None:
        self.problems: list[Problem] = []
        self.fields: dict[str, Field] = {}
        self.batch: str | None = None
        self.renamed_from: str | None = None
        self.defaults: Field | None = None
        self.generation: int | None = None
        self.inherited_generation = 1
        """Of an order that does not say its own: that of `defaults`, else the document's."""
        self.orders = 0
        self.sound = False
        self.path = path
        self._begin = begin
        self._nameless = f"{path}:{begin.line}"
        self._keys = keys
        self._early = early
        self._entry_began = 0
        self._split: Span | None = None
        self._foreign: Problem | None = None
        self._kinds: dict[str, Kind] = {}
        self._inherited: dict[tuple[int, int], Problem] = {}
        for field in early.values():
            self._learn(field)

    def take(self, item: Item) -> None:
        """Take anything but an entry."""
        if not isinstance(item, Break):
            self._entry_began = len(self.problems)
        if isinstance(item, Field):
            self._field(item)
        elif isinstance(item, Split):
            self._split = item.span
        elif isinstance(item, Problem):
            self.report([item])
        elif isinstance(item, Break):
            self._doubt_last_entry()
            self.finish(cut=True)
            self.report([item.problem])

    def _doubt_last_entry(self) -> None:
        """Forget what the last entry was said to lack: the rest of it may stand after the error of syntax."""
        last = self.problems[self._entry_began :]
        self.problems[self._entry_began :] = [problem for problem in last if problem.code not in _NEEDS_END]

    def report(self, problems: Iterable[Problem]) -> None:
        self.problems += problems
        if len(self.problems) > MAX_PROBLEMS:
            raise TooMany

    def _field(self, field: Field) -> None:
        """Take a field of the document. `Late` where orders came before it."""
        rule = schemas.load(schemas.HEAD)
        self.report(
            refit(field.problems, rule, {field.key: field.value}, lambda at: field.value_span(*at[1:]), way_out)
        )
        if field.key in self._early:
            return
        if self._split and field.key in EARLY:
            raise Late
        self._learn(field)

    def _learn(self, field: Field) -> None:
        self.fields[field.key] = field
        if len(self.fields) > MAX_FIELDS:
            raise TooMany
        if field.key == "batch" and isinstance(field.value, str) and _is_name(field.value):
            self.batch = field.value
        elif field.key == "renamed_from" and isinstance(field.value, str) and _is_name(field.value):
            self.renamed_from = field.value
        elif field.key == "generation" and _is_generation(field.value):
            self.generation = field.value
        elif field.key == "defaults" and isinstance(field.value, dict):
            self.defaults = field
        elif field.key == "apiVersion" and field.value != FORMAT and not field.problems:
            self._foreign = self._problem(
                "PSR102",
                f"`apiVersion` is `{display(field.value)}`: this is not an {FORMAT} manifest",
                field.value_span(),
                f"write `apiVersion: {FORMAT}`, or keep other YAML out of this path",
            )
        inherited = self.defaults.value.get("generation") if self.defaults else None
        self.inherited_generation = inherited if _is_generation(inherited) else self.generation or 1

    def entry(self, entry: ListEntry) -> Accepted | None:
        """Judge one order; None where it has errors."""
        if self._foreign:
            return None
        self.orders += 1
        self._entry_began = len(self.problems)
        value = entry.value
        if value.__class__ is not dict:
            place, hint = entry.value_span(), "write `- name: …`"
            self.report(entry.problems or [self._problem("PSR201", "an order is a mapping of fields", place, hint)])
            return None
        try:
            kind = self._kinds[value["type"]]
        except (KeyError, TypeError):
            fresh = self._kind(value.get("type"))
            if fresh is None:
                self._unknown_type(entry)
                return None
            kind = fresh
        values = kind.merge(value)
        accepted = not entry.problems and kind.valid(values) and ("renew" not in values or is_sound(values["renew"]))
        if not accepted:
            accepted = self._explain(entry, kind, values)
        for name in kind.recommended_fields:
            if name not in values:
                self._warn_of_missing_field(entry, kind, name)
        unique = self._register(entry)
        return Accepted(entry, kind, values) if accepted and unique else None

    def finish(self, *, cut: bool = False) -> None:
        """Judge what can only be known at the end; of a document `cut` short, only what was read of it."""
        if self._foreign:
            self.problems = [self._foreign]
            return
        if "apiVersion" not in self.fields and not self._split and not cut:
            hint = f"write `apiVersion: {FORMAT}`, or keep other YAML out of this path"
            missing = self._problem("PSR104", "`apiVersion` is missing: this is not a manifest", self._begin, hint)
            self.problems = [replace(missing, field="apiVersion")]
            return
        problems = head_problems(
            DocumentHead(
                path=self.path,
                fields=self.fields,
                begin=self._begin,
                split=self._split,
                orders=self.orders,
                kinds=tuple(self._kinds),
            )
        )
        self.sound = not cut and not problems
        head = [problem for problem in problems if not cut or problem.code not in _NEEDS_END]
        self.report(_elsewhere(head, self.problems))
        self.report(_elsewhere(self._inherited.values(), self.problems))

    def _kind(self, name: object) -> Kind | None:
        if not isinstance(name, str) or name not in PRODUCT_TYPES:
            return None
        inherited = {} if self.generation is None else {"generation": self.generation}
        kind = self._kinds[name] = kind_of(name, inherited | (self.defaults.value if self.defaults else {}))
        return kind

    def _explain(self, entry: ListEntry, kind: Kind, values: dict[str, Any]) -> bool:
        """Report what is wrong with an entry; True where nothing is."""
        key = self.key(entry.value)
        places = OrderPlaces(entry, self.defaults)
        line = entry.value_span().line
        subject = SchemaSubject(schema=kind.name, places=places, path=self.path, key=key, line=line)
        problems = violations(subject, values)
        problems += _elsewhere(renewal_problems(subject, values), problems)
        trapped = refit(entry.problems, schemas.load(kind.name), entry.value, lambda at: entry.value_span(*at), way_out)
        written = [replace(problem, key=key) for problem in trapped]
        for problem in _elsewhere(problems, written):
            if problem.span and problem.field and places.inherits(problem.field):
                self._inherited.setdefault((problem.span.line, problem.span.column), replace(problem, key=None))
            else:
                written.append(problem)
        self.report(written)
        return not entry.problems and not problems

    def _unknown_type(self, entry: ListEntry) -> None:
        kind = entry.value.get("type")
        hint = one_of(PRODUCT_TYPES)
        if kind is None:
            place = entry.value_span("type") if "type" in entry.value else entry.landmark("name")
            message = "`type` is missing: it says what is bought"
            problem = self._problem("PSR204", message, place, hint)
        elif is_template(kind):
            place = entry.value_span("type")
            problem = self._problem(
                "PSR214", f"`type` has a template that nobody filled in: `{display(kind)}`", place, hint
            )
        else:
            nearest = nearest_name(kind, PRODUCT_TYPES) if isinstance(kind, str) else None
            message = f"unknown type `{display(kind)}`{did_you_mean(nearest)}"
            problem = self._problem("PSR202", message, entry.value_span("type"), hint)
        problems = [replace(problem, key=self.key(entry.value), field="type")]
        rule = {"properties": {"type": {"enum": PRODUCT_TYPES}}}
        trapped = refit(entry.problems, rule, entry.value, lambda at: entry.value_span(*at), way_out)
        self.report([*trapped, *_elsewhere(problems, trapped)])
        self._register(entry)

    def _warn_of_missing_field(self, entry: ListEntry, kind: Kind, name: str) -> None:
        message = (
            f"`{name}` is missing: the vendor's table calls it optional, but the vendor refuses {kind.name} without it"
        )
        hint = "describe what the proxies are for"
        problem = self._problem("PSR211", message, entry.landmark("name"), hint)
        self.report([replace(problem, severity="warning", key=self.key(entry.value), field=name)])

    def _register(self, entry: ListEntry) -> bool:
        """Remember the order's key; False, and a finding, where another order has it."""
        value = entry.value
        name = value.get("name")
        if name.__class__ is not str:
            return True
        generation = value.get("generation", self.inherited_generation)
        tag = name if generation == 1 else f"{name}#{generation}"
        first = self._keys.add(self.batch or self._nameless, tag, entry.where("name"))
        if first is None:
            return True
        hint = _OTHER_NAME.format(generation + 1 if _is_generation(generation) else 2)
        full = display(f"{self.batch}/{tag}" if self.batch else tag)
        problem = self._problem("PSR301", f"another order is named `{full}`, at {first}", entry.landmark("name"), hint)
        self.report([replace(problem, key=self.key(value), field="name")])
        return False

    def key(self, value: dict[str, Any]) -> str | None:
        """The key of an order as text, None where it has none."""
        name, batch, generation = value.get("name"), self.batch, value.get("generation", self.inherited_generation)
        if not isinstance(name, str) or not _is_name(name) or batch is None or not isinstance(generation, int):
            return None
        return str(OrderKey(batch, name, generation))

    def _problem(self, code: str, message: str, place: Span, hint: str) -> Problem:
        return Problem(code=code, message=message, hint=hint, path=self.path, span=place)


_OTHER_NAME: Final = "give it its own name; to buy the same again, add `generation: {}`"


def _elsewhere(problems: Iterable[Problem], others: Iterable[Problem]) -> list[Problem]:
    """Problems at places where none of the others is: one finding a place is enough."""
    taken = {(other.span.line, other.span.column) for other in others if other.span}
    return [
        problem for problem in problems if not problem.span or (problem.span.line, problem.span.column) not in taken
    ]


def _is_generation(value: object) -> TypeGuard[int]:
    rule = schemas.load(schemas.HEAD)["properties"]["generation"]
    return type(value) is int and rule["minimum"] <= value <= rule["maximum"]


def _is_name(text: str) -> bool:
    pattern: str = schemas.load(schemas.HEAD)["properties"]["batch"]["pattern"]
    return re.search(pattern, text) is not None
