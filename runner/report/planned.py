"""A plan as a report has it: entries before anything is bought, and what the vendor offers beside a refusal."""

from __future__ import annotations

from dataclasses import replace

from runner.core.errors import Problem
from runner.core.records import Record
from runner.core.states import State
from runner.core.vendor import Encoder, Placed
from runner.plan.ids import References
from runner.plan.plan import Plan, Step
from runner.plan.task import Task
from runner.report.ending import finding_of
from runner.report.report import Category, Finding, Mode, OrderEntry, Report


def begin(task: Task, mode: Mode, encoder: Encoder | None) -> Report:
    """A report of this call in which nothing has happened yet."""
    entries = [
        OrderEntry(request=request, status="planned", body=encoder.preview(request) if encoder else None)
        for request in task.contents.orders
    ]
    return Report(
        encoder=encoder,
        run_id=task.run_id,
        mode=mode,
        started_at=task.clock.now(),
        inputs=task.inputs(encoder),
        by=task.holder.by,
        orders=entries,
        errors=[finding_of(problem) for problem in task.contents.problems],
    )


def _new_entry(step: Step, encoder: Encoder | None) -> OrderEntry:
    """Of a renewal, with what would be sent for the rows that the plan was made with."""
    body = encoder.preview(step.request) if encoder and step.request.term is not None else None
    return OrderEntry(request=step.request, status=step.status, body=body)


def take(report: Report, plan: Plan) -> None:
    """Enter a plan: what becomes of each order, what concerns the batch. A later plan of the same call adds to it."""
    entries = {entry.request.key: entry for entry in report.orders}
    for step in plan.steps:
        entry = entries.get(step.request.key) or _new_entry(step, report.encoder)
        entries[step.request.key] = entry
        _enter(entry, step)
    # A renewal is found while the plan is made: its entry follows that of its order.
    report.orders = [entries.pop(step.request.key) for step in plan.steps] + [*entries.values()]
    if plan.balance is not None:
        report.balance_before = plan.balance
    report.not_checked = tuple(dict.fromkeys((*report.not_checked, *plan.unchecked)))
    entered = {finding.problem for finding in report.errors}
    report.errors.extend(_finding(problem) for problem in plan.findings if problem not in entered)


def add_ways_out(report: Report, references: References) -> None:
    """The nearest legal values beside what the vendor refused, from lists that were read before."""
    for entry in report.orders:
        errors = tuple(_with_way_out(finding, entry, references) for finding in entry.errors)
        if errors != entry.errors:
            entry.update(errors=errors)


def _with_way_out(finding: Finding, entry: OrderEntry, references: References) -> Finding:
    hint = references.way_out(entry.request, finding.vendor.field) if finding.vendor else None
    return replace(finding, problem=replace(finding.problem, hint=hint)) if hint else finding


def _enter(entry: OrderEntry, step: Step) -> None:
    entry.update(
        status=step.status,
        reason=step.reason,
        quote=step.quote,
        evidence=step.evidence,
        renamed_from=step.renamed_from,
        **_of(step.record),
    )
    entered = {finding.problem for finding in entry.errors}
    problems = (problem for problem in (step.warning, step.problem) if problem is not None and problem not in entered)
    errors = tuple(_finding(problem, step) for problem in problems)
    if errors:
        entry.update(errors=(*entry.errors, *errors))


def _finding(problem: Problem, step: Step | None = None) -> Finding:
    category: Category = "warning" if problem.severity == "warning" else "refused"
    vendor = step.vendor if step is not None and problem is step.problem else None
    return Finding(problem=problem, category=category, vendor=vendor)


def _of(record: Record | None) -> dict[str, object]:
    """What the ledger adds to an entry."""
    if record is None:
        return {}
    if record.state is not State.PLACED or record.order_id is None:
        return {"possible": record.quote_total}
    result = Placed(
        order_id=record.order_id,
        base_order_numbers=record.base_order_numbers,
        total=record.total,
        balance=record.balance,
    )
    return {"result": result}
