"""Judges a manifest's own fields, once all of them are known."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from runner.core import schemas
from runner.core.errors import Problem, Span
from runner.core.orders import PRODUCT_TYPES
from runner.core.yamldoc.nodes import Field
from runner.manifest.places import Path
from runner.manifest.rules import FORMS, SchemaSubject, violations

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentHead:
    """A document without its orders: its fields, where it begins and its list of orders (None without one), how many
    orders there were and of which types."""

    path: str
    fields: Mapping[str, Field]
    begin: Span
    split: Span | None
    orders: int
    kinds: tuple[str, ...]

    @property
    def landmark(self) -> Span:
        return self.begin

    def inherits(self, _name: str) -> bool:
        return False

    def key(self, path: Path) -> Span:
        field = self.fields.get(str(path[0])) if path else None
        return field.key_span(*path[1:]) if field else self.begin

    def value(self, path: Path) -> Span:
        field = self.fields.get(str(path[0])) if path else None
        return field.value_span(*path[1:]) if field else self.begin

    def problem(self, code: str, message: str, place: Span, hint: str, field: str) -> Problem:
        return Problem(code=code, message=message, hint=hint, path=self.path, span=place, field=field)


def head_problems(head: DocumentHead) -> list[Problem]:
    """Everything that is wrong with a manifest's own fields."""
    values = {name: field.value for name, field in head.fields.items()}
    if head.split:
        values["orders"] = []
    problems = list(_orders(head))
    if not schemas.gate(schemas.HEAD)(values):
        problems += violations(SchemaSubject(schema=schemas.HEAD, places=head, path=head.path), values)
    return [*problems, *_no_such_day(head), *_not_renamed(head), *_idle_defaults(head)]


def _orders(head: DocumentHead) -> Iterator[Problem]:
    if "orders" in head.fields:
        place = head.value(("orders",))
        hint = "write the orders below it, each with `- `, without an anchor"
        yield head.problem("PSR110", "`orders` must be a list written out here", place, hint, "orders")
    elif head.split and not head.orders:
        yield head.problem("PSR111", "`orders` is empty", head.split, "write at least one order", "orders")


def _no_such_day(head: DocumentHead) -> Iterator[Problem]:
    """A date of the right form that the calendar does not have."""
    field = head.fields.get("buy_by")
    if field and isinstance(field.value, str) and _DAY.fullmatch(field.value):
        try:
            date.fromisoformat(field.value)
        except ValueError:
            message = f"`buy_by` is not a calendar date: `{field.value}`"
            yield head.problem("PSR108", message, field.value_span(), f"write {FORMS['buy_by']}", "buy_by")


def _not_renamed(head: DocumentHead) -> Iterator[Problem]:
    """A batch that was called what it is called."""
    before, batch = head.fields.get("renamed_from"), head.fields.get("batch")
    if before and batch and before.value == batch.value:
        message = f"batch `{batch.value}` was not renamed: that is its name"
        hint = "remove `renamed_from`, or correct it"
        yield head.problem("PSR321", message, before.value_span(), hint, "renamed_from")


def _idle_defaults(head: DocumentHead) -> Iterator[Problem]:
    """Defaults that some type knows, but none in this document."""
    defaults = head.fields.get("defaults")
    if not defaults or not isinstance(defaults.value, dict) or not head.kinds:
        return
    used = {name for kind in head.kinds for name in schemas.load(kind)["properties"]}
    allowed = schemas.load(schemas.HEAD)["properties"]["defaults"]["properties"]
    for name in defaults.value:
        if name in allowed and name not in used:
            having = [kind for kind in PRODUCT_TYPES if name in schemas.load(kind)["properties"]]
            message = f"no order here can use the default `{name}`: it is a field of {', '.join(having)}"
            yield head.problem("PSR112", message, defaults.key_span(name), "remove it", name)
