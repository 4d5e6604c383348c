"""The shipped JSON Schemas, and the two engines that apply them.

`jsonschema` is the authority: it decides and it words every error. `jsonschema-rs` is a gate in front of it that lets
most valid orders through seventy times faster; what the gate stops is only wrong if the authority says so. Both are
imported when first needed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, cast

from runner.core.files import shipped_folder

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

Schema = dict[str, Any]

HEAD: Final = "head"
"""The manifest's own fields without its orders: cut out of the manifest schema."""

_SUFFIX: Final = ".schema.json"


def names() -> list[str]:
    """Names of the shipped schemas, sorted."""
    return sorted(
        entry.name.removesuffix(_SUFFIX)
        for entry in shipped_folder("schemas").iterdir()
        if entry.name.endswith(_SUFFIX)
    )


def text(name: str) -> str:
    """A schema as it is published. KeyError where there is none of that name."""
    if name not in names():
        raise KeyError(name)
    return (shipped_folder("schemas") / f"{name}{_SUFFIX}").read_text(encoding="utf-8")


@cache
def load(name: str) -> Schema:
    """A schema as data, shared: not to be changed."""
    if name == HEAD:
        return _head(json.loads(text("manifest")))
    schema: Schema = json.loads(text(name))
    return schema


@cache
def gate(name: str) -> Callable[[Any], bool]:
    """A fast test: True is valid, False needs `explain`."""
    with _without_mail():
        from jsonschema_rs import Draft202012Validator as Gate

    return Gate(load(name)).is_valid


@contextmanager
def _without_mail() -> Iterator[None]:
    """Keeps `email.utils`, which brings `socket` and more, out of an import: a fifth of what `validate` takes to begin.

    jsonschema-rs has it read the date on which it was built, for `jsonschema_rs.__build__`, which nobody here asks for.
    """
    name = "email.utils"
    if name in sys.modules:
        yield
        return
    stand_in = ModuleType(name)
    stand_in.parsedate_to_datetime = str  # type: ignore[attr-defined]
    sys.modules[name] = stand_in
    try:
        yield
    finally:
        del sys.modules[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One rule that an instance breaks.

    `keyword` is the rule's, `demand` its value, `rule` the schema around it; `at` leads to `value`, what breaks it.
    `in_name` means that `value` is the name of a property of what `at` leads to.
    """

    keyword: str
    demand: Any
    rule: Schema
    at: tuple[str | int, ...]
    value: Any
    in_name: bool


def explain(name: str, instance: object) -> list[Violation]:
    """Everything that is wrong with an instance; empty where it is valid, whatever the gate said."""
    return [
        Violation(
            keyword=str(error.validator),
            demand=error.validator_value,
            rule=cast("Schema", error.schema),
            at=tuple(error.absolute_path),
            value=error.instance,
            in_name="propertyNames" in error.schema_path,
        )
        for error in _authority(name).iter_errors(instance)
    ]


@cache
def _authority(name: str) -> Draft202012Validator:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(load(name))


def _head(manifest: Schema) -> Schema:
    """The manifest schema with any value for `orders`, which are checked one by one as they are read."""
    properties = manifest["properties"]
    properties = {**properties, "orders": {}, "defaults": _never_both(properties["defaults"])}
    left_out = ("$defs", "$id", "allOf")
    return {key: value for key, value in {**manifest, "properties": properties}.items() if key not in left_out}


def _never_both(defaults: Schema) -> Schema:
    """Two spellings of one thing are refused as the schemas of the types do it: by the pair, not by the second one."""
    rest = {key: value for key, value in defaults.items() if key != "dependentSchemas"}
    pairs = [[field, word] for field, rule in defaults["dependentSchemas"].items() for word in rule["properties"]]
    return rest | {"allOf": [{"not": {"type": "object", "required": pair}} for pair in pairs]}
