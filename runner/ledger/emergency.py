"""The last resort for a fact that cost money: a file whose blocks are there before any order is sent.

A full disk can stop a database from recording an answer. It cannot stop bytes from being overwritten in place, so the
file is allocated when the account is taken. One JSON line an outcome; the next run enters them and empties the file.

Where the file went away together with the ledger, an outcome goes to a new one: at the same place, else numbered beside
it (`.emergency-1`), else in a spare folder. The next run enters those as well, and removes them.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from itertools import chain, count
from pathlib import Path
from typing import Final

from runner.core.errors import LedgerUnusable
from runner.core.files import open_private, private_folder, sync_folder
from runner.core.records import Attempt, Settlement
from runner.ledger.codec import json_text, record_of, values_of

SIZE: Final = 64 * 1024
"""Bytes kept ready: room for one answer's evidence many times over."""


class EmergencyFile:
    """Outcomes that could not be entered, for one account of one ledger."""

    def __init__(self, path: Path, account: str, spare: Path | None = None) -> None:
        """Open and allocate the file; OSError where there is no room, or the file is anything special.

        `spare` is a path in another folder, for an outcome that this one does not take.
        """
        self.path = path
        self._account = account
        self._spare = spare
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
        saved = self._entries(self.path, self._content())
        for stray in self._strays():
            saved += self._entries(stray, stray.read_bytes())
        return saved

    def _entries(self, path: Path, content: bytes) -> list[tuple[Attempt, Settlement]]:
        try:
            return [self._entry(line) for line in content.decode("ascii").splitlines()]
        except (ValueError, KeyError, TypeError, ArithmeticError) as error:
            raise LedgerUnusable(
                f"{path} holds outcomes that an earlier run could not record, but cannot be read: {error}",
                hint="keep it, read it, and compare it with the vendor's dashboard before you move it away",
            ) from error

    def _strays(self) -> list[Path]:
        """Files that were made because this one had gone, oldest first."""
        strays = numbered_files(self.path)
        if self._spare is not None:
            strays += [*([self._spare] if self._spare.is_file() else []), *numbered_files(self._spare)]
        return strays

    def _entry(self, line: str) -> tuple[Attempt, Settlement]:
        entry = json.loads(line)
        if entry["account"] != self._account:
            raise ValueError(f"it belongs to account {entry['account']}")
        return record_of(Attempt, entry["attempt"]), record_of(Settlement, entry["settlement"])

    def save(self, attempt: Attempt, settlement: Settlement) -> Path:
        """Add one outcome, durably, and say where; OSError where that fails everywhere.

        Evidence is left out where there is no room.
        """
        line = self._line(attempt, values_of(settlement))
        if self._end + len(line) > SIZE:
            line = self._line(attempt, values_of(settlement) | {"evidence": {"left_out": "no room"}})
        if not self._is_in_place():
            with suppress(OSError):  # moved, it may be moved back
                self._append(line)
            return self._save_elsewhere(line)
        self._append(line)
        return self.path

    def _append(self, line: bytes) -> None:
        self._write(line, self._end)
        self._end += len(line)

    def _is_in_place(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._descriptor), self.path.lstat())
        except OSError:
            return False

    def _save_elsewhere(self, line: bytes) -> Path:
        """The first free place near the path, whose folder is made again where it is missing; else the spare one."""
        try:
            return _make_first(self.path, line)
        except OSError:
            if self._spare is None:
                raise
            return _make_first(self._spare, line)

    def _line(self, attempt: Attempt, settlement: dict[str, object]) -> bytes:
        entry = {"account": self._account, "attempt": values_of(attempt), "settlement": settlement}
        return json_text(entry).encode("ascii") + b"\n"

    def clear(self) -> None:
        """Empty it in place, durably; its blocks stay allocated. Once its first byte is gone, it counts as empty."""
        if self._end:
            self._write(b"\0", 0)
            self._write(bytes(self._end), 0)
        self._end = 0
        for stray in self._strays():
            stray.unlink()
            sync_folder(stray.parent)

    def close(self) -> None:
        """Let go of the file; what it holds stays."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def numbered_files(path: Path) -> list[Path]:
    """The files beside `path` that were made because it was taken, oldest first."""
    name = re.compile(re.escape(path.name) + r"-([0-9]+)")
    files = path.parent.iterdir() if path.parent.is_dir() else ()
    ours = (file for file in files if name.fullmatch(file.name) and file.is_file())
    return sorted(ours, key=lambda file: int(file.name.rpartition("-")[2]))


def holds_something(path: Path) -> bool:
    """Whether an emergency file has an outcome in it."""
    with path.open("rb") as stream:
        return stream.read(1) not in (b"", b"\0")


def _make_first(path: Path, line: bytes) -> Path:
    """A new file with this line: `path`, or beside it the first number that is free. Missing folders are made."""
    private_folder(path.parent)
    for place in chain([path], (path.with_name(f"{path.name}-{n}") for n in count(1))):
        try:
            descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            continue
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(line)
            stream.flush()
            os.fsync(stream.fileno())
        break
    for folder in (place.parent, place.parent.parent):
        sync_folder(folder)
    return place
