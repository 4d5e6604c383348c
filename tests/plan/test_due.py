"""Which bought orders a plan renews, which it does not, and what it says of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from runner.core.errors import VendorUnavailable
from runner.core.orders import OrderKey, OrderRequest
from runner.core.records import Allowed, Record
from runner.core.renewals import RenewalRule
from runner.core.selection import Selection
from runner.core.states import State
from runner.core.vendor import ListedProxy
from runner.limits.budgets import Cap
from runner.limits.limits import Limits, Standing
from runner.limits.policy import Policy
from runner.plan.approval.terms import Approval
from runner.plan.due import IMPOSSIBLE, REPEATED, UNCLEAR
from runner.plan.making import draft, stages
from runner.plan.plan import Plan, Step
from runner.plan.sources import Sources
from runner.plan.task import Consent, Guard, Task
from tests.make import AT, Books, Shop, batch, order, record, renewal, span, task

TODAY = AT.date()
END = TODAY + timedelta(days=2)
RULE = RenewalRule(until=date(2027, 6, 30), period_id="1m", within=3, max_total=Decimal("20.00"))


def renewed(name: str = "a", rule: RenewalRule | None = RULE, **changes: Any) -> OrderRequest:
    """A bought order that shall be renewed; `renew` stands at line 12."""
    request = order(name, renew=rule, **changes)
    source = replace(request.source, fields={**request.source.fields, "renew": span(12)})
    return replace(request, source=source)


def rows(*ends: date | None, order_id: str = "77", armed: bool = False) -> tuple[ListedProxy, ...]:
    return tuple(
        ListedProxy(
            type="ipv4",
            order_id=order_id,
            row_id=f"{order_id}{n}",
            ip=f"192.0.2.{n}",
            ends=end,
            auto_renewed=armed,
        )
        for n, end in enumerate(ends)
    )


class World:
    """A task about bought orders, with a shop that shows their rows and books that know them."""

    def __init__(
        self,
        *orders: OrderRequest,
        shows: Iterable[ListedProxy] = (),
        terms: Iterable[Record] = (),
        bought: Iterable[Record] | None = None,
        **changes: Any,
    ) -> None:
        self.orders = orders or (renewed(),)
        self.books = Books(*(map(record, self.orders) if bought is None else bought), *terms)
        self.shop = Shop({one.key.name: "10.00" for one in self.orders})
        self.shop.rows = tuple(shows)
        self.task: Task = task(*self.orders, **changes)

    def plan(self, today: date = TODAY, *, buying: bool = False) -> Plan:
        standing = Standing(at=AT + (today - TODAY))
        plan = draft(self.task, self.books, standing)  # type: ignore[arg-type]
        sources = Sources.of(self.task, self.books, self.shop, standing)  # type: ignore[arg-type]
        for stage in stages(self.task, replace(sources, buying=buying)):
            plan = stage(plan)
        return plan

    def step(self, today: date = TODAY) -> Step | None:
        """What the plan says of a renewal; there is one at most."""
        renewals = [step for step in self.plan(today).steps if step.request.key.term]
        assert len(renewals) <= 1
        return renewals[0] if renewals else None


def refusal(world: World, today: date = TODAY) -> tuple[str, str]:
    """The code and the words with which the renewal is refused, at the line of `renew`, with a way out."""
    step = world.step(today)
    assert step is not None
    assert step.problem is not None
    assert (step.status, step.problem.field, step.problem.span) == ("refused", "renew", span(12))
    assert step.problem.hint
    return step.problem.code, step.problem.message


def bought_term(end: date = END, state: State = State.PLACED, **changes: Any) -> Record:
    """The ledger's record of the renewal that follows `end`."""
    placed = {"order_id": f"77@{end}"} if state is State.PLACED else {}
    period = changes.pop("period", "1m")
    name = changes.pop("name", "a")
    return record(renewal(name, end.isoformat(), period=period), state, **(placed | changes))


# -- what is renewed


def test_an_order_is_renewed_by_a_step_of_its_own_after_its_own_step() -> None:
    """With the key of the term that follows its end, the content of a renewal, and what the rule allows it to cost."""
    world = World(renewed(labels={"team": "crawl"}), order("b", fields={"quantity": 3}), shows=rows(END, END))
    world.books = Books(record(world.orders[0]))
    first, step, other = world.plan().steps
    assert [str(one.request.key) for one in (first, step, other)] == ["b/a", f"b/a@{END}", "b/b"]
    assert (first.status, step.status, other.status) == ("already_placed", "planned", "planned")
    assert step.request.fields == {"renews": "77", "ends": END.isoformat(), "periodId": "1m", "paymentId": 1}
    assert (step.request.type, step.request.labels, step.request.max_total) == ("ipv4", {"team": "crawl"}, Decimal(20))
    assert step.request.term is not None
    assert (step.request.term.row_ids, step.request.renew) == (("770", "771"), None)
    assert step.quote is not None
    assert (step.quote.total, step.ceiling) == (Decimal(10), Decimal(10))


def test_a_renewal_is_paid_as_its_order_is() -> None:
    step = World(renewed(fields={"paymentId": 43}), shows=rows(END)).step()
    assert step is not None
    assert step.request.pays_by_card


def test_without_a_limit_of_its_own_the_orders_holds() -> None:
    world = World(renewed(rule=replace(RULE, max_total=None), max_total=Decimal("9.99")), shows=rows(END))
    assert refusal(world) == ("PSR404", "its price is 10.00, above max_total 9.99")


@pytest.mark.parametrize(("days", "is_due"), [(4, False), (3, True), (0, True)])
def test_it_is_renewed_within_its_window(days: int, is_due: bool) -> None:
    """From the first day of the window to the last day of the term; before that nothing is said."""
    step = World(shows=rows(TODAY + timedelta(days=days))).step()
    assert (step is not None and step.to_buy) == is_due


@pytest.mark.parametrize(("until", "is_due"), [(END, False), (END + timedelta(days=1), True)])
def test_it_is_renewed_while_it_ends_before_the_day_that_is_named(until: date, is_due: bool) -> None:
    assert (World(renewed(rule=replace(RULE, until=until)), shows=rows(END)).step() is not None) == is_due


def test_removing_renew_ends_it_and_asks_the_vendor_nothing() -> None:
    world = World(order(), shows=rows(END))
    assert world.step() is None
    assert world.shop.asked == []


@pytest.mark.parametrize("until", [TODAY, TODAY - timedelta(days=300)])
def test_a_rule_that_is_over_asks_the_vendor_nothing(until: date) -> None:
    world = World(renewed(rule=replace(RULE, until=until)), shows=rows(TODAY - timedelta(days=1)))
    assert world.step() is None
    assert world.shop.asked == []


def test_an_order_to_buy_that_would_never_be_renewed_is_warned_of() -> None:
    """It is bought all the same; one that is bought already says nothing, because rules end."""
    over = renewed(rule=replace(RULE, until=TODAY))
    (step,) = World(over, bought=[]).plan().steps
    assert step.to_buy
    assert step.warning is not None
    assert (step.warning.severity, step.warning.field) == ("warning", "renew")
    assert f"never renewed: `renew.until`, {TODAY}, is over" in step.warning.message
    assert World(renewed(), bought=[]).plan().steps[0].warning is None
    assert World(over).plan().steps[0].warning is None


def test_one_list_serves_every_order_of_a_type() -> None:
    """Two lists are read of two types, before any price."""
    orders = (renewed("a"), renewed("b"), renewed("m", type="mobile"))
    bought = [record(one, order_id=one.key.name) for one in orders]
    shows = (*rows(END, order_id="a"), *rows(END, order_id="b"))
    world = World(*orders, bought=bought, shows=shows)
    assert len(world.plan().to_buy) == 2
    assert [asked for asked in world.shop.asked if asked.startswith("proxies")] == [
        "proxies of ipv4",
        "proxies of mobile",
    ]
    assert world.shop.asked.index("proxies of mobile") < world.shop.asked.index("a")


def test_a_renewal_needs_no_ids_and_looks_like_no_other_order() -> None:
    """Neither the reference lists nor the vendor's other orders are asked about what is renewed."""
    world = World(shows=rows(END))
    assert [step.status for step in world.plan().steps] == ["already_placed", "planned"]
    assert world.shop.asked == ["proxies of ipv4", "a", "balance"]


@pytest.mark.parametrize(
    "one",
    [
        renewed(enabled=False),
        renewed(fields={"quantity": 11}),
    ],
    ids=["disabled", "changed since"],
)
def test_an_order_that_would_not_be_bought_as_it_is_written_is_not_renewed(one: OrderRequest) -> None:
    world = World(one, bought=[record(order())], shows=rows(END))
    assert world.step() is None
    assert world.shop.asked == []


def test_only_what_is_selected_is_renewed() -> None:
    consent = Consent(account="default", selection=Selection(only=("b",)))
    orders = (renewed("a"), renewed("b"))
    bought = [record(orders[0]), record(orders[1], order_id="78")]
    world = World(*orders, bought=bought, shows=(*rows(END), *rows(END, order_id="78")), consent=consent)
    assert [str(step.request.key) for step in world.plan().to_buy] == [f"b/b@{END}"]


def test_an_order_that_is_not_bought_yet_is_bought_and_not_renewed() -> None:
    world = World(bought=[])
    assert [str(step.request.key) for step in world.plan().to_buy] == ["b/a"]


def test_the_last_day_to_buy_a_batch_does_not_end_renewals() -> None:
    over = replace(batch(), buy_by=TODAY - timedelta(days=1))
    world = World(shows=rows(END))
    world.task = replace(world.task, contents=replace(world.task.contents, batches=(over,)))
    step = world.step()
    assert step is not None
    assert step.to_buy


def test_a_renamed_order_is_renewed_by_its_new_name() -> None:
    """In the run that renames it, too; a term that was bought under the old name stays bought."""
    now = renewed("new", renamed_from=OrderKey("b", "old"))
    old = record(order("old"))
    world = World(now, bought=[old], shows=rows(END))
    assert [str(step.request.key) for step in world.plan().to_buy] == [f"b/new@{END}"]
    world = World(now, bought=[old], shows=rows(END), terms=[bought_term(name="old")])
    step = world.step()
    assert step is not None
    assert (step.status, str(step.request.key)) == ("already_placed", f"b/old@{END}")


def test_a_second_generation_is_renewed_by_its_own_key() -> None:
    world = World(renewed(generation=2), shows=rows(END))
    assert [str(step.request.key) for step in world.plan().to_buy] == [f"b/a#2@{END}"]


# -- what is bought already, or may be


@pytest.mark.parametrize("days", [-15, -1, 0, 1, 15])
def test_a_term_near_one_that_is_bought_is_that_term(days: int) -> None:
    """A list that lags shows the old end still, perhaps spelled otherwise: nothing is bought, and a warning says so."""
    world = World(shows=rows(END), terms=[bought_term(END + timedelta(days=days))])
    step = world.step()
    assert step is not None
    assert (step.status, step.request.key.term) == ("already_placed", (END + timedelta(days=days)).isoformat())
    assert step.warning is not None
    assert (step.warning.code, step.warning.severity) == (REPEATED, "warning")
    assert f"still ends order 77 on {END}" in step.warning.message
    assert world.plan().to_buy == ()


def test_the_next_term_is_another_one() -> None:
    """The end that the last renewal brought, or one up to two days earlier, is renewed when it is due."""
    for early in (0, 1, 2):
        before = END - timedelta(days=30 - early)
        world = World(shows=rows(END), terms=[bought_term(before)])
        assert [str(step.request.key) for step in world.plan().to_buy] == [f"b/a@{END}"]


def test_a_term_is_told_from_the_next_by_its_own_period() -> None:
    """After a week that was bought, a month may follow at once."""
    before = END - timedelta(days=7)
    world = World(shows=rows(END), terms=[bought_term(before, period="1w")])
    assert len(world.plan().to_buy) == 1


def test_an_end_that_should_be_later_is_a_question() -> None:
    before = END - timedelta(days=27)
    code, message = refusal(World(shows=rows(END), terms=[bought_term(before)]))
    assert (code, message) == (
        UNCLEAR,
        f"order 77 ends on {END} by the vendor's list, but it was renewed until {before + timedelta(days=30)}",
    )


def test_a_renewal_in_doubt_is_shown_and_never_repeated() -> None:
    """Whether the order is due or not, selected or not; nothing else is asked of it."""
    consent = Consent(account="default", selection=Selection(only=("b",)))
    for end in (END, END + timedelta(days=400)):
        world = World(shows=rows(end), terms=[bought_term(END, State.UNKNOWN, reason="no answer")])
        for changes in ({}, {"consent": consent}):
            world.task = replace(world.task, **changes)  # type: ignore[arg-type]
            step = world.step()
            assert step is not None
            assert (step.status, step.reason, step.request.renews) == ("unknown", "no answer", "77")
            assert world.shop.asked == []


@pytest.mark.parametrize("state", [State.REJECTED, State.ABSENT, State.PLANNED])
def test_a_renewal_that_bought_nothing_is_tried_again(state: State) -> None:
    world = World(shows=rows(END), terms=[bought_term(END, state)])
    step = world.step()
    assert step is not None
    assert step.to_buy
    assert step.record is not None
    assert step.record.state is state


def test_a_renewal_that_was_answered_with_another_order_is_a_question() -> None:
    world = World(shows=rows(END), terms=[bought_term(END, State.ABSENT, stray_order_id="99")])
    code, message = refusal(world)
    assert code == UNCLEAR
    assert "was answered with order 99" in message


def test_terms_of_an_earlier_purchase_of_the_name_are_not_its_own() -> None:
    """An order that is another one at the vendor now was not renewed by what renewed the one before."""
    world = World(bought=[record(renewed(), order_id="88")], shows=rows(END, order_id="88"), terms=[bought_term(END)])
    assert [step.request.renews for step in world.plan().to_buy] == ["88"]


# -- what a person has to decide


def test_an_order_that_ended_is_not_renewed() -> None:
    code, message = refusal(World(shows=rows(TODAY - timedelta(days=1))))
    assert (code, message) == (
        IMPOSSIBLE,
        f"order 77 ended on {TODAY - timedelta(days=1)}: it cannot be renewed any more",
    )


def test_what_the_vendor_renews_by_itself_is_not_renewed() -> None:
    code, message = refusal(World(shows=rows(END, armed=True)))
    assert (code, "its own auto-renewal is on" in message) == (IMPOSSIBLE, True)


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        ((END, END + timedelta(days=30)), f"1 on {END}, 1 on {END + timedelta(days=30)}"),
        ((END, None), f"1 on {END}, 1 without a date"),
    ],
)
def test_rows_that_do_not_end_together_are_a_question(ends: tuple[date | None, ...], words: str) -> None:
    assert refusal(World(shows=rows(*ends))) == (UNCLEAR, f"the proxies of order 77 do not end together: {words}")


def test_more_proxies_than_were_bought_are_a_question() -> None:
    """Rows of another order under our number would be paid for; fewer than ordered are renewed as they are."""
    code, message = refusal(World(shows=rows(*[END] * 11)))
    assert (code, message) == (UNCLEAR, "the vendor's list has 11 proxies of order 77, of which 10 were bought")
    assert World(shows=rows(*[END] * 9)).plan().to_buy
    world = World(renewed(type="mobile"), shows=(replace(row, type="mobile") for row in rows(*[END] * 11)))
    assert refusal(world) == (code, message), "as `proxies` and `status --online` count them"
    world = World(renewed(type="ipv6"), shows=(replace(row, type="ipv6") for row in rows(*[END] * 11)))
    assert world.plan().to_buy, "of ipv6 nobody knows how many rows there are"


def test_rows_that_end_a_day_apart_end_together() -> None:
    """Dates are spelled variously: the earliest is the end."""
    world = World(shows=rows(END + timedelta(days=2), END))
    assert [step.request.key.term for step in world.plan().to_buy] == [END.isoformat()]


def test_an_order_that_no_list_shows_is_said_so_once_it_should_end() -> None:
    """A month after it was bought, and not while it may still be delivered."""
    world = World(shows=())
    assert world.step() is None
    later = TODAY + timedelta(days=27)
    code, message = refusal(World(shows=()), later)
    assert (code, message) == (
        IMPOSSIBLE,
        f"the vendor shows no proxy of order 77, which should end about {TODAY + timedelta(days=30)}",
    )


def test_rows_without_any_date_are_a_question_once_it_should_end() -> None:
    later = TODAY + timedelta(days=27)
    world = World(shows=rows(None, None))
    assert world.step() is None
    assert refusal(world, later)[1] == "the vendor's list has no end date for any proxy of order 77"


def test_a_list_that_is_down_is_said_and_stops_only_a_purchase() -> None:
    """A plan goes on with a notice; a purchase, or a strict account, does without nothing."""

    class Down(Shop):
        def proxies(self, product: str, order_ids: Any = None) -> tuple[ListedProxy, ...]:
            raise VendorUnavailable("the list was cut off")

    world = World()
    world.shop = Down({"a": "10.00"})
    plan = world.plan()
    assert [problem.code for problem in plan.notices] == ["PSR463"]
    assert "which ipv4 orders are to be renewed: the list was cut off" in plan.notices[0].message
    with pytest.raises(VendorUnavailable):
        world.plan(buying=True)
    world.task = replace(world.task, guard=Guard(strict=True))
    with pytest.raises(VendorUnavailable):
        world.plan()


def test_a_window_as_long_as_a_locked_period_is_refused() -> None:
    """The manifest could not know what the word means."""
    rule = replace(RULE, period_id="1w", within=7, period="1 week")
    code, message = refusal(World(renewed(rule=rule), shows=rows(END)))
    assert (code, message) == (IMPOSSIBLE, "its window, 7d, must be shorter than its period, 1w")
    code, message = refusal(World(renewed(rule=replace(rule, period_id="forever")), shows=rows(END)))
    assert (code, message) == (IMPOSSIBLE, "for how long `forever` runs is not known")


# -- limits


def limited(*caps: Cap, **rules: Any) -> Limits:
    places = {name: span(3) for name in ("renewals.allowed", "allow.periods", "allow.payments", "allow.types")}
    places |= {"require_labels": span(4)}
    policy = Policy(path="order-runner.yaml", sha256="", caps=caps, places=places, **rules)
    return Limits(policies=(policy,))


def test_a_policy_may_forbid_renewals() -> None:
    code, message = refusal(World(shows=rows(END), limits=limited(renewals=False)))
    assert (code, message) == ("PSR710", "renewals are not allowed: renewals.allowed (order-runner.yaml:3:3) is false")
    assert World(shows=rows(END), limits=limited(renewals=True)).plan().to_buy


@pytest.mark.parametrize(
    "rules",
    [{"periods": ("1w",)}, {"payments": ("card",)}, {"types": ("isp",)}, {"require_labels": ("team",)}],
    ids=str,
)
def test_what_a_policy_says_of_orders_holds_for_renewals(rules: dict[str, Any]) -> None:
    assert refusal(World(shows=rows(END), limits=limited(**rules)))[0] in ("PSR710", "PSR711")


def test_the_period_of_a_renewal_is_held_against_a_policy_and_not_that_of_its_order() -> None:
    rule = replace(RULE, period_id="1w")
    assert World(renewed(rule=rule), shows=rows(END), limits=limited(periods=("1w",))).plan().to_buy


def test_the_renewals_of_a_run_have_a_limit() -> None:
    cap = Cap(name="renewals.max_total", amount=Decimal("9.99"), renewals=True)
    plan = World(shows=rows(END), limits=limited(cap)).plan()
    assert [problem.code for problem in plan.objections] == ["PSR430"]
    assert "the renewals of one run cost 10.00" in plan.objections[0].message


def test_renewals_count_in_the_limit_of_their_batch() -> None:
    """Those of before and this one, beside what the order cost; also those of an order that has no `renew` any more."""
    before = bought_term(END - timedelta(days=30), total=Decimal("10.00"))
    for most, refused in (("23.00", False), ("22.99", True)):
        world = World(shows=rows(END), terms=[before])
        world.task = replace(world.task, contents=replace(world.task.contents, batches=(batch(max_total=most),)))
        assert bool(world.plan().objections) == refused
    world = World(order(), order("b", fields={"quantity": 3}), bought=[record(order())], terms=[before])
    world.task = replace(world.task, contents=replace(world.task.contents, batches=(batch(max_total="22.99"),)))
    (objection,) = world.plan().objections
    assert "batch b costs 23.00, 13.00 of it spent already" in objection.message


def test_a_limit_on_one_order_holds_for_a_renewal() -> None:
    world = World(shows=rows(END))
    world.task = replace(world.task, contents=replace(world.task.contents, batches=(batch(max_order="9.00"),)))
    assert refusal(world)[0] == "PSR404"


def test_renewals_count_among_the_orders_of_a_run() -> None:
    plan = World(shows=rows(END), limits=Limits(max_orders=0)).plan()
    assert [problem.code for problem in plan.objections] == ["PSR431"]


# -- approval


def test_a_term_that_was_bought_under_this_approval_is_a_step_still() -> None:
    """So that what is left after a partial run is covered; under another approval, or none, nothing is said of it."""
    term = bought_term(END)
    world = World(shows=rows(END + timedelta(days=30)), terms=[term])
    world.books.allowances = lambda keys: {  # type: ignore[method-assign]
        key: Allowed(ceiling=Decimal(10), approval="sha256:1") for key in keys if key.term
    }
    for digest, there in (("sha256:1", True), ("sha256:2", False), (None, False)):
        approval = Approval(digest=digest) if digest else None
        world.task = replace(world.task, consent=Consent(account="default", approval=approval))
        step = world.step()
        assert (step is not None) == there
        if step is not None:
            assert (step.status, step.reason) == (
                "already_placed",
                f"renewed from {END} to {END + timedelta(days=30)}",
            )
