"""Where text goes, and that nobody's absence stops a run."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runner.views.terminal.console import Channel, Console
from tests.views.conftest import Terminal


def test_without_a_terminal_nothing_is_drawn_or_coloured(tmp_path: Path) -> None:
    """A file and a pipe get plain text of the usual width."""
    with (tmp_path / "out").open("w") as out:
        console = Console.detect(no_color=False, stdout=out, stderr=io.StringIO(), environ={})
    assert (console.interactive, console.colour, console.out.terminal, console.out.width) == (False, False, False, 80)


@pytest.mark.parametrize(
    ("no_color", "environ", "colour"),
    [
        (False, {}, True),
        (True, {}, False),
        (True, {"FORCE_COLOR": "1"}, False),
        (False, {"NO_COLOR": "1"}, False),
        (False, {"NO_COLOR": ""}, True),
        (False, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        (False, {"CI": "true"}, False),
        (False, {"CI": "true", "FORCE_COLOR": "1"}, True),
        (False, {"TERM": "dumb"}, False),
    ],
)
def test_who_decides_about_colour(
    terminal: Callable[[int], Terminal], no_color: bool, environ: dict[str, str], colour: bool
) -> None:
    """On a terminal: `--no-color`, then NO_COLOR, then FORCE_COLOR, then what the terminal can do."""
    assert terminal(80).console(no_color=no_color, **environ).colour is colour


@pytest.mark.parametrize("environ", [{"CI": "true"}, {"TERM": "dumb"}])
def test_nothing_is_redrawn_in_ci(terminal: Callable[[int], Terminal], environ: dict[str, str]) -> None:
    """A terminal that keeps a log, or cannot move its cursor, is written to line by line."""
    assert not terminal(80).console(**environ).interactive


@pytest.mark.parametrize(("forced", "colour"), [("1", True), ("0", False), ("", False)])
def test_colour_can_be_forced_into_a_pipe(forced: str, colour: bool) -> None:
    """FORCE_COLOR colours a log, and still redraws nothing."""
    console = Console.detect(
        no_color=False, stdout=io.StringIO(), stderr=io.StringIO(), environ={"FORCE_COLOR": forced}
    )
    assert (console.colour, console.interactive) == (colour, False)


@pytest.mark.parametrize(("width", "environ", "seen"), [(40, {}, 40), (200, {}, 200), (40, {"COLUMNS": "99"}, 99)])
def test_the_width_is_the_terminals(
    terminal: Callable[[int], Terminal], width: int, environ: dict[str, str], seen: int
) -> None:
    """The width is asked of the terminal; COLUMNS overrides it."""
    assert terminal(width).console(**environ).out.width == seen


def test_a_terminal_without_a_size_is_wide_enough(terminal: Callable[[int], Terminal]) -> None:
    """A terminal that says 0 columns gets the usual width."""
    assert terminal(0).console().out.width == 80


@pytest.fixture
def unread() -> Iterator[Channel]:
    """A channel into a pipe that nobody reads any more."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        yield Channel(stream=stream)


def test_a_broken_pipe_is_remembered_not_raised(unread: Channel) -> None:
    """Writing where nobody reads never raises, and what was lost is known."""
    assert unread.failure is None
    unread.write("a\n")
    unread.write("b\n")
    assert isinstance(unread.failure, BrokenPipeError)


def test_lines_stop_being_made_once_nobody_reads(unread: Channel) -> None:
    """An endless product ends when its reader has gone."""

    def endless() -> Iterator[str]:
        while True:
            yield "x" * 1000

    unread.lines(endless())
    assert unread.failure is not None


def test_a_full_disk_is_remembered_not_raised() -> None:
    """ENOSPC on a stream is not raised into the middle of a purchase, and is told from a reader that left."""
    with Path("/dev/full").open("w") as stream:
        channel = Channel(stream=stream)
        channel.write("x")
        assert channel.failure is not None
        assert not isinstance(channel.failure, BrokenPipeError)


@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_a_closed_stream_is_broken(stream: io.StringIO | None) -> None:
    """A stream that was closed before or since loses text without raising."""
    if stream is not None:
        stream.close()
    channel = Channel(stream=stream)
    channel.write("x")
    assert channel.failure is not None


def test_what_an_encoding_lacks_is_spelled_out() -> None:
    """A stream that cannot say a character gets its escape, not a crash."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="latin-1")
    Channel(stream=stream).write("é × → \ud800\n")
    assert raw.getvalue() == b"\xe9 \xd7 \\u2192 \\ud800\n"


def test_all_lines_arrive_in_order(tmp_path: Path) -> None:
    """Gathering lines before writing loses and reorders none."""
    target = tmp_path / "out"
    expected = [f"line {number} {'x' * 90}" for number in range(2000)]
    with target.open("w") as stream:
        Channel(stream=stream).lines(expected)
    assert target.read_text().splitlines() == expected


def test_a_signal_handler_may_write_while_a_write_is_under_way(tmp_path: Path) -> None:
    """A stream that refuses a second writer in the middle of a write is bypassed, and the text arrives."""
    target = tmp_path / "err"

    class Busy(io.TextIOWrapper):
        def write(self, _: str) -> int:
            raise RuntimeError("reentrant call inside <_io.BufferedWriter>")

    with Busy(target.open("wb", buffering=0)) as stream:
        channel = Channel(stream=stream)
        channel.write("stopping\n")
    assert target.read_text() == "stopping\n"
    assert channel.failure is None


def test_aside_leaves_stdout_free() -> None:
    """When stdout carries a document, words go to stderr."""
    out, err = io.StringIO(), io.StringIO()
    console = Console(out=Channel(stream=out), err=Channel(stream=err))
    console.aside().write("words")
    console.note("!")
    assert (out.getvalue(), err.getvalue()) == ("", "words!")


LEAVES_QUIETLY = """
import sys
from runner.views.terminal.console import Console
console = Console.detect(no_color=False)
for number in range(10000):
    console.out.lines(["x" * 100])
console.note(f"broken: {console.out.failure is not None}")
sys.exit(7)
"""


def test_the_exit_code_survives_a_reader_that_leaves() -> None:
    """`order-runner … | head -1`: no traceback, nothing of Python's own on stderr, and the exit code is kept."""
    process = subprocess.Popen(
        [sys.executable, "-c", LEAVES_QUIETLY], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), errors) == (7, "broken: True")


def test_many_threads_write_whole_lines(tmp_path: Path) -> None:
    """Lines written from several threads come out whole."""
    target = tmp_path / "out"
    with target.open("w") as stream:
        channel = Channel(stream=stream)
        writers = [threading.Thread(target=channel.lines, args=([f"{n}" * 50],)) for n in range(8)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
    assert sorted(target.read_text().splitlines()) == [f"{n}" * 50 for n in range(8)]
