"""A glance at a ledger's file leaves no trace."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from runner.ledger import peek

ROWS = [("mine", "b/a", "placed"), ("mine", "b/ab", "unknown"), ("mine", "b/c#2", "placed"), ("other", "b/a", "placed")]


def made(path: Path) -> sqlite3.Connection:
    """A file with the columns that are looked at, its log not yet taken over."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE orders (account TEXT, key TEXT, state TEXT, PRIMARY KEY (account, key))")
    connection.executemany("INSERT INTO orders VALUES (?, ?, ?)", ROWS)
    return connection


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith("-shm")}


def test_keys_and_accounts_of_a_ledger_in_use_and_at_rest(tmp_path: Path) -> None:
    """The same answers from the log as from the file, and the folder stays as it was."""
    path = tmp_path / "a ledger?.sqlite3"
    connection = made(path)
    for step in range(2):
        before = files(tmp_path)
        assert ("a ledger?.sqlite3-wal" in before) == (step == 0)
        assert peek.orders(path, "mine", "b/a", 10) == [("b/a", "placed"), ("b/ab", "unknown")]
        assert peek.orders(path, "mine", "", 1) == [("b/a", "placed")]
        assert peek.accounts(path) == ["mine", "other"]
        assert files(tmp_path) == before
        connection.close()


def test_whatever_is_wrong_the_answer_is_empty(tmp_path: Path) -> None:
    """No file, a folder, another file, other tables: nothing, and nothing is made."""
    (tmp_path / "text").write_text("no ledger" * 1000)
    with closing(sqlite3.connect(tmp_path / "other")) as other:
        other.execute("CREATE TABLE orders (name TEXT)")
    for name in ("missing", ".", "text", "other"):
        before = files(tmp_path)
        assert peek.orders(tmp_path / name, "mine", "", 10) == []
        assert peek.accounts(tmp_path / name) == []
        assert files(tmp_path) == before
