"""How a call of `plan` or `apply` ends: its report, its documents, what a person reads, and its exit code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from runner.cli.options.common import Output, ended, write_output
from runner.cli.outputs import Rendered, annotates, mask_key, stream_of, tell_job_of
from runner.core.errors import ExitCode, RunnerError, UsageError, worst

if TYPE_CHECKING:
    from runner.plan.approval.consent import Consent
    from runner.plan.approval.document import Frame
    from runner.plan.task import Job
    from runner.report.file import ReportFile
    from runner.report.report import Mode, Report
    from runner.run.batch import Outcome
    from runner.run.wiring import Settings
    from runner.views.terminal.console import Console
    from runner.views.terminal.stream import Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of `plan` or `apply`, as the flags have it.

    `console` is where text goes; its stdout is `stdout`'s unless a report takes that. `command` buys what a plan shows.
    `stream` takes events while they happen.
    """

    settings: Settings
    outputs: tuple[Output, ...]
    console: Console
    stdout: Console
    max_spend: Decimal | None
    keep_going: bool
    strict: bool
    strict_account: bool | None
    lockfile: Path | None
    quiet: bool
    verbose: bool
    consent: Consent
    detailed_exit: bool = False
    command: str | None = None
    stream: Stream | None = None

    @classmethod
    def of(cls, settings: Settings, wanted: tuple[Output, ...], consent: Consent, **values: Any) -> Call:
        from runner.views.terminal.console import Console

        console = stdout = Console.detect(no_color=values["no_color"])
        if values.get("report") == Path("-"):
            if any(output.path is None and output.fmt != "text" for output in wanted):
                raise UsageError("the report and a format both want stdout")
            console = console.aside()
        mask_key(settings, wanted, console)
        names = ("max_spend", "keep_going", "strict", "strict_account", "lockfile", "quiet", "verbose")
        return cls(
            settings=settings,
            outputs=wanted,
            console=console,
            stdout=stdout,
            consent=consent,
            detailed_exit=values.get("detailed_exitcode", False),
            command=values.get("command"),
            stream=stream_of(wanted, console),
            **{name: values[name] for name in names},
        )

    @property
    def as_text(self) -> bool:
        """Whether a person reads stdout."""
        return any(output.path is None and output.fmt == "text" for output in self.outputs)


def report_file(path: Path | None) -> ReportFile | None:
    from runner.report.file import ReportFile

    return None if path is None or path == Path("-") else ReportFile(path)


def heard_file(call: Call, path: Path | None) -> ReportFile | None:
    """The report's file, where the call's stream hears of every change, if it has one."""
    from runner.report.file import ReportFile

    file = report_file(path)
    if call.stream is not None:
        file = file or ReportFile(None)
        file.heard = call.stream.changed
    return file


@contextmanager
def reported(call: Call, job: Job, mode: Mode, file: ReportFile | None, path: Path | None) -> Iterator[None]:
    """Leaves a report of whatever stops a call before its batch begins, findings of the manifests first."""
    from runner.run.batch import not_begun

    if job.loaded.errors:
        _show_findings(call, job)
        report = not_begun(job, mode, None)
        _leave(call, report, file, path)
        raise click.exceptions.Exit(int(ExitCode.INVALID))
    try:
        yield
    except OSError as error:
        where = file.path if file and file.path else error.filename
        raise UsageError(f"{where} cannot be written: {error.strerror or error}", hint=_REPORT_HINT) from None
    except RunnerError as error:
        _leave(call, not_begun(job, mode, error), file, path)
        raise


def _leave(call: Call, report: Report, file: ReportFile | None, path: Path | None) -> None:
    """Documents of a call whose batch did not begin; what a person reads has been said, or is about to be."""
    from runner.plan.plan import Plan
    from runner.run.batch import Outcome

    _write(report, file)
    if path == Path("-"):
        call.stdout.write(report.render())
    outcome, rendered = Outcome(report=report, plan=Plan(steps=())), Rendered(report)
    for output in call.outputs:
        if output.fmt != "text":
            _write_output(call, output, outcome, rendered, path)
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


def _show_findings(call: Call, job: Job) -> None:
    from runner.cli.validate import source_line
    from runner.views import findings

    findings.render(
        job.loaded.problems,
        fmt="text",
        console=call.console.aside(),
        files=len(job.loaded.files),
        orders=job.loaded.count,
        source_line=source_line,
    )


def show(call: Call, outcome: Outcome, file: ReportFile | None, path: Path | None) -> int:
    """Everything a call says at its end, and its exit code."""
    report = outcome.report
    if file is not None and report.mode != "apply":
        _write(report, file)
    if path == Path("-"):
        call.stdout.write(report.render())
    code = report.exit_code if report.exit_code is not None else ExitCode.INTERNAL
    rendered = Rendered(report)
    for output in call.outputs:
        try:
            _write_output(call, output, outcome, rendered, path)
        except UsageError as error:  # what was bought outranks a file that cannot be written
            _show_error(error, call)
            code = worst(code, error.exit_code)
    if annotates(call.outputs):
        tell_job_of(rendered.document, call.console)
    if outcome.error is not None and (not call.as_text or outcome.error.exit_code is ExitCode.INTERNAL):
        _show_error(outcome.error, call)  # as text, the findings above have said it
    if file is not None and file.failure is not None:
        reason = file.failure.strerror or file.failure
        text = f"the report {file.path} could not be written: {reason}; the ledger has everything"
        _show_error(RunnerError(text), call)
    return ended(code, call.stdout)


def _write_output(call: Call, output: Output, outcome: Outcome, rendered: Rendered, path: Path | None) -> None:
    """One format to where it goes. UsageError where that cannot be written."""
    if output.fmt == "ndjson" and call.stream is not None:
        _end_stream(call.stream, output, rendered)
        return
    write_output(output, call.console, lambda fmt, console: _render(call, fmt, console, outcome, rendered, path))


def _end_stream(stream: Stream, output: Output, rendered: Rendered) -> None:
    try:
        stream.finish(rendered.document)
        if output.path is not None and stream.failure is not None:
            raise stream.failure
    except OSError as error:
        raise UsageError(f"{output.path} cannot be written: {error.strerror or error}") from None


def _render(call: Call, fmt: str, console: Console, outcome: Outcome, rendered: Rendered, path: Path | None) -> None:
    from runner.views import plan as plan_view
    from runner.views import summary

    report = outcome.report
    if fmt not in _OF_A_PLAN.get(report.mode, ()):
        if fmt == "text":
            summary.render(rendered.document, console.out, None if path in (None, Path("-")) else str(path))
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


def _frame(call: Call, outcome: Outcome) -> Frame:
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


def _show_error(error: RunnerError, call: Call) -> None:
    from runner.views import failure

    failure.render(error, call.console)
    if error.exit_code is ExitCode.INTERNAL and isinstance(error.__cause__, Exception):
        from runner.cli import show_trace

        show_trace(error.__cause__)
