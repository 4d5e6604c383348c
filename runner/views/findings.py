"""Problems → text: `path:line:column: CODE message`, one JSON document, GitHub annotations, or a format of reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from runner.core.errors import Problem, Severity, Span
from runner.views.formats import validation
from runner.views.formats.annotations import Annotation, limit
from runner.views.formats.validation import Findings, SourceLine, closing
from runner.views.terminal.console import Channel, Console
from runner.views.terminal.safe import json_text, one_line
from runner.views.terminal.snippet import snippet

FINDINGS_VERSION: Final = "1.0"


def render(
    problems: Sequence[Problem],
    *,
    fmt: str,
    console: Console,
    files: int,
    orders: int,
    source_line: SourceLine,
    paths: Sequence[str] = (),
) -> None:
    """Write the findings in one of `FORMATS` to stdout, in the order given, and a closing line."""
    findings = Findings(problems=problems, files=files, orders=orders, source_line=source_line, paths=paths)
    console.out.lines(FORMATS[fmt](findings, console.out))


def finding_lines(problem: Problem, channel: Channel, source_line: SourceLine | None = None) -> Iterator[str]:
    """The lines of one finding; on a terminal with the source line, where it can be had."""
    place = problem.place if problem.path else ""
    yield sentence(place, problem.code, problem.severity, problem.message, channel)
    if source_line is not None and channel.terminal and problem.path is not None and problem.span is not None:
        text = source_line(problem.path, problem.span.line)
        if text is not None:
            yield from snippet(text, problem.span, problem.severity, channel)
    if problem.hint:
        yield one_line(f"  hint: {problem.hint}")


def sentence(place: str, code: str, severity: Severity, message: str, channel: Channel) -> str:
    """`place: CODE message`, the line that a finding is."""
    where = channel.paint("strong", one_line(f"{place}:")) + " " if place else ""
    label = "warning: " if severity == "warning" else ""
    return f"{where}{channel.paint(severity, one_line(code))} {label}{one_line(message)}"


def as_json(problem: Problem) -> Mapping[str, object]:
    """One diagnostic. Lines and columns count from 1, in characters; `range.end` is the first place after it."""
    return {
        "code": problem.code,
        "severity": problem.severity,
        "message": problem.message,
        "hint": problem.hint,
        "file": problem.path,
        "range": _range(problem.span) if problem.span else None,
        "field": problem.field,
        "key": problem.key,
    }


def annotation(problem: Problem) -> Annotation:
    """What GitHub shows beside the line."""
    texts = [one_line(problem.message), *([f"hint: {one_line(problem.hint)}"] if problem.hint else [])]
    return Annotation(kind=problem.severity, place=_github_place(problem), lines=texts)


def _text(findings: Findings, channel: Channel) -> Iterator[str]:
    for problem in findings.problems:
        yield from finding_lines(problem, channel, findings.source_line)
    style = "error" if findings.errors else "warning" if findings.warnings else "good"
    yield channel.paint(style, closing(findings))
    if findings.problems and channel.terminal:
        yield channel.paint("faint", one_line(f"more: order-runner explain {findings.problems[0].code}"))


def _json(findings: Findings, _: Channel) -> Iterator[str]:
    summary = {
        "errors": findings.errors,
        "warnings": findings.warnings,
        "files": findings.files,
        "files_with_findings": findings.files_with_findings,
        "orders": findings.orders,
    }
    yield f'{{"version": "{FINDINGS_VERSION}",'
    yield f'"summary": {json_text(summary)},'
    yield '"diagnostics": ['
    last = len(findings.problems) - 1
    for index, problem in enumerate(findings.problems):
        yield json_text(as_json(problem)) + ("," if index < last else "")
    yield "]}"


def _github(findings: Findings, _: Channel) -> Iterator[str]:
    yield from limit(list(map(annotation, findings.problems)), "`-f text` and `-f json` have all")
    yield closing(findings)


def _range(span: Span) -> Mapping[str, object]:
    return {
        "start": {"line": span.line, "column": span.column},
        "end": {"line": span.end_line, "column": span.end_column},
    }


def _github_place(problem: Problem) -> dict[str, str]:
    """GitHub counts the end in, and takes columns only where start and end are on one line."""
    named = problem.path is not None and problem.path != "-"
    place = {"file": one_line(problem.path or "")} if named else {}
    span = problem.span
    if span is not None and place:
        place["line"] = str(span.line)
        last = span.end_line - 1 if span.end_column == 1 and span.end_line > span.line else span.end_line
        place["endLine"] = str(last)
        if last == span.line:
            place["col"] = str(span.column)
            if span.end_line == span.line:
                place["endColumn"] = str(max(span.column, span.end_column - 1))
    return place | {"title": one_line(problem.code)}


FORMATS: Final[Mapping[str, Callable[[Findings, Channel], Iterable[str]]]] = {
    "text": _text,
    "json": _json,
    "github": _github,
    "junit": lambda findings, _: [validation.junit(findings).removesuffix("\n")],
    "sarif": lambda findings, _: [validation.sarif(findings).removesuffix("\n")],
    "markdown": lambda findings, _: [validation.markdown(findings).removesuffix("\n")],
}
