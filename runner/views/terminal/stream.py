"""`ndjson` while a run goes on: each event is written as soon as it is certain, and none twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice
from typing import TextIO

from runner.report.report import Report
from runner.views.formats import ndjson
from runner.views.formats.facts import Document
from runner.views.terminal.console import Channel


class Stream:
    """Writes one stream to stdout, where that is wanted, and to files.

    The files are opened by `openers` with the first event, which may raise, and closed with the last; nothing else here
    raises because a stream is not taken.
    """

    def __init__(self, out: Channel | None, openers: Sequence[Callable[[], TextIO]]) -> None:
        self._out = out
        self._openers = openers
        self._files: list[TextIO] = []
        self._channels: list[Channel] | None = None
        self._lines = 0
        self._orders = 0

    def follow(self, report: Report) -> None:
        """The run is where `report` says: tell what is decided since the last call."""
        if not self._lines:
            self._write([ndjson.start_line(report.head())])
        lines = []
        for entry in islice(report.orders, self._orders, None):
            if entry.status == "planned" or not ndjson.is_decided(order := json.loads(entry.text)):
                break
            lines.append(ndjson.order_line(order))
        self._orders += len(lines)
        self._write(lines)

    def finish(self, document: Document) -> None:
        """The run is over: tell the rest."""
        self._write(list(islice(ndjson.lines(document), self._lines, None)))
        for file in self._files:
            with suppress(OSError):
                file.close()

    @property
    def failure(self) -> OSError | None:
        """Why part of it could not be written to a file."""
        channels = self._channels or ()
        return next((channel.failure for channel in channels if channel is not self._out and channel.failure), None)

    def _write(self, lines: Sequence[str]) -> None:
        if self._channels is None:
            self._files = [opener() for opener in self._openers]
            self._channels = [Channel(stream=file) for file in self._files]
            self._channels += [self._out] if self._out else []
        for channel in self._channels:
            channel.lines(lines)
        self._lines += len(lines)
