"""Types of options: amounts of money, whole numbers, lengths of time, days, keys of orders.

A number is decimal digits and no more than anybody can have meant: `nan` would be within every range, `inf` no limit,
and Python reads `1_0` as ten.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import click

from runner.core.errors import UsageError
from runner.run.environment import MOST, SECONDS, amount_of, count_of
from runner.run.settings import AUTO, DAY

if TYPE_CHECKING:
    from runner.core.orders import OrderKey
    from runner.core.records import Head

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
LONGEST: Final = timedelta(days=366)
"""The longest time that an option takes."""


class Mark(click.ParamType["Head"]):
    """How far a check of a ledger went: the number of its last event, and that one's hash."""

    name = "mark"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Head:
        from runner.core.records import Head

        mark = re.fullmatch(r"([0-9]{1,18}):([0-9a-f]{64})", str(value).strip())
        if mark is None:
            self.fail(f"{str(value)[:100]!r} is not NUMBER:HASH, as `ledger verify` prints it", param, ctx)
        return Head(int(mark[1]), mark[2])


class Amount(click.ParamType[Decimal]):
    """An amount of money from 0 with at most two decimals."""

    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        if isinstance(value, Decimal):
            return value
        try:
            return amount_of(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Count(click.IntRange):
    """A whole number from `least` to `most`."""

    def __init__(self, most: int = MOST, least: int = 0) -> None:
        super().__init__(min=least, max=most)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return int(super().convert(count_of(str(value)), param, ctx))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Rate(Count):
    """A whole number from 0, or `auto`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return AUTO if value == AUTO else super().convert(value, param, ctx)


class Seconds(click.FloatRange):
    """Seconds from `least` to a day, with three decimals at most."""

    def __init__(self, least: int) -> None:
        super().__init__(min=least, max=DAY)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, str) and not SECONDS.fullmatch(value):
            self.fail(f"{value!r} is not a number of seconds: write it like 30 or 0.5", param, ctx)
        return float(super().convert(value, param, ctx))


class Duration(click.ParamType[timedelta]):
    """A length of time up to a year: `90s`, `15m`, `4h`, `1d`."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        match = re.fullmatch(r"([0-9]{1,6})([smhd])", str(value))
        if match is None:
            self.fail(f"{value!r} is not a duration: write it like 90s, 15m or 4h", param, ctx)
        length = timedelta(seconds=int(match[1]) * _UNITS[match[2]])
        if length > LONGEST:
            self.fail(f"{value!r} is longer than a year", param, ctx)
        return length


class CalendarDay(click.ParamType[date]):
    """A calendar day, `2026-11-30`, or a month, `2026-11`: its first day, or with `last` its last one."""

    name = "date"

    def __init__(self, *, last: bool = False) -> None:
        self.last = last

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        match = re.fullmatch(r"([0-9]{4})-([0-9]{2})(?:-([0-9]{2}))?", str(value))
        try:
            year, month, day = (int(part or 1) for part in match.groups()) if match else (0, 0, 0)
            first = date(year, month, day)
        except ValueError:
            example = "write it like 2026-11-30, or a month like 2026-11"
            self.fail(f"{str(value)[:100]!r} is no day of the calendar: {example}", param, ctx)
        whole_month = match is not None and match[3] is None
        return first.replace(day=monthrange(year, month)[1]) if self.last and whole_month else first


def key_of(text: str) -> OrderKey:
    """UsageError for what is no key."""
    from runner.core.orders import OrderKey

    try:
        return OrderKey.parse(text)
    except ValueError as error:
        raise UsageError(str(error), hint="`order-runner status` lists the keys") from None
