"""Writing to what may never take it: a pager on its first page, a stopped terminal, a log that nobody collects.

A thread writes, so that whoever hands text over decides how long to wait for it. What was not waited for is written, in
order, once the other side reads on. The end of the process waits for `finish`, never for the thread.
"""

from __future__ import annotations

import errno
import math
import os
import select
import signal
import stat
import threading
import time
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Final, TextIO

GRACE: Final = 2.0
"""Seconds that a reader may take nothing once a signal has asked the process to end."""

_LOOK: Final = 0.05
"""Seconds between two looks at whether a signal came: one in the instant before a wait does not end that wait."""

_STANDARD: Final = 2
"""The highest descriptor that belongs to the process and not to one stream."""


class Delivery:
    """Bytes on their way to a descriptor."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.is_over = False
        self._over: SimpleQueue[None] = SimpleQueue()

    def end(self) -> None:
        """They were taken, or never will be."""
        self.is_over = True
        self._over.put(None)

    def wait(self, seconds: float) -> bool:
        """Whether they are over, now or within so many seconds."""
        if not self.is_over:
            with suppress(Empty):
                self._over.get(timeout=seconds)
                self._over.put(None)  # for whoever else waits
        return self.is_over


class Writer:
    """Writes to one descriptor from a thread of its own. `failure`: why it does not any more."""

    def __init__(self, descriptor: int) -> None:
        self.failure: OSError | None = None
        self._descriptor = descriptor
        self._taken = 0
        self._last = Delivery(b"")
        self._last.end()
        self._deliveries: SimpleQueue[Delivery] = SimpleQueue()
        threading.Thread(target=self._run, name="writer", daemon=True).start()

    @property
    def is_behind(self) -> bool:
        """Whether text that was handed over is not taken yet."""
        return self.failure is None and not self._last.is_over

    def hand_over(self, data: bytes) -> Delivery:
        """Have the bytes written after all before them."""
        self._last = delivery = Delivery(data)
        self._deliveries.put(delivery)
        return delivery

    def wait(self, delivery: Delivery | None = None, seconds: float | None = None) -> bool:
        """Whether that delivery, or the last one, is over within so many seconds, None for any time.

        Once the process is to end, a reader that takes nothing for `GRACE` seconds is given up: that is a failure.
        """
        delivery = delivery or self._last
        end = math.inf if seconds is None else time.monotonic() + seconds
        taken, since = -1, 0.0
        while self.failure is None and not delivery.wait(_LOOK):
            now = time.monotonic()
            if now >= end:
                return False
            if not _haste.is_set or self._taken != taken:
                taken, since = self._taken, now
            elif now - since >= GRACE:
                self.failure = InterruptedError(errno.EINTR, "it was not read, and a signal ended it")
        return True

    def _run(self) -> None:
        while True:
            delivery = self._deliveries.get()
            try:
                if self.failure is None:
                    self._write(delivery.data)
            except OSError as error:
                self.failure = error
            delivery.end()

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest and self.failure is None:
            try:
                count = os.write(self._descriptor, rest[: select.PIPE_BUF])
            except BlockingIOError:  # somebody who shares the descriptor made it non-blocking
                select.select([], [self._descriptor], [])
                continue
            self._taken += count
            rest = rest[count:]


class _Haste:
    """Whether a signal has asked this process to end."""

    is_set = False


_haste: Final = _Haste()
_standard: Final[dict[int, Writer]] = {}
os.register_at_fork(after_in_child=_standard.clear)  # a child has the writers, but not their threads


def hurry() -> None:
    """The process is to end: no write waits any more for a reader that takes nothing. May be called by a handler."""
    _haste.is_set = True


def hurry_on_signals() -> None:
    """From now on a signal does nothing but hurry what is left to say."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: hurry())


def finish() -> None:
    """Wait until the standard streams have taken all that was handed over, a signal comes, or nobody reads any more."""
    if any(writer.is_behind for writer in _standard.values()):
        hurry_on_signals()
    for writer in _standard.values():
        writer.wait()


def writer_of(stream: TextIO | None) -> Writer | None:
    """A writer for a stream that may not take what is written: a pipe, socket or terminal. None for any other.

    The standard streams have one each, whoever asks.
    """
    try:
        descriptor = stream.fileno() if stream is not None else -1
        kind = os.fstat(descriptor).st_mode
        if not (stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind) or os.isatty(descriptor)):
            return None
        if descriptor > _STANDARD:
            return Writer(descriptor)
        if descriptor not in _standard:
            _standard[descriptor] = Writer(descriptor)
    except (OSError, ValueError, AttributeError, RuntimeError):  # closed, no file, or no thread to be had
        return None
    return _standard[descriptor]
