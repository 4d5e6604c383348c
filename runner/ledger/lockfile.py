"""One runner at a time on an account of a ledger file: an OS lock that dies with its process.

The lock is `flock` on a file beside the ledger. Two descriptors exclude each other even inside one process. The file
itself is never deleted: a waiter would hold a lock on a file that nobody else can find.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from weakref import WeakSet

from runner.core.errors import Busy
from runner.core.files import open_private
from runner.core.records import Holder
from runner.ledger.codec import values_of

LOCKS: Final = Path("/proc/locks")

PAUSE: Final = 0.05
"""Seconds between two looks at a lock that somebody else has."""


class AccountLock:
    """The lock on one file. `is_held` is False before, after, and in a child process made by `fork`."""

    def __init__(self, path: Path) -> None:
        self._descriptor = open_private(path)
        self.is_held = False
        _locks.add(self)

    def try_to_hold(self) -> bool:
        """Hold it now or not at all."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        self.is_held = True
        return True

    def read(self) -> str:
        """Who signed last: the one who holds it, or held it last."""
        return os.pread(self._descriptor, 4096, 0).decode("utf-8", "replace")

    def sign(self, text: str) -> None:
        """Put a name to the lock, for whoever has to wait."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, text.encode(), 0)

    def close(self) -> None:
        """Let go; harmless when it was let go before."""
        descriptor, self._descriptor = self._descriptor, -1
        self.is_held = False
        if descriptor >= 0:
            os.close(descriptor)


_locks: Final[WeakSet[AccountLock]] = WeakSet()


def _close_in_child() -> None:
    # A forked child shares its parent's lock, and would keep the account after the parent's death.
    for lock in list(_locks):
        lock.close()


os.register_at_fork(after_in_child=_close_in_child)


@contextmanager
def account_lock(path: Path, account: str, holder: Holder, timeout: float) -> Iterator[AccountLock]:
    """Hold the lock file at `path`, signed by the holder; `Busy`, naming who has it, after `timeout` seconds.

    OSError where the file cannot be made, or is a link or anything else special.
    """
    lock = AccountLock(path)
    try:
        _wait(lock, account, timeout)
        lock.sign(json.dumps(values_of(holder)) + "\n")
        yield lock
    finally:
        lock.close()


def held_by(path: Path) -> str | None:
    """Who holds the lock file at `path`, by the kernel's table of locks; empty where there is no such table."""
    if not path.exists():
        return None
    if not LOCKS.exists():
        return ""
    # `7: FLOCK  ADVISORY  WRITE 4711 fe:00:3220863 0 EOF`; not every file system shows the device that `stat` tells.
    if not re.search(rf"FLOCK .*:{path.stat().st_ino} ", LOCKS.read_text()):
        return None
    return signature(path.read_text(encoding="utf-8", errors="replace"))


def _wait(lock: AccountLock, account: str, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while not lock.try_to_hold():
        left = deadline - time.monotonic()
        if left <= 0:
            raise Busy(
                f"account {account} is held by {signature(lock.read())}",
                hint="wait for that run, or let this one wait longer with --lock-timeout",
            )
        time.sleep(min(PAUSE, left))


def signature(text: str) -> str:
    """Who signed, from a holder's detail as JSON."""
    try:
        holder = json.loads(text)
        job = f" (CI job {holder['ci_job']})" if holder["ci_job"] else ""
        return f"pid {holder['pid']} on {holder['host']} since {holder['since']}{job}"
    except (ValueError, KeyError, TypeError):
        return "a process that has not identified itself yet"
