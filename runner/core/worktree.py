"""Whether a file of secrets would lie where git picks it up.

A work tree is recognised by its `.git`, so that nothing is missed where git is not installed; git alone is asked what
is ignored. It is asked without running anything that the repository names: no hooks, no file-system monitor.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from runner.core.errors import UsageError

_SECONDS: Final = 20.0
_IGNORED: Final = 0
_NOT_IGNORED: Final = 1


def refuse_tracked_place(path: Path, what: str) -> None:
    """UsageError where `path`, which is `what`, would be in a git work tree that does not ignore it.

    So it is where git cannot be asked, and where the file is tracked already, ignored or not.
    """
    place = Path(os.path.realpath(path.absolute().parent)) / path.name
    tree = work_tree_of(place.parent)
    if tree is None:
        return
    code = _answer(place, tree)
    if code == _IGNORED:
        return
    outside = "name a file outside of it"
    if code == _NOT_IGNORED:
        raise UsageError(
            f"{what} {path} holds secrets and would be in the git work tree {tree}, which does not ignore it",
            hint=f"add {place.relative_to(tree).as_posix()} to .gitignore (`git rm --cached` it first if it is "
            f"tracked), or {outside}",
        )
    why = "git is not installed" if code is None else "git does not answer for it"
    raise UsageError(
        f"{what} {path} holds secrets and would be in the git work tree {tree}: {why}, so nobody can say whether it "
        "is ignored",
        hint=outside,
    )


def work_tree_of(folder: Path) -> Path | None:
    """The nearest folder at or above this one with a `.git` in it; None outside of any work tree."""
    return next((each for each in (folder, *folder.parents) if os.path.lexists(each / ".git")), None)


def _answer(place: Path, tree: Path) -> int | None:
    """What `git check-ignore` ends with: 0 ignored, 1 not, other numbers for no answer; None without git."""
    git = shutil.which("git")
    if git is None:
        return None
    quiet = ["-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}"]
    command = [git, *quiet, "-C", str(tree), "check-ignore", "-q", "--", str(place)]
    try:
        asked = subprocess.run(  # noqa: S603 - git itself, and a path behind `--`
            command,
            env=_environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return -1
    return asked.returncode


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Without what would send git to another repository, as a hook of git itself has it, and without our key."""
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith(("GIT_", "PROXY_SELLER_", "ORDER_RUNNER_"))
    }
