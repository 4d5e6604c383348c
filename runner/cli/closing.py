"""How a call of `plan` or `apply` ends: its report, its documents, what a person reads, and its exit code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from runner.cli.options import common
from runner.cli.options.bounds import LimitOptions
from runner.cli.options.command import Given
from runner.cli.outputs import Rendered, annotates, mask_key, render_problems, show_error, stream_of, tell_job_of
from runner.core.errors import ExitCode, RunnerError, UsageError, worst

if TYPE_CHECKING:
    from runner.plan.approval.document import Frame
    from runner.plan.task import Consent, Task
    from runner.report.file import ReportFile
    from runner.report.report import Mode, Report
    from runner.run.batch import Ended
    from runner.run.settings import Settings
    from runner.views.terminal.console import Console
    from runner.views.terminal.stream import Stream

_STDOUT: Final = Path("-")


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchCall:
    """One call of `plan` or `apply`, as the flags have it.

    `console` is where text goes; its stdout is `stdout`'s unless a report takes that. `report` is where that goes, or
    `-`. `command` buys what a plan shows. `stream` takes events while they happen.
    """

    settings: Settings
    outputs: tuple[common.Output, ...]
    console: Console
    stdout: Console
    given: Given
    limits: LimitOptions
    screen: common.ScreenOptions
    report: Path | None
    consent: Consent
    detailed_exit: bool = False
    command: str | None = None
    stream: Stream | None = None

    @classmethod
    def of(
        cls,
        settings: Settings,
        outputs: tuple[common.Output, ...],
        consent: Consent,
        *,
        given: Given,
        limits: LimitOptions,
        screen: common.ScreenOptions,
        report: Path | None,
        detailed_exit: bool = False,
        command: str | None = None,
    ) -> BatchCall:
        """UsageError where the report and a format would both go to stdout."""
        console = stdout = screen.console()
        if report == _STDOUT:
            if any(output.path is None and output.fmt != "text" for output in outputs):
                raise UsageError("the report and a format cannot both go to stdout")
            console = console.aside()
        mask_key(settings, outputs, console)
        return cls(
            settings=settings,
            outputs=outputs,
            console=console,
            stdout=stdout,
            given=given,
            limits=limits,
            screen=screen,
            report=report,
            consent=consent,
            detailed_exit=detailed_exit,
            command=command,
            stream=stream_of(outputs, console),
        )

    @property
    def as_text(self) -> bool:
        """Whether a person reads stdout."""
        return any(output.path is None and output.fmt == "text" for output in self.outputs)

    @property
    def report_path(self) -> Path | None:
        """Where the report is kept as a file."""
        return None if self.report == _STDOUT else self.report


def report_file(call: BatchCall) -> ReportFile | None:
    """The file of the call's report, if there is one."""
    from runner.report.file import ReportFile

    return ReportFile(call.report_path) if call.report_path is not None else None


def followed_file(call: BatchCall) -> ReportFile | None:
    """The report's file, where the call's stream hears of every change, if it has one."""
    from runner.report.file import ReportFile

    file = report_file(call)
    if call.stream is not None:
        file = file or ReportFile(None)
        file.heard = call.stream.changed
    return file


@contextmanager
def reported(call: BatchCall, task: Task, mode: Mode, file: ReportFile | None) -> Iterator[None]:
    """Leaves a report of whatever stops a call before its batch begins, findings of the manifests first."""
    from runner.run import call as session
    from runner.run.batch import not_begun

    if task.loaded.errors:
        render_problems(task.loaded.problems, call.console, files=len(task.loaded.files), orders=task.loaded.count)
        _leave(call, not_begun(task, mode, None), file)
        raise click.exceptions.Exit(int(ExitCode.INVALID))
    with session.reported(task, mode, file, lambda report, _: _leave(call, report, file), hint=_REPORT_HINT):
        yield


def _leave(call: BatchCall, report: Report, file: ReportFile | None) -> None:
    """Documents of a call whose batch did not begin; what a person reads has been said, or is about to be."""
    from runner.plan.plan import Plan
    from runner.run.batch import Ended

    _write(report, file)
    if call.report == _STDOUT:
        call.stdout.write(report.render())
    outcome, rendered = Ended(report=report, plan=Plan(steps=())), Rendered(report)
    for output in call.outputs:
        if output.fmt != "text":
            _write_output(call, output, outcome, rendered)
    if annotates(call.outputs):
        tell_job_of(rendered.document, call.console)


_REPORT_HINT: Final = "nothing was bought; name a report that can be written with --report"


def _write(report: Report, file: ReportFile | None) -> None:
    if file is None:
        return
    try:
        file.write(report)
    except OSError as error:
        raise UsageError(f"the report {file.path} cannot be written: {error.strerror or error}") from None


def show(call: BatchCall, outcome: Ended, file: ReportFile | None) -> int:
    """Everything a call says at its end, and its exit code."""
    report = outcome.report
    if file is not None and report.mode != "apply":
        _write(report, file)
    if call.report == _STDOUT:
        call.stdout.write(report.render())
    code = report.exit_code if report.exit_code is not None else ExitCode.INTERNAL
    rendered = Rendered(report)
    for output in call.outputs:
        try:
            _write_output(call, output, outcome, rendered)
        except UsageError as error:  # what was bought outranks a file that cannot be written
            show_error(error, call.console)
            code = worst(code, error.exit_code)
    if annotates(call.outputs):
        tell_job_of(rendered.document, call.console)
    if outcome.error is not None and (not call.as_text or outcome.error.exit_code is ExitCode.INTERNAL):
        show_error(outcome.error, call.console)  # as text, the findings above have said it
    if file is not None and file.failure is not None:
        reason = file.failure.strerror or file.failure
        text = f"the report {file.path} could not be written: {reason}; everything is in the ledger"
        show_error(RunnerError(text), call.console)
    return common.exit_code(code, call.stdout)


def _write_output(call: BatchCall, output: common.Output, outcome: Ended, rendered: Rendered) -> None:
    """One format to where it goes. UsageError where that cannot be written."""
    if output.fmt == "ndjson" and call.stream is not None:
        _end_stream(call.stream, output, rendered)
        return
    common.write_output(output, call.console, lambda fmt, console: _render(call, fmt, console, outcome, rendered))


def _end_stream(stream: Stream, output: common.Output, rendered: Rendered) -> None:
    try:
        stream.finish(rendered.document)
        if output.path is not None and stream.failure is not None:
            raise stream.failure
    except OSError as error:
        raise UsageError(f"{output.path} cannot be written: {error.strerror or error}") from None


def _render(call: BatchCall, fmt: str, console: Console, outcome: Ended, rendered: Rendered) -> None:
    from runner.views import plan as plan_view
    from runner.views import summary

    report = outcome.report
    if fmt not in _OF_A_PLAN.get(report.mode, ()):
        if fmt == "text":
            path = call.report_path
            summary.render(rendered.document, console.out, None if path is None else str(path))
        else:
            console.write(rendered.text(fmt))
        return
    bodies = None
    if report.mode == "dry-run":
        bodies = {entry.request.key: entry.body or {} for entry in report.orders if entry.status == "planned"}
    plan_view.render(
        outcome.plan,
        fmt=fmt,
        console=console,
        bodies=bodies,
        not_checked=report.not_checked,
        loaded_problems=[finding.problem for finding in report.errors],
        frame=_frame(call, outcome),
    )


def _frame(call: BatchCall, outcome: Ended) -> Frame:
    """What a plan document says beside its orders."""
    from runner.plan.approval.document import Frame

    report, consent = outcome.report, call.consent
    return Frame(
        made_at=report.started_at,
        account=consent.account,
        api=consent.api,
        inputs=report.inputs,
        selection=consent.selection,
        terms=outcome.terms,
        bodies={entry.request.key: entry.body for entry in report.orders if entry.body is not None},
        command=call.command,
    )


_OF_A_PLAN: Final = {"plan": ("text", "json", "markdown"), "dry-run": ("text",)}
"""Formats that show the plan itself, which has more than the report: unit prices, ceilings, the digest to approve."""
