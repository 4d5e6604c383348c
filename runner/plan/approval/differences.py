"""What has moved since something was approved: the plan as it is made now, held against a digest or a document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from runner.core.clock import rfc3339
from runner.core.errors import Problem
from runner.core.orders import OrderKey, decimal_text
from runner.core.records import Allowed
from runner.core.states import State
from runner.manifest import Batch
from runner.plan.approval.terms import LIMITS, Approval, ApprovedOrder, PlanDocument, Terms, limits_of_batch
from runner.plan.plan import Plan, Step, changes_of, in_words

Kind = Literal["manifest", "lockfile", "price", "ledger", "account", "age", "plan", "term"]
"""Where a difference comes from: the word its message begins with."""

CLOCKS_APART: Final = timedelta(minutes=5)
"""So far two machines may disagree about the time before a plan counts as made in the future."""

_AGAIN: Final = "make the plan again and have it approved again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """The plan as it is made now, to be held against an approval.

    `allowed` has what the last claims of orders that are bought were allowed. `manifests` and `lockfile` are the
    digests of what was read.
    """

    terms: Terms
    plan: Plan
    at: datetime
    manifests: Mapping[str, str]
    lockfile: str | None = None
    allowances: Mapping[OrderKey, Allowed] = field(default_factory=dict)


def with_bought(now: Now, approval: Approval, batches: Mapping[str, Batch]) -> Terms:
    """The terms of now with what was bought under this approval before: what is left after a partial run is covered."""
    bought = {
        step.request.key: ApprovedOrder(type=step.request.type, fields=step.request.fields, ceiling=claim.ceiling)
        for step in now.plan.steps
        if step.status == "already_placed"
        and (claim := now.allowances.get(step.request.key)) is not None
        and claim.approval == approval.digest
    }
    limits = {key.batch: limits_of_batch(batches[key.batch]) for key in bought if key.batch in batches}
    return replace(
        now.terms,
        lines={**now.terms.lines, **{str(key): line for key, line in bought.items()}},
        limits={**now.terms.limits, **limits},
    )


def differences(approval: Approval, now: Now, batches: Mapping[str, Batch]) -> tuple[Problem, ...]:
    """Everything that speaks against buying under this approval; empty where it covers all there is to buy."""
    document = approval.document
    if document is not None:
        return tuple(_differences(approval, document, now))
    terms = with_bought(now, approval, batches)
    if terms.digest == approval.digest:
        return ()
    count = len(terms.lines)
    message = (
        f"this is not what was approved: the digest of {count} order{'' if count == 1 else 's'} for at most "
        f"{decimal_text(terms.most)} on account {terms.account} is {terms.digest}"
    )
    hint = f"a digest alone cannot show what changed; `plan --out FILE` and `apply FILE` can; {_AGAIN}"
    return (Problem(code="PSR440", message=message, hint=hint),)


def _differences(approval: Approval, document: PlanDocument, now: Now) -> Iterator[Problem]:
    if document.digest != document.terms.digest:
        yield _difference("plan", "the document was edited after it was written: its digest does not match its content")
    if approval.digest != document.digest:
        yield _difference("plan", f"{approval.digest} was approved, but the document has {document.digest}")
    yield from _age(document, now.at, approval.max_age)
    yield from _elsewhere(document.terms, now.terms)
    yield from _other_limits(document.terms, now.terms)
    yield from _other_renames(document.terms, now.plan)
    wanted = {str(step.request.key): step for step in now.plan.steps}
    ends = {str(step.request.key.purchase): step.request.key.term for step in now.plan.to_buy if step.request.key.term}
    moved = {OrderKey.parse(key) for key in document.terms.lines if key not in wanted}
    for key, step in wanted.items():
        if not (step.request.key.term and any(other.purchase == step.request.key.purchase for other in moved)):
            yield from _other_order(approval, document, now, key, step)
    for other in sorted(moved):
        if other.term and (order := wanted.get(str(other.purchase))) is not None:
            yield _other_term(other, order, ends.get(str(other.purchase)))
        else:
            yield _difference("manifest", f"{other} was removed")


def _other_term(key: OrderKey, order: Step, end: str | None) -> Problem:
    """What became of a renewal that was approved, and is none of those of today."""
    bought = next((term for term in order.terms if term.key == key and term.state is State.PLACED), None)
    if bought is not None:
        return _difference("ledger", f"{key} has since been bought, but not under this approval", order, field="renew")
    if order.request.renew is None:
        return _difference("manifest", f"`renew` of {key.purchase} was removed, and {key} with it", order)
    now = f"it ends on {end} now" if end else "it is not due to be renewed now"
    text = f"{key.purchase} was to be renewed when it ends on {key.term}, but {now}"
    return _difference("term", text, order, field="renew")


def _age(document: PlanDocument, at: datetime, most: timedelta) -> Iterator[Problem]:
    age = at - document.made_at
    made = f"the plan was made at {rfc3339(document.made_at)}"
    if age > most:
        message, hint = f"age: {made}, more than {_duration(most)} ago", f"{_AGAIN}, or allow more with --max-age"
        yield Problem(code="PSR441", message=message, hint=hint)
    elif age < -CLOCKS_APART:
        message = f"age: {made}, but it is only {rfc3339(at)} here"
        yield Problem(code="PSR441", message=message, hint="correct the clock of the machine that is wrong")


def _elsewhere(before: Terms, now: Terms) -> Iterator[Problem]:
    if before.account != now.account:
        yield _difference("account", f"the plan is for account {before.account}, not {now.account}")
    for name, was, here in (
        ("address", before.base_url, now.base_url),
        ("version", before.api_version, now.api_version),
    ):
        if was != here:
            yield _difference("account", f"the {name} of the API was {was} and is now {here}")


def _other_limits(before: Terms, now: Terms) -> Iterator[Problem]:
    for batch in sorted(before.limits.keys() & now.limits.keys()):
        for name in LIMITS:
            was, here = before.limits[batch].get(name), now.limits[batch].get(name)
            if was != here:
                label = name if name == "buy_by" else f"budget.{name}"
                yield _difference(
                    "manifest", f"{label} of batch {batch} was {was or 'not set'} and is now {here or 'not set'}"
                )


def _other_renames(before: Terms, plan: Plan) -> Iterator[Problem]:
    for step in plan.steps:
        moves = step.renamed_from is not None and step.status == "already_placed"
        if moves and before.renames.get(str(step.request.key)) != str(step.renamed_from):
            text = f"{step.request.key} would take over what was bought as {step.renamed_from}, which was not approved"
            yield _difference("manifest", text, step, field="renamed_from")


def _other_order(approval: Approval, document: PlanDocument, now: Now, key: str, step: Step) -> Iterator[Problem]:
    line = document.terms.lines.get(key)
    if line is None:
        if step.to_buy:
            yield _unapproved_order(document, key, step)
        return
    changes = changes_of(line, step.request)
    if changes:
        kind = _cause(document, now, step.request.source.path)
        yield _difference(kind, f"{key} was changed: {in_words(changes)}", step, field=changes[0][0])
    elif step.status == "skipped":
        yield _difference("manifest", f"{key} is no longer included: {step.reason}", step)
    elif step.to_buy and step.quote is not None and step.quote.total > line.ceiling:
        was = document.prices.get(key)
        before = f", was {decimal_text(was)}" if was is not None else ""
        price, ceiling = decimal_text(step.quote.total), decimal_text(line.ceiling)
        yield _difference("price", f"{key} costs {price} now{before}, above its approved ceiling {ceiling}", step)
    elif step.status == "already_placed" and not _bought_under(approval, now, step):
        yield _difference("ledger", f"{key} has since been {step.reason}, but not under this approval", step)


def _unapproved_order(document: PlanDocument, key: str, step: Step) -> Problem:
    status, reason = document.standing.get(key, (None, None))
    if status is None and step.request.renews is not None:
        text = f"{step.request.key.purchase} is to be renewed now, which was not so when this was approved"
        return _difference("term", text, step)
    if status is None:
        return _difference("manifest", f"{key} was added", step)
    if status == "already_placed":
        return _difference(
            "ledger", f"{key} was {reason} when this was approved, but this ledger does not know it", step
        )
    kind: Kind = "manifest" if status == "skipped" else "ledger" if status == "unknown" else "price"
    return _difference(kind, f"{key} was not among the orders to buy when this was approved ({status}: {reason})", step)


def _bought_under(approval: Approval, now: Now, step: Step) -> bool:
    claim = now.allowances.get(step.request.key)
    return claim is not None and claim.approval == approval.digest


def _cause(document: PlanDocument, now: Now, path: str) -> Kind:
    """Whether a changed order comes of the lockfile: its own file is the same, and the lockfile is not."""
    same = path in now.manifests and now.manifests[path] in document.manifests.values()
    return "lockfile" if same and document.lockfile != now.lockfile else "manifest"


def _difference(kind: Kind, text: str, step: Step | None = None, *, field: str | None = None) -> Problem:
    message = f"{kind}: {text}"
    if step is None:
        return Problem(code="PSR440", message=message, hint=_AGAIN)
    return step.request.problem("PSR440", message, hint=_AGAIN, field=field)


def _duration(span: timedelta) -> str:
    """`24h`, `90s`: the largest unit that needs no fraction."""
    seconds = int(span.total_seconds())
    for unit, size in (("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
