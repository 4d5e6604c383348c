"""Published schemas → what is to be known of each field, by its path through objects, lists and references."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from runner.core import schemas
from runner.core.orders import PRODUCT_TYPES
from runner.explain.topics import Item, Kind, Section, Topic, gist

ANY: Final = "*"
"""Stands in a path for a name that is not fixed, such as that of a label."""

REQUIRED: Final = "required"
_EXAMPLE: Final = "\n\nExample: `"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldNode:
    """One field: where it is, its rule with references resolved, and whether it has to be there."""

    schema: str
    path: tuple[str, ...]
    rule: Mapping[str, Any]
    need: str = ""

    @property
    def name(self) -> str:
        return ".".join((self.schema, *self.path))

    @property
    def text(self) -> str:
        """What it is for."""
        return str(self.rule.get("description", ""))

    @property
    def example(self) -> str | None:
        """How it is written, where the schema shows it."""
        _, mark, code = str(self.rule.get("markdownDescription", "")).partition(_EXAMPLE)
        return code.rstrip("`") if mark else None

    def children(self) -> dict[str, FieldNode]:
        """The fields inside, those of a list's items for a list."""
        inner, root = _inside(self.rule, self.schema), schemas.load(self.schema)
        rules = dict(inner.get("properties", {}))
        if isinstance(inner.get("additionalProperties"), dict):
            rules[ANY] = inner["additionalProperties"]
        needs = _needs(inner)
        return {
            name: FieldNode(
                schema=self.schema, path=(*self.path, name), rule=_resolve(rule, root), need=needs.get(name, "")
            )
            for name, rule in rules.items()
        }


def root(schema: str) -> FieldNode:
    """A schema as a whole."""
    return FieldNode(schema=schema, path=(), rule=schemas.load(schema))


def at(schema: str, path: tuple[str, ...]) -> FieldNode | None:
    """The field at a path, which may name a list's items by `[]` or a number; None where there is none."""
    node = root(schema)
    for step in path:
        inside = node.children()
        if step in inside or ANY in inside:
            node = inside.get(step, inside.get(ANY, node))
        elif not (step.isdecimal() and node.rule.get("type") == "array"):
            return None
    return node


def every(node: FieldNode) -> Iterator[FieldNode]:
    """A field and all below it."""
    yield node
    for child in node.children().values():
        yield from every(child)


def topic(node: FieldNode) -> Topic:
    """A field or a whole schema, explained."""
    kind: Kind = "field" if node.path else "type" if node.schema in PRODUCT_TYPES else "file"
    see: list[str] = []
    if node.schema == "manifest" and node.path in ((), ("orders",)):
        see = list(PRODUCT_TYPES)
    elif node.schema in PRODUCT_TYPES and len(node.path) == 1:
        see = [node.path[0]]
    sections = [Section(paragraphs=(node.text,))]
    sections += [Section(heading="Example", code=node.example)] if node.example else []
    sections += _values(node.rule)
    sections += fields_inside(node)
    return Topic(
        name=node.name,
        kind=kind,
        title=str(node.rule.get("title", node.name)),
        facts=facts(node),
        sections=tuple(sections),
        see=tuple(see),
    )


def line(node: FieldNode) -> Item:
    """A field in a table: its last name, whether it is needed, and what it is in a few words."""
    return Item(name=node.path[-1], mark=node.need, text=gist(node.text))


def fields_inside(node: FieldNode) -> list[Section]:
    """The fields of an object, those that have to be there first."""
    lines = tuple(map(line, node.children().values()))
    groups = (
        ("Required", [line for line in lines if line.mark == REQUIRED]),
        ("Required, one of each two", sorted((line for line in lines if line.mark not in ("", REQUIRED)), key=_pair)),
        ("Optional", [line for line in lines if not line.mark]),
    )
    sections = [Section(heading=heading, lines=tuple(members)) for heading, members in groups if members]
    if len(sections) == 1:
        heading = "Fields, all of them required" if sections[0].heading == "Required" else "Fields"
        return [Section(heading=heading, lines=lines)]
    return sections


def _pair(line: Item) -> str:
    """Sorts `country` beside `countryId`: by the shorter of the two spellings."""
    return min(line.name, line.mark.split("`")[1], key=len)


def facts(node: FieldNode) -> tuple[tuple[str, str], ...]:
    """What a field is at a glance: its kind, whether it is needed, and what it may be."""
    rule = node.rule
    rows = [("kind", _kind(rule, node.schema) if node.path else ""), ("needed", node.need)]
    if "const" in rule:
        rows.append(("always", _literal(rule["const"])))
    if "enum" in rule:
        rows.append(("one of", ", ".join(map(_literal, rule["enum"]))))
    rows.append(("range", _range(rule.get("minimum"), rule.get("maximum"))))
    rows.append(("length", _range(rule.get("minLength"), rule.get("maxLength"))))
    rows.append(("items", _range(rule.get("minItems"), rule.get("maxItems"))))
    if "default" in rule:
        rows.append(("default", _literal(rule["default"])))
    rows.append(("form", str(rule.get("patternErrorMessage", ""))))
    return tuple((name, text) for name, text in rows if text)


def _values(rule: Mapping[str, Any]) -> list[Section]:
    meanings = rule.get("markdownEnumDescriptions")
    if not meanings:
        return []
    pairs = zip(rule["enum"], meanings, strict=True)
    return [Section(heading="Values", lines=tuple(Item(name=_literal(value), text=text) for value, text in pairs))]


def _needs(rule: Mapping[str, Any]) -> dict[str, str]:
    """Which fields an object must have; of two spellings each names the other."""
    needs = dict.fromkeys(rule.get("required", ()), REQUIRED)
    for one in rule.get("allOf", ()):
        names = [branch["required"][0] for branch in one.get("oneOf", ())]
        needs |= {name: f"{REQUIRED}, or `{other}`" for name, other in zip(names, reversed(names), strict=True)}
    return needs


def _resolve(rule: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A rule with what it refers to; of `this or null` the one that is not null."""
    if "$ref" in rule:
        target = schema["$defs"][rule["$ref"].rpartition("/")[2]]
        return {**_resolve(target, schema), **{key: value for key, value in rule.items() if key != "$ref"}}
    choices = [choice for choice in rule.get("oneOf", ()) if choice.get("type") != "null"]
    if len(choices) == 1:
        chosen = _resolve(choices[0], schema)
        rest = {key: value for key, value in rule.items() if key != "oneOf"}
        return {**chosen, **rest, "type": [chosen.get("type", "object"), "null"]}
    return rule


def _inside(rule: Mapping[str, Any], schema: str) -> Mapping[str, Any]:
    """The items of a list, however deep; anything else as it is."""
    while isinstance(rule.get("items"), dict):
        rule = _resolve(rule["items"], schemas.load(schema))
    return rule


def _kind(rule: Mapping[str, Any], schema: str) -> str:
    kinds = rule.get("type", ())
    names = [kinds] if isinstance(kinds, str) else list(kinds)
    if "array" in names and isinstance(rule.get("items"), dict):
        items = _resolve(rule["items"], schemas.load(schema))
        names[names.index("array")] = f"list of {_kind(items, schema) or 'values'}"
    return " or ".join(names)


def _range(least: int | None, most: int | None) -> str:
    if least is None:
        return f"at most {most}" if most is not None else ""
    return f"{least} to {most}" if most is not None else f"{least} or more"


def _literal(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
