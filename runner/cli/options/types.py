"""Types of options: amounts of money, lengths of time, keys of orders."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import click

from runner.core.errors import UsageError
from runner.run.environment import amount_of

if TYPE_CHECKING:
    from runner.core.orders import OrderKey

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


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


class Duration(click.ParamType[timedelta]):
    """A length of time: `90s`, `15m`, `4h`, `1d`."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        match = re.fullmatch(r"([0-9]{1,6})([smhd])", str(value))
        if match is None:
            self.fail(f"{value!r} is not a duration: write it like 90s, 15m or 4h", param, ctx)
        return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def key_of(text: str) -> OrderKey:
    """UsageError for what is no key."""
    from runner.core.orders import OrderKey

    try:
        return OrderKey.parse(text)
    except ValueError as error:
        raise UsageError(str(error), hint="`order-runner status` lists the keys") from None
