"""What a call says in which format: live streams, documents made from its report, and what a job on GitHub is told."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

from runner.cli.options.common import Output
from runner.core.errors import UsageError

if TYPE_CHECKING:
    from runner.report.report import Report
    from runner.run.settings import Settings
    from runner.views.terminal.console import Console
    from runner.views.terminal.stream import Stream

STEP_SUMMARY: Final = 1024 * 1024
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


def stream_of(wanted: tuple[Output, ...], console: Console) -> Stream | None:
    """The live stream of events that these outputs ask for."""
    places = [output.path for output in wanted if output.fmt == "ndjson"]
    if not places:
        return None
    from runner.views.terminal.stream import Stream

    openers = [partial(_fresh, path) for path in places if path is not None]
    return Stream(console.out if None in places else None, openers)


def _fresh(path: Path) -> TextIO:
    """A new file in the place of an old one, for its owner only. UsageError where there can be none."""
    from runner.core.files import open_private, refuse_special

    try:
        refuse_special(path)
        path.unlink(missing_ok=True)
        return os.fdopen(open_private(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "w", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from None


def annotates(wanted: tuple[Output, ...]) -> bool:
    """Whether a job on GitHub reads what goes to stdout."""
    return any(output.fmt == "github" and output.path is None for output in wanted)


def mask_key(settings: Settings, wanted: tuple[Output, ...], console: Console) -> None:
    """Have GitHub take the key out of the log, before anything else is said.

    This line is the one place where the key goes out. It is read by the job's runner, which never shows it; where
    stdout is a file, nobody would take it out again, so there it is not written.
    """
    if os.environ.get("GITHUB_ACTIONS") != "true" or not annotates(wanted) or settings.sandbox or _is_file(sys.stdout):
        return
    from runner.run.settings import read_key
    from runner.views.formats.annotations import mask

    with suppress(UsageError):
        console.write(mask(read_key(settings).reveal()) + "\n")


def _is_file(stream: Any) -> bool:
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (AttributeError, OSError, ValueError):
        return True


def tell_job(summary: Callable[[int], str], outputs: Mapping[str, str], console: Console) -> None:
    """Append to the summary and the outputs of the step, where GitHub named files for them.

    `summary` makes Markdown of at most so many bytes.
    """
    with suppress(KeyError):
        path = Path(os.environ["GITHUB_STEP_SUMMARY"])
        room = STEP_SUMMARY - (path.stat().st_size if path.is_file() else 0)
        if room >= _LEAST:
            _append(path, summary(room), console)
    with suppress(KeyError):
        lines = "".join(f"{name}={value}\n" for name, value in outputs.items())
        _append(Path(os.environ["GITHUB_OUTPUT"]), lines, console)


def tell_job_of(document: Mapping[str, Any], console: Console) -> None:
    """The same of a report."""
    from runner.views.formats import github, markdown

    tell_job(lambda room: markdown.cut(document, min(room, markdown.MAX_BYTES)), github.outputs(document), console)


def _append(path: Path, text: str, console: Console) -> None:
    from runner.views.terminal.safe import one_line

    try:
        with path.open("a", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        console.note(one_line(f"{path} could not be written: {error.strerror or error}") + "\n")
