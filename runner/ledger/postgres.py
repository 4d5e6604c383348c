"""The ledger in a PostgreSQL database: for any number of processes on any number of machines.

The same tables, statements and holds as on SQLite; a session-level advisory lock holds the account. A lost session is
never replaced: what it claimed is `unknown` to whoever holds the account next, and what it was answered goes to the
emergency file. Everything the server says against it becomes `LedgerUnusable`, in `_trusting`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

import psycopg

from runner.core.errors import LedgerReplaced, LedgerUnusable
from runner.core.files import WRITABLE_STATE, private_folder
from runner.core.ledger import Hold, Ledger
from runner.core.records import Head, Holder
from runner.ledger import migrations
from runner.ledger.connection import NotHeld
from runner.ledger.emergency import EmergencyFile
from runner.ledger.engine import SqlLedger, check_account
from runner.ledger.footing import Footing, refuse_behind
from runner.ledger.hold import SqlHold
from runner.ledger.lockfile import AccountLock, account_lock, read_memory
from runner.ledger.pgsession import (
    WRITE,
    AccountSession,
    PostgresConnection,
    Question,
    holding,
    lock_key,
    make_durable,
    make_strict,
    refuse_pooled,
)
from runner.ledger.pgurl import Target, read_url
from runner.ledger.pgwords import ENCODING, way_out
from runner.ledger.sql import AccountRows

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
        super().__init__(account, target.location, read_only=read_only)
        self._target = target
        self._folder = folder
        self._restoring = restoring
        self._schema = ""
        self._reader: PostgresConnection | None = None
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
        deadline, connection = time.monotonic() + timeout, self._reader
        with ExitStack() as held:
            with self._trusting():
                lock, emergency = self._hold_here(held, holder, timeout)
                make_durable(connection)
                refuse_pooled(connection, self._connect)
                session = AccountSession(connection, lock_key(self._schema, self.account))
                session.take(self.account, holder, deadline)
                held.callback(session.leave)
                hold = SqlHold(
                    holder=holder,
                    transaction=lambda: self._acknowledged_transaction(session),
                    holding=lambda: self._holding_transaction(session),
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
            return holding(self._reader, lock_key(self._schema, self.account), self.account)

    def grants(self, role: str) -> tuple[str, ...]:
        """The statements that let a role buy with this ledger."""
        from runner.ledger.grants import grants  # with SQLAlchemy, which they are worked out by

        return grants(self._schema, role)

    def grant(self, role: str) -> tuple[str, ...]:
        """Let a role buy with this ledger; the statements. LedgerUnusable, and nothing given, where one is refused."""
        given = self.grants(role)
        with self._trusting(), closing(self._connect()) as connection, connection.begin(WRITE):
            connection.ask_together(*((statement, None) for statement in given))
            if connection.notices:
                raise LedgerUnusable(
                    f"the ledger {self.location} did not give {role} every right: {connection.notices[0]}",
                    hint="run it as the owner of the tables",
                )
        return given

    def _own(self, kind: str) -> Path:
        place = f"{self._target.place}/{self._schema}"
        return self._folder / f"{sha256(place.encode()).hexdigest()[:16]}.{self.account}.{kind}"

    def _connect(self) -> PostgresConnection:
        connection = PostgresConnection(self._target.connect())
        try:
            make_strict(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _open(self) -> None:
        with ExitStack() as undo:
            connection = undo.enter_context(closing(self._connect()))
            self._refuse_encoding(connection.raw.info.parameter_status("server_encoding"))
            schema = connection.ask("SELECT current_schema()")
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

    def _refuse_behind(self, connection: PostgresConnection, kept: Head | None) -> None:
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

    def _is_ready(self, connection: PostgresConnection) -> bool:
        """Whether there are tables to read; makes them unless the ledger is for reading only."""
        version = self._version(connection)
        if version == migrations.HEAD:
            return True
        if not self._read_only:
            make_durable(connection)
            self._migrate(connection)
            return True
        if version is not None:
            raise self._outdated_error(version)
        return False

    def _version(self, connection: PostgresConnection) -> str | None:
        """The revision of the tables, None where there are none yet; `LedgerUnusable` where they are not ours."""
        query = "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relname = ANY(%s)"
        wanted = ["alembic_version", "orders", "order_events", "holds"]
        present = {row[0] for row in connection.ask_together((query, (wanted,)))[0]}
        if not present:
            return None
        if len(present) < len(wanted):
            raise LedgerUnusable(
                f"{self.location} has another program's tables in its schema {self._schema}",
                hint="give the ledger its own database or schema",
            )
        version = str(connection.ask("SELECT version_num FROM alembic_version"))
        return self._known_version(version)

    def _migrate(self, connection: PostgresConnection) -> None:
        with connection.begin(WRITE):
            connection.ask(
                "SELECT set_config('lock_timeout', '120s', true), set_config('statement_timeout', '300s', true)"
            )
            connection.ask("SELECT pg_advisory_xact_lock(%s)", lock_key(self._schema, MIGRATION))
            # Somebody else may have been faster: only what is seen inside the lock counts.
            if self._version(connection) != migrations.HEAD:
                migrations.upgrade(connection.raw, "postgres")

    def _holding_transaction(self, session: AccountSession) -> AbstractContextManager[AccountRows]:
        """An acknowledged transaction that proves with its first statement that the account is held."""
        if session.is_over or not session.is_of_this_process:
            raise NotHeld
        return self._acknowledged_transaction(session, session.proof)

    @contextmanager
    def _acknowledged_transaction(self, session: AccountSession, held: Question | None = None) -> Iterator[AccountRows]:
        """A transaction whose commit is acknowledged without a warning: a cut wait for a replica is only a warning."""
        connection = session.connection
        if session.is_over:
            raise LedgerUnusable(f"the ledger {self.location} is no longer held", hint="run again")
        connection.notices.clear()
        with self._trusting(), connection.begin(WRITE, held):
            yield AccountRows(connection, self.account)
        if connection.notices:
            raise LedgerUnusable(f"the ledger {self.location} committed with a warning: {connection.notices[-1]}")

    @contextmanager
    def _trusting(self) -> Iterator[None]:
        """The one place where what the server and its driver say becomes `LedgerUnusable`, without any secret."""
        try:
            yield
        except (psycopg.Error, OSError) as error:
            words = self._target.mask(str(error)) or type(error).__name__
            # `from None`: a chained error would be printed with words that are not masked.
            raise LedgerUnusable(f"the ledger {self.location} cannot be used: {words}", hint=way_out(error)) from None
