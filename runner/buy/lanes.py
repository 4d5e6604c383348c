"""Purchases in flight, each in a lane of its own; a single lane is the caller's own thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Crash:
    error: BaseException


class Lanes(Generic[T]):
    """At most `jobs` pieces of work at once; what each came to is fetched with `wait`, in the order they ended.

    With one job the work is done by `start` itself. The threads die with the process: a second signal that ends it
    waits for no answer, and what was in flight is `submitted` in the ledger.
    """

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._ended: SimpleQueue[T | _Crash] = SimpleQueue()
        self.busy = 0

    @property
    def is_full(self) -> bool:
        return self.busy >= self._jobs

    def start(self, work: Callable[[], T]) -> None:
        """Have a piece of work done. Raises what it raises, if there is but one lane."""
        if self._jobs == 1:
            self._ended.put(work())
        else:
            threading.Thread(target=self._run, args=(work,), daemon=True).start()
        self.busy += 1

    def wait(self) -> T:
        """What the next piece of work to end came to. Raises what it raised."""
        ended = self._ended.get()
        self.busy -= 1
        if isinstance(ended, _Crash):
            raise ended.error
        return ended

    def _run(self, work: Callable[[], T]) -> None:
        try:
            ended: T | _Crash = work()
        except BaseException as error:  # noqa: BLE001 - a thread has nobody else to tell; `wait` raises it
            ended = _Crash(error)
        self._ended.put(ended)
