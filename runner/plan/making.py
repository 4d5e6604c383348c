"""The stages of planning, each of which takes a plan and gives the next: from what is wanted to a plan with prices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from runner.core.ledger import Ledger
from runner.core.selection import Selection
from runner.limits import policy
from runner.limits.limits import Standing
from runner.plan.ids import add_ways_out, check_ids
from runner.plan.lookalikes import compare_with_vendor
from runner.plan.plan import Plan, Step, ask_prices, check_limits, compare_with_ledger
from runner.plan.sources import Sources
from runner.plan.task import Task

Stage = Callable[[Plan], Plan]


def draft(task: Task, ledger: Ledger, standing: Standing) -> Plan:
    """What is left to buy by manifests, ledger and policies, before the vendor is asked anything."""
    records = ledger.records(request.key for request in task.loaded.orders)
    # What an earlier run settled without a plain answer: few, and worth their evidence in every report.
    evidence = ledger.evidence(key for key, record in records.items() if record.reason is not None)
    steps = compare_with_ledger(
        task.loaded.orders, task.batches, records, today=standing.at.date(), limits=task.limits, standing=standing
    )
    selection = task.consent.selection
    return Plan(
        steps=tuple(_select(replace(s, evidence=evidence.get(s.request.key)), selection) for s in steps),
        objections=(policy.missing(),) if task.limits.lacks_policy else (),
    )


def _select(step: Step, selection: Selection) -> Step:
    """The step, or that it is none of this call's business; what may have been charged is everybody's."""
    reason = None if step.status == "unknown" else selection.left_out(step.request)
    return step if reason is None else replace(step, status="skipped", reason=reason, problem=None, vendor=None)


def stages(task: Task, sources: Sources) -> tuple[Stage, ...]:
    """What is asked of the vendor, in this order, and every limit held against it. Raise what a `Reader` raises."""
    references, limits, batches, standing = sources.references, task.limits, task.batches, sources.standing
    reader = sources.readings.reader
    return (
        lambda plan: check_ids(plan, references),
        lambda plan: ask_prices(plan, batches, reader, limits, task.watch, standing),
        lambda plan: add_ways_out(plan, references),
        lambda plan: compare_with_vendor(plan, task, sources),
        lambda plan: check_limits(plan, batches, limits, standing),
    )
