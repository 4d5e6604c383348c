"""What the environment says: every option `--x-y` as `ORDER_RUNNER_X_Y`, for callers that have no command line."""

from __future__ import annotations

import os
from decimal import Decimal, InvalidOperation
from typing import Final

from runner.core.errors import UsageError

PREFIX: Final = "ORDER_RUNNER_"
_YES: Final = frozenset({"1", "true", "t", "yes", "y", "on"})
_NO: Final = frozenset({"0", "false", "f", "no", "n", "off"})


def amount_of(text: str) -> Decimal:
    """A sum of money from 0 with at most two decimals. ValueError for anything else."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0 or amount != round(amount, 2):
        raise ValueError(f"{text!r} is no amount: write it like 120 or 120.00")
    return amount


def text(option: str) -> str | None:
    """The variable of an option; None where it is not set or empty."""
    return os.environ.get(PREFIX + option) or None


def amount(option: str) -> Decimal | None:
    """A sum of money. UsageError, as below, for a variable that holds something else."""
    said = text(option)
    try:
        return None if said is None else amount_of(said)
    except ValueError as error:
        raise UsageError(f"{PREFIX}{option}: {error}") from None


def count(option: str) -> int | None:
    """A whole number from 0."""
    said = text(option)
    if said is None or (said.isascii() and said.isdecimal()):
        return None if said is None else int(said)
    raise UsageError(f"{PREFIX}{option}: {said!r} is no whole number from 0")


def flag(option: str) -> bool | None:
    """Yes or no, in the words that a command line takes."""
    said = text(option)
    if said is None or said.strip().lower() in _YES | _NO:
        return None if said is None else said.strip().lower() in _YES
    raise UsageError(f"{PREFIX}{option}: {said!r} is neither yes nor no")
