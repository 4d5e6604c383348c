"""docs/findings.md and the catalogue of codes say the same."""

from __future__ import annotations

import re
from pathlib import Path

from runner.core.codes import IN_RUNS, TITLES

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "runner"
DOCS = ROOT / "docs" / "findings.md"
CODE = re.compile(r'"(PSR[4-9]\d\d)"')
HEADING = re.compile(r"^### (PSR\d\d\d): (.+)$", re.MULTILINE)


def test_every_finding_is_documented_and_nothing_else() -> None:
    """Each code has a section under its title, in order, and no section is about a code that does not exist."""
    assert HEADING.findall(DOCS.read_text(encoding="utf-8")) == sorted(TITLES.items())


def test_every_section_says_why_and_what_to_do() -> None:
    """Each section has an example, the reason for the rule, and the way out."""
    parts = HEADING.split(DOCS.read_text(encoding="utf-8"))[1:]
    for code, body in zip(parts[::3], parts[2::3], strict=True):
        section = body.split("\n## ")[0]
        assert re.fullmatch(r"\n\n```\w+\n.+?\n```\n\n[^→]+\n\n→ [^→]+", section, re.DOTALL), code


def test_every_code_of_a_run_is_in_the_catalogue() -> None:
    """No module reports a code that nobody explains, and none is explained that no module reports."""
    sources = [path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "core" / "codes.py"]
    used = {code for path in sources for code in CODE.findall(path.read_text(encoding="utf-8"))}
    assert used == set(IN_RUNS)
