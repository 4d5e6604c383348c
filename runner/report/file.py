"""The report on disk: replaced whole as orders settle, and no more often than a large batch can bear."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Final

from runner.core.files import replace_atomically
from runner.report.report import Report


class ReportFile:
    """A report kept on disk: whole at any moment, private, and never the reason that a money result is lost.

    `before_last` is called before a report that says how the run ended is written, `listener` with the report each time
    it may have changed. Without a path it is kept nowhere, and heard of all the same.
    """

    MIN_INTERVAL: Final = 1.0
    COST_FACTOR: Final = 10
    """Writing takes at most a tenth of the time, however large the batch."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.before_last: Callable[[], None] = lambda: None
        self.listener: Callable[[Report], object] = lambda _: None
        self.failure: OSError | None = None
        self._not_before = 0.0
        self._has_told = False

    def write(self, report: Report) -> None:
        """Replace the file now; raises OSError where that cannot be done, and the first time what `listener` raises."""
        self._tell(report)
        self._replace(report)

    def write_last(self, report: Report) -> None:
        """Replace the file with the final report; a failure is kept in `failure`: it must not hide what was bought."""
        try:
            self.write(report)
        except OSError as error:
            self.failure = error

    def _tell(self, report: Report) -> None:
        """Whoever listens may refuse before anything is bought, and cannot stop a purchase after that."""
        if report.finished_at is not None:
            self.before_last()
        with suppress(Exception) if self._has_told else nullcontext():
            self.listener(report)
        self._has_told = True

    def _replace(self, report: Report) -> None:
        if self.path is None:
            return
        started = time.monotonic()
        replace_atomically(self.path, report.render().encode())
        took = time.monotonic() - started
        self._not_before = started + max(self.MIN_INTERVAL, self.COST_FACTOR * took)
        self.failure = None

    def refresh(self, report: Report) -> None:
        """Replace the file unless that was done a moment ago; a failure is kept in `failure`, not raised."""
        self._has_told = True
        self._tell(report)
        if time.monotonic() < self._not_before:
            return
        try:
            self._replace(report)
        except OSError as error:
            self.failure = error
            self._not_before = time.monotonic() + self.MIN_INTERVAL
