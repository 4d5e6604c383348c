"""The stages of planning: what comes before what, what each is spared by the one before, and the draft they begin with."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from runner.core.errors import AccessError, VendorUnavailable
from runner.core.selection import Selection
from runner.core.states import State
from runner.core.vendor import Choice
from runner.limits.limits import Limits, Standing
from runner.plan.making import draft, stages
from runner.plan.plan import Plan
from runner.plan.sources import Sources
from runner.plan.task import Consent, Guard, Task
from tests.make import AT, Books, Shop, StillClock, loaded, look, order, record, seen, task

NOW = Standing(at=AT)
MONTH = Choice(type="ipv4", field="periodId", value="1m", name="1 month")


def planned(call: Task, shop: Shop, books: Books | None = None) -> Plan:
    """The plan after every stage."""
    plan = draft(call, books or Books(), NOW)  # type: ignore[arg-type]
    for stage in stages(call, Sources.of(call, books or Books(), shop, NOW)):  # type: ignore[arg-type]
        plan = stage(plan)
    return plan


def statuses(plan: Plan) -> list[str]:
    return [step.status for step in plan.steps]


# -- the draft


def test_a_draft_asks_only_the_ledger() -> None:
    """Each order once, in the order of the manifests, by what the ledger has of it."""
    call = task(order("new"), order("old"), order("open"))
    books = Books(record(order("old")), record(order("open"), State.UNKNOWN))
    assert statuses(draft(call, books, NOW)) == ["planned", "already_placed", "unknown"]  # type: ignore[arg-type]


def test_evidence_goes_with_what_was_settled_in_words() -> None:
    """Only orders whose last event has a reason bring their evidence; the others cost no look-up."""
    call = task(order("plain"), order("judged"))
    books = Books(record(order("plain")), record(order("judged"), reason="found in the list"))
    assert [step.evidence for step in draft(call, books, NOW).steps] == [None, {"of": "b/judged"}]  # type: ignore[arg-type]


def test_what_is_not_selected_is_left_out_but_never_a_doubt() -> None:
    """An order that `--only` does not name is skipped, without findings; one that may have been charged is everybody's."""
    call = task(
        order("a"),
        order("changed", fields={"quantity": 99}),
        order("open"),
        consent=Consent(account="default", selection=Selection(only=("a",))),
    )
    plan = draft(call, Books(record(order("changed")), record(order("open"), State.UNKNOWN)), NOW)  # type: ignore[arg-type]
    assert statuses(plan) == ["planned", "skipped", "unknown"]
    assert plan.steps[1].problem is None


# -- the stages


def test_lists_then_prices_then_the_vendors_orders() -> None:
    """Ids before prices, prices before the balance, and the comparison with the vendor's orders after all of them."""
    shop = Shop({"a": "1", "b": "2"}, lists={"ipv4": (MONTH,)})
    planned(task(order("a"), order("b", fields={"quantity": 9})), shop)
    assert shop.asked == ["list of ipv4", "a", "b", "balance", "look"]


def test_an_id_that_is_refused_is_never_priced() -> None:
    """Where the first stage leaves nothing to buy, none of the others asks anything."""
    shop = Shop(lists={"ipv4": (MONTH,)})
    assert statuses(planned(task(order(fields={"periodId": "9y"})), shop)) == ["refused"]
    assert shop.asked == ["list of ipv4"]


def test_a_price_that_is_refused_is_no_reason_to_look() -> None:
    """An order without a price is compared with nothing."""
    shop = Shop({"a": None})
    assert statuses(planned(task(order()), shop)) == ["refused"]
    assert "look" not in shop.asked


def test_a_refused_price_has_a_way_out() -> None:
    """The list that was read for the ids names what the vendor would have priced."""
    five = Choice(type="ipv4", field="quantity", value=5, name="five")
    lists = {"ipv4": (five, Choice(type="ipv4", field="quantity", value=10, name="ten"))}
    (step,) = planned(task(order()), Shop({"a": None}, lists=lists)).steps
    assert step.problem is not None
    assert step.problem.hint == "nearest in the vendor's list for ipv4: 5 (five)"


def test_sums_are_held_against_what_is_left() -> None:
    """An order that looks bought already does not count against `--max-spend`; two that are left do."""
    orders = (order("a", fields={"quantity": 2}), order("b", fields={"quantity": 1}))
    france = Choice(type="ipv4", field="countryId", value=561, name="France", alpha3="FRA")
    limits = Limits(max_spend=Decimal(15))
    settings: dict[str, Any] = {"limits": limits, "guard": Guard(strict=True)}
    lists = {"ipv4": (france,)}
    refused = planned(task(*orders, **settings), Shop({"a": "10", "b": "10"}, shows=look(seen()), lists=lists))
    assert (statuses(refused), refused.objections) == (["refused", "planned"], ())
    left = planned(task(*orders, **settings), Shop({"a": "10", "b": "10"}, lists=lists))
    assert [problem.code for problem in left.objections] == ["PSR406"]


@pytest.mark.parametrize("error", [AccessError("no"), VendorUnavailable("down")])
def test_what_a_reader_raises_comes_through(error: Exception) -> None:
    """A stage mends nothing: what the vendor does not answer ends the planning."""
    with pytest.raises(type(error)):
        planned(task(order()), Shop({"a": "1"}, lists={"ipv4": error}))


def test_the_sources_ask_nothing_by_themselves() -> None:
    """To make them costs no call; ids and prices are asked of the same reader, timed by the call's clock."""
    shop, clock = Shop({"a": "1"}), StillClock()
    call = task(clock=clock, contents=loaded())
    sources = Sources.of(call, Books(), shop, NOW)  # type: ignore[arg-type]
    assert (shop.asked, sources.buying) == ([], False)
    assert sources.readings.reader is sources.references.reader is shop
