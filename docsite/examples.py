"""Examples for fields: what the samples, and a run against the sandbox, have there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[1]
TEAM: Final = ROOT / "samples" / "team"
TYPES: Final = ("ipv4", "isp", "mix", "mix_isp", "ipv6", "mobile", "resident")
LONGEST: Final = 60
"""Characters of an example that still fit into a line."""


def of(name: str) -> object:
    """Documents that the schema of that name describes, the plainest first."""
    if name in TYPES:
        return [order for manifest in manifests() for order in orders(manifest) if order["type"] == name]
    if name == "manifest":
        return manifests()
    if name == "policy":
        return [read(TEAM / "order-runner.yaml")]
    if name == "lockfile":
        return [read(TEAM / "orders" / "orders.lock.json")]
    return [run()[name]] if name in ("report", "plan") else []


def at(document: Any, path: str) -> object:
    """The first short value that a document has at a field's path; None where none has one."""
    for value in values(document if isinstance(document, list) else [document], path):
        if value is not None and not isinstance(value, (dict, list)) and len(str(value)) <= LONGEST:
            return value
    return None


def values(documents: list[Any], path: str) -> list[Any]:
    """What all documents have at a path: `.name` goes into objects, `[]` into lists, `.*` to every member."""
    found = documents
    for step in re.findall(r"\[\]|\*|[^.\[\]]+", path):
        if step == "[]":
            found = [item for value in found if isinstance(value, list) for item in value]
        elif step == "*":
            found = [item for value in found if isinstance(value, dict) for item in value.values()]
        else:
            found = [value[step] for value in found if isinstance(value, dict) and step in value]
    return found


@cache
def manifests() -> list[dict[str, Any]]:
    paths = [*sorted((ROOT / "samples").glob("*.yaml")), *sorted((TEAM / "orders").glob("*.yaml"))]
    return [read(path) for path in paths]


def orders(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """The orders of a manifest, with its defaults."""
    return [{**manifest.get("defaults", {}), **order} for order in manifest["orders"]]


def read(path: Path) -> dict[str, Any]:
    # Our own reader has positions in place of values; the samples have no value that YAML 1.1 would change.
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


@cache
def run() -> dict[str, Any]:
    """A plan of one of everything, and the report of a purchase whose answer is lost, made by the program itself."""
    with tempfile.TemporaryDirectory() as folder:
        plan = command(folder, "plan", "--sandbox", "-q", "-f", "json", "samples/everything.yaml")
        lost = ("--fault", "reset-after@3", "--report", "-")
        report = command(folder, "apply", "--sandbox", "-q", "--yes", *lost, "samples/everything.yaml")
    return {"plan": plan, "report": report}


def command(state: str, *words: str) -> dict[str, Any]:
    environment = {**clean(), "XDG_STATE_HOME": state, "HOME": state}
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "runner", *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def clean() -> dict[str, str]:
    """The environment without what would change a run."""
    return {name: text for name, text in os.environ.items() if not name.startswith(("ORDER_RUNNER_", "PROXY_SELLER_"))}
