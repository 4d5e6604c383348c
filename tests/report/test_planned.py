"""How a plan gets into a report: entries before anything happened, a plan, a later plan, and the ways out."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from runner.core.errors import Problem
from runner.core.progress import ignore
from runner.core.states import State
from runner.core.vendor import Choice, VendorError
from runner.plan.ids import References
from runner.plan.plan import Plan, Step
from runner.report import planned
from runner.report.report import OrderEntry
from tests.make import AT, Shop, entry, loaded, order, problem, quote, record, renewal, report, step, task

WARNING = replace(problem(code="PSR433"), severity="warning")


def taken(wanted: Step) -> OrderEntry:
    """The entry of an order once a plan with this step was taken."""
    value = report(entry(request=wanted.request))
    planned.take(value, Plan(steps=(wanted,)))
    return value.orders[0]


def test_a_report_begins_with_every_order_and_every_finding() -> None:
    """All are planned, with the body a purchase would send; a manifest's errors and warnings keep their kind."""
    call = task(contents=loaded(order("a"), order("b"), problems=(problem(), WARNING)))
    value = planned.begin(call, "apply", Shop())
    assert [(one.request.key.name, one.status, one.body) for one in value.orders] == [
        ("a", "planned", order().fields),
        ("b", "planned", order().fields),
    ]
    assert [finding.category for finding in value.errors] == ["invalid", "warning"]
    assert (value.run_id, value.mode, value.started_at) == ("r1", "apply", AT)
    assert value.inputs.base_url == Shop.base_url


def test_without_a_vendor_there_are_no_bodies() -> None:
    """What would be sent is not made up."""
    value = planned.begin(task(order()), "plan", None)
    assert (value.orders[0].body, value.inputs.base_url) == (None, None)


def test_an_entry_says_what_its_step_does() -> None:
    """Status, reason, price and evidence come over as they are."""
    wanted = step(order(), "10.00", status="skipped", reason="disabled", evidence={"by": "alice"})
    one = taken(wanted)
    assert (one.status, one.reason, one.quote, one.evidence) == ("skipped", "disabled", quote(), {"by": "alice"})


def test_what_was_bought_before_shows_its_order() -> None:
    """A placed record gives the order id and what was paid; nothing of it may still be charged."""
    one = taken(step(status="already_placed", record=record(total=Decimal(7))))
    assert one.result is not None
    assert (one.result.order_id, one.result.total, one.possible) == ("77", Decimal(7), None)


@pytest.mark.parametrize("known", [record(state=State.UNKNOWN), record(order_id=None)], ids=["unknown", "without-id"])
def test_what_may_have_been_charged_shows_the_amount(known: object) -> None:
    """An open record gives what it was to cost, and no result."""
    one = taken(step(status="unknown", record=known))
    assert (one.result, one.possible) == (None, Decimal(3))


def test_problems_of_a_step_are_findings_of_its_order() -> None:
    """A warning warns, an error refuses, and the vendor's words stay with the error that they caused."""
    no = VendorError(message="no")
    one = taken(step(status="refused", warning=WARNING, problem=problem(code="PSR403"), vendor=no))
    assert [(finding.problem.code, finding.category, finding.vendor) for finding in one.errors] == [
        ("PSR433", "warning", None),
        ("PSR403", "refused", no),
    ]


def test_a_later_plan_adds_to_the_first() -> None:
    """The stages take over one after the other: nothing is said twice, and what was known is not forgotten."""
    value = report(entry(), not_checked=("access",))
    first = Plan(steps=(step(warning=WARNING),), notices=(WARNING,), unchecked=("ids of ipv4 orders",))
    later = replace(
        first, steps=(step(order(), "10.00", warning=WARNING),), balance=Decimal(90), objections=(problem(),)
    )
    for plan in (first, later, replace(later, balance=None)):
        planned.take(value, plan)
    assert value.orders[0].quote == quote()
    assert len(value.orders[0].errors) == 1
    assert [finding.category for finding in value.errors] == ["warning", "refused"]
    assert value.balance_before == Decimal(90)
    assert value.not_checked == ("access", "ids of ipv4 orders")


def test_a_renewal_has_an_entry_after_that_of_its_order() -> None:
    """It is found while the plan is made; every order keeps its own entry, whatever comes between."""
    value = report(entry(), entry(request=order("b")))
    first, second = value.orders
    plan = Plan(steps=(step(), step(renewal(), "10.00"), step(order("b"), status="skipped")))
    planned.take(value, plan)
    planned.take(value, plan)
    assert [str(one.request.key) for one in value.orders] == ["b/a", "b/a@2026-12-29", "b/b"]
    assert (value.orders[0], value.orders[2]) == (first, second)
    assert [one.status for one in value.orders] == ["planned", "planned", "skipped"]
    assert value.orders[1].quote is not None


def test_ways_out_stand_beside_what_the_vendor_refused() -> None:
    """Findings with the vendor's word about a field get the nearest values; all others keep their hints."""
    shop = Shop(lists={"ipv4": (Choice(type="ipv4", field="quantity", value=5, name="five"),)})
    lists = References(reader=shop, watch=ignore)
    lists.of("ipv4")
    found = {"problem": problem(), "vendor": VendorError(message="no", field="quantity")}
    wanted = step(order(), status="refused", warning=WARNING, **found)
    value = report(entry())
    planned.take(value, Plan(steps=(wanted,)))
    planned.add_ways_out(value, lists)
    hints = [finding.problem.hint for finding in value.orders[0].errors]
    assert hints == ["did you mean `quantity`?", "nearest in the vendor's list for ipv4: 5 (five)"]


def test_findings_of_the_batch_keep_their_place() -> None:
    """A problem without a line is a finding without one, not an error."""
    value = report()
    planned.take(value, Plan(objections=(Problem(code="PSR407", message="short"),)))
    assert [(finding.problem.code, finding.problem.span) for finding in value.errors] == [("PSR407", None)]
