"""Where policies are looked for: in a folder and those above it, as far up as nobody else could have put one.

A checkout need not have `.git`: an archive, an image or a build step has none, and its limits hold all the same. What
can be written by everybody, like /tmp, is left out, so that a stranger's file is no policy. See docs/policy.md.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from runner.core.ci import SYSTEMS
from runner.manifest.discover import POLICY_NAMES, is_policy_name

WORKSPACES: Final = (*(name for system in SYSTEMS for name in system.folders), "SEMAPHORE_GIT_DIR")
"""Variables by which a CI system names a folder of the job, such as the one that it has checked out."""

_EVERYBODYS: Final = stat.S_ISVTX | stat.S_IWOTH
"""The mode of folders such as /tmp, in which everybody may put files."""


def search(folders: Iterable[Path], environ: Mapping[str, str] = os.environ) -> Iterator[Path]:
    """The policies of these folders, by their paths as written and with links followed, the nearest first."""
    named = [_workspace(text) for name in WORKSPACES if (text := environ.get(name))]
    workspaces = {spelling for folder in named for spelling in _spellings(folder)}
    starts = dict.fromkeys(spelling for folder in folders for spelling in _spellings(folder))
    for place in dict.fromkeys(place for start in starts for place in _upwards(start, workspaces)):
        yield from (place / name for name in _names(place))


def _workspace(text: str) -> Path:
    """The folder that a variable names; one without a root, as Semaphore's, is in the home folder."""
    return Path(os.path.expanduser(text if text.startswith(("/", "~")) else f"~/{text}"))  # noqa: PTH111 - never raises


def _spellings(folder: Path) -> tuple[Path, ...]:
    """A folder as it is written, and where it leads: a link on the way does not lead past a policy."""
    return Path(os.path.abspath(folder)), folder.resolve()  # noqa: PTH100 - Path.absolute keeps `..`


def _upwards(start: Path, workspaces: set[Path]) -> Iterator[Path]:
    """A folder and those above it.

    All of the workspace or repository around it (the outermost, where one is in another), and then, or without one,
    as far as each folder is its owner's, this user's or root's, and nobody else can write to it.
    """
    above = [start, *start.parents]
    whole = max((n for n, place in enumerate(above) if place in workspaces or _is_repository(place)), default=0)
    for n, place in enumerate(above):
        if n > whole and not _is_private(place, start):
            break
        yield place
        if (outside := superproject(place)) is not None and outside not in above:
            yield from _upwards(outside, workspaces)


def superproject(folder: Path) -> Path | None:
    """The repository in which a submodule's own repository is kept, wherever its files are; None for any other folder.

    Git keeps it in `.git/modules` of the superproject, and writes its place into the file `.git` of the submodule and
    of its worktrees (git-scm.com/docs/gitsubmodules).
    """
    pointer = folder / ".git"
    if not pointer.is_file():
        return None
    try:
        text = pointer.read_text(encoding="utf-8")
        kept = (folder / text.removeprefix("gitdir:").strip()).resolve()
    except (OSError, ValueError):
        return None
    roots = [place.parent.parent for place in kept.parents if place.name == "modules" and place.parent.name == ".git"]
    return roots[0] if roots and text.startswith("gitdir:") else None


def _is_repository(place: Path) -> bool:
    return os.path.lexists(place / ".git") and place.stat().st_mode & _EVERYBODYS != _EVERYBODYS


def _is_private(place: Path, start: Path) -> bool:
    """Whether only the owner of `start`, this user and root can have put a file there."""
    try:
        status, owner = place.stat(), start.stat().st_uid
    except OSError:
        return False
    if status.st_uid not in (owner, os.geteuid(), 0) or status.st_mode & stat.S_IWOTH:
        return False
    return not status.st_mode & stat.S_IWGRP or _is_own_group(status)


def _is_own_group(status: os.stat_result) -> bool:
    """Whether the group has nobody in it but the owner, as that of a user on Debian, Ubuntu and Fedora."""
    try:
        user, group = pwd.getpwuid(status.st_uid), grp.getgrgid(status.st_gid)
    except KeyError:
        return False
    return user.pw_gid == status.st_gid and group.gr_name == user.pw_name and set(group.gr_mem) <= {user.pw_name}


def _names(place: Path) -> list[str]:
    """What in a folder is called like a policy, in any letter case: so it is the same on every disk."""
    try:
        return sorted(file.name for file in place.iterdir() if is_policy_name(file.name))
    except OSError:  # entered but not listed
        return [name for name in POLICY_NAMES if os.path.lexists(place / name)]
