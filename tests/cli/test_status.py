"""`order-runner status`, as it is typed, on an account with more orders than it lists."""

from __future__ import annotations

import json
import os
from contextlib import closing
from pathlib import Path

import pytest

from runner.cli import run
from runner.core.states import State
from runner.ledger.sqlite import open_sqlite
from runner.settle.status import NEWEST
from tests.ledger.conftest import bring, claim, holder, later, placed


def test_the_newest_are_listed_and_all_on_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Text lists open and newest orders and counts all; `--all`, and JSON by itself, also into a file, list every one."""
    for name in [name for name in os.environ if name.startswith(("ORDER_RUNNER_", "PROXY_SELLER_"))]:
        monkeypatch.delenv(name)
    with closing(open_sqlite(tmp_path / "a.db", "acme")) as ledger, ledger.hold(holder(), timeout=0) as hold:
        for n in range(NEWEST + 2):
            hold.settle(hold.claim(claim(f"o{n:03}", at=later(n))), placed(f"id-{n}", later(n)))
        bring(hold, "lost", State.UNKNOWN)

    def status(*more: str) -> str:
        assert run(["status", "--ledger", str(tmp_path / "a.db"), "--account", "acme", *more]) == 7
        return capsys.readouterr().out

    short = status()
    assert "batch/lost" in short.splitlines()[1]
    assert "batch/o001" not in short
    assert "batch/o002" in short
    assert "1 unknown, 52 placed\nnot shown: 2 older orders;" in short
    assert "batch/o001" in status("--all")
    assert "not shown" not in status("--all")
    document = json.loads(status("-f", "json"))
    assert (document["summary"]["total"], len(document["orders"])) == (53, 53)
    status("-f", f"json={tmp_path / 'status.json'}")
    assert json.loads((tmp_path / "status.json").read_text()) == document
