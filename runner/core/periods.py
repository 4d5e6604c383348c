"""How long an order runs, as far as its fields tell."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Final

RESIDENT: Final = timedelta(days=30)
"""How long a resident package runs, and the least that a month can be: the vendor has been seen to count one as 30 days
(docs/vendor/api-v1.md#renewals)."""

UNKNOWN: Final = timedelta(days=366)
"""For how long an order of a period that nobody knows is taken to run: the vendor is not known to sell longer ones than
a year, and to take an order for over too early is to buy it twice."""

_DAYS: Final = {"d": 1, "w": 7}
_MONTHS: Final = {"m": 1, "y": 12}
_PERIOD: Final = re.compile(r"([1-9][0-9]{0,2})([dwmy])")


def end_of(product: str, fields: Mapping[str, str | int], begin: datetime) -> datetime:
    """When an order that began at `begin` is over, if it is not renewed. What may be either is taken as the longer."""
    if product == "resident":
        return begin + RESIDENT
    form = _PERIOD.fullmatch(str(fields.get("periodId")).casefold())
    if form is None:
        return begin + UNKNOWN
    count, unit = int(form[1]), form[2]
    if unit in _DAYS:
        return begin + timedelta(days=count * _DAYS[unit])
    months = count * _MONTHS[unit]
    return max(_months_later(begin, months), begin + months * RESIDENT)


def length_of(period_id: str | int | None) -> timedelta | None:
    """How long a period is at least, a month as 30 days and a year as twelve; None for one in no known form."""
    form = _PERIOD.fullmatch(str(period_id).casefold())
    if form is None:
        return None
    count, unit = int(form[1]), form[2]
    return timedelta(days=count * _DAYS[unit]) if unit in _DAYS else count * _MONTHS[unit] * RESIDENT


def ends_between(product: str, fields: Mapping[str, str | int], begin: date) -> tuple[date, date] | None:
    """The first and the last day on which an order that began on a day may end; None for a period that nobody knows.

    They differ by what a month may be: 30 days, or up to the same day of the next.
    """
    form = _PERIOD.fullmatch(str(fields.get("periodId")).casefold())
    if product != "resident" and form is None:
        return None
    last = end_of(product, fields, datetime.combine(begin, time())).date()
    if product == "resident" or form is None or form[2] in _DAYS:
        return last, last
    return begin + int(form[1]) * _MONTHS[form[2]] * RESIDENT, last


def _months_later(begin: datetime, count: int) -> datetime:
    """The same day of a later month; what that one lacks reaches into the next: the 31st of April is the 1st of May."""
    year, month = divmod(begin.year * 12 + begin.month - 1 + count, 12)
    return begin.replace(year=year, month=month + 1, day=1) + timedelta(days=begin.day - 1)
