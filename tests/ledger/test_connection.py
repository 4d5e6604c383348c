"""A session's transactions: whole or not at all, and believed only when the engine says so."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

import psycopg
import pytest

from runner.ledger.connection import SqlConnection, Statement
from runner.ledger.sqlite import SqliteConnection
from tests.ledger.conftest import SqliteStore

INSERT = Statement("INSERT INTO chains VALUES (:account, 0, '')", "INSERT INTO chains VALUES (%(account)s, 0, '')")
FIND = Statement("SELECT account FROM chains", "SELECT account FROM chains")
WRITE = "BEGIN"


@pytest.fixture
def connection(store: SqliteStore) -> Any:
    session: Any = store.open()._reader
    if isinstance(session, SqliteConnection):
        session.raw.execute("PRAGMA query_only = OFF")
    return session


def accounts(connection: SqlConnection) -> list[str]:
    return [row["account"] for row in FIND.every(connection, {})]


def insert_and(connection: Any, then: Callable[[], object]) -> None:
    """A transaction that enters an account, and goes on with something."""
    with connection.begin(WRITE):
        INSERT.change(connection, {"account": "lost"})
        then()


def undo(connection: Any) -> None:
    """What makes the engine roll back by itself."""
    if isinstance(connection, SqliteConnection):
        connection.raw.execute("ROLLBACK")
        return
    with suppress(psycopg.DataError):
        connection.ask("SELECT 1 / 0")


def test_a_transaction_is_whole_or_nothing(connection: SqlConnection) -> None:
    """What raises inside one undoes it; the next one begins as if it had never been."""
    with pytest.raises(ZeroDivisionError):
        insert_and(connection, lambda: 1 // 0)
    with connection.begin(WRITE):
        assert accounts(connection) == []
        assert INSERT.change(connection, {"account": "kept"}) == 1
    assert accounts(connection) == ["kept"]


def test_a_commit_that_the_engine_undid_is_an_error(connection: SqlConnection) -> None:
    """An engine that rolls back by itself, and commits nothing, is not taken at its silence."""
    errors = (sqlite3.OperationalError, psycopg.OperationalError)
    with pytest.raises(errors, match=r"no transaction is active|ended with ROLLBACK"):
        insert_and(connection, lambda: undo(connection))
    assert accounts(connection) == []


def test_statements_made_together_keep_their_order(connection: SqlConnection) -> None:
    """Of several statements in one journey each sees what those before it did, and has its own rows."""
    with connection.begin(WRITE):
        cursors = connection.run_together((FIND, {}), (INSERT, {"account": "one"}), (FIND, {}))
        assert [list(cursors[n]) for n in (0, 2)] == [[], [("one",)]]


def test_one_transaction_at_a_time(pg_store: SqliteStore) -> None:
    """On a session that reads and writes nobody begins a transaction inside another's, which it would end."""
    with closing(pg_store.open()) as ledger:
        session: Any = ledger._reader
        with pytest.raises(RuntimeError, match="open on this session"), session.begin(), session.begin():
            pass
