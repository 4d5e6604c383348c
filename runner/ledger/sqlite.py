"""The ledger as one SQLite file: for any number of processes on one machine.

Write-ahead log with `synchronous=FULL`: an acknowledged commit survives a power cut. The account is held by a lock
file beside it. Everything SQLite or the disk says against it becomes `LedgerUnusable`, in `_trusting`.
"""

from __future__ import annotations

import errno
import hashlib
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from runner.core.errors import LedgerReplaced, LedgerUnusable
from runner.core.ledger import Hold, Ledger
from runner.core.records import Head, Holder
from runner.ledger import migrations, statements, storage
from runner.ledger.connection import SqlConnection, Statement
from runner.ledger.emergency import EmergencyFile
from runner.ledger.engine import SqlLedger, check_account
from runner.ledger.footing import Footing, Identity, identities, refuse_behind
from runner.ledger.hold import SqlHold
from runner.ledger.lockfile import account_lock, held_by, read_memory
from runner.ledger.sql import AccountRows

APPLICATION_ID: Final = 0x6F72646C
"""`ordl`, in the header of every ledger file: tells it from any other SQLite database."""

READ: Final = "BEGIN"
WRITE: Final = "BEGIN IMMEDIATE"

BUSY_SECONDS: Final = 15.0
"""How long a write waits for the write of another process."""

FULL: Final = 2
"""What `PRAGMA synchronous` answers for FULL."""

_WRITABLE: Final = (
    "let this user read and write the file, those beside it, and its folder; the default is where HOME or "
    "XDG_STATE_HOME says; another file would be a new ledger, which knows nothing of what was bought"
)
_HINTS: Final = (
    ("SQLITE_FULL", "make room on the disk"),
    ("SQLITE_NOTADB", "name another file, or restore it from a backup"),
    ("SQLITE_CORRUPT", "restore it from a backup; a new ledger would forget what was bought"),
    ("SQLITE_READONLY", _WRITABLE),
    ("SQLITE_CANTOPEN", _WRITABLE),
    ("SQLITE_BUSY", "another process has been writing to it for a long time: look for a stopped one"),
    ("SQLITE_IOERR", "check the disk: its free space, its quotas, its health"),
)

_NAMES: Final = {
    errno.ENOSPC: "SQLITE_FULL",
    errno.EDQUOT: "SQLITE_FULL",
    errno.EACCES: "SQLITE_READONLY",
    errno.EPERM: "SQLITE_READONLY",
    errno.EROFS: "SQLITE_READONLY",
    errno.ENOENT: "SQLITE_CANTOPEN",
    errno.ENOTDIR: "SQLITE_CANTOPEN",
}
"""What SQLite would call it, by the system's number."""


def open_sqlite(
    path: Path,
    account: str,
    *,
    read_only: bool = False,
    restoring: bool = False,
    trusted: str | None = None,
    spare: Path | None = None,
) -> Ledger:
    """The ledger of `account` at `path`, made or brought up to date where that is needed.

    With `read_only` nothing is made or changed: a missing file is an empty ledger, an older one is refused. With
    `restoring` it may lack events that it had, to get them back by `Hold.restore`. `trusted` is a type of file system
    whose locks hold, as the user knows; in the folder `spare` outcomes are kept where the ledger's own is gone.

    Raises `UsageError` for an account name that cannot be a file name, `LedgerUnusable` for anything wrong with the
    file, as `LedgerReplaced` where it is not what it was.
    """
    check_account(account)
    return SqliteLedger(
        path.absolute(), account, read_only=read_only, restoring=restoring, trusted=trusted, spare=spare
    )


class SqliteLedger(SqlLedger):
    """One account's orders in one SQLite file."""

    way_to_upgrade = (
        "run `order-runner apply` once: it brings the ledger up to date; so does `order-runner reconcile`, which buys "
        "nothing"
    )

    def __init__(
        self, path: Path, account: str, *, read_only: bool, restoring: bool, trusted: str | None, spare: Path | None
    ) -> None:
        super().__init__(account, str(path), read_only=read_only)
        self._path = path
        self._restoring = restoring
        self._trusted = trusted
        self._spare = spare
        self._files: dict[Path, Identity] = {}
        with self._trusting():
            self._open()

    @contextmanager
    def hold(self, holder: Holder, *, timeout: float) -> Iterator[Hold]:
        """Hold the account for the length of a `with`; raises `Busy`, naming the holder, after `timeout` seconds.

        The lock is `<file>.<account>.lock`, the emergency file `<file>.<account>.emergency`.
        """
        if self._read_only:
            raise LedgerUnusable(f"the ledger {self._path} was opened for reading only")
        with ExitStack() as held:
            with self._trusting():
                lock = held.enter_context(account_lock(self._own("lock"), self.account, holder, timeout))
                footing = Footing(lock, self._files, self.location)
                footing.refuse_moved()  # perhaps while others were waited for
                emergency = held.enter_context(closing(self._emergency_file()))
                connection = held.enter_context(closing(_connect(self._path, how=WRITE)))
                _make_durable(connection.raw)
                footing.refuse_moved()
                hold = SqlHold(
                    holder=holder,
                    transaction=lambda: self._transaction(connection),
                    is_held=lambda: lock.is_held,
                    emergency=emergency,
                    footing=footing,
                    restoring=self._restoring,
                )
            held.callback(_checkpoint, connection.raw)
            yield hold

    def _emergency_file(self) -> EmergencyFile:
        named = hashlib.sha256(os.fsencode(self._path)).hexdigest()[:16]
        spare = self._spare and self._spare / f"{named}.{self.account}.emergency"
        return EmergencyFile(self._own("emergency"), self.account, spare)

    def held_by(self) -> str | None:
        """Who holds the account, looked up and not tried; None for nobody, empty where this system does not tell."""
        with self._trusting():
            return held_by(self._own("lock"))

    def _own(self, kind: str) -> Path:
        return storage.beside(self._path, f".{self.account}.{kind}")

    def _open(self) -> None:
        kept = read_memory(self._own("lock"))
        traces = self._traces()
        storage.check_place(self._path, self._trusted)
        if not self._path.exists():
            storage.refuse_lost(self._path, traces, restoring=self._restoring)
            if self._read_only:
                return
        if not self._read_only:
            storage.make_file(self._path)
        if self._read_only and _has_hot_journal(self._path):
            self._roll_back()
        before = identities([self._path])
        with ExitStack() as undo:
            connection = undo.enter_context(closing(_connect(self._path, read_only=self._read_only)))
            if self._is_ready(connection, traces):
                self._refuse_behind(connection, kept)
                self._files = identities(storage.beside(self._path, ending) for ending in ("", "-wal", "-shm"))
                if before.items() - self._files.items():
                    raise LedgerReplaced(f"{self._path} was replaced while it was opened", hint="run again")
                self._reader = connection
                undo.pop_all()

    def _traces(self) -> list[Path]:
        """What shows that the ledger was in use; to whoever restores it, only what does not say how far it went."""
        traces = storage.leftovers(self._path)
        return [trace for trace in traces if not (self._restoring and _is_due(trace))]

    def _refuse_behind(self, connection: SqliteConnection, kept: Head | None) -> None:
        if self._restoring:
            return
        with connection.begin():
            refuse_behind(AccountRows(connection, self.account), kept, self._own("lock"), self.location)

    def _roll_back(self) -> None:
        """Take back what a dead run had half done while it made the file a ledger; a reader alone cannot.

        SQLite's own locks keep this from a run that is alive: its journal is not hot.
        """
        try:
            with closing(_connect(self._path)) as connection:
                connection.raw.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error as error:
            raise LedgerUnusable(
                f"the ledger {self._path} was left incomplete by a run that died, and cannot be repaired here: {error}",
                hint="run `order-runner apply` once as a user who may write the file and its folder",
            ) from error

    def _is_ready(self, connection: SqliteConnection, traces: list[Path]) -> bool:
        """Whether there are tables to read; makes them unless the ledger is for reading only."""
        with connection.begin():
            version = self._version(connection.raw)
        if not self._read_only:
            _make_durable(connection.raw)
            if version != migrations.HEAD:
                self._migrate(connection, traces)
            return True
        if version is None:
            storage.refuse_lost(self._path, traces, restoring=self._restoring)
        elif version != migrations.HEAD:
            raise self._outdated_error(version)
        return version is not None

    def _version(self, raw: sqlite3.Connection) -> str | None:
        """The revision of the tables, None where there are none yet; `LedgerUnusable` where they are not ours.

        To be asked in a transaction: another run may be making the tables between one look and the next.
        """
        application = raw.execute("PRAGMA application_id").fetchone()[0]
        if application == 0 and raw.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
            return None
        if application != APPLICATION_ID:
            raise LedgerUnusable(
                f"{self._path} is another program's SQLite database, not a ledger", hint="name another file"
            )
        version = str(raw.execute("SELECT version_num FROM alembic_version").fetchone()[0])
        return self._known_version(version)

    def _migrate(self, connection: SqliteConnection, traces: list[Path]) -> None:
        with connection.begin(WRITE):
            # Somebody else may have been faster: only what is seen inside the write lock counts.
            version = self._version(connection.raw)
            if version is None:
                storage.refuse_lost(self._path, traces, restoring=self._restoring)
                _make_tables(connection.raw)
            elif version != migrations.HEAD:
                migrations.upgrade(connection.raw, "sqlite")

    @contextmanager
    def _trusting(self) -> Iterator[None]:
        """The one place where what SQLite and the disk say becomes `LedgerUnusable`, in their own words."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise LedgerUnusable(f"the ledger {self._path} cannot be used: {error}", hint=_way_out(error)) from error


def _is_due(trace: Path) -> bool:
    """Whether a trace is an outcome, which will be entered, or a lock that knows how many events there have to be."""
    return ".emergency" in trace.suffix or (trace.suffix == ".lock" and read_memory(trace) is not None)


def _checkpoint(raw: sqlite3.Connection) -> None:
    """Move everything from the log into the database, so that a log that gets lost takes nothing with it.

    Nobody is waited for, and a failure does no harm: the next checkpoint does it.
    """
    with suppress(sqlite3.Error):
        raw.execute("PRAGMA busy_timeout = 0")
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _way_out(cause: BaseException) -> str:
    name = str(getattr(cause, "sqlite_errorname", ""))
    if isinstance(cause, OSError):
        name = _NAMES.get(cause.errno or 0, name)
    found = (hint for start, hint in _HINTS if name.startswith(start))
    return next(found, "put this right; another file would be a new ledger, which knows nothing of what was bought")


class SqliteConnection(SqlConnection):
    """One session with the file; `how` is how its transactions begin."""

    def __init__(self, raw: sqlite3.Connection, how: str = READ) -> None:
        super().__init__()
        self.raw = raw
        self._how = how

    def run(self, statement: Statement, values: Mapping[str, Any]) -> sqlite3.Cursor:
        """The driver's cursor after the statement."""
        return self.raw.execute(statement.sqlite, values)

    @contextmanager
    def begin(self, how: str | None = None) -> Iterator[None]:
        """A transaction: its commit is acknowledged when the `with` is left, and it is undone where that raises."""
        with self.turn:
            self.raw.execute(how or self._how)
            try:
                yield
                self.commit()
            except BaseException:
                with suppress(sqlite3.Error):
                    self.raw.rollback()
                raise

    def commit(self) -> None:
        """Not by the driver's own method, which does nothing where SQLite has rolled back by itself."""
        self.raw.execute("COMMIT")

    def close(self) -> None:
        """End the session."""
        self.raw.close()


def _connect(path: Path, *, read_only: bool = False, how: str = READ) -> SqliteConnection:
    uri = f"file:{quote(os.fsencode(path))}?mode={'ro' if read_only else 'rw'}"
    # `isolation_level=None`: every transaction is opened by `SqliteConnection`, none by Python's driver.
    raw = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    raw.execute("PRAGMA foreign_keys = ON")
    return SqliteConnection(raw, how)


def _has_hot_journal(path: Path) -> bool:
    """Whether a reader is refused because of a rollback journal that a dead process left."""
    with closing(_connect(path, read_only=True)) as connection:
        try:
            connection.raw.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            return error.sqlite_errorcode == sqlite3.SQLITE_READONLY_ROLLBACK
    return False


def _make_tables(raw: sqlite3.Connection) -> None:
    """All that the migrations would make of an empty file."""
    raw.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    for statement in statements.NEW_FILE:
        raw.execute(statement)


def _make_durable(raw: sqlite3.Connection) -> None:
    """Write-ahead log and full synchronisation, believed only when read back."""
    mode = _use_write_ahead_log(raw)
    raw.execute("PRAGMA synchronous = FULL")
    level = raw.execute("PRAGMA synchronous").fetchone()[0]
    if (mode, level) != ("wal", FULL):
        raise OSError(f"SQLite did not accept WAL with synchronous=FULL; it uses {mode} with {level}")


def _use_write_ahead_log(raw: sqlite3.Connection) -> str:
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            raw.execute("PRAGMA journal_mode = WAL")
            return str(raw.execute("PRAGMA journal_mode").fetchone()[0])
        except sqlite3.OperationalError as error:
            # SQLite does not wait by itself here: another process may be switching the same new file.
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
