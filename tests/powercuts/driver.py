"""SQLite through APSW where the ledger expects Python's `sqlite3`: the same calls, over a file system that records.

The ledger's own code runs unchanged: `installed` puts this in the place of the module `sqlite3` inside
`runner.ledger.sqlite`, and nothing else. Files are real ones; what the unix VFS would do is done, and written down.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from unittest import mock

import apsw

from runner.ledger import sqlite as engine
from tests.powercuts.disk import Op

VFS: Final = "recorded"
MAIN: Final = "ledger.db"
_JOURNALS: Final = apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_SUPER_JOURNAL


class Recorder(apsw.VFS):
    """Every call that changes a file, in order; reads, locks and shared memory pass by."""

    def __init__(self) -> None:
        super().__init__(VFS, "unix")
        self.ops: list[Op] = []
        self._files: dict[str, int] = {}

    def forget(self) -> None:
        """Begin anew: the files that are there now are as old as the disk."""
        self.ops, self._files = [], {}

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's name
        if name is None:  # a temporary file, which no crash needs
            return apsw.VFSFile("unix", name, flags)
        path = name if isinstance(name, str) else name.filename()
        ending = path.rpartition(MAIN)[2] or "db"
        # Not by `xAccess`, which takes an empty file for none.
        is_new = bool(flags[0] & apsw.SQLITE_OPEN_CREATE) and not Path(path).exists()
        opened = Recorded(name, flags, self, ending)
        if is_new:
            self._files[ending] = len(self.ops) + 1
            self.ops.append(Op("create", ending, self._files[ending]))
        # The unix VFS syncs the folder with the first sync through a handle that may have made a journal.
        opened.owes_folder = bool(flags[0] & _JOURNALS and flags[0] & apsw.SQLITE_OPEN_CREATE)
        opened.file = self._files.get(ending, 0)
        return opened

    def xDelete(self, path: str, syncdir: bool) -> None:  # noqa: N802
        super().xDelete(path, syncdir)
        self.ops.append(Op("delete", path.rpartition(MAIN)[2], folder=bool(syncdir)))


class Recorded(apsw.VFSFile):
    """One open file."""

    def __init__(self, name: Any, flags: list[int], recorder: Recorder, ending: str) -> None:
        super().__init__("unix", name, flags)
        self._recorder = recorder
        self._ending = ending
        self.file = 0
        self.owes_folder = False

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        super().xWrite(data, offset)
        self._tell("write", offset, bytes(data))

    def xTruncate(self, size: int) -> None:  # noqa: N802
        super().xTruncate(size)
        self._tell("truncate", size)

    def xSync(self, flags: int) -> None:  # noqa: N802
        del flags  # the model knows what is durable; the real file need not be
        self._recorder.ops.append(Op("sync", self._ending, self.file, folder=self.owes_folder))
        self.owes_folder = False

    def _tell(self, kind: str, offset: int, data: bytes = b"") -> None:
        self._recorder.ops.append(Op(kind, self._ending, self.file, offset, data))


class Cursor:
    """A DBAPI cursor. Rows are fetched at once: a statement is over when `execute` returns."""

    arraysize = 1
    lastrowid: int | None = None

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self._at = 0
        self.description: tuple[tuple[Any, ...], ...] | None = None
        self.rowcount = -1

    def execute(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> Cursor:
        self._at, self.description, self.rowcount = 0, None, -1
        cursor = self._connection.cursor()
        cursor.exec_trace = self._describe
        with _as_sqlite3():
            before = self._connection.total_changes()
            self._rows = cursor.execute(sql, values or None).fetchall()
        if self.description is None:
            self.rowcount = self._connection.changes() if self._connection.total_changes() != before else 0
        return self

    def _describe(self, cursor: Any, sql: str, values: object) -> bool:
        found = cursor.get_description()
        self.description = tuple((name, *[None] * 6) for name, *_ in found) if found else None
        return True

    def fetchone(self) -> Any:
        row = self._rows[self._at : self._at + 1]
        self._at += 1
        return row[0] if row else None

    def fetchall(self) -> list[Any]:
        rows, self._at = self._rows[self._at :], len(self._rows)
        return rows

    def __iter__(self) -> Iterator[Any]:
        return iter(self.fetchall())

    def close(self) -> None:
        self._rows = []


class Connection:
    """A DBAPI connection, as far as the ledger uses one."""

    isolation_level = None

    def __init__(self, raw: apsw.Connection) -> None:
        self.raw = raw

    def cursor(self) -> Cursor:
        return Cursor(self.raw)

    def execute(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> Cursor:
        return self.cursor().execute(sql, values)

    def commit(self) -> None:
        self._end("COMMIT")

    def rollback(self) -> None:
        self._end("ROLLBACK")

    def _end(self, how: str) -> None:
        if self.raw.in_transaction:
            self.execute(how)

    def close(self) -> None:
        with _as_sqlite3():
            self.raw.close()


class Module:
    """`sqlite3` with another `connect`; keeps what it opened, so that a test can look through it."""

    def __init__(self) -> None:
        self.connections: list[Connection] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(sqlite3, name)

    def connect(self, database: str, *, timeout: float, **_: object) -> Connection:
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI
        with _as_sqlite3():
            raw = apsw.Connection(database, flags=flags, vfs=VFS)
            raw.set_busy_timeout(round(timeout * 1000))
        self.connections.append(Connection(raw))
        return self.connections[-1]

    def newest(self) -> apsw.Connection:
        """The connection that was opened last: while an account is held, the one that holds it."""
        return self.connections[-1].raw


@contextmanager
def _as_sqlite3() -> Iterator[None]:
    """APSW's errors as the `sqlite3` errors they would be."""
    try:
        yield
    except apsw.Error as error:
        kind = sqlite3.IntegrityError if isinstance(error, apsw.ConstraintError) else sqlite3.OperationalError
        made = kind(str(error))
        made.sqlite_errorcode = getattr(error, "result", 1)
        made.sqlite_errorname = str(apsw.mapping_result_codes.get(made.sqlite_errorcode, "SQLITE_ERROR"))
        raise made from error


NORMAL: Final = "normal"
"""The switch for a ledger that is opened with `synchronous=NORMAL`, past its own check."""


def _make_less_durable(raw: Any) -> None:
    raw.execute("PRAGMA journal_mode = WAL")
    raw.execute("PRAGMA synchronous = NORMAL")


@contextmanager
def installed(broken: str | None = None) -> Iterator[Module]:
    """The ledger over APSW, for the length of a `with`."""
    module = Module()
    with mock.patch.object(engine, "sqlite3", module):
        if broken == NORMAL:
            with mock.patch.object(engine, "_make_durable", _make_less_durable):
                yield module
        else:
            yield module
