"""A whole batch: what would be bought, or buying it, from checked manifests to the finished report."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, Literal

from runner.buy import protocol
from runner.buy.protocol import Till
from runner.core.errors import Cancelled, ExitCode, LedgerUnusable, Problem, Refused, RunnerError, worst
from runner.core.flights import Flights
from runner.core.leading import lead, leading_there
from runner.core.ledger import Hold, Ledger
from runner.core.progress import in_turn
from runner.core.records import Run
from runner.core.vendor import Buyer, Encoder, Reader
from runner.limits.admission import admit, check_key, check_name
from runner.limits.limits import Limits, standing_of
from runner.plan import lookalikes, making
from runner.plan.approval.consent import check_approval, expect_nothing, terms_of
from runner.plan.approval.terms import Terms
from runner.plan.plan import Plan, purse_for
from runner.plan.sources import Sources
from runner.plan.task import Task
from runner.report import ending, planned
from runner.report.report import Mode, Report

NOT_CHECKED_OFFLINE: Final = ("access", "prices", "balance", "vendor's reference lists")
NOT_CHECKED_ONLINE: Final = ("whether the vendor will accept the order: only the purchase itself shows that",)

_BUG_HINT: Final = "what was bought is in the ledger and the report; please report the trace below"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a batch ended: the report, the plan as far as it was made, what its digest covers, and what stopped it."""

    report: Report
    plan: Plan
    error: RunnerError | None = None
    terms: Terms | None = None


def preview(
    task: Task,
    mode: Literal["plan", "dry-run"],
    ledger: Ledger,
    vendor: Reader | Encoder,
    *,
    notices: tuple[Problem, ...] = (),
) -> Ended:
    """What would be bought and, asked of a `Reader`, what it would cost. Nothing it holds can spend.

    `notices` are warnings of the call itself, which every format of the report shows.
    """
    report = planned.begin(task, mode, vendor)
    report.errors.extend(map(ending.finding_of, notices))
    reader = vendor if isinstance(vendor, Reader) else None
    report.not_checked = NOT_CHECKED_ONLINE if reader else NOT_CHECKED_OFFLINE
    plan, error, terms = Plan(), None, None
    try:
        standing = standing_of(ledger, task.contents.orders, task.clock.now())
        plan = _enter(report, making.draft(task, ledger, standing))
        ending.note_open(report, ledger.open_records())
        _check_account(task, ledger, reader)
        if reader is not None:
            plan = _price(task, plan, Sources.of(task, ledger, reader, standing), report)
            terms = terms_of(plan, task.consent, task.batches, reader)
            plan = _permit(report, check_approval(plan, task, ledger, reader), task.limits)
        plan = _permit(report, plan, task.limits)
        plan = _permit(report, expect_nothing(plan, task.consent), task.limits)
    except RunnerError as raised:
        error = _note(task, report, raised)
    ending.finish(report, task.clock.now(), error)
    if task.detailed_exit and plan.to_buy:
        report.exit_code = worst(report.exit_code or ExitCode.OK, ExitCode.CHANGES)
    return Ended(report=report, plan=plan, error=error, terms=terms)


def _check_account(task: Task, ledger: Ledger, reader: Reader | None) -> bool:
    """Refuse a name or key that is not the ledger's, before the vendor is asked; offline there is only the name.

    False where the ledger has no key of the account yet.
    """
    new, register = task.consent.new_account, ledger.register()
    with leading_there(task.guard.flags):
        if reader is not None:
            return check_key(ledger.account, register, reader.identity, new=new)
        check_name(ledger.account, register, new=new)
    return False


def _enter(report: Report, plan: Plan) -> Plan:
    """The plan, which the report has now."""
    planned.take(report, plan)
    return plan


def _permit(report: Report, plan: Plan, limits: Limits) -> Plan:
    """The plan, which the report has now. Raises Refused where it must not be bought as it stands."""
    planned.take(report, plan)
    plan.refuse(limits)
    return plan


def _price(task: Task, plan: Plan, sources: Sources, report: Report) -> Plan:
    """The plan after every stage, entered in the report.

    Where a stage fails, the report has the steps as they were drafted: prices that were not held against every limit
    are no part of it.
    """
    drafted = plan
    try:
        for stage in making.stages(task, sources):
            plan = stage(plan)
    except BaseException:
        planned.take(report, replace(plan, steps=drafted.steps))
        raise
    return _enter(report, plan)


def not_begun(task: Task, mode: Mode, error: RunnerError | None) -> Report:
    """The report of a call that ended before its batch could begin."""
    report = planned.begin(task, mode, None)
    ending.finish(report, task.clock.now(), _note(task, report, error) if error else None)
    return report


def apply(task: Task, till: Till, ledger: Ledger, buyer: Buyer) -> Ended:
    """Buy what is missing. The report is whole and true at every moment, and always there at the end.

    Raises OSError where the report cannot be written before anything is bought.
    """
    report = planned.begin(task, "apply", buyer)
    if till.file is not None:
        till.file.write(report)
    try:
        with ledger.hold(task.holder, timeout=till.lock_timeout) as hold:  # step 1
            ended = _apply_held(task, till, ledger, hold, buyer, report)
    except (RunnerError, KeyboardInterrupt) as raised:
        ended = _cut_short(task, report, raised)
    except Exception as raised:  # noqa: BLE001 - our own bug must not hide what was bought
        error = RunnerError(f"a bug in order-runner stopped the run ({type(raised).__name__})", hint=_BUG_HINT)
        error.__cause__ = raised
        ended = _cut_short(task, report, error)
    finally:
        if till.file is not None:
            till.file.write_last(report)
    return ended


def _cut_short(task: Task, report: Report, raised: RunnerError | KeyboardInterrupt) -> Ended:
    error = _note(task, report, raised)
    ending.finish(report, task.clock.now(), error)
    return Ended(report=report, plan=Plan(), error=error)


def _note(task: Task, report: Report, raised: RunnerError | KeyboardInterrupt) -> RunnerError:
    """Put what stopped the run into the report; what it suggests is said to the ledger of this call."""
    if isinstance(raised, RunnerError):
        lead(raised, task.guard.flags)
    return ending.note(report, raised)


def _apply_held(task: Task, till: Till, ledger: Ledger, hold: Hold, buyer: Buyer, report: Report) -> Ended:
    hold.start_run(_run(task))
    hold.abandon_submitted(task.clock.now())
    plan, error = Plan(), None
    try:
        standing = standing_of(ledger, task.contents.orders, task.clock.now())
        plan = _enter(report, making.draft(task, ledger, standing))
        ending.note_open(report, ledger.open_records())
        is_known = _check_account(task, ledger, buyer)
        ending.refuse_open(report)
        sources = Sources.of(task, ledger, buyer, standing, hold=hold)
        plan = _price(task, plan, sources, report)
        if not is_known and (plan.to_buy or plan.balance is not None):
            _admit(task, ledger, hold, buyer)
        if wants := lookalikes.wants(plan, task.clock.now()):
            hold.note_wants(wants)
        plan = _permit(report, check_approval(plan, task, ledger, buyer), task.limits)
        if plan.to_buy or plan.to_rename:
            till.confirm(plan)
        if renames := making.renames(plan, task):  # names are given up for ever: not by a run that was refused
            hold.rename(renames)
        if plan.to_buy:
            try:
                _buy(task, till, hold, buyer, plan, sources, report)
            finally:
                planned.add_ways_out(report, sources.references)
    except (RunnerError, KeyboardInterrupt) as raised:
        error = _note(task, report, raised)
    ending.finish(report, task.clock.now(), error)
    with suppress(LedgerUnusable):  # the orders are on record; this row is only the run's own
        hold.finish_run(task.run_id, task.clock.now(), int(report.exit_code or ExitCode.OK))
    return Ended(report=report, plan=plan, error=error)


def _admit(task: Task, ledger: Ledger, hold: Hold, buyer: Buyer) -> None:
    """Have the ledger know the key as the account's own before anything is bought with it.

    Not before the vendor has answered to it: a key that was mistyped at its first use is nobody's.
    """
    new, who = task.consent.new_account, f"run {task.run_id}"
    with leading_there(task.guard.flags):
        admit(ledger, hold, buyer.identity, at=task.clock.now(), who=who, watch=task.watch, new=new)


def _buy(task: Task, till: Till, hold: Hold, buyer: Buyer, plan: Plan, sources: Sources, report: Report) -> None:
    flights = Flights()
    watch = in_turn(flights.watched_by(task.watch))
    desk = protocol.Desk(
        till=till,
        hold=hold,
        buyer=buyer,
        readings=sources.readings,
        report=report,
        clock=task.clock,
        watch=watch,
        purse=purse_for(plan, task.batches, task.limits, sources.standing),
        approval=task.consent.digest,
    )
    if till.file is not None:
        till.file.refresh(report)
    with till.stop.deferring(watch, flights.__len__):
        protocol.place_all(plan.to_buy, {entry.request.key: entry for entry in report.orders}, desk)
        with suppress(RunnerError):
            report.balance_after = buyer.balance()
    ending.note_unexplained(report)
    left = sum(entry.status == "planned" for entry in report.orders)
    if till.stop.requested and left:
        raise Cancelled(f"stopped by a signal with {_orders(left)} not started", hint="run again to buy the rest")
    if left and any(finding.problem.code == "PSR505" for finding in ending.findings(report)):
        raise Refused(
            f"stopped after a charge that was not as quoted, with {_orders(left)} not started",
            hint="run again to buy the rest",
        )


def _orders(number: int) -> str:
    return f"{number} order{'s' if number != 1 else ''}"


def _run(task: Task) -> Run:
    holder = task.holder
    return Run(
        id=holder.run_id,
        mode="apply",
        started_at=holder.since,
        host=holder.host,
        pid=holder.pid,
        ci_job=holder.ci_job,
    )
