"""Periods and dates as the vendor counts and writes them (docs/vendor/api-v1.md#proxy-lists)."""

import calendar
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from runner.sandbox.options import Options

DAY = 86_400.0


def end_of(start: float, period: str) -> float:
    """When a period such as `2w` or `1m` that begins at `start` is over; months are calendar months."""
    begin = datetime.fromtimestamp(start, UTC)
    count = int(period[:-1])
    if period.endswith("w"):
        return (begin + timedelta(weeks=count)).timestamp()
    year, month = divmod(begin.year * 12 + begin.month - 1 + count, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return begin.replace(year=year, month=month + 1, day=min(begin.day, last)).timestamp()


def renewed_end(end: float, period: str, options: Options) -> float:
    """The end after a renewal: the period begins at the old end, and a month of it has 30 days unless switched."""
    if period.endswith("m") and options.renewal_month == "30":
        return end + int(period[:-1]) * 30 * DAY
    return end_of(end, period)


def spell(at: float, options: Options) -> str:
    """A time as rows have it, in the time zone of the options: `21.09.2026`, with a time, or as ISO 8601."""
    return _spell(at, options.dates, options.zone)


def spell_second(at: float, options: Options) -> str:
    """A time as the items of a renewal have it, `d.m.Y H:i:s` (docs/vendor/api-v1.md#renewals)."""
    return _spell(at, "second", options.zone)


@lru_cache(maxsize=4096)
def _spell(at: float, form: str, zone: int) -> str:
    """All rows of an order have the same times."""
    moment = datetime.fromtimestamp(at, timezone(timedelta(hours=zone)))
    if form == "iso":
        return moment.isoformat(timespec="seconds")
    return moment.strftime("%d.%m.%Y %H:%M:%S" if form == "second" else "%d.%m.%Y")
