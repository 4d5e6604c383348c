"""The policy reference says what the schema says, and its example is a policy."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runner.core.orders import PRODUCT_TYPES
from runner.limits.policy import read_policy

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "policy.md").read_text("utf-8")
SCHEMA: dict[str, Any] = json.loads((ROOT / "schemas" / "policy.schema.json").read_text("utf-8"))


def fields(schema: dict[str, Any], path: str = "") -> Iterator[str]:
    """Every field that has a value of its own."""
    for name, child in schema["properties"].items():
        if "properties" in child:
            yield from fields(child, f"{path}{name}.")
        else:
            yield path + name


def test_every_field_is_in_the_table() -> None:
    """The table has the schema's fields, types of one kind in one row, and no others."""
    rows = re.findall(r"^\| `([\w.]+)`( and the other types but `resident`)? \|", TEXT, re.MULTILINE)
    named = {name for name, _ in rows}
    for name, others in rows:
        if others:
            named |= {f"{name.rpartition('.')[0]}.{kind}" for kind in PRODUCT_TYPES if kind != "resident"}
    assert named == set(fields(SCHEMA))


def test_the_example_is_a_policy_with_everything_but_the_week(tmp_path: Path) -> None:
    """What the page shows first is read without a finding, and uses nearly every field."""
    (example,) = re.findall(r"^```yaml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    path = tmp_path / "order-runner.yaml"
    path.write_text(example, encoding="utf-8")
    policy, problems = read_policy(str(path))
    assert problems == ()
    assert policy is not None
    assert [cap.name for cap in policy.caps] == ["budgets.day", "budgets.month", "renewals.max_total"]
    for name in (
        "types",
        "countries",
        "periods",
        "payments",
        "max_quantity",
        "labels",
        "require_labels",
        "exclusive",
        "renewals",
    ):
        assert getattr(policy, name) is not None
        assert f"{name}:" in example


def test_the_types_are_those_there_are() -> None:
    """A type that is added to the program is added to the policy."""
    allow = SCHEMA["properties"]["allow"]["properties"]
    assert allow["types"]["items"]["enum"] == list(PRODUCT_TYPES)
    assert list(allow["max_quantity"]["properties"]) == ["any", *(kind for kind in PRODUCT_TYPES if kind != "resident")]
