"""Wanted × ledger × quotes → what would be bought, and every reason not to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.errors import Refused
from runner.core.orders import OrderKey
from runner.core.progress import Progress, Quoting, Watch, ignore
from runner.core.readings import Readings
from runner.core.records import Record
from runner.core.states import State
from runner.limits.limits import Limits, strictest
from runner.manifest import Loaded
from runner.manifest.requests import Batch
from runner.plan.former_keys import Memory
from runner.plan.plan import Plan, Step, ask_prices, check_limits, compare_with_ledger
from tests.make import AT, Shop, StillClock, batch, loaded, order, record, span

TODAY = AT.date()


def steps_of(wanted: Loaded, records: Mapping[OrderKey, Record] | None = None, **settings: Any) -> tuple[Step, ...]:
    """The orders compared with what the ledger has."""
    known = Memory(records=records or {})
    return compare_with_ledger(wanted.orders, strictest(wanted.batches), known, today=TODAY, **settings)


def priced(plan: Plan, wanted: Loaded, shop: Shop, limits: Limits, watch: Watch = ignore, **settings: Any) -> Plan:
    """The plan after each order was asked the price of, and every limit was held against them."""
    batches, readings = strictest(wanted.batches), Readings(shop, StillClock(), share_quotes=False)
    return check_limits(ask_prices(plan, batches, readings, limits, watch, **settings), batches, limits, **settings)


def made(
    wanted: Loaded, shop: Shop, records: Mapping[OrderKey, Record] | None = None, limits: Limits | None = None
) -> Plan:
    return priced(Plan(steps=steps_of(wanted, records)), wanted, shop, limits or Limits())


STATUS_OF = {
    State.PLANNED: "planned",
    State.REJECTED: "planned",
    State.ABSENT: "planned",
    State.PLACED: "already_placed",
    State.UNKNOWN: "unknown",
    State.SUBMITTED: "unknown",
}


@pytest.mark.parametrize(("state", "status"), STATUS_OF.items())
def test_what_the_ledger_knows_decides(state: State, status: str) -> None:
    """Only what is provably not at the vendor is planned to be bought."""
    request = order()
    (step,) = steps_of(loaded(request), {request.key: record(request, state)})
    assert step.status == status


def test_content_changed_after_purchase_is_refused_with_the_difference() -> None:
    """Same name, other content: never bought again, and the finding stands at the changed line."""
    bought, wanted = order(), order(fields={"quantity": 12, "coupon": "X"})
    (step,) = steps_of(loaded(wanted), {wanted.key: record(bought, State.PLACED)})
    assert step.status == "refused"
    assert step.problem is not None
    assert (step.problem.code, step.problem.span) == ("PSR401", span(8))
    assert "quantity 10 → 12" in step.problem.message
    assert "coupon added (X)" in step.problem.message
    assert "77" in step.problem.message


def test_content_changed_after_a_refusal_is_a_new_try() -> None:
    """A rejected order may be mended and tried again under its name."""
    tried, wanted = order(), order(fields={"quantity": 12})
    (step,) = steps_of(loaded(wanted), {wanted.key: record(tried, State.REJECTED)})
    assert step.to_buy


def test_a_disabled_order_is_skipped() -> None:
    """`enabled: false` asks for nothing."""
    (step,) = steps_of(loaded(order(enabled=False)), {})
    assert step.status == "skipped"


@pytest.mark.parametrize(("day", "status"), [(date(2026, 11, 23), "planned"), (date(2026, 11, 22), "refused")])
def test_buy_by_is_the_last_day(day: date, status: str) -> None:
    """On its last day a batch is bought, the day after it is refused."""
    (step,) = steps_of(loaded(order(), batches=(Batch(name="b", path="m.yaml", buy_by=day),)), {})
    assert step.status == status


def test_nothing_to_buy_asks_nothing() -> None:
    """Where everything is bought, the vendor is left alone."""
    request, shop = order(), Shop({})
    made(loaded(request), shop, {request.key: record(request, State.PLACED)})
    assert shop.asked == []


def test_every_order_is_quoted_before_the_balance_is_read() -> None:
    """One quote an order, in order, each told to whoever watches."""
    events: list[Progress] = []
    wanted, shop = loaded(order("a"), order("b")), Shop({"a": "1", "b": "2"})
    plan = priced(Plan(steps=steps_of(wanted)), wanted, shop, Limits(), events.append)
    assert shop.asked == ["a", "b", "balance"]
    assert (plan.total, plan.balance_after) == (Decimal(3), Decimal(97))
    assert events == [Quoting(done=1, total=2), Quoting(done=2, total=2)]


def test_a_refused_quote_refuses_the_batch_unless_told_otherwise() -> None:
    """One unpriced order of two stops both; with keep_going the other is bought."""
    plan = made(loaded(order("a"), order("b")), Shop({"a": None, "b": "2"}))
    assert [step.status for step in plan.steps] == ["refused", "planned"]
    assert plan.steps[0].problem is not None
    assert plan.steps[0].problem.span == span(8)
    with pytest.raises(Refused, match="no such quantity"):
        plan.refuse(Limits())
    plan.refuse(Limits(keep_going=True))


@pytest.mark.parametrize(
    ("wanted", "limits", "balance", "code"),
    [
        (loaded(order(max_total=Decimal("9.99"))), Limits(), "100", "PSR404"),
        (loaded(order(), batches=(batch(max_order="9.99"),)), Limits(), "100", "PSR404"),
        (loaded(order(), batches=(batch(max_total="9.99"),)), Limits(), "100", "PSR405"),
        (loaded(order()), Limits(max_spend=Decimal("9.99")), "100", "PSR406"),
        (loaded(order()), Limits(), "9.99", "PSR407"),
    ],
)
def test_a_cent_above_a_limit_is_refused(wanted: Loaded, limits: Limits, balance: str, code: str) -> None:
    """Each limit refuses a price of 10.00 when it is 9.99, and the message names both numbers."""
    plan = made(wanted, Shop({"a": "10.00"}, balance), limits=limits)
    problems = [*plan.objections, *(step.problem for step in plan.steps if step.problem)]
    assert [problem.code for problem in problems] == [code]
    assert "9.99" in problems[0].message
    assert "10.00" in problems[0].message
    with pytest.raises(Refused):
        plan.refuse(limits)


@pytest.mark.parametrize(
    ("wanted", "limits", "balance"),
    [
        (loaded(order(max_total=Decimal("10.00"))), Limits(), "100"),
        (loaded(order(), batches=(batch(max_order="10.00", max_total="10.00"),)), Limits(), "100"),
        (loaded(order()), Limits(max_spend=Decimal("10.00")), "10.00"),
    ],
)
def test_a_limit_itself_may_be_spent(wanted: Loaded, limits: Limits, balance: str) -> None:
    """A price equal to its limit is allowed."""
    made(wanted, Shop({"a": "10.00"}, balance), limits=limits).refuse(limits)


def test_the_tightest_of_several_documents_holds() -> None:
    """Two documents of one batch: whichever limit is lower counts, in either order."""
    for batches in ((batch(max_total="5"), batch(max_order="50")), (batch(max_order="50"), batch(max_total="5"))):
        plan = made(loaded(order(), batches=batches), Shop({"a": "10"}))
        assert [problem.code for problem in plan.objections] == ["PSR405"]


def test_what_was_bought_before_counts_against_the_batch() -> None:
    """budget.max_total covers the whole batch: bought, possibly bought, and to be bought."""
    old, new = order("old"), order("new")
    records = {old.key: record(old, State.PLACED, total=Decimal(8))}
    plan = made(loaded(old, new, batches=(batch(max_total="10"),)), Shop({"new": "3"}), records)
    assert "11.00" in plan.objections[0].message


def test_a_card_does_not_need_the_balance() -> None:
    """Orders paid by card are left out of what the balance must cover."""
    plan = made(loaded(order(fields={"paymentId": 43})), Shop({"a": "10"}, balance="0"))
    plan.refuse(Limits())
    assert plan.balance_after == 0


@given(st.decimals("0.01", "500", places=2), st.decimals("0", "0.5", places=3), st.decimals("0.01", "500", places=2))
def test_the_ceiling_is_never_above_a_limit(price: Decimal, tolerance: Decimal, cap: Decimal) -> None:
    """The most a purchase may cost is the quote with its tolerance, and never more than max_total."""
    wanted = loaded(order(max_total=cap), batches=(batch(price_tolerance=str(tolerance)),))
    (step,) = made(wanted, Shop({"a": str(price)}, balance="1000")).steps
    if step.to_buy:
        assert step.ceiling is not None
        assert price <= step.ceiling <= cap
        assert step.ceiling <= price * (1 + tolerance)
    else:
        assert price > cap
