"""The report's schema is a promise to every reader: what is in it is always there, in one form."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from runner.core.errors import ExitCode
from runner.core.orders import PRODUCT_TYPES

HERE = Path(__file__).parent
SCHEMA: dict[str, Any] = json.loads((HERE.parents[1] / "schemas" / "report.schema.json").read_text("utf-8"))
FULL: dict[str, Any] = json.loads((HERE / "report.json").read_text("utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)
ORDER = SCHEMA["$defs"]["order"]["properties"]
ATTEMPT = ORDER["attempts"]["items"]["properties"]
ERROR = SCHEMA["$defs"]["error"]["properties"]

FREE_FORM = {"request", "evidence", "words", "labels"}
Keys = tuple[str | int, ...]

MINIMAL: dict[str, Any] = FULL | {
    "run": FULL["run"] | {"complete": False, "finished_at": None, "exit": None},
    "inputs": {
        "manifests": [],
        "policies": [],
        "lockfile": None,
        "ledger": None,
        "api": {"base_url": None, "version": "v1"},
    },
    "money": dict.fromkeys(FULL["money"]) | {"currency": "USD"},
    "summary": dict.fromkeys(FULL["summary"], 0),
    "not_checked": [],
    "orders": [],
    "errors": [],
}


def keys_of(value: Any, path: Keys = ()) -> Iterator[Keys]:
    """The path of every key that the format names, free-form parts left out."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield (*path, key)
            if key not in FREE_FORM:
                yield from keys_of(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from keys_of(child, (*path, index))


def parent_of(report: Any, path: Keys) -> Any:
    """What holds the last key of the path."""
    for key in path[:-1]:
        report = report[key]
    return report


def with_value(path: str, value: object) -> dict[str, Any]:
    """The full example with another value at a path."""
    report = copy.deepcopy(FULL)
    keys = tuple(int(key) if key.isdecimal() else key for key in path.split("/"))
    parent_of(report, keys)[keys[-1]] = value
    return report


def described(schema: dict[str, Any], path: Keys = ()) -> Iterator[tuple[Keys, dict[str, Any]]]:
    """Every field and every kind of list item that the schema describes, with the keys that lead to it."""
    for field, child in schema.get("properties", {}).items():
        yield (*path, field), child
        yield from described(child, (*path, field))
    if "items" in schema:
        item = schema["items"]
        item = SCHEMA["$defs"][item["$ref"].removeprefix("#/$defs/")] if "$ref" in item else item
        yield (*path, 0), item
        yield from described(item, (*path, 0))


FIELDS = dict(described(SCHEMA))
OBJECTS = [schema for schema in [SCHEMA, *FIELDS.values()] if "properties" in schema]


@pytest.mark.parametrize("report", [MINIMAL, FULL], ids=["minimal", "full"])
def test_examples_are_valid(report: dict[str, Any]) -> None:
    """A report that has only begun, and one with everything in it, are valid."""
    assert list(VALIDATOR.iter_errors(report)) == []


@pytest.mark.parametrize("path", list(keys_of(FULL)), ids=lambda path: "/".join(map(str, path)))
def test_every_key_is_always_there(path: Keys) -> None:
    """A report without any one of its keys is no report."""
    report = copy.deepcopy(FULL)
    del parent_of(report, path)[path[-1]]
    assert not VALIDATOR.is_valid(report)


def test_the_example_holds_every_key() -> None:
    """The example that the other tests take apart leaves no key of the format out."""
    in_example = {tuple(key for key in path if isinstance(key, str)) for path in keys_of(FULL)}
    in_schema = {tuple(key for key in path if isinstance(key, str)) for path in FIELDS}
    assert in_example == in_schema


def test_nothing_else_is_there() -> None:
    """Every object of the report names all its keys as required and takes no other."""
    assert len(OBJECTS) > 10
    for schema in OBJECTS:
        assert schema["required"] == list(schema["properties"])
        assert schema["additionalProperties"] is False


def test_every_field_is_explained() -> None:
    """Every field has a title and a description."""
    assert len(FIELDS) > 60
    assert [path for path, schema in FIELDS.items() if not (schema.get("title") and schema.get("description"))] == []


def test_versioning_is_stated() -> None:
    """The schema says what a minor and a major version may change, and which version it is."""
    assert "minor version adds" in SCHEMA["$comment"]
    assert "major version breaks" in SCHEMA["$comment"]
    assert SCHEMA["properties"]["report_version"]["const"] == "1.3"


def test_words_are_the_codes() -> None:
    """Exit codes, product types and statuses are the program's own, and the summary counts each status."""
    exit_ = SCHEMA["properties"]["run"]["properties"]["exit"]["properties"]
    assert exit_["code"]["enum"] == sorted(map(int, ExitCode))
    assert exit_["name"]["enum"] == [code.name.lower() for code in sorted(ExitCode)]
    for code in ExitCode:
        assert f"{int(code)} {code.name.lower()}" in exit_["name"]["description"]
    assert ORDER["type"]["enum"] == list(PRODUCT_TYPES)
    assert list(SCHEMA["properties"]["summary"]["properties"]) == ["total", *ORDER["status"]["enum"]]


@pytest.mark.parametrize(
    "schema", [ORDER["status"], ERROR["category"], ORDER["attempts"]["items"]["properties"]["outcome"]]
)
def test_every_word_is_explained(schema: dict[str, Any]) -> None:
    """A field with fixed words says what each of them means."""
    for word in schema["enum"]:
        assert f"{word}: " in schema["description"]


@pytest.mark.parametrize("status", ["placed", "already_placed"])
def test_bought_means_an_order_id_is_known(status: str) -> None:
    """No order counts as bought without the vendor's order id."""
    report = with_value("orders/0/status", status)
    assert VALIDATOR.is_valid(report)
    report["orders"][0]["result"] = None
    assert not VALIDATOR.is_valid(report)


WRONG: list[tuple[str, object]] = [
    ("report_version", "1.0"),
    ("tool/name", "other"),
    ("run/mode", "status"),
    ("run/complete", None),
    ("run/started_at", "2026-11-23T12:00:00+01:00"),
    ("run/started_at", "2026-11-23T12:00:00"),
    ("run/started_at", "2026-11-23T12:00:00Z\n"),
    ("run/finished_at", "yesterday"),
    ("run/exit/code", 12),
    ("run/exit/name", "OK"),
    ("inputs/manifests/0/path", "/home/me/orders.yaml"),
    ("inputs/manifests/0/sha256", "abc"),
    ("inputs/api/version", None),
    ("money/currency", "dollar"),
    ("money/quoted_total", 34.2),
    ("money/quoted_total", "-1.00"),
    ("money/quoted_total", "1E+2"),
    ("money/spent_confirmed", "NaN"),
    ("money/balance_after", "1,758.88"),
    ("summary/total", "3"),
    ("summary/placed", -1),
    ("not_checked", None),
    ("orders", None),
    ("orders/0/key", "fr-prices"),
    ("orders/0/key", "crawl/fr#0"),
    ("orders/0/name", None),
    ("orders/0/type", "ipv5"),
    ("orders/0/source/file", "/etc/orders.yaml"),
    ("orders/0/source/line", 0),
    ("orders/0/words", None),
    ("orders/0/words", {"countryId": "FRA"}),
    ("orders/0/words", {"country": 561}),
    ("orders/1/possible", 18),
    ("orders/0/status", "submitted"),
    ("orders/0/fingerprint", "2c26b46b"),
    ("orders/0/request/paymentId", 1.5),
    ("orders/0/quote/total", 16.2),
    ("orders/0/quote/currency", None),
    ("orders/0/result/order_id", 2426273),
    ("orders/0/result/order_id", ""),
    ("orders/0/result/base_order_numbers", None),
    ("orders/0/result/base_order_numbers", [3388485]),
    ("orders/0/attempts", None),
    ("orders/0/attempts/0/n", 0),
    ("orders/0/attempts/0/duration_ms", -1),
    ("orders/0/attempts/0/http_status", 0),
    ("orders/0/attempts/0/outcome", None),
    ("orders/0/evidence", []),
    ("orders/2/errors/0/category", "fatal"),
    ("orders/2/errors/0/vendor/code", 0),
    ("orders/2/errors/0/file", "/etc/orders.yaml"),
    ("errors/0/message", ""),
    ("extra", 1),
    ("run/extra", 1),
    ("orders/0/extra", 1),
]


@pytest.mark.parametrize(("path", "value"), WRONG)
def test_a_value_in_another_form_is_refused(path: str, value: object) -> None:
    """Ids and money are text, times are UTC, paths are relative, and words are the fixed ones."""
    assert not VALIDATOR.is_valid(with_value(path, value))


RIGHT: list[tuple[str, object]] = [
    ("money/unexplained", "-18.00"),
    ("money/balance_before", "-0.50"),
    ("orders/0/result/total", None),
    ("orders/0/result/balance", None),
    ("orders/0/result/base_order_numbers", []),
    ("orders/1/attempts/0/outcome", "submitted"),
    ("orders/1/attempts/0/duration_ms", None),
    ("orders/1/evidence", {"anything": [1, {"at": None}]}),
    ("orders/1/fingerprint", None),
    ("orders/1/request", None),
    ("inputs/manifests/0/path", "../elsewhere/orders.yaml"),
    ("inputs/ledger", "postgresql://ledger.example/orders"),
]


@pytest.mark.parametrize(("path", "value"), RIGHT)
def test_what_may_be_unknown_is_null_or_free(path: str, value: object) -> None:
    """What a run may not know can be null, balances may be negative, and evidence has no fixed form."""
    assert VALIDATOR.is_valid(with_value(path, value))
