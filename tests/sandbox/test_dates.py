"""How dates are spelled and how long a term is."""

from datetime import UTC, datetime
from typing import Any

import pytest

from runner.sandbox.dates import end_of, renewed_end, spell, spell_second
from runner.sandbox.options import Options

EVENING = datetime(2026, 1, 31, 22, 30, 5, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("dates", "zone", "text"),
    [
        ("day", 0, "31.01.2026"),
        ("day", 3, "01.02.2026"),
        ("second", 0, "31.01.2026 22:30:05"),
        ("second", 3, "01.02.2026 01:30:05"),
        ("iso", 0, "2026-01-31T22:30:05+00:00"),
        ("iso", 3, "2026-02-01T01:30:05+03:00"),
    ],
)
def test_a_date_is_spelled_as_the_switches_say(dates: Any, zone: int, text: str) -> None:
    """Three spellings, in the time zone of the vendor, which only ISO names."""
    assert spell(EVENING, Options(dates=dates, zone=zone)) == text


def test_the_items_of_a_renewal_have_their_own_spelling() -> None:
    """`d.m.Y H:i:s`, whatever rows have."""
    assert spell_second(EVENING, Options(dates="iso", zone=3)) == "01.02.2026 01:30:05"


@pytest.mark.parametrize(
    ("period", "days", "renewed"), [("1w", 7, 7), ("2w", 14, 14), ("1m", 28, 30), ("12m", 365, 360)]
)
def test_a_bought_month_is_one_of_the_calendar_and_a_renewed_one_has_thirty_days(
    period: str, days: int, renewed: int
) -> None:
    """From the last day of January on, where the difference is greatest."""
    assert end_of(EVENING, period) == EVENING + days * 86_400
    assert renewed_end(EVENING, period, Options()) == EVENING + renewed * 86_400
    assert renewed_end(EVENING, period, Options(renewal_month="calendar")) == EVENING + days * 86_400
