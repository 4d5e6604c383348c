"""Pieces of messages: a value shown, a choice listed, what was probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from runner.core.nearest import nearest

_SHOWN: Final = 60


@lru_cache(maxsize=1024)  # the same slip is often made a thousand times
def nearest_name(name: str, allowed: tuple[str, ...]) -> str | None:
    """The allowed name that was probably meant."""
    return next(iter(nearest(name, allowed, most=1, likeness=0.6, fold=str.lower)), None)


def did_you_mean(nearest: str | None) -> str:
    return f", did you mean `{nearest}`?" if nearest else ""


def one_of(values: Iterable[object]) -> str:
    return "one of " + ", ".join(map(str, values))


def display(value: object) -> str:
    """A value as it may stand in a message: on one line, not too long."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else str(value).lower()
    text = "".join(character if character.isprintable() else "\ufffd" for character in text[: _SHOWN + 1])
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
