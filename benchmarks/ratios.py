"""How figures of a benchmark are compared."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable


def times(measured: float, base: float) -> float:
    """`measured` in times of `base`; not a number, which keeps no target, where `base` was too small to be measured."""
    return measured / base if base > 0 else math.nan


def at_least(least: int) -> Callable[[str], int]:
    """An argparse type: a whole number from `least` on."""

    def number(text: str) -> int:
        if int(text) < least:
            raise argparse.ArgumentTypeError(f"{text} is less than {least}")
        return int(text)

    return number
