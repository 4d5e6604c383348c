"""Which of the vendor's orders is which of those that are wanted: proposed where exactly one fits, both ways."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from runner.core.orders import OrderKey, OrderRequest
from runner.core.vendor import SeenOrder
from runner.evidence.match import Countries, Sought
from runner.evidence.pairs import NOT_LISTED, NOTHING_FITS, Pairing, Rival, pair
from runner.evidence.strangers import DELIVERED
from tests import make

TODAY = make.AT.date()
COUNTRIES: Countries = {("ipv4", "561"): "FRA", ("ipv4", "562"): "DEU"}


def wanted(name: str, **changes: Any) -> OrderRequest:
    return make.order(name, fields={"quantity": 2} | changes)


def there(order_id: str, **changes: Any) -> SeenOrder:
    """Two French proxies of today, for a month."""
    usual = SeenOrder(
        order_id=order_id,
        rows=2,
        numbers=frozenset({f"9{order_id}"}),
        countries=frozenset({"FRA"}),
        protocols=frozenset({"HTTP"}),
        starts=TODAY,
        ends=TODAY + timedelta(days=30),
    )
    return replace(usual, **changes)


def compare(requests: list[OrderRequest], orders: list[SeenOrder], *rivals: Rival) -> Pairing:
    return pair(requests, {"ipv4": orders}, rivals, COUNTRIES, TODAY)


def pairs_of(pairing: Pairing) -> dict[str, str]:
    return {one.key.name: one.order.order_id for one in pairing.pairs}


def test_the_only_one_is_proposed_with_what_speaks_for_it() -> None:
    """One order, one wish: a pair, and all that was compared in words."""
    (one,) = compare([wanted("a")], [there("1")]).pairs
    assert (one.key.name, one.order.order_id, one.doubts) == ("a", "1", ())
    assert one.grounds == ("it is in FRA", "it has 2 of 2 proxies", f"{TODAY} to {one.order.ends} is its 1m")


@pytest.mark.parametrize(
    ("requests", "orders", "reasons"),
    [
        ([wanted("a")], [there("1"), there("2")], ["2 orders could be it"]),
        (
            [wanted("a"), wanted("b")],
            [there("1")],
            ["order 1 could be it, but also b/b", "order 1 could be it, but also b/a"],
        ),
        ([wanted("a"), wanted("b")], [there("1"), there("2")], ["2 orders could be it"] * 2),
        ([wanted("a")], [], [NOTHING_FITS]),
        ([wanted("a")], [there("1", countries=frozenset({"DEU"}))], [NOTHING_FITS]),
        ([wanted("a")], [there("1", rows=1, starts=TODAY - DELIVERED - timedelta(days=1))], [NOTHING_FITS]),
    ],
    ids=["two orders", "two wishes", "two of each", "nothing", "elsewhere", "fewer for good"],
)
def test_what_could_be_several_is_left(
    requests: list[OrderRequest], orders: list[SeenOrder], reasons: list[str]
) -> None:
    """Nothing is guessed: no pair, and the reason."""
    pairing = compare(requests, orders)
    assert pairing.pairs == ()
    assert [one.reason for one in pairing.leftovers] == reasons


def test_what_fits_in_everything_comes_before_what_fits_with_a_doubt() -> None:
    """The doubtful possibility is told on both sides, and takes nobody's place."""
    week = wanted("week", periodId="1w")
    short = there("2", ends=TODAY + timedelta(days=7))
    pairing = compare([week, wanted("month")], [there("1"), short])
    assert pairs_of(pairing) == {"week": "2", "month": "1"}
    assert [one.doubts for one in pairing.pairs] == [
        ("order 1 could be it, too, but it ends later, as if it had been renewed",),
        ("it could be b/week, too, but it ends later, as if it had been renewed",),
    ]


def test_the_only_doubtful_one_is_proposed_with_its_doubt() -> None:
    """What was renewed since is still the only one that could be it."""
    (one,) = compare([wanted("a", periodId="1w")], [there("1")]).pairs
    assert one.doubts == ("it ends later, as if it had been renewed",)


def test_an_order_in_doubt_keeps_what_could_be_it() -> None:
    """An open claim comes first: what it may have bought is nobody else's."""
    sought = Sought(type="ipv4", fields=wanted("x").fields, begins=make.AT)
    pairing = compare([wanted("a")], [there("1")], Rival(key=OrderKey("b", "open"), sought=sought))
    assert pairing.pairs == ()
    assert pairing.leftovers[0].reason == "order 1 could be it, but also b/open"
    assert not pairing.strays["ipv4"]


def test_what_nobody_wants_is_named() -> None:
    """Orders that fit nothing are told apart from those that are only ambiguous."""
    other = there("3", countries=frozenset({"USA"}))
    pairing = compare([wanted("a")], [there("1"), there("2"), other])
    assert pairing.strays == {"ipv4": (other,)}


def test_resident_orders_are_in_no_list() -> None:
    """Said, not left out."""
    request = replace(wanted("a"), type="resident")
    assert compare([request], [there("1")]).leftovers[0].reason == NOT_LISTED


def test_many_alike_are_compared_once() -> None:
    """Ten thousand of each are one comparison, and no pair."""
    pairing = compare([wanted(f"n{n}") for n in range(10_000)], [there(str(n + 1)) for n in range(10_000)])
    assert (pairing.pairs, len(pairing.leftovers)) == ((), 10_000)
    assert pairing.leftovers[0].reason == "10000 orders could be it"
