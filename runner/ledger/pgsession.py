"""A session with a PostgreSQL server: made strict, trusted only as far as it can be checked, and holding an account.

The account is held by a session-level advisory lock on the very session that claims and settles. The lock ends with
the session: by SIGKILL at once, by the loss of the machine as soon as the server's keepalives notice.
"""

from __future__ import annotations

import os
import time
from hashlib import sha256
from typing import Any, Final
from weakref import WeakSet

import psycopg

from runner.core.errors import Busy, LedgerUnusable
from runner.core.records import Holder
from runner.ledger.lockfile import signature

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
_HOLDING: Final = """
    SELECT session.application_name, host(session.client_addr),
           to_char(session.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    FROM pg_locks lock JOIN pg_stat_activity session USING (pid)
    WHERE lock.locktype = 'advisory' AND lock.granted AND lock.objsubid = 1
      AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (lock.classid::bigint << 32) | lock.objid::bigint = %s
"""


def one(raw: psycopg.Connection, statement: str, *values: Any) -> Any:
    """The first column of the first row, None without one."""
    row = raw.execute(statement.encode(), values or None).fetchone()
    return None if row is None else row[0]


def make_strict(raw: psycopg.Connection) -> None:
    """Bound every wait of the session."""
    raw.execute(_SET, (list(SETTINGS), list(SETTINGS.values())))


def make_durable(raw: psycopg.Connection) -> None:
    """Refuse a server that may forget what it acknowledged; believed only when read back."""
    if one(raw, "SELECT current_setting('synchronous_commit')") in ("off", "local"):
        raw.execute("SET synchronous_commit = on")
    wrong = {
        "fsync": ("on",),
        "full_page_writes": ("on",),
        "synchronous_commit": ("on", "remote_write", "remote_apply"),
    }
    for name, right in wrong.items():
        setting = one(raw, "SELECT current_setting(%s)", name)
        if setting not in right:
            raise LedgerUnusable(
                f"the server runs with {name} = {setting}: it may lose a purchase that it acknowledged",
                hint=f"set {name} = on, or name another server",
            )
    if one(raw, "SELECT pg_is_in_recovery()"):
        raise LedgerUnusable("the server is a standby, which is read-only", hint="connect to the primary")


def lock_key(schema: str, account: str) -> int:
    """The advisory lock of an account: 63 bits, the same wherever the ledger is opened from."""
    return int.from_bytes(sha256(f"order-runner/{schema}/{account}".encode()).digest()[:8], "big") >> 1


def refuse_pooled(reader: psycopg.Connection, holding: psycopg.Connection) -> None:
    """`LedgerUnusable` where something between here and the server lends out sessions by the transaction.

    There the lock would be one session's and the claim another's.
    """
    asked = "SELECT pg_backend_pid()"
    first = one(reader, asked)
    with holding.transaction():
        second, again = one(holding, asked), one(reader, asked)
    check_pids(first, again, second, one(holding, asked))


def check_pids(first: int, again: int, second: int, after: int) -> None:
    """What two connections were told: the first before and during, the second during and after a transaction."""
    if first != again or second != after or first == second:
        raise LedgerUnusable(
            "a connection pool in transaction mode is in front of the server",
            hint="connect to the server itself, or to a pool in session mode, because an account is held by a session",
        )


def holding(raw: psycopg.Connection, key: int, account: str) -> str | None:
    """Who has the lock, as the `holds` table tells, where that is not still the last one's; None for nobody."""
    row = raw.execute(_HOLDING, (key,)).fetchone()
    if row is None:
        return None
    name, address, since = row
    text = _signature(raw, account)
    if str(name).removeprefix("order-runner ") in text:
        return signature(text)
    return f"a run from {address or 'the server itself'} that connected {since} and has not identified itself yet"


def _signature(raw: psycopg.Connection, account: str) -> str:
    return str(one(raw, "SELECT holder FROM holds WHERE account = %s", account) or "")


class AccountSession:
    """The session that holds an account, as `is_held` proves each time it is asked."""

    def __init__(self, raw: psycopg.Connection, key: int) -> None:
        self._raw = raw
        self._key = key
        self._process = os.getpid()
        self._pid: int = one(raw, "SELECT pg_backend_pid()")
        _sessions.add(self)

    def take(self, account: str, holder: Holder, deadline: float) -> None:
        """Take the lock; `Busy`, naming who has it, where that is not possible before `deadline` (monotonic)."""
        raw, pause = self._raw, PAUSES[0]
        raw.execute("SELECT set_config('application_name', %s, false)", (f"order-runner {holder.run_id}"[:63],))
        while not one(raw, "SELECT pg_try_advisory_lock(%s)", self._key):
            left = deadline - time.monotonic()
            if left <= 0:
                raise Busy(
                    f"account {account} is held by {self._holder(account)}",
                    hint="wait for that run, or let this one wait longer with --lock-timeout",
                )
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, PAUSES[1])

    def is_held(self) -> bool:
        """Whether this process, by this session, still has the account."""
        if os.getpid() != self._process:
            return False
        asked = "SELECT pg_backend_pid() = %s AND pg_try_advisory_xact_lock(%s)"
        try:
            return bool(one(self._raw, asked, self._pid, self._key))
        except psycopg.Error:
            return False

    def _holder(self, account: str) -> str:
        """Who has the lock; who had it last, where it was let go just now."""
        return holding(self._raw, self._key, account) or signature(_signature(self._raw, account))

    def leave_in_child(self) -> None:
        """Take the session's socket away from a forked child, which would keep it open after its parent's death."""
        if not self._raw.closed:
            nothing = os.open(os.devnull, os.O_RDWR)
            os.dup2(nothing, self._raw.fileno(), inheritable=False)
            os.close(nothing)


_sessions: Final[WeakSet[AccountSession]] = WeakSet()


def _leave_in_child() -> None:
    for session in list(_sessions):
        session.leave_in_child()


os.register_at_fork(after_in_child=_leave_in_child)
