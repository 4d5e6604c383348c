"""A call's consent, held against the plan."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from runner.core.errors import Refused, Span
from runner.core.orders import OrderKey, OrderRequest, Quote, Source
from runner.core.records import Allowed
from runner.manifest import Batch, Loaded, ManifestFile
from runner.plan.approval.consent import Consent, approved, expect_nothing, terms_of
from runner.plan.approval.terms import Approval
from runner.plan.plan import Plan, Step
from runner.report.report import Inputs, Report

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


def report() -> Report:
    inputs = Inputs(manifests=(), ledger=None, base_url="http://127.0.0.1:1/***")
    return Report(run_id="r", mode="apply", started_at=AT, inputs=inputs)


def check(consent: Consent, plan: Plan, into: Report) -> Plan:
    ledger: Any = Blank()
    return approved(consent, plan, loaded(order()), ledger, into, Noon())


def test_without_an_approval_the_plan_stays_as_it_is() -> None:
    """Where nothing was approved nothing is compared: a person or `--yes` stands for it."""
    plan = Plan(steps=(priced(),))
    assert check(CONSENT, plan, report()) is plan
    assert CONSENT.digest is None


def test_an_order_without_a_price_is_never_covered() -> None:
    """An approval holds nothing against a plan that has no digest: it refuses, and does not pass."""
    plan = Plan(steps=(Step(request=order(), status="planned"),))
    with pytest.raises(Refused, match="has no price"):
        check(replace(CONSENT, approval=Approval(digest=DIGEST)), plan, report())


def test_what_moved_is_in_the_report_and_stops_the_run() -> None:
    """Another digest is a finding of the batch, category refused, and raises."""
    into = report()
    with pytest.raises(Refused, match="nothing was bought"):
        check(replace(CONSENT, approval=Approval(digest=DIGEST)), Plan(steps=(priced(),)), into)
    assert [(finding.problem.code, finding.category) for finding in into.errors] == [("PSR440", "refused")]


def test_the_right_digest_passes() -> None:
    """The plan's own digest covers it; the word for the sandbox stands in place of its address."""
    plan = Plan(steps=(priced(),))
    for consent in (CONSENT, replace(CONSENT, api="sandbox")):
        terms = terms_of(consent, plan, loaded(order()), report())
        assert terms is not None
        assert terms.base_url == (consent.api or "http://127.0.0.1:1/***")
        assert check(replace(consent, approval=Approval(digest=terms.digest)), plan, report()) == plan


def test_nothing_expected_and_something_there() -> None:
    """Each order that would be bought is a finding at its line; without it, and without the wish, all is well."""
    into, expecting = report(), replace(CONSENT, nothing=True)
    with pytest.raises(Refused, match="2 orders would be bought"):
        expect_nothing(expecting, Plan(steps=(priced("a"), priced("c"))), into)
    assert [(finding.problem.key, finding.problem.span) for finding in into.errors] == [
        ("b/a", SOURCE.span),
        ("b/c", SOURCE.span),
    ]
    expect_nothing(expecting, Plan(steps=(Step(request=order(), status="already_placed"),)), into)
    expect_nothing(CONSENT, Plan(steps=(priced(),)), into)
    assert len(into.errors) == 2
