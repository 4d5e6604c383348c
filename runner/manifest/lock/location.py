"""Which lockfile belongs to a call."""

from __future__ import annotations

import os
from collections.abc import Sequence
from glob import has_magic
from pathlib import Path

from runner.manifest.lock import NAME


def place_of(paths: Sequence[str], named: Path | None = None) -> Path:
    """The one lockfile of a call: the one that is named; else the nearest `orders.lock.json` in the folder that holds
    all PATHs or, up to the working folder, above it; else the one to be made in that folder."""
    if named is not None:
        return named
    base = Path(os.path.commonpath([_folder(path) for path in paths]))
    here = Path.cwd()
    above = [folder for folder in base.parents if folder.is_relative_to(here)] if base.is_relative_to(here) else []
    folder = next((folder for folder in (base, *above) if (folder / NAME).is_file()), base)
    return Path(os.path.relpath(folder / NAME)) if base.is_relative_to(here) else folder / NAME


def covers(paths: Sequence[str], place: Path) -> bool:
    """Whether the folder of a lockfile lies in one of the PATHs, so that no other manifest can be meant by it."""
    home = place.absolute().parent
    return any(Path(path).is_dir() and Path(os.path.normpath(home)).is_relative_to(_folder(path)) for path in paths)


def _folder(path: str) -> str:
    """The folder a PATH speaks of: itself, that of a file, of a glob the part before its first wildcard."""
    whole = Path(os.path.abspath("." if path == "-" else path))  # noqa: PTH100 - links stay as they are spelled
    if path == "-" or whole.is_dir():
        return str(whole)
    while has_magic(str(whole)) and not whole.exists():
        whole = whole.parent
        if not has_magic(str(whole)):
            return str(whole)
    return str(whole.parent)
