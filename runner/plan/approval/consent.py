"""A call's consent held against the plan as it is now: what was approved, and what was expected."""

from __future__ import annotations

from collections.abc import Mapping

from runner.core.errors import Refused
from runner.core.ledger import Ledger
from runner.core.vendor import Encoder
from runner.manifest import Batch
from runner.plan.approval.differences import Now, differences
from runner.plan.approval.terms import Terms, bound, limits_of, lines_of, renames_of
from runner.plan.plan import Plan
from runner.plan.task import Consent, Task


def terms_of(plan: Plan, consent: Consent, batches: Mapping[str, Batch], vendor: Encoder) -> Terms | None:
    """What the digest of this plan covers; None while an order has no price."""
    lines = lines_of(plan)
    if lines is None:
        return None
    return Terms(
        account=consent.account,
        base_url=consent.api or vendor.base_url,
        api_version=vendor.api_version,
        limits=limits_of(plan, batches),
        lines=lines,
        renames=renames_of(plan),
    )


def check_approval(plan: Plan, task: Task, ledger: Ledger, vendor: Encoder) -> Plan:
    """The plan within what was approved, if anything was; refused, with an objection a difference, where it is not."""
    approval = task.consent.approval
    if approval is None:
        return plan
    terms = terms_of(plan, task.consent, task.batches, vendor)
    if terms is None:
        reason = "an order has no price, so the plan cannot be compared with the approval"
        return plan.with_refusal(Refused(reason, hint="run again"))
    now = Now(
        terms=terms,
        plan=plan,
        at=task.clock.now(),
        manifests=task.manifests,
        lockfile=task.lockfile[1] if task.lockfile else None,
        allowances=ledger.allowances(step.request.key for step in plan.steps if step.status == "already_placed"),
    )
    objections = differences(approval, now, task.batches)
    if not objections:
        return bound(plan, approval)
    first, more = objections[0], f" (and {len(objections) - 1} more)" if len(objections) > 1 else ""
    return plan.with_refusal(Refused(f"{first.message}{more}; nothing was bought", hint=first.hint), objections)


def expect_nothing(plan: Plan, consent: Consent) -> Plan:
    """The plan; refused, with an objection an order, where something is to be bought and nothing was expected."""
    if not (consent.nothing and plan.to_buy):
        return plan
    hint = "buy them with `order-runner apply`, or remove them from the manifests"
    objections = [
        step.request.problem(
            "PSR442", f"{step.request.key} is not bought, though nothing was expected to be left", hint=hint
        )
        for step in plan.to_buy
    ]
    orders = f"{len(objections)} order{'' if len(objections) == 1 else 's'}"
    return plan.with_refusal(Refused(f"{orders} would be bought, though none was expected", hint=hint), objections)
