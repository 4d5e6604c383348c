"""What is said where renewals are not those that were approved."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from runner.core.orders import OrderKey
from runner.core.records import Allowed, Record
from runner.core.renewals import RenewalRule
from runner.core.states import State
from runner.plan.approval.differences import Now, differences
from runner.plan.approval.terms import Approval, ApprovedOrder, PlanDocument, Terms
from runner.plan.plan import Plan, Step
from tests.make import AT, order, record, renewal, step

FIRST, SECOND = "2026-12-29", "2027-01-28"
RULE = RenewalRule(until=(AT + timedelta(days=300)).date(), period_id="1m", within=3)


def terms(*steps: Step) -> Terms:
    """What these steps to buy come to."""
    lines = {
        str(one.request.key): ApprovedOrder(type="ipv4", fields=one.request.fields, ceiling=one.ceiling)
        for one in steps
        if one.to_buy and one.ceiling is not None
    }
    return Terms(account="default", base_url=None, api_version="v1", limits={}, lines=lines)


def approved(*steps: Step) -> Approval:
    content = terms(*steps)
    document = PlanDocument(
        terms=content,
        digest=content.digest,
        made_at=AT,
        standing={str(one.request.key): (one.status, one.reason) for one in steps},
        prices={},
        manifests={},
    )
    return Approval(digest=content.digest, document=document)


def now(*steps: Step, allowances: dict[OrderKey, Allowed] | None = None) -> Now:
    return Now(terms=terms(*steps), plan=Plan(steps=steps), at=AT, manifests={}, allowances=allowances or {})


def bought(*known: Record, rule: RenewalRule | None = RULE) -> Step:
    """The order's own step, with the renewals that the ledger knows of it."""
    return step(order(renew=rule), status="already_placed", record=record(), terms=known)


def due(end: str) -> Step:
    return step(renewal(end=end), "10.00")


BEFORE = (bought(), due(FIRST))


def messages(*steps: Step) -> list[str]:
    return [problem.message for problem in differences(approved(*BEFORE), now(*steps), {})]


def test_a_renewal_of_the_same_end_is_covered() -> None:
    assert messages(*BEFORE) == []


def test_an_end_that_moved_is_one_difference_that_names_both() -> None:
    """Not one order too many and one too few."""
    assert messages(bought(), due(SECOND)) == [
        f"term: b/a was to be renewed when it ends on {FIRST}, but it ends on {SECOND} now"
    ]


def test_a_renewal_that_is_not_due_any_more_is_no_order_that_was_removed() -> None:
    assert messages(bought()) == [
        f"term: b/a was to be renewed when it ends on {FIRST}, but it is not due to be renewed now"
    ]


def test_a_renewal_that_was_bought_since_is_named_so() -> None:
    term = record(renewal(end=FIRST), State.PLACED, order_id=f"77@{FIRST}")
    assert messages(bought(term)) == [f"ledger: b/a@{FIRST} has since been bought, but not under this approval"]


def test_a_renewal_that_was_bought_under_this_approval_is_covered() -> None:
    """As what is left after a run that was cut short."""
    term = record(renewal(end=FIRST), State.PLACED, order_id=f"77@{FIRST}")
    approval = approved(*BEFORE)
    covered = step(renewal(end=FIRST), status="already_placed", record=term)
    allowances = {covered.request.key: Allowed(ceiling=step(price="10.00").ceiling, approval=approval.digest)}  # type: ignore[arg-type]
    assert differences(approval, now(bought(term), covered, allowances=allowances), {}) == ()


def test_a_rule_that_was_removed_is_named() -> None:
    assert messages(bought(rule=None)) == [f"manifest: `renew` of b/a was removed, and b/a@{FIRST} with it"]


def test_an_order_that_was_removed_is_removed_with_its_renewal() -> None:
    assert messages() == [f"manifest: b/a@{FIRST} was removed"]


def test_a_renewal_that_nobody_approved_is_an_order_too_many() -> None:
    approval = approved(bought())
    assert [problem.message for problem in differences(approval, now(*BEFORE), {})] == [
        "term: b/a is to be renewed now, which was not so when this was approved"
    ]


@pytest.mark.parametrize("changes", [{"periodId": "2m"}, {"paymentId": 43}])
def test_a_renewal_for_another_period_or_payment_is_a_difference(changes: dict[str, object]) -> None:
    """And so is one that renews another order at the vendor."""
    other = due(FIRST)
    other = replace(other, request=replace(other.request, fields={**other.request.fields, **changes}))
    (message,) = messages(bought(), other)
    assert message.startswith(f"manifest: b/a@{FIRST} was changed: {next(iter(changes))}")
