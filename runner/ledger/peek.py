"""A glance at a ledger's file, for completion in a shell: quick, without SQLAlchemy, and without a trace.

SQLite makes files beside a database that is only read, too. Here it does not: where no log lies beside the file nobody
has it open, and it is read as one that cannot change. Whatever is wrong with the file, the answer is empty.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote


def orders(path: Path, account: str, prefix: str, most: int) -> list[tuple[str, str]]:
    """Keys that begin with `prefix`, each with its state, in order."""
    sql = "SELECT key, state FROM orders WHERE account = ? AND key >= ? AND key < ? ORDER BY key LIMIT ?"
    return [(str(key), str(state)) for key, state in _rows(path, sql, (account, prefix, f"{prefix}\x7f", most))]


def accounts(path: Path) -> list[str]:
    """The accounts that have an order, in order."""
    return [str(row[0]) for row in _rows(path, "SELECT DISTINCT account FROM orders ORDER BY account", ())]


def _rows(path: Path, sql: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
    if not path.is_file():
        return []
    log = path.with_name(f"{path.name}-wal")
    how = "mode=ro&readonly_shm=1" if log.exists() else "mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?{how}", uri=True, timeout=0.2)) as connection:
            return connection.execute(sql, values).fetchall()
    except sqlite3.Error:
        return []
