"""A call's consent, held against the plan."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import pytest

from runner.core.errors import Refused, Span
from runner.core.ledger import Allowed, Holder
from runner.core.orders import OrderKey, OrderRequest, Quote, Source
from runner.core.progress import unwatched
from runner.core.vendor import Encoder
from runner.limits.limits import Limits
from runner.manifest import Batch, Loaded, ManifestFile
from runner.plan.approval.consent import check_approval, expect_nothing, terms_of
from runner.plan.approval.terms import Approval
from runner.plan.plan import Plan, Step
from runner.plan.task import Consent, Task

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
SOURCE = Source(path="m.yaml", span=Span(line=5, column=3, end_line=5, end_column=9))
CONSENT = Consent(account="default")
DIGEST = "sha256:" + "0" * 64


class Noon:
    """A clock that stands still."""

    def now(self) -> datetime:
        return AT

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        raise AssertionError(seconds)


class Blank:
    """As much of a ledger as is asked: it knows no claim."""

    def allowed(self, keys: Iterable[OrderKey]) -> dict[OrderKey, Allowed]:
        assert list(keys) == []
        return {}


def order(name: str = "a") -> OrderRequest:
    return OrderRequest(key=OrderKey("b", name), type="ipv4", fields={"quantity": 1, "paymentId": 1}, source=SOURCE)


def priced(name: str = "a") -> Step:
    return Step(request=order(name), status="planned", quote=Quote(total=Decimal(2), at=AT), ceiling=Decimal(2))


def loaded(*orders: OrderRequest) -> Loaded:
    files = (ManifestFile(path="m.yaml", sha256="1" * 64),)
    batches = (Batch(name="b", path="m.yaml"),)
    return Loaded(count=len(orders), orders=orders, batches=batches, files=files, problems=())


class Vendor:
    """Where an API is, as far as a digest covers it."""

    base_url = "http://127.0.0.1:1/***"
    api_version = "v1"


def task(consent: Consent) -> Task:
    holder = Holder(host="here", pid=1, since=AT, run_id="r")
    return Task(
        loaded=loaded(order()),
        limits=Limits(),
        holder=holder,
        clock=Noon(),
        watch=unwatched,
        ledger_name="ledger",
        consent=consent,
    )


def check(consent: Consent, plan: Plan) -> Plan:
    ledger: Any = Blank()
    vendor: Any = Vendor()
    return check_approval(plan, task(consent), ledger, vendor)


def test_without_an_approval_the_plan_stays_as_it_is() -> None:
    """Where nothing was approved nothing is compared: a person or `--yes` stands for it."""
    plan = Plan(steps=(priced(),))
    assert check(CONSENT, plan) is plan
    assert CONSENT.digest is None


def test_an_order_without_a_price_is_never_covered() -> None:
    """An approval holds nothing against a plan that has no digest: the plan refuses itself, and does not pass."""
    plan = Plan(steps=(Step(request=order(), status="planned"),))
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
        terms = terms_of(plan, consent, task(consent).batches, cast("Encoder", vendor))
        assert terms is not None
        assert terms.base_url == (consent.api or "http://127.0.0.1:1/***")
        assert check(replace(consent, approval=Approval(digest=terms.digest)), plan) == plan


def test_nothing_expected_and_something_there() -> None:
    """Each order that would be bought is an objection at its line; without it, and without the wish, all is well."""
    expecting = replace(CONSENT, nothing=True)
    plan = expect_nothing(Plan(steps=(priced("a"), priced("c"))), expecting)
    with pytest.raises(Refused, match="2 orders would be bought"):
        plan.refuse(Limits())
    assert [(problem.key, problem.span) for problem in plan.findings] == [("b/a", SOURCE.span), ("b/c", SOURCE.span)]
    bought, unasked = Plan(steps=(Step(request=order(), status="already_placed"),)), Plan(steps=(priced(),))
    assert expect_nothing(bought, expecting) is bought
    assert expect_nothing(unasked, CONSENT) is unasked
