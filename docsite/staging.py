"""The source of the site: the pages of `docs/`, some from beside it, and the generated ones, in one folder."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from docsite import commands, contents, diagrams, fields, samples
from docsite.links import rewritten

ROOT: Final = Path(__file__).resolve().parents[1]
BESIDE: Final = {
    "CONTRIBUTING.md": "project/contributing.md",
    "CHANGELOG.md": "project/changelog.md",
    "benchmarks/README.md": "project/benchmarks.md",
    "runner/sandbox/limits.md": "sandbox.md",
    "samples/team/README.md": "samples/team.md",
}
"""Pages from outside `docs/`, and where the site has them."""
FOLDERS: Final = {
    "README.md": "index.md",
    "samples": "samples/index.md",
    "schemas": "schemas/index.md",
    "docs/decisions": "decisions/index.md",
}
"""What is linked and is no page itself, and the page that stands for it."""
LEADS: Final = {
    "docs/cli.md": "[Each command by itself](commands/index.md), with every option, is made from the program.",
    "docs/manifest.md": "[Field by field](schemas/index.md), with patterns and examples, is made from the schemas.",
}
"""A sentence behind the first paragraph of a page that has a generated one beside it."""
PARAGRAPH: Final = re.compile(r"^(?!```)[\w`\[*].*(?:\n.+)*", re.MULTILINE)


def pages() -> dict[str, str]:
    """Every page that is written by hand: its path in the repository, and its path in the site."""
    found = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))
    return {path: path.removeprefix("docs/") for path in found} | BESIDE


def places() -> dict[str, str]:
    """Where the site has what a link in the repository may lead to."""
    schemas = {f"schemas/{name}.schema.json": f"schemas/{name}.md" for name in fields.names()}
    return pages() | FOLDERS | schemas | {path: f"samples/index.md#{samples.anchor(path)}" for path in samples.paths()}


def stage(folder: Path) -> None:
    """Write the whole source of the site into `folder`, which is empty."""
    known = places()
    texts = {staged: page(path, staged, known) for path, staged in pages().items()}
    texts |= commands.pages() | fields.pages() | samples.pages()
    texts["decisions/index.md"] = contents.decisions(texts)
    texts["index.md"] += contents.toctrees(texts)
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    shutil.copytree(ROOT / "docs" / "images", folder / "images")


def page(path: str, staged: str, pages: Mapping[str, str]) -> str:
    """A page of the repository as the site has it. No line moves, so that a warning's number is that of the page."""
    text = diagrams.drawn((ROOT / path).read_text(encoding="utf-8"))
    text = rewritten(text, page=path, staged=staged, places=pages)
    return PARAGRAPH.sub(rf"\g<0> {LEADS[path]}", text, count=1) if path in LEADS else text
