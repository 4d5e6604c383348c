"""A world for every test."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # test folders are no packages: this is how they share a module

from harness import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An empty folder, an empty home, a served vendor with 1000.00 USD."""
    root, home = tmp_path / "work", tmp_path / "home"
    root.mkdir()
    home.mkdir()
    opened = World(root=root, home=home)
    yield opened
    opened.close()
