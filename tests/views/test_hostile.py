"""What a vendor, a manifest or a file name says can do nothing to a terminal or a CI log, in any view and format."""

from __future__ import annotations

import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from runner.core.errors import Busy, ExitCode, Problem
from runner.core.orders import OrderKey
from runner.core.progress import Buying, Notice, Sent, Settled, Waiting
from runner.core.states import State
from runner.core.vendor import Choice, Placed, VendorError
from runner.plan.plan import Plan, Step
from runner.report.report import Finding
from runner.settle.status import StatusRow, overview_of
from runner.views import failure, findings, formats, plan, reference, status, summary
from runner.views.terminal import events
from runner.views.terminal.console import Console
from tests.views.conftest import Make, Plain, Terminal

CORPUS = (
    "::error::owned",
    "\n::add-mask::x",
    "\r\n  ::stop-commands::x",
    "a\u2028::error::x\u2029##[group]",
    "##[error]x",
    "###vso[task.setvariable variable=x]y",
    "x\n##teamcity[buildStatus]",
    "\x1b]0;title\x07",
    "\x1b]52;c;aGk=\x1b\\",
    "\x1b[2J\x1b[31m",
    "\x9b31m \x90 \x9d0;x\x9c",
    "over\rwrite\b\b\x7f\x00",
    "\u202eUSD 5\u2066\u2069\u200e\u200f",
    "a\u200bb\ufeffc\u00ad",
    "[bold red]x[/bold red] [link=http://x]y[/]",
    "\u3000::error::x",
    "word " * 30 + "::error::x ##[x] " + "::" * 60,
    "\ud800",
)
Draw = Callable[[Make, Console, str, str], None]


def draw_findings(make: Make, console: Console, text: str, fmt: str) -> None:
    problem = make.problem(message=text, hint=text, path=text, code=text)
    found = [problem, replace(problem, path="a.yaml", field=text, key=text), replace(problem, path=None)]
    findings.render(found, fmt=fmt, console=console, files=1, orders=1, source_line=lambda *_: text)


def draw_plan(make: Make, console: Console, text: str, fmt: str) -> None:
    fields: dict[str, Any] = {"countryId": text, "periodId": text, "quantity": 1, "operatorId": text}
    request = make.request(text, fields=fields, path=text)
    problem = make.problem(message=text, hint=text, path=text)
    step = Step(request=request, status="refused", reason=text, problem=problem, vendor=VendorError(message=text))
    made = Plan(steps=(step,), objections=(problem,))
    bodies = {request.key: {text: text}}
    plan.render(made, fmt=fmt, console=console, bodies=bodies, not_checked=(text,), loaded_problems=(problem,))


def draw_summary(make: Make, console: Console, text: str, fmt: str) -> None:
    request = make.request(text, path=text)
    problem = make.problem(message=text, hint=text, path=text)
    finding = Finding(problem=problem, category="rejected", vendor=VendorError(message=f"{text}!", code=text))
    open_elsewhere = Finding(problem=Problem(code=text, message=text, key=text), category="unknown")
    report = make.report(
        make.entry("rejected", request=request, errors=(finding,)),
        make.entry("unknown", request=request, reason=text),
        make.entry("placed", request=request, result=Placed(order_id=text, total=Decimal(1))),
        errors=[finding, open_elsewhere],
        not_checked=(text,),
        exit_code=ExitCode.OUTCOME_UNKNOWN,
    )
    document = make.document(report)
    if fmt == "text":
        summary.render(document, console.out, report_path=text)
    else:
        console.write(formats.render(fmt, document))


def draw_status(make: Make, console: Console, text: str, fmt: str) -> None:
    record = replace(make.record("x"), key=OrderKey(text, text), reason=text, order_id=text)
    request = make.request(path=text)
    row = StatusRow(key=record.key, state=State.UNKNOWN, wanted=False, record=record, source=request.source)
    status.render(overview_of([row]), fmt=fmt, console=console)


def draw_reference(make: Make, console: Console, text: str, fmt: str) -> None:
    choice = Choice(type="ipv4", field=text, value=text, name=text, alpha3=text, detail=text)
    reference.render([choice, choice], fmt=fmt, console=console)


def draw_errors(make: Make, console: Console, text: str, fmt: str) -> None:
    failure.render(Busy(text, hint=text), console)
    failure.render(make.problem(message=text, hint=text, path=text, code=text), console)


def draw_progress(make: Make, console: Console, text: str, fmt: str) -> None:
    with events.watching(console, quiet=False, verbose=True) as watch:
        watch(Buying(key=OrderKey(text, text), n=1, total=2, price=Decimal(1)))
        watch(Sent(key=OrderKey(text, text), deadline=180.0))
        watch(Waiting(seconds=9, why=text))
        watch(Settled(key=OrderKey(text, text), status=text, detail=text))
        watch(Notice(text=text))


VIEWS: list[tuple[Draw, str]] = [
    *((draw_findings, fmt) for fmt in findings.FORMATS),
    *((draw_plan, fmt) for fmt in plan.FORMATS),
    *((draw_summary, fmt) for fmt in ("text", *formats.NAMES)),
    *((draw_status, fmt) for fmt in status.FORMATS),
    *((draw_reference, fmt) for fmt in reference.FORMATS),
    (draw_errors, "text"),
    (draw_progress, "text"),
]
OUR_COMMAND = re.compile(r"::(error|warning|notice) ([a-zA-Z]+=[^:,\n]*,?)+::")


def is_harmless(text: str) -> bool:
    acting = {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs")} - {"\n"}
    starts = [line.lstrip() for line in text.splitlines()]
    commands = [line for line in starts if line.startswith(("::", "##")) and not OUR_COMMAND.match(line)]
    return not acting and not commands and "##" not in text


@pytest.mark.parametrize("text", CORPUS)
@pytest.mark.parametrize(("draw", "fmt"), VIEWS, ids=[f"{draw.__name__}-{fmt}" for draw, fmt in VIEWS])
def test_nothing_acts_in_a_log(make: Make, plain: Plain, draw: Draw, fmt: str, text: str) -> None:
    """Without a terminal not one control byte comes out, and no line is a command but our own annotations."""
    draw(make, plain.console, text, fmt)
    assert plain.out + plain.err
    assert is_harmless(plain.out)
    assert is_harmless(plain.err)


def test_the_check_itself_bites() -> None:
    """The corpus is harmful to begin with, but for markup of a terminal library."""
    assert [text for text in CORPUS if is_harmless(text)] == ["[bold red]x[/bold red] [link=http://x]y[/]"]


@pytest.mark.parametrize("width", [20, 40, 80, 200])
@pytest.mark.parametrize("draw", [draw for draw, fmt in VIEWS if fmt == "text"], ids=lambda draw: draw.__name__)
def test_nothing_acts_on_a_terminal(make: Make, terminal: Callable[[int], Terminal], draw: Draw, width: int) -> None:
    """On a terminal only our own colours and cursor moves come out, at any width, and markup stays text."""
    tty = terminal(width)
    console = tty.console()
    for text in CORPUS:
        draw(make, console, text, "text")
    shown = "\n".join(tty.lines)
    assert is_harmless(shown)
    assert "[bold" in shown
    assert console.out.failure is None
    assert console.err.failure is None
    moves = set(re.findall(r"\x1b\[[0-9;?]*[A-Za-z]", tty.text))
    assert "\x1b[2J" not in moves


LAZY = """
import sys
sys.path[:0] = sys.argv[1:]
import io
from runner.core.errors import Busy, Problem, Span
from runner.plan.plan import Plan
from runner.core.progress import Notice, Quoting
from runner.settle.status import overview_of
from runner.views import failure, findings, plan, reference, status, summary
from runner.views.terminal import events
from runner.views.terminal.console import Console

console = Console.detect(no_color=False, environ={"FORCE_COLOR": "1"})
problem = Problem(code="PSR1", message="m", hint="h", path="a.yaml", span=Span(line=1, column=1, end_line=1, end_column=2))
for fmt in findings.FORMATS:
    findings.render([problem], fmt=fmt, console=console, files=1, orders=1, source_line=lambda *_: "x")
plan.render(Plan(steps=()), fmt="text", console=console)
status.render(overview_of([]), fmt="text", console=console)
reference.render([], fmt="text", console=console)
failure.render(Busy("b", hint="h"), console)
with events.watching(console, quiet=False, verbose=True) as watch:
    watch(Quoting(done=1, total=1))
print(sorted(name for name in sys.modules if name.partition(".")[0] in ("rich", "click", "httpx", "sqlalchemy")))
"""


def test_views_need_no_large_library() -> None:
    """Text, tables and progress are drawn without any of the large libraries, forced colours or not."""
    done = subprocess.run(
        [sys.executable, "-c", LAZY, *filter(None, sys.path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
