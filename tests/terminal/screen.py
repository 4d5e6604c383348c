"""A program on a pseudo-terminal of a size, and what a person would see there."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pyte

SOON: Final = 30.0
"""Seconds after which something that should have happened has not; never a measure of speed."""
BAR = re.compile(r"([━#]*)[─-]{3,}")
TIME = re.compile(r"about \d+ (?:s|min)|a few seconds|\d+ min \d+ s|\d+ s(?![a-z])|[\d.,]+(?: [a-z]+)?/(?:s|min|h)\b")


class Screen:
    """A started program; `raw` is every byte it sent."""

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        cwd: Path,
        columns: int = 80,
        rows: int = 24,
    ) -> None:
        self._own, other = pty.openpty()
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""
        self._set(columns, rows)
        self.process = subprocess.Popen(
            list(map(str, argv)),
            env=dict(env),
            cwd=cwd,
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - Ctrl-C needs it
        )
        os.close(other)

    @property
    def lines(self) -> list[str]:
        """The screen as text, without the empty lines at its end."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip().split("\n")

    @property
    def cursor_is_visible(self) -> bool:
        return not self._screen.cursor.hidden

    def until(self, pattern: str) -> list[str]:
        """Reads on until a line of the screen matches; the screen at that moment."""
        end = time.monotonic() + SOON
        while not any(re.search(pattern, line) for line in self.lines):
            assert time.monotonic() < end, f"never shown: {pattern}\n{self}"
            if not self._read():
                assert any(re.search(pattern, line) for line in self.lines), f"ended without {pattern}\n{self}"
        return self.lines

    def rest(self) -> int:
        """Reads to the end; the exit code."""
        end = time.monotonic() + SOON
        while self._read():
            assert time.monotonic() < end, f"does not end\n{self}"
        return self.process.wait(SOON)

    def type(self, text: str) -> None:
        os.write(self._own, text.encode())

    def resize(self, columns: int, rows: int = 24) -> None:
        """The window gets another size."""
        self._screen.resize(rows, columns)
        self._set(columns, rows)
        os.killpg(self.process.pid, signal.SIGWINCH)

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self._own)

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def _read(self) -> bool:
        """Whether more may come; a byte at most waits a little."""
        if not select.select([self._own], [], [], 0.05)[0]:
            return True
        try:
            data = os.read(self._own, 65536)
        except OSError:  # EIO: everybody on the other side is gone
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)

    def _set(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._own, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def timeless(lines: Sequence[str]) -> str:
    """A screen with every time and pace as `~`, and every bar, which fills what they leave, as `[===---]`."""
    return "\n".join(TIME.sub("~", BAR.sub(_short, line)) for line in lines)


def _short(bar: re.Match[str]) -> str:
    full = round(6 * len(bar[1]) / len(bar[0]))
    return f"[{'=' * full}{'-' * (6 - full)}]"
