"""Every hint that names a value ends, in one step, in a value that is taken."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from runner import manifest
from runner.core.errors import Problem
from runner.limits.policy import read_policy
from runner.manifest.fitting import spelling

HERE = Path(__file__).parent
CASES = sorted(path.parent for path in (HERE / "cases/invalid").glob("*/expected.json"))
ENTRIES: dict[str, dict[str, dict[str, Any]]] = json.loads((HERE.parent / "schemas/entries.json").read_text("utf-8"))
ODD = (
    "yes", "No", "on", "True", "true", "false", "Y", "n", '"yes"', '"true"', '"True"', '"N"', '"y"', '"off"',
    "1", "0", "-1", "010", "0x10", "1_000", "+1", "1.0", "1e3", "0.05", "120.50", '"10"', '"0"', '"1.5"',
    ".nan", ".inf", "null", "~", '""', "2026-01-01", "1:30", "=", '"43"', "43", "1m", "9" * 70,
)  # fmt: skip
NAMED = re.compile(r'(?:write|quote it:|remove the quotes:) ("[^"]*"|[^\s`]+)')


def follow(text: str, problem: Problem) -> str | None:
    """The text once a hint was done what it says; None where it names no value."""
    named = NAMED.fullmatch(problem.hint or "")
    if named is None or problem.span is None:
        return None
    lines = text.split("\n")
    place, line = problem.span, lines[problem.span.line - 1]
    lines[place.line - 1] = line[: place.column - 1] + named[1] + line[place.end_column - 1 :]
    return "\n".join(lines)


def is_gone(problem: Problem, after: list[Problem]) -> bool:
    """Whether no error is at the place of a problem any more."""
    assert problem.span is not None
    place = (problem.span.line, problem.span.column)
    errors = [other.span for other in after if other.severity == "error" and other.span is not None]
    return all((span.line, span.column) != place for span in errors)


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_every_hint_of_a_case_ends_in_a_valid_value(folder: Path, tmp_path: Path) -> None:
    """Of each invalid manifest, every finding is gone once its hint was followed."""
    for problem in manifest.check([str(folder)]).problems:
        if problem.span is None:
            continue
        text = Path(problem.path or "").read_bytes().decode("utf-8", "replace")
        mended = follow(text, problem)
        if mended is not None:
            path = tmp_path / "manifest.yaml"
            path.write_bytes(mended.encode())
            assert is_gone(problem, list(manifest.check([str(path)]).problems)), problem


@pytest.mark.parametrize("form", ["full", "worded"])
@pytest.mark.parametrize("product", sorted(ENTRIES))
def test_every_hint_for_an_odd_value_ends_in_a_valid_value(product: str, form: str, tmp_path: Path) -> None:
    """Whatever is written in a field of an order, or of its `auth` or labels, no hint leads to another hint."""
    path = tmp_path / "manifest.yaml"
    followed = 0
    entry = ENTRIES[product][form]
    for field in entry:
        for odd in ODD:
            path.write_text(with_value(entry, field, odd), encoding="utf-8")
            for problem in manifest.check([str(path)]).problems:
                mended = follow(path.read_text("utf-8"), problem)
                if mended is not None and problem.code[:4] in ("PSR0", "PSR2"):
                    followed += 1
                    again = tmp_path / "again.yaml"
                    again.write_text(mended, encoding="utf-8")
                    assert is_gone(problem, list(manifest.check([str(again)]).problems)), (field, odd, problem)
    assert followed > 30


def with_value(entry: dict[str, Any], field: str, odd: str) -> str:
    """A manifest of this order with a field, or every part of one, written oddly."""
    lines = ["apiVersion: orders/v1", "batch: b", "orders:"]
    for number, (name, value) in enumerate(entry.items()):
        written = json.dumps(value)
        if name == field:
            parts = (f"{json.dumps(part)}: {odd}" for part in value) if isinstance(value, dict) else ()
            written = "{" + ", ".join(parts) + "}" if isinstance(value, dict) else odd
        lines.append(f"{'  -' if number == 0 else '   '} {name}: {written}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(
    "rule", ["exclusive: {}", "budgets: {{day: {}}}", "allow: {{max_quantity: {{any: {}}}}}", "require_labels: [{}]"]
)
def test_every_hint_of_a_policy_ends_in_a_valid_value(rule: str, odd: str, tmp_path: Path) -> None:
    """A policy's fields are read by the same rules."""
    path = tmp_path / "order-runner.yaml"
    path.write_text(f"apiVersion: policy/v1\n{rule.format(odd)}\n", encoding="utf-8")
    for problem in read_policy(str(path))[1]:
        mended = follow(path.read_text("utf-8"), problem)
        if mended is not None:
            path.write_text(mended, encoding="utf-8")
            assert is_gone(problem, list(read_policy(str(path))[1])), problem


@pytest.mark.parametrize(
    ("text", "hint"),
    [("yes", "write Y"), ("TRUE", "write Y"), ("n", "write N"), ("off", "write N"), ("maybe", None), ("1", None)],
)
def test_yes_and_no_become_the_vendors_letters(text: str, hint: str | None) -> None:
    """A field of Y and N is told so, whichever word for yes or no was written, and not sent round in a circle."""
    assert spelling({"type": "string", "enum": ["Y", "N"]}, text) == hint
