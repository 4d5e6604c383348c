"""What an order asked for, as far as its rows prove it; a reason, and no guess, where they do not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from runner.core.orders import UNSHOWN, ProductType
from runner.core.vendor import Choice, SeenOrder
from runner.evidence.deduce import Description, describe
from tests import make

TODAY = make.AT.date()
OLD = date(2026, 10, 1)


def choice(field: str, value: Any, name: str, **more: Any) -> Choice:
    return Choice(type="ipv4", field=field, value=value, name=name, **more)


CHOICES = (
    choice("countryId", 561, "France", alpha3="FRA"),
    choice("countryId", 562, "Germany", alpha3="DEU"),
    choice("periodId", "1w", "1 week"),
    choice("periodId", "1m", "1 month"),
    choice("periodId", "3m", "3 months"),
)


def there(**changes: Any) -> SeenOrder:
    usual = make.seen("77", starts=OLD, ends=date(2026, 11, 1))
    return replace(usual, **changes)


def test_an_order_is_described_whole_but_for_its_purpose() -> None:
    """Country and period in words, the quantity by its rows, and nothing in place of the purpose but that it is unknown."""
    one = describe(there(), "ipv4", CHOICES, TODAY)
    assert isinstance(one, Description)
    assert (one.name, one.remark) == ("ipv4-fra-77", "")
    assert one.fields == {"country": "FRA", "period": "1 month", "quantity": 2, "customTargetName": UNSHOWN}


@pytest.mark.parametrize(
    ("ends", "period"),
    [
        (OLD + timedelta(days=7), "1 week"),
        (OLD + timedelta(days=30), "1 month"),
        (date(2027, 1, 1), "3 months"),
        (OLD + timedelta(days=90), "3 months"),
        (OLD + timedelta(days=32), None),
        (OLD + timedelta(days=60), None),
        (None, None),
    ],
)
def test_a_period_must_follow_from_the_days(ends: date | None, period: str | None) -> None:
    """Exactly, by calendar months or by months of 30 days; what was renewed has no period that could be told."""
    one = describe(there(ends=ends), "ipv4", CHOICES, TODAY)
    assert (one.fields["period"] if isinstance(one, Description) else None) == period
    if period is None:
        assert "no single period runs from" in str(one)


@pytest.mark.parametrize("product", ["mix", "mix_isp", "ipv6", "mobile", "resident"])
def test_what_rows_never_show_is_left_to_a_person(product: ProductType) -> None:
    """Packages, operators and the number of IPv6 addresses are in no row."""
    assert isinstance(describe(there(), product, CHOICES, TODAY), str)


def test_a_country_must_be_one_and_listed_once() -> None:
    """None, several, one that is not sold, and one that is sold twice: no guess."""
    twice = (*CHOICES, choice("countryId", 999, "France, other", alpha3="FRA"))
    for seen, choices in (
        (there(countries=frozenset()), CHOICES),
        (there(countries=frozenset({"FRA", "DEU"})), CHOICES),
        (there(countries=frozenset({"USA"})), CHOICES),
        (there(), twice),
    ):
        assert isinstance(describe(seen, "ipv4", choices, TODAY), str)


def test_an_order_that_has_just_begun_says_so() -> None:
    """More may be delivered yet: whoever reads the manifest should know."""
    one = describe(there(starts=TODAY, ends=TODAY + timedelta(days=7)), "ipv4", CHOICES, TODAY)
    assert isinstance(one, Description)
    assert "just begun" in one.remark
