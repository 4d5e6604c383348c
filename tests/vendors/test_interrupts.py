"""Signals: heeded at once while a read waits for the network, and never where they would leave a lock behind."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import httpcore
import pytest
from httpcore import _synchronization

from tests.vendors.transport.peer import LOOK, Visit, answering, client, ok, serving

SOON = 10


@pytest.fixture(autouse=True)
def _as_at_the_start() -> Iterator[None]:
    """A command that ran in this process before may have left its own handler."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@contextmanager
def not_for_ever() -> Iterator[None]:
    """A lock that is never let go ends in an error instead of a test run that hangs."""

    def late(number: int, frame: FrameType | None) -> None:
        raise AssertionError("it waits for ever")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SOON)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("kind", [_synchronization.ThreadLock, _synchronization.Lock])
@pytest.mark.parametrize("nth", range(1, 7))
def test_no_lock_outlives_an_interrupt(monkeypatch: pytest.MonkeyPatch, kind: Any, nth: int) -> None:
    """Ctrl-C in the step after a lock of httpcore was taken comes out of the read, and the client can be closed."""
    enters, takes = kind.__enter__, []

    def taken(lock: Any) -> Any:
        entered = enters(lock)
        takes.append(lock)
        if len(takes) == nth:
            os.kill(os.getpid(), signal.SIGINT)
        return entered

    monkeypatch.setattr(kind, "__enter__", taken)

    def read_twice(url: str) -> None:
        with client(url) as way:
            way.read(LOOK)
            way.read(LOOK)
        os.kill(os.getpid(), signal.SIGINT)  # where two reads do not take a lock so often

    with not_for_ever(), serving(answering(ok(b"{}"), ok(b"{}"))) as peer:
        with pytest.raises(KeyboardInterrupt):
            read_twice(peer.url())
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_read_that_waits_is_interrupted_at_once() -> None:
    """A vendor that says nothing does not keep a signal waiting until the deadline."""

    def silent(visit: Visit) -> None:
        visit.hear_request()
        os.kill(os.getpid(), signal.SIGINT)
        visit.until_gone()

    with not_for_ever(), serving(silent) as peer, pytest.raises(KeyboardInterrupt), client(peer.url()) as way:
        way.read(LOOK)


def test_other_handlers_are_called_as_they_would_be() -> None:
    """A handler that only takes note is called once, the read goes on, and afterwards the handler is the one before."""
    noted = list[int]()

    def note(number: int, frame: FrameType | None) -> None:
        noted.append(number)

    def signalled(visit: Visit) -> None:
        visit.hear_request()
        os.kill(os.getpid(), signal.SIGTERM)
        visit.say(ok(b"{}"))

    before = signal.signal(signal.SIGTERM, note)
    try:
        with not_for_ever(), serving(signalled) as peer, client(peer.url()) as way:
            assert way.read(LOOK).status == 200
        assert noted == [signal.SIGTERM]
        assert signal.getsignal(signal.SIGTERM) is note
    finally:
        signal.signal(signal.SIGTERM, before)


def test_another_thread_reads_as_ever() -> None:
    """Where no signal can come, none is waited for."""
    statuses = list[int]()
    with serving(answering(ok(b"{}"))) as peer, client(peer.url()) as way:
        reading = threading.Thread(target=lambda: statuses.append(way.read(LOOK).status))
        reading.start()
        reading.join(SOON)
    assert statuses == [200]


def test_httpcore_has_the_locks_of_these_tests() -> None:
    """A version that locks in another way has to be looked at again."""
    pool = httpcore.ConnectionPool()
    assert isinstance(pool._optional_thread_lock, _synchronization.ThreadLock)
    pool.close()
