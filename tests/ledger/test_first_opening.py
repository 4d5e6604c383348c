"""A death in the first moments of a ledger leaves nothing that the next run cannot open."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from runner.core.errors import LedgerUnusable
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


DIES_WHILE_IT_SWITCHES_TO_THE_LOG = """
import resource, signal, sys
from pathlib import Path
from runner.ledger.sqlite import open_sqlite
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))  # room for a journal's header, not for a page
open_sqlite(Path(sys.argv[1]), "default")
"""


def half_made(path: Path) -> None:
    """A ledger whose first run the kernel killed at the first page it wrote: nothing but a hot journal beside it."""
    died = subprocess.run([sys.executable, "-c", DIES_WHILE_IT_SWITCHES_TO_THE_LOG, str(path)], check=False)
    assert died.returncode == -signal.SIGXFSZ
    assert Path(f"{path}-journal").stat().st_size > 0
    refused = pytest.raises(sqlite3.OperationalError, match="attempt to write a readonly database")
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as reader, refused:
        reader.execute("SELECT count(*) FROM sqlite_master").fetchone()


@pytest.mark.parametrize("read_only", [True, False], ids=["for reading", "for writing"])
def test_a_ledger_that_died_at_its_first_page_opens(read_only: bool, tmp_path: Path) -> None:
    """Killed while the new file was switched to its write-ahead log: a reader clears the journal away as a writer does."""
    path = tmp_path / "ledger.sqlite3"
    half_made(path)
    with closing(open_sqlite(path, "default", read_only=read_only)) as ledger:
        assert ledger.open_records() == []
    assert not Path(f"{path}-journal").exists()
    open_sqlite(path, "default").close()
    open_sqlite(path, "default", read_only=True).close()


def test_a_reader_takes_back_half_a_transaction_and_nothing_else(tmp_path: Path) -> None:
    """What was committed before the journal was left is there after it was rolled back."""
    path = tmp_path / "ledger.sqlite3"
    open_sqlite(path, "default").close()
    with closing(sqlite3.connect(path, isolation_level=None)) as ledger:
        ledger.execute("PRAGMA journal_mode = DELETE")
    dies = (
        "import os, signal, sqlite3, sys; ledger = sqlite3.connect(sys.argv[1], isolation_level=None); "
        "ledger.execute('PRAGMA cache_size = 1'); ledger.execute('BEGIN IMMEDIATE'); "
        "[ledger.execute(f'CREATE TABLE t{n} (a)') for n in range(40)]; os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", dies, str(path)], check=False)
    assert Path(f"{path}-journal").stat().st_size > 0
    with closing(open_sqlite(path, "default", read_only=True)) as ledger:
        assert ledger.open_records() == []
    with closing(sqlite3.connect(path)) as raw:
        names = [name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    assert "orders" in names
    assert "t0" not in names


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to run a reader as a user whom permissions bind")
def test_a_reader_who_may_not_write_is_told_the_way_out() -> None:
    """Where the journal cannot be cleared away, the words say who can: exit code 5, not a bug."""
    with tempfile.TemporaryDirectory(prefix="hot-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        path = folder / "ledger.sqlite3"
        half_made(path)
        for found in folder.iterdir():
            found.chmod(0o644)
        reads = (
            "import encodings.idna, os, sys; from pathlib import Path; from runner.ledger import sqlite; "
            "from runner.ledger import migrations; from runner.core.errors import LedgerUnusable; os.setuid(65534)\n"
            "try: sqlite.open_sqlite(Path(sys.argv[1]), 'default', read_only=True)\n"
            "except LedgerUnusable as error: print(error, error.hint)"
        )
        told = subprocess.run([sys.executable, "-c", reads, str(path)], check=True, capture_output=True, text=True)
    assert "left incomplete by a run that died" in told.stdout
    assert "run `order-runner apply` once as a user who may write the file and its folder" in told.stdout


@pytest.mark.parametrize("read_only", [True, False], ids=["for reading", "for writing"])
def test_a_ledger_made_between_two_looks_is_a_ledger(
    read_only: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another run makes the tables after this one read the header: it waits its turn, and neither calls it a stranger's."""
    path = tmp_path / "ledger.sqlite3"
    path.touch(mode=0o600)
    other = threading.Thread(target=lambda: open_sqlite(path, "default").close())

    class Slow(sqlite3.Connection):
        looked = False

        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            if self.looked and other.ident is None:
                other.start()
                other.join(1)
            self.looked = self.looked or sql == "PRAGMA application_id"
            return super().execute(sql, *values)

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *names, **options: connect(*names, **options, factory=Slow))
    with closing(open_sqlite(path, "default", read_only=read_only)) as ledger:
        assert ledger.open_records() == []
    other.join()
    with closing(open_sqlite(path, "default", read_only=True)) as ledger:
        assert ledger.open_records() == []
