"""Which orders have one price between them, and for how long."""

from __future__ import annotations

from typing import Any

import pytest

from runner.core.prices import MAX_AGE, Prices
from runner.core.vendor import QuoteRefused, VendorError
from tests.make import StillClock, order, quote, renewal, term

NAMED = {"customTargetName": "prices"}


def refused(field: str | None) -> QuoteRefused:
    return QuoteRefused(errors=(VendorError(message="no", field=field),))


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [
        (NAMED, NAMED, True),
        (NAMED, {"customTargetName": "weather"}, True),
        (NAMED, {}, False),
        (NAMED, {"customTargetName": "  "}, False),
        (NAMED, {**NAMED, "quantity": 11}, False),
        (NAMED, {**NAMED, "paymentId": 43}, False),
        (NAMED, {**NAMED, "authorization": ""}, False),
        (NAMED, {**NAMED, "coupon": "SAVE"}, False),
        ({**NAMED, "coupon": "SAVE"}, {**NAMED, "coupon": "SAVE"}, False),
    ],
)
def test_only_the_purpose_may_differ(one: dict[str, Any], other: dict[str, Any], *, share: bool) -> None:
    """A price serves another order only where all but the text of `customTargetName` is the same, and no coupon."""
    prices = Prices(StillClock())
    prices.keep(order("a", fields=one), 0.0, quote())
    assert (prices.find(order("b", fields=other)) is not None) is share


def test_the_type_is_part_of_the_content() -> None:
    """The same fields of another type are another product."""
    prices = Prices(StillClock())
    prices.keep(order(), 0.0, quote())
    assert prices.find(order(type="isp")) is None


def test_a_price_with_a_coupon_serves_nothing_else() -> None:
    """Not even its own order: whether a coupon can be used once more is asked each time."""
    prices, with_coupon = Prices(StillClock()), order(fields={"coupon": "SAVE"})
    prices.keep(with_coupon, 0.0, quote())
    assert prices.find(with_coupon) is None


def test_unshared_prices_serve_their_own_order() -> None:
    """Where the assumption is switched off, a price serves the order that it was asked for, and no other."""
    prices = Prices(StillClock(), shared=False)
    prices.keep(order("a"), 0.0, quote())
    assert prices.find(order("a")) == quote()
    assert prices.find(order("b")) is None


@pytest.mark.parametrize(("field", "share"), [("quantity", True), ("customTargetName", False), (None, False)])
def test_a_refusal_is_shared_by_what_it_blames(field: str | None, *, share: bool) -> None:
    """A refusal for a field that the orders have in common holds for all of them, any other for its own alone."""
    prices = Prices(StillClock())
    prices.keep(order("a"), 0.0, refused(field))
    assert prices.find(order("b")) == (refused(field) if share else None)


def test_age_counts_from_the_asking() -> None:
    """A price that took long to come is as old as its question."""
    clock = StillClock()
    prices = Prices(clock)
    clock.seconds = 50.0
    prices.keep(order(), 10.0, quote())
    clock.seconds = 10.0 + MAX_AGE
    assert prices.find(order()) is None
    assert prices.find(order(), max_age=float("inf")) == quote()


def test_the_price_of_a_renewal_serves_its_own_rows_alone() -> None:
    """Not those that the order has by other ids, nor another order, nor another term; shared or not."""
    for shared in (True, False):
        prices = Prices(StillClock(), shared=shared)
        asked = renewal(term=term("77", "1", "2"))
        prices.keep(asked, 0.0, quote())
        assert prices.find(asked) == quote()
        assert prices.find(renewal(term=term("77", "1", "3"))) is None
        assert prices.find(renewal("b", renews="78", term=term("78", "1", "2"))) is None
        assert prices.find(renewal(end="2027-01-28", term=term("77", "1", "2"))) is None
