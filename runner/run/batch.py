"""A whole batch: what would be bought, or buying it, from checked manifests to the finished report."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal

from runner.buy import protocol
from runner.core.errors import Cancelled, ExitCode, LedgerUnusable, Refused, RunnerError, worst
from runner.core.ledger import Hold, Ledger
from runner.core.records import Run
from runner.core.stop import Stop
from runner.core.vendor import Buyer, Encoder, Reader
from runner.limits.limits import standing
from runner.plan import lookalikes
from runner.plan.approval import consent
from runner.plan.approval.terms import Terms
from runner.plan.making import Means, drafted, means_of, priced, show_ways_out
from runner.plan.plan import Plan, purse_for
from runner.plan.task import Job
from runner.report import ending
from runner.report.file import ReportFile
from runner.report.report import Mode, Report

NOT_CHECKED_OFFLINE: Final = ("access", "prices", "balance", "vendor's reference lists")
NOT_CHECKED_ONLINE: Final = ("whether the vendor accepts the order itself: only buying tells",)

_BUG_HINT: Final = "what was bought is in the ledger and the report; please report the trace below"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a batch ended: the report, the plan as far as it was made, what its digest covers, and what stopped it."""

    report: Report
    plan: Plan
    error: RunnerError | None = None
    terms: Terms | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """What buying needs beside the job. `confirm` raises where a person says no."""

    ledger: Ledger
    buyer: Buyer
    file: ReportFile | None
    confirm: Callable[[Plan], None]
    stop: Stop
    money_timeout: float
    lock_timeout: float = 0.0
    fail_fast: bool = False
    pauses: tuple[float, ...] = protocol.PAUSES
    crash_point: Callable[[str], None] = protocol.no_crash


def preview(job: Job, mode: Literal["plan", "dry-run"], ledger: Ledger, vendor: Reader | Encoder) -> Outcome:
    """What would be bought and, asked of a `Reader`, what it would cost. Nothing it holds can spend."""
    report = job.report(mode, vendor)
    reader = vendor if isinstance(vendor, Reader) else None
    report.not_checked = NOT_CHECKED_ONLINE if reader else NOT_CHECKED_OFFLINE
    plan, error, terms = Plan(steps=()), None, None
    try:
        known = standing(ledger, job.loaded.orders, job.clock.now())
        plan = drafted(job, ledger, known, report)
        ending.note_open(report, ledger.open_records())
        if reader is not None:
            means = means_of(job, ledger, reader, known)
            plan = priced(job, plan, means, report)
            terms = consent.terms_of(job.consent, plan, job.loaded, report)
            plan = consent.approved(job.consent, plan, job.loaded, ledger, report, job.clock)
        plan.refuse(job.limits)
        consent.expect_nothing(job.consent, plan, report)
    except RunnerError as raised:
        error = ending.noted(report, raised)
    ending.finish(report, job.clock.now(), error)
    if job.detailed_exit and plan.to_buy:
        report.exit_code = worst(report.exit_code or ExitCode.OK, ExitCode.CHANGES)
    return Outcome(report=report, plan=plan, error=error, terms=terms)


def not_begun(job: Job, mode: Mode, error: RunnerError | None) -> Report:
    """The report of a call that ended before its batch could begin."""
    report = job.report(mode, None)
    ending.finish(report, job.clock.now(), ending.noted(report, error) if error else None)
    return report


def apply(job: Job, purchase: Purchase) -> Outcome:
    """Buy what is missing. The report is whole and true at every moment, and always there at the end.

    Raises OSError where the report cannot be written before anything is bought.
    """
    report = job.report("apply", purchase.buyer)
    if purchase.file is not None:
        purchase.file.write(report)
    try:
        with purchase.ledger.hold(job.holder, timeout=purchase.lock_timeout) as hold:  # step 1
            outcome = _apply_held(job, purchase, hold, report)
    except (RunnerError, KeyboardInterrupt) as raised:
        error = ending.noted(report, raised)
        ending.finish(report, job.clock.now(), error)
        outcome = Outcome(report=report, plan=Plan(steps=()), error=error)
    except Exception as raised:  # noqa: BLE001 - our own bug must not hide what was bought
        error = RunnerError(f"an error of our own stopped the run ({type(raised).__name__})", hint=_BUG_HINT)
        error.__cause__ = raised
        ending.finish(report, job.clock.now(), ending.noted(report, error))
        outcome = Outcome(report=report, plan=Plan(steps=()), error=error)
    finally:
        if purchase.file is not None:
            _last_write(purchase.file, report)
    return outcome


def _apply_held(job: Job, purchase: Purchase, hold: Hold, report: Report) -> Outcome:
    hold.start_run(_run(job))
    hold.abandon_submitted(job.clock.now())
    plan, error = Plan(steps=()), None
    try:
        known = standing(purchase.ledger, job.loaded.orders, job.clock.now())
        plan = drafted(job, purchase.ledger, known, report)
        ending.note_open(report, purchase.ledger.open_records())
        ending.refuse_open(report)
        means = means_of(job, purchase.ledger, purchase.buyer, known)
        plan = priced(job, plan, means, report)
        if wants := lookalikes.wants(plan, job.clock.now()):
            hold.note_wants(wants)
        plan = consent.approved(job.consent, plan, job.loaded, purchase.ledger, report, job.clock)
        plan.refuse(job.limits)
        if plan.to_buy:
            purchase.confirm(plan)
            try:
                _buy(job, purchase, hold, plan, means, report)
            finally:
                show_ways_out(report, means.references)
    except (RunnerError, KeyboardInterrupt) as raised:
        error = ending.noted(report, raised)
    ending.finish(report, job.clock.now(), error)
    with suppress(LedgerUnusable):  # the orders are on record; this row is only the run's own
        hold.finish_run(job.run_id, job.clock.now(), int(report.exit_code or ExitCode.OK))
    return Outcome(report=report, plan=plan, error=error)


def _buy(job: Job, purchase: Purchase, hold: Hold, plan: Plan, means: Means, report: Report) -> None:
    desk = protocol.Desk(
        hold=hold,
        buyer=purchase.buyer,
        readings=means.readings,
        report=report,
        file=purchase.file,
        clock=job.clock,
        stop=purchase.stop,
        watch=job.watch,
        money_timeout=purchase.money_timeout,
        purse=purse_for(plan, job.loaded, job.limits, means.known),
        fail_fast=purchase.fail_fast,
        approval=job.consent.digest,
        pauses=purchase.pauses,
        crash_point=purchase.crash_point,
    )
    if purchase.file is not None:
        purchase.file.refresh(report)
    with purchase.stop.deferring(job.watch):
        protocol.place_all(plan.to_buy, {entry.request.key: entry for entry in report.orders}, desk)
        with suppress(RunnerError):
            report.balance_after = purchase.buyer.balance()
    ending.note_unexplained(report)
    left = sum(entry.status == "planned" for entry in report.orders)
    if purchase.stop.requested and left:
        raise Cancelled(f"stopped by a signal with {left} orders not begun", hint="run again to buy the rest")
    if left and any(finding.problem.code == "PSR505" for finding in ending.findings(report)):
        raise Refused(f"stopped after an overcharge with {left} orders not begun", hint="run again to buy the rest")


def _last_write(file: ReportFile, report: Report) -> None:
    """The final report; that it cannot be written must not hide what was bought."""
    try:
        file.write(report)
    except OSError as error:
        file.failure = error


def _run(job: Job) -> Run:
    holder = job.holder
    return Run(
        id=holder.run_id,
        mode="apply",
        started_at=holder.since,
        host=holder.host,
        pid=holder.pid,
        ci_job=holder.ci_job,
    )
