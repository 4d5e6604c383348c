"""How figures of a benchmark are taken and compared."""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence


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


def cost_of(arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[float, float]:
    """CPU seconds of one command of ours, user and system, and its peak memory in MB; SystemExit where it fails."""
    process = subprocess.Popen([sys.executable, "-m", "runner", *arguments], env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"order-runner {' '.join(arguments)} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
