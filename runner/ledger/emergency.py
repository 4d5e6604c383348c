"""The last resort for a fact that cost money: a file whose blocks are there before any order is sent.

A full disk can stop a database from recording an answer. It cannot stop bytes from being overwritten in place, so the
file is allocated when the account is taken. One JSON line an outcome; the next run enters them and empties the file.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

from runner.core.errors import LedgerUnusable
from runner.core.files import open_private, sync_folder
from runner.core.records import Attempt, Settlement
from runner.ledger.codec import json_text, record_of, values_of

SIZE: Final = 64 * 1024
"""Bytes kept ready: room for one answer's evidence many times over."""


class EmergencyFile:
    """Outcomes that could not be entered, for one account of one ledger."""

    def __init__(self, path: Path, account: str) -> None:
        """Open and allocate the file; OSError where there is no room, or the file is anything special."""
        self.path = path
        self._account = account
        self._descriptor = open_private(path)
        try:
            self._end = len(self._content())
            self._allocate()
            self._finish_clearing()
        except BaseException:
            self.close()
            raise

    def _allocate(self) -> None:
        """Zeros are written, not only reserved: turning reserved blocks into used ones may take room again."""
        status = os.fstat(self._descriptor)
        if status.st_size < SIZE or status.st_blocks * 512 < SIZE:
            self._write(bytes(max(0, SIZE - self._end)), self._end)
            sync_folder(self.path.parent)

    def _finish_clearing(self) -> None:
        """A power cut may have left pieces behind a first byte that says there is nothing."""
        if not self._end and any(self._bytes()):
            self._write(bytes(len(self._bytes())), 0)

    def _content(self) -> bytes:
        content = self._bytes()
        return b"" if content.startswith(b"\0") else content.rstrip(b"\0")

    def _bytes(self) -> bytes:
        return os.pread(self._descriptor, os.fstat(self._descriptor).st_size, 0)

    def _write(self, data: bytes, at: int) -> None:
        done = 0
        while done < len(data):
            done += os.pwrite(self._descriptor, data[done:], at + done)
        os.fsync(self._descriptor)

    def entries(self) -> list[tuple[Attempt, Settlement]]:
        """What was saved, oldest first; `LedgerUnusable` where it cannot be read, whole, as what `save` writes."""
        try:
            return [self._entry(line) for line in self._content().decode("ascii").splitlines()]
        except (ValueError, KeyError, TypeError, ArithmeticError) as error:
            raise LedgerUnusable(
                f"{self.path} holds outcomes that an earlier run could not record, but cannot be read: {error}",
                hint="keep it, read it, and compare it with the vendor's dashboard before you move it away",
            ) from error

    def _entry(self, line: str) -> tuple[Attempt, Settlement]:
        entry = json.loads(line)
        if entry["account"] != self._account:
            raise ValueError(f"it belongs to account {entry['account']}")
        return record_of(Attempt, entry["attempt"]), record_of(Settlement, entry["settlement"])

    def save(self, attempt: Attempt, settlement: Settlement) -> None:
        """Add one outcome, durably; OSError where even that fails. Evidence is left out where there is no room."""
        line = self._line(attempt, values_of(settlement))
        if self._end + len(line) > SIZE:
            line = self._line(attempt, values_of(settlement) | {"evidence": {"left_out": "no room"}})
        self._write(line, self._end)
        self._end += len(line)

    def _line(self, attempt: Attempt, settlement: dict[str, object]) -> bytes:
        entry = {"account": self._account, "attempt": values_of(attempt), "settlement": settlement}
        return json_text(entry).encode("ascii") + b"\n"

    def clear(self) -> None:
        """Empty it in place, durably; its blocks stay allocated. Once its first byte is gone, it counts as empty."""
        if self._end:
            self._write(b"\0", 0)
            self._write(bytes(self._end), 0)
        self._end = 0

    def close(self) -> None:
        """Let go of the file; what it holds stays."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
