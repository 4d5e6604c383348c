"""A wish to stop that waits until no money is in the air."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Final

from runner.core.clock import Clock
from runner.core.progress import Notice, Watch

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop:
    """Set once, by a signal; asked between orders and right before a purchase is written.

    `noticed` is called at the first wish, perhaps by a signal handler: it must do next to nothing.
    """

    def __init__(self, noticed: Callable[[], None] = lambda: None) -> None:
        self._noticed = noticed
        self.signal: signal.Signals | None = None
        self._requested = False
        # threading.Event is not safe to set in a handler that interrupts its own wait; a SimpleQueue is, by contract.
        self._wishes: SimpleQueue[None] = SimpleQueue()
        self._untold: Watch | None = None
        self._in_flight: Callable[[], int] = lambda: 1

    @property
    def requested(self) -> bool:
        return self._requested

    def request(self, number: signal.Signals | None = None) -> None:
        """The first wish counts; later ones change nothing."""
        if not self.requested:
            self.signal = number
            self._requested = True
            self._noticed()
            self._wishes.put(None)

    def wait(self, seconds: float) -> None:
        """Sleep that a request ends."""
        self._tell()
        if seconds > 0 and not self.requested:
            with suppress(Empty):
                self._wishes.get(timeout=seconds)
                self._wishes.put(None)  # for whoever else waits

    def defer(self) -> None:
        """The signals only set the wish from now on, for good: the process is about to end by itself."""
        for number in _heeded_signals():
            signal.signal(number, lambda number, _: self.request(signal.Signals(number)))

    @contextmanager
    def deferring(self, watch: Watch, in_flight: Callable[[], int] = lambda: 1) -> Iterator[None]:
        """The signals only set the wish while this lasts; what is in flight is finished and recorded.

        `watch` is told at once, from inside the signal handler, of how many calls `in_flight` are awaited; one that
        raises there is told again at the next `wait`, or at the end.
        """
        self._in_flight = in_flight

        def note(number: int, frame: FrameType | None) -> None:
            del frame
            if not self.requested:
                self.request(signal.Signals(number))
                self._untold = watch
                self._tell()

        with ExitStack() as before:
            for number in _heeded_signals():
                handler = signal.signal(number, note)
                # None: set by something that is not Python, which cannot be put back from here
                before.callback(signal.signal, number, signal.SIG_DFL if handler is None else handler)
            before.callback(self._tell)
            yield

    def _tell(self) -> None:
        """Try to tell of the wish, if that has not been done.

        A handler that interrupts a `print` cannot print: a buffered stream refuses a second writer (RuntimeError).
        """
        if self._untold is not None:
            with suppress(Exception):  # raised here, it would come out in the middle of a purchase
                self._untold(Notice(text=_stopping(self._in_flight()), stops=True))
                self._untold = None


def _stopping(in_flight: int) -> str:
    if in_flight > 1:
        return f"stopping: waiting for {in_flight} purchases to be answered and recorded first"
    return "stopping: the order in flight is finished and recorded first"


def _heeded_signals() -> list[signal.Signals]:
    """What a caller told this process to ignore (`nohup`, a shell's background job) it goes on ignoring.

    Only the main thread may take signals; a run in another one is stopped by `request`.
    """
    if threading.current_thread() is not threading.main_thread():
        return []
    return [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]


class StoppableClock:
    """A clock whose sleep ends when the run is to stop."""

    def __init__(self, clock: Clock, stop: Stop) -> None:
        self.now = clock.now
        self.monotonic = clock.monotonic
        self._stop = stop

    def sleep(self, seconds: float) -> None:
        self._stop.wait(seconds)
