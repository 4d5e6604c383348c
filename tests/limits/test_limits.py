"""Limits of experience, of policies and of numbers, as a plan meets them; and where every limit comes from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from runner.core.errors import Problem
from runner.core.orders import OrderKey, OrderRequest
from runner.core.records import Bought
from runner.core.states import State
from runner.limits.budgets import Cap
from runner.limits.limits import Limits, Standing, standing_of, strictest
from runner.limits.policy import Policy
from runner.manifest import Loaded
from runner.manifest.requests import Batch, Budget
from runner.plan.plan import Plan
from tests.make import AT, Books, Shop, batch, loaded, order, record, renewal, span
from tests.plan.test_plan import TODAY, priced, steps_of


def planned(wanted: Loaded, limits: Limits, standing: Standing, price: str = "10.00") -> Plan:
    steps = steps_of(wanted, limits=limits, standing=standing)
    shop = Shop({request.key.name: price for request in wanted.orders}, balance="100000")
    return priced(Plan(steps=steps), wanted, shop, limits, standing=standing)


def problems(plan: Plan) -> list[Problem]:
    return [*plan.objections, *(step.problem for step in plan.steps if step.problem)]


# -- far more expensive than any order before


@pytest.mark.parametrize(
    ("dearest", "large", "refused"),
    [
        (None, None, False),
        ("0.00", None, False),
        ("1.00", None, False),
        ("0.99", None, True),
        ("0.99", "9.99", True),
        ("0.99", "10.00", False),
        ("0.99", "500", False),
    ],
)
def test_an_order_ten_times_dearer_than_ever_is_asked_about(
    dearest: str | None, large: str | None, refused: bool
) -> None:
    """Ten times the dearest purchase passes, a cent more needs `--large` with at least its price; the first that is paid does not."""
    known = Standing(at=AT, dearest=None if dearest is None else Decimal(dearest))
    found = problems(planned(loaded(order()), Limits(large=Decimal(large) if large else None), known))
    assert [problem.code for problem in found] == ["PSR432"] * refused
    for problem in found:
        assert (problem.path, problem.span) == ("m.yaml", span(5))
        assert "10.00" in problem.message
        assert "0.99" in problem.message
        assert "--large 10.00" in (problem.hint or "")
        assert large is None or f"--large is only {large}" in problem.message


# -- alike


def bought(request: OrderRequest, state: State = State.PLACED) -> Standing:
    found = Bought(record=record(request, state), claimed_at=AT)
    return Standing(at=AT, alike={request.fingerprint: (found,)})


@pytest.mark.parametrize("state", [State.PLACED, State.UNKNOWN, State.SUBMITTED])
def test_a_copy_of_a_recent_purchase_is_a_warning(state: State) -> None:
    """The same content under another name: bought, with a warning at its line that names the other one."""
    (step,) = planned(loaded(order("copy")), Limits(), bought(order("first"), state)).steps
    assert step.to_buy
    assert step.warning is not None
    assert (step.warning.code, step.warning.severity, step.warning.span) == ("PSR433", "warning", span(5))
    assert "b/first" in step.warning.message
    assert ("order 77" if state is State.PLACED else state.value) in step.warning.message


def test_strict_refuses_a_copy() -> None:
    """With `strict` the copy is refused before its price is asked."""
    plan = planned(loaded(order("copy")), Limits(strict=True), bought(order("first")))
    assert [problem.code for problem in problems(plan)] == ["PSR433"]
    assert plan.to_buy == ()


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("key", [OrderKey("b", "first", 2), OrderKey("b", "first")])
def test_the_same_name_is_no_copy(key: OrderKey, strict: bool) -> None:
    """A further generation of a name is meant, and so is a second try of an order that was refused."""
    plan = planned(loaded(order(key=key)), Limits(strict=strict), bought(order("first")))
    assert (problems(plan), plan.steps[0].warning) == ([], None)


@pytest.mark.parametrize("limits", [Limits(strict=True), Limits(strict=True, allow_copies=True)])
def test_a_copy_that_is_meant(limits: Limits) -> None:
    """`copies: meant` passes without a word; `allow_copies` lets a copy be bought, with its warning."""
    meant = planned(loaded(order("copy", copies_meant=True)), limits, bought(order("first")))
    assert (problems(meant), meant.steps[0].warning) == ([], None)
    copy = planned(loaded(order("copy")), limits, bought(order("first"))).steps[0]
    assert copy.to_buy == limits.allow_copies
    assert (copy.warning or copy.problem).code == "PSR433"  # type: ignore[union-attr] - one of the two is there


@pytest.mark.parametrize(("generation", "meant"), [(1, False), (2, False), (3, True)])
def test_only_a_generation_above_the_others_is_meant(generation: int, meant: bool) -> None:
    """A batch of second generations that got another name is no purchase on purpose."""
    earlier = bought(order(key=OrderKey("old", "first", 2)))
    step = planned(loaded(order(key=OrderKey("b", "copy", generation))), Limits(), earlier).steps[0]
    assert (step.warning is None) == meant


@pytest.mark.parametrize(
    ("days", "period", "runs"),
    [
        (6.9, "1w", True),
        (7.1, "1w", False),
        (29, "1m", True),
        (32, "1m", False),
        (300, "6m", False),
        (300, "12m", True),
    ],
)
def test_alike_is_what_still_runs(days: float, period: str, runs: bool) -> None:
    """A purchase counts for its whole period, from its claim on, and no longer; the ledger is asked far enough back."""
    asked: list[datetime] = []
    wanted = order(fields={"quantity": 10, "periodId": period})
    claimed = AT - timedelta(days=days)

    class Ledger(Books):
        def bought_alike(self, fingerprints: Iterable[str], at: datetime) -> list[Bought]:
            asked.append(at)
            return [Bought(record=record(wanted), claimed_at=claimed)]

    found = standing_of(Ledger(), [wanted], AT).alike  # type: ignore[arg-type] - as far as it is asked
    assert bool(found) == runs
    assert asked[0] <= claimed or not runs


@pytest.mark.parametrize(
    ("ended", "state", "runs"),
    [
        (29, State.PLACED, True),
        (29, State.UNKNOWN, True),
        (29, State.REJECTED, False),
        (33, State.PLACED, False),
    ],
)
def test_what_was_renewed_still_runs_however_long_ago_it_was_bought(ended: int, state: State, runs: bool) -> None:
    """Renamed by mistake after its first term, it would else be bought anew, and without a word."""
    wanted = order("copy")
    first = record(order("first"))
    end = (AT - timedelta(days=ended)).date().isoformat()
    term = record(renewal("first", end, renews=str(first.order_id)), state)

    class Ledger(Books):
        def bought_alike(self, fingerprints: Iterable[str], at: datetime) -> list[Bought]:
            claimed = AT - timedelta(days=400)
            return [Bought(record=first, claimed_at=claimed)] if claimed >= at else []

    standing = standing_of(Ledger(first, term), [wanted], AT)  # type: ignore[arg-type] - as far as it is asked
    (step,) = planned(loaded(wanted), Limits(), standing).steps
    assert (step.warning is not None and step.warning.code == "PSR433") == runs


# -- policies


def test_what_a_policy_forbids_is_refused_without_asking_its_price() -> None:
    """The order is refused at its own line with all that is wrong; the vendor is not asked; the others are bought."""
    held = Policy(
        path="order-runner.yaml",
        sha256="",
        max_quantity={"any": 9},
        require_labels=("team",),
        places={"allow.max_quantity.any": span(3), "require_labels": span(4)},
    )
    wanted = loaded(order("a"), order("b", fields={"quantity": 9}, labels={"team": "x"}))
    steps = steps_of(wanted, limits=Limits(policies=(held,)))
    assert [step.status for step in steps] == ["refused", "planned"]
    problem = steps[0].problem
    assert problem is not None
    assert (problem.code, problem.span) == ("PSR710", span(8))
    assert "quantity 10 is above allow.max_quantity.any (order-runner.yaml:3:3), 9" in problem.message
    assert "require_labels (order-runner.yaml:4:3)" in problem.message


def test_what_was_bought_is_held_against_no_policy() -> None:
    """A policy that came later says nothing about orders that were bought before it, or are switched off."""
    held = Policy(path="p", sha256="", require_labels=("team",), places={"require_labels": span(4)})
    old, off = order("old"), order("off", enabled=False)
    records = {old.key: record(old, State.PLACED)}
    steps = steps_of(loaded(old, off), records, limits=Limits(policies=(held,)))
    assert [step.status for step in steps] == ["already_placed", "skipped"]


def test_a_budget_counts_what_was_spent_before() -> None:
    """Spent and to be spent, both are named, with the budget, its place and the day it began."""
    cap = Cap(name="budgets.day", amount=Decimal("12.00"), period="day", path="order-runner.yaml", span=span(2))
    limits = Limits(policies=(Policy(path="order-runner.yaml", sha256="", caps=(cap,)),))
    assert problems(planned(loaded(order()), limits, Standing(at=AT, days={TODAY: Decimal("2.00")}))) == []
    (problem,) = problems(planned(loaded(order()), limits, Standing(at=AT, days={TODAY: Decimal("2.01")})))
    assert (problem.code, problem.place) == ("PSR430", "order-runner.yaml:2:3")
    for words in ("10.00 to spend", "2.01 spent", "12.01", "budgets.day 12.00 (order-runner.yaml:2:3)", "2026-11-23"):
        assert words in problem.message


# -- numbers


@pytest.mark.parametrize(("most", "refused"), [(1, True), (2, False), (0, True)])
def test_no_more_orders_than_said(most: int, refused: bool) -> None:
    """`--max-orders` counts the orders to be bought, and 0 is a number like any other."""
    found = problems(planned(loaded(order("a"), order("b")), Limits(max_orders=most), Standing(at=AT)))
    assert [problem.code for problem in found] == ["PSR431"] * refused
    for problem in found:
        assert problem.message == f"2 orders would be bought, above --max-orders {most}"


# -- where a limit comes from


def test_a_limit_goes_by_the_name_it_was_given_by() -> None:
    """An environment variable is named where one set the limit, and not the option."""
    limits = Limits(
        max_spend=Decimal(1), max_orders=0, origins={"--max-spend": "ORDER_RUNNER_MAX_SPEND", "--max-orders": "X"}
    )
    spend, orders = problems(planned(loaded(order()), limits, Standing(at=AT)))
    assert "above ORDER_RUNNER_MAX_SPEND 1.00" in spend.message
    assert "above X 0" in orders.message


def test_a_batch_limit_names_its_place() -> None:
    """Budget and last day are named with file, line and column."""
    places = {"max_total": ("m.yaml", span(3)), "max_order": ("m.yaml", span(4)), "buy_by": ("m.yaml", span(2))}
    (total,) = problems(
        planned(loaded(order(), batches=(replace(batch(max_total="9"), places=places),)), Limits(), Standing())
    )
    assert total.place == "m.yaml:3:3"
    assert "budget.max_total 9.00 (m.yaml:3:3)" in total.message
    (one,) = problems(
        planned(loaded(order(), batches=(replace(batch(max_order="9"), places=places),)), Limits(), Standing())
    )
    assert "budget.max_order 9.00 (m.yaml:4:3)" in one.message
    late = Batch(name="b", path="m.yaml", buy_by=date(2026, 11, 22), places=places)
    (day,) = problems(planned(loaded(order(), batches=(late,)), Limits(), Standing()))
    assert "(m.yaml:2:3)" in day.message


def test_the_place_is_that_of_the_tightest() -> None:
    """Where two documents limit one batch, the place named is that of the limit that counts, in either order."""
    wide = Batch(name="b", path="w", budget=Budget(max_total=Decimal(9)), places={"max_total": ("w", span(1))})
    tight = Batch(
        name="b",
        path="t",
        budget=Budget(max_total=Decimal(8)),
        buy_by=TODAY,
        places={"max_total": ("t", span(2)), "buy_by": ("t", span(3))},
    )
    for documents in ((wide, tight), (tight, wide)):
        found = strictest(documents)["b"]
        assert found.budget == Budget(max_total=Decimal(8))
        assert dict(found.places) == {"max_total": ("t", span(2)), "buy_by": ("t", span(3))}
