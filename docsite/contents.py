"""Every page in its place: the table of contents, found from folders, with the order of the pages one knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from docsite.links import headings

FIRST: Final = ("tutorial",)
LAST: Final = ("glossary", "project/contributing", "project/changelog", "project/benchmarks")
REFERENCE: Final = (
    "cli",
    "commands/index",
    "manifest",
    "schemas/index",
    "policy",
    "plan",
    "report",
    "formats",
    "findings",
    "exit-codes",
    "samples/index",
    "samples/team",
    "sandbox",
    "library",
    "vendor/api-v1",
    "vendor/api-v2",
    "vendor/sources",
)
EXPLANATION: Final = (
    "explanation/life-of-an-order",
    "explanation/many-at-once",
    "reliability",
    "architecture",
    "performance",
    "decisions/index",
)
HOW_TO: Final = (
    "how-to/your-own-account",
    "how-to/review-and-approve",
    "how-to/renew",
    "how-to/every-month",
    "how-to/use-the-proxies",
    "how-to/words-and-lockfile",
    "how-to/ci",
    "how-to/pre-commit",
    "how-to/editor",
    "how-to/shell-completion",
    "how-to/what-ends",
    "how-to/shared-ledger",
    "how-to/back-up-the-ledger",
    "how-to/take-over",
    "how-to/troubleshoot",
)
NESTED: Final = ("commands/", "schemas/", "decisions/")
"""Folders whose pages hang under the folder's own index."""


def sections(names: Iterable[str]) -> dict[str, list[str]]:
    """Caption and pages. A page nobody ordered goes by its folder; one of the top folder is reference."""
    free = {name for name in names if name != "index" and not nested(name)}
    how_to = {name for name in free if name.startswith("how-to/")}
    explanation = {name for name in free if name.startswith("explanation/") or name in EXPLANATION}
    reference = free - how_to - explanation - {*FIRST, *LAST}
    return {
        "Tutorial": in_order(free & {*FIRST}, FIRST),
        "How-to guides": in_order(how_to, HOW_TO),
        "Reference": in_order(reference, REFERENCE),
        "Explanation": in_order(explanation, EXPLANATION),
        "Project": in_order(free & {*LAST}, LAST),
    }


def nested(name: str) -> bool:
    return name.startswith(NESTED) and not name.endswith("/index")


def in_order(names: Iterable[str], first: tuple[str, ...]) -> list[str]:
    """The names one knows in their order, then the others by the alphabet."""
    return sorted(names, key=lambda name: (first.index(name) if name in first else len(first), name))


def toctrees(texts: Mapping[str, str]) -> str:
    """What is put under the front page to hold the site together; readers see it at the side."""
    names = [path.removesuffix(".md") for path in texts]
    return "".join(toctree(pages, caption) for caption, pages in sections(names).items() if pages)


def toctree(pages: Iterable[str], caption: str = "") -> str:
    head = f":caption: {caption}\n" if caption else ""
    return "\n```{toctree}\n:hidden:\n:titlesonly:\n" + head + "\n" + "".join(f"/{page}\n" for page in pages) + "```\n"


def decisions(texts: Mapping[str, str]) -> str:
    """The list of decisions, by number."""
    pages = sorted(path for path in texts if path.startswith("decisions/"))
    lines = [f"- [{next(headings(texts[page]))}]({page.removeprefix('decisions/')})" for page in pages]
    lead = "# Decisions\n\nWhat a newcomer would question, why it is as it is, and what was turned down.\n\n"
    return lead + "\n".join(lines) + "\n" + toctree(page.removesuffix(".md") for page in pages)
