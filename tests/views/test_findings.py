"""What `validate` says."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from runner.core.errors import Problem, Span
from runner.views import findings
from runner.views.terminal.console import Console
from tests.views.conftest import Make, Plain, Terminal


def no_line(path: str, line: int) -> str | None:
    raise AssertionError(f"{path}:{line} is not to be read")


def render(console: Console, problems: list[Problem], *, fmt: str = "text", files: int = 5, orders: int = 12) -> None:
    findings.render(problems, fmt=fmt, console=console, files=files, orders=orders, source_line=no_line)


def test_plain_text(make: Make, plain: Plain) -> None:
    """One line a finding with its place, its hint on the next, a count at the end; no source is read."""
    problems = [
        make.problem(),
        make.problem(message="`countryId` is missing", hint=None, line=9),
        make.problem(path="b.yaml", severity="warning", code="PSR030", message="no `customTargetName`"),
    ]
    render(plain.console, problems)
    assert plain.out == (
        "orders.yaml:5:3: PSR012 unknown field `quantiti`\n"
        "  hint: did you mean `quantity`?\n"
        "orders.yaml:9:3: PSR012 `countryId` is missing\n"
        "b.yaml:5:3: PSR030 warning: no `customTargetName`\n"
        "  hint: did you mean `quantity`?\n"
        "2 errors, 1 warning in 2 of 5 files (12 orders)\n"
    )


@pytest.mark.parametrize(
    ("files", "orders", "line"),
    [(5, 12, "5 files, 12 orders: all valid\n"), (1, 1, "1 file, 1 order: all valid\n")],
)
def test_all_valid(plain: Plain, files: int, orders: int, line: str) -> None:
    """Success is said, with what it was about."""
    render(plain.console, [], files=files, orders=orders)
    assert plain.out == line


def test_a_finding_without_a_file(make: Make, plain: Plain) -> None:
    """What belongs to no file is shown all the same."""
    render(plain.console, [make.problem(path=None, message="no manifest", hint=None)], files=0, orders=0)
    assert plain.out == "PSR012 no manifest\n1 error (0 orders)\n"


def test_json_is_one_document(make: Make, plain: Plain) -> None:
    """`-f json` is one document with counts and a range for each finding; columns count from 1, the end is exclusive."""
    problem = Problem(
        code="PSR012",
        message='"a"\n',
        path="orders.yaml",
        span=Span(line=5, column=3, end_line=6, end_column=1),
        field="quantiti",
        key="crawl/fr",
    )
    render(plain.console, [problem, make.problem(path=None, hint=None, severity="warning")], fmt="json")
    assert json.loads(plain.out) == {
        "version": "1.0",
        "summary": {"errors": 1, "warnings": 1, "files": 5, "files_with_findings": 1, "orders": 12},
        "diagnostics": [
            {
                "code": "PSR012",
                "severity": "error",
                "message": '"a"\n',
                "hint": None,
                "file": "orders.yaml",
                "range": {"start": {"line": 5, "column": 3}, "end": {"line": 6, "column": 1}},
                "field": "quantiti",
                "key": "crawl/fr",
            },
            {
                "code": "PSR012",
                "severity": "warning",
                "message": "unknown field `quantiti`",
                "hint": None,
                "file": None,
                "range": None,
                "field": None,
                "key": None,
            },
        ],
    }


def test_json_without_findings(plain: Plain) -> None:
    """A clean run is a document, too."""
    render(plain.console, [], fmt="json")
    assert json.loads(plain.out)["diagnostics"] == []


def test_github_annotations(make: Make, plain: Plain) -> None:
    """An annotation a finding, escaped so that data cannot end a property or the command."""
    problem = make.problem(path="a,b:c%.yaml", message="50% off\n::error::x", hint="why, so: mend")
    render(plain.console, [problem, make.problem(severity="warning", hint=None)], fmt="github")
    assert plain.out == (
        "::error file=a%2Cb%3Ac%25.yaml,line=5,endLine=5,col=3,endColumn=8,title=PSR012"
        "::50%25 off\\n::error::x%0Ahint: why, so: mend\n"
        "::warning file=orders.yaml,line=5,endLine=5,col=3,endColumn=8,title=PSR012::unknown field `quantiti`\n"
        "1 error, 1 warning in 2 of 5 files (12 orders)\n"
    )


@pytest.mark.parametrize(
    ("span", "place"),
    [
        (Span(line=5, column=3, end_line=5, end_column=3), "line=5,endLine=5,col=3,endColumn=3"),
        (Span(line=5, column=3, end_line=6, end_column=1), "line=5,endLine=5,col=3"),
        (Span(line=5, column=3, end_line=7, end_column=4), "line=5,endLine=7"),
    ],
)
def test_github_places(plain: Plain, span: Span, place: str) -> None:
    """GitHub counts the end in and takes no columns over several lines."""
    render(plain.console, [Problem(code="PSR1", message="m", path="a.yaml", span=span)], fmt="github")
    assert plain.out.startswith(f"::error file=a.yaml,{place},title=PSR1::m\n")


def test_github_without_a_file(make: Make, plain: Plain) -> None:
    """Standard input has no file to annotate; the annotation stands alone."""
    render(plain.console, [make.problem(path="-", hint=None)], fmt="github")
    assert plain.out.startswith("::error title=PSR012::unknown")


SOURCE = "  quantiti: 10  # how many"


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_snippet_on_a_terminal(make: Make, terminal: Callable[[int], Terminal], width: int) -> None:
    """On a terminal the source line is shown with a mark under the place."""
    tty = terminal(width)
    findings.render(
        [make.problem()], fmt="text", console=tty.console(), files=1, orders=1, source_line=lambda *_: SOURCE
    )
    assert tty.lines == [
        "orders.yaml:5:3: PSR012 unknown field `quantiti`",
        " 5 |   quantiti: 10  # how many",
        "   |   ^^^^^^",
        "  hint: did you mean `quantity`?",
        "1 error in 1 of 1 file (1 order)",
        "more: order-runner explain PSR012",
        "",
    ]
    assert "\x1b[1;31mPSR012\x1b[0m" in tty.text


def test_a_snippet_without_colour(make: Make, terminal: Callable[[int], Terminal]) -> None:
    """With `--no-color` a terminal gets the snippet and not one escape."""
    tty = terminal(80)
    console = tty.console(no_color=True)
    findings.render([make.problem()], fmt="text", console=console, files=1, orders=1, source_line=lambda *_: SOURCE)
    assert "   |   ^^^^^^" in tty.lines
    assert "\x1b" not in tty.text


@pytest.mark.parametrize(
    ("text", "column", "end_column", "shown", "mark"),
    [
        ("\tname: x", 2, 6, " 5 |     name: x", "   |     ^^^^"),
        ("a: 中文", 4, 6, " 5 | a: 中文", "   |    ^^^^"),
        ("a: \x1b[31m", 4, 9, r" 5 | a: \x1b[31m", "   |    ^^^^^^^^"),
        ("## no", 4, 6, " 5 | # # no", "   |     ^^"),
        ("short", 40, 50, " 5 | short", "   |      ^"),
        ("x" * 90 + "HERE" + "y" * 90, 91, 95, f" 5 | …{'x' * 16}HERE{'y' * 13}…", f"   | {' ' * 17}^^^^"),
        ("HERE" + "y" * 90, 1, 95, f" 5 | HERE{'y' * 29}…", f"   | {'^' * 33}"),
        ("", 1, 1, " 5 |", "   | ^"),
    ],
)
def test_marks_stand_under_their_place(
    terminal: Callable[[int], Terminal], text: str, column: int, end_column: int, shown: str, mark: str
) -> None:
    """Tabs, wide letters, escapes and long lines do not move the mark; a long line is cut around it."""
    tty = terminal(40)
    problem = Problem(
        code="PSR1", message="m", path="a", span=Span(line=5, column=column, end_line=5, end_column=end_column)
    )
    findings.render([problem], fmt="text", console=tty.console(), files=1, orders=1, source_line=lambda *_: text)
    assert tty.lines[1:3] == [shown, mark]
    assert all(len(line) <= 40 for line in tty.lines)


def test_a_source_that_went_away(make: Make, terminal: Callable[[int], Terminal]) -> None:
    """A file that cannot be read any more costs its snippet, nothing else."""
    tty = terminal(80)
    findings.render([make.problem()], fmt="text", console=tty.console(), files=1, orders=1, source_line=lambda *_: None)
    assert tty.lines[1] == "  hint: did you mean `quantity`?"
