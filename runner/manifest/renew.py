"""What an order's `renew` can get wrong though its schema takes it: no day, or a window too wide."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, Final

from runner.core import schemas
from runner.core.errors import Problem
from runner.core.periods import length_of
from runner.manifest.places import Path
from runner.manifest.rules import FORMS, SchemaSubject

_WITHIN: Final = "within"
_WINDOW: Final = re.compile(r"[0-9]{1,4}d")


def window_of(value: Mapping[str, Any]) -> int:
    """The days before the end of an order in which it is renewed."""
    usual: str = schemas.load("ipv4")["properties"]["renew"]["properties"][_WITHIN]["default"]
    return int(value.get(_WITHIN, usual).removesuffix("d"))


def is_sound(value: Mapping[str, Any]) -> bool:
    """Whether nothing is wrong with a `renew` that its schema takes."""
    return _is_day(value["until"]) and not _is_wide(value)


def renewal_problems(subject: SchemaSubject, values: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with an order's `renew` beyond its schema; of what the schema refuses, nothing."""
    value = values.get("renew")
    if not isinstance(value, dict):
        return
    until, within = value.get("until"), value.get(_WITHIN, "3d")
    at: Path = ("renew", "until")
    if isinstance(until, str) and not _is_day(until):
        message = f"`renew.until` is no day of the calendar: `{until}`"
        yield subject.problem("08", message, subject.places.value(at), at, f"write {FORMS['until']}")
    if isinstance(within, str) and _WINDOW.fullmatch(within) and _is_wide(value):
        at = ("renew", _WITHIN) if _WITHIN in value else ("renew",)
        message = f"the window of a renewal, {window_of(value)}d, must be shorter than its period, {value['periodId']}"
        hint = "write a shorter `within`, such as 1d, or a longer period: else the next term is bought at once"
        yield subject.problem("07", message, subject.places.value(at), at, hint)


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_wide(value: Mapping[str, Any]) -> bool:
    length = length_of(value.get("periodId"))
    return length is not None and timedelta(days=window_of(value)) >= length
