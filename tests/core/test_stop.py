"""A signal is a wish: it ends waiting at once, and nothing else before the money is accounted for."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, TextIO, cast

import pytest

from runner.core.progress import Notice, Progress, ignore
from runner.core.stop import SIGNALS, Stop, StoppableClock
from runner.views.terminal.console import Channel
from runner.views.terminal.event_log import notice

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

SAID = [Notice(text="stopping: the order in flight is finished and recorded first", stops=True)]


def handlers() -> list[object]:
    return [signal.getsignal(number) for number in SIGNALS]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_only_sets_the_wish(number: signal.Signals) -> None:
    """SIGINT and SIGTERM while deferring: the work goes on to its end, the wish and the signal are known, said once."""
    stop, seen, done = Stop(), list[Progress](), list[int]()
    with stop.deferring(seen.append):
        assert not stop.requested
        for n in range(3):
            os.kill(os.getpid(), number)
            done.append(n)
    assert (done, stop.requested, stop.signal, seen) == ([0, 1, 2], True, number, SAID)


@pytest.mark.parametrize(
    ("in_flight", "told"),
    [
        (0, "stopping: the order in flight is finished and recorded first"),
        (1, "stopping: the order in flight is finished and recorded first"),
        (8, "stopping: waiting for 8 purchases to be answered and recorded first"),
    ],
)
def test_a_stop_says_how_many_purchases_it_waits_for(in_flight: int, told: str) -> None:
    """As many as are in flight when the signal comes, not when the run began."""
    stop, seen, flights = Stop(), list[Progress](), [0]
    with stop.deferring(seen.append, lambda: flights[0]):
        flights[0] = in_flight
        os.kill(os.getpid(), signal.SIGTERM)
    assert seen == [Notice(text=told, stops=True)]


def test_the_first_signal_is_the_one_that_counts() -> None:
    """SIGINT followed by SIGTERM, as CI systems do: stopped by SIGINT."""
    stop = Stop()
    with stop.deferring(ignore):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
    stop.request(signal.SIGTERM)
    assert stop.signal == signal.SIGINT


def test_handlers_are_put_back() -> None:
    """Before, after and after an exception: the handlers are those of before; inside they are not."""
    before = handlers()
    with Stop().deferring(ignore):
        assert all(now != then for now, then in zip(handlers(), before, strict=True))
    assert handlers() == before
    with pytest.raises(KeyError), Stop().deferring(ignore):
        raise KeyError
    assert handlers() == before


def test_a_signal_after_deferring_is_what_it_was() -> None:
    """Once nothing is in the air, Ctrl-C interrupts again."""
    stop = Stop()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job starts deaf to it
    try:
        with stop.deferring(ignore):
            pass
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert not stop.requested


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("for_good", [False, True])
def test_what_was_ignored_stays_ignored(number: signal.Signals, for_good: bool) -> None:
    """Under `nohup` a hang-up does not stop a batch."""
    stop = Stop()
    before = {each: signal.getsignal(each) for each in SIGNALS}
    signal.signal(number, signal.SIG_IGN)
    try:
        with stop.deferring(ignore):
            if for_good:
                stop.defer()
            signal.raise_signal(number)
        assert not stop.requested
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def test_a_watcher_that_breaks_does_not_break_the_purchase() -> None:
    """A closed stderr while the notice is written: the wish is set and nothing is raised in the middle of the work."""

    def broken(_: Progress) -> None:
        raise BrokenPipeError

    stop = Stop()
    with stop.deferring(broken):
        os.kill(os.getpid(), signal.SIGTERM)
    assert stop.requested


def interrupted_stream(path: Path) -> TextIO:
    """A stream on `path`, buffered as pipes and files are, that meets a SIGTERM in the middle of its first write."""

    class Interrupted(io.FileIO):
        signalled = False

        def write(self, data: ReadableBuffer) -> int:
            if not self.signalled:
                self.signalled = True
                os.kill(os.getpid(), signal.SIGTERM)
            return super().write(data)

    return io.TextIOWrapper(io.BufferedWriter(Interrupted(path, "w")), encoding="utf-8")


@pytest.mark.parametrize("waits", [False, True])
def test_a_signal_in_the_middle_of_a_print_is_told_all_the_same(waits: bool, tmp_path: Path) -> None:
    """Where `print` refuses to be called by the handler that interrupted it, the notice comes with the next wait or the end."""
    stop = Stop()
    with interrupted_stream(tmp_path / "out") as stream:

        def say(event: Progress) -> None:
            print(cast("Notice", event).text, file=stream, flush=True)

        with stop.deferring(say):
            print("buying", file=stream, flush=True)
            if waits:
                stop.wait(3600)
            print("recorded", file=stream, flush=True)
    told = SAID[0].text
    after = [told, "recorded"] if waits else ["recorded", told]
    assert (tmp_path / "out").read_text().splitlines() == ["buying", *after]


def test_a_command_loses_no_notice_to_its_buffer(tmp_path: Path) -> None:
    """A signal in the middle of a command's own progress line: the notice is written at once, past the buffer, and once."""
    stop = Stop()
    with interrupted_stream(tmp_path / "err") as stream:
        channel = Channel(stream=stream)
        with stop.deferring(lambda event: channel.lines(notice(event, channel))):
            channel.write("buying\n")
            channel.write("recorded\n")
    lines = (tmp_path / "err").read_text().splitlines()
    assert sorted(lines[:2]) == ["buying", f"note: {SAID[0].text}"]
    assert lines[2:] == ["recorded"]


def test_waiting_without_a_wish_ends_by_itself() -> None:
    """The time passes, nobody stopped."""
    stop = Stop()
    stop.wait(0.01)
    stop.wait(0)
    stop.wait(-1)
    assert not stop.requested


def test_waiting_after_a_wish_is_over_before_it_began() -> None:
    """However often it is asked."""
    stop = Stop()
    stop.request()
    for _ in range(3):
        stop.wait(3600)
    assert (stop.requested, stop.signal) == (True, None)


def test_one_wish_ends_every_wait() -> None:
    """Several threads that wait all go on."""
    stop = Stop()
    threads = [threading.Thread(target=stop.wait, args=(3600,), daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    stop.request()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)


def test_a_stoppable_clock_sleeps_until_the_wish() -> None:
    """Its sleep is the stop's wait; its times are those of the clock behind it."""

    class Fixed:
        def now(self) -> datetime:
            return datetime(2026, 1, 1, tzinfo=UTC)

        def monotonic(self) -> float:
            return 42.0

        def sleep(self, seconds: float) -> None:
            raise AssertionError("nobody sleeps here")

    stop = Stop()
    clock = StoppableClock(Fixed(), stop)
    clock.sleep(0.01)
    stop.request()
    clock.sleep(3600)
    assert (clock.now(), clock.monotonic()) == (datetime(2026, 1, 1, tzinfo=UTC), 42.0)


CHILD = dedent(
    """
    import sys
    from runner.core.stop import Stop

    stop = Stop()
    with stop.deferring(lambda notice: print(notice.text, flush=True)):
        print("ready", flush=True)
        stop.wait(3600)
        print("recorded", stop.signal.name, flush=True)
    sys.exit(8)
    """
)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_real_signal_ends_a_real_wait(number: signal.Signals) -> None:
    """A process that waits for an hour is woken by the signal, finishes its work and leaves by its own code."""
    with subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        child.send_signal(number)
        output, _ = child.communicate(timeout=30)
    assert output.splitlines() == [SAID[0].text, f"recorded {number.name}"]
    assert child.returncode == 8


STORM = dedent(
    """
    import os, signal, sys, threading
    from runner.core.stop import Stop

    for n in range(int(sys.argv[1])):
        stop = Stop()
        with stop.deferring(lambda notice: None):
            thread = threading.Thread(target=os.kill, args=(os.getpid(), signal.SIGTERM))
            thread.start()
            while not stop.requested:
                stop.wait(0.000_05)
            thread.join()
    """
)


def test_a_signal_at_any_moment_of_a_wait_does_no_harm() -> None:
    """A thousand signals into waits that begin and end all the time: none of them hangs the process."""
    subprocess.run([sys.executable, "-c", STORM, "1000"], check=True, timeout=60)


def test_deferred_for_good_a_signal_never_interrupts_again() -> None:
    """After `defer`, also behind an inner `deferring`, signals only set the wish."""
    before = [signal.getsignal(number) for number in SIGNALS]
    stop = Stop()
    try:
        stop.defer()
        with stop.deferring(ignore):
            pass
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        for number, handler in zip(SIGNALS, before, strict=True):
            signal.signal(number, handler)
    assert (stop.requested, stop.signal) == (True, signal.SIGINT)
