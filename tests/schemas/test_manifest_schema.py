"""The manifest schema serves editors: it knows whole files, and never drifts from the schemas of the types."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

HERE = Path(__file__).parent
SCHEMAS = HERE.parents[1] / "schemas"
ENTRIES: dict[str, dict[str, dict[str, Any]]] = json.loads((HERE / "entries.json").read_text("utf-8"))
TYPE_SCHEMAS = {name: json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8")) for name in ENTRIES}
MANIFEST: dict[str, Any] = json.loads((SCHEMAS / "manifest.schema.json").read_text("utf-8"))
VALIDATOR = Draft202012Validator(MANIFEST)

NOT_INHERITED = {"name", "type", "renamed_from"}
WORDS = {"title", "description", "markdownDescription", "errorMessage", "defaultSnippets", "default"}
"""What people and editors are told of a field; a default of an order is none of `defaults`."""

MINIMAL: dict[str, Any] = {
    "apiVersion": "orders/v1",
    "batch": "crawl-2026-11",
    "orders": [{"name": "fr", "type": "ipv4", "country": "FRA", "period": "1 month", "quantity": 10}],
}
ORDER: dict[str, Any] = MINIMAL["orders"][0]
FULL: dict[str, Any] = {
    "apiVersion": "orders/v1",
    "batch": "crawl-2026-11",
    "defaults": {"periodId": "1m", "paymentId": 1, "labels": {"team": "crawl"}, "enabled": True, "max_total": "50.00"},
    "budget": {"currency": "USD", "max_total": "500.00", "max_order": "120.00", "price_tolerance": "0.025"},
    "buy_by": "2026-12-31",
    "orders": [example for examples in ENTRIES.values() for example in examples.values()],
}


def described(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field of the schema, with the path to it."""
    for field, child in schema.get("properties", {}).items():
        yield f"{path}/{field}", child
        yield from described(child, f"{path}/{field}")
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield f"{path}/{keyword}", schema[keyword]
            yield from described(schema[keyword], f"{path}/{keyword}")
    for name, child in schema.get("$defs", {}).items():
        yield from described(child, f"{path}/{name}")


def rules(schema: Any) -> Any:
    """The schema without the words for people."""
    if isinstance(schema, dict):
        return {key: rules(value) for key, value in schema.items() if key not in WORDS}
    return schema


def spellings(schema: dict[str, Any]) -> list[list[str]]:
    """The pairs of fields of a type of which one order may have only one."""
    pairs = [rule.get("oneOf", [rule.get("not")]) for rule in schema["allOf"]]
    return [[name for part in parts for name in part["required"]] for parts in pairs]


def needed(schema: dict[str, Any]) -> list[tuple[str, ...]]:
    """What an order of a type must have besides its name and type: a field, or one of two spellings."""
    either = [tuple(branch["required"][0] for branch in rule["oneOf"]) for rule in schema["allOf"] if "oneOf" in rule]
    return [(field,) for field in schema["required"] if field not in NOT_INHERITED] + either


@pytest.mark.parametrize("name", sorted(TYPE_SCHEMAS))
def test_a_branch_is_its_types_schema(name: str) -> None:
    """What an editor knows of a type is what the runner checks: the same fields, in the same order, word for word."""
    branch, schema = MANIFEST["$defs"][name], TYPE_SCHEMAS[name]
    assert branch["properties"] == schema["properties"]
    assert list(branch["properties"]) == list(schema["properties"])
    assert branch["additionalProperties"] == schema["additionalProperties"]
    assert branch["title"] == schema["title"]
    assert set(branch) == {"title", "type", "additionalProperties", "dependentSchemas", "properties"}
    refused = branch["dependentSchemas"].items()
    assert [[field, word] for field, rule in refused for word in rule["properties"]] == spellings(schema)
    assert {value for _, rule in refused for value in rule["properties"].values()} == {False}
    assert all(f"`{field}`" in rule["errorMessage"] for field, rule in refused)


def test_each_type_leads_to_its_branch() -> None:
    """The value of `type` picks the branch of that name, for every type there is."""
    order = MANIFEST["properties"]["orders"]["items"]
    dispatch = {
        branch["if"]["properties"]["type"]["const"]: branch["then"]["$ref"].removeprefix("#/$defs/")
        for branch in order["allOf"]
    }
    assert dispatch == {name: name for name in TYPE_SCHEMAS}
    assert set(MANIFEST["$defs"]) == set(TYPE_SCHEMAS)
    assert order["properties"]["type"]["enum"] == list(dispatch)
    assert order["properties"]["name"] == TYPE_SCHEMAS["ipv4"]["properties"]["name"]


def test_defaults_know_every_field_that_can_be_inherited() -> None:
    """`defaults` takes any field of any type but a name (now or before) and a type, under the same rules."""
    defaults = MANIFEST["properties"]["defaults"]
    fields = {field for schema in TYPE_SCHEMAS.values() for field in schema["properties"]}
    assert set(defaults["properties"]) == fields - NOT_INHERITED
    assert defaults["additionalProperties"] is False
    for schema in TYPE_SCHEMAS.values():
        for field, child in schema["properties"].items():
            if field not in NOT_INHERITED:
                assert rules(defaults["properties"][field]) == rules(child), field


def test_every_field_is_explained() -> None:
    """Every field of a manifest has a title and a description, which editors show."""
    fields = list(described(MANIFEST))
    assert len(fields) > 80
    assert [path for path, schema in fields if not (schema.get("title") and schema.get("description"))] == []


@pytest.mark.parametrize("manifest", [MINIMAL, FULL], ids=["minimal", "full"])
def test_examples_are_valid(manifest: dict[str, Any]) -> None:
    """The least manifest there is and one with everything are valid."""
    assert list(VALIDATOR.iter_errors(manifest)) == []


@pytest.mark.parametrize("name", sorted(TYPE_SCHEMAS))
def test_what_an_order_needs_may_come_from_defaults(name: str) -> None:
    """What a type needs is asked for where neither the order nor `defaults` has it, in either spelling, and nowhere else."""
    (minimal,) = (entry for title, entry in ENTRIES[name].items() if title == "minimal")
    for names in needed(TYPE_SCHEMAS[name]):
        without = {field: value for field, value in minimal.items() if field not in names}
        errors = list(VALIDATOR.iter_errors(MINIMAL | {"orders": [without]}))
        assert [list(error.absolute_path) for error in errors] == [["orders", 0]], names
        for field in names:
            default = MANIFEST["$defs"][name]["properties"][field]
            value = default["enum"][0] if "enum" in default else 1 if default["type"] == "integer" else "word"
            assert VALIDATOR.is_valid(MINIMAL | {"defaults": {field: value}, "orders": [without]}), field
            assert VALIDATOR.is_valid(MINIMAL | {"orders": [without | {field: value}]}), field


@pytest.mark.parametrize("name", sorted(TYPE_SCHEMAS))
def test_an_order_that_the_runner_takes_is_one_for_editors(name: str) -> None:
    """No order that is valid by its type's schema is underlined in an editor."""
    for entry in ENTRIES[name].values():
        assert VALIDATOR.is_valid(MINIMAL | {"orders": [entry]})


VALID = sorted((HERE.parent / "manifests" / "valid").glob("*/*.yaml"))


@pytest.mark.parametrize("path", VALID, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_file_that_the_runner_takes_is_one_for_editors(path: Path) -> None:
    """No manifest that `validate` finds valid is underlined in an editor, with anchors, merge keys and several documents."""
    documents = [document for document in yaml.safe_load_all(path.read_bytes()) if document is not None]
    assert documents
    assert [error.message for document in documents for error in VALIDATOR.iter_errors(document)] == []


INVALID: list[tuple[dict[str, Any], str, str | None]] = [
    ({"apiVersion": "orders/v2"}, "apiVersion", "const"),
    ({"batch": "Crawl"}, "batch", "pattern"),
    ({"batch": "crawl\n"}, "batch", "pattern"),
    ({"batch": 2026}, "batch", "type"),
    ({"orders": []}, "orders", "minItems"),
    ({"orders": {}}, "orders", "type"),
    ({"order": []}, "", "additionalProperties"),
    ({"defaults": {"name": "a"}}, "defaults", "additionalProperties"),
    ({"defaults": {"type": "ipv4"}}, "defaults", "additionalProperties"),
    ({"defaults": {"generation": 0}}, "defaults/generation", "minimum"),
    ({"defaults": {"generation": "2"}}, "defaults/generation", "type"),
    ({"generation": True}, "generation", "type"),
    ({"generation": 2147483648}, "generation", "maximum"),
    ({"defaults": {"countryId": 561, "country": "FRA"}}, "defaults", None),
    ({"defaults": {"countryId": 561, "package": "Europe mix"}}, "defaults", None),
    ({"defaults": {"paymentId": 1, "payment": "card"}}, "defaults", None),
    ({"orders": [ORDER | {"countryId": 561}]}, "orders/0", None),
    ({"defaults": {"quantity": "10"}}, "defaults/quantity", "type"),
    ({"budget": {"currency": "EUR"}}, "budget/currency", "const"),
    ({"budget": {"max_total": 500}}, "budget/max_total", "type"),
    ({"budget": {"max_order": "1.234"}}, "budget/max_order", "pattern"),
    ({"budget": {"price_tolerance": "2.5%"}}, "budget/price_tolerance", "pattern"),
    ({"budget": {"price_tolerance": "2.5"}}, "budget/price_tolerance", "pattern"),
    ({"budget": {"price_tolerance": "1"}}, "budget/price_tolerance", "pattern"),
    ({"budget": {"max": "1"}}, "budget", "additionalProperties"),
    ({"buy_by": "2026-13-01"}, "buy_by", "pattern"),
    ({"buy_by": "31.12.2026"}, "buy_by", "pattern"),
    ({"buy_by": "2026-12-31\n"}, "buy_by", "pattern"),
    ({"orders": [ORDER | {"type": "ipv5"}]}, "orders/0/type", "enum"),
    ({"orders": [{key: ORDER[key] for key in ORDER if key != "name"}]}, "orders/0", "required"),
    ({"orders": [{"name": "fr"}]}, "orders/0", "required"),
    ({"orders": [ORDER | {"quantiti": 1}]}, "orders/0", "additionalProperties"),
    ({"orders": [ORDER | {"protocol": "HTTPS"}]}, "orders/0", "additionalProperties"),
    ({"orders": [ORDER | {"quantity": "10"}]}, "orders/0/quantity", "type"),
    ({"orders": [{key: ORDER[key] for key in ORDER if key != "quantity"}]}, "orders/0", "required"),
    ({"orders": [{key: ORDER[key] for key in ORDER if key != "period"}]}, "orders/0", "anyOf"),
    ({"orders": [{"name": "r", "type": "resident", "tarifId": 1, "quantity": 1}]}, "orders/0", "additionalProperties"),
]


@pytest.mark.parametrize(("changes", "place", "keyword"), INVALID)
def test_a_wrong_field_is_one_error_at_its_place(changes: dict[str, Any], place: str, keyword: str | None) -> None:
    """One thing wrong in a manifest gives an editor exactly one error, at the place that is wrong."""
    errors = list(VALIDATOR.iter_errors(MINIMAL | changes))
    assert [("/".join(map(str, error.absolute_path)), error.validator) for error in errors] == [(place, keyword)]


@pytest.mark.parametrize("key", sorted(MINIMAL))
def test_a_manifest_says_what_it_is(key: str) -> None:
    """Version, batch and orders must be there."""
    assert not VALIDATOR.is_valid({name: value for name, value in MINIMAL.items() if name != key})


@pytest.mark.parametrize("tolerance", ["0", "0.0", "0.025", "0.9999"])
def test_a_tolerance_is_a_fraction(tolerance: str) -> None:
    """A price tolerance is a decimal fraction from nothing to just below the price itself."""
    assert VALIDATOR.is_valid(MINIMAL | {"budget": {"price_tolerance": tolerance}})
