"""How a call of `plan` or `apply` ends: its report, its documents, what a person reads, and its exit code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from runner.cli.options import common
from runner.cli.options.bounds import LimitOptions
from runner.cli.options.command import Origins
from runner.cli.options.targets import Targets
from runner.cli.outputs import Rendered, annotates, mask_key, render_problems, show_error, stream_of, tell_job_of
from runner.core.errors import ExitCode, RunnerError, UsageError, worst
from runner.run.settings import Settings

if TYPE_CHECKING:
    from runner.plan.approval.document import Frame
    from runner.plan.task import Consent, Task
    from runner.report.file import ReportFile
    from runner.report.report import Mode, Report
    from runner.run.batch import Ended
    from runner.views.terminal.console import Console
    from runner.views.terminal.stream import Stream

_STDOUT: Final = Path("-")


@dataclass(frozen=True, kw_only=True)
class BatchCall:
    """One call of `plan` or `apply`, as the flags have it. UsageError where the report and a format both want stdout.

    `report` is where that goes, or `-`; `paths` are those of the command line, a plan document included, and of its
    manifests. `command` buys what a plan shows. Nothing is said before GitHub masks the key.
    """

    settings: Settings
    outputs: tuple[common.Output, ...]
    origins: Origins
    limits: LimitOptions
    screen: common.ScreenOptions
    report: Path | None
    consent: Consent
    paths: tuple[str, ...]
    detailed_exit: bool = False
    command: str | None = None

    def __post_init__(self) -> None:
        if self.report == _STDOUT and any(output.path is None and output.fmt != "text" for output in self.outputs):
            raise UsageError("the report and a format cannot both go to stdout")
        mask_key(self.settings, self.outputs, self.console)
        targets = Targets(self.outputs, self.settings, [("--report", self.report_path)])
        targets.refuse_inputs(self.paths, policy=self.limits.policy, lockfile=self.limits.lockfile)

    @cached_property
    def stdout(self) -> Console:
        """The streams of this process."""
        return self.screen.console()

    @cached_property
    def console(self) -> Console:
        """Where text goes: to stdout, unless the report takes that."""
        return self.stdout.aside() if self.report == _STDOUT else self.stdout

    @cached_property
    def stream(self) -> Stream | None:
        """What takes events while they happen."""
        return stream_of(self.outputs, self.console)

    @property
    def as_text(self) -> bool:
        """Whether a person reads stdout."""
        return any(output.path is None and output.fmt == "text" for output in self.outputs)

    @property
    def report_path(self) -> Path | None:
        """Where the report is kept as a file."""
        return None if self.report == _STDOUT else self.report


def report_file(batch: BatchCall) -> ReportFile | None:
    """The file of the call's report, if there is one."""
    from runner.report.file import ReportFile

    return ReportFile(batch.report_path) if batch.report_path is not None else None


def followed_file(batch: BatchCall) -> ReportFile | None:
    """The report's file, where the call's stream hears of every change, if it has one."""
    from runner.report.file import ReportFile

    file = report_file(batch)
    if batch.stream is not None:
        file = file or ReportFile(None)
        file.listener = batch.stream.follow
    return file


@contextmanager
def report_failure(batch: BatchCall, task: Task, mode: Mode, file: ReportFile | None) -> Iterator[None]:
    """Leaves a report of whatever stops a call before its batch begins, findings of the manifests first."""
    from runner.run import call
    from runner.run.batch import not_begun

    if task.contents.errors:
        render_problems(
            task.contents.problems, batch.console, files=len(task.contents.files), orders=task.contents.count
        )
        _leave(batch, not_begun(task, mode, None), file)
        raise click.exceptions.Exit(int(ExitCode.INVALID))
    with call.report_failure(task, mode, file, lambda report, _: _leave(batch, report, file), hint=_REPORT_HINT):
        yield


def _leave(batch: BatchCall, report: Report, file: ReportFile | None) -> None:
    """Documents of a call whose batch did not begin; what a person reads has been said, or is about to be."""
    from runner.plan.plan import Plan
    from runner.run.batch import Ended

    _write(report, file)
    if batch.report == _STDOUT:
        batch.stdout.write(report.render())
    ended, rendered = Ended(report=report, plan=Plan(steps=())), Rendered(report)
    for output in batch.outputs:
        if output.fmt != "text":
            _write_output(batch, output, ended, rendered)
    if annotates(batch.outputs):
        tell_job_of(rendered.document, batch.console)


_REPORT_HINT: Final = "nothing was bought; name a report that can be written with --report"


def _write(report: Report, file: ReportFile | None) -> None:
    if file is not None:
        with common.writing(f"the report {file.path}"):
            file.write(report)


def show(batch: BatchCall, ended: Ended, file: ReportFile | None) -> int:
    """Everything a call says at its end, and its exit code."""
    report = ended.report
    if file is not None and report.mode != "apply":
        _write(report, file)
    if batch.report == _STDOUT:
        batch.stdout.write(report.render())
    code = report.exit_code if report.exit_code is not None else ExitCode.INTERNAL
    rendered, spent = Rendered(report), report.has_sent
    for output in sorted(batch.outputs, key=lambda output: output.path is None):  # stdout may never be read
        try:
            _write_output(batch, output, ended, rendered)
        except UsageError as error:
            show_error(error, batch.console)
            code = code if spent else worst(code, error.exit_code)  # what was bought outranks what cannot be written
    if annotates(batch.outputs):
        tell_job_of(rendered.document, batch.console)
    if ended.error is not None and not (_has_said(batch) and ended.error.exit_code is not ExitCode.INTERNAL):
        show_error(ended.error, batch.console)
    if file is not None and file.failure is not None:
        reason = file.failure.strerror or file.failure
        text = f"the report {file.path} could not be written: {reason}; everything is in the ledger"
        show_error(RunnerError(text), batch.console)
    return common.exit_code(code, batch.stdout, spent=spent)


def _has_said(batch: BatchCall) -> bool:
    """Whether a person has read, as findings of the summary, what stopped the call."""
    return batch.as_text and batch.console.out.failure is None


def _write_output(batch: BatchCall, output: common.Output, ended: Ended, rendered: Rendered) -> None:
    """One format to where it goes. UsageError where that cannot be written."""
    if output.fmt == "ndjson" and batch.stream is not None:
        with common.writing(output.path):
            batch.stream.finish(rendered.document)
            if output.path is not None and batch.stream.failure is not None:
                raise batch.stream.failure
        return
    common.write_output(output, batch.console, lambda fmt, console: _render(batch, fmt, console, ended, rendered))


def _render(batch: BatchCall, fmt: str, console: Console, ended: Ended, rendered: Rendered) -> None:
    from runner.views import plan as plan_view
    from runner.views import summary

    report = ended.report
    if fmt not in _OF_A_PLAN.get(report.mode, ()):
        if fmt == "text":
            path = batch.report_path
            summary.render(rendered.document, console.out, None if path is None else str(path))
        else:
            console.write(rendered.text(fmt))
        return
    bodies = None
    if report.mode == "dry-run":
        bodies = {entry.request.key: entry.body or {} for entry in report.orders if entry.status == "planned"}
    plan_view.render(
        ended.plan,
        fmt=fmt,
        console=console,
        policies=[path for path, _ in report.inputs.policies],
        bodies=bodies,
        not_checked=report.not_checked,
        loaded_problems=[finding.problem for finding in report.errors],
        frame=_frame(batch, ended),
    )


def _frame(batch: BatchCall, ended: Ended) -> Frame:
    """What a plan document says beside its orders."""
    from runner.plan.approval.document import Frame

    report, consent = ended.report, batch.consent
    return Frame(
        made_at=report.started_at,
        account=consent.account,
        api=consent.api,
        inputs=report.inputs,
        selection=consent.selection,
        terms=ended.terms,
        bodies={entry.request.key: entry.body for entry in report.orders if entry.body is not None},
        command=batch.command,
    )


_OF_A_PLAN: Final = {"plan": ("text", "json", "markdown"), "dry-run": ("text",)}
"""Formats that show the plan itself, which has more than the report: unit prices, ceilings, the digest to approve."""
