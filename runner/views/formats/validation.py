"""What `validate` finds, and that in formats that reports have: a suite a file for JUnit, SARIF, and Markdown.

The formats are imported where they are asked for: checking manifests is quick, and needs none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from runner.core.errors import Problem
from runner.views.wording import plural

NOWHERE: Final = "order-runner"
"""Where a finding without a file belongs."""

SourceLine = Callable[[str, int], str | None]
"""Text of a line of a file, without its end; None where it cannot be had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was checked, and what came of it. `paths` are the files by name, where those without findings matter."""

    problems: Sequence[Problem]
    files: int
    orders: int
    source_line: SourceLine
    paths: Sequence[str] = ()

    @property
    def errors(self) -> int:
        return sum(problem.severity == "error" for problem in self.problems)

    @property
    def warnings(self) -> int:
        return len(self.problems) - self.errors

    @property
    def files_with_findings(self) -> int:
        return len({problem.path for problem in self.problems if problem.path is not None})


def closing(findings: Findings) -> str:
    """`3 errors, 1 warning in 2 of 5 files (12 orders)`, or that all is well."""
    if not findings.problems:
        return f"{plural(findings.files, 'file')}, {plural(findings.orders, 'order')}: all valid"
    kinds = ((findings.errors, "error"), (findings.warnings, "warning"))
    counts = ", ".join(plural(number, noun) for number, noun in kinds if number)
    named = findings.files_with_findings
    where = f" in {named} of {plural(findings.files, 'file')}" if 0 < named <= findings.files else ""
    return f"{counts}{where} ({plural(findings.orders, 'order')})"


def as_finding(problem: Problem) -> Mapping[str, Any]:
    """A problem as reports have it, and where it ends."""
    from runner.report.report import Finding

    span = problem.span
    end = {"end_line": span.end_line, "end_column": span.end_column} if span else {}
    category = "warning" if problem.severity == "warning" else "invalid"
    return {**Finding(problem=problem, category=category).as_json(), **end}  # type: ignore[arg-type]


def junit(findings: Findings) -> str:
    """Every file is a suite: a test for each finding, or one that passed."""
    from runner.views.formats.junit import TestCase, loose, xml

    suites: dict[str, list[TestCase]] = {path: [] for path in findings.paths}
    for finding in map(as_finding, findings.problems):
        suites.setdefault(finding["file"] or NOWHERE, []).append(loose(finding))
    return xml({name: cases or [TestCase(name="valid")] for name, cases in suites.items()})


def sarif(findings: Findings) -> str:
    """Every finding with its place."""
    from runner.views.formats.sarif import log

    return log(list(map(as_finding, findings.problems)), {"executionSuccessful": True})


def markdown(findings: Findings, most: int | None = None) -> str:
    """The count, then every finding for which there is room in `most` bytes, by default as many as GitHub takes."""
    from runner.views.formats.markdown import MAX_BYTES, findings_list

    room = (MAX_BYTES if most is None else most) - 1024
    ordered = sorted(map(as_finding, findings.problems), key=lambda finding: finding["category"] == "warning")
    lines = [f"**{closing(findings)}**", "", *findings_list(ordered, room)]
    return "".join(f"{line}\n" for line in lines)


def outputs(findings: Findings, exit_code: int) -> dict[str, str]:
    """What later steps of a job may want to know."""
    counts = {
        "errors": findings.errors,
        "warnings": findings.warnings,
        "files": findings.files,
        "orders": findings.orders,
    }
    return {"exit-code": str(exit_code)} | {name: str(number) for name, number in counts.items()}
