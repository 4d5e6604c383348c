"""How far the reading of manifests has come, told to a watch now and then."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from runner.core.progress import Reading, Watch
from runner.core.yamldoc.source import TextSource

EVERY: Final = 256
"""Orders between two events: telling costs less than reading one of them."""


class Telling:
    """Counts files, orders and bytes of one call. A file that is read twice counts once."""

    def __init__(self, paths: Sequence[str], watch: Watch) -> None:
        self._watch = watch
        self._sizes = [_size(path) for path in paths]
        self._whole = max(sum(self._sizes), 1)
        self._before = 0
        self._done = 0
        self._orders = self._mark = 0
        self._part = 0.0
        self._source: TextSource | None = None

    def begin_file(self, source: TextSource) -> None:
        """The next file is about to be read."""
        self._source = source
        self._mark = self._orders

    def order(self) -> None:
        """One more order was read."""
        self._orders += 1
        if self._orders % EVERY == 0:
            read = min(self._source.offset, self._sizes[self._done]) if self._source else 0
            self._tell(self._before + read)

    def again(self) -> None:
        """The file is read once more, from its start; its orders are not counted twice."""
        self._orders = self._mark

    def end_file(self) -> None:
        """The file is read."""
        self._before += self._sizes[self._done]
        self._done += 1
        self._source = None
        self._tell(self._before)

    def _tell(self, read: int) -> None:
        self._part = max(self._part, min(read / self._whole, 1.0))
        self._watch(Reading(done=self._done, total=len(self._sizes), orders=self._orders, part=self._part))


def _size(path: str) -> int:
    with suppress(OSError):
        return Path(path).stat().st_size
    return 0
