"""`ndjson` while a run goes on: each event is written as soon as it is certain, and none twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import islice

from runner.report import Report
from runner.views.console import Channel
from runner.views.facts import Document
from runner.views.formats import ndjson


class Stream:
    """Writes one stream to several channels. They are opened with the first event, by `openers`, which may raise
    OSError; nothing else here raises because somebody stopped reading."""

    def __init__(self, openers: Sequence[Callable[[], Channel]]) -> None:
        self._openers = openers
        self._channels: list[Channel] | None = None
        self._lines = 0
        self._orders = 0

    def changed(self, report: Report) -> None:
        """The run is where `report` says: tell what is decided since the last call."""
        if not self._lines:
            self._write([ndjson.started(report.head())])
        told = []
        for entry in islice(report.orders, self._orders, None):
            if entry.status == "planned" or not ndjson.is_decided(order := json.loads(entry.text)):
                break
            told.append(ndjson.decided(order))
        self._orders += len(told)
        self._write(told)

    def finish(self, document: Document) -> None:
        """The run is over: tell the rest."""
        self._write(list(islice(ndjson.lines(document), self._lines, None)))

    @property
    def failure(self) -> OSError | None:
        """Why part of it could not be written."""
        return next((channel.failure for channel in self._channels or () if channel.failure), None)

    def _write(self, lines: Sequence[str]) -> None:
        if self._channels is None:
            self._channels = [opener() for opener in self._openers]
        for channel in self._channels:
            channel.lines(lines)
        self._lines += len(lines)
