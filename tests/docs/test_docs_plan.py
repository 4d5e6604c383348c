"""docs/plan.md shows a real plan and explains every field of the format."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from jsonschema import Draft202012Validator

from runner.plan.approval.differences import Kind

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "plan.md").read_text(encoding="utf-8")
SCHEMA: dict[str, Any] = json.loads((ROOT / "schemas" / "plan.schema.json").read_text(encoding="utf-8"))

VOLATILE = re.compile(r'("(?:made_at|at|ledger)": )"[^"]*"')


def fenced(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def leaves(schema: dict[str, Any], path: str = "") -> Iterator[str]:
    """The path of every value the format has, lists with `[]`; findings are told once, where they are named."""
    if "$ref" in schema and not schema["$ref"].endswith("/finding"):
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    if "properties" in schema:
        for name, child in schema["properties"].items():
            yield from leaves(child, f"{path}.{name}" if path else name)
    elif "items" in schema:
        yield from leaves(schema["items"], f"{path}[]")
    else:
        yield path


def documented() -> list[str]:
    """Every path in the first column of the table of fields."""
    table = PAGE.split("\n## Fields\n")[1].split("\n## ")[0]
    first = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return [word for cell in first for word in re.findall(r"`([^`]+)`", cell)]


def test_the_example_is_valid() -> None:
    """The example in docs/plan.md is a plan by the published schema."""
    errors = [error.message for error in Draft202012Validator(SCHEMA).iter_errors(json.loads(fenced("json")))]
    assert errors == []


def test_the_example_is_what_the_command_gives(tmp_path: Path) -> None:
    """The page's manifest and command give the page's plan, digest included, but for times and the place of the ledger."""
    (tmp_path / "prices.yaml").write_text(fenced("yaml"), encoding="utf-8")
    line = re.search(r"^\$ order-runner (plan .*)$", PAGE, re.MULTILINE)
    assert line
    env = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(tmp_path / "state")}
    command = [sys.executable, "-m", "runner", *line[1].split()]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    real = (tmp_path / "plan.json").read_text(encoding="utf-8")
    assert VOLATILE.sub(r"\1", fenced("json")) == VOLATILE.sub(r"\1", real)


def test_every_field_is_explained_and_none_invented() -> None:
    """The table of docs/plan.md names exactly the fields of the schema, in its order, each once."""
    assert sorted(documented()) == sorted(leaves(SCHEMA))
    assert len(set(documented())) == len(documented())


def test_every_kind_of_difference_is_explained() -> None:
    """The table of differences has the words that findings begin with, in the program's order."""
    assert tuple(re.findall(r"^\| `([a-z]+):` \|", PAGE, re.MULTILINE)) == get_args(Kind)
