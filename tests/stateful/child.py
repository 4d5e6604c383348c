"""`tests.chaos.nursery`, with runners that live in the world's time: AHEAD seconds from the machine's."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from runner.clock import SystemClock
from tests.chaos import nursery, runner

AHEAD: Final = "STATEFUL_AHEAD"


class ShiftedNursery(nursery.Nursery):
    """Starts the module below in place of its parent."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.stateful.child"],
            cwd=nursery.ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.communicate(timeout=120)  # its end may take long on a busy machine


def _serve() -> None:
    begins = runner.main

    def main(arguments: Sequence[str]) -> int:
        ahead = timedelta(seconds=float(os.environ.pop(AHEAD, "0")))
        SystemClock.now = lambda self: datetime.now(UTC) + ahead  # type: ignore[method-assign,assignment]
        return begins(arguments)

    runner.main = main
    nursery._serve()


if __name__ == "__main__":
    _serve()
