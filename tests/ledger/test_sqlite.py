"""The SQLite file: what it is made like, and what is refused before anything is bought."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from runner.core.errors import LedgerUnusable, UsageError
from runner.core.states import State
from runner.ledger import migrations
from runner.ledger.sqlite import _make_durable, open_sqlite
from tests.ledger.conftest import SqliteStore, claim, holder, key, refusal, use


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def test_new_ledger_is_private(path: Path, open_umask: None) -> None:
    """Folder and files belong to their owner alone, whatever the umask allows."""
    with closing(open_sqlite(path, "acme")) as ledger, ledger.hold(holder(), timeout=0):
        modes = {found.name: stat.S_IMODE(found.stat().st_mode) for found in path.parent.iterdir()}
    names = ["ledger.db", "ledger.db-shm", "ledger.db-wal", "ledger.db.acme.emergency", "ledger.db.acme.lock"]
    assert modes == dict.fromkeys(names, 0o600)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["a b.db", "50%.db", "what?.db", "a#b.db", "ü.db", "[x].db", "file:x?mode=memory"])
def test_any_file_name_will_do(tmp_path: Path, name: str) -> None:
    """A path is a path: nothing in it is read as a URI, a pattern or an escape."""
    path = tmp_path / name
    with closing(open_sqlite(path, "acme")) as ledger:
        use(ledger)
        assert ledger.location == str(path)
    assert sorted(found.name for found in tmp_path.iterdir()) == [name, f"{name}.acme.emergency", f"{name}.acme.lock"]


def test_relative_path_is_kept_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger stays where it was when the process changes its folder."""
    path.parent.mkdir()
    monkeypatch.chdir(path.parent)
    with closing(open_sqlite(Path(path.name), "acme")) as ledger:
        monkeypatch.chdir("/")
        use(ledger)
    assert path.exists()


@pytest.mark.parametrize("account", ["", ".", "..", "a/b", "-x", "a b", "x" * 64, "ä", "a\n", "a\0"])
def test_account_name_is_a_file_name(path: Path, account: str) -> None:
    """An account name that could leave the folder, or is none, is refused before anything is made."""
    with pytest.raises(UsageError):
        open_sqlite(path, account)
    assert not path.parent.exists()


def test_durability_is_read_back(tmp_path: Path) -> None:
    """A store that does not take the write-ahead log with full synchronisation is not believed."""
    with closing(sqlite3.connect(tmp_path / "new.db", isolation_level=None)) as raw:
        _make_durable(raw)
        asked = [raw.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    assert asked == ["wal", 2]
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as raw, pytest.raises(OSError, match="WAL"):
        _make_durable(raw)


def test_reading_makes_nothing(path: Path) -> None:
    """For reading, a missing file is an empty ledger, and stays missing, its folder too."""
    with closing(open_sqlite(path, "acme", read_only=True)) as ledger:
        assert (ledger.records([key()]), ledger.open_records(), list(ledger.every_record())) == ({}, [], [])
        with pytest.raises(LedgerUnusable, match="reading only"), ledger.hold(holder(), timeout=0):
            pass
    assert not path.parent.exists()


def test_reading_an_empty_file(path: Path) -> None:
    """A file that another process is only about to fill is an empty ledger too."""
    path.parent.mkdir()
    path.touch()
    with closing(open_sqlite(path, "acme", read_only=True)) as ledger:
        assert ledger.open_records() == []
    assert path.stat().st_size == 0


def test_reading_while_another_holds(used: Path) -> None:
    """Reading needs no hold, and sees what was committed a moment ago."""
    with (
        closing(open_sqlite(used, "acme", read_only=True)) as reader,
        closing(open_sqlite(used, "acme")) as writer,
        writer.hold(holder(), timeout=0) as hold,
    ):
        hold.claim(claim("two"))
        found = reader.records([key("one"), key("two")])
        assert [one.state for one in found.values()] == [State.PLACED, State.SUBMITTED]
        assert [one.key for one in reader.open_records()] == [key("two")]


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("content", [b"hello", b"x" * 5000, bytes(4096), b"SQLite format 3\0" + b"\xff" * 8000])
def test_file_that_is_no_database(path: Path, content: bytes, read_only: bool) -> None:
    """Any other file is refused and left as it is."""
    path.parent.mkdir()
    path.write_bytes(content)
    assert "cannot be used" in str(refusal(path, read_only=read_only))
    assert path.read_bytes() == content


def test_foreign_database(path: Path) -> None:
    """Another program's database is refused, and gets neither tables nor a write-ahead log."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE orders (id)")
    content = path.read_bytes()
    assert "another program's" in str(refusal(path))
    assert path.read_bytes() == content


@pytest.mark.parametrize("read_only", [False, True])
def test_ledger_of_a_newer_version(used: Path, read_only: bool) -> None:
    """A ledger that a newer order-runner wrote is not touched by an older one."""
    with closing(sqlite3.connect(used, isolation_level=None)) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "newer order-runner" in str(refusal(used, read_only=read_only))


def test_reading_a_ledger_of_an_older_version(used: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading never changes a ledger: an older one is refused with the command that brings it up to date."""
    monkeypatch.setattr("runner.ledger.migrations.REVISIONS", (*migrations.REVISIONS, "9998"))
    monkeypatch.setattr("runner.ledger.migrations.HEAD", "9998")
    assert "order-runner apply" in (refusal(used, read_only=True).hint or "")


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("loss", [Path.unlink, lambda path: os.truncate(path, 0)], ids=["deleted", "emptied"])
def test_lost_ledger_is_not_begun_anew(used: Path, loss: object, read_only: bool) -> None:
    """A ledger that was in use and is gone is missed: a new one would not know what was bought."""
    loss(used)
    assert "was in use" in str(refusal(used, read_only=read_only))
    (used.parent / "ledger.db.acme.lock").unlink()
    with closing(open_sqlite(used, "acme")) as ledger:
        use(ledger)


@pytest.mark.parametrize("keep", [1, 100, 4096, 8192, 0.5])
def test_truncated_ledger(used: Path, keep: float) -> None:
    """A ledger whose end is missing is refused, never taken for a shorter one."""
    os.truncate(used, int(used.stat().st_size * keep) if keep < 1 else int(keep))
    refusal(used)


def test_damaged_pages(used: Path) -> None:
    """Damage is found out at the latest when the damaged page is needed, and nothing is claimed."""
    content = bytearray(used.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    used.write_bytes(content)
    assert "malformed" in str(refusal(used))


def test_closing_twice(path: Path) -> None:
    """A ledger may be closed again, and leaves no files but its own."""
    store = SqliteStore(path)
    store.open()
    store.close()
    store.close()
    assert [found.name for found in path.parent.iterdir()] == ["ledger.db"]
