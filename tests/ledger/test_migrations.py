"""The schema: made once, equal to the tables of the code, and cheap to find up to date."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from runner.core.states import State
from runner.ledger import migrations, sqlite
from runner.ledger.export import check_ledger
from runner.ledger.schema import metadata
from runner.ledger.sqlite import APPLICATION_ID
from tests.ledger.conftest import PLACE, WAYS, Child, PostgresStore, SqliteStore, bring, bring_to, holder

OPENING = "sys.stdin.readline()\n{}\nprint('opened')\n"


def schema(path: Path) -> dict[str, str]:
    """Name and definition of all that our own metadata knows."""
    with closing(sqlite3.connect(path)) as raw:
        rows = raw.execute("SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'index') AND sql IS NOT NULL")
        return {name: re.sub(r"\s+", " ", sql).strip() for name, sql in rows if name != "alembic_version"}


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

    def crash(*arguments: object) -> None:
        make(*arguments)
        raise Crash

    place = (migrations, "upgrade") if isinstance(store, PostgresStore) else (sqlite, "_make_tables")
    make = getattr(*place)
    monkeypatch.setattr(*place, crash)
    with pytest.raises(Crash):
        store.open()
    monkeypatch.undo()
    assert store.sql(store.is_empty)[0][0]
    with store.open().hold(holder(), timeout=0):
        pass


def test_ready_ledger_is_used_without_alembic(store: SqliteStore, child: Child) -> None:
    """Alembic and SQLAlchemy are only loaded where there is something to migrate: not to read, claim and settle."""
    store.open()
    program = (
        f"ledger = {store.opening}\nledger.open_records()\n"
        "with ledger.hold(holder(), timeout=0) as hold:\n    bring(hold, 'one', State.PLACED)\n"
        "print({'alembic', 'sqlalchemy'} & set(sys.modules))"
    )
    assert child(program, store.path).communicate()[0] == "set()\n"


def test_new_file_is_made_without_alembic(sqlite_store: SqliteStore, child: Child) -> None:
    """What makes the tables of a new file is text."""
    program = f"{sqlite_store.opening}.close()\nprint({{'alembic', 'sqlalchemy'}} & set(sys.modules))"
    assert child(program, sqlite_store.path).communicate()[0] == "set()\n"
    assert sqlite_store.sql("SELECT version_num FROM alembic_version") == [(migrations.HEAD,)]


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


def of_version_0001(path: Path, source: Path) -> None:
    """The ledger that `source` would have been before events were chained."""
    engine = create_engine(f"sqlite:///{path}")
    config = Config()
    config.set_main_option("script_location", str(PLACE))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        raw.execute("ATTACH ? AS source", (str(source),))
        for table in ("orders", "order_events", "witnesses", "runs", "holds"):
            columns = ", ".join(f'"{row[1]}"' for row in raw.execute(f"PRAGMA main.table_info({table})"))
            raw.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM source.{table}")


def test_older_events_are_chained(tmp_path: Path) -> None:
    """A ledger from before the chain gets the very hashes its events would have been entered with, and stays whole."""
    with closing(SqliteStore(tmp_path / "new.db")) as new, closing(SqliteStore(tmp_path / "old.db")) as old:
        with new.open().hold(holder(), timeout=0) as first, new.open("beta").hold(holder(), timeout=0) as second:
            for state in WAYS:
                bring(first, state.value, state)
                bring(second, state.value, state)
        of_version_0001(old.path, new.path)
        before = old.sql("SELECT * FROM orders")
        assert check_ledger(old.open()).head == new.open().head()
        assert check_ledger(old.open("beta")).head == new.open("beta").head()
        assert list(old.open().history()) == list(new.open().history())
        assert old.sql("SELECT * FROM orders") == before
        assert schema(old.path) == schema(new.path)
        with old.open().hold(holder(), timeout=0) as hold:
            bring(hold, "next", State.PLACED)
        assert check_ledger(old.open()).orders == len(WAYS) + 1
        for change in ("UPDATE order_events SET at = ''", "DELETE FROM order_events"):
            with pytest.raises(sqlite3.IntegrityError, match="only ever added to"):
                old.sql(change)


def test_older_ledger_is_migrated_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash while older events are chained leaves the older ledger as it was."""
    with closing(SqliteStore(tmp_path / "new.db")) as new, closing(SqliteStore(tmp_path / "old.db")) as old:
        with new.open().hold(holder(), timeout=0) as hold:
            bring(hold, "one", State.PLACED)
        of_version_0001(old.path, new.path)
        before = [old.sql(f"SELECT * FROM {table}") for table in ("sqlite_master", "order_events")]
        with monkeypatch.context() as broken:
            broken.setattr("runner.ledger.chain.hashlib.sha256", lambda data: 1 // 0)
            with pytest.raises(ZeroDivisionError):
                old.open()
        assert [old.sql(f"SELECT * FROM {table}") for table in ("sqlite_master", "order_events")] == before
        assert check_ledger(old.open()).orders == 1


ADOPTED = (
    "INSERT INTO order_events (account, key, attempt, event, before, after, at, detail, prev_hash, hash) "
    "VALUES ('acme', 'batch/rejected', 2, 'resolved', 'rejected', 'placed', '', '', '', '')"
)


def test_older_ledger_learns_to_adopt(empty_store: SqliteStore, child: Child) -> None:
    """Revision 0003 keeps every event and its chain, lets the new moves in and no others; runs may race to make it."""
    store = empty_store
    bring_to(store, "0002")
    store.sql("CREATE TABLE days (account TEXT, day TEXT, orders TEXT, spent TEXT)")  # what moves orders keeps them
    program = (
        "from runner.ledger import migrations\nmigrations.HEAD = '0002'\n"
        f"with {store.opening}.hold(holder(), timeout=0) as hold:\n"
        "    for state in WAYS:\n        bring(hold, state.value, state)\nprint('filled')"
    )
    assert child(program, store.path).communicate()[0] == "filled\n"
    store.sql("DROP TABLE days")
    with pytest.raises(store.refusal):
        store.sql(ADOPTED)
    before = store.sql("SELECT seq, hash FROM order_events ORDER BY seq")
    openers = [child(OPENING.format(store.opening), store.path) for _ in range(4)]
    for opener in openers:
        opener.stdin.write("\n")
        opener.stdin.flush()
    assert [opener.communicate()[0] for opener in openers] == ["opened\n"] * 4
    assert store.sql("SELECT seq, hash FROM order_events ORDER BY seq") == before
    assert check_ledger(store.open()).orders == len(WAYS)
    assert {claim.witness.numbers for claim in store.open().open_claims()} == {None}
    for change in (
        "UPDATE order_events SET at = ''",
        "DELETE FROM order_events",
        ADOPTED.replace("rejected", "placed"),
    ):
        with pytest.raises(store.refusal):
            store.sql(change)
    store.sql(ADOPTED)
