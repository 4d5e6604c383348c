"""What stopped a run → lines on stderr: what is wrong, and the way out."""

from __future__ import annotations

from runner.core.errors import Problem, RunnerError
from runner.views.terminal.console import Console
from runner.views.terminal.safe import one_line


def render(error: RunnerError | Problem, console: Console) -> None:
    """`error: message`, and below it `hint: …` where there is one; for a finding with its place and code."""
    if isinstance(error, Problem):
        place = f"{error.place}: " if error.path else ""
        label, text = error.severity, f"{place}{error.code} {error.message}"
    else:
        words = str(error) or type(error).__name__
        label, text = "error", f"{error.finding} {words}" if error.finding else words
    lines = [f"{console.err.paint(label, label + ':')} {one_line(text)}"]
    if error.hint:
        lines.append(f"{console.err.paint('note', 'hint:')} {one_line(error.hint)}")
    console.err.lines(lines)
