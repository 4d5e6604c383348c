"""Puts files into a folder: all of them or, where one would replace something, none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from runner.core.errors import UsageError
from runner.core.files import refuse_special
from runner.starter import MANIFESTS, OWNED_ELSEWHERE, OWNERS, SHARED, extend


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedFile:
    """What became of one file; `path` is below the folder."""

    path: str
    what: Literal["wrote", "replaced", "extended", "unchanged"]


def has_manifests(folder: Path) -> bool:
    """Whether somebody has begun there: then nothing but what is asked for by name belongs into it."""
    return any((folder / MANIFESTS).glob("**/*.y*ml"))


def repository_above(folder: Path) -> Path | None:
    """The repository that the folder is only a part of; None where it is a whole one, or in none."""
    whole = folder.resolve()
    if (whole / ".git").exists():
        return None
    return next((parent for parent in whole.parents if (parent / ".git").exists()), None)


def hosted_at(folder: Path) -> str | None:
    """`github` or `gitlab`, if the repository's own configuration names an address there."""
    try:
        text = (folder / ".git" / "config").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return next((system for system in ("github", "gitlab") if f"{system}." in text), None)


def place(folder: Path, files: Mapping[str, str], *, force: bool) -> tuple[PlacedFile, ...]:
    """Write what is not there yet. UsageError, and nothing written, where other content stands in the way."""
    try:
        wanted = list(_compare(folder, files))
        taken = [placed.path for placed, _ in wanted if placed.what == "replaced"]
        if taken and not force:
            listed = ", ".join(str(folder / path) for path in taken)
            raise UsageError(
                f"nothing was written, because these files are there already, with other content: {listed}",
                hint="move them away, use another folder, or replace them with --force",
            )
        for placed, text in wanted:
            if placed.what != "unchanged":
                target = folder / placed.path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        named = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        raise UsageError(f"the files cannot be written: {named}") from None
    return tuple(placed for placed, _ in wanted)


def _compare(folder: Path, files: Mapping[str, str]) -> Iterator[tuple[PlacedFile, str]]:
    for path, text in files.items():
        if path == OWNERS and any((folder / other).exists() for other in OWNED_ELSEWHERE):
            continue
        target = folder / path
        refuse_special(target)
        if not target.exists():
            yield PlacedFile(path=path, what="wrote"), text
            continue
        theirs = target.read_bytes().decode("utf-8", "surrogateescape")
        wanted = extend(theirs, text) if path in SHARED else text
        if theirs == wanted:
            yield PlacedFile(path=path, what="unchanged"), text
        else:
            yield PlacedFile(path=path, what="extended" if path in SHARED else "replaced"), wanted
