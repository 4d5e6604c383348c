"""Which orders at the vendor nobody owns, and which of them look like one that is to be bought: a table of cases."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from runner.core.orders import OrderKey, OrderRequest
from runner.core.vendor import SeenOrder
from runner.evidence.match import Countries, Match, Sought, fit
from runner.evidence.strangers import DELIVERED, NAMED, RECENT, find_unowned, likenesses
from tests import make
from tests.make import look, seen

DOCS = Path(__file__).resolve().parents[2] / "docs"
TODAY = make.AT.date()
COUNTRIES: Countries = {("ipv4", "561"): "FRA", ("ipv4", "562"): "DEU"}


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def asked(name: str = "a", **changes: Any) -> OrderRequest:
    return make.order(name, fields={"quantity": 2} | changes)


def alike(order: SeenOrder, request: OrderRequest, countries: Countries = COUNTRIES) -> list[str] | None:
    """The doubts where they look alike, None where they do not."""
    found = likenesses([request], {"ipv4": [order]}, countries, TODAY).get(request.key)
    return None if found is None else list(found.fits[0].doubts)


@pytest.mark.parametrize(
    ("order", "owned", "named"),
    [
        (seen(), set(), True),
        (seen(), {"77"}, False),
        (seen(), {"977_1"}, False),
        (seen(), {"9", "977", "7"}, True),
        (seen(numbers=frozenset({"1_1", "1_2"})), {"1_2"}, False),
        (seen(starts=None), set(), True),
        (seen(starts=ago(31)), set(), True),
        (seen(starts=ago(32)), set(), False),
        (seen(starts=TODAY + timedelta(days=1)), set(), True),
        (seen(rows=0, countries=frozenset(), numbers=frozenset()), set(), True),
    ],
)
def test_nobodys(order: SeenOrder, owned: set[str], named: bool) -> None:
    """Owned by id or number, or older than a month: not named. All else is, what says nothing of itself, too."""
    assert find_unowned(look(order), owned, TODAY) == ([order] if named else [])


@pytest.mark.parametrize(
    ("order", "request_", "doubts"),
    [
        (seen(), asked(), []),
        (seen(), asked(countryId=562), None),
        (seen(), asked(countryId=999), ["its country cannot be compared"]),
        (seen(countries=frozenset()), asked(), ["its country cannot be compared"]),
        (seen(countries=frozenset({"FRA", "DEU"})), asked(), ["it has proxies of several countries"]),
        (seen(rows=3), asked(), None),
        (seen(rows=1), asked(), ["it has 1 of 2 proxies: more may still be delivered"]),
        (seen(rows=1, starts=ago(2), ends=date(2026, 12, 21)), asked(), ["it has 1 of 2 proxies: more may still be"]),
        (seen(rows=1, starts=ago(3), ends=date(2026, 12, 20)), asked(), None),
        (seen(rows=2, starts=ago(30), ends=date(2026, 11, 24)), asked(), []),
        (seen(), asked(periodId="3m"), None),
        (seen(), asked(periodId="forever"), ["its period cannot be compared"]),
        (seen(ends=None), asked(), ["its period cannot be compared"]),
        (seen(), asked(protocol="SOCKS5"), []),
        (seen(protocols=frozenset({"HTTP"})), asked(protocol="SOCKS5"), None),
        (seen(numbers=frozenset()), asked(), []),
        (seen(ends=date(2027, 1, 23)), asked(), ["it ends later, as if it had been renewed"]),
        (seen(ends=date(2027, 1, 23)), asked(periodId="3m"), None),
        (seen(starts=None), asked(), ["it does not say when", "its period cannot be compared"]),
    ],
)
def test_looks_like(order: SeenOrder, request_: OrderRequest, doubts: list[str] | None) -> None:
    """What speaks against it excludes an order; what cannot be compared is a doubt, and excludes nothing."""
    reasons = alike(order, request_)
    if doubts is None:
        assert reasons is None
        return
    assert reasons is not None
    assert len(reasons) == len(doubts)
    assert all(told.startswith(doubt) for told, doubt in zip(reasons, doubts, strict=True))


def test_other_types_are_strangers() -> None:
    """An order is compared with those of its own type only."""
    assert likenesses([asked()], {"isp": [seen()]}, COUNTRIES, TODAY) == {}


def test_each_gets_a_suggestion_of_its_own() -> None:
    """Several equal orders are paired with what looks like them, oldest id first; what is left over begins anew."""
    orders = [seen("100"), seen("99"), seen("98", countries=frozenset({"DEU"}))]
    wanted = [asked("a"), asked("b"), asked("german", countryId=562), asked("c"), asked("more", quantity=1)]
    lookalikes = likenesses(wanted, {"ipv4": orders}, COUNTRIES, TODAY)
    assert {key.name: one.suggestion for key, one in lookalikes.items()} == {
        "a": "99",
        "b": "100",
        "german": "98",
        "c": "99",
    }
    assert [fit.order.order_id for fit in lookalikes[OrderKey("b", "c")].fits] == ["99", "100"]


def test_a_suggestion_is_not_used_up_by_who_cannot_have_it() -> None:
    """A small order leaves the larger strangers to others; what is delivered whole is for orders of its own number only."""
    fresh = [seen("1", rows=3), seen("2", rows=1), seen("3", rows=2)]
    whole = [seen("4", rows=2, starts=ago(9), ends=date(2026, 12, 14)), seen("5", rows=1, starts=ago(9), ends=ago(1))]
    wanted = [asked(name, quantity=n) for name, n in (("one", 1), ("three", 3), ("two", 2), ("again", 2), ("more", 2))]
    lookalikes = likenesses(wanted, {"ipv4": [*whole, *fresh]}, COUNTRIES, TODAY)
    assert {key.name: one.suggestion for key, one in lookalikes.items()} == {
        "one": "2",
        "three": "1",
        "two": "3",
        "again": "4",
        "more": "2",
    }
    assert {key.name: one.number for key, one in lookalikes.items()} == {
        "one": 1,
        "three": 3,
        "two": 3,
        "again": 3,
        "more": 3,
    }


@pytest.mark.parametrize("rows", [1, 2, 40])
def test_the_rows_of_an_ipv6_order_may_be_any(rows: int) -> None:
    """However many rows an order of IPv6 has, and however old it is, it may be the one that was forgotten."""
    order = seen(rows=rows, starts=ago(9), ends=ago(9) + timedelta(days=31))
    wanted = make.order("a", type="ipv6", fields={"quantity": 2})
    assert likenesses([wanted], {"ipv6": [order]}, {("ipv6", "561"): "FRA"}, TODAY)


def test_of_many_alike_the_first_are_named_and_all_counted() -> None:
    """Of hundreds that look like an order, twenty are told, lowest id first, with how many there are."""
    orders = [seen(str(n)) for n in range(300, 0, -1)]
    lookalikes = likenesses([asked(str(n)) for n in range(300)], {"ipv4": orders}, COUNTRIES, TODAY)
    (ids,) = {tuple(fit.order.order_id for fit in one.fits) for one in lookalikes.values()}
    assert ids == tuple(str(n) for n in range(1, NAMED + 1))
    assert [one.suggestion for one in lookalikes.values()] == [str(n) for n in range(1, 301)]
    assert {one.number for one in lookalikes.values()} == {300}


@pytest.mark.parametrize("product", ["ipv4", "mix"])
def test_the_first_contact_compares_few(product: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of orders of many countries, or packages of them, are not each compared with each of hundreds."""
    codes = [f"C{n:02}" for n in range(30)]
    countries: Countries = {(product, str(n)): code for n, code in enumerate(codes)}
    periods = ("1w", "1m", "3m")
    wanted = [
        make.order(
            str(n), type=product, fields={"countryId": n % 30, "periodId": periods[n % 3], "quantity": 1 + n % 7}
        )
        for n in range(600)
    ]
    shown = [frozenset({codes[n % 30]} if product == "ipv4" else {codes[n % 30], codes[n // 30]}) for n in range(600)]
    strangers = [
        seen(str(1000 + n), rows=1 + n % 7, countries=where, starts=ago(n % 9), ends=ago(n % 9) + timedelta(days=7))
        for n, where in enumerate(shown)
    ]
    compared: list[str] = []

    def counting_fit(order: SeenOrder, sought: Sought, among: Countries) -> Match | None:
        compared.append(order.order_id)
        return fit(order, sought, among)

    monkeypatch.setattr("runner.evidence.strangers.fit", counting_fit)
    assert likenesses(wanted, {product: strangers}, countries, TODAY)
    assert len(compared) < 20 * 600


def test_limits_are_those_of_the_documents() -> None:
    """The page that explains the comparison names the days that count."""
    page = " ".join((DOCS / "explanation" / "life-of-an-order.md").read_text(encoding="utf-8").split())
    assert f"it began in the last {RECENT.days} days, or does not say when" in page
    assert timedelta(days=2) == DELIVERED
    assert "may still be delivered for two days after its beginning" in page
