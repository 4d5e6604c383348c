"""`order-runner status`, as it is typed, on an account with more orders than it lists."""

from __future__ import annotations

import json
import os
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from runner.cli import run
from runner.core.provenance import Provenance
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


NEW = ("WHAT", "CLAIMED", "BY", "COMMIT", "JOB", "REASON")


def test_who_bought_what_when(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`-v` adds what was asked for, the time of the claim, who made it and why; JSON has that and the labels anyway."""
    for name in [name for name in os.environ if name.startswith(("ORDER_RUNNER_", "PROXY_SELLER_"))]:
        monkeypatch.delenv(name)
    ann = Provenance(actor="ann", source="GITHUB_ACTOR", commit="c0ffee", job="https://ci/7")
    ledger = open_sqlite(tmp_path / "a.db", "acme")
    with closing(ledger), ledger.hold(replace(holder(), by=ann), timeout=0) as hold:
        wanted = claim("one", at=later(7))
        wanted = replace(wanted, request=replace(wanted.request, labels={"team": "data"}))
        hold.settle(hold.claim(wanted), placed("77", later(9)))

    def status(*more: str) -> str:
        assert run(["status", "--ledger", str(tmp_path / "a.db"), "--account", "acme", *more]) == 0
        return capsys.readouterr().out

    head, row, counts = status("-v").splitlines()
    assert head.split() == ["ORDER", "STATE", "ORDER", "ID", "TOTAL", "USD", "SINCE", *NEW]
    assert "ipv4, 10 × country 561, 1m  2026-11-23 12:00:07Z  ann  c0ffee  https://ci/7" in row
    assert counts == "1 placed"
    assert "ann" not in status()
    (order,) = json.loads(status("-f", "json"))["orders"]
    assert (order["claimed_at"], order["by"], order["labels"]) == (
        "2026-11-23T12:00:07.000Z",
        {"actor": "ann", "source": "GITHUB_ACTOR", "commit": "c0ffee", "job": "https://ci/7"},
        {"team": "data"},
    )
