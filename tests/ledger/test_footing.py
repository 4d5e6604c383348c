"""What a hold stands on: files at their places, and a chain that only grows, as its lock remembers it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from runner.core.errors import LedgerReplaced
from runner.core.records import Head
from runner.core.states import State
from runner.ledger.lockfile import SIGNATURE, SLOT, AccountLock, read_memory
from runner.ledger.sqlite import open_sqlite
from tests.ledger.conftest import bring, claim, holder, key, placed


def lock_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.acme.lock")


def gone(place: Path) -> None:
    place.unlink()


def renamed(place: Path) -> None:
    place.rename(place.with_name("elsewhere"))


def replaced(place: Path) -> None:
    shutil.copy(place, place.with_name("copy"))
    place.with_name("copy").rename(place)


@pytest.mark.parametrize("ending", ["", "-wal", "-shm", ".acme.lock"])
@pytest.mark.parametrize("happens", [gone, renamed, replaced])
def test_nothing_is_claimed_in_a_ledger_that_moved(path: Path, ending: str, happens: Callable[[Path], None]) -> None:
    """Where one of its files is gone, renamed or replaced, an order is not claimed, not even in what is still open."""
    with closing(open_sqlite(path, "acme")) as ledger, ledger.hold(holder(), timeout=0) as hold:
        hold.claim(claim("one"))
        assert hold.objection() is None
        happens(Path(f"{path}{ending}"))
        objection = hold.objection()
        assert objection is not None
        assert f"{path}{ending}" in objection
        with pytest.raises(LedgerReplaced):
            hold.claim(claim("two"))
        assert ledger.records([key("two")]) == {}


@pytest.mark.parametrize("ending", ["", "-wal", ".acme.lock"])
def test_a_result_in_a_ledger_that_moved_is_not_acknowledged(path: Path, ending: str) -> None:
    """A settlement is written all the same, for the case that the file comes back, and refused, so that it is kept."""
    with closing(open_sqlite(path, "acme")) as ledger, ledger.hold(holder(), timeout=0) as hold:
        attempt = hold.claim(claim("one"))
        renamed(Path(f"{path}{ending}"))
        with pytest.raises(LedgerReplaced):
            hold.settle(attempt, placed())
        assert ledger.records([key("one")])[key("one")].state is State.PLACED


def test_a_ledger_replaced_while_others_were_waited_for(path: Path) -> None:
    """What was read before the account was free is not bought from where the file is another one by then."""
    ledger = open_sqlite(path, "acme")
    replaced(path)
    with closing(ledger), pytest.raises(LedgerReplaced), ledger.hold(holder(), timeout=0):
        pass


def test_the_lock_remembers_every_event(store: Any) -> None:
    """After a claim and after its settlement, the lock knows the number of events and the hash of the last."""
    ledger = store.open()
    with ledger.hold(holder(), timeout=0) as hold:
        attempt = hold.claim(claim("one"))
        assert read_memory(store.lock()) == ledger.head()
        hold.settle(attempt, placed())
        assert read_memory(store.lock()) == ledger.head() != Head()


@pytest.mark.parametrize("read_only", [False, True])
def test_a_ledger_behind_its_lock_is_refused(store: Any, read_only: bool) -> None:
    """Readers and writers refuse a store that lacks the event which the lock remembers, and name the way out."""
    with store.open().hold(holder(), timeout=0) as hold:
        bring(hold, "one", State.PLACED)
    store.close()
    lock = AccountLock(store.lock())
    lock.remember(Head(3, "f" * 64))
    lock.close()
    with pytest.raises(LedgerReplaced, match="is not the newest") as caught:
        store.open(read_only=read_only)
    assert "ledger import" in str(caught.value.hint)
    assert f"delete {store.lock().name}" in str(caught.value.hint)


def test_another_history_of_the_same_length_is_refused(store: Any) -> None:
    """Not the number of events decides, but that the very event is there."""
    with store.open().hold(holder(), timeout=0) as hold:
        bring(hold, "one", State.PLACED)
        end = read_memory(store.lock())
    assert end is not None
    store.close()
    lock = AccountLock(store.lock())
    lock.remember(Head(end.events, "0" * 64))
    lock.close()
    (slot,) = [n for n in (0, 1) if b"0" * 64 in store.lock().read_bytes()[SIGNATURE + n * SLOT :][:SLOT]]
    blank(store.lock(), 1 - slot)
    with pytest.raises(LedgerReplaced):
        store.open()


def test_a_lock_that_is_behind_is_no_fault(store: Any) -> None:
    """A process that died between commit and memory, or an older program, leaves a lock that knows less: it catches up."""
    ledger = store.open()
    with ledger.hold(holder(), timeout=0) as hold:
        bring(hold, "one", State.PLACED)
        first = store.lock().read_bytes()
        bring(hold, "two", State.PLACED)
    end = ledger.head()
    store.lock().write_bytes(first)
    with store.open().hold(holder(), timeout=0):
        assert read_memory(store.lock()) == end


def blank(lock: Path, slot: int) -> None:
    """A slot that a power cut has spoilt."""
    descriptor = os.open(lock, os.O_WRONLY)
    os.pwrite(descriptor, b"\0" * SLOT, SIGNATURE + slot * SLOT)
    os.close(descriptor)


@pytest.mark.parametrize("cut", [0, 1, 20, 60, SLOT - 2])
def test_a_memory_that_was_cut_off_costs_the_newest_only(tmp_path: Path, cut: int) -> None:
    """Whatever part of a write reached the disk, the memory before it stands, or the new one does; never a mixture."""
    path = tmp_path / "lock"
    lock = AccountLock(path)
    lock.sign("{}")
    for n in (1, 2):
        lock.remember(Head(n, f"{n}" * 64))
    before = path.read_bytes()
    lock.remember(Head(3, "3" * 64))
    after = path.read_bytes()
    lock.close()
    start = SIGNATURE + (0 if before[SIGNATURE:][:SLOT] != after[SIGNATURE:][:SLOT] else SLOT)
    path.write_bytes(before[:start] + after[start : start + cut] + before[start + cut :])
    memory = read_memory(path)
    assert memory in (Head(2, "2" * 64), Head(3, "3" * 64))
    path.write_bytes(after)
    assert read_memory(path) == Head(3, "3" * 64)


def test_a_lock_file_of_an_earlier_version_is_read(path: Path) -> None:
    """One that has only a signature remembers nothing, refuses nothing, and begins to remember."""
    with closing(open_sqlite(path, "acme")) as ledger, ledger.hold(holder(), timeout=0) as hold:
        bring(hold, "one", State.PLACED)
    lock_of(path).write_text('{"ci_job":null,"host":"old","pid":7,"run_id":"r","since":"2026-11-23T12:00:00Z"}\n')
    assert read_memory(lock_of(path)) is None
    with closing(open_sqlite(path, "acme")) as ledger, ledger.hold(holder(), timeout=0):
        assert read_memory(lock_of(path)) == ledger.head()


def test_a_ledger_overwritten_in_place_is_not_claimed_in(store: Any) -> None:
    """Where the chain is shorter than it was a moment ago, in the same file, the claim is rolled back."""
    with store.open().hold(holder(), timeout=0) as hold:
        bring(hold, "one", State.PLACED)
        store.sql("UPDATE chains SET events = 0")
        with pytest.raises(LedgerReplaced):
            hold.claim(claim("two"))
    assert store.sql("SELECT count(*) FROM orders") == [(1,)]
