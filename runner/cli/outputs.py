"""What a call says in which format: live streams, documents made from its report, and what a job on GitHub is told."""

from __future__ import annotations

import json
import linecache
import os
import stat
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

from runner.cli.options.common import Output, writing
from runner.cli.options.targets import STEP_OUTPUT, STEP_SUMMARY
from runner.core.errors import ExitCode, Problem, RunnerError, UsageError
from runner.run.settings import Settings, read_key

if TYPE_CHECKING:
    from runner.report.report import Report
    from runner.views.terminal.console import Console
    from runner.views.terminal.stream import Stream

SUMMARY_BYTES: Final = 1024 * 1024
"""Bytes that GitHub takes as the summary of a step."""

_LEAST: Final = 4096
"""Room for a summary that is worth writing."""


class Rendered:
    """A finished report in any format; parsed once, and only if one of them asks."""

    def __init__(self, report: Report) -> None:
        self._report = report

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """The report as a reader of its JSON has it."""
        parsed: dict[str, Any] = json.loads(self._report.render())
        return parsed

    def text(self, fmt: str) -> str:
        """The report in a format of `runner.views.formats`."""
        from runner.views import formats

        return self._report.render() if fmt == "json" else formats.render(fmt, self.document)


def stream_of(outputs: tuple[Output, ...], console: Console) -> Stream | None:
    """The live stream of events that these outputs ask for."""
    places = [output.path for output in outputs if output.fmt == "ndjson"]
    if not places:
        return None
    from runner.views.terminal.stream import Stream

    openers = [partial(_fresh, path) for path in places if path is not None]
    return Stream(console.out if None in places else None, openers)


def _fresh(path: Path) -> TextIO:
    """A new file in the place of an old one, for its owner only. UsageError where there can be none."""
    from runner.core.files import open_private, refuse_special

    with writing(path):
        refuse_special(path)
        path.unlink(missing_ok=True)
        return os.fdopen(open_private(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "w", encoding="utf-8")


def annotates(outputs: tuple[Output, ...]) -> bool:
    """Whether a job on GitHub reads what goes to stdout."""
    return any(output.fmt == "github" and output.path is None for output in outputs)


def mask_key(settings: Settings, outputs: tuple[Output, ...], console: Console) -> None:
    """Have GitHub take the key out of the log, before anything else is said.

    This line is the one place where the key goes out. It is read by the job's runner, which never shows it; where
    stdout is a file, nobody would take it out again, so there it is not written.
    """
    if (
        os.environ.get("GITHUB_ACTIONS") != "true"
        or not annotates(outputs)
        or settings.sandbox
        or is_plain_file(sys.stdout)
    ):
        return
    from runner.views.formats.annotations import mask

    with suppress(UsageError):
        console.write(mask(read_key(settings).reveal()) + "\n")


def is_plain_file(stream: Any) -> bool:
    """Whether what is written there stays in a file, where nobody takes a secret out of it again."""
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (AttributeError, OSError, ValueError):
        return True


def tell_job(summary: Callable[[int], str], outputs: Mapping[str, str], console: Console) -> None:
    """Append to the summary and the outputs of the step, where GitHub named files for them.

    `summary` makes Markdown of at most so many bytes.
    """
    if named := os.environ.get(STEP_SUMMARY):
        path = Path(named)
        room = SUMMARY_BYTES - (path.stat().st_size if path.is_file() else 0)
        if room >= _LEAST:
            _append(path, summary(room), console)
    if named := os.environ.get(STEP_OUTPUT):
        lines = "".join(f"{name}={value}\n" for name, value in outputs.items())
        _append(Path(named), lines, console)


def tell_job_of(document: Mapping[str, Any], console: Console) -> None:
    """Append what a report says to the summary and the outputs of the step, where GitHub named files for them."""
    from runner.views.formats import github, markdown

    tell_job(lambda room: markdown.cut(document, min(room, markdown.MAX_BYTES)), github.outputs(document), console)


def _append(path: Path, text: str, console: Console) -> None:
    from runner.views.terminal.safe import one_line

    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe that nobody reads: no wait
    try:
        with os.fdopen(os.open(path, flags, 0o666), "w", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        console.note(one_line(f"{path} could not be written: {error.strerror or error}") + "\n")


def render_problems(problems: Sequence[Problem], console: Console, *, files: int = 0, orders: int = 0) -> None:
    """What is wrong with manifests or policies, as text on stderr: for calls whose stdout is about something else."""
    from runner.views import findings

    findings.render(problems, fmt="text", console=console.aside(), files=files, orders=orders, source_line=source_line)


def source_line(path: str, line: int) -> str | None:
    """A line of a manifest for a snippet; None where it cannot be had again."""
    if path == "-" or not Path(path).is_file():
        return None
    return linecache.getline(path, line).rstrip("\r\n") or None


def show_error(error: RunnerError, console: Console) -> None:
    """What stopped a call, on stderr; with the trace, where that is a bug of ours."""
    from runner.views import failure

    failure.render(error, console)
    if error.exit_code is ExitCode.INTERNAL and isinstance(error.__cause__, Exception):
        _show_trace(error.__cause__)


def show_warning(error: RunnerError, console: Console) -> None:
    """What would stop another call, on stderr."""
    from runner.views import failure

    code = error.finding or "PSR412"
    failure.render(Problem(code=code, severity="warning", message=str(error), hint=error.hint), console)


def _show_trace(error: BaseException) -> None:
    """The trace without values of variables, which might hold what must not be shown."""
    import traceback

    from runner.views.terminal.console import Console
    from runner.views.terminal.safe import one_line

    lines = "".join(traceback.format_exception(error)).splitlines()
    Console.detect(no_color=True).note("".join(f"  {one_line(line)}\n" for line in lines))
