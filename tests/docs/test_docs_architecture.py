"""docs/architecture.md names modules that exist, in the import order that is kept."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_the_import_order_is_the_contract() -> None:
    """The page's rows are the layers that import-linter keeps, strangers and all."""
    block = PAGE.split("## Import order")[1].split("```text\n")[1].split("```")[0]
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(contract["layers"] for contract in contracts if contract["id"] == "layers")
    assert block.splitlines() == [layer.replace("runner.", "") for layer in layers]


def test_every_module_of_the_table_exists() -> None:
    """The table of modules names files and folders that are there, those of the import order among them."""
    table = PAGE.split("## Modules")[1].split("\n## ")[0]
    named = re.findall(r"^\| ((?:`[a-z0-9_/.]+`(?:, )?)+) \|", table, re.MULTILINE)
    paths = [path for cell in named for path in re.findall(r"`([^`]+)`", cell)]
    assert len(paths) > 20
    assert [path for path in paths if not (ROOT / "runner" / path).exists()] == []


def test_every_part_is_on_the_page() -> None:
    """No module of the package itself is left out of the table, but those that only start the program or number it."""
    table = PAGE.split("## Modules")[1].split("\n## ")[0]
    words = set(re.findall(r"`([a-z0-9_]+)(?:\.py|/)?`", table))
    assert {path.stem for path in (ROOT / "runner").glob("*.py")} - words == {"__init__", "__main__", "_version"}
