"""What can be read of a ledger, on whatever engine."""

from __future__ import annotations

from datetime import timedelta

import pytest

from runner.core.ledger import Hold
from runner.core.states import OPEN, State
from tests.ledger.conftest import AT, SqliteStore, bring, claim, key, later, run


def test_open_records_are_the_open_ones(store: SqliteStore, hold: Hold) -> None:
    """Submitted and unknown orders are open, oldest claim first, and no others."""
    for n, state in enumerate(State):
        bring(hold, state.value, state, at=AT - timedelta(minutes=n))
    assert {one.state for one in store.open().open_records()} == OPEN
    assert [one.key.name for one in store.open().open_records()] == ["unknown", "submitted"]


def test_records_of_many_keys(store: SqliteStore, hold: Hold) -> None:
    """Any number of keys can be asked for at once; those the ledger does not know are left out."""
    names = [f"n{n}" for n in range(0, 1200, 7)]
    for name in names:
        hold.claim(claim(name))
    found = store.open().records(key(f"n{n}") for n in range(1200))
    assert sorted(found) == sorted(map(key, names))
    assert all(one.key == known for known, one in found.items())


def test_every_record_by_key(store: SqliteStore, hold: Hold, monkeypatch: pytest.MonkeyPatch) -> None:
    """All orders of the account are read, page by page, in the order of their keys."""
    monkeypatch.setattr("runner.ledger.reader.PAGE", 2)
    for name in ("c", "a", "e", "b", "d"):
        hold.claim(claim(name))
    assert [one.key.name for one in store.open().every_record()] == ["a", "b", "c", "d", "e"]
    assert list(store.open("other").every_record()) == []


def test_runs_are_entered_and_closed(store: SqliteStore, hold: Hold) -> None:
    """A run is on record from its start, with its exit code once it has one."""
    hold.start_run(run())
    asked = "SELECT id, account, mode, host, pid, finished_at, exit_code FROM runs"
    assert store.sql(asked) == [("run-1", "acme", "apply", "build-7", 42, None, None)]
    hold.finish_run("run-1", later(9), 7)
    assert store.sql(asked)[0][-2:] == ("2026-11-23T12:00:09.000000Z", 7)
