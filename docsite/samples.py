"""The sample files on one page, as they are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
LANGUAGES: Final = {".yaml": "yaml", ".yml": "yaml", ".json": "json"}


def paths() -> list[str]:
    """Every sample that is no page: first the manifests, then the team's repository."""
    found = (path for path in (ROOT / "samples").rglob("*") if path.is_file() and path.suffix != ".md")
    return sorted((path.relative_to(ROOT).as_posix() for path in found), key=lambda path: (path.count("/"), path))


def anchor(path: str) -> str:
    """The anchor of a sample's heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", path.lower()).replace(" ", "-")


def pages() -> dict[str, str]:
    lead = (
        "# Samples\n\nThe files of the folder `samples/`: a manifest for each product type, one of everything, and a "
        "repository to [copy for a team](team.md). All of them run as they stand against the sandbox.\n"
    )
    return {"samples/index.md": lead + "".join(map(section, paths()))}


def section(path: str) -> str:
    text = (ROOT / path).read_text(encoding="utf-8").rstrip("\n")
    return f"\n## `{path}`\n\n````{LANGUAGES.get(Path(path).suffix, 'text')}\n{text}\n````\n"
