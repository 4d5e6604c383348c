"""`tests.chaos.nursery`, with runners that live in the world's time: AHEAD seconds from the machine's."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final

from runner.core.clock import SystemClock
from tests import nursery
from tests.chaos import runner
from tests.chaos.nursery import Nursery, warm_up

AHEAD: Final = "STATEFUL_AHEAD"


class ShiftedNursery(Nursery):
    """Starts the module below in place of its parent."""

    module: ClassVar[str] = "tests.stateful.child"


def begin(arguments: Sequence[str]) -> int:
    """Run the command as the plan in the environment says, in the world's time."""
    ahead = timedelta(seconds=float(os.environ.pop(AHEAD, "0")))
    SystemClock.now = lambda self: datetime.now(UTC) + ahead  # type: ignore[method-assign,assignment]
    return runner.main(arguments)


if __name__ == "__main__":
    nursery.serve(warm_up, begin)
