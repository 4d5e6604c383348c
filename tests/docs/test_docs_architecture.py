"""docs/architecture.md shows the packages that there are, in the import order that is kept, on one screen."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
TABLE = PAGE.split("## Packages")[1].split("\n## ")[0]
ROWS = [re.findall(r"`([a-z]+)`", line.split("|")[1]) for line in TABLE.splitlines() if line.startswith("| `")]


def test_the_rows_are_the_contract() -> None:
    """The page's rows are the layers that import-linter keeps, from top to bottom."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = next(contract["layers"] for contract in settings["contracts"] if contract["id"] == "layers")
    assert [layer.split(" | ") for layer in layers] == ROWS
    assert len(ROWS) <= 9


def test_every_package_is_on_the_page() -> None:
    """A package is a row's, or the sandbox, which stands beside them; beside packages there are at most six files."""
    packages = {path.parent.name for path in (ROOT / "runner").glob("*/__init__.py")}
    assert packages == {name for row in ROWS for name in row} | {"sandbox"}
    assert "`sandbox` stands beside them" in TABLE
    files = {path.name for path in (ROOT / "runner").iterdir() if path.is_file()}
    assert files <= {"__init__.py", "__main__.py", "_version.py", "py.typed", "errors.py", "progress.py"}


def test_every_file_that_is_named_exists() -> None:
    """A path in the text is one of the package."""
    paths = re.findall(r"`([a-z_]+/[a-z_/]+\.py)`", PAGE)
    assert len(paths) > 5
    assert [path for path in paths if not (ROOT / "runner" / path).exists()] == []


def test_it_fits_one_screen() -> None:
    """Some forty lines and one table, so that it is read."""
    assert len(PAGE.splitlines()) <= 50
