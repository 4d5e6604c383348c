"""Which files are meant by the paths of a command line."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from glob import glob, has_magic
from pathlib import Path
from typing import Final

from runner.core.errors import Problem, UsageError
from runner.core.yamldoc.source import STDIN

SUFFIXES: Final = (".yaml", ".yml")
POLICY_NAMES: Final = ("order-runner.yaml", "order-runner.yml")
"""What a policy is called where it is looked for; in a folder or a glob it is no manifest."""
LOCK_NAME: Final = "orders.lock.json"
"""What a lockfile is called where it is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """The manifests, each once, in order; a finding for each folder or glob that holds none; the folders left out."""

    paths: tuple[str, ...]
    problems: tuple[Problem, ...]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Walk:
    """How folders are walked. Where `apart`, folders below with a lockfile of their own are left out, and noted."""

    apart: bool
    left_out: list[str] = field(default_factory=list)

    def enters(self, folder: Path) -> bool:
        if not self.apart or not (folder / LOCK_NAME).is_file():
            return True
        self.left_out.append(str(folder))
        return False


def discover(paths: Sequence[str], *, apart: bool = True) -> Discovery:
    """Files for files, folders (all *.yaml and *.yml below, sorted, hidden folders left out), globs and `-`.

    One call uses one lockfile: a folder below a given one that has a lockfile of its own is left out, unless `apart`
    is false because the call's lockfile was named. UsageError for what is not there or cannot be read.
    """
    walk = _Walk(apart=apart)
    by_identity: dict[object, str] = {}
    problems: list[Problem] = []
    for path in paths:
        files = list(_files(path, walk))
        if not files:
            problems.append(_nothing(path, walk.left_out))
        for file in files:
            by_identity.setdefault(_identity(file), file)
    return Discovery(
        paths=tuple(by_identity.values()), problems=tuple(problems), left_out=tuple(dict.fromkeys(walk.left_out))
    )


def _files(path: str, walk: _Walk) -> Iterator[str]:
    if path == STDIN:
        yield path
    elif path and Path(path).is_dir():
        yield from _below(path, walk)
    elif has_magic(path) and not Path(path).exists():
        for match in sorted(glob(path, recursive=True)):  # noqa: PTH207 - a glob may be absolute
            if Path(match).is_dir():
                yield from _below(match, walk) if walk.enters(Path(match)) else ()
            elif not is_policy_name(Path(match).name):
                yield match
    else:
        _readable(path)
        yield path


def _below(folder: str, walk: _Walk) -> Iterator[str]:
    """Manifests in a folder and those under it. Links to folders are followed, each folder is entered once."""
    _readable(folder)
    entered: set[str] = set()
    manifests: list[str] = []
    for root, folders, files in os.walk(folder, followlinks=True):
        entered.add(os.path.realpath(root))
        folders[:] = [
            name
            for name in sorted(folders)
            if not name.startswith(".")
            and os.path.realpath(Path(root, name)) not in entered
            and walk.enters(Path(root, name))
        ]
        manifests += [str(Path(root, name)) for name in files if _is_manifest(name)]
    yield from sorted(manifests)


def is_policy_name(name: str) -> bool:
    """Whether a file is called like a policy. In any letter case, as a disk that ignores it has it."""
    return name.casefold() in POLICY_NAMES


def _is_manifest(name: str) -> bool:
    return name.endswith(SUFFIXES) and not name.startswith(".") and not is_policy_name(name)


def _readable(path: str) -> None:
    if not path or not Path(path).exists():
        raise UsageError(
            f"there is no {path or 'path without a name'}", hint="name a file, a folder, a glob, or - for stdin"
        )
    if not os.access(path, os.R_OK):
        raise UsageError(f"cannot read {path}", hint="check its permissions")


def _identity(path: str) -> object:
    """What two spellings of one file have in common."""
    return path if path == STDIN else os.path.realpath(path)


def _nothing(path: str, left_out: Sequence[str]) -> Problem:
    what = "folder" if Path(path).is_dir() else "glob"
    hint = f"a manifest's name ends in {' or '.join(SUFFIXES)}" if what == "folder" else "check the spelling"
    if left_out:
        hint = f"{left_out[-1]} has its own lockfile: name it instead"
    return Problem(
        code="PSR302",
        message=f"the {what} holds no manifest",
        hint=hint,
        path=path,
    )
