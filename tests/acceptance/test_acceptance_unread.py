"""Outputs that nobody reads: a pager on its first page, a stopped terminal. They keep no account, and a signal ends them."""

import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from harness import MANIFEST, SOON, World, ipv4

SMALL = 4096
"""Bytes that the pipes of these tests take before a write blocks: the least that Linux offers."""
MANY = tuple(f"o{n:03}" for n in range(60))
"""Orders enough for a plan, a document and progress that are all larger than that."""
HASTY = "import runner.cli.buying as buying; buying.PLAN_SECONDS = 1.0; from runner.__main__ import main; main()"
"""The command with less time for whoever reads its plan."""


@contextmanager
def unread() -> Iterator[int]:
    """The writing end of a pipe that nobody reads."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, SMALL)
    try:
        yield writer
    finally:
        os.close(reader)
        os.close(writer)


def is_full(writer: int) -> bool:
    """Whether a pipe of these tests takes no more."""
    return not select.select([], [writer], [], 0)[1]


def wanted(world: World) -> None:
    world.manifest(*(ipv4(name) for name in MANY))


def another_run_buys(world: World) -> None:
    """A second run, which waits a little for the first to let go of the account."""
    other = world.manifest(ipv4("other"), name="other.yaml", batch="other")
    assert world.apply("--lock-timeout", str(SOON), "--report", "other.json", other).code == 0
    assert world.bought[-1] == "other"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_plan_that_nobody_reads(world: World, number: signal.Signals) -> None:
    """`apply --yes | less`, then a signal: exit 8 at once, nothing bought, a report, the account free."""
    wanted(world)
    with unread() as writer:
        process = world.start("apply", "--yes", MANIFEST, stdout=writer)
        world.wait_for(lambda: is_full(writer), process)
        process.send_signal(number)
        assert process.wait(SOON) == 8
        result = world.finish(process, "apply", "--yes", MANIFEST)
    assert (world.bought, world.money_requests) == ([], 0)
    assert "stopped by a signal" in result.err
    assert world.report()["summary"]["planned"] == len(MANY)
    another_run_buys(world)


def test_a_plan_that_nobody_reads_buys_nothing_and_keeps_no_account(world: World) -> None:
    """Its time is over: nothing is bought, the account is free while the text still waits, and the text says why."""
    wanted(world)
    piped = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "pipesize": SMALL}
    command = [sys.executable, "-c", HASTY, "apply", "--yes", MANIFEST]
    process = subprocess.Popen(command, cwd=world.root, env=world.environment(), **piped)
    report = world.root / "report.json"
    world.wait_for(lambda: report.exists() and world.report()["run"]["complete"], process)
    assert process.poll() is None
    another_run_buys(world)
    result = world.finish(process, "apply", "--yes", MANIFEST)
    assert (result.code, world.bought) == (8, ["other"])
    assert "crawl/o059" in result.out
    assert "nothing was bought" in result.out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("arguments", [("-f", "json"), ("-f", "ndjson"), ("--report", "-")])
def test_what_was_bought_keeps_no_account_and_its_exit_code(
    world: World, number: signal.Signals, arguments: tuple[str, ...]
) -> None:
    """All is bought and nobody reads what is said of it: another run has the account, and a signal leaves code 0."""
    wanted(world)
    call = ("apply", "--yes", "-q", *arguments, MANIFEST)
    with unread() as writer:
        process = world.start(*call, stdout=writer, stderr=subprocess.DEVNULL)
        world.wait_for(lambda: len(world.bought) == len(MANY) and is_full(writer), process)
        another_run_buys(world)
        assert process.poll() is None
        process.send_signal(number)
        assert process.wait(SOON) == 0
    if "--report" not in arguments:
        assert world.report()["summary"]["placed"] == len(MANY)
        assert world.report()["run"]["exit"]["code"] == 0


def test_progress_that_nobody_reads_delays_no_purchase(world: World) -> None:
    """An unread stderr: everything is bought, the account is let go, and a signal leaves code 0 and a whole report."""
    wanted(world)
    call = ("apply", "--yes", "-v", MANIFEST)
    with unread() as writer, Path(os.devnull).open("wb") as nowhere:
        process = world.start(*call, stdout=nowhere, stderr=writer)
        world.wait_for(lambda: len(world.bought) == len(MANY) and is_full(writer), process)
        another_run_buys(world)
        process.send_signal(signal.SIGTERM)
        assert process.wait(SOON) == 0
    assert world.report()["summary"]["placed"] == len(MANY)


def test_an_unread_error_ends_with_a_signal(world: World) -> None:
    """stdout and stderr in one pipe that nobody reads: exit 8 at the first signal, the account free."""
    wanted(world)
    with unread() as writer:
        process = world.start("apply", "--yes", "-v", MANIFEST, stdout=writer, stderr=writer)
        world.wait_for(lambda: is_full(writer) and is_priced(world), process)
        process.send_signal(signal.SIGTERM)
        code = process.wait(SOON)
    assert (code, world.bought) == (8, [])
    another_run_buys(world)


def is_priced(world: World) -> bool:
    """Whether the one price was asked for that all orders of these tests share."""
    return any(request.endpoint == "order/calc" for request in world.box.requests)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("command", ["plan", "validate", "schema"])
def test_a_signal_ends_a_look_that_nobody_reads(world: World, number: signal.Signals, command: str) -> None:
    """A command that only shows something, and is not read: exit 8 at the first signal."""
    if command == "validate":
        world.manifest(*(ipv4(name, quantity=0) for name in MANY))
    else:
        wanted(world)
    with unread() as writer:
        process = world.start(command, "report" if command == "schema" else MANIFEST, stdout=writer)
        world.wait_for(lambda: is_full(writer), process)
        process.send_signal(number)
        assert process.wait(SOON) == 8
        assert "stopped by a signal" in world.finish(process, command).err


def test_a_stopped_terminal_buys_nothing(world: World) -> None:
    """Ctrl-S before the plan is drawn: no question was seen, a signal ends the run with exit 8, the account is free."""
    wanted(world)
    own, other = pty.openpty()
    term = {"TERM": "xterm", "COLUMNS": "100"}
    termios.tcflow(other, termios.TCOOFF)
    call = ("apply", "-q", MANIFEST)
    process = world.start(*call, env=term, stdin=other, stdout=other, stderr=other, start_new_session=True)
    try:
        world.wait_for(lambda: is_priced(world), process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(SOON) == 8
    finally:
        os.close(own)
        os.close(other)
    assert world.money_requests == 0
    assert world.report()["run"]["complete"] is True
    another_run_buys(world)
