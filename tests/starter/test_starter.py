"""The lockfile that `init` writes is one that `lock` could have written."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from runner.core.orders import PRODUCT_TYPES, ProductType
from runner.manifest.lock.text import lockfile_text, read
from runner.starter import LOCKFILE, Wish, files


@pytest.mark.parametrize(
    "types", [*combinations(PRODUCT_TYPES, 1), *combinations(PRODUCT_TYPES, 2), PRODUCT_TYPES], ids="-".join
)
def test_the_lockfile_has_what_the_types_need_and_nothing_else(types: tuple[ProductType, ...], tmp_path: Path) -> None:
    """It can be read, is written as `lock` writes it, and has words of each chosen type and of no other."""
    path = tmp_path / "orders.lock.json"
    path.write_text(files(Wish(types=types))[LOCKFILE], encoding="utf-8")
    lockfile, problems = read(path)
    assert lockfile is not None, problems
    assert path.read_text(encoding="utf-8") == lockfile_text(lockfile.entries.values())
    assert {address.type for address in lockfile.entries} == set(types)
