"""A name leads to one thing: no two classes share one, and no two files but the parts of one command."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from runner.cli import COMMANDS

PACKAGE = Path(__file__).resolve().parents[2] / "runner"
APART = PACKAGE / "sandbox"
"""Another program, which plays the vendor and shares no code."""


def sources() -> Iterator[Path]:
    """Every file of the package but those of the emulator."""
    return (path for path in sorted(PACKAGE.rglob("*.py")) if not path.is_relative_to(APART))


def is_part_of_a_command(path: Path) -> bool:
    """Whether a file is the flags or the view of a command and is called after it, as the work behind it may be."""
    return path.stem in COMMANDS and path.parent in (PACKAGE / "cli", PACKAGE / "views")


def is_public_name(path: Path) -> bool:
    """Whether a file only makes a module of the core importable from the package itself."""
    return path.parent == PACKAGE and (PACKAGE / "core" / path.name).exists()


def twice(places: dict[str, list[str]]) -> dict[str, list[str]]:
    """The names with more than one place."""
    return {name: at for name, at in places.items() if len(at) > 1}


def test_a_class_name_exists_once() -> None:
    """No two classes of the package have one name, private ones included."""
    places: dict[str, list[str]] = defaultdict(list)
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places[node.name.lstrip("_")].append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    assert twice(places) == {}


def test_a_file_name_exists_once() -> None:
    """No two files have one name, but a command's flags, its view, and the work behind it."""
    places: dict[str, list[str]] = defaultdict(list)
    for path in sources():
        if path.stem != "__init__" and not is_part_of_a_command(path) and not is_public_name(path):
            places[path.name].append(str(path.relative_to(PACKAGE)))
    assert twice(places) == {}
