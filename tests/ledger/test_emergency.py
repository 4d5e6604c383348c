"""The last resort: an outcome that the ledger could not take is not lost."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from runner.core.errors import LedgerReplaced, LedgerUnusable
from runner.core.records import Attempt
from runner.core.states import Event, State
from runner.ledger.emergency import SIZE, EmergencyFile
from runner.ledger.sqlite import open_sqlite
from tests.ledger.conftest import (
    AT,
    Child,
    SqliteStore,
    claim,
    holder,
    key,
    later,
    opened_and_held,
    placed,
    settlement,
    unknown,
)

FULL_DISK = """
    import resource
    attempt = hold.claim(claim(ids=20000))
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
    try:
        hold.settle(attempt, placed())
    except Exception as error:
        print(type(error).__name__)
        print(hold.save_emergency(attempt, placed()))
"""


def saved(store: SqliteStore, *names: str) -> Path:
    """Claim orders and save their outcomes; the emergency file."""
    with store.open().hold(holder(), timeout=0) as hold:
        for name in names:
            path = hold.save_emergency(hold.claim(claim(name)), placed(f"id-{name}"))
    return Path(path)


def test_saved_outcomes_are_entered_by_the_next_hold(store: SqliteStore) -> None:
    """Whoever holds the account next finds every saved outcome in the ledger, whole."""
    path = saved(store, "one", "two")
    assert len(path.read_bytes().rstrip(b"\0").splitlines()) == 2
    with store.open().hold(holder(), timeout=0) as hold:
        assert hold.abandon_submitted(later(60)) == []
    found = store.record()
    assert (found.state, found.order_id, found.total) == (State.PLACED, "id-one", placed().total)
    assert found.base_order_numbers == placed().base_order_numbers
    assert store.record("two").order_id == "id-two"
    detail = json.loads(store.sql("SELECT detail FROM order_events ORDER BY seq")[-1][0])
    assert detail["evidence"] == dict(placed().evidence)
    assert path.read_bytes() == bytes(SIZE)


@pytest.mark.parametrize(
    "outcome",
    [placed(), unknown(), settlement(Event.REJECTED, State.REJECTED), settlement(Event.NOT_SENT, State.PLANNED)],
    ids=lambda told: told.event,
)
def test_entering_twice_is_entering_once(store: SqliteStore, outcome: object) -> None:
    """A crash between entering and emptying, or an outcome that was stored after all, makes no second event."""
    with store.open().hold(holder(), timeout=0) as hold:
        attempt = hold.claim(claim())
        path = Path(hold.save_emergency(attempt, outcome))
        content = path.read_bytes()
        hold.settle(attempt, outcome)
    for _ in range(2):
        path.write_bytes(content)
        with store.open().hold(holder(), timeout=0):
            pass
    assert store.record().state is outcome.after
    assert store.sql("SELECT count(*) FROM order_events") == [(2,)]


def test_file_is_ready_before_it_is_needed(store: SqliteStore) -> None:
    """While the account is held the file is there, private, with its blocks really taken."""
    with store.open().hold(holder(), timeout=0):
        found = store.emergency().stat()
    assert (found.st_mode & 0o777, found.st_size) == (0o600, SIZE)
    assert found.st_blocks * 512 >= SIZE


def test_file_with_holes_is_filled(tmp_path: Path) -> None:
    """A file that was restored without its empty blocks gets them back."""
    path = tmp_path / "file"
    path.touch()
    os.truncate(path, SIZE)
    EmergencyFile(path, "acme").close()
    assert path.stat().st_blocks * 512 >= SIZE


def test_full_disk_after_the_purchase(sqlite_store: SqliteStore, child: Child) -> None:
    """Where the ledger can no longer grow, the outcome goes to the file, and the next run enters it."""
    store = sqlite_store
    other = child(opened_and_held(store) + FULL_DISK, store.path)
    assert other.communicate()[0] == f"held\nLedgerUnusable\n{store.path}.acme.emergency\n"
    assert store.record().state is State.SUBMITTED
    with store.open().hold(holder(), timeout=0):
        assert store.record().order_id == placed().order_id


@pytest.mark.parametrize(
    "content",
    [b"half a li", b'{"account":"acme"}\n', b"[]\n", b"\xff\n", b'{"account":"acme","attempt":{"key":"b/x","n":1,'],
)
def test_unreadable_file_stops_everything(store: SqliteStore, content: bytes) -> None:
    """Before anything else is done, a file that cannot be read is named, and left as it is."""
    path = saved(store, "one")
    path.write_bytes(content)
    with pytest.raises(LedgerUnusable, match="emergency") as caught, store.open().hold(holder(), timeout=0):
        pass
    assert caught.value.hint
    assert path.read_bytes().rstrip(b"\0") == content
    assert store.record().state is State.SUBMITTED


def test_file_of_another_account_is_not_entered(store: SqliteStore) -> None:
    """A file that was renamed to another account's is refused: its orders are not that account's."""
    saved(store, "one").rename(store.emergency("other"))
    with pytest.raises(LedgerUnusable, match="account acme"), store.open("other").hold(holder(), timeout=0):
        pass


def test_outcome_the_ledger_has_no_attempt_for(store: SqliteStore) -> None:
    """An outcome that an older copy of the ledger cannot take stops the run, and stays in the file."""
    with store.open().hold(holder(), timeout=0) as hold:
        stranger = Attempt(key=key("lost"), n=1, run_id="run-1", claimed_at=later(0))
        path = Path(hold.save_emergency(stranger, placed()))
    with pytest.raises(LedgerUnusable, match=r"(?s)emergency.*batch/lost"), store.open().hold(holder(), timeout=0):
        pass
    assert b"batch/lost" in path.read_bytes()


def test_fact_goes_before_its_evidence(store: SqliteStore) -> None:
    """Where the room is used up evidence is left out, never the outcome."""
    huge = replace(placed(), evidence={"body_head": "x" * SIZE})
    with store.open().hold(holder(), timeout=0) as hold:
        path = Path(hold.save_emergency(hold.claim(claim()), huge))
    assert path.stat().st_size == SIZE
    with store.open().hold(holder(), timeout=0):
        assert store.record().order_id == placed().order_id


def test_an_outcome_is_kept_where_the_file_has_gone(tmp_path: Path) -> None:
    """Beside a new file of the same name, in a folder made again, or in the spare folder; each is entered and removed."""
    path, spare = tmp_path / "data" / "l.acme.emergency", tmp_path / "spare" / "x.emergency"
    path.parent.mkdir()
    attempt = Attempt(key=key(), n=1, run_id="run-1", claimed_at=AT)
    with closing(EmergencyFile(path, "acme", spare)) as file:
        shutil.move(path.parent, tmp_path / "moved")
        again = path.parent.parent / "data" / path.name
        assert file.save(attempt, placed("1")) == again
        assert file.save(attempt, placed("2")) == again.with_name(f"{again.name}-1")
        shutil.rmtree(path.parent)
        path.parent.write_text("no folder can be made here")
        assert file.save(attempt, placed("3")) == spare
    path.parent.unlink()
    with closing(EmergencyFile(tmp_path / "moved" / path.name, "acme")) as moved:
        assert [settlement.order_id for _, settlement in moved.entries()] == ["1", "2", "3"]
    path.parent.mkdir()
    with closing(EmergencyFile(path, "acme", spare)) as file:
        assert [settlement.order_id for _, settlement in file.entries()] == ["3"]
        file.clear()
        assert file.entries() == []
    assert not spare.exists()


def test_outcomes_beside_a_ledger_that_is_gone_show_that_it_was_in_use(path: Path) -> None:
    """No new ledger is begun beside an outcome that none has taken; one without an outcome shows nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Path(f"{path}.acme.emergency").write_bytes(bytes(64))
    open_sqlite(path, "acme").close()
    for file in path.parent.iterdir():
        file.unlink()
    Path(f"{path}.acme.emergency-1").write_text("{}\n")
    with pytest.raises(LedgerReplaced, match="emergency-1 shows that it was in use"):
        open_sqlite(path, "acme")
