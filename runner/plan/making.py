"""From what is wanted to a plan with prices, and the same in the report: what a batch is before anything is bought."""

from __future__ import annotations

from dataclasses import dataclass, replace

from runner.core.ledger import Ledger
from runner.core.readings import Readings
from runner.core.records import Record
from runner.core.states import State
from runner.core.vendor import Reader
from runner.limits.limits import Standing
from runner.plan import lookalikes
from runner.plan.approval.consent import Consent
from runner.plan.ids import References, held_against_lists, with_ways_out
from runner.plan.plan import Plan, Step, draft, quoted, rechecked
from runner.plan.task import Job
from runner.report.report import Category, Finding, OrderEntry, Report, Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What is known on the way to a purchase, each asked once: of the ledger, and of the vendor."""

    ledger: Ledger
    readings: Readings
    references: References
    known: Standing


def means_of(job: Job, ledger: Ledger, reader: Reader, known: Standing) -> Means:
    """Nothing is asked of the vendor yet."""
    readings = Readings(reader, job.clock)
    return Means(ledger=ledger, readings=readings, references=References(reader=reader, watch=job.watch), known=known)


def drafted(job: Job, ledger: Ledger, known: Standing, report: Report) -> Plan:
    """What is left to buy by manifests, ledger and policies, before the vendor is asked anything."""
    records = ledger.records(request.key for request in job.loaded.orders)
    # What an earlier run settled without a plain answer: few, and worth their evidence in every report.
    evidence = ledger.evidence(key for key, record in records.items() if record.reason is not None)
    steps = draft(job.loaded, records, today=known.at.date(), limits=job.limits, known=known)
    plan = Plan(steps=tuple(_selected(step, job.consent) for step in steps))
    for entry, step in zip(report.orders, plan.steps, strict=True):
        told = _known(step.record) | {"evidence": evidence.get(entry.request.key)}
        entry.update(status=step.status, reason=step.reason, **told)
        _add_problem(entry, step)
    return plan


def _selected(step: Step, consent: Consent) -> Step:
    """The step, or that it is none of this call's business; what may have been charged is everybody's."""
    reason = None if step.status == "unknown" else consent.selection.left_out(step.request)
    return step if reason is None else replace(step, status="skipped", reason=reason, problem=None, vendor=None)


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


def priced(job: Job, draft_plan: Plan, means: Means, report: Report) -> Plan:
    """The plan with lists, prices, balance and the vendor's orders asked, and every limit held against it.

    Raises what a `Reader` raises.
    """
    held = held_against_lists(draft_plan, means.references)
    plan = quoted(held, job.loaded, means.readings.reader, job.limits, job.watch, means.known)
    plan = with_ways_out(plan, means.references)
    report.not_checked += tuple(f"ids of {product} orders" for product in means.references.unread)
    report.balance_before = plan.balance
    desk = lookalikes.Desk(
        guard=job.guard,
        ledger=means.ledger,
        readings=means.readings,
        references=means.references,
        report=report,
        clock=job.clock,
    )
    plan = rechecked(lookalikes.compared(plan, desk), job.loaded, job.limits, means.known)
    for entry, step in zip(report.orders, plan.steps, strict=True):
        if step.quote is not None or step.status != entry.status:
            entry.update(status=step.status, reason=step.reason, quote=step.quote)
            _add_problem(entry, step)
    report.errors.extend(Finding(problem=problem, category="refused") for problem in plan.objections)
    return plan


def show_ways_out(report: Report, references: References) -> None:
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
    known = {finding.problem for finding in entry.errors}
    if step.warning is not None and step.warning not in known:
        entry.update(errors=(*entry.errors, Finding(problem=step.warning, category="warning")))
    if step.problem is not None and step.problem not in known:
        category: Category = "warning" if step.problem.severity == "warning" else "refused"
        found = Finding(problem=step.problem, category=category, vendor=step.vendor)
        entry.update(errors=(*entry.errors, found))
