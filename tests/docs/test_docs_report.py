"""docs/report.md shows a real report and explains every field of the format."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "report.md").read_text(encoding="utf-8")
SCHEMA: dict[str, Any] = json.loads((ROOT / "schemas" / "report.schema.json").read_text(encoding="utf-8"))

VOLATILE = re.compile(
    r'("(?:id|started_at|finished_at|at|ledger|base_url|actor)": )"[^"]*"|("duration_ms": )[0-9]+'
    r'|("body_sha256": )"[0-9a-f]{64}"'
)


def fenced(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def leaves(schema: dict[str, Any], path: str = "") -> Iterator[str]:
    """The path of every value the format has, lists with `[]`; findings of orders are those of the run."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    if path == "orders[].errors[]" or not ({"properties", "items"} & schema.keys()):
        yield path
    elif "properties" in schema:
        for name, child in schema["properties"].items():
            yield from leaves(child, f"{path}.{name}" if path else name)
    else:
        yield from leaves(schema["items"], f"{path}[]")


def documented() -> set[str]:
    """Every dotted or listed path in code marks of the page, outside of the example."""
    text = re.sub(r"^```.*?^```$", "", PAGE, flags=re.MULTILINE | re.DOTALL)
    first = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    cells = {word for cell in first for word in re.findall(r"`([^`]+)`", cell)}
    paths = {word for word in cells if "." in word or "[]" in word or word in SCHEMA["properties"]}
    return paths | set(re.findall(r"`(summary\.[a-z_]+)`", text))


def test_the_example_is_valid() -> None:
    """The example in docs/report.md is a report by the published schema."""
    errors = [error.message for error in Draft202012Validator(SCHEMA).iter_errors(json.loads(fenced("json")))]
    assert errors == []


def test_the_example_is_what_the_command_gives(tmp_path: Path) -> None:
    """The page's manifest and command give the page's report, but for times, ids of the run and places."""
    (tmp_path / "prices.yaml").write_text(fenced("yaml"), encoding="utf-8")
    line = re.search(r"^\$ order-runner (apply .*)$", PAGE, re.MULTILINE)
    assert line
    env = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(tmp_path / "state")}
    command = [sys.executable, "-m", "runner", *line[1].split()]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    real = (tmp_path / "report.json").read_text(encoding="utf-8")
    assert VOLATILE.sub(r"\1\2\3", fenced("json")) == VOLATILE.sub(r"\1\2\3", real)


def test_every_field_is_explained_and_none_invented() -> None:
    """The tables of docs/report.md name exactly the fields of the schema."""
    assert documented() == set(leaves(SCHEMA))


def test_every_status_is_explained() -> None:
    """The table of statuses is the schema's list, in its order."""
    rows = re.findall(r"^\| `([a-z_]+)` \|", PAGE.split("| status | meaning |")[1].split("\n## ")[0], re.MULTILINE)
    assert rows == SCHEMA["$defs"]["order"]["properties"]["status"]["enum"]
