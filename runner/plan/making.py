"""The stages of planning, each of which takes a plan and gives the next: from what is wanted to a plan with prices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from runner.core.ledger import Ledger
from runner.core.records import Rename
from runner.core.selection import Selection
from runner.limits import policy
from runner.limits.limits import Standing
from runner.plan.again import note_raised
from runner.plan.due import add_renewals, warn_of_past, with_terms
from runner.plan.former_keys import find_renamed_batches, note_unknown_keys, recall
from runner.plan.ids import add_ways_out, check_ids
from runner.plan.lookalikes import compare_with_vendor
from runner.plan.plan import Plan, Step, ask_prices, check_limits, compare_with_ledger
from runner.plan.sources import Sources
from runner.plan.task import Task

Stage = Callable[[Plan], Plan]


def draft(task: Task, ledger: Ledger, standing: Standing) -> Plan:
    """What is left to buy by manifests, ledger and policies, before the vendor is asked anything."""
    requests, batches, selection = task.contents.orders, task.batches, task.consent.selection
    memory = recall(ledger, requests, task.guard.flags)
    # What an earlier run settled without a plain answer: few, and worth their evidence in every report.
    records = (memory.records.get(request.key) for request in requests)
    evidence = ledger.evidence(record.key for record in records if record and record.reason is not None)
    compared = compare_with_ledger(
        requests,
        batches,
        memory,
        today=standing.at.date(),
        limits=task.limits,
        standing=standing,
        strict=task.guard.strict,
    )
    selected = (_select(replace(s, evidence=evidence.get(s.request.key)), selection) for s in compared)
    steps = with_terms((warn_of_past(step, standing.at.date()) for step in selected), task, ledger)
    renamed = tuple(find_renamed_batches(steps, batches.values(), standing))
    missing = (policy.missing(),) if task.limits.lacks_policy else ()
    notes = (*note_unknown_keys(requests, task.contents.batches, memory), *note_raised(steps, ledger))
    if (task.limits.strict or task.guard.strict) and not task.limits.allow_copies:
        return Plan(steps=steps, notices=notes, objections=(*missing, *renamed))
    told = (replace(problem, severity="warning") for problem in renamed)
    return Plan(steps=steps, notices=(*notes, *told), objections=missing)


def renames(plan: Plan, task: Task) -> list[Rename]:
    """What the ledger has to move before it says what the plan does; it costs nothing."""
    at = task.clock.now()
    return [
        Rename(before=step.renamed_from, after=step.request.key, run_id=task.run_id, at=at)
        for step in plan.to_rename
        if step.renamed_from is not None
    ]


def _select(step: Step, selection: Selection) -> Step:
    """The step, or that it is none of this call's business; what may have been charged is everybody's."""
    reason = None if step.status == "unknown" else selection.left_out(step.request)
    if reason is None:
        return step
    return replace(step, status="skipped", reason=reason, problem=None, vendor=None, renamed_from=None)


def stages(task: Task, sources: Sources) -> tuple[Stage, ...]:
    """What is asked of the vendor, in this order, and every limit held against it. Raise what a `Reader` raises."""
    references, limits, batches, standing = sources.references, task.limits, task.batches, sources.standing
    return (
        lambda plan: add_renewals(plan, task, sources),
        lambda plan: check_ids(plan, references),
        lambda plan: ask_prices(plan, batches, sources.readings, limits, task.watch, standing),
        lambda plan: add_ways_out(plan, references),
        lambda plan: compare_with_vendor(plan, task, sources),
        lambda plan: check_limits(plan, batches, limits, standing),
    )
