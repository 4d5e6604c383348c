"""Who says yes: `--yes`, or a person at a terminal who types the total."""

import os
import pty
import select
import signal
import subprocess
import time
from contextlib import suppress

import pytest
from harness import MANIFEST, SOON, World, ipv4


class Terminal:
    """A command on a pseudo-terminal, and what its screen has shown."""

    def __init__(self, world: World, *arguments: str) -> None:
        self._own, other = pty.openpty()
        self.screen = ""
        term = {"TERM": "xterm", "COLUMNS": "100"}
        self.process = world.start(
            *arguments, env=term, stdin=other, stdout=other, stderr=other, start_new_session=True
        )
        os.close(other)
        world.find_no_key(" ".join(arguments).encode(), "the arguments")
        self._world = world

    def until(self, text: str) -> None:
        """Reads on until the screen has shown `text`."""
        end = time.monotonic() + SOON
        while text not in self.screen:
            assert time.monotonic() < end, f"never shown: {text!r} in {self.screen!r}"
            if not self._read():
                assert text in self.screen, f"ended without {text!r}: {self.screen!r}"

    def type(self, text: str) -> None:
        """Types, Enter included if the text has one."""
        os.write(self._own, text.encode())

    def hang_up(self) -> None:
        """The terminal goes away, as when a window is closed."""
        os.close(self._own)
        self._own = -1

    def end(self) -> int:
        """The exit code; everything that was shown is without the key."""
        while self._own >= 0 and self._read():
            pass
        code = self.process.wait(SOON)
        if self._own >= 0:
            os.close(self._own)
        self._world.find_no_key(self.screen.encode(), "the terminal")
        self._world.find_no_key_in_files()
        return code

    def _read(self) -> bool:
        if not select.select([self._own], [], [], SOON)[0]:
            return False
        try:
            data = os.read(self._own, 65536)
        except OSError:  # Linux says EIO when the last process has left
            return False
        self.screen += data.decode(errors="replace")
        return bool(data)


@pytest.mark.parametrize("arguments", [(), ("--no-input",), ("-q",), ("--max-spend", "100")])
def test_nobody_there_to_ask_is_exit_2(world: World, arguments: tuple[str, ...]) -> None:
    """Without a terminal and without `--yes` nothing is asked of the vendor."""
    world.manifest(ipv4("a"))
    result = world.run("apply", *arguments, MANIFEST)
    assert result.code == 2
    assert "--yes" in result.err
    assert world.box.requests == ()
    assert not world.ledger.exists()


def test_a_yes_in_a_pipe_is_no_yes(world: World) -> None:
    """Text on stdin is not a person: exit 2."""
    world.manifest(ipv4("a"))
    result = world.run("apply", MANIFEST, stdin="1.80\ny\n")
    assert (result.code, world.box.requests) == (2, ())


def test_the_typed_total_buys(world: World) -> None:
    """On a terminal the plan is shown, and typing its total buys it."""
    world.manifest(ipv4("a"), ipv4("b"))
    terminal = Terminal(world, "apply", MANIFEST)
    terminal.until("Type the total")
    assert world.money_requests == 0
    assert "3.60" in terminal.screen
    assert "crawl/b" in terminal.screen
    terminal.type("3.60\n")
    assert terminal.end() == 0
    assert world.bought == ["a", "b"]
    assert "3.60 USD confirmed" in terminal.screen
    assert world.report()["summary"]["placed"] == 2


@pytest.mark.parametrize("answer", ["y\n", "yes\n", "3.6\n", "3,60\n", "36.0\n", "\n", "\x04", "1.80\n"])
def test_anything_else_buys_nothing(world: World, answer: str) -> None:
    """Any other answer, Enter alone, or the end of input: exit 8, nothing bought, a report."""
    world.manifest(ipv4("a"), ipv4("b"))
    terminal = Terminal(world, "apply", MANIFEST)
    terminal.until("Type the total")
    terminal.type(answer)
    assert terminal.end() == 8
    assert (world.bought, world.money_requests) == ([], 0)
    assert "nothing was bought" in terminal.screen
    report = world.report()
    assert (report["run"]["exit"]["code"], report["summary"]["planned"]) == (8, 2)


def test_an_interrupt_at_the_question_buys_nothing(world: World) -> None:
    """Ctrl-C while asked: exit 8, nothing bought."""
    world.manifest(ipv4("a"))
    terminal = Terminal(world, "apply", MANIFEST)
    terminal.until("Type the total")
    while terminal.process.poll() is None:  # one in the instant before the read is heeded only with the next
        terminal.process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            terminal.process.wait(3)
    assert terminal.end() == 8
    assert (world.bought, world.money_requests) == ([], 0)
    assert world.report()["run"]["complete"] is True


def test_a_terminal_that_goes_away_buys_nothing(world: World) -> None:
    """The window is closed at the question: nothing is bought."""
    world.manifest(ipv4("a"))
    terminal = Terminal(world, "apply", MANIFEST)
    terminal.until("Type the total")
    terminal.hang_up()
    assert terminal.end() != 0
    assert world.money_requests == 0


def test_nothing_to_buy_asks_nothing(world: World) -> None:
    """A batch that is bought needs no answer."""
    world.manifest(ipv4("a"))
    assert world.apply().code == 0
    terminal = Terminal(world, "apply", MANIFEST)
    assert terminal.end() == 0
    assert "Type the total" not in terminal.screen


RENAME = "Type rename to rename 1 order"


@pytest.mark.parametrize(
    ("typed", "code", "keys"), [("rename\n", 0, {"new/a"}), ("y\n", 8, {"old/a"}), ("\n", 8, {"old/a"})]
)
def test_names_are_not_given_up_without_a_yes(world: World, typed: str, code: int, keys: set[str]) -> None:
    """With nothing to buy, a renaming is shown and asked about: an earlier name is never used again."""
    world.manifest(ipv4("a"), batch="old")
    assert world.apply().code == 0
    world.manifest(ipv4("a"), batch="new", renamed_from="old")
    terminal = Terminal(world, "apply", MANIFEST)
    terminal.until(RENAME)
    assert "new/a" in terminal.screen
    terminal.type(typed)
    assert terminal.end() == code
    rows = world.run("status", "-f", "json").json["orders"]
    assert {row["key"] for row in rows if row["state"] == "placed"} == keys
    assert world.bought == ["a"]


def test_no_input_at_a_terminal_is_exit_2(world: World) -> None:
    """`--no-input` never asks, and buys nothing without `--yes`."""
    world.manifest(ipv4("a"))
    terminal = Terminal(world, "apply", "--no-input", MANIFEST)
    assert terminal.end() == 2
    assert world.box.requests == ()


def test_yes_at_a_terminal_asks_nothing(world: World) -> None:
    """`--yes` buys without a question, with what happens drawn on the terminal."""
    world.manifest(ipv4("a"), ipv4("b"))
    terminal = Terminal(world, "apply", "--yes", MANIFEST)
    assert terminal.end() == 0
    assert "Type the total" not in terminal.screen
    assert world.bought == ["a", "b"]
    assert "\x1b[" in terminal.screen


def test_validate_at_a_terminal_shows_the_line(world: World) -> None:
    """A finding on a terminal has a snippet with a caret under the value."""
    world.manifest(ipv4("a", quantity=0))
    terminal = Terminal(world, "validate", "--no-color", MANIFEST)
    assert terminal.end() == 4
    lines = terminal.screen.replace("\r", "").split("\n")
    (snippet,) = [number for number, line in enumerate(lines) if "quantity: 0" in line]
    assert lines[snippet + 1].index("^") == lines[snippet].index("0", lines[snippet].index("quantity:"))


def test_hostile_words_do_nothing_to_a_terminal(world: World) -> None:
    """What the vendor says cannot move the cursor, set a title or clear the screen."""
    world.manifest(ipv4("a"), ipv4("b", quantity=2))
    world.box.add_fault("calc-error@2:\x1b]0;owned\x07\x1b[2J\r\n::error::x\u202e##[error]")
    terminal = Terminal(world, "apply", "--yes", MANIFEST)
    assert terminal.end() == 5
    for harm in ("\x1b]0;", "\x07", "\x1b[2J", "\u202e", "##["):
        assert harm not in terminal.screen
    assert "owned" in terminal.screen
    assert isinstance(terminal.process, subprocess.Popen)
