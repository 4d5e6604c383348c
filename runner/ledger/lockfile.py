"""One runner at a time on an account: an OS lock that dies with its process, on a file that remembers the ledger.

The lock is `flock`. Two descriptors exclude each other even inside one process. The file itself is never deleted: a
waiter would hold a lock on a file that nobody else can find.

The file is text: the holder's signature, then two slots, written in turns, for how many events the account had and the
hash of the last. A slot is no larger than a sector and has a checksum, so a cut-off write costs the newer slot at most.
"""

from __future__ import annotations

import fcntl
import hashlib
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
from runner.core.files import open_private, sync_folder
from runner.core.records import Head, Holder
from runner.ledger.codec import holder_values

LOCKS: Final = Path("/proc/locks")

PAUSE: Final = 0.05
"""Seconds between two looks at a lock that somebody else has."""

SIGNATURE: Final = 1024
SLOT: Final = 512
"""Bytes of the signature, and of each of the two slots behind it: blanks up to a line's end."""
_FILE: Final = SIGNATURE + 2 * SLOT

# Where there is one, a write in place needs no more: neither the file's size nor its blocks change.
_sync: Final = getattr(os, "fdatasync", os.fsync)


class AccountLock:
    """The lock on one file. `is_held` is False before, after, and in a child process made by `fork`."""

    def __init__(self, path: Path) -> None:
        self.path = path
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

    def is_in_place(self) -> bool:
        """Whether the file that is open here is the one that others would find."""
        try:
            return os.path.samestat(os.fstat(self._descriptor), self.path.lstat())
        except OSError:
            return False

    def read(self) -> str:
        """Who signed last: the one who holds it, or held it last."""
        return _signature_in(self._content())

    def sign(self, text: str) -> None:
        """Put a name to the lock, for whoever has to wait."""
        is_new = not os.fstat(self._descriptor).st_size
        os.pwrite(self._descriptor, _line(text, SIGNATURE), 0)
        if is_new:
            sync_folder(self.path.parent)

    def memory(self) -> Head | None:
        """The end of the account's chain when it was last written down; None where it never was."""
        return _head_in(self._content())

    def remember(self, head: Head) -> None:
        """Write down the end of the account's chain, durably; OSError where that fails."""
        content = self._content()
        older = SLOT if _slots_in(content)[0] == _head_in(content) else 0
        os.pwrite(self._descriptor, _line(_slot_text(head), SLOT), SIGNATURE + older)
        _sync(self._descriptor)

    def _content(self) -> bytes:
        return os.pread(self._descriptor, _FILE, 0)

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
        lock.sign(json.dumps(holder_values(holder)))
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
    return signature(_signature_in(path.read_bytes()))


def read_memory(path: Path) -> Head | None:
    """What the lock file at `path` remembers, whoever holds it; None where there is no file, or one that does not.

    OSError where it cannot be read, or is a link or anything else special.
    """
    try:
        descriptor = open_private(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        return _head_in(os.pread(descriptor, _FILE, 0))
    finally:
        os.close(descriptor)


def _signature_in(content: bytes) -> str:
    return content[:SIGNATURE].decode("utf-8", "replace")


def _line(text: str, size: int) -> bytes:
    data = text.encode()[: size - 1]
    return data.ljust(size - 1) + b"\n"


def _slot_text(head: Head) -> str:
    return json.dumps({"events": head.events, "hash": head.hash, "check": _check(head)})


def _check(head: Head) -> str:
    return hashlib.sha256(f"{head.events} {head.hash}".encode()).hexdigest()[:16]


def _head_in(content: bytes) -> Head | None:
    """The later of the two slots. A chain only grows: what is remembered never goes back."""
    slots = [head for head in _slots_in(content) if head is not None]
    return max(slots, key=lambda head: head.events, default=None)


def _slots_in(content: bytes) -> tuple[Head | None, Head | None]:
    first, second = SIGNATURE, SIGNATURE + SLOT
    return _head_of(content[first:second]), _head_of(content[second:_FILE])


def _head_of(slot: bytes) -> Head | None:
    """What a slot holds; None where it is empty or was not written whole."""
    try:
        values = json.loads(slot.decode("ascii"))
        head = Head(int(values["events"]), str(values["hash"]))
        return head if values["check"] == _check(head) else None
    except (ValueError, KeyError, TypeError):
        return None


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
