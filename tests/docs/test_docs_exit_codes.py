"""docs/exit-codes.md says what `errors.ExitCode` and its precedence say."""

from __future__ import annotations

import re
from pathlib import Path

from runner.core.errors import PRECEDENCE, ExitCode

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "exit-codes.md").read_text(encoding="utf-8")
TABLE, _, REST = PAGE.partition("## Which one wins")
ROWS = re.findall(r"^\| ([0-9]+) \| `([a-z_]+)` \| ([^|]+)\|([^|]*)\|$", TABLE, re.MULTILINE)


def test_the_table_is_the_enum() -> None:
    """Every exit code is in the table once, under its name, and no other."""
    assert {(int(code), name) for code, name, _, _ in ROWS} == {(int(code), code.name.lower()) for code in ExitCode}
    assert len(ROWS) == len(ExitCode)


def test_every_code_says_when_and_what_to_do() -> None:
    """Each row tells when the code is given, and, unless it is reserved, what to do about it."""
    for _, name, when, todo in ROWS:
        assert when.strip(), name
        assert todo.strip() or "Reserved" in when, name


def test_the_precedence_is_the_code_s() -> None:
    """The list of which code wins is `PRECEDENCE`, in order."""
    found = re.search(r"^[0-9]+(?:, [0-9]+)+$", REST, re.MULTILINE)
    assert found
    assert tuple(int(code) for code in found[0].split(", ")) == tuple(int(code) for code in PRECEDENCE)


def test_situations_use_known_codes() -> None:
    """Every situation of the page leads to one code of the enum."""
    situations = re.findall(r"^\| (.+) \| ([0-9]+) \|$", REST, re.MULTILINE)
    assert len(situations) > 20
    assert {int(code) for _, code in situations} <= {int(code) for code in ExitCode}
