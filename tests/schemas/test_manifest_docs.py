"""The manifest reference says what the schemas say, and its examples are manifests."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from runner.manifest import check

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "manifest.md").read_text("utf-8")
OWN = {"name", "type", "generation", "renamed_from", "copies", "enabled", "labels", "max_total", "renew"}
WORDS = {"country", "package", "period", "operator", "rotation", "tariff", "payment", "auth"}
WANTED = {"ipv4", "isp", "ipv6"}
"""Types the vendor refuses without `customTargetName` (docs/vendor/api-v1.md#order-fields)."""

BLOCKS = re.findall(r"^```yaml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
MANIFESTS = [block for block in BLOCKS if "orders:" in block]


def load(name: str) -> dict[str, Any]:
    """A published schema by name."""
    found: dict[str, Any] = json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text("utf-8"))
    return found


def tables() -> list[list[list[str]]]:
    """The tables of the page: rows of cells, the head first."""
    found = re.findall(r"^(?:\|.*\|\n)+", TEXT, re.MULTILINE)
    return [[[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()] for table in found]


def table(*head: str) -> dict[str, list[str]]:
    """The rows of the first table whose head begins like this, by the field in their first cell."""
    rows = next(rows for rows in tables() if rows[0][: len(head)] == list(head))
    return {row[0].strip("`"): row[1:] for row in rows[2:]}


def types_of(column: str) -> list[str]:
    """The product types a column of the table of fields stands for."""
    return [name.strip() for name in column.split(",")]


def test_the_table_of_fields_is_the_schemas() -> None:
    """For every type, the reference names the fields it has, which of them are required, and no others."""
    rows = next(rows for rows in tables() if rows[0][:2] == ["field", "value"])
    table = {
        name: {row[0].strip("`"): row[index] for row in rows[2:]}
        for index, column in enumerate(rows[0][2:], start=2)
        for name in types_of(column)
    }
    assert table == {name: needs(name, [row[0].strip("`") for row in rows[2:]]) for name in table}
    assert set(table) == set(load("manifest")["$defs"])


def needs(name: str, fields: list[str]) -> dict[str, str]:
    """What the table must say of each field of a type."""
    schema = load(name)
    assert set(schema["properties"]) - OWN - WORDS <= set(fields)
    either = dict([branch["required"][0] for branch in rule["oneOf"]] for rule in schema["allOf"] if "oneOf" in rule)
    words = {}
    for field in fields:
        warned = ", warned" if field == "customTargetName" and name in WANTED else ""
        optional = f"optional{warned}" if field in schema["properties"] else "-"
        optional = f"required, or `{either[field]}`" if field in either else optional
        words[field] = "required" if field in schema["required"] else optional
    return words


def test_the_table_of_words_is_the_schemas() -> None:
    """Every word is shown with the fields it stands for and the types that have it, and its fixed values."""
    rows = table("word", "in place of")
    assert set(rows) == WORDS
    for word, (fields, types, values) in rows.items():
        having = [name for name in load("manifest")["$defs"] if word in load(name)["properties"]]
        assert types_of(types) == having
        for name in having:
            rules = load(name)["allOf"]
            pairs = [[n for part in rule.get("oneOf", [rule.get("not")]) for n in part["required"]] for rule in rules]
            assert [field for field, other in pairs if other == word] == [f.strip("`") for f in fields.split(", ")]
            assert all(f"`{value}`" in values for value in load(name)["properties"][word].get("enum", ()))
    assert set(table("in `renew`")) == set(load("ipv4")["properties"]["renew"]["properties"])
    assert set(table("in `auth`")) == set(load("ipv4")["properties"]["auth"]["properties"])


def test_fixed_words_are_shown() -> None:
    """A field with fixed values has all of them in the table."""
    rows = table("field", "value", "ipv4, isp")
    for schema in map(load, load("manifest")["$defs"]):
        for field, rule in schema["properties"].items():
            if "enum" in rule and field not in WORDS:
                assert rows[field][0] == ", ".join(f"`{value}`" for value in rule["enum"])


def test_the_documents_own_fields_are_shown() -> None:
    """Every field of a document and of a budget is in a table, with those required marked so."""
    manifest = load("manifest")
    document = table("field", "needed", "value", "meaning")
    assert set(document) == set(manifest["properties"])
    assert {field for field, cells in document.items() if cells[0] == "required"} == set(manifest["required"])
    limits = table("field", "value", "meaning")
    assert {f"budget.{field}" for field in manifest["properties"]["budget"]["properties"]} <= set(limits)


def test_our_own_fields_are_shown_with_their_defaults() -> None:
    """Every field of our own is in a table with its default."""
    rows = table("field", "needed", "value", "default")
    rules = load("ipv4")["properties"]
    assert set(rows) == OWN
    for field, cells in rows.items():
        default = json.dumps(rules[field]["default"]) if "default" in rules[field] else ""
        assert cells[2].strip("`") == default


@pytest.mark.parametrize("number", range(len(MANIFESTS)))
def test_examples_are_valid(number: int, tmp_path: Path) -> None:
    """Every manifest shown is valid, without a warning."""
    path = tmp_path / "example.yaml"
    path.write_text(MANIFESTS[number], encoding="utf-8")
    found = check([str(path)], strict=True)
    assert found.count >= 1
    assert found.problems == ()


REFUSED = [
    (written.strip("`"), row[2])
    for rows in tables()
    if rows[0][0] == "written"
    for row in rows[2:]
    for written in row[0].split(", ")
]


@pytest.mark.parametrize(("written", "instead"), REFUSED)
def test_refused_values_are_refused(written: str, instead: str, tmp_path: Path) -> None:
    """Every value the page calls refused is refused where it stands, and what to write instead is read as it stands."""
    path = tmp_path / "example.yaml"
    purpose = MANIFESTS[0].replace("customTargetName: price monitoring", "customTargetName: {}")
    path.write_text(purpose.format(written), encoding="utf-8")
    assert [problem.code[:5] for problem in check([str(path)]).problems] == ["PSR02"]
    quoted = re.findall(r'`("[^`]+")`', instead)
    assert quoted
    path.write_text(purpose.format(quoted[0]), encoding="utf-8")
    assert check([str(path)]).problems == ()


def test_links_lead_somewhere() -> None:
    """Every heading that the page links to exists, and so does every file."""
    headings = {slug(line.lstrip("# ")) for line in TEXT.splitlines() if line.startswith("#")}
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        if target.startswith("#"):
            assert target.removeprefix("#") in headings
        else:
            assert (ROOT / "docs" / target.partition("#")[0]).resolve().exists(), target


def slug(heading: str) -> str:
    """The anchor that a heading gets."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
