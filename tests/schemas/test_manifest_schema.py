"""The manifest schema serves editors: it knows whole files, and never drifts from the schemas of the types."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

HERE = Path(__file__).parent
SCHEMAS = HERE.parents[1] / "schemas"
ENTRIES: dict[str, dict[str, dict[str, Any]]] = json.loads((HERE / "entries.json").read_text("utf-8"))
TYPE_SCHEMAS = {name: json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8")) for name in ENTRIES}
MANIFEST: dict[str, Any] = json.loads((SCHEMAS / "manifest.schema.json").read_text("utf-8"))
VALIDATOR = Draft202012Validator(MANIFEST)

NOT_INHERITED = {"name", "type", "generation"}
WORDS = {"title", "description"}

MINIMAL: dict[str, Any] = {
    "apiVersion": "orders/v1",
    "batch": "crawl-2026-11",
    "orders": [{"name": "fr", "type": "ipv4"}],
}
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
        return {key: rules(value) for key, value in schema.items() if not (key in WORDS and isinstance(value, str))}
    return schema


@pytest.mark.parametrize("name", sorted(TYPE_SCHEMAS))
def test_a_branch_is_its_types_schema(name: str) -> None:
    """What an editor knows of a type is what the runner checks: the same fields, in the same order, word for word."""
    branch, schema = MANIFEST["$defs"][name], TYPE_SCHEMAS[name]
    assert branch["properties"] == schema["properties"]
    assert list(branch["properties"]) == list(schema["properties"])
    assert branch["additionalProperties"] == schema["additionalProperties"]
    assert branch["title"] == schema["title"]
    assert set(branch) == {"title", "type", "additionalProperties", "allOf", "properties"}
    pairs = [rule.get("oneOf", [rule.get("not")]) for rule in schema["allOf"]]
    either = [[name for part in parts for name in part["required"]] for parts in pairs]
    assert branch["allOf"] == [{"not": {"type": "object", "required": names}} for names in either]


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
    """`defaults` takes any field of any type but a name, a type and a generation, under the same rules."""
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


def test_what_defaults_may_supply_is_not_asked_for() -> None:
    """An entry of any type may leave to `defaults` all but its name and type."""
    orders = [{"name": f"n{number}", "type": name} for number, name in enumerate(TYPE_SCHEMAS)]
    assert VALIDATOR.is_valid(MINIMAL | {"orders": orders})


INVALID: list[tuple[dict[str, Any], str, str]] = [
    ({"apiVersion": "orders/v2"}, "apiVersion", "const"),
    ({"batch": "Crawl"}, "batch", "pattern"),
    ({"batch": "crawl\n"}, "batch", "pattern"),
    ({"batch": 2026}, "batch", "type"),
    ({"orders": []}, "orders", "minItems"),
    ({"orders": {}}, "orders", "type"),
    ({"order": []}, "", "additionalProperties"),
    ({"defaults": {"name": "a"}}, "defaults", "additionalProperties"),
    ({"defaults": {"type": "ipv4"}}, "defaults", "additionalProperties"),
    ({"defaults": {"generation": 2}}, "defaults", "additionalProperties"),
    ({"defaults": {"countryId": 561, "country": "FRA"}}, "defaults", "not"),
    ({"defaults": {"countryId": 561, "package": "Europe mix"}}, "defaults", "not"),
    ({"defaults": {"paymentId": 1, "payment": "card"}}, "defaults", "not"),
    ({"orders": [{"name": "fr", "type": "ipv4", "countryId": 561, "country": "FRA"}]}, "orders/0", "not"),
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
    ({"orders": [{"name": "fr", "type": "ipv5"}]}, "orders/0/type", "enum"),
    ({"orders": [{"type": "ipv4"}]}, "orders/0", "required"),
    ({"orders": [{"name": "fr"}]}, "orders/0", "required"),
    ({"orders": [{"name": "fr", "type": "ipv4", "quantiti": 1}]}, "orders/0", "additionalProperties"),
    ({"orders": [{"name": "fr", "type": "ipv4", "protocol": "HTTPS"}]}, "orders/0", "additionalProperties"),
    ({"orders": [{"name": "fr", "type": "ipv4", "countryId": "561"}]}, "orders/0/countryId", "type"),
    ({"orders": [{"name": "r", "type": "resident", "quantity": 1}]}, "orders/0", "additionalProperties"),
]


@pytest.mark.parametrize(("changes", "place", "keyword"), INVALID)
def test_a_wrong_field_is_one_error_at_its_place(changes: dict[str, Any], place: str, keyword: str) -> None:
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
