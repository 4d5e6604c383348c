"""Problems → text: `path:line:column: CODE message`, one JSON document, GitHub annotations, or a format of reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from runner.core.errors import Problem, Severity, Span
from runner.views.formats.annotations import Annotation, limited
from runner.views.terminal.console import Channel, Console
from runner.views.terminal.safe import json_text, one_line
from runner.views.terminal.snippet import snippet
from runner.views.words import counted

FINDINGS_VERSION: Final = "1.0"
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
    found = Findings(problems=problems, files=files, orders=orders, source_line=source_line, paths=paths)
    console.out.lines(FORMATS[fmt](found, console.out))


def described(problem: Problem, channel: Channel, source_line: SourceLine | None = None) -> Iterator[str]:
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


def closing(found: Findings) -> str:
    """`3 errors, 1 warning in 2 of 5 files (12 orders)`, or that all is well."""
    if not found.problems:
        return f"{counted(found.files, 'file')}, {counted(found.orders, 'order')}: all valid"
    kinds = ((found.errors, "error"), (found.warnings, "warning"))
    counts = ", ".join(counted(number, noun) for number, noun in kinds if number)
    named = found.files_with_findings
    where = f" in {named} of {counted(found.files, 'file')}" if 0 < named <= found.files else ""
    return f"{counts}{where} ({counted(found.orders, 'order')})"


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


def _text(found: Findings, channel: Channel) -> Iterator[str]:
    for problem in found.problems:
        yield from described(problem, channel, found.source_line)
    style = "error" if found.errors else "warning" if found.warnings else "good"
    yield channel.paint(style, closing(found))
    if found.problems and channel.terminal:
        yield channel.paint("faint", one_line(f"more: order-runner explain {found.problems[0].code}"))


def _json(found: Findings, _: Channel) -> Iterator[str]:
    summary = {
        "errors": found.errors,
        "warnings": found.warnings,
        "files": found.files,
        "files_with_findings": found.files_with_findings,
        "orders": found.orders,
    }
    yield f'{{"version": "{FINDINGS_VERSION}",'
    yield f'"summary": {json_text(summary)},'
    yield '"diagnostics": ['
    last = len(found.problems) - 1
    for index, problem in enumerate(found.problems):
        yield json_text(as_json(problem)) + ("," if index < last else "")
    yield "]}"


def _github(found: Findings, _: Channel) -> Iterator[str]:
    yield from limited(list(map(annotation, found.problems)), "`-f text` and `-f json` have all")
    yield closing(found)


def _of_reports(fmt: str) -> Callable[[Findings, Channel], Iterator[str]]:
    """A format that reports have, too."""

    def made(found: Findings, _: Channel) -> Iterator[str]:
        from runner.views.formats import validation

        text: str = getattr(validation, fmt)(found)
        yield from text.removesuffix("\n").split("\n")

    return made


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


FORMATS: Final[Mapping[str, Callable[[Findings, Channel], Iterator[str]]]] = {
    "text": _text,
    "json": _json,
    "github": _github,
    "junit": _of_reports("junit"),
    "sarif": _of_reports("sarif"),
    "markdown": _of_reports("markdown"),
}
