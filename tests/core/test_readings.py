"""What was read of the account: how long it serves, how purchases of ours change it, and when it may be read at all."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from runner.core.readings import MAX_AGE, Readings
from runner.core.vendor import ListedProxy, Placed
from tests.make import Shop, StillClock, look, order, quote, renewal, seen

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
    readings.count_purchase(order(), Placed(order_id="1", total=Decimal(10)), Decimal(10), MAX_AGE)
    clock.seconds = 2 * MAX_AGE
    readings.quote(order())
    assert shop.asked == ["a", "a"], "what was answered a minute ago confirms nothing now, whenever it is counted"
    shop.asked.pop()
    for total in (None, Decimal(9)):
        readings.count_purchase(order(), Placed(order_id="1", total=total), Decimal(10))
        readings.quote(order())
    assert shop.asked == ["a"] * 3


def test_a_list_serves_the_whole_run_and_a_balance_a_minute(readings: Readings, shop: Shop, clock: StillClock) -> None:
    """Each is read once; a balance again when it is a minute old."""
    for seconds in (0.0, MAX_AGE - 0.1, MAX_AGE):
        clock.seconds = seconds
        readings.balance()
        readings.witness("ipv4")
    assert shop.asked == ["balance", "witness", "balance"]


def test_nothing_is_read_while_orders_are_in_flight(readings: Readings, shop: Shop, clock: StillClock) -> None:
    """An old balance goes on serving then; a list that was never read, or was given up, may not be had."""
    readings.balance()
    readings.reserve(order("a"), Decimal(10))
    clock.seconds = 2 * MAX_AGE
    assert readings.balance().amount == 100
    assert readings.is_due("ipv4")
    with pytest.raises(ValueError, match="1 orders were in flight"):
        readings.witness("ipv4")
    readings.distrust()
    with pytest.raises(ValueError, match="the balance was to be read"):
        readings.balance()
    readings.release(order("a"))
    readings.balance()
    readings.witness("ipv4")
    assert not readings.is_due("ipv4")


def test_what_is_in_flight_is_not_there_to_be_spent(readings: Readings) -> None:
    """Orders that are on their way, and those that were bought, leave so much less; what came to nothing gives it back."""
    one, other, card = order("a"), order("b"), order("c", fields=CARD)
    for request in (one, other, card):
        readings.balance()
        readings.reserve(request, Decimal(10))
    assert readings.available() == 80
    readings.count_purchase(one, Placed(order_id="1", total=Decimal(9)), Decimal(10))
    assert readings.available() == 81
    readings.release(other)
    readings.count_purchase(card, Placed(order_id="2"), Decimal(10))
    assert readings.available() == 91
    assert readings.balance().amount == 100


def test_a_balance_in_an_answer_is_a_reading_only_of_an_order_that_was_alone(readings: Readings, shop: Shop) -> None:
    """Of two in flight at once, one may have been charged after the other's balance was told, and settled before."""
    readings.balance()
    readings.reserve(order("a"), Decimal(10))
    readings.reserve(order("b"), Decimal(10))
    told = Placed(order_id="1", total=Decimal(10), balance=Decimal(90))
    readings.count_purchase(order("a"), told, Decimal(10))
    readings.count_purchase(order("b"), told, Decimal(10))
    assert (readings.balance().amount, readings.available()) == (100, 80)
    readings.reserve(order("c"), Decimal(10))
    readings.count_purchase(order("c"), Placed(order_id="3", balance=Decimal(70)), Decimal(10))
    assert (readings.balance().amount, readings.available()) == (70, 70)


def test_a_price_tells_the_balance_only_while_nothing_is_in_flight(readings: Readings, shop: Shop) -> None:
    """Whether it has an order on its way in it, nobody knows."""
    readings.balance()
    readings.reserve(order("a"), Decimal(10))
    shop.tells = Decimal(42)
    readings.quote(order("a"))
    assert readings.balance().amount == 100


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
    assert readings.balance().amount == 42
    assert shop.asked == ["a", "balance", "a"]


def test_a_look_is_the_next_witness(readings: Readings, shop: Shop) -> None:
    """What was looked at serves as the list before a purchase."""
    shop.shows = look(seen("77"), seen("78"))
    readings.look("ipv4")
    assert readings.witness("ipv4").order_ids == {"77", "78"}
    assert shop.asked == ["look"]


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
    readings.reserve(order(fields=fields), Decimal(10))
    readings.count_purchase(order(fields=fields), placed, Decimal(10))
    assert readings.available() == left


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


def listed(order_id: str, row_id: str = "1") -> ListedProxy:
    return ListedProxy(type="ipv4", order_id=order_id, row_id=row_id, ip="192.0.2.1", ends=date(2026, 12, 29))


def test_terms_serve_a_minute_for_every_order_that_was_asked_about(
    readings: Readings, shop: Shop, clock: StillClock
) -> None:
    """One list serves all orders of it; an order that was not asked about, and a list of a minute ago, are read."""
    shop.rows = (listed("7"), listed("8"))
    assert set(readings.terms("ipv4", ["7", "8", "9"])) == {"7", "8"}, "one without a row has no term"
    assert set(readings.terms("ipv4", ["8"])) == {"8"}
    assert shop.asked == ["proxies of ipv4"]
    readings.terms("ipv4", ["6"])
    assert shop.asked == ["proxies of ipv4"] * 2
    clock.seconds = MAX_AGE
    readings.terms("ipv4", ["7", "6"])
    assert shop.asked == ["proxies of ipv4"] * 3


def test_terms_are_not_read_while_orders_are_in_flight(readings: Readings, shop: Shop, clock: StillClock) -> None:
    """What was read goes on serving then, however old; what was not may not be had."""
    shop.rows = (listed("7"),)
    readings.terms("ipv4", ["7"])
    readings.reserve(order(), Decimal(10))
    clock.seconds = 10 * MAX_AGE
    assert set(readings.terms("ipv4", ["7"])) == {"7"}
    assert shop.asked == ["proxies of ipv4"]
    with pytest.raises(ValueError, match="the list of ipv4 terms was to be read while 1 orders were in flight"):
        readings.terms("ipv4", ["8"])


def test_a_renewal_and_what_was_not_as_expected_have_terms_read_again(readings: Readings, shop: Shop) -> None:
    """A renewal changes the ids of its rows, so that what was read before it serves nobody; a purchase changes none."""
    shop.rows = (listed("7"),)
    readings.terms("ipv4", ["7"])
    readings.count_purchase(order(), Placed(order_id="1", total=Decimal(10)), Decimal(10))
    readings.terms("ipv4", ["7"])
    assert shop.asked == ["proxies of ipv4"]
    renewal = order(only={"renews": "7", "ends": "2026-12-29", "periodId": "1m", "paymentId": 1})
    readings.count_purchase(renewal, Placed(order_id="7@2026-12-29", total=Decimal(10)), Decimal(10))
    readings.terms("ipv4", ["7"])
    readings.distrust()
    readings.terms("ipv4", ["7"])
    assert shop.asked == ["proxies of ipv4"] * 3


def test_a_renewal_gives_up_the_term_of_its_own_order_alone(readings: Readings, shop: Shop, clock: StillClock) -> None:
    """What was read of the others goes on serving; a term is due when it was not read, or a minute ago."""
    shop.rows = (listed("7"), listed("8"))
    seventh, eighth = (renewal(renews=order_id) for order_id in "78")
    assert readings.is_term_due(seventh)
    readings.terms("ipv4", ["7", "8"])
    assert not readings.is_term_due(seventh)
    assert not readings.is_term_due(order()), "an order has no term to read"
    readings.count_purchase(seventh, Placed(order_id="7@2026-12-29", total=Decimal(10)), Decimal(10))
    assert readings.is_term_due(seventh)
    assert not readings.is_term_due(eighth)
    readings.terms("ipv4", ["8"])
    assert shop.asked == ["proxies of ipv4"]
    clock.seconds = MAX_AGE
    assert readings.is_term_due(eighth)
