"""Which files are a ledger or part of one."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.ledger.recognise import files_of, ledger_of
from runner.ledger.sqlite import open_sqlite

PARTS = ("", "-wal", "-shm", "-journal", ".default.lock", ".a.b-c.lock", ".default.emergency")


@pytest.mark.parametrize("name", ["orders.ledger", "l", "a-wal.b", "x.lock"])
def test_every_part_of_a_ledger_is_known_by_what_is_in_the_ledger(tmp_path: Path, name: str) -> None:
    """Its file, and what would lie beside it, be it there or not, whatever it is called; not beside any other file."""
    ledger = tmp_path / name
    for is_ledger in (False, True):
        if is_ledger:
            ledger.unlink()
            open_sqlite(ledger, "default").close()
        else:
            ledger.write_text("some text")
        expected = ledger if is_ledger else None
        assert [ledger_of(ledger.with_name(name + part)) for part in PARTS] == [expected] * len(PARTS)
        assert ledger_of(tmp_path / "report.json") is None


def test_the_files_of_a_ledger_are_those_of_every_account(tmp_path: Path) -> None:
    """All that SQLite and this account have beside it, and what other accounts have left there."""
    ledger = tmp_path / "[odd] ledger"
    (tmp_path / "[odd] ledger.other.lock").touch()
    (tmp_path / "else.lock").touch()
    names = sorted({path.name.removeprefix(ledger.name) for path in files_of(ledger, "me")})
    assert names == ["", "-journal", "-shm", "-wal", ".me.emergency", ".me.lock", ".other.lock"]
