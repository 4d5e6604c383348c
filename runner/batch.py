"""A whole batch: what would be bought, or buying it, from checked manifests to the finished report."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, Literal

from runner import place, verdict
from runner.clock import Clock
from runner.errors import (
    Cancelled,
    ExitCode,
    LedgerUnusable,
    Refused,
    RunnerError,
)
from runner.ledger.interface import Hold, Holder, Ledger, Record, Run
from runner.manifest import Loaded
from runner.plan import Limits, Plan, Step, draft, quoted
from runner.progress import Watch
from runner.readings import Readings
from runner.references import References, held_against_lists, with_ways_out
from runner.report import Finding, Inputs, Mode, OrderEntry, Report, Result
from runner.reportfile import ReportFile
from runner.states import State
from runner.stop import Stop
from runner.vendors.interface import Buyer, Encoder, Reader

NOT_CHECKED_OFFLINE: Final = ("access", "prices", "balance", "vendor's reference lists")
NOT_CHECKED_ONLINE: Final = ("whether the vendor accepts the order itself: only buying tells",)

_BUG_HINT: Final = "what was bought is in the ledger and the report; please report the trace below"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One call, whatever it does: what is wanted, what it may cost, who asks."""

    loaded: Loaded
    limits: Limits
    holder: Holder
    clock: Clock
    watch: Watch
    ledger_name: str
    lockfile: str | None = None

    @property
    def run_id(self) -> str:
        return self.holder.run_id

    def report(self, mode: Mode, encoder: Encoder | None) -> Report:
        """A report of this call in which nothing has happened yet."""
        inputs = Inputs(
            manifests=tuple((file.path, file.sha256) for file in self.loaded.files),
            lockfile=self.lockfile,
            ledger=self.ledger_name,
            base_url=encoder.base_url if encoder else None,
        )
        entries = [
            OrderEntry(request=request, status="planned", body=encoder.preview(request) if encoder else None)
            for request in self.loaded.orders
        ]
        found = [verdict.finding_of(problem) for problem in self.loaded.problems]
        return Report(
            run_id=self.run_id,
            mode=mode,
            started_at=self.clock.now(),
            inputs=inputs,
            orders=entries,
            errors=found,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a batch ended: the report, the plan as far as it was made, and what stopped it."""

    report: Report
    plan: Plan
    error: RunnerError | None = None


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
    pauses: tuple[float, ...] = place.PAUSES
    crash_point: Callable[[str], None] = place.no_crash


def preview(job: Job, mode: Literal["plan", "dry-run"], ledger: Ledger, vendor: Reader | Encoder) -> Outcome:
    """What would be bought and, asked of a `Reader`, what it would cost. Nothing it holds can spend."""
    report = job.report(mode, vendor)
    reader = vendor if isinstance(vendor, Reader) else None
    report.not_checked = NOT_CHECKED_ONLINE if reader else NOT_CHECKED_OFFLINE
    plan, error = Plan(steps=()), None
    try:
        plan = _drafted(job, ledger, report)
        verdict.note_open(report, ledger.open_records())
        if reader is not None:
            plan = _priced(job, plan, References(reader=reader, watch=job.watch), report)
        plan.refuse(job.limits)
    except RunnerError as raised:
        error = verdict.noted(report, raised)
    verdict.finish(report, job.clock.now(), error)
    return Outcome(report=report, plan=plan, error=error)


def not_begun(job: Job, mode: Mode, error: RunnerError | None) -> Report:
    """The report of a call that ended before its batch could begin."""
    report = job.report(mode, None)
    verdict.finish(report, job.clock.now(), verdict.noted(report, error) if error else None)
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
        error = verdict.noted(report, raised)
        verdict.finish(report, job.clock.now(), error)
        outcome = Outcome(report=report, plan=Plan(steps=()), error=error)
    except Exception as raised:  # noqa: BLE001 - our own bug must not hide what was bought
        error = RunnerError(f"an error of our own stopped the run ({type(raised).__name__})", hint=_BUG_HINT)
        error.__cause__ = raised
        verdict.finish(report, job.clock.now(), verdict.noted(report, error))
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
        plan = _drafted(job, purchase.ledger, report)
        verdict.note_open(report, purchase.ledger.open_records())
        verdict.refuse_open(report)
        references = References(reader=purchase.buyer, watch=job.watch)
        plan = _priced(job, plan, references, report)
        plan.refuse(job.limits)
        if plan.to_buy:
            purchase.confirm(plan)
            try:
                _buy(job, purchase, hold, plan, report)
            finally:
                _show_ways_out(report, references)
    except (RunnerError, KeyboardInterrupt) as raised:
        error = verdict.noted(report, raised)
    verdict.finish(report, job.clock.now(), error)
    with suppress(LedgerUnusable):  # the orders are on record; this row is only the run's own
        hold.finish_run(job.run_id, job.clock.now(), int(report.exit_code or ExitCode.OK))
    return Outcome(report=report, plan=plan, error=error)


def _buy(job: Job, purchase: Purchase, hold: Hold, plan: Plan, report: Report) -> None:
    desk = place.Desk(
        hold=hold,
        buyer=purchase.buyer,
        readings=Readings(purchase.buyer, job.clock),
        report=report,
        file=purchase.file,
        clock=job.clock,
        stop=purchase.stop,
        watch=job.watch,
        money_timeout=purchase.money_timeout,
        fail_fast=purchase.fail_fast,
        pauses=purchase.pauses,
        crash_point=purchase.crash_point,
    )
    if purchase.file is not None:
        purchase.file.refresh(report)
    with purchase.stop.deferring(job.watch):
        place.place_all(plan.to_buy, {entry.request.key: entry for entry in report.orders}, desk)
        with suppress(RunnerError):
            report.balance_after = purchase.buyer.balance()
    verdict.note_unexplained(report)
    left = sum(entry.status == "planned" for entry in report.orders)
    if purchase.stop.requested and left:
        raise Cancelled(f"stopped by a signal with {left} orders not begun", hint="run again to buy the rest")
    if left and any(finding.problem.code == "PSR505" for finding in verdict.findings(report)):
        raise Refused(f"stopped after an overcharge with {left} orders not begun", hint="run again to buy the rest")


def _drafted(job: Job, ledger: Ledger, report: Report) -> Plan:
    records = ledger.records(request.key for request in job.loaded.orders)
    # What an earlier run settled without a plain answer: few, and worth their evidence in every report.
    evidence = ledger.evidence(key for key, record in records.items() if record.reason is not None)
    plan = Plan(steps=draft(job.loaded, records, today=job.clock.now().date()))
    for entry, step in zip(report.orders, plan.steps, strict=True):
        known = _known(step.record) | {"evidence": evidence.get(entry.request.key)}
        entry.update(status=step.status, reason=step.reason, **known)
        _add_problem(entry, step)
    return plan


def _known(record: Record | None) -> dict[str, object]:
    """What the ledger adds to an entry."""
    if record is None:
        return {}
    if record.state is not State.PLACED or record.order_id is None:
        return {"possible": record.quote_total}
    result = Result(
        order_id=record.order_id,
        base_order_numbers=record.base_order_numbers,
        total=record.total,
        balance=record.balance,
    )
    return {"result": result}


def _priced(job: Job, drafted: Plan, references: References, report: Report) -> Plan:
    held = held_against_lists(drafted, references)
    plan = with_ways_out(quoted(held, job.loaded, references.reader, job.limits, job.watch), references)
    report.not_checked += tuple(f"ids of {product} orders" for product in references.unread)
    report.balance_before = plan.balance
    for entry, step in zip(report.orders, plan.steps, strict=True):
        if step.quote is not None or step.status != entry.status:
            entry.update(status=step.status, reason=step.reason, quote=step.quote)
            _add_problem(entry, step)
    report.errors.extend(Finding(problem=problem, category="refused") for problem in plan.objections)
    return plan


def _show_ways_out(report: Report, references: References) -> None:
    """The nearest legal values beside what the vendor refused, from lists that were read before."""
    for entry in report.orders:
        hints = [
            references.way_out(entry.request, found.vendor.field) if found.vendor else None for found in entry.errors
        ]
        if any(hints):
            pairs = zip(entry.errors, hints, strict=True)
            errors = [replace(f, problem=replace(f.problem, hint=hint)) if hint else f for f, hint in pairs]
            entry.update(errors=tuple(errors))


def _add_problem(entry: OrderEntry, step: Step) -> None:
    if step.problem is not None and not entry.errors:
        entry.update(errors=(Finding(problem=step.problem, category="refused", vendor=step.vendor),))


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
