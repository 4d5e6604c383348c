"""Findings of `validate` in formats that reports have: a suite a file for JUnit, SARIF, and Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from runner.core.errors import Problem
from runner.report.report import Finding
from runner.views.findings import Findings, closing
from runner.views.formats import junit as junit_format
from runner.views.formats import markdown as markdown_format
from runner.views.formats import sarif as sarif_format

NOWHERE: Final = "order-runner"
"""Where a finding without a file belongs."""


def as_finding(problem: Problem) -> Mapping[str, Any]:
    """A problem as reports have it, and where it ends."""
    span = problem.span
    end = {"end_line": span.end_line, "end_column": span.end_column} if span else {}
    category = "warning" if problem.severity == "warning" else "invalid"
    return {**Finding(problem=problem, category=category).as_json(), **end}  # type: ignore[arg-type]


def junit(found: Findings) -> str:
    """Every file is a suite: a test for each finding, or one that passed."""
    suites: dict[str, list[junit_format.TestCase]] = {path: [] for path in found.paths}
    for finding in map(as_finding, found.problems):
        case = junit_format.loose(finding)
        suites.setdefault(finding["file"] or NOWHERE, []).append(case)
    return junit_format.xml({name: cases or [junit_format.TestCase(name="valid")] for name, cases in suites.items()})


def sarif(found: Findings) -> str:
    """Every finding with its place."""
    return sarif_format.log(list(map(as_finding, found.problems)), {"executionSuccessful": True})


def markdown(found: Findings, most: int = markdown_format.MAX_BYTES) -> str:
    """The count, then every finding for which there is room."""
    room = most - 1024
    ordered = sorted(map(as_finding, found.problems), key=lambda finding: finding["category"] == "warning")
    lines = [f"**{closing(found)}**", "", *markdown_format.findings_list(ordered, room)]
    return "".join(f"{line}\n" for line in lines)


def outputs(found: Findings, exit_code: int) -> dict[str, str]:
    """What later steps of a job may want to know."""
    counts = {"errors": found.errors, "warnings": found.warnings, "files": found.files, "orders": found.orders}
    return {"exit-code": str(exit_code)} | {name: str(number) for name, number in counts.items()}
