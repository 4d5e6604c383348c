"""A call's consent: what it is about, what it may buy, and the check of both against the plan as it is now."""

from __future__ import annotations

from dataclasses import dataclass

from runner.core.clock import Clock
from runner.core.errors import Problem, Refused
from runner.core.ledger import Ledger
from runner.limits.limits import strictest
from runner.manifest import Loaded
from runner.manifest.selection import EVERYTHING, Selection
from runner.plan.approval.differences import Now, moved
from runner.plan.approval.terms import Approval, Terms, bounded, limits_of, lines_of
from runner.plan.plan import Plan
from runner.report.report import Finding, Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """`account` is its name in the ledger; `api` stands for an address that changes with every run (the sandbox's).

    `nothing` means that nothing is expected to be left to buy.
    """

    account: str
    api: str | None = None
    selection: Selection = EVERYTHING
    approval: Approval | None = None
    nothing: bool = False

    @property
    def digest(self) -> str | None:
        """What purchases are made under."""
        return self.approval.digest if self.approval else None


def terms_of(consent: Consent, plan: Plan, loaded: Loaded, report: Report) -> Terms | None:
    """What the digest of this plan covers; None while an order has no price."""
    lines = lines_of(plan)
    if lines is None:
        return None
    return Terms(
        account=consent.account,
        base_url=consent.api or report.inputs.base_url,
        api_version=report.inputs.api_version,
        limits=limits_of(plan, strictest(loaded.batches)),
        lines=lines,
    )


def approved(consent: Consent, plan: Plan, loaded: Loaded, ledger: Ledger, report: Report, clock: Clock) -> Plan:
    """The plan within what was approved, if anything was. Raises Refused, and reports each difference."""
    approval = consent.approval
    if approval is None:
        return plan
    terms = terms_of(consent, plan, loaded, report)
    if terms is None:
        raise Refused("an order has no price, so that nothing can be held against the approval", hint="run again")
    now = Now(
        terms=terms,
        plan=plan,
        at=clock.now(),
        manifests={file.path: file.sha256 for file in loaded.files},
        lockfile=report.inputs.lockfile[1] if report.inputs.lockfile else None,
        allowed=ledger.allowed(step.request.key for step in plan.steps if step.status == "already_placed"),
    )
    found = moved(approval, now, strictest(loaded.batches))
    if found:
        report.errors.extend(Finding(problem=problem, category="refused") for problem in found)
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise Refused(f"{found[0].message}{more}; nothing was bought", hint=found[0].hint)
    return bounded(plan, approval)


def expect_nothing(consent: Consent, plan: Plan, report: Report) -> None:
    """Raises Refused where there is something to buy and nothing was expected; reports each order."""
    if not (consent.nothing and plan.to_buy):
        return
    hint = "buy them with `order-runner apply`, or take them out of the manifests"
    for step in plan.to_buy:
        source, key = step.request.source, str(step.request.key)
        problem = Problem(
            code="PSR442",
            message=f"{key} is not bought, and nothing was expected to be left",
            hint=hint,
            path=source.path,
            span=source.span,
            key=key,
        )
        report.errors.append(Finding(problem=problem, category="refused"))
    count = len(plan.to_buy)
    raise Refused(f"{count} order{'' if count == 1 else 's'} would be bought, and nothing was expected", hint=hint)
