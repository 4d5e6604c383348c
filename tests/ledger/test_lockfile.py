"""Who holds an account can be looked up, on every engine, without getting in the way."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner.cli import run
from runner.ledger.lockfile import LOCKS, held_by
from tests.ledger.conftest import holder
from tests.pgserver import PASSWORD

SOON = 10.0
pytestmark = pytest.mark.skipif(not LOCKS.exists(), reason="this system cannot tell who holds a file")


def test_the_holder_is_named_while_it_holds(store: Any) -> None:
    """Before, after, and on another account nobody holds it; meanwhile the one who does is named, and goes on holding."""
    who = replace(holder(pid=4711), run_id="run-77")
    ledger, looking = store.open(), store.open(read_only=True)
    assert looking.held_by() is None
    with ledger.hold(who, timeout=0):
        told = looking.held_by()
        assert store.open("other", read_only=True).held_by() is None
        assert looking.held_by() == told
    assert told is not None
    assert told.startswith("pid 4711 on build-7 since 2026-11-23T12:00:00")
    deadline = time.monotonic() + SOON
    while looking.held_by() is not None and time.monotonic() < deadline:
        time.sleep(0.01)  # a server ends a session in its own time
    assert looking.held_by() is None


def test_doctor_tells_it(store: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`doctor` shows kind, place and holder of either engine's ledger, and no password."""
    monkeypatch.setenv("ORDER_RUNNER_LEDGER", str(store.path))
    arguments = ["doctor", "--offline", "--account", "acme"]
    with store.open().hold(holder(pid=4711), timeout=0):
        run(arguments)
    output = capsys.readouterr().out
    assert PASSWORD not in output
    assert "held by pid 4711 on build-7" in output
    assert ("SQLite" in output) != ("PostgreSQL" in output)
    assert "open orders  none" in output


def test_where_the_system_does_not_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the kernel's table nothing is claimed to be known."""
    (tmp_path / "lock").write_text("{}")
    monkeypatch.setattr("runner.ledger.lockfile.LOCKS", tmp_path / "nowhere")
    assert held_by(tmp_path / "lock") == ""
    assert held_by(tmp_path / "none") is None
