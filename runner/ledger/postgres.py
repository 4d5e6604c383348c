"""The ledger in a PostgreSQL database: for any number of processes on any number of machines.

The same tables, statements and holds as on SQLite; a session-level advisory lock holds the account. A lost session is
never replaced: what it claimed is `unknown` to whoever holds the account next, and what it was answered goes to the
emergency file. Everything the server says against it becomes `LedgerUnusable`, in `_trusting`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final, cast

import psycopg
from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from runner.core.errors import LedgerReplaced, LedgerUnusable
from runner.core.files import WRITABLE_STATE, private_folder
from runner.core.ledger import Hold, Ledger
from runner.core.records import Head, Holder
from runner.ledger import migrations
from runner.ledger.emergency import EmergencyFile
from runner.ledger.engine import SqlLedger, check_account
from runner.ledger.footing import Footing, refuse_behind
from runner.ledger.grants import grants
from runner.ledger.hold import SqlHold
from runner.ledger.lockfile import AccountLock, account_lock, read_memory
from runner.ledger.pgsession import AccountSession, holding, lock_key, make_durable, make_strict, one, refuse_pooled
from runner.ledger.pgurl import Target, read_url
from runner.ledger.pgwords import ENCODING, way_out
from runner.ledger.sql import AccountRows

READ: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
WRITE: Final = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"

MIGRATION: Final = "a migration, which no account can be called"
"""In the place of an account: the lock of whoever changes the tables."""


def open_postgres(url: str, account: str, *, folder: Path, read_only: bool = False, restoring: bool = False) -> Ledger:
    """The ledger of `account` in the database at `url`, its tables made or brought up to date where that is needed.

    `folder` is this machine's place for outcomes that the server did not take, and for what it remembers of the ledger.
    With `read_only` nothing is made or changed: a database without tables is an empty ledger, older tables are refused.
    With `restoring` it may lack events that it had, to get them back by `Hold.restore`.

    Raises `UsageError` for a URL or an account name that cannot be one, `LedgerUnusable` for anything wrong with the
    server, as `LedgerReplaced` where it lacks events that this machine has seen.
    """
    check_account(account)
    return PostgresLedger(read_url(url), account, folder=folder.absolute(), read_only=read_only, restoring=restoring)


class PostgresLedger(SqlLedger):
    """One account's orders in one schema of one database."""

    way_to_upgrade = (
        "as the owner of the tables, run `order-runner ledger init --account NAME --grant ROLE`: it brings the ledger "
        "up to date, and lets the role that buys go on"
    )

    def __init__(self, target: Target, account: str, *, folder: Path, read_only: bool, restoring: bool) -> None:
        super().__init__(_engine(target), account, target.location, read_only=read_only)
        self._target = target
        self._folder = folder
        self._restoring = restoring
        self._schema = ""
        with self._trusting():
            self._open()

    @contextmanager
    def hold(self, holder: Holder, *, timeout: float) -> Iterator[Hold]:
        """Hold the account for the length of a `with`; raises `Busy`, naming the holder, after `timeout` seconds.

        Lock and emergency file of this machine are in its folder, named after ledger and account.

        The machine's own lock keeps a process that lost its session, but not yet its answer, from being overtaken here.
        """
        if self._read_only or self._reader is None:
            raise LedgerUnusable(f"the ledger {self.location} was opened for reading only")
        deadline = time.monotonic() + timeout
        with ExitStack() as held:
            with self._trusting():
                lock, emergency = self._hold_here(held, holder, timeout)
                connection = held.enter_context(self._connect(WRITE))
                raw = _raw(connection)
                make_durable(raw)
                refuse_pooled(_raw(self._reader), raw)
                session = AccountSession(raw, lock_key(self._schema, self.account))
                session.take(self.account, holder, deadline)
                notices: list[str] = []
                raw.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
                hold = SqlHold(
                    holder=holder,
                    transaction=lambda: self._acknowledged_transaction(connection, notices),
                    is_held=session.is_held,
                    emergency=emergency,
                    footing=Footing(lock, {}, self.location),
                    restoring=self._restoring,
                )
            yield hold

    def _hold_here(self, held: ExitStack, holder: Holder, timeout: float) -> tuple[AccountLock, EmergencyFile]:
        """Keep other processes of this machine out, and have its emergency file ready; both until `held` is left."""
        with self._in_own_folder():
            private_folder(self._folder)
            lock = held.enter_context(account_lock(self._own("lock"), self.account, holder, timeout))
            return lock, held.enter_context(closing(EmergencyFile(self._own("emergency"), self.account)))

    @contextmanager
    def _in_own_folder(self) -> Iterator[None]:
        """What goes wrong in this machine's own folder becomes `LedgerUnusable`, with a way out of its own."""
        try:
            yield
        except OSError as error:
            raise LedgerUnusable(
                f"the folder {self._folder}, where this machine keeps what the server did not take, cannot be used: "
                f"{error.strerror or error}",
                hint=WRITABLE_STATE,
            ) from None

    def held_by(self) -> str | None:
        """Who holds the account, looked up and not tried; None for nobody, empty where this system does not tell."""
        if self._reader is None:
            return None
        with self._trusting():
            return holding(_raw(self._reader), lock_key(self._schema, self.account), self.account)

    def grants(self, role: str) -> tuple[str, ...]:
        """The statements that let a role buy with this ledger."""
        return grants(self._schema, role)

    def grant(self, role: str) -> tuple[str, ...]:
        """Let a role buy with this ledger; the statements. LedgerUnusable, and nothing given, where one is refused."""
        given, notices = self.grants(role), list[str]()
        with self._trusting(), closing(self._connect(WRITE)) as connection, connection.begin():
            raw = _raw(connection)
            raw.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
            for statement in given:
                raw.execute(statement.encode())
            if notices:
                raise LedgerUnusable(
                    f"the ledger {self.location} did not give {role} every right: {notices[0]}",
                    hint="run it as the owner of the tables",
                )
        return given

    def _own(self, kind: str) -> Path:
        place = f"{self._target.place}/{self._schema}"
        return self._folder / f"{sha256(place.encode()).hexdigest()[:16]}.{self.account}.{kind}"

    def _connect(self, begin: str) -> Connection:
        connection = self._engine.connect()
        try:
            make_strict(_raw(connection))
        except BaseException:
            connection.close()
            raise
        return connection.execution_options(begin=begin)

    def _open(self) -> None:
        with ExitStack() as undo:
            connection = undo.enter_context(self._connect(READ))
            raw = _raw(connection)
            self._refuse_encoding(raw.info.parameter_status("server_encoding"))
            schema = one(raw, "SELECT current_schema()")
            if schema is None:
                raise LedgerUnusable(
                    f"{self.location} has no schema on its search_path",
                    hint="create the schema, or use another one with ?options=-csearch_path%3Dname",
                )
            self._schema = schema
            with self._in_own_folder():
                kept = read_memory(self._own("lock"))
            if self._is_ready(connection):
                self._refuse_behind(connection, kept)
                self._reader = connection
                undo.pop_all()
            elif kept is not None and kept.events:
                raise LedgerReplaced(
                    f"{self.location} has no tables, but {self._own('lock')} shows that this machine bought with it",
                    hint=f"restore the database; if it was emptied on purpose, delete {self._own('lock')}",
                )

    def _refuse_behind(self, connection: Connection, kept: Head | None) -> None:
        if self._restoring or kept is None:
            return
        with connection.begin():
            refuse_behind(AccountRows(connection, self.account), kept, self._own("lock"), self.location)

    def _refuse_encoding(self, encoding: str | None) -> None:
        if encoding not in ("UTF8", None):
            raise LedgerUnusable(
                f"the database of {self.location} keeps text as {encoding}, which cannot hold every name",
                hint=f"create one that can: {ENCODING}; a ledger that is in this one moves with pg_dump and psql",
            )

    def _is_ready(self, connection: Connection) -> bool:
        """Whether there are tables to read; makes them unless the ledger is for reading only."""
        version = self._version(_raw(connection))
        if version == migrations.HEAD:
            return True
        if not self._read_only:
            make_durable(_raw(connection))
            self._migrate(connection)
            return True
        if version is not None:
            raise self._outdated_error(version)
        return False

    def _version(self, raw: psycopg.Connection) -> str | None:
        """The revision of the tables, None where there are none yet; `LedgerUnusable` where they are not ours."""
        query = "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relname = ANY(%s)"
        wanted = ["alembic_version", "orders", "order_events", "holds"]
        present = {row[0] for row in raw.execute(query, (wanted,))}
        if not present:
            return None
        if len(present) < len(wanted):
            raise LedgerUnusable(
                f"{self.location} has another program's tables in its schema {self._schema}",
                hint="give the ledger its own database or schema",
            )
        version = str(one(raw, "SELECT version_num FROM alembic_version"))
        return self._known_version(version)

    def _migrate(self, connection: Connection) -> None:
        writer = connection.execution_options(begin=WRITE)
        with writer.begin():
            raw = _raw(writer)
            raw.execute("SET LOCAL lock_timeout = '120s'; SET LOCAL statement_timeout = '300s'")
            raw.execute("SELECT pg_advisory_xact_lock(%s)", (lock_key(self._schema, MIGRATION),))
            # Somebody else may have been faster: only what is seen inside the lock counts.
            if self._version(raw) != migrations.HEAD:
                migrations.upgrade(writer)
        connection.execution_options(begin=READ)

    @contextmanager
    def _acknowledged_transaction(self, connection: Connection, notices: list[str]) -> Iterator[AccountRows]:
        """A transaction whose commit is acknowledged without a warning: a cut wait for a replica is only a warning."""
        notices.clear()
        with self._transaction(connection) as rows:
            yield rows
        if notices:
            raise LedgerUnusable(f"the ledger {self.location} committed with a warning: {notices[-1]}")

    @contextmanager
    def _trusting(self) -> Iterator[None]:
        """The one place where what the server and its driver say becomes `LedgerUnusable`, without any secret."""
        try:
            yield
        except (SQLAlchemyError, psycopg.Error, OSError) as error:
            cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
            words = self._target.mask(str(cause)) or type(cause).__name__
            # `from None`: a chained error would be printed with words that are not masked.
            raise LedgerUnusable(f"the ledger {self.location} cannot be used: {words}", hint=way_out(cause)) from None


def _engine(target: Target) -> Engine:
    engine = create_engine(
        "postgresql+psycopg://",
        creator=target.connect,
        poolclass=NullPool,
        # A session is ended, not tidied up: on a lost one that would fail once more, and be logged.
        pool_reset_on_return=None,
        use_native_hstore=False,
    )

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        _raw(connection).execute(connection.get_execution_options().get("begin", READ))

    @event.listens_for(engine, "handle_error")
    def never_reconnect(context: ExceptionContext) -> None:
        # A new session would not hold the account.
        context.is_disconnect = False

    return engine


def _raw(connection: Connection) -> psycopg.Connection:
    """The driver's own connection."""
    return cast("psycopg.Connection", connection.connection.driver_connection)
