"""Signals that interrupt a read only while it waits for the network.

A handler that raises may do so between any two steps of Python. In the step after httpcore has taken one of its locks,
and before its `with` has begun, that leaves the lock taken for good: the next one to want it, `close` at the latest,
waits for ever, and the process holds the account meanwhile. While we wait in our own streams, httpcore's locks are in
order, and what is raised there lets go of them.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Handler = Callable[[int, FrameType | None], object]


class Interrupts:
    """What one transport does about signals; see `held` and `waiting`."""

    def __init__(self) -> None:
        self._handlers: dict[int, Handler] = {}
        self._late: int | None = None
        self._waits = False

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Signals wait for `waiting`, or for the end; the handlers are those from before, the first of several counts.

        Does nothing in another thread than the main one, which no signal meets.
        """
        if self._handlers or threading.current_thread() is not threading.main_thread():
            yield
            return
        self._install()
        try:
            yield
        finally:
            handlers, late = self._put_back()
            _heed(late, handlers)

    def _install(self) -> None:
        with _block_signals():
            found = {number: signal.getsignal(number) for number in SIGNALS}
            self._handlers = {number: handler for number, handler in found.items() if callable(handler)}
            for number in self._handlers:
                signal.signal(number, self._take)

    def _put_back(self) -> tuple[dict[int, Handler], int | None]:
        with _block_signals():
            handlers, late = self._handlers, self._late
            for number, handler in handlers.items():
                signal.signal(number, handler)
            self._handlers, self._late = {}, None
        return handlers, late

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """From here on a signal is heeded at once: whatever its handler raises comes out of the wait."""
        self._waits = True
        try:
            late, self._late = self._late, None
            _heed(late, self._handlers)
            yield
        finally:
            self._waits = False

    def _take(self, number: int, frame: FrameType | None) -> None:
        handler = self._handlers.get(number)
        if self._waits and handler is not None:
            handler(number, frame)
        elif self._late is None:
            self._late = number


def _heed(number: int | None, handlers: Mapping[int, Handler]) -> None:
    handler = None if number is None else handlers.get(number)
    if number is not None and handler is not None:
        handler(number, None)


@contextmanager
def _block_signals() -> Iterator[None]:
    """No signal comes in between, so that all handlers are changed or none."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
