"""What became of bought orders: delivered, ended, moved and replaced, told only where the lists prove it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from runner.core.orders import ENDS, RENEWS
from runner.core.records import Record
from runner.core.sightings import Sighting
from runner.core.states import State
from runner.core.vendor import ListedProxy, ResidentPackage
from runner.evidence.rentals import (
    Expectation,
    FactKind,
    Moment,
    Rental,
    ShownOrder,
    begin_of,
    by_renewed,
    ending_rentals,
    expectation,
    join,
    judge_rental,
    ordered_of,
    shown_orders,
)
from tests import make

AT = make.AT
TODAY = AT.date()
WHEN = Moment(at=AT, near=TODAY + timedelta(days=7))
BOUGHT = replace(make.record(), updated_at=AT - timedelta(days=20))
MONTH = Expectation(first=TODAY + timedelta(days=10), last=TODAY + timedelta(days=11))


def day(number: int) -> date:
    """So many days from today."""
    return TODAY + timedelta(days=number)


def rows(count: int = 10, **changes: Any) -> list[ListedProxy]:
    usual = ListedProxy(
        type="ipv4",
        order_id="77",
        row_id="1",
        ip="",
        port_http=8080,
        port_socks=1080,
        login="l",
        password="p",
        country="FRA",
        number="977_1",
        starts=day(-20),
        ends=day(10),
    )
    return [replace(usual, row_id=str(n), ip=f"203.0.113.{n}", **changes) for n in range(count)]


def listing(count: int = 10, **changes: Any) -> ShownOrder:
    return shown_orders("ipv4", rows(count, **changes))[0]


def rental(seen: ShownOrder | None, **changes: Any) -> Rental:
    usual = Rental(key=BOUGHT.key, type="ipv4", state=State.PLACED, record=BOUGHT, quantity=10, listing=seen)
    return replace(usual, **changes)


def facts(of: Rental, expected: Expectation = MONTH, noted: Sighting | None = None, when: Moment = WHEN) -> list[str]:
    return [kind.value for kind in judge_rental(of, when, expected, noted)[0].facts]


def renewal(end: date, state: State = State.PLACED, **changes: Any) -> Record:
    """A month behind a day, bought five days ago."""
    request = make.order(only={RENEWS: "77", ENDS: end.isoformat(), "periodId": "1m", "paymentId": 1})
    key = request.key.renewal(end)
    return make.record(replace(request, key=key), state, updated_at=AT - timedelta(days=5), **changes)


def test_a_whole_order_tells_nothing() -> None:
    """Delivered in full, with weeks to go: nothing to act on."""
    assert facts(rental(listing())) == []


@pytest.mark.parametrize(
    ("end", "kinds", "left"),
    [(8, [], 8), (7, ["ends"], 7), (0, ["ends"], 0), (-1, ["ended"], -1)],
)
def test_ends_are_counted_by_day(end: int, kinds: list[str], left: int) -> None:
    """From the near day on an end is told, on its own day it is today, and afterwards it has ended."""
    judged, _ = judge_rental(rental(listing(ends=day(end))), WHEN, Expectation(), None)
    assert ([kind.value for kind in judged.facts], judged.days_left) == (kinds, left)


def test_the_first_end_counts() -> None:
    """Where proxies of one order end on different days, it ends on the first."""
    seen = shown_orders("ipv4", [*rows(5), *rows(5, ends=day(3))])[0]
    judged, _ = judge_rental(rental(seen), WHEN, Expectation(), None)
    assert (judged.ends, judged.facts) == (day(3), (FactKind.ENDS,))


@pytest.mark.parametrize(
    ("count", "ordered", "kinds"),
    [(9, 10, ["short"]), (11, 10, ["surplus"]), (1, None, []), (10, 10, [])],
)
def test_proxies_are_counted(count: int, ordered: int | None, kinds: list[str]) -> None:
    """Fewer than ordered, or more; of a type without a row for each address only that there is one."""
    assert facts(rental(listing(count), quantity=ordered)) == kinds


@pytest.mark.parametrize(
    ("changes", "expected", "kinds"),
    [
        ({}, MONTH, ["short"]),
        ({"quantity": None}, MONTH, ["short"]),
        ({"is_read": False}, MONTH, []),
        ({}, Expectation(first=day(-9), last=day(-8)), []),
        ({}, Expectation(), []),
        ({"record": replace(BOUGHT, updated_at=AT)}, MONTH, []),
        ({"state": State.REJECTED}, MONTH, []),
    ],
)
def test_what_is_not_shown(changes: dict[str, Any], expected: Expectation, kinds: list[str]) -> None:
    """Missing is an order that should run; not one that is over, bought meanwhile, or of a list that was not read."""
    assert facts(rental(None, **changes), expected) == kinds


@pytest.mark.parametrize(("end", "kinds"), [(13, []), (14, ["renewed_outside"]), (8, []), (7, ["ends", "ends_early"])])
def test_ends_that_nobody_bought(end: int, kinds: list[str]) -> None:
    """Two days beyond, or short of, what the ledger bought are within what zones and months explain."""
    assert facts(rental(listing(ends=day(end)))) == kinds


def test_a_move_is_told_for_a_day() -> None:
    """Told when it is first seen and for a day after, so that a look by hand hides nothing; then it is what is known."""
    moved = rental(listing(ends=day(40)))
    _, noted = judge_rental(moved, WHEN, MONTH, None)
    assert noted is not None
    for hours, kinds in ((1, ["renewed_outside"]), (23, ["renewed_outside"]), (25, [])):
        later = Moment(at=AT + timedelta(hours=hours), near=WHEN.near)
        known = expectation(BOUGHT, (), day(-20), noted, later.at)
        assert facts(moved, replace(known, first=None), noted, later) == kinds
    again = Moment(at=AT + timedelta(days=3), near=WHEN.near)
    further = rental(listing(ends=day(70)))
    assert facts(further, expectation(BOUGHT, (), day(-20), noted, again.at), noted, again) == ["renewed_outside"]


def test_own_renewals_explain_an_end() -> None:
    """A renewal of the ledger moves the expected end; one in doubt may have; one that was refused has not."""
    begin = day(-20)
    bought = expectation(BOUGHT, (), begin, None, AT)
    assert bought == Expectation(first=day(10), last=date(2026, 12, 3))
    placed = expectation(BOUGHT, [renewal(day(10))], begin, None, AT)
    assert placed == Expectation(first=day(40), last=date(2027, 1, 3))
    doubted = expectation(BOUGHT, [renewal(day(10), State.UNKNOWN)], begin, None, AT)
    assert doubted == Expectation(first=day(10), last=date(2027, 1, 3))
    assert expectation(BOUGHT, [renewal(day(10), State.REJECTED)], begin, None, AT) == bought
    today = replace(renewal(day(10)), updated_at=AT)
    assert expectation(BOUGHT, [today], begin, None, AT).first == day(10)


def test_a_renewal_in_doubt_is_in_doubt() -> None:
    """The order of a renewal that may have been charged is in doubt, and told first."""
    of = rental(listing(9), renewals=(renewal(day(10), State.UNKNOWN),))
    assert facts(of) == ["unknown", "short"]
    assert of.open


def test_renewals_by_their_order() -> None:
    """Terms in their order; purchases are none."""
    later, first = renewal(day(40)), renewal(day(10))
    assert by_renewed([later, BOUGHT, first]) == {"77": (first, later)}


def test_armed_renewals_are_told() -> None:
    """One armed proxy is enough: it will be charged."""
    seen = shown_orders("ipv4", [*rows(9), *rows(1, auto_renewed=True)])[0]
    assert facts(rental(seen)) == ["auto_renewed"]


def test_replaced_addresses_are_counted() -> None:
    """Others in the place of some are told, for a day; first seen, or only added, there is nothing to tell."""
    _, first = judge_rental(rental(listing(8)), WHEN, MONTH, None)
    assert first is not None
    whole, noted = judge_rental(rental(listing()), WHEN, MONTH, first)
    assert (whole.facts, noted and noted.replacements) == ((), 0)
    other = shown_orders("ipv4", [*rows(8), *(replace(row, ip=f"198.51.100.{n}") for n, row in enumerate(rows(2)))])[0]
    for hours, kinds in ((0, ["replaced"]), (23, ["replaced"]), (25, [])):
        moment = Moment(at=AT + timedelta(hours=hours), near=WHEN.near)
        judged, told = judge_rental(rental(other), WHEN if not hours else moment, MONTH, noted)
        assert [kind.value for kind in judged.facts] == kinds
        noted = told or noted
    assert judge_rental(rental(other), WHEN, MONTH, noted)[1] is None


def test_an_address_may_be_gone_before_its_successor_comes() -> None:
    """Support takes one away today and gives another tomorrow: that is a replacement all the same."""
    _, noted = judge_rental(rental(listing()), WHEN, MONTH, None)
    judged, without = judge_rental(rental(shown_orders("ipv4", rows()[1:])[0]), WHEN, MONTH, noted)
    assert judged.facts == (FactKind.SHORT,)
    fresh = [*rows()[1:], replace(rows()[0], ip="198.51.100.1")]
    judged, _ = judge_rental(rental(shown_orders("ipv4", fresh)[0]), WHEN, MONTH, without or noted)
    assert (judged.facts, judged.replacements) == ((FactKind.REPLACED,), 1)


def test_the_same_is_not_noted_again() -> None:
    """A renewal changes row ids and their order; addresses, days and numbers stay, and nothing is written."""
    _, noted = judge_rental(rental(listing()), WHEN, MONTH, None)
    renewed = [replace(row, row_id=f"9{row.row_id}") for row in reversed(rows())]
    again = Moment(at=AT + timedelta(hours=1), near=WHEN.near)
    assert judge_rental(rental(shown_orders("ipv4", renewed)[0]), again, MONTH, noted)[1] is None


def test_resident_orders_share_their_package() -> None:
    """Traffic and its expiry stand in place of rows."""
    package = ResidentPackage(limit=10, rest=3, ends=day(2), auto_renewed=True)
    of = rental(None, type="resident", quantity=None, package=package)
    judged, noted = judge_rental(of, WHEN, Expectation(), None)
    assert (judged.facts, judged.days_left, noted) == ((FactKind.ENDS, FactKind.AUTO_RENEWED), 2, None)


def test_when_an_order_began() -> None:
    """An adopted order began when its rows say, however late it was adopted; a later start is a renewal's."""
    assert begin_of(day(0), listing()) == day(-20)
    assert begin_of(day(-25), listing()) == day(-25)
    assert begin_of(None, None) is None


def test_numbers_that_orders_share_name_none() -> None:
    """As elsewhere: a word for nothing in every row would join what does not belong together."""
    two = shown_orders("ipv4", [*rows(1, number="0"), *rows(1, order_id="78", number="0")])
    assert [order.numbers for order in two] == [frozenset(), frozenset()]
    assert listing().numbers == {"977_1"}


def test_one_order_under_two_ids_is_joined() -> None:
    """What was renewed in part under another id is one order still."""
    both = join([listing(6), listing(4, order_id="78", ends=day(40))])
    assert both is not None
    assert (both.rows, both.first_end, both.last_end) == (10, day(10), day(40))
    assert join([]) is None


def test_only_what_ends() -> None:
    """The filter keeps what ends and what is in doubt."""
    ending, running = rental(None, ends=day(7)), rental(None, ends=day(8))
    doubt = rental(None, state=State.UNKNOWN)
    assert ending_rentals([ending, running, doubt], WHEN.near) == [ending, doubt]


def test_addresses_are_in_no_repr() -> None:
    """A trace or a log that prints one shows no address."""
    assert "203.0" not in repr(rental(listing()))


def test_what_was_ordered() -> None:
    """A quantity, but for types whose rows tell nothing of it."""
    assert ordered_of(BOUGHT) == 10
    assert ordered_of(replace(BOUGHT, type="ipv6")) is None
    assert Moment(at=datetime(2026, 1, 1, tzinfo=UTC), near=TODAY).today == date(2026, 1, 1)
