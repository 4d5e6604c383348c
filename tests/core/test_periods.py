"""How long an order is taken to run: exactly where that is known, and rather too long than too short."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runner.core.orders import ProductType
from runner.core.periods import UNKNOWN, end_of

BEGIN = datetime(2026, 1, 31, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("period", "end"),
    [
        ("1d", "2026-02-01"),
        ("1w", "2026-02-07"),
        ("2w", "2026-02-14"),
        ("1m", "2026-03-03"),
        ("1M", "2026-03-03"),
        ("2m", "2026-04-01"),
        ("3m", "2026-05-01"),
        ("12m", "2027-01-31"),
        ("1y", "2027-01-31"),
    ],
)
def test_the_vendors_periods(period: str, end: str) -> None:
    """Days and weeks are what they are; a month is a calendar month and 30 days, whichever is longer."""
    assert end_of("ipv4", {"periodId": period}, BEGIN) == datetime.fromisoformat(f"{end}T12:30:00+00:00")


@pytest.mark.parametrize("product", ["resident"])
def test_a_resident_package(product: ProductType) -> None:
    """It runs for 30 days; it has no period."""
    assert end_of(product, {"tarifId": 1}, BEGIN) == BEGIN + timedelta(days=30)


@pytest.mark.parametrize(
    "fields",
    [{}, {"periodId": ""}, {"periodId": "0m"}, {"periodId": "forever"}, {"periodId": "9999999999m"}, {"periodId": 30}],
)
def test_a_period_that_nobody_knows(fields: dict[str, Any]) -> None:
    """It is taken for longer than any that the vendor is known to sell."""
    assert end_of("ipv4", fields, BEGIN) == BEGIN + UNKNOWN >= end_of("ipv4", {"periodId": "1y"}, BEGIN)
