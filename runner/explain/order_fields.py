"""A field of an order across the product types: which have it, and where they differ."""

from __future__ import annotations

from collections.abc import Mapping

from runner.core.orders import PRODUCT_TYPES
from runner.explain import fields
from runner.explain.fields import FieldNode
from runner.explain.topics import Item, Section, Topic


def topic(path: tuple[str, ...]) -> Topic | None:
    """A field by its name alone; None where no type has it."""
    nodes: Mapping[str, FieldNode] = {name: node for name in PRODUCT_TYPES if (node := fields.at(name, path)) and path}
    if not nodes:
        return None
    first = next(iter(nodes.values()))
    name = ".".join(path)
    own = [section for section in fields.topic(first).sections if section.heading in ("Example", "Values")]
    lacking = [other for other in PRODUCT_TYPES if other not in nodes]
    without = [Section(paragraphs=(f"Not a field of {', '.join(lacking)}.",))] if lacking else []
    inside = fields.fields_inside(first)
    return Topic(
        name=name,
        kind="field",
        title=str(first.rule.get("title", name)),
        facts=tuple(fact for fact in fields.facts(first) if fact[0] != "needed"),
        sections=(Section(heading="Types", lines=tuple(_groups(nodes)), marked=True), *without, *own, *inside),
        see=tuple(node.name for node in nodes.values()),
    )


def names() -> list[str]:
    """Every field that an order of any type can have."""
    return list(dict.fromkeys(field for name in PRODUCT_TYPES for field in fields.root(name).children()))


def _groups(nodes: Mapping[str, FieldNode]) -> list[Item]:
    """The types in groups that read alike but for their own names."""
    groups: dict[tuple[str, str], list[str]] = {}
    for name, node in nodes.items():
        alike = node.text.replace(f"`order-runner reference {name}`", "`order-runner reference TYPE`")
        alike = alike.replace(f"reference/list/{name}", "reference/list/TYPE")
        groups.setdefault((node.need or "optional", alike), []).append(name)
    return [Item(name=", ".join(types), mark=needed, text=text) for (needed, text), types in groups.items()]
