"""A session with a PostgreSQL server: made strict, trusted only as far as it can be checked, and holding an account.

The account is held by a session-level advisory lock on the very session that claims and settles. The lock ends with
the session: by SIGKILL at once, by the loss of the machine as soon as the server's keepalives notice.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from hashlib import sha256
from typing import Any, Final
from weakref import WeakSet

import psycopg
from psycopg.pq import TransactionStatus

from runner.core.errors import Busy, LedgerUnusable
from runner.core.records import Holder
from runner.ledger.connection import Call, NotHeld, Row, SqlConnection, Statement, rows_of
from runner.ledger.lockfile import signature

READ: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
WRITE: Final = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"

IDLE: Final = TransactionStatus.IDLE
LOST: Final = TransactionStatus.UNKNOWN

Question = tuple[str, Mapping[str, Any] | Sequence[Any] | None]
"""A text, and the values for it."""

PAUSES: Final = (0.05, 0.5)
"""Seconds between two looks at a lock that somebody else has: the first pause, and the longest."""

SETTINGS: Final = {
    "statement_timeout": "30s",
    "lock_timeout": "15s",
    # A frozen process keeps its account, but not a transaction that others wait for.
    "idle_in_transaction_session_timeout": "60s",
    # A session is idle while the vendor thinks.
    "idle_session_timeout": "0",
    # The server, too, notices within half a minute that a machine is gone, and lets go of its account.
    "tcp_keepalives_idle": "15",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "20s",
    "client_min_messages": "warning",
}
"""Of every session; those that an older server does not know are left out."""

_SET: Final = """
    SELECT set_config(known.name, wanted.value, false)
    FROM pg_settings known JOIN unnest(%s::text[], %s::text[]) wanted (name, value) ON wanted.name = known.name
"""
_DURABILITY: Final = """
    SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
           current_setting('synchronous_commit') AS synchronous_commit, pg_is_in_recovery() AS in_recovery
"""
_HOLDING: Final = """
    SELECT session.application_name, host(session.client_addr),
           to_char(session.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    FROM pg_locks lock JOIN pg_stat_activity session USING (pid)
    WHERE lock.locktype = 'advisory' AND lock.granted AND lock.objsubid = 1
      AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (lock.classid::bigint << 32) | lock.objid::bigint = %s
"""


class PostgresConnection(SqlConnection):
    """A session with the server. What waits for the same answer goes in one journey: BEGIN with the first statement."""

    def __init__(self, raw: psycopg.Connection) -> None:
        super().__init__()
        self.raw = raw
        self.notices: list[str] = []
        self._opening: list[Question] = []
        self._queued: list[Call] = []
        raw.add_notice_handler(lambda notice: self.notices.append(notice.message_primary or ""))

    def run(self, statement: Statement, values: Mapping[str, Any]) -> psycopg.Cursor[Any]:
        """The driver's cursor after the statement."""
        return self.run_together((statement, values))[0]

    def run_together(self, *calls: Call) -> list[psycopg.Cursor[Any]]:
        """The cursors after these statements, made in this order, in one journey."""
        return self.ask_together(*((statement.postgres, values) for statement, values in calls))

    def ask_together(self, *questions: Question) -> list[psycopg.Cursor[Any]]:
        """The cursors after these texts with their values, in one journey."""
        with self.turn:
            return self._ask_together(questions)

    def _ask_together(self, questions: Sequence[Question]) -> list[psycopg.Cursor[Any]]:
        opening, queued = self._opening, self._queued
        self._opening, self._queued = [], []
        before = [*opening, *((statement.postgres, values) for statement, values in queued)]
        try:
            with self.raw.pipeline():
                cursors = [self.raw.execute(text.encode(), values) for text, values in (*before, *questions)]
        except psycopg.OperationalError as error:
            if len(opening) > 1 and not queued:  # nothing but questions: nothing can have been done
                raise NotHeld from error
            raise
        if len(opening) > 1 and cursors[1].fetchone() != (True,):
            raise NotHeld
        return cursors[len(before) :]

    def change_last(self, *calls: Call) -> None:
        """Have these changes share a journey with the next statement or the commit."""
        self._queued += calls

    def change_surely(self, change: Call, proof: Call) -> bool:
        """Have a change and what proves it share a journey with the next statement or the commit."""
        self.change_last(change, proof)
        return True

    def ask(self, text: str, *values: Any) -> Any:
        """The first column of the first row, None without one."""
        row = self.ask_together((text, values or None))[0].fetchone()
        return None if row is None else row[0]

    @contextmanager
    def begin(self, how: str | None = None, held: Question | None = None) -> Iterator[None]:
        """A transaction: its commit is acknowledged when the `with` is left, and it is undone where that raises.

        With `held`, which asks whether the account is held, its first statement raises `NotHeld` where it is not.
        """
        with self.turn:
            if self._opening or self.raw.info.transaction_status not in (IDLE, LOST):
                raise RuntimeError("a transaction is open on this session already")
            self._opening = [(how or READ, None), *([held] if held else [])]
            try:
                yield
                self._commit()
            except BaseException:
                with suppress(psycopg.Error):
                    self.raw.rollback()
                raise
            finally:
                self._opening, self._queued = [], []

    def _commit(self) -> None:
        if self._queued or not self._opening:
            refuse_undone(self.ask_together(("COMMIT", None))[0])

    def close(self) -> None:
        """End the session."""
        self.raw.close()


def refuse_undone(commit: psycopg.Cursor[Any]) -> None:
    """`psycopg.Error` where the server answered a COMMIT by undoing all, as it does after a statement that failed."""
    if commit.statusmessage != "COMMIT":
        raise psycopg.OperationalError(f"the transaction ended with {commit.statusmessage}, not COMMIT")


def make_strict(session: PostgresConnection) -> None:
    """Bound every wait of the session."""
    session.ask(_SET, list(SETTINGS), list(SETTINGS.values()))


def make_durable(session: PostgresConnection) -> None:
    """Refuse a server that may forget what it acknowledged; believed only when read back."""
    settings = _durability(session)
    if settings["synchronous_commit"] in ("off", "local"):
        session.ask_together(("SET synchronous_commit = on", None))
        settings = _durability(session)
    wrong = {
        "fsync": ("on",),
        "full_page_writes": ("on",),
        "synchronous_commit": ("on", "remote_write", "remote_apply"),
    }
    for name, right in wrong.items():
        if settings[name] not in right:
            raise LedgerUnusable(
                f"the server runs with {name} = {settings[name]}: it may lose a purchase that it acknowledged",
                hint=f"set {name} = on, or name another server",
            )
    if settings["in_recovery"]:
        raise LedgerUnusable("the server is a standby, which is read-only", hint="connect to the primary")


def _durability(session: PostgresConnection) -> Row:
    return next(rows_of(session.ask_together((_DURABILITY, None))[0]))


def lock_key(schema: str, account: str) -> int:
    """The advisory lock of an account: 63 bits, the same wherever the ledger is opened from."""
    return int.from_bytes(sha256(f"order-runner/{schema}/{account}".encode()).digest()[:8], "big") >> 1


def refuse_pooled(session: PostgresConnection, connect: Callable[[], PostgresConnection]) -> None:
    """`LedgerUnusable` where something between here and the server lends out sessions by the transaction.

    There the lock would be one session's and the claim another's. Where the server that answers is the one that let
    this session in, nothing is in between; else a second session shows which kind of pool it is.
    """
    asked = "SELECT pg_backend_pid()"
    first = session.ask(asked)
    if first == session.raw.info.backend_pid:
        return
    with closing(connect()) as other:
        with other.begin():
            second, again = other.ask(asked), session.ask(asked)
        check_pids(first, again, second, other.ask(asked))


def check_pids(first: int, again: int, second: int, after: int) -> None:
    """What two connections were told: the first before and during, the second during and after a transaction."""
    if first != again or second != after or first == second:
        raise LedgerUnusable(
            "a connection pool in transaction mode is in front of the server",
            hint="connect to the server itself, or to a pool in session mode, because an account is held by a session",
        )


def holding(session: PostgresConnection, key: int, account: str) -> str | None:
    """Who has the lock, as the `holds` table tells, where that is not still the last one's; None for nobody."""
    row = session.ask_together((_HOLDING, (key,)))[0].fetchone()
    if row is None:
        return None
    name, address, since = row
    text = _signature(session, account)
    if str(name).removeprefix("order-runner ") in text:
        return signature(text)
    return f"a run from {address or 'the server itself'} that connected {since} and has not identified itself yet"


def _signature(session: PostgresConnection, account: str) -> str:
    return str(session.ask("SELECT holder FROM holds WHERE account = %s", account) or "")


class AccountSession:
    """The session that holds an account, as `is_held` proves each time it is asked."""

    def __init__(self, connection: PostgresConnection, key: int) -> None:
        self.connection = connection
        self._key = key
        self.is_over = False
        self._process = os.getpid()
        self._pid: int = connection.ask("SELECT pg_backend_pid()")
        _sessions.add(self)

    def take(self, account: str, holder: Holder, deadline: float) -> None:
        """Take the lock; `Busy`, naming who has it, where that is not possible before `deadline` (monotonic)."""
        pause = PAUSES[0]
        self._sign(f"order-runner {holder.run_id}")
        while not self.connection.ask("SELECT pg_try_advisory_lock(%s)", self._key):
            left = deadline - time.monotonic()
            if left <= 0:
                raise Busy(
                    f"account {account} is held by {self._holder(account)}",
                    hint="wait for that run, or let this one wait longer with --lock-timeout",
                )
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, PAUSES[1])

    @property
    def is_of_this_process(self) -> bool:
        """Whether nobody has forked since the account was taken."""
        return os.getpid() == self._process

    @property
    def proof(self) -> Question:
        """Asks whether this session still has the account."""
        return "SELECT pg_backend_pid() = %s AND pg_try_advisory_xact_lock(%s)", (self._pid, self._key)

    def leave(self) -> None:
        """Let go of the account; the session ends where that is not possible any more."""
        self.is_over = True
        try:
            self.connection.ask("SELECT pg_advisory_unlock(%s)", self._key)
            self._sign("order-runner")
        except psycopg.Error:
            self.connection.close()

    def _sign(self, name: str) -> None:
        self.connection.ask("SELECT set_config('application_name', %s, false)", name[:63])

    def is_held(self) -> bool:
        """Whether this process, by this session, still has the account."""
        if self.is_over or not self.is_of_this_process:
            return False
        try:
            return self.connection.ask_together(self.proof)[0].fetchone() == (True,)
        except psycopg.Error:
            return False

    def _holder(self, account: str) -> str:
        """Who has the lock; who had it last, where it was let go just now."""
        return holding(self.connection, self._key, account) or signature(_signature(self.connection, account))

    def leave_in_child(self) -> None:
        """Take the session's socket away from a forked child, which would keep it open after its parent's death."""
        raw = self.connection.raw
        if not raw.closed:
            nothing = os.open(os.devnull, os.O_RDWR)
            os.dup2(nothing, raw.fileno(), inheritable=False)
            os.close(nothing)


_sessions: Final[WeakSet[AccountSession]] = WeakSet()


def _leave_in_child() -> None:
    for session in list(_sessions):
        session.leave_in_child()


os.register_at_fork(after_in_child=_leave_in_child)
