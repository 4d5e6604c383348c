"""Links in the Markdown pages lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "samples").rglob("*.md")])
LINK = re.compile(r"!?\[(?:[^\]\[]|\[[^\]]*\])*\]\(<?([^()\s<>]+(?:\([^()\s]*\)[^()\s<>]*)?)>?(?: \"[^\"]*\")?\)")
ELSEWHERE = ("http://", "https://", "mailto:")


def prose(page: Path) -> str:
    """The text without code."""
    text = re.sub(r"^(```+|~~~+).*?^\1$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"(`+)(?:(?!\1).)+?\1(?!`)", "`code`", text)


def links(page: Path) -> Iterator[str]:
    yield from LINK.findall(prose(page))
    yield from re.findall(r"^ {0,3}\[[^\]]+\]: +(\S+)", prose(page), re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The anchors GitHub makes of a page's headings; equal ones are numbered."""
    text = re.sub(r"^(```+|~~~+).*?^\1$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    names: set[str] = set()
    for heading in re.findall(r"^#{1,6} +(.+?) *#*$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower().replace("`", "")).replace(" ", "-")
        number = 0
        while (anchor := f"{slug}-{number}" if number else slug) in names:
            number += 1
        names.add(anchor)
    return names | set(re.findall(r'<a (?:id|name)="([^"]+)"', text))


def broken(page: Path) -> Iterator[str]:
    for link in links(page):
        if link.startswith(ELSEWHERE):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / unquote(path)).resolve() if path else page
        there = target.is_relative_to(ROOT) and target.exists()
        if not there or (anchor and (target.suffix != ".md" or anchor not in anchors(target))):
            yield link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    """Every relative link of a page names a file or folder of the project, and every anchor a heading of its target."""
    assert list(broken(page)) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    """A missing file, a missing anchor and a link out of the project are broken; links in code are no links."""
    page = ROOT / "docs" / "glossary.md"
    text = "[a](nowhere.md) [b](#nothing) [c](../..) `[d](nowhere)` [e](cli.md#plan) [f](https://example.org)"
    sample = tmp_path / "sample.md"
    sample.write_text(text, encoding="utf-8")
    assert list(links(sample)) == ["nowhere.md", "#nothing", "../..", "cli.md#plan", "https://example.org"]
    assert "plan" in anchors(ROOT / "docs" / "cli.md")
    assert list(broken(sample)) == ["nowhere.md", "#nothing", "../..", "cli.md#plan"]
    assert "glossary" in anchors(page)


def test_pages_are_found() -> None:
    """The test looks at the pages it should: those beside it, and those that every project has."""
    names = {page.relative_to(ROOT).as_posix() for page in PAGES}
    assert {"CHANGELOG.md", "CONTRIBUTING.md", "docs/cli.md", "docs/decisions/0001-decisions.md"} <= names
