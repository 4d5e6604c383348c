"""docs/formats.md shows what each format makes of one real report.

`python tests/docs/test_docs_formats.py` writes the examples anew from formats.json, the report of that run.
"""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from runner.core import schemas
from runner.views import formats, summary
from runner.views.terminal.console import Channel

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "formats.md"
REPORT: dict[str, Any] = json.loads((Path(__file__).parent / "formats.json").read_bytes())
NOT_SHOWN = ("json", "sarif", "html")
"""The report itself, a published standard, and a page of its own."""
SHOWN = ("text", *(name for name in formats.NAMES if name not in NOT_SHOWN))


def rendered(name: str) -> str:
    if name != "text":
        return formats.render(name, REPORT)
    out = io.StringIO()
    summary.render(REPORT, Channel(stream=out), "report.json")
    return out.getvalue()


def place(page: str, name: str) -> tuple[int, int]:
    """Where the first block of the format's section begins and ends."""
    section = page.index(f"\n## {name}\n")
    begin = page.index("\n", page.index("\n```", section) + 1) + 1
    return begin, page.index("```\n", begin)


def test_the_examples_are_of_a_report() -> None:
    """They are made from a report by the published schema."""
    assert schemas.explain("report", REPORT) == []


@pytest.mark.parametrize("name", SHOWN)
def test_each_example_is_what_the_format_makes(name: str) -> None:
    """To the byte."""
    page = PAGE.read_text(encoding="utf-8")
    begin, end = place(page, name)
    assert page[begin:end] == rendered(name)


def test_every_format_has_a_section_and_a_row() -> None:
    """And nothing else has."""
    page = PAGE.read_text(encoding="utf-8")
    sections = re.findall(r"^## (\w+)$", page, re.MULTILINE)
    rows = re.findall(r"^\| \[`(\w+)`\]\(#(\w+)\) \|", page, re.MULTILINE)
    assert sections == [row for row, _ in rows] == [anchor for _, anchor in rows] == ["text", *formats.NAMES]


def record() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name in SHOWN:
        begin, end = place(page, name)
        page = page[:begin] + rendered(name) + page[end:]
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    record()
