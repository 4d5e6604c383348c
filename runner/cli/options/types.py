"""What `reconcile`, `resolve` and `status` share: keys, lengths of time, flags that name the same ledger again."""

from __future__ import annotations

import re
import shlex
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import click

from runner.core.errors import UsageError
from runner.core.orders import OrderKey

if TYPE_CHECKING:
    from runner.run.settings import Settings

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Duration(click.ParamType[timedelta]):
    """A length of time: `90s`, `15m`, `4h`, `1d`."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        found = re.fullmatch(r"([0-9]{1,6})([smhd])", str(value))
        if found is None:
            self.fail(f"{value!r} is no length of time: write it like 90s, 15m or 4h", param, ctx)
        return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def key_of(text: str) -> OrderKey:
    """UsageError for what is no key."""
    try:
        return OrderKey.parse(text)
    except ValueError as error:
        raise UsageError(str(error), hint="`order-runner status` lists the keys") from None


def flags_of(ctx: click.Context, settings: Settings) -> str:
    """The flags, a blank before each, that send another command to the same account of the same ledger."""
    if settings.sandbox:
        return " --sandbox"
    flags = ""
    for name, value in (("ledger", settings.ledger), ("account", settings.account)):
        if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            flags += f" --{name} {shlex.quote(str(value))}"
    return flags
