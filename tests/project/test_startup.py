"""What a command must not import: start-up is imports, and these are the dear ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from runner.cli import COMMANDS

NETWORK = {"httpx", "httpcore", "h11", "certifi", "ssl", "asyncio", "anyio", "http", "runner.vendors.transport"}
LEDGER = {"sqlalchemy", "alembic", "mako", "sqlite3", "runner.ledger.sqlite", "runner.ledger.sql", "platformdirs"}
AUTHORITY = {"jsonschema", "referencing", "rpds"}
MANIFESTS = {
    "jsonschema_rs",
    "yaml",
    "runner.manifest",
    "runner.core.schemas",
    "importlib.resources",
    "importlib.metadata",
}

NEVER_FOR_HELP = NETWORK | LEDGER | AUTHORITY | MANIFESTS | {"runner.sandbox", "runner.views"}
NEVER_FOR_VALIDATE = NETWORK | LEDGER | AUTHORITY | {"runner.sandbox", "importlib.metadata"}

ROOT = Path(__file__).resolve().parent.parent.parent
GOOD = """\
apiVersion: orders/v1
batch: small
orders:
  - {name: one, type: ipv4, countryId: 561, periodId: 1m, quantity: 1, customTargetName: prices}
"""

# Runs the command as `python -m runner` does, then tells what it imported beyond what the interpreter came with.
PROBE = """\
import json, runpy, sys
before = set(sys.modules)
try:
    runpy.run_module("runner", run_name="__main__", alter_sys=True)
except SystemExit as leave:
    code = leave.code
print(json.dumps([code, sorted(set(sys.modules) - before)]), file=sys.stderr)
"""


def imported(*arguments: str, cwd: Path) -> tuple[int, set[str]]:
    """The exit code of a command, and every module it imported. Its streams are pipes."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments], cwd=cwd, env=env, capture_output=True, text=True, check=True
    )
    code, modules = json.loads(done.stderr.splitlines()[-1])
    return int(code or 0), set(modules)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "bad.yaml").write_text(GOOD.replace("quantity: 1", "quantity: 0"))
    return tmp_path


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_of_the_program_imports_click_and_no_command(arguments: list[str], folder: Path) -> None:
    """`--help` and `--version` load nothing that talks to a vendor, a ledger, a terminal or a schema, nor a command."""
    code, modules = imported(*arguments, cwd=folder)
    assert code == 0
    assert "click" in modules
    assert sorted(modules & NEVER_FOR_HELP) == []
    assert sorted(modules & {f"runner.cli.{name}" for name in COMMANDS}) == []


@pytest.mark.parametrize("name", list(COMMANDS))
def test_help_of_a_command_imports_none_of_its_machinery(name: str, folder: Path) -> None:
    """The help of each command loads that command's flags, and nothing of what it does."""
    code, modules = imported(name, "--help", cwd=folder)
    assert code == 0
    assert f"runner.cli.{name}" in modules
    assert sorted(modules & NEVER_FOR_HELP) == []


def test_validate_of_a_good_file_imports_neither_network_nor_ledger(folder: Path) -> None:
    """`validate` of a valid file, into a pipe, loads the parser and the gate and no more."""
    code, modules = imported("validate", "good.yaml", cwd=folder)
    assert code == 0
    assert {"yaml", "jsonschema_rs"} <= modules
    assert sorted(modules & NEVER_FOR_VALIDATE) == []


@pytest.mark.parametrize("fmt", ["text", "json", "github"])
def test_validate_of_a_bad_file_imports_the_authority_and_nothing_else_that_is_dear(fmt: str, folder: Path) -> None:
    """jsonschema is loaded when an entry fails, because it words the finding; network and ledger still are not."""
    code, modules = imported("validate", "-f", fmt, "bad.yaml", cwd=folder)
    assert code == 4
    assert "jsonschema" in modules
    assert sorted(modules & (NEVER_FOR_VALIDATE - AUTHORITY)) == []


def test_explain_imports_schemas_and_nothing_that_is_dear(folder: Path) -> None:
    """`explain` reads files: no network, no ledger, no validator."""
    code, modules = imported("explain", "ipv4", "PSR012", "exit", "7", cwd=folder)
    assert code == 0
    assert sorted(modules & (NEVER_FOR_VALIDATE | {"yaml", "jsonschema_rs", "runner.manifest"})) == []


def test_an_offline_dry_run_imports_no_network(folder: Path) -> None:
    """`apply --dry-run=offline` cannot send anything: the code that could is not even loaded."""
    ledger = str(folder / "ledger.sqlite3")
    code, modules = imported("apply", "--dry-run=offline", "--ledger", ledger, "good.yaml", cwd=folder)
    assert code == 0
    assert sorted(modules & {"httpx", "httpcore", "h11", "certifi", "runner.vendors.transport"}) == []
