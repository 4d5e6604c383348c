"""One schema for each product type: the vendor's fields, whole and nothing else, each explained."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from runner.manifest.rules import TEMPLATE_AS_TEXT, TEMPLATE_IN_TEXT

HERE = Path(__file__).parent
SCHEMAS = HERE.parents[1] / "schemas"
ENTRIES: dict[str, dict[str, dict[str, Any]]] = json.loads((HERE / "entries.json").read_text("utf-8"))
TYPES = ("ipv4", "isp", "mix", "mix_isp", "ipv6", "mobile", "resident")

OWN = ["name", "type", "generation", "renamed_from", "copies", "enabled", "labels", "max_total"]


def own(name: str) -> list[str]:
    """Our own fields of a type; of resident orders, traffic is bought by a new one."""
    return OWN if name == "resident" else [*OWN, "renew"]


COMMON = ["countryId", "periodId", "quantity", "paymentId", "customTargetName", "authorization", "coupon"]
COMMON += ["generateAuth"]
VENDOR = {
    "ipv4": COMMON,
    "isp": COMMON,
    "mix": COMMON,
    "mix_isp": COMMON,
    "ipv6": [*COMMON, "protocol"],
    "mobile": [*COMMON, "mobileServiceType", "operatorId", "rotationId"],
    "resident": ["tarifId", "paymentId", "coupon"],
}
"""The vendor's fields of each type (docs/vendor/api-v1.md#order-fields)."""

PAIRS = {
    "ipv4": {"countryId": "country", "periodId": "period"},
    "isp": {"countryId": "country", "periodId": "period"},
    "mix": {"countryId": "package", "periodId": "period"},
    "mix_isp": {"countryId": "package", "periodId": "period"},
    "ipv6": {"countryId": "country", "periodId": "period"},
    "mobile": {"countryId": "country", "periodId": "period", "operatorId": "operator", "rotationId": "rotation"},
    "resident": {"tarifId": "tariff"},
}
"""The vendor's ids that decide what is bought, and the word for each: one of the two must be there."""

WORDS = {name: [*pairs.values(), "payment", *(["auth"] if name != "resident" else [])] for name, pairs in PAIRS.items()}

PLACED = {"name", "type", "quantity"}
REQUIRED = {
    "ipv4": PLACED,
    "isp": PLACED,
    "mix": PLACED,
    "mix_isp": PLACED,
    "ipv6": PLACED | {"protocol"},
    "mobile": PLACED | {"mobileServiceType"},
    "resident": {"name", "type"},
}

FOR_EDITORS = {
    "markdownDescription",
    "markdownEnumDescriptions",
    "errorMessage",
    "patternErrorMessage",
    "defaultSnippets",
}
ANNOTATIONS = {"$schema", "$id", "$comment", "title", "description", "default"}
ASSERTIONS = {"type", "const", "enum", "minimum", "maximum", "minLength", "maxLength", "pattern", "required"}
APPLICATORS = {"properties", "additionalProperties", "propertyNames", "items"}
EITHER = {"allOf", "oneOf", "not", "if", "then", "else"}
"""Keywords that say which fields exclude or need each other."""

DROP = object()


def load(name: str) -> dict[str, Any]:
    """A published schema by name."""
    found: dict[str, Any] = json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8"))
    return found


def changed(entry: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The entry with some fields set and those marked DROP left out."""
    return {key: value for key, value in (entry | changes).items() if value is not DROP}


def subschemas(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schema and every schema in it."""
    yield schema
    for child in schema.get("properties", {}).values():
        yield from subschemas(child)
    for keyword in ("additionalProperties", "propertyNames", "items"):
        if isinstance(schema.get(keyword), dict):
            yield from subschemas(schema[keyword])


def test_every_published_schema_is_accounted_for() -> None:
    """The folder holds one schema for each type, one each for what else is a file of ours, and no stray file."""
    found = {path.name.removesuffix(".schema.json") for path in SCHEMAS.glob("*.json")}
    assert found == {*TYPES, "delivery", "doctor", "event", "lockfile", "manifest", "plan", "policy", "report"}


@pytest.mark.parametrize(
    "name", [*TYPES, "delivery", "doctor", "event", "lockfile", "manifest", "plan", "policy", "report"]
)
def test_schemas_are_valid_themselves(name: str) -> None:
    """Every published schema is valid Draft 2020-12 and says what it is under an id that does not change."""
    schema = load(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"https://order-runner.dev/schemas/v1/{name}.schema.json"
    assert schema["title"]
    assert schema["description"]


@pytest.mark.parametrize("name", TYPES)
def test_fields_are_the_vendors(name: str) -> None:
    """A type has our own fields, the vendor's in the order of its table, and the words for them, and takes no other."""
    schema = load(name)
    expected = [*own(name), *VENDOR[name], *WORDS[name]]
    assert list(schema["properties"]) == expected
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("name", TYPES)
def test_what_decides_the_purchase_is_required(name: str) -> None:
    """Nothing that decides what is bought can be left out, and nothing else must be there."""
    schema = load(name)
    assert set(schema["required"]) == REQUIRED[name]
    either = [{branch["required"][0] for branch in rule["oneOf"]} for rule in schema["allOf"] if "oneOf" in rule]
    assert either == [{field, word} for field, word in PAIRS[name].items()]


@pytest.mark.parametrize("name", TYPES)
def test_every_field_is_explained(name: str) -> None:
    """Every field has a title and a description, which editors show."""
    for schema in subschemas(load(name)):
        for field, child in schema.get("properties", {}).items():
            assert child.get("title"), field
            assert child.get("description"), field


@pytest.mark.parametrize("name", TYPES)
def test_schemas_are_flat(name: str) -> None:
    """A type's schema stands alone: no reference, and only keywords that a fast validator settles in one pass."""
    for schema in subschemas(load(name)):
        assert set(schema) <= ANNOTATIONS | FOR_EDITORS | ASSERTIONS | APPLICATORS | EITHER


@pytest.mark.parametrize("name", TYPES)
def test_patterns_are_portable(name: str) -> None:
    """Every pattern is anchored and guarded against the final newline that Python's `$` lets through."""
    patterns = [schema["pattern"] for schema in subschemas(load(name)) if "pattern" in schema]
    assert patterns
    for pattern in patterns:
        assert pattern.startswith(r"^(?!.*\n)")
        assert pattern.endswith("$")


@pytest.mark.parametrize("size", ["minimal", "full", "worded"])
@pytest.mark.parametrize("name", TYPES)
def test_examples_are_valid(name: str, size: str) -> None:
    """An order with only what is required, one with every field, and one with every word, are valid."""
    schema, entry = load(name), ENTRIES[name][size]
    assert list(Draft202012Validator(schema).iter_errors(entry)) == []
    expected = {
        "minimal": {*schema["required"], *PAIRS[name]},
        "full": {*own(name), *VENDOR[name]},
        "worded": {*schema["required"], *WORDS[name]},
    }
    assert set(entry) == expected[size]


TWICE = [
    (name, field, word)
    for name, pairs in PAIRS.items()
    for field, word in [*pairs.items(), ("paymentId", "payment"), ("authorization", "auth"), ("generateAuth", "auth")]
    if word in WORDS[name]
]


@pytest.mark.parametrize(("name", "field", "word"), TWICE)
def test_nothing_is_said_twice(name: str, field: str, word: str) -> None:
    """A word and the field it stands for in one order are exactly one error, to the type and to an editor."""
    entry = {**ENTRIES[name]["worded"], field: ENTRIES[name]["full"].get(field)}
    errors = [error.validator for error in Draft202012Validator(load(name)).iter_errors(entry)]
    assert errors == ["oneOf" if field in PAIRS[name] else "not"]
    branch = Draft202012Validator(load("manifest")["$defs"][name])
    assert [list(error.schema_path)[:2] for error in branch.iter_errors(entry)] == [["dependentSchemas", field]]
    assert word in entry


RENEWALS: list[tuple[object, str, str]] = [
    ({"periodId": "1m"}, "renew", "required"),
    ({"until": "2027-06-30"}, "renew", "oneOf"),
    ({"until": "2027-06-30", "periodId": "1m", "period": "1 month"}, "renew", "oneOf"),
    ({"until": "2027-06-30", "periodId": "1m", "maximum": "1"}, "renew", "additionalProperties"),
    ({"until": "30.06.2027", "periodId": "1m"}, "renew/until", "pattern"),
    ({"until": 2027, "periodId": "1m"}, "renew/until", "type"),
    ({"until": "2027-06-30", "periodId": "soon"}, "renew/periodId", "pattern"),
    ({"until": "2027-06-30", "periodId": "1m\n"}, "renew/periodId", "pattern"),
    ({"until": "2027-06-30", "period": "${PERIOD}"}, "renew/period", "pattern"),
    ({"until": "2027-06-30", "periodId": "1m", "within": 3}, "renew/within", "type"),
    *(
        ({"until": "2027-06-30", "periodId": "1m", "within": within}, "renew/within", "pattern")
        for within in ("0d", "91d", "400d", "3", "3 d", "03d", "1w")
    ),
    ({"until": "2027-06-30", "periodId": "1m", "max_total": 20}, "renew/max_total", "type"),
    ({"until": "2027-06-30", "periodId": "1m", "max_total": "20,00"}, "renew/max_total", "pattern"),
    ("until 2027", "renew", "type"),
    (None, "renew", "type"),
]


@pytest.mark.parametrize(("value", "place", "keyword"), RENEWALS)
@pytest.mark.parametrize("name", [name for name in TYPES if name != "resident"])
def test_a_wrong_renewal_is_one_error_at_its_place(name: str, value: object, place: str, keyword: str) -> None:
    """Of every type that is renewed, and of the defaults, one thing wrong in `renew` is one error, where it is wrong."""
    entry = ENTRIES[name]["minimal"] | {"renew": value}
    (error,) = Draft202012Validator(load(name)).iter_errors(entry)
    assert ("/".join(map(str, error.absolute_path)), error.validator) == (place, keyword)
    defaults = load("manifest")["properties"]["defaults"]
    (error,) = Draft202012Validator(defaults).iter_errors({"renew": value})
    assert ("/".join(map(str, error.absolute_path)), error.validator) == (place, keyword)


def test_a_resident_order_is_not_renewed() -> None:
    """Its traffic is bought by a new order: the type does not have the field."""
    assert "renew" not in load("resident")["properties"]


VALID: list[tuple[str, dict[str, Any]]] = [
    ("ipv4", {"name": "0"}),
    ("ipv4", {"name": "a" * 63}),
    ("ipv4", {"name": "a.b_c-d"}),
    ("ipv4", {"customTargetName": "x" * 256}),
    ("ipv4", {"customTargetName": "日本 😀"}),
    ("ipv4", {"customTargetName": DROP}),
    ("ipv4", {"labels": {"a": "x" * 200}}),
    ("ipv4", {"max_total": "0"}),
    ("ipv4", {"max_total": "12.5"}),
    ("ipv4", {"generation": 2147483647}),
    *(("ipv4", {"renew": {"until": "2027-06-30", "periodId": "12M", "within": days}}) for days in ("1d", "89d", "90d")),
    ("mobile", {"renew": {"until": "2027-06-30", "period": "1 month"}}),
    ("ipv4", {"quantity": 9007199254740991}),
    ("ipv6", {"protocol": "HTTPS"}),
    ("mobile", {"rotationId": 0}),
    ("mobile", {"mobileServiceType": "dedicated"}),
    ("resident", {"paymentId": 1}),
    ("resident", {"paymentId": DROP, "payment": "card"}),
    ("ipv4", {"authorization": DROP, "generateAuth": DROP, "auth": {"mode": "login"}}),
    ("ipv4", {"authorization": DROP, "generateAuth": DROP, "auth": {"mode": "ip", "ip": "2001:db8::1"}}),
    ("ipv4", {"authorization": DROP, "generateAuth": DROP, "auth": {"mode": "ip", "ip": "255.249.199.9"}}),
]


@pytest.mark.parametrize(("name", "changes"), VALID)
def test_limits_are_inclusive(name: str, changes: dict[str, Any]) -> None:
    """Values at the edge of what is allowed are allowed."""
    assert Draft202012Validator(load(name)).is_valid(changed(ENTRIES[name]["full"], changes))


INVALID: list[tuple[str, dict[str, Any], str, str]] = [
    ("ipv4", {"name": "Fr"}, "name", "pattern"),
    ("ipv4", {"name": ""}, "name", "pattern"),
    ("ipv4", {"name": ".hidden"}, "name", "pattern"),
    ("ipv4", {"name": "a/b"}, "name", "pattern"),
    ("ipv4", {"name": "a#2"}, "name", "pattern"),
    ("ipv4", {"name": "a" * 64}, "name", "pattern"),
    ("ipv4", {"name": "fr\n"}, "name", "pattern"),
    ("ipv4", {"name": "é"}, "name", "pattern"),
    ("ipv4", {"name": 7}, "name", "type"),
    ("ipv4", {"name": DROP}, "", "required"),
    ("ipv4", {"type": "isp"}, "type", "const"),
    ("ipv4", {"type": DROP}, "", "required"),
    ("ipv4", {"generation": 0}, "generation", "minimum"),
    ("ipv4", {"generation": 2147483648}, "generation", "maximum"),
    ("ipv4", {"generation": True}, "generation", "type"),
    ("ipv4", {"enabled": "true"}, "enabled", "type"),
    ("ipv4", {"enabled": 1}, "enabled", "type"),
    ("ipv4", {"labels": ["a"]}, "labels", "type"),
    ("ipv4", {"labels": {"A": "x"}}, "labels", "pattern"),
    ("ipv4", {"labels": {"a": 1}}, "labels/a", "type"),
    ("ipv4", {"labels": {"a": "x" * 201}}, "labels/a", "maxLength"),
    ("ipv4", {"labels": {"a": "x\n"}}, "labels/a", "pattern"),
    ("ipv4", {"max_total": 120}, "max_total", "type"),
    ("ipv4", {"max_total": "-1"}, "max_total", "pattern"),
    ("ipv4", {"max_total": "+1"}, "max_total", "pattern"),
    ("ipv4", {"max_total": "1.234"}, "max_total", "pattern"),
    ("ipv4", {"max_total": "1."}, "max_total", "pattern"),
    ("ipv4", {"max_total": ".5"}, "max_total", "pattern"),
    ("ipv4", {"max_total": "1,50"}, "max_total", "pattern"),
    ("ipv4", {"max_total": "1e3"}, "max_total", "pattern"),
    ("ipv4", {"max_total": "012"}, "max_total", "pattern"),
    ("ipv4", {"max_total": "1234567890123"}, "max_total", "pattern"),
    ("ipv4", {"max_total": "١٢"}, "max_total", "pattern"),
    ("ipv4", {"max_total": "12.00\n"}, "max_total", "pattern"),
    ("ipv4", {"max_total": ""}, "max_total", "pattern"),
    ("ipv4", {"countryId": 0}, "countryId", "minimum"),
    ("ipv4", {"countryId": -561}, "countryId", "minimum"),
    ("ipv4", {"countryId": "561"}, "countryId", "type"),
    ("ipv4", {"countryId": None}, "countryId", "type"),
    ("ipv4", {"countryId": 2**53}, "countryId", "maximum"),
    ("ipv4", {"countryId": DROP}, "", "oneOf"),
    ("ipv4", {"periodId": 30}, "periodId", "type"),
    ("ipv4", {"periodId": ""}, "periodId", "minLength"),
    ("ipv4", {"periodId": "1m\n"}, "periodId", "pattern"),
    ("ipv4", {"periodId": DROP}, "", "oneOf"),
    ("ipv4", {"quantity": 0}, "quantity", "minimum"),
    ("ipv4", {"quantity": True}, "quantity", "type"),
    ("ipv4", {"quantity": 1.5}, "quantity", "type"),
    ("ipv4", {"quantity": DROP}, "", "required"),
    ("ipv4", {"paymentId": 2}, "paymentId", "enum"),
    ("ipv4", {"customTargetName": ""}, "customTargetName", "minLength"),
    ("ipv4", {"customTargetName": "x" * 257}, "customTargetName", "maxLength"),
    ("ipv4", {"customTargetName": "a\tb"}, "customTargetName", "pattern"),
    ("ipv4", {"customTargetName": "a\x1b[31m"}, "customTargetName", "pattern"),
    ("ipv4", {"customTargetName": "a\x7f"}, "customTargetName", "pattern"),
    ("ipv4", {"customTargetName": "a\x85"}, "customTargetName", "pattern"),
    ("ipv4", {"customTargetName": "a\u2028b"}, "customTargetName", "pattern"),
    ("ipv4", {"authorization": "a\r"}, "authorization", "pattern"),
    ("ipv4", {"coupon": ""}, "coupon", "minLength"),
    ("ipv4", {"coupon": 2026}, "coupon", "type"),
    ("ipv4", {"generateAuth": "y"}, "generateAuth", "enum"),
    ("ipv4", {"quantiti": 1}, "", "additionalProperties"),
    ("ipv4", {"protocol": "HTTPS"}, "", "additionalProperties"),
    ("ipv4", {"tarifId": 6928}, "", "additionalProperties"),
    ("ipv4", {"targetId": 1}, "", "additionalProperties"),
    ("isp", {"operatorId": "31"}, "", "additionalProperties"),
    ("isp", {"quantity": "5"}, "quantity", "type"),
    ("mix", {"countryId": "1370:100"}, "countryId", "type"),
    ("mix", {"quantity": DROP}, "", "required"),
    ("mix_isp", {"periodId": DROP}, "", "oneOf"),
    ("ipv6", {"protocol": "HTTP"}, "protocol", "enum"),
    ("ipv6", {"protocol": "https"}, "protocol", "enum"),
    ("ipv6", {"protocol": DROP}, "", "required"),
    ("ipv6", {"mobileServiceType": "shared"}, "", "additionalProperties"),
    ("mobile", {"mobileServiceType": "Shared"}, "mobileServiceType", "enum"),
    ("mobile", {"mobileServiceType": DROP}, "", "required"),
    ("mobile", {"operatorId": 31}, "operatorId", "type"),
    ("mobile", {"operatorId": ""}, "operatorId", "minLength"),
    ("mobile", {"operatorId": DROP}, "", "oneOf"),
    ("mobile", {"rotationId": -1}, "rotationId", "minimum"),
    ("mobile", {"rotationId": "5"}, "rotationId", "type"),
    ("mobile", {"rotationId": DROP}, "", "oneOf"),
    ("mobile", {"protocol": "HTTPS"}, "", "additionalProperties"),
    ("resident", {"tarifId": "6928"}, "tarifId", "type"),
    ("resident", {"tarifId": 0}, "tarifId", "minimum"),
    ("resident", {"tarifId": DROP}, "", "oneOf"),
    ("resident", {"paymentId": 0}, "paymentId", "enum"),
    ("resident", {"countryId": 561}, "", "additionalProperties"),
    ("resident", {"quantity": 1}, "", "additionalProperties"),
    ("resident", {"customTargetName": "x"}, "", "additionalProperties"),
    ("resident", {"country": "FRA"}, "", "additionalProperties"),
    ("mix", {"country": "FRA"}, "", "additionalProperties"),
    ("ipv4", {"package": "Europe mix"}, "", "additionalProperties"),
    ("ipv4", {"countryId": DROP, "country": 561}, "country", "type"),
    ("ipv4", {"countryId": DROP, "country": ""}, "country", "minLength"),
    ("ipv4", {"periodId": DROP, "period": "1m\n"}, "period", "pattern"),
    ("mobile", {"rotationId": DROP, "rotation": 5}, "rotation", "type"),
    ("ipv4", {"paymentId": DROP, "payment": "Balance"}, "payment", "enum"),
    *(
        ("isp", {"authorization": DROP, "generateAuth": DROP, "auth": auth}, place, keyword)
        for auth, place, keyword in (
            ("login", "auth", "type"),
            ({}, "auth", "required"),
            ({"mode": "IP", "generate": True}, "auth/mode", "enum"),
            ({"mode": "ip"}, "auth", "required"),
            ({"mode": "login", "ip": "203.0.113.7"}, "auth", "not"),
            ({"mode": "ip", "ip": "203.0.113"}, "auth/ip", "pattern"),
            ({"mode": "ip", "ip": "203.0.113.256"}, "auth/ip", "pattern"),
            ({"mode": "ip", "ip": "example.org"}, "auth/ip", "pattern"),
            ({"mode": "ip", "ip": "2001:db8::1\n"}, "auth/ip", "pattern"),
            ({"mode": "login", "generate": "Y"}, "auth/generate", "type"),
            ({"mode": "login", "user": "x"}, "auth", "additionalProperties"),
        )
    ),
]


@pytest.mark.parametrize(("name", "changes", "place", "keyword"), INVALID)
def test_a_wrong_field_is_one_error_at_its_place(name: str, changes: dict[str, Any], place: str, keyword: str) -> None:
    """One thing wrong in an order gives exactly one error, at the field that is wrong."""
    entry = changed(ENTRIES[name]["full"], changes)
    errors = list(Draft202012Validator(load(name)).iter_errors(entry))
    assert [("/".join(map(str, error.absolute_path)), error.validator) for error in errors] == [(place, keyword)]


@pytest.mark.parametrize("name", [*TYPES, "manifest", "policy"])
def test_every_free_text_refuses_templates(name: str) -> None:
    """Wherever any text may stand, none of the templates that the runner has words for may."""
    patterns = [rule["pattern"] for rule in rules_in(load(name)) if rule.get("pattern", "").endswith("]*$")]
    lookaheads = f"(?!{TEMPLATE_IN_TEXT})(?!{TEMPLATE_AS_TEXT})"
    assert patterns
    assert all(pattern.startswith(f"^(?!.*\\n){lookaheads}[^") for pattern in patterns)


def rules_in(schema: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in a schema."""
    if isinstance(schema, dict):
        yield schema
    for inner in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from rules_in(inner)
