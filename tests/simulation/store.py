"""The real ledger code (`AccountRows`, `SqlHold`) over one SQLite database in memory, with accidents at its commits."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Final

from runner.core.errors import Busy, LedgerUnusable
from runner.core.identity import AccountKey
from runner.core.ledger import Hold
from runner.core.records import Attempt, Holder, Settlement
from runner.ledger import statements
from runner.ledger.codec import values_of
from runner.ledger.footing import Footing
from runner.ledger.hold import SqlHold
from runner.ledger.reader import SqlReader
from runner.ledger.schema import metadata
from runner.ledger.sql import AccountRows
from runner.ledger.sqlite import SqliteConnection

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.world import World


ACCOUNT: Final = "acme"
"""The name that the ledger knows."""


class SelfClosing(sqlite3.Connection):
    """Closes itself once nobody has it any more: from Python 3.13 on, one that was left open is told on stderr."""

    def __del__(self) -> None:
        self.close()


def database() -> SqliteConnection:
    """An empty ledger database in memory."""
    raw = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False, factory=SelfClosing)
    for statement in statements.NEW_FILE:
        if not statement.startswith("CREATE TRIGGER"):  # they would keep a seed's history for the next one
            raw.execute(statement)
    return SqliteConnection(raw)


def emptied(connection: SqliteConnection) -> SqliteConnection:
    """The same database, for the next seed."""
    for table in reversed(metadata.sorted_tables):
        connection.raw.execute(f"DELETE FROM {table.name}")
    return connection


def enter_account(connection: SqliteConnection, entry: AccountKey) -> None:
    """Make an account known by its key, before anything happens."""
    values = values_of(entry)
    columns, places = ", ".join(values), ", ".join("?" * len(values))
    connection.raw.execute(f"INSERT INTO account_keys ({columns}) VALUES ({places})", [*values.values()])


class Emergency:
    """The emergency file, in memory: it outlives the processes."""

    path = "ledger.emergency"

    def __init__(self, world: World) -> None:
        self.saved: list[tuple[Attempt, Settlement]] = []
        self._world = world

    def entries(self) -> list[tuple[Attempt, Settlement]]:
        return list(self.saved)

    def save(self, attempt: Attempt, settlement: Settlement) -> str:
        self.saved.append((attempt, settlement))
        self._world.counts["emergency saved"] += 1
        return self.path

    def clear(self) -> None:
        """I2: what is thrown away has been entered."""
        for attempt, settlement in self.saved:
            asked = "SELECT state FROM orders WHERE key = ? AND attempt = ? AND state IN ('submitted', 'unknown')"
            left = self._world.ask(asked, str(attempt.key), attempt.n)
            if left and left[0][0] != settlement.after:
                self._world.against(f"I2: the emergency file was emptied, and {attempt.key} was not entered")
        self.saved.clear()


class MemoryLedger(SqlReader):
    """A `Ledger` as one process sees it."""

    location = "memory"

    def __init__(self, process: Process, account: str = ACCOUNT) -> None:
        self.account = account
        self._process = process
        self._world: World = process.world

    def _reading(self) -> AbstractContextManager[AccountRows]:
        return self._look()

    @contextmanager
    def hold(self, holder: Holder, *, timeout: float) -> Iterator[Hold]:
        world, process = self._world, self._process
        if world.holder is not None:
            raise Busy("held")
        world.holder = process
        footing = Footing(process.lock, {}, self.location)  # type: ignore[arg-type] - the same methods
        try:
            yield SqlHold(
                holder=holder,
                transaction=self._write,
                is_held=lambda: process.knows_hold or world.holder is process or not process.lock.is_in_place(),
                emergency=world.emergency,  # type: ignore[arg-type] - the same methods
                footing=footing,
            )
        finally:
            if world.holder is process:
                world.holder = None

    def close(self) -> None:
        """Nothing to let go of."""

    @contextmanager
    def _look(self) -> Iterator[AccountRows]:
        self._process.breathe()
        with self._process.connection.begin():
            yield AccountRows(self._process.connection, self.account)

    @contextmanager
    def _write(self) -> Iterator[AccountRows]:
        """A transaction that may fail, die, or go unacknowledged at its end."""
        process, world = self._process, self._world
        process.breathe()
        if world.holder is not process and process.lock.is_in_place() and world.rng.random() < 0.5:
            raise LedgerUnusable("the session is gone")
        accident = world.accident_at_commit()
        with process.connection.begin():
            yield AccountRows(process.connection, self.account)
            process.meets(accident, "before")
            if accident == "disk full":
                raise LedgerUnusable("no room")
        process.meets(accident, "after")
        if accident == "not acknowledged":
            raise LedgerUnusable("the server went away")
