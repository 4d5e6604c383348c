"""The import order is kept, and its guard is awake."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

BREACHES = {
    "a lower layer imports an upper one": ("runner/core/orders.py", "import runner.plan.plan"),
    "the core imports the network": ("runner/buy/protocol.py", "import httpx"),
    "the core imports the database": ("runner/plan/plan.py", "import sqlalchemy"),
    "a view imports the wiring": ("runner/views/summary.py", "import runner.run.wiring"),
    "the sandbox imports the client": ("runner/sandbox/accounts.py", "import runner.vendors.v1.purchases"),
    "the core starts the sandbox": ("runner/run/batch.py", "import runner.sandbox"),
    "somebody else imports httpx": ("runner/vendors/v1/account.py", "import httpx"),
}


def contracts(folder: Path) -> subprocess.CompletedProcess[str]:
    """The verdict of import-linter on the package in `folder`."""
    command = Path(sys.executable).with_name("lint-imports")
    environment = os.environ | {"PYTHONPATH": str(folder), "NO_COLOR": "1"}
    return subprocess.run(
        [command, "--no-cache"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "runner", tmp_path / "runner", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_order_is_kept(copy: Path) -> None:
    """The package as it is breaks no contract."""
    done = contracts(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("path", "line"), BREACHES.values(), ids=BREACHES)
def test_a_breach_is_caught(path: str, line: str, copy: Path) -> None:
    """A single import against the order breaks a contract."""
    target = copy / path
    target.write_text(f"{target.read_text()}\n{line}\n")
    done = contracts(copy)
    assert done.returncode == 1, done.stdout
    assert "BROKEN" in done.stdout
