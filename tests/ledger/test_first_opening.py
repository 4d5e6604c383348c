"""A death in the first moments of a ledger leaves nothing that the next run cannot open."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from runner.errors import LedgerUnusable
from runner.ledger.sqlite import open_sqlite

DIES_WHILE_IT_MAKES_TABLES = """
import os, signal, sqlite3, sys
ledger = sqlite3.connect(sys.argv[1], isolation_level=None)
ledger.execute("PRAGMA journal_mode = WAL")
ledger.execute("PRAGMA cache_size = 1")
ledger.execute("BEGIN IMMEDIATE")
for n in range(40):
    ledger.execute(f"CREATE TABLE t{n} (a)")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_ledger_whose_first_transaction_never_ended_is_new(tmp_path: Path) -> None:
    """Killed while the tables were made, with frames in the log and no commit: the next run makes them again."""
    path = tmp_path / "ledger.sqlite3"
    died = subprocess.run([sys.executable, "-c", DIES_WHILE_IT_MAKES_TABLES, str(path)], check=False)
    assert died.returncode == -signal.SIGKILL
    assert Path(f"{path}-wal").stat().st_size > 32
    ledger = open_sqlite(path, "default")
    assert ledger.open_records() == []
    ledger.close()


def test_a_log_with_a_commit_still_shows_that_a_ledger_is_gone(tmp_path: Path) -> None:
    """The file is away and its log holds a finished transaction: a new ledger would forget what was bought."""
    path = tmp_path / "ledger.sqlite3"
    ledger = sqlite3.connect(path)
    ledger.execute("PRAGMA journal_mode = WAL")
    ledger.execute("CREATE TABLE t (a)")
    ledger.commit()
    log = Path(f"{path}-wal").read_bytes()
    ledger.close()
    path.unlink()
    Path(f"{path}-wal").write_bytes(log)
    with pytest.raises(LedgerUnusable, match="gone or empty"):
        open_sqlite(path, "default")
