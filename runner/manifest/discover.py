"""Which files are meant by the paths of a command line."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path
from typing import Final

from runner.errors import Problem, UsageError
from runner.yamldoc.source import STDIN

SUFFIXES: Final = (".yaml", ".yml")
POLICY_NAMES: Final = ("order-runner.yaml", "order-runner.yml")
"""What a policy is called where it is looked for; in a folder or a glob it is no manifest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The manifests, each once, in order; and a finding for each folder or glob that holds none."""

    paths: tuple[str, ...]
    problems: tuple[Problem, ...]


def discover(paths: Sequence[str]) -> Found:
    """Files for files, folders (all *.yaml and *.yml below, sorted, hidden folders left out), globs and `-`.

    UsageError for what is not there or cannot be read.
    """
    found: dict[object, str] = {}
    problems: list[Problem] = []
    for path in paths:
        files = list(_files(path))
        if not files:
            problems.append(_nothing(path))
        for file in files:
            found.setdefault(_identity(file), file)
    return Found(paths=tuple(found.values()), problems=tuple(problems))


def _files(path: str) -> Iterator[str]:
    if path == STDIN:
        yield path
    elif path and Path(path).is_dir():
        yield from _below(path)
    elif has_magic(path) and not Path(path).exists():
        for match in sorted(glob(path, recursive=True)):  # noqa: PTH207 - a glob may be absolute
            if Path(match).is_dir():
                yield from _below(match)
            elif Path(match).name not in POLICY_NAMES:
                yield match
    else:
        _readable(path)
        yield path


def _below(folder: str) -> Iterator[str]:
    """Manifests in a folder and those under it. Links to folders are followed, each folder is entered once."""
    _readable(folder)
    entered: set[str] = set()
    found: list[str] = []
    for root, folders, files in os.walk(folder, followlinks=True):
        entered.add(os.path.realpath(root))
        folders[:] = [
            name
            for name in sorted(folders)
            if not name.startswith(".") and os.path.realpath(Path(root, name)) not in entered
        ]
        found += [str(Path(root, name)) for name in files if _is_manifest(name)]
    yield from sorted(found)


def _is_manifest(name: str) -> bool:
    return name.endswith(SUFFIXES) and not name.startswith(".") and name not in POLICY_NAMES


def _readable(path: str) -> None:
    if not path or not Path(path).exists():
        raise UsageError(
            f"there is no {path or 'path without a name'}", hint="name a file, a folder, a glob, or - for stdin"
        )
    if not os.access(path, os.R_OK):
        raise UsageError(f"cannot read {path}", hint="check its permissions")


def _identity(path: str) -> object:
    """The same for two spellings of one file."""
    return path if path == STDIN else os.path.realpath(path)


def _nothing(path: str) -> Problem:
    what = "folder" if Path(path).is_dir() else "glob"
    return Problem(
        code="PSR302",
        message=f"the {what} holds no manifest",
        hint=f"a manifest's name ends in {' or '.join(SUFFIXES)}" if what == "folder" else "check the spelling",
        path=path,
    )
