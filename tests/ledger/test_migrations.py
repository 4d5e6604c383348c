"""The schema: made once, equal to the tables of the code, and cheap to find up to date."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from runner.ledger import migrations
from runner.ledger.tables import metadata
from tests.ledger.conftest import Child, SqliteStore, holder

PLACE = Path(migrations.__file__).parent
OPENING = "sys.stdin.readline()\n{}\nprint('opened')\n"


def schema(path: Path) -> dict[str, str]:
    """Name and definition of all that our own metadata knows."""
    with closing(sqlite3.connect(path)) as raw:
        rows = raw.execute("SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'index') AND sql IS NOT NULL")
        return {name: re.sub(r"\s+", " ", sql) for name, sql in rows if name != "alembic_version"}


def constraints(sql: str) -> tuple[str, list[str]]:
    """A table's definition with its constraints, which no one keeps in order, set apart."""
    head, *rest = re.split(r", (?=CONSTRAINT|PRIMARY KEY|FOREIGN KEY)", sql.rstrip(") "))
    return head, sorted(part.rstrip(" )") for part in rest)


def test_migrated_tables_are_those_of_the_code(sqlite_store: SqliteStore, tmp_path: Path) -> None:
    """All revisions together make the tables, checks and indexes of `tables.py`; change one with a revision only."""
    store = sqlite_store
    store.open()
    engine = create_engine(f"sqlite:///{tmp_path / 'fresh.db'}")
    metadata.create_all(engine)
    engine.dispose()
    migrated, declared = schema(store.path), schema(tmp_path / "fresh.db")
    assert sorted(migrated) == sorted(declared)
    for name, sql in declared.items():
        assert constraints(migrated[name]) == constraints(sql)


def test_revisions_are_those_of_the_folder() -> None:
    """The list that is read without Alembic is Alembic's own."""
    config = Config()
    config.set_main_option("script_location", str(PLACE))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    assert [found.revision for found in script.walk_revisions()][::-1] == list(migrations.REVISIONS)
    assert script.get_current_head() == migrations.HEAD


def test_opening_at_once_migrates_once(empty_store: SqliteStore, child: Child) -> None:
    """Several first runs that start together make one schema, and all of them get to use it."""
    store = empty_store
    openers = [child(OPENING.format(store.opening), store.path) for _ in range(8)]
    for opener in openers:
        opener.stdin.write("\n")
        opener.stdin.flush()
    assert [opener.communicate()[0] for opener in openers] == ["opened\n"] * 8
    assert store.sql("SELECT version_num FROM alembic_version") == [(migrations.HEAD,)]


def test_interrupted_migration_leaves_nothing(empty_store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration is one transaction: after a crash in it the next opening begins again."""
    store = empty_store

    class Crash(Exception):
        pass

    def crash(connection: object) -> None:
        upgrade(connection)
        raise Crash

    upgrade = migrations.upgrade
    monkeypatch.setattr(migrations, "upgrade", crash)
    with pytest.raises(Crash):
        store.open()
    monkeypatch.undo()
    assert store.sql(store.is_empty)[0][0]
    with store.open().hold(holder(), timeout=0):
        pass


def test_ready_ledger_opens_without_alembic(store: SqliteStore, child: Child) -> None:
    """Alembic is only loaded where there is something to migrate."""
    store.open()
    program = f"ledger = {store.opening}\nledger.open_records()\nprint('alembic' in sys.modules)"
    assert child(program, store.path).communicate()[0] == "False\n"


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (
            "SELECT * FROM orders WHERE account = ? AND state IN ('submitted', 'unknown') ORDER BY claimed_at, key",
            "orders_open",
        ),
        ("SELECT key FROM orders WHERE account = ? AND order_id = '7'", "orders_order_id"),
        ("SELECT * FROM orders WHERE account = ? AND key IN ('b/a', 'b/b')", "PRIMARY KEY"),
        ("SELECT seq FROM order_events WHERE account = ? AND key = 'b/a' AND attempt = 1", "order_events_order"),
    ],
)
def test_nothing_is_found_by_reading_everything(sqlite_store: SqliteStore, statement: str, index: str) -> None:
    """What is asked for at every run is found by an index, however many settled orders there are."""
    sqlite_store.open()
    plan = str(sqlite_store.sql(f"EXPLAIN QUERY PLAN {statement}", "acme"))
    assert index in plan
    assert "SCAN" not in plan
