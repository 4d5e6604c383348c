"""The pages of the documentation that explanations are taken from, shipped with the program as `runner._docs`.

A page is the one source: what stands on it is what is explained, and tests hold it against the code.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from runner.core.files import shipped_folder

PAGES: Final = ("exit-codes.md", "explanation/life-of-an-order.md", "findings.md", "glossary.md", "report.md")

_LINK: Final = re.compile(r"\[([^\]]+)\]\([^)]+\)")
_EMPHASIS: Final = re.compile(r"(?<![\w*])(\*\*|\*)(?=\S)(.+?)(?<=\S)\1(?![\w*])")


@cache
def page(name: str) -> str:
    """One page of `PAGES`, as it is written."""
    return (shipped_folder("docs") / name).read_text(encoding="utf-8")


def table(name: str, first: str, second: str) -> list[list[str]]:
    """The rows of the page's table whose header begins with two names, without header and rule; cells as plain text."""
    header = f"| {first} | {second} |"
    _, start, rest = page(name).partition(f"\n{header}")
    if not start:
        raise KeyError(f"{name} has no table {header}")
    rows = [line for line in rest.partition("\n\n")[0].splitlines()[2:] if line.startswith("|")]
    return [[plain(cell.strip()) for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]


def plain(text: str) -> str:
    """Markdown without links and emphasis; what is code keeps its backquotes."""
    return _EMPHASIS.sub(r"\2", _LINK.sub(r"\1", text)).replace("\\|", "|")
