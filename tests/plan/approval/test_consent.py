"""A call's consent, held against the plan."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, cast

import pytest

from runner.core.errors import Refused
from runner.core.orders import OrderKey
from runner.core.records import Allowed
from runner.core.vendor import Encoder
from runner.limits.limits import Limits
from runner.plan.approval.consent import check_approval, expect_nothing, terms_of
from runner.plan.approval.terms import Approval
from runner.plan.plan import Plan, Step
from runner.plan.task import Consent
from tests.make import order, span, step, task

CONSENT = Consent(account="default")
DIGEST = "sha256:" + "0" * 64


class Blank:
    """As much of a ledger as is asked: it knows no claim."""

    def allowances(self, keys: Iterable[OrderKey]) -> dict[OrderKey, Allowed]:
        assert list(keys) == []
        return {}


def priced(name: str = "a") -> Step:
    return step(order(name), "2.00")


class Vendor:
    """Where an API is, as far as a digest covers it."""

    base_url = "http://127.0.0.1:1/***"
    api_version = "v1"


def check(consent: Consent, plan: Plan) -> Plan:
    ledger: Any = Blank()
    vendor: Any = Vendor()
    return check_approval(plan, task(order(), consent=consent), ledger, vendor)


def test_without_an_approval_the_plan_stays_as_it_is() -> None:
    """Where nothing was approved nothing is compared: a person or `--yes` stands for it."""
    plan = Plan(steps=(priced(),))
    assert check(CONSENT, plan) is plan
    assert CONSENT.digest is None


def test_an_order_without_a_price_is_never_covered() -> None:
    """An approval holds nothing against a plan that has no digest: the plan refuses itself, and does not pass."""
    plan = Plan(steps=(step(),))
    with pytest.raises(Refused, match="has no price"):
        check(replace(CONSENT, approval=Approval(digest=DIGEST)), plan).refuse(Limits())


def test_what_moved_is_an_objection_and_refuses_the_plan() -> None:
    """Another digest is an objection to the batch, and the plan refuses itself for it, whatever else goes on."""
    plan = check(replace(CONSENT, approval=Approval(digest=DIGEST)), Plan(steps=(priced(),)))
    with pytest.raises(Refused, match="nothing was bought"):
        plan.refuse(Limits(keep_going=True))
    assert [(problem.code, problem.severity) for problem in plan.findings] == [("PSR440", "error")]


def test_the_right_digest_passes() -> None:
    """The plan's own digest covers it; the word for the sandbox stands in place of its address."""
    plan, vendor = Plan(steps=(priced(),)), Vendor()
    for consent in (CONSENT, replace(CONSENT, api="sandbox")):
        terms = terms_of(plan, consent, task(order(), consent=consent).batches, cast("Encoder", vendor))
        assert terms is not None
        assert terms.base_url == (consent.api or "http://127.0.0.1:1/***")
        assert check(replace(consent, approval=Approval(digest=terms.digest)), plan) == plan


def test_nothing_expected_and_something_there() -> None:
    """Each order that would be bought is an objection at its line; without it, and without the wish, all is well."""
    expecting = replace(CONSENT, nothing=True)
    plan = expect_nothing(Plan(steps=(priced("a"), priced("c"))), expecting)
    with pytest.raises(Refused, match="2 orders would be bought"):
        plan.refuse(Limits())
    assert [(problem.key, problem.span) for problem in plan.findings] == [("b/a", span()), ("b/c", span())]
    bought, unasked = Plan(steps=(step(status="already_placed"),)), Plan(steps=(priced(),))
    assert expect_nothing(bought, expecting) is bought
    assert expect_nothing(unasked, CONSENT) is unasked
