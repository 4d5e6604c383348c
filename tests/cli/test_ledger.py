"""`order-runner ledger export | verify | import`, as they are typed."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from runner.cli import run
from runner.core.states import State
from runner.ledger.sqlite import open_sqlite
from tests.ledger.conftest import WAYS, bring, holder

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(name="call")
def called(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Types `order-runner ledger …` on account acme: exit code, stdout, stderr."""
    for name in [name for name in os.environ if name.startswith(("ORDER_RUNNER_", "PROXY_SELLER_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("ORDER_RUNNER_ACCOUNT", "acme")

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(["ledger", *arguments])
        return code, *capsys.readouterr()

    return call


@pytest.fixture(name="bought")
def ledger_of_all_states(tmp_path: Path) -> str:
    with closing(open_sqlite(tmp_path / "ledger.db", "acme")) as ledger, ledger.hold(holder(), timeout=0) as hold:
        for state in WAYS:
            bring(hold, state.value, state)
    return "--ledger=ledger.db"


def test_export_verify_import(call: Call, bought: str, tmp_path: Path) -> None:
    """An export, checked and imported elsewhere, makes a ledger that is found whole with the same head."""
    code, output, _ = call("export", bought)
    assert code == 0
    header = json.loads(output.splitlines()[0])
    assert (header["account"], header["ledger"], header["events"]) == ("acme", "ledger.db", 12)
    assert call("export", bought, "-o", "backup.jsonl")[:2] == (0, "")
    backup = (tmp_path / "backup.jsonl").read_text()
    assert backup.splitlines()[1:] == output.splitlines()[1:]
    assert (tmp_path / "backup.jsonl").stat().st_mode & 0o077 == 0
    whole = f"intact, 12 events of 6 orders of account acme, head {header['head']}"
    assert call("verify", "backup.jsonl")[:2] == (0, f"backup.jsonl: {whole}\n")
    assert call("import", "backup.jsonl", "--ledger", "new.db")[:2] == (
        0,
        "12 events added, with 6 new orders; 0 already known\n",
    )
    assert whole in call("verify", "--ledger", "new.db")[1]
    again = json.loads(call("import", "backup.jsonl", "--ledger", "new.db", "-f", "json")[1])
    assert again == {"version": "1.0", "added": 0, "orders_added": 0, "known": 12, "beyond": 0}


def test_verify_names_the_first_broken_line(call: Call, bought: str, tmp_path: Path) -> None:
    """A line that was changed ends in exit code 5 and is named, in words and as JSON; importing it is refused."""
    call("export", bought, "-o", "backup.jsonl")
    lines = (tmp_path / "backup.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "edited.jsonl").write_text("".join([*lines[:4], lines[4].replace("12.30", "99.00"), *lines[5:]]))
    code, output, _ = call("verify", "edited.jsonl")
    assert (code, output.startswith("edited.jsonl: broken at line 5: its content has hash")) == (5, True)
    code, output, _ = call("verify", "edited.jsonl", "-f", "json")
    assert (code, json.loads(output)["broken"]["place"], json.loads(output)["whole"]) == (5, "line 5", False)
    code, _, error = call("import", "edited.jsonl", "--ledger", "new.db")
    assert (code, "edited.jsonl is damaged at line 5" in error) == (5, True)
    assert "0 events" in call("verify", "--ledger", "new.db")[1]


def test_verify_names_a_changed_event_of_the_ledger(call: Call, bought: str, tmp_path: Path) -> None:
    """A ledger that was changed past its doors ends in exit code 5, and is not exported; the last export stays."""
    call("export", bought, "-o", "backup.jsonl")
    kept = (tmp_path / "backup.jsonl").read_bytes()
    with closing(open_sqlite(tmp_path / "ledger.db", "acme")) as ledger:
        assert call("verify", bought)[0] == 0
        ledger._reader.raw.execute("DROP TRIGGER order_events_no_UPDATE")
        ledger._reader.raw.execute("UPDATE order_events SET reason = 'x' WHERE seq = 7")
    code, told, _ = call("verify", bought)
    assert (code, "broken at event 7 (" in told) == (5, True)
    code, _, error = call("export", bought, "-o", "backup.jsonl")
    assert (code, "is damaged at event 7" in error) == (5, True)
    assert (tmp_path / "backup.jsonl").read_bytes() == kept
    assert sorted(found.name for found in tmp_path.glob("*backup*")) == ["backup.jsonl"]


def test_a_check_goes_on_behind_its_mark(call: Call, bought: str) -> None:
    """`verify` prints what `--since` takes, as text and JSON; a mark of another history is exit code 5 with a way out."""
    code, told, _ = call("verify", bought)
    mark = told.splitlines()[1].removeprefix("next time only what follows: --since ")
    assert json.loads(call("verify", bought, "-f", "json")[1])["mark"] == mark
    code, told, _ = call("verify", bought, "--since", mark)
    assert (code, "intact, 12 events of 6 orders" in told, "checked behind event number 12" in told) == (0, True, True)
    code, told, _ = call("verify", bought, "--since", f"12:{'0' * 64}")
    assert (code, "broken at event number 12: its hash is" in told, "without --since" in told) == (5, True, True)
    assert call("verify", bought, "--since", "12")[0] == 2
    call("export", bought, "-o", "backup.jsonl")
    assert call("verify", "backup.jsonl", "--since", mark)[0] == 2


def test_import_says_what_contradicts(call: Call, bought: str, tmp_path: Path) -> None:
    """Two histories of one account are not merged: exit code 5, with line and event of the first difference."""
    with closing(open_sqlite(tmp_path / "new.db", "acme")) as ledger, ledger.hold(holder(), timeout=0) as hold:
        bring(hold, "other", State.PLACED)
    call("export", bought, "-o", "backup.jsonl")
    code, _, error = call("import", "backup.jsonl", "--ledger", "new.db")
    assert code == 5
    assert "contradicts the ledger, at line 3: it differs from event 1 of the ledger (claimed of batch/other" in error


def test_import_is_for_the_account_of_the_export(call: Call, bought: str, tmp_path: Path) -> None:
    """Another account's export is refused before anything is made, with the option that would be right."""
    call("export", bought, "-o", "backup.jsonl")
    code, _, error = call("import", "backup.jsonl", "--ledger", "new.db", "--account", "beta")
    assert (code, "--account acme" in error) == (5, True)
    assert not (tmp_path / "new.db").exists()


def test_import_makes_no_second_spelling_of_an_account(call: Call, bought: str, tmp_path: Path) -> None:
    """An account whose name differs from one of the ledger only in letter case is refused, and nothing is imported."""
    with closing(open_sqlite(tmp_path / "new.db", "ACME")) as ledger, ledger.hold(holder(), timeout=0) as hold:
        bring(hold, "other", State.PLACED)
    call("export", bought, "-o", "backup.jsonl")
    code, _, error = call("import", "backup.jsonl", "--ledger", "new.db")
    assert (code, "PSR609" in error) == (5, True)
    assert call("verify", "--ledger", "new.db", "--account", "ACME")[0] == 0


def test_import_waits_for_who_holds_the_account(call: Call, bought: str, tmp_path: Path) -> None:
    """While a run holds the account nothing is imported: exit code 9."""
    call("export", bought, "-o", "backup.jsonl")
    with closing(open_sqlite(tmp_path / "ledger.db", "acme")) as ledger, ledger.hold(holder(), timeout=0):
        assert call("import", "backup.jsonl", bought)[0] == 9


def test_sqlite_s_own_backup_is_whole(call: Call, bought: str, tmp_path: Path) -> None:
    """A copy made by SQLite while a run writes is a ledger of its own, whole, and as far as the last commit."""
    with closing(open_sqlite(tmp_path / "ledger.db", "acme")) as ledger, ledger.hold(holder(), timeout=0) as hold:
        bring(hold, "during", State.PLACED)
        with (
            closing(sqlite3.connect(tmp_path / "ledger.db")) as source,
            closing(sqlite3.connect(tmp_path / "copy.db")) as copy,
        ):
            source.backup(copy)
        bring(hold, "after", State.PLACED)
    code, told, _ = call("verify", "--ledger", "copy.db")
    assert (code, "intact, 14 events of 7 orders" in told) == (0, True)


@pytest.mark.parametrize("command", ["verify", "import"])
def test_a_missing_file_is_a_mistake_of_usage(call: Call, command: str, tmp_path: Path) -> None:
    """A file that is not there ends in exit code 2, and makes no ledger."""
    assert call(command, "nowhere.jsonl")[0] == 2
    assert not (tmp_path / "state").exists()


def test_nothing_is_made_by_looking(call: Call, tmp_path: Path) -> None:
    """Exporting and verifying a ledger that is not there says so, with exit code 5, and leaves it missing."""
    for command in ("verify", "export"):
        code, _, error = call(command, "--ledger", "none.db")
        assert (code, "none.db does not exist" in error) == (5, True)
    assert not (tmp_path / "none.db").exists()


def test_the_key_is_in_no_export(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A purchase whose answer was lost, on a connection whose address held the key, is exported without it."""
    from runner.sandbox.box import Sandbox

    manifest = tmp_path / "orders.yaml"
    manifest.write_text(
        "apiVersion: orders/v1\nbatch: b\norders:\n"
        "  - {name: one, type: ipv4, countryId: 561, periodId: 1m, quantity: 1, customTargetName: prices}\n"
    )
    with Sandbox(faults=("reset-after@1",)).serve() as server:
        monkeypatch.setenv("PROXY_SELLER_API_KEY", server.api_key)
        bought = ["apply", "--yes", "--base-url", server.base_url, "--ledger", "l.db", str(manifest)]
        assert run(bought) == 7
    assert call("export", "--ledger", "l.db", "-o", "l.jsonl")[0] == 0
    export = (tmp_path / "l.jsonl").read_text()
    assert len(export.splitlines()) == 4
    assert len(server.api_key) > 10
    assert server.api_key not in export


def test_what_was_spent(call: Call, bought: str, tmp_path: Path) -> None:
    """Sums by month unless something else is asked; doubt in its column; to a file as CSV beside it."""
    code, text, _ = call("spent", bought)
    assert (code, text.splitlines()) == (
        0,
        [
            "MONTH    ORDERS  SPENT USD  OF THAT IN DOUBT USD",
            "2026-11       3      36.90                 24.60",
            "3 orders: 36.90 USD, of that 24.60 USD in doubt",
        ],
    )
    assert call("spent", bought, "--by", "actor", "--by", "type", "-f", "csv=spent.csv", "-f", "json")[0] == 0
    assert (tmp_path / "spent.csv").read_text() == (
        "actor,type,orders,spent,in_doubt,currency\n(none),ipv4,3,36.90,24.60,USD\n"
    )


@pytest.mark.parametrize(
    ("days", "orders"),
    [
        (("--since", "2026-11"), 3),
        (("--until", "2026-11"), 3),
        (("--since", "2026-11-23", "--until", "2026-11-23"), 3),
        (("--since", "2026-11-24"), 0),
        (("--until", "2026-10"), 0),
    ],
)
def test_only_these_days(call: Call, bought: str, days: tuple[str, ...], orders: int) -> None:
    """A day is that of the claim in UTC; both ends are included, and a month is all of it."""
    assert json.loads(call("spent", bought, *days, "-f", "json")[1])["total"]["orders"] == orders


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--since", "2026-02-30"), 2),
        (("--until", "yesterday"), 2),
        (("--since", "2026-13"), 2),
        (("--since", "2026-11-24", "--until", "2026-11-23"), 2),
        (("--by", "week"), 2),
        (("-f", "html"), 2),
        (("--ledger", "none.db"), 5),
        (("--account", "other"), 5),
    ],
)
def test_no_sum_of_nothing(call: Call, bought: str, words: tuple[str, ...], code: int) -> None:
    """A day that is none, a span that is empty, no grouping, no ledger or no account: no zero that looks like an answer."""
    told, output, error = call("spent", bought, *words)
    assert (told, output) == (code, "")
    assert "hint" in error or "2026-11-30" in error
