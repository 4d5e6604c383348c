"""Which bought orders are to be renewed: what the ledger knows of their terms, and what the vendor shows of them now.

A renewal is a step of its own beside its order's, with the key of the term that it buys, and goes through the same
prices, limits and approval. Its end comes from a list, whose dates have no zone and may lag: an end near one whose term
is bought, or may be, is that one, and an end that should be later is a question (docs/explanation/life-of-an-order.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from runner.core.errors import Problem, VendorUnavailable
from runner.core.leading import with_flags
from runner.core.ledger import Ledger
from runner.core.orders import ENDS, RENEWS, OrderKey, OrderRequest, ProductType
from runner.core.periods import length_of
from runner.core.records import Record
from runner.core.renewals import LAG, RenewalRule, Term, new_end, same_term
from runner.core.states import CLAIMABLE, OPEN, State
from runner.evidence.match import UNCOUNTED
from runner.limits.limits import against
from runner.limits.policy import Objection, object_to_renewals
from runner.plan.plan import Plan, Step
from runner.plan.sources import Sources
from runner.plan.task import Task

IMPOSSIBLE: Final = "PSR460"
UNCLEAR: Final = "PSR461"
REPEATED: Final = "PSR462"

_ANEW: Final = (
    "an order that has ended is bought anew, with other addresses: raise its `generation` if that is wanted, or "
    "remove `renew`"
)
_LOOK: Final = (
    "compare its dates in the vendor's dashboard with `order-runner status`; to go on without, remove `renew`"
)

Terms = Mapping[str, Term]
"""What the vendor's lists show, by its ids of the orders."""


def with_terms(steps: Iterable[Step], task: Task, ledger: Ledger) -> tuple[Step, ...]:
    """The steps of bought orders with the renewals that the ledger knows of, each in doubt as a step of its own.

    So are those that were bought under this call's approval, which covers them still.
    """
    steps = tuple(steps)
    keys = {key for step in steps if _has_limits(step, task) for key in _names(step.request)}
    renewals = ledger.renewals(keys) if keys else {}
    if not renewals:
        return steps
    approval = task.consent.digest
    placed = (one.key for own in renewals.values() for one in own if one.state is State.PLACED)
    allowances = ledger.allowances(placed) if approval else {}
    approved = {key for key, allowed in allowances.items() if allowed.approval == approval}
    return tuple(one for step in steps for one in _with_terms(step, renewals, approved))


def warn_of_past(step: Step, today: date) -> Step:
    """The step of an order to buy, with a warning where it would never be renewed though it says so."""
    rule = step.request.renew
    if rule is None or rule.until > today or not step.to_buy or step.warning is not None:
        return step
    message = f"it would be bought and never renewed: `renew.until`, {rule.until}, is over"
    hint = "correct the day, or remove `renew`"
    return step.with_warning(Objection(code=IMPOSSIBLE, message=message, hint=hint, field="renew"))


def _has_limits(step: Step, task: Task) -> bool:
    """Whether it matters what an order's renewals have cost, or whether there are any."""
    batch = task.batches.get(step.request.key.batch)
    limited = batch is not None and batch.budget is not None and batch.budget.max_total is not None
    is_bought = step.record is not None and step.record.state is State.PLACED
    return is_bought and (limited or step.request.renew is not None or task.consent.approval is not None)


def _names(request: OrderRequest) -> Iterator[OrderKey]:
    yield request.key
    if request.renamed_from is not None:
        yield request.renamed_from


def _with_terms(step: Step, renewals: Mapping[OrderKey, tuple[Record, ...]], approved: set[OrderKey]) -> Iterator[Step]:
    order_id = step.record.order_id if step.record else None
    known = {one.key: one for key in _names(step.request) for one in renewals.get(key, ()) if one.renews == order_id}
    terms = tuple(sorted(known.values(), key=_end_before))
    yield replace(step, terms=terms)
    for record in terms:
        request = _request(step.request, record.key, record.fields)
        if record.state in OPEN:
            reason = record.reason or "an earlier attempt may have been charged"
            yield Step(request=request, status="unknown", reason=reason, record=record)
        elif record.key in approved:
            yield Step(request=request, status="already_placed", reason=_as_renewed(record), record=record)


def add_renewals(plan: Plan, task: Task, sources: Sources) -> Plan:
    """The plan with a step for each order that is due to be renewed, after its own; nothing is read where none can be.

    Raises `AccessError`; and `VendorUnavailable` where something is to be bought or the account is strict.
    """
    today = sources.standing.at.date()
    candidates = [step for step in plan.steps if _may_be_due(step, today)]
    if not candidates:
        return plan
    terms, notices = _read(candidates, task, sources)
    chosen = {step.request.key for step in candidates if step.request.type in terms}
    there = {step.request.key for step in plan.steps}
    renewed: dict[str, OrderKey] = {}
    steps: list[Step] = []
    for step in plan.steps:
        steps.append(step)
        if step.request.key in chosen and step.record and step.record.order_id:
            term = terms[step.request.type].get(step.record.order_id)
            renewal = _renewal(step, step.record.order_id, term, today, task)
            if renewal is not None and renewal.request.key not in there:
                steps.append(_once(renewal, renewed))
    return replace(plan, steps=tuple(steps), notices=(*plan.notices, *notices))


def _may_be_due(step: Step, today: date) -> bool:
    """Whether an order could be renewed now, as far as manifest and ledger tell."""
    rule = step.request.renew
    return (
        rule is not None
        and rule.until > today
        and step.request.enabled
        and step.status == "already_placed"
        and step.record is not None
        and not any(record.state in OPEN for record in step.terms)
    )


def _read(candidates: Iterable[Step], task: Task, sources: Sources) -> tuple[dict[ProductType, Terms], list[Problem]]:
    """One look at the lists of each type, and a notice for each that could not be had."""
    order_ids: dict[ProductType, list[str]] = {}
    for step in candidates:
        if step.record is not None and step.record.order_id is not None:
            order_ids.setdefault(step.request.type, []).append(step.record.order_id)
    terms: dict[ProductType, Terms] = {}
    notices: list[Problem] = []
    for product, wanted in order_ids.items():
        try:
            terms[product] = sources.readings.terms(product, wanted)
        except VendorUnavailable as error:
            if sources.buying or task.guard.strict:
                raise
            message = f"it is not known which {product} orders are to be renewed: {error}"
            hint = "run again; `apply` buys nothing without that list"
            notices.append(Problem(code="PSR463", severity="warning", message=message, hint=hint))
    return terms, notices


def _renewal(step: Step, order_id: str, term: Term | None, today: date, task: Task) -> Step | None:
    """The step that renews an order, or that says why it is not renewed; None while it is not due."""
    rule = step.request.renew
    if rule is None:
        return None
    end = term.end if term else None
    if term is None or end is None:
        return _unseen_end(step, order_id, term, rule, today)
    if end >= rule.until or today < end - timedelta(days=rule.within):
        return None
    request = _request_for(step.request, rule, order_id, term, end)
    record = next((one for one in step.terms if one.key == request.key), None)
    renewal = Step(request=request, status="planned", record=record, evidence=None)
    bought = [one for one in step.terms if one.state is State.PLACED]
    twin = next((one for one in step.terms if one.state not in CLAIMABLE and _is_same(one, end)), None)
    if twin is not None:
        return _as_bought(renewal, twin, end)
    return _refuse(renewal, step, term, end, bought, today, task) or renewal


def _refuse(
    renewal: Step, step: Step, term: Term, end: date, bought: Iterable[Record], today: date, task: Task
) -> Step | None:
    """The step as it is refused, if anything speaks against it."""
    expected = max((_end_after(record) for record in bought), default=None)
    first = next(_questions(step, term, end, expected, task.guard.flags), None) or _obstacle(term, end, today)
    if first is not None:
        code, message, hint = first
        return renewal.with_refusal(code, message, hint=hint)
    return _against_rules(renewal, step, task)


def _questions(step: Step, term: Term, end: date, expected: date | None, flags: str) -> Iterator[tuple[str, str, str]]:
    """What the vendor's dates and rows leave open, each with its code and a way out; `expected` is the end there should
    be by the last renewal."""
    order = f"order {term.order_id}"
    if expected is not None and end < expected - LAG:
        message = f"{order} ends on {end} by the vendor's list, but it was renewed until {expected}"
        yield UNCLEAR, message, _LOOK
    for one in step.terms:
        if one.stray_order_id and _is_same(one, end):
            message = f"{one.key} was answered with order {one.stray_order_id}, and that is not settled"
            yield UNCLEAR, message, with_flags("`order-runner status` has the command that settles it", flags)
    if term.endless or term.ends[-1][0] - end > LAG:
        yield UNCLEAR, f"the proxies of {order} do not end together: {_ends(term)}", _LOOK
    quantity = step.request.fields.get("quantity")
    if step.request.type not in UNCOUNTED and isinstance(quantity, int) and term.rows > quantity:
        message = f"the vendor's list has {term.rows} proxies of {order}, of which {quantity} were bought"
        yield UNCLEAR, message, _LOOK


def _obstacle(term: Term, end: date, today: date) -> tuple[str, str, str] | None:
    """Why the vendor would not renew an order, or would do so twice."""
    order = f"order {term.order_id}"
    if end < today:
        return IMPOSSIBLE, f"{order} ended on {end}: it cannot be renewed any more", _ANEW
    if term.auto_renewed:
        hint = "turn it off in the dashboard, or remove `renew`: else one term is paid twice"
        return IMPOSSIBLE, f"the vendor renews {order} by itself: its own auto-renewal is on", hint
    return None


def _against_rules(renewal: Step, step: Step, task: Task) -> Step | None:
    """The step refused for what the manifest or a policy says; the order's own content counts, with the new period."""
    rule, period = step.request.renew, str(renewal.request.fields["periodId"])
    length = length_of(period)
    if length is None:
        message = f"for how long `{period}` runs is not known"
        return renewal.with_refusal(IMPOSSIBLE, message, hint="write a period such as `periodId: 1m`")
    if rule is not None and timedelta(days=rule.within) >= length:
        message = f"its window, {rule.within}d, must be shorter than its period, {period}"
        return renewal.with_refusal(IMPOSSIBLE, message, hint="write a shorter `within`, or a longer period")
    policies = task.limits.policies
    content = replace(step.request, fields={**step.request.fields, "periodId": period})
    objection = object_to_renewals(policies) or against(policies, content)
    return renewal.with_objection(objection) if objection else None


def _unseen_end(step: Step, order_id: str, term: Term | None, rule: RenewalRule, today: date) -> Step | None:
    """What is said of an order whose end the lists do not tell, once it may be due by what the ledger knows."""
    end = _end_by_ledger(step)
    if end is None or today < end - timedelta(days=rule.within) or end >= rule.until:
        return None
    request = _request(step.request, step.request.key.renewal(end), _fields(step.request, rule, order_id, end))
    twin = next((one for one in step.terms if one.state is State.PLACED and _is_same(one, end)), None)
    renewal = Step(request=request, status="planned")
    if twin is not None:
        return _as_bought(renewal, twin, end)
    if term is not None:
        message = f"the vendor's list has no end date for any proxy of order {order_id}"
        return renewal.with_refusal(UNCLEAR, message, hint=_LOOK)
    message = f"the vendor shows no proxy of order {order_id}, which should end about {end}"
    return renewal.with_refusal(IMPOSSIBLE, message, hint=f"it has ended, or is not delivered yet; {_ANEW}")


def _end_by_ledger(step: Step) -> date | None:
    """The day on which an order ends at the earliest, by its last term; None where its period tells nothing."""
    bought = [_end_after(record) for record in step.terms if record.state is State.PLACED]
    if bought:
        return max(bought)
    length = length_of(step.request.fields.get("periodId"))
    return (step.record.updated_at + length).date() if step.record and length else None


def _once(renewal: Step, renewed: dict[str, OrderKey]) -> Step:
    """The step, refused where another order of the call renews the same one at the vendor."""
    order_id = str(renewal.request.renews)
    other = renewed.setdefault(order_id, renewal.request.key)
    if other == renewal.request.key or not renewal.to_buy:
        return renewal
    message = f"order {order_id} is renewed by {other.purchase} already"
    return renewal.with_refusal(UNCLEAR, message, hint="remove `renew` from one of the two")


def _as_bought(renewal: Step, twin: Record, end: date) -> Step:
    """The step of a term that is bought, though the list still shows the end before it."""
    message = f"the vendor's list still ends order {renewal.request.renews} on {end}: {_as_renewed(twin)}"
    hint = "nothing is bought; if the new end does not show in a day, ask the vendor"
    problem = replace(
        renewal.request.problem(REPEATED, message, hint=hint, field="renew"),
        severity="warning",
    )
    return replace(
        renewal,
        request=_request(renewal.request, twin.key, twin.fields),
        status="already_placed",
        reason=_as_renewed(twin),
        record=twin,
        warning=problem,
    )


def _as_renewed(record: Record) -> str:
    return f"renewed from {_end_before(record)} to {_end_after(record)}"


def _request_for(order: OrderRequest, rule: RenewalRule, order_id: str, term: Term, end: date) -> OrderRequest:
    request = _request(order, order.key.renewal(end), _fields(order, rule, order_id, end))
    return replace(request, max_total=order.max_total if rule.max_total is None else rule.max_total, term=term)


def _fields(order: OrderRequest, rule: RenewalRule, order_id: str, end: date) -> dict[str, str | int]:
    return {
        RENEWS: order_id,
        ENDS: end.isoformat(),
        "periodId": rule.period_id or "",
        "paymentId": order.fields["paymentId"],
    }


def _request(order: OrderRequest, key: OrderKey, fields: Mapping[str, str | int]) -> OrderRequest:
    """The renewal of an order as a request of its own; it has the order's labels and place."""
    return replace(order, key=key, fields=fields, words={}, renamed_from=None, copies_meant=False, renew=None)


def _is_same(record: Record, end: date) -> bool:
    return same_term(end, _end_before(record), record.fields["periodId"])


def _end_before(record: Record) -> date:
    return date.fromisoformat(str(record.fields[ENDS]))


def _end_after(record: Record) -> date:
    return new_end(_end_before(record), record.fields["periodId"])


def _ends(term: Term) -> str:
    """`2 on 2026-12-29, 3 on 2027-01-28, 1 without a date`."""
    told = [f"{count} on {day}" for day, count in term.ends]
    return ", ".join(told + ([f"{term.endless} without a date"] if term.endless else []))
