"""Quotes and purchases, refusals included."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from runner.sandbox.options import SANDBOX_KEY, Options

BODIES: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "bodies.json").read_text())
EACH_TYPE = pytest.mark.parametrize("type_", BODIES)
Staging = Callable[..., Any]


@EACH_TYPE
def test_a_purchase_costs_exactly_what_calc_said(stage: Staging, type_: str) -> None:
    """An order is charged the total of its quote, to the cent, and is remembered with all that was asked for."""
    s = stage()
    quote = s.calc(BODIES[type_]).data
    made = s.make(BODIES[type_]).data
    (purchase,) = s.box.purchases
    assert quote["warning"] == ""
    assert made["total"] == quote["total"]
    assert Decimal(str(made["balance"])) == Decimal(10000) - purchase.total
    assert s.get("balance/get").data["summ"] == made["balance"]
    assert (purchase.order_id, purchase.key, purchase.type) == (made["orderId"], SANDBOX_KEY, type_)
    assert purchase.body == BODIES[type_]
    assert list(purchase.base_order_numbers) == made["listBaseOrderNumbers"]
    assert str(purchase.total) == f"{Decimal(str(quote['price'])) * quote['quantity']:.2f}"


@EACH_TYPE
def test_a_quote_changes_nothing(stage: Staging, type_: str) -> None:
    """However often a price is asked, nothing is bought."""
    s = stage()
    first, second = s.calc(BODIES[type_]), s.calc(BODIES[type_])
    assert first.body == second.body
    assert s.box.purchases == ()
    assert s.box.balances == {SANDBOX_KEY: Decimal("10000.00")}


def test_the_country_id_alone_decides_what_is_bought(stage: Staging) -> None:
    """An id from another type's list buys that type, and no id is in two lists."""
    s = stage()
    s.make(BODIES["ipv4"], countryId=3758, type="ipv4")
    assert [p.type for p in s.box.purchases] == ["isp"]
    reference = s.get("reference/list").data
    ids = [place["id"] for section in reference.values() for place in section.get("country", [])]
    assert len(ids) == len(set(ids)) > 30


def test_price_depends_on_type_country_period_and_quantity(stage: Staging) -> None:
    """Each of the four moves the price of an item, and more items cost less each."""
    s = stage()
    variants: list[dict[str, Any]] = [{}, {"countryId": 562}, {"countryId": 3758}, {"periodId": "3m"}, {"quantity": 1}]
    prices = [s.calc(BODIES["ipv4"], **variant).data["price"] for variant in variants]
    assert len(set(prices)) == len(prices)
    assert prices[0] < prices[4]


@pytest.mark.parametrize(
    ("type_", "changes", "price", "total", "discount"),
    [
        ("ipv4", {"quantity": 1}, 1.8, 1.8, 0),
        ("ipv4", {"quantity": 9, "periodId": "3m"}, 5.13, 46.17, 0),
        ("ipv4", {"quantity": 10, "periodId": "1w"}, 0.57, 5.7, 0.1),
        ("ipv4", {"quantity": 50}, 1.53, 76.5, 0.15),
        ("ipv4", {"quantity": 100}, 1.41, 141, 0.22),
        ("ipv6", {"quantity": 10, "countryId": 2104}, 0.08, 0.8, 0.1),
        ("mix", {}, 1.26, 25.2, 0.1),
    ],
)
def test_prices_are_whole_cents_rounded_up(
    stage: Staging, type_: str, changes: dict[str, Any], price: float, total: float, discount: float
) -> None:
    """Monthly price x period x what the discount leaves, each item rounded up, times the quantity."""
    quote = stage().calc(BODIES[type_], **changes).data
    assert (quote["price"], quote["total"], quote["discount"]) == (price, total, discount)


def test_null_and_absent_fields_count_the_same(stage: Staging) -> None:
    """Unused optional fields may be null, as the vendor's own client sends them."""
    s = stage()
    nulls = dict.fromkeys(("coupon", "authorization", "generateAuth", "tarifId", "protocol", "paymentId"))
    for type_ in ("ipv4", "mix", "ipv6"):
        assert s.calc({**nulls, **BODIES[type_]}).body == s.calc(BODIES[type_]).body


def test_ids_may_come_as_decimal_text(stage: Staging) -> None:
    """A number sent as text is understood where integrators send it so."""
    s = stage()
    assert s.calc(BODIES["ipv4"], countryId="561", quantity="10").body == s.calc(BODIES["ipv4"]).body
    assert s.calc({"tarifId": "6929"}).body == s.calc({"tarifId": 6929}).body
    assert s.calc(BODIES["mobile"], operatorId=317, rotationId="5").body == s.calc(BODIES["mobile"]).body


@pytest.mark.parametrize(
    ("type_", "changes", "message"),
    [
        ("ipv4", {"countryId": 1}, "Country not exists"),
        ("ipv4", {"countryId": None}, "Country not exists"),
        ("ipv4", {"countryId": 561.5}, "Country not exists"),
        ("ipv4", {"countryId": True}, "Country not exists"),
        ("ipv4", {"periodId": "5y"}, "Set existed [periodId] from reference"),
        ("ipv4", {"periodId": 30}, "Set existed [periodId] from reference"),
        ("mobile", {"periodId": "12m"}, "Set existed [periodId] from reference"),
        ("ipv4", {"customTargetName": ""}, "Set [customTargetName]"),
        ("isp", {"customTargetName": None}, "Set [customTargetName]"),
        ("ipv6", {"customTargetName": "  "}, "Set [customTargetName]"),
        ("ipv4", {"quantity": 0}, "Set [quantity]"),
        ("ipv4", {"quantity": -1}, "Set [quantity]"),
        ("ipv4", {"quantity": None}, "Set [quantity]"),
        ("ipv4", {"quantity": True}, "Set [quantity]"),
        ("ipv4", {"quantity": 2.0}, "Set [quantity]"),
        ("ipv4", {"quantity": 1_000_000}, "Set [quantity]"),
        ("mix", {"quantity": 11}, "Set existed [quantity] from reference"),
        ("ipv4", {"paymentId": 29}, "Set existed [paymentId]"),
        ("ipv6", {"protocol": "HTTP"}, "Set existed [protocol]"),
        ("mobile", {"mobileServiceType": "both"}, "Set existed [mobileServiceType]"),
        ("mobile", {"operatorId": "31"}, "Set existed [operatorId] from reference"),
        ("mobile", {"operatorId": None}, "Set existed [operatorId] from reference"),
        ("mobile", {"rotationId": 0}, "Set existed [rotationId] from reference"),
        ("resident", {"tarifId": 1}, "Set existed [tarifId] from reference"),
    ],
)
def test_a_bad_order_is_refused_in_the_vendors_pattern(
    stage: Staging, type_: str, changes: dict[str, Any], message: str
) -> None:
    """Calc and make refuse alike, under HTTP 200 with code 0, and nothing is bought."""
    s = stage()
    calc, make = s.calc(BODIES[type_], **changes), s.make(BODIES[type_], **changes)
    assert calc.status == 200
    assert calc.body == make.body
    assert make.json == {
        "status": "error",
        "data": None,
        "errors": [{"message": message, "code": 0, "customData": None}],
    }
    assert s.box.purchases == ()


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"null", b'"x"', b"\xff"])
def test_a_body_that_is_no_object_is_an_order_for_nothing(stage: Staging, raw: bytes) -> None:
    """Anything but a JSON object is refused like an empty order."""
    s = stage()
    s.connection.request("POST", f"{s.root}/{s.server.api_key}/order/make", raw)
    assert json.loads(s.connection.getresponse().read())["errors"][0]["message"] == "Country not exists"


def test_a_short_balance_is_refused_and_left_alone(stage: Staging) -> None:
    """A purchase that the balance does not cover is refused with both amounts, and the last cent can be spent."""
    s = stage()
    s.box.set_balance(Decimal("16.19"))
    assert s.make(BODIES["ipv4"]).error == "Insufficient funds. Total $16.19. Not enough $0.01"
    s.box.set_balance(Decimal("16.20"))
    assert s.make(BODIES["ipv4"]).data["balance"] == 0
    assert s.calc(BODIES["ipv4"]).data["warning"] == "Insufficient funds. Total $0. Not enough $16.20"
    assert len(s.box.purchases) == 1


def test_the_card_leaves_the_balance_alone(stage: Staging) -> None:
    """Payment 43 buys at any balance and takes nothing from it."""
    s = stage()
    s.box.set_balance(Decimal("1.25"))
    assert s.calc(BODIES["ipv4"], paymentId=43).data["warning"] == ""
    assert s.make(BODIES["ipv4"], paymentId=43).data["balance"] == 1.25
    assert [(p.total, p.balance) for p in s.box.purchases] == [(Decimal("16.20"), Decimal("1.25"))]


def test_repeating_a_body_buys_again(stage: Staging) -> None:
    """There is no idempotency: the same bytes twice are two orders with two ids."""
    s = stage()
    first, second = s.make(BODIES["isp"]).data, s.make(BODIES["isp"]).data
    assert first["orderId"] != second["orderId"]
    assert first["listBaseOrderNumbers"] != second["listBaseOrderNumbers"]
    assert [p.order_id for p in s.box.purchases] == [first["orderId"], second["orderId"]]


def test_accounts_are_strangers_to_each_other(stage: Staging) -> None:
    """Every key has its own balance and sees its own orders only."""
    s = stage(options=Options(accounts={"second/key": Decimal(20)}))
    made = s.ask("POST", "order/make", BODIES["ipv4"], key="second/key").data
    assert made["balance"] == 3.8
    assert s.box.balances == {SANDBOX_KEY: Decimal("10000.00"), "second/key": Decimal("3.80")}
    assert s.get("proxy/list/ipv4").data == {"items": []}
    assert len(s.ask("GET", "proxy/list/ipv4", key="second/key").data["items"]) == 10
    assert s.box.purchases[0].key == "second/key"


def test_a_wrong_key_gets_the_access_triple(stage: Staging) -> None:
    """Whatever is asked with a wrong key, the answer is HTTP 200 with three messages of code 503."""
    s = stage()
    for method, endpoint in (("GET", "balance/get"), ("POST", "order/make"), ("GET", "nowhere")):
        reply = s.ask(method, endpoint, BODIES["ipv4"], key="wrong")
        assert (reply.status, reply.json["data"]) == (200, None)
        assert [(e["message"], e["code"]) for e in reply.json["errors"]] == [
            ("Error api key", 503),
            ("IP not allowed", 503),
            ("Request limit reached", 503),
        ]
    assert s.box.purchases == ()


def test_a_get_never_buys(stage: Staging) -> None:
    """The money endpoint answers POST only."""
    s = stage()
    assert s.ask("GET", "order/make", BODIES["ipv4"]).status == 405
    assert s.ask("GET", "order/list").status == 404
    assert s.box.purchases == ()


def test_requests_are_remembered_in_order_of_arrival(stage: Staging) -> None:
    """Every request to the API is on record with the status it got."""
    s = stage()
    s.get("system/ping")
    s.make(BODIES["ipv4"], countryId=1)
    s.get("nowhere")
    assert [(r.method, r.endpoint, r.status) for r in s.box.requests] == [
        ("GET", "system/ping", 200),
        ("POST", "order/make", 200),
        ("GET", "nowhere", 404),
    ]
