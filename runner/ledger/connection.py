"""All that a ledger's rows need of an engine: a session with its transactions, and statements as text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from threading import RLock
from typing import Any


class NotHeld(Exception):
    """The account that a transaction was to be made for is not held by this session any more; nothing was done."""


Row = dict[str, Any]
"""What a statement found, by the names of its columns."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as each engine has it. It runs inside the transaction that is open on the connection.

    Values go by name; those that the statement does not ask for do not count. Raises the driver's own errors.
    """

    sqlite: str
    postgres: str

    def one(self, connection: SqlConnection, values: Mapping[str, Any]) -> Row | None:
        """The first row."""
        return first_row(connection.run(self, values))

    def every(self, connection: SqlConnection, values: Mapping[str, Any]) -> list[Row]:
        """All rows."""
        return list(rows_of(connection.run(self, values)))

    def change(self, connection: SqlConnection, values: Mapping[str, Any]) -> int:
        """How many rows were changed."""
        cursor = connection.run(self, values)
        changed: int = cursor.rowcount
        cursor.close()
        return changed


Call = tuple[Statement, Mapping[str, Any]]


class SqlConnection(ABC):
    """A session of one engine. Any thread may use it: a transaction waits until that of another thread is over."""

    def __init__(self) -> None:
        self.turn = RLock()

    @abstractmethod
    def run(self, statement: Statement, values: Mapping[str, Any]) -> Any:
        """The driver's cursor after the statement."""

    def run_together(self, *calls: Call) -> list[Any]:
        """The cursors after these statements, made in this order, in one journey where the engine is far away."""
        return [self.run(statement, values) for statement, values in calls]

    def change_last(self, *calls: Call) -> None:
        """Make these changes, at the latest with the next statement or the commit, whose journey they may share."""
        for statement, values in calls:
            statement.change(self, values)

    def change_surely(self, change: Call, proof: Call) -> bool:
        """Make a change that has to hit one row, at the latest as `change_last` does; False where it does not.

        Where that would be known too late, `proof`, which fails where the change did not hit, undoes the transaction.
        """
        del proof
        statement, values = change
        return statement.change(self, values) == 1

    @abstractmethod
    def begin(self, how: str | None = None) -> AbstractContextManager[None]:
        """A transaction: its commit is acknowledged when the `with` is left, and it is undone where that raises.

        `how` in the engine's words; None for the session's own way.
        """

    @abstractmethod
    def close(self) -> None:
        """End the session."""


def first_row(cursor: Any) -> Row | None:
    """The first row under a driver's cursor, which is closed."""
    row = next(rows_of(cursor), None)
    cursor.close()
    return row


def rows_of(cursor: Any) -> Iterator[Row]:
    """What is under a driver's cursor."""
    names = [column[0] for column in cursor.description]
    return (dict(zip(names, row, strict=True)) for row in cursor)
