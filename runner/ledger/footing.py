"""What a hold stands on: the files it opened, still at their places, and the end of the chain that its lock remembers.

A file that was moved, replaced or removed while it is used takes every commit without complaint and shows it to nobody.
A ledger that lost its newest events looks whole. Both would be bought from again, so both are looked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from runner.core.errors import LedgerReplaced, LedgerUnusable
from runner.core.records import Head
from runner.ledger import statements
from runner.ledger.lockfile import AccountLock
from runner.ledger.sql import AccountRows

Identity = tuple[int, int]
"""Device and inode: what a file is, whatever it is called."""

_AWAY: Final = "nothing can be bought until it is back: put it where it was, or start again from its newest copy"


def identities(paths: Iterable[Path]) -> dict[Path, Identity]:
    """Those of the files that are there. No file is opened: closing it would drop this process's SQLite locks on it."""
    found = ((path, _identity(path)) for path in paths)
    return {path: identity for path, identity in found if identity is not None}


def _identity(path: Path) -> Identity | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


class Footing:
    """What one hold stands on; asked before and after every commit, and before anything is sent.

    Once a claim or a settlement is acknowledged, the lock remembers it, durably: that costs one more synchronisation of
    the disk for each. A process that dies in between leaves a lock that knows less than its ledger, which does no harm.
    """

    def __init__(self, lock: AccountLock, files: Mapping[Path, Identity], location: str) -> None:
        """`files` are the ledger's own, as they were opened; none for a ledger that is no file here."""
        self._lock = lock
        self._files = files
        self._location = location
        self._written = lock.memory()
        self._end = self._written or Head()

    def objection(self) -> str | None:
        """What is no longer at its place, in words; None where all is."""
        for path, identity in self._files.items():
            now = _identity(path)
            if now != identity:
                return f"{path} is {'gone' if now is None else 'another file'} since this run opened it"
        if not self._lock.is_in_place():
            return f"{self._lock.path}, by which this run holds the account, is gone or another file"
        return None

    def refuse_moved(self) -> None:
        """`LedgerReplaced` where something is no longer at its place."""
        if objection := self.objection():
            raise LedgerReplaced(objection, hint=_AWAY)

    def refuse_behind(self, rows: AccountRows) -> None:
        """`LedgerReplaced` where the ledger does not have the event that the lock remembers as the last."""
        refuse_behind(rows, self._written, self._lock.path, self._location)

    def refuse_shorter(self, rows: AccountRows) -> None:
        """`LedgerReplaced` where the chain that a transaction added to is not the one this hold has seen."""
        if rows.ends and rows.ends[0].events <= self._end.events:
            raise LedgerReplaced(_behind(self._location, self._end, self._lock.path), hint=_way_out(self._lock.path))

    def remember(self, head: Head) -> None:
        """Have the lock remember the end of the chain; `LedgerUnusable` where it cannot be written."""
        self._end = head
        self.catch_up()

    def catch_up(self) -> None:
        """Write down what the lock should remember and does not; `LedgerUnusable` where it cannot be written."""
        if self._end == (self._written or Head()):
            return
        try:
            self._lock.remember(self._end)
        except OSError as error:
            hint = "make room on the disk, or check its health"
            raise LedgerUnusable(f"{self._lock.path} cannot be written: {error}", hint=hint) from error
        self._written = self._end


def refuse_behind(rows: AccountRows, remembered: Head | None, lock: Path, location: str) -> None:
    """`LedgerReplaced` where `rows` do not have the event that was `remembered`, before they were read, as the last."""
    if remembered is not None and remembered.events and not _has(rows, remembered):
        raise LedgerReplaced(_behind(location, remembered, lock), hint=_way_out(lock))


def _has(rows: AccountRows, remembered: Head) -> bool:
    """Whether the event with that number has that hash."""
    row = statements.HEAD.one(rows.connection, {"b_account": rows.account})
    beyond = int(row["events"]) - remembered.events if row else -1
    if beyond < 0:
        return False
    values = {"b_account": rows.account, "b_beyond": beyond}
    event = statements.EVENT_BEFORE_THE_END.one(rows.connection, values)
    return event is not None and event["hash"] == remembered.hash


def _behind(location: str, remembered: Head, lock: Path) -> str:
    return (
        f"the ledger {location} is not the newest: {lock} remembers its event number {remembered.events} "
        f"({remembered.hash[:12]}…), which it does not have"
    )


def _way_out(lock: Path) -> str:
    return (
        "put back its newest copy, or add what is missing with `order-runner ledger import EXPORT`; if it is lost for "
        f"good, delete {lock.name}: what was bought since then looks unbought, so compare with the vendor first"
    )
