"""The reference of the JSON schemas: a page for each, with every field that it has."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from docsite import examples
from docsite.contents import toctree

SCHEMAS: Final = Path(__file__).resolve().parents[1] / "schemas"
FIRST: Final = ("manifest", "ipv4", "isp", "mix", "mix_isp", "ipv6", "mobile", "resident", "policy", "lockfile", "plan")
TYPES: Final = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
LINE_SAFE: Final = r"^(?!.*\n)"
"""What our patterns begin with because engines differ over final newlines; says nothing to people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field: its path from the top, where `[]` is an item and `*` any name, and what the schema says of it."""

    path: str
    schema: Mapping[str, Any]
    required: bool


def names() -> list[str]:
    """The schemas, those that people write first."""
    found = (path.name.removesuffix(".schema.json") for path in SCHEMAS.glob("*.schema.json"))
    return sorted(found, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name))


def load(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    return found


def pages() -> dict[str, str]:
    """The index and a page for each schema, with the schema itself."""
    schemas = {name: load(name) for name in names()}
    rows = [f"| [{schema['title']}]({name}.md) | {schema['description']} |" for name, schema in schemas.items()]
    index = (
        "# Every field\n\nMade from the JSON schemas that the program checks with. `order-runner schema NAME` prints "
        "one; [the manifest](../manifest.md#schemas-and-editors) tells how an editor uses them.\n\n"
        "| schema | of |\n| --- | --- |\n" + "\n".join(rows) + "\n"
    )
    made = {f"schemas/{name}.md": page(name, schema) for name, schema in schemas.items()}
    return {"schemas/index.md": index + toctree(f"schemas/{name}" for name in schemas)} | made


def page(name: str, schema: Mapping[str, Any]) -> str:
    """One schema: what it is of, what holds between its fields, and each field."""
    shown = examples.of(name)
    parts = [f"# {schema['title']}\n", schema["description"] + "\n"]
    parts.append(f"`order-runner schema {name}` prints the schema; its name is `{schema['$id']}`.\n")
    parts += [f"- {rule}" for rule in rules(schema)]
    parts += [section(field, shown) for field in fields(schema)]
    return "\n".join(parts)


def fields(schema: Mapping[str, Any]) -> list[Field]:
    """Every field of a schema, from the top down; of a path that several choices have, the first."""
    by_path: dict[str, Field] = {}
    for field in inside(schema, schema, ""):
        by_path.setdefault(field.path, field)
    return list(by_path.values())


def inside(node: Mapping[str, Any], root: Mapping[str, Any], path: str) -> Iterator[Field]:
    """The fields below a node of the schema."""
    node = followed(node, root)
    for name, value in node.get("properties", {}).items():
        there = f"{path}.{name}".removeprefix(".")
        yield Field(path=there, schema=followed(value, root), required=name in node.get("required", ()))
        yield from inside(value, root, there)
    others = node.get("additionalProperties")
    if isinstance(others, Mapping):
        yield Field(path=f"{path}.*", schema=followed(others, root), required=False)
        yield from inside(others, root, f"{path}.*")
    if isinstance(node.get("items"), Mapping):
        item = followed(node["items"], root)
        if "properties" not in item:
            yield Field(path=f"{path}[]", schema=item, required=False)
        yield from inside(item, root, f"{path}[]")
    for choice in choices(node):
        yield from inside(choice, root, path)


def choices(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What else may hold of a node. A type of order has a page of its own, so a manifest stops there."""
    for choice in (*node.get("allOf", ()), *node.get("anyOf", ()), *node.get("oneOf", ())):
        for part in (choice, choice.get("then", {}), choice.get("else", {})):
            if part.get("$ref", "").rpartition("/")[2] not in FIRST:
                yield part


def followed(node: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """The node, or what it refers to, with its own words on top; of "null or that", that."""
    if "$ref" in node:
        own = {key: value for key, value in node.items() if key != "$ref"}
        return {**root["$defs"][node["$ref"].rpartition("/")[2]], **own}
    some = [choice for choice in node.get("oneOf", ()) if choice != {"type": "null"}]
    if len(some) == 1:
        there = followed(some[0], root)
        own = {key: value for key, value in node.items() if key != "oneOf"}
        return {**there, **own, "type": [there["type"], "null"]}
    return node


def section(field: Field, example: object) -> str:
    """A heading one can link to, the facts in a line, and the description."""
    level = "###" if set(".[") & set(field.path) else "##"
    return f"\n{level} `{field.path}`\n\n{' · '.join(facts(field, example))}\n\n{field.schema.get('description', '')}\n"


def facts(field: Field, shown: object) -> Iterator[str]:
    """Type, whether it is required, default, what is allowed, an example."""
    schema = field.schema
    yield kind(schema)
    if field.required:
        yield "**required**"
    if "default" in schema:
        yield f"default {code(schema['default'])}"
    if "const" in schema:
        yield f"always {code(schema['const'])}"
    if "enum" in schema:
        yield "one of " + ", ".join(map(code, schema["enum"]))
    yield from bounds(schema)
    if "pattern" in schema:
        yield f"pattern {code(schema['pattern'].replace(LINE_SAFE, '^', 1), quoted=False)}"
    example = schema["examples"][0] if "examples" in schema else examples.at(shown, field.path)
    if "const" not in schema and example is not None:
        yield f"example {code(example)}"


def bounds(schema: Mapping[str, Any]) -> Iterator[str]:
    """The least and the most, of the value, its characters or its items."""
    for low, high, unit in (
        ("minimum", "maximum", ""),
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " items"),
    ):
        if unit and schema.get(low) == 1:
            yield "not empty"
        elif low in schema:
            yield f"at least {schema[low]}{unit}"
        if high in schema:
            yield f"at most {schema[high]}{unit}"


def kind(schema: Mapping[str, Any]) -> str:
    """The type as JSON Schema calls it; of a constant or a choice of values, theirs."""
    types = schema.get("type", [])
    if not types and not {"const", "enum"} & schema.keys():
        return "anything"
    values = schema.get("enum", [schema.get("const")])
    types = types or sorted({TYPES[type(value)] for value in values})
    return " or ".join(types) if isinstance(types, list) else str(types)


def code(value: object, *, quoted: bool = True) -> str:
    """A value as JSON has it, in a code span that its own backticks cannot end."""
    text = json.dumps(value, ensure_ascii=False) if quoted else str(value)
    fence = "``" if "`" in text else "`"
    return f"{fence} {text} {fence}" if "`" in text else f"{fence}{text}{fence}"


def rules(schema: Mapping[str, Any]) -> Iterator[str]:
    """What holds between fields, in words."""
    for rule in schema.get("allOf", ()):
        if "oneOf" in rule:
            yield "Exactly one of " + listed(choice["required"][0] for choice in rule["oneOf"]) + "."
        elif "not" in rule:
            yield "Not together: " + listed(rule["not"]["required"]) + "."


def listed(names: Iterator[str] | list[str]) -> str:
    return " and ".join(f"`{name}`" for name in names)
