"""The state file: one JSON event a line, only ever appended to, so that a purchase costs the same at any size.

A turn holds the file's lock, so processes that share a file see each other's events in one order. The lines reach the
operating system before the answer is sent: they survive the death of the process, not that of the machine.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Event = dict[str, Any]
HEADER = b'{"event":"order-runner sandbox state","version":1}\n'


class StateFileError(ValueError):
    """The file is not a state file of this emulator, or is damaged elsewhere than in its last line."""


@dataclass(slots=True, kw_only=True)
class Turn:
    """One turn at the state: what others did since ours, and the place to record what we do."""

    news: list[Event] = field(default_factory=list)
    restarted: bool = False
    """True when `news` is the whole history because the file is another one than at our last turn."""
    fd: int | None = None
    end: int = 0

    def record(self, event: Event) -> None:
        """Appends the event. Raises OSError, having changed nothing."""
        if self.fd is None:
            return
        line = json.dumps(event, separators=(",", ":")).encode() + b"\n"
        self.end += _write(self.fd, line, self.end)


class Journal:
    """The events of a state file, or of nothing but this process when there is no path."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._identity: tuple[int, int] | None = None
        self._end = 0

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """Holds the file for this thread of events. Not for two threads of a process at once."""
        if self._path is None:
            yield Turn()
            return
        fd = _open_locked(self._path)
        try:
            turn = self._catch_up(fd)
            try:
                yield turn
            finally:
                self._end = turn.end
        finally:
            os.close(fd)

    def remove(self) -> None:
        """Forgets the file."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        self._identity = None

    def _catch_up(self, fd: int) -> Turn:
        stat = os.fstat(fd)
        identity = (stat.st_dev, stat.st_ino)
        restarted = identity != self._identity or stat.st_size < self._end
        if restarted:
            self._end = 0
        if stat.st_size == self._end:
            return Turn(fd=fd, end=self._end)
        data = _whole_lines(fd, self._end, stat.st_size)
        news = _parse(data, self._path, first=restarted)
        self._identity, self._end = identity, self._end + len(data)
        return Turn(news=news, restarted=restarted, fd=fd, end=self._end)


def _open_locked(path: Path) -> int:
    """An open, locked descriptor of the file that the path names now; created private and with its header."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            if os.fstat(fd).st_nlink:  # else it was removed between the two calls
                _ensure_header(fd, path)
                return fd
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)


def _ensure_header(fd: int, path: Path) -> None:
    start = os.pread(fd, len(HEADER), 0)
    if start == HEADER:
        return
    if not HEADER.startswith(start):
        raise StateFileError(f"{path} is not a sandbox state file; use another one (this one was left untouched)")
    _write(fd, HEADER, 0)


def _whole_lines(fd: int, start: int, end: int) -> bytes:
    """The bytes up to the last newline. A torn last line is cut off: its writer died before it answered."""
    data = bytearray()
    while len(data) < end - start:
        data += os.pread(fd, end - start - len(data), start + len(data))
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.ftruncate(fd, start + whole)
    return bytes(data[:whole])


def _parse(data: bytes, path: Path | None, *, first: bool) -> list[Event]:
    lines = data.splitlines()[1 if first else 0 :]
    try:
        return [json.loads(line) for line in lines]
    except ValueError as error:
        raise StateFileError(f"{path} is damaged ({error}); remove it to start afresh") from None


def _write(fd: int, data: bytes, at: int) -> int:
    """Writes all of the data at that place or, on a full disk, nothing."""
    try:
        done = 0
        while done < len(data):
            done += os.pwrite(fd, data[done:], at + done)
    except OSError:
        os.ftruncate(fd, at)
        raise
    return len(data)
