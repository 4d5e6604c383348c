"""What was read of the account a moment ago: how long it serves, and how purchases of ours change it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from runner.core.readings import MAX_AGE, Readings
from runner.core.vendor import Placed
from tests.make import Shop, StillClock, look, order, quote, seen

CARD = {"paymentId": 43}


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def shop() -> Shop:
    return Shop({"a": "10.00"})


@pytest.fixture
def readings(shop: Shop, clock: StillClock) -> Readings:
    return Readings(shop, clock)


def test_a_price_serves_for_a_minute(readings: Readings, shop: Shop, clock: StillClock) -> None:
    """Orders of the same content are asked about once in a minute from the asking on; then again."""
    for seconds in (0.0, MAX_AGE - 0.1):
        clock.seconds = seconds
        assert readings.quote(order("a")) == readings.quote(order("b")) == quote("10.00")
    assert shop.asked == ["a"]
    clock.seconds = MAX_AGE
    readings.quote(order("a"))
    assert shop.asked == ["a", "a"]


def test_an_outcome_in_doubt_forgets_prices(readings: Readings, shop: Shop) -> None:
    """After something that was not as expected no price serves any more."""
    readings.quote(order())
    readings.distrust()
    readings.quote(order())
    assert shop.asked == ["a", "a"]


def test_a_purchase_confirms_its_price(readings: Readings, shop: Shop, clock: StillClock) -> None:
    """A charge that is the price makes it young again; another one, or none that is named, has it asked anew."""
    readings.quote(order())
    clock.seconds = MAX_AGE - 1
    readings.count_purchase(order(), Placed(order_id="1", total=Decimal(10)), Decimal(10))
    clock.seconds = 2 * MAX_AGE - 2
    readings.quote(order())
    assert shop.asked == ["a"]
    for total in (None, Decimal(9)):
        readings.count_purchase(order(), Placed(order_id="1", total=total), Decimal(10))
        readings.quote(order())
    assert shop.asked == ["a"] * 3


def test_balance_and_list_serve_for_a_minute(readings: Readings, shop: Shop, clock: StillClock) -> None:
    """Within a minute each is read once; from then on again."""
    for seconds in (0.0, MAX_AGE - 0.1):
        clock.seconds = seconds
        readings.balance()
        readings.witness("ipv4")
    assert shop.asked == ["balance", "witness"]
    clock.seconds = MAX_AGE
    readings.balance()
    readings.witness("ipv4")
    assert shop.asked == ["balance", "witness"] * 2


def test_each_type_has_its_own_list(readings: Readings, shop: Shop) -> None:
    """The list of one type is no witness of another."""
    readings.witness("ipv4")
    readings.witness("isp")
    assert shop.asked == ["witness", "witness"]


def test_a_balance_told_with_a_price_is_a_reading(readings: Readings, shop: Shop) -> None:
    """Where the vendor says the balance beside a price, it is not asked again; where it does not, it is."""
    readings.quote(order())
    readings.balance()
    shop.tells = Decimal(42)
    readings.quote(order(fields={"quantity": 1}))
    assert readings.balance() == Decimal(42)
    assert shop.asked == ["a", "balance", "a"]


def test_a_look_is_the_next_witness(readings: Readings, shop: Shop, clock: StillClock) -> None:
    """What was looked at serves as the list before a purchase, and is as old as the moment it was asked."""
    shop.shows = look(seen("77"), seen("78"))
    readings.look("ipv4")
    assert readings.witness("ipv4").order_ids == {"77", "78"}
    assert shop.asked == ["look"]
    clock.seconds = MAX_AGE
    assert readings.witness("ipv4").order_ids == {"77", "78"}, "what was shown before stays"
    assert shop.asked == ["look", "witness"]


@pytest.mark.parametrize(
    ("fields", "placed", "left"),
    [
        ({}, Placed(order_id="1", total=Decimal(7)), 93),
        ({}, Placed(order_id="1"), 90),
        ({}, Placed(order_id="1", total=Decimal(7), balance=Decimal(55)), 55),
        (CARD, Placed(order_id="1", total=Decimal(7)), 100),
    ],
    ids=["charged", "as-quoted", "told", "by-card"],
)
def test_a_purchase_is_counted_in(readings: Readings, fields: dict[str, int], placed: Placed, left: int) -> None:
    """The balance falls by what was charged, else by the quote; one that the vendor tells wins, a card leaves it alone."""
    readings.balance()
    readings.count_purchase(order(fields=fields), placed, Decimal(10))
    assert readings.balance() == left


def test_a_purchase_keeps_the_list_but_not_the_package(readings: Readings, shop: Shop) -> None:
    """An order of ours is no stranger in a list; a package that was topped up is another one, and is read again."""
    for product in ("ipv4", "resident"):
        readings.witness(product)
        readings.count_purchase(order(type=product), Placed(order_id="1"), Decimal(10))
        readings.witness(product)
    assert shop.asked == ["witness", "witness", "witness"]


def test_distrust_reads_everything_again(readings: Readings, shop: Shop) -> None:
    """After an outcome that nobody expected, neither list nor balance is taken for what it was."""
    for _ in range(2):
        readings.balance()
        readings.witness("ipv4")
        readings.distrust()
    assert shop.asked == ["balance", "witness"] * 2
