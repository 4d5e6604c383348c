"""docs/decisions/0002-dependencies.md has a reason for every dependency, and for no other."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "decisions" / "0002-dependencies.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def wanted(group: str) -> set[str]:
    requirements = PROJECT["dependencies"] if group == "run" else PROJECT["optional-dependencies"][group]
    names = {re.split(r"[\s\[<>=!~;]", text, maxsplit=1)[0] for text in requirements}
    return names - {PROJECT["name"]}


def explained(heading: str) -> dict[str, str]:
    section = PAGE.split(f"### {heading}\n")[1].split("\n### ")[0].split("\n## ")[0]
    return {name: why.strip() for name, why in re.findall(r"^\| `([^`]+)` \| ([^|]+)\|", section, re.MULTILINE)}


@pytest.mark.parametrize(
    ("group", "heading"),
    [
        ("run", "At run time"),
        ("postgres", "For a ledger in PostgreSQL"),
        ("docs", "For the documentation site"),
        ("test", "For tests"),
        ("dev", "For development"),
    ],
)
def test_every_dependency_has_its_reason(group: str, heading: str) -> None:
    """Each package of pyproject.toml is in the table of its group with a reason, and no other package is."""
    found = explained(heading)
    assert set(found) == wanted(group)
    assert all(found.values())
