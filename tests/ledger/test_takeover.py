"""A history that was made under another name: taken over whole, proved back to its end there, and never twice."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from runner.core.ledger import Ledger
from runner.core.records import Contradiction, Entry, Stranger
from runner.core.states import State
from runner.core.vendor import Witness
from runner.ledger.chain import event_hash
from runner.ledger.export import BrokenHistory, Chain, Export, Header, check_export, check_ledger, lines
from runner.ledger.sqlite import open_sqlite
from runner.ledger.takeover import origin_of, under
from tests.ledger.conftest import AT, SqliteStore, bring, holder

Parts = list[Entry | Witness | Stranger]


def made(path: Path) -> list[str]:
    """An export of a history of account `laptop`: an order bought, one in doubt, one refused, and a stranger."""
    ledger = open_sqlite(path / "laptop.sqlite3", "laptop")
    with ledger.hold(holder(), timeout=0) as hold:
        bring(hold, "one", State.PLACED)
        bring(hold, "two", State.UNKNOWN)
        bring(hold, "three", State.REJECTED)
        hold.disown([Stranger(order_id="9009", who="alice", source="USER", reason="bought by hand", at=AT)])
    text = exported(ledger)
    ledger.close()
    return text


def exported(ledger: Ledger) -> list[str]:
    header = Header(account=ledger.account, ledger="ledger.db", tool="test", at=AT, head=ledger.head())
    return list(lines(ledger, header))


def export(text: list[str]) -> Export:
    return Export(io.StringIO("".join(text)))


def under_name(account: str, text: list[str]) -> Iterator[Entry | Witness | Stranger]:
    source = export(text)
    return under(account, source.parts(), source.header.account, source.header.head)


def follow_all(entries: list[Entry]) -> None:
    chain = Chain("ci")
    for entry in entries:
        chain.take(entry, "here")
    chain.refuse_short("the end")


def test_a_history_is_taken_over_whole(store: SqliteStore, tmp_path: Path) -> None:
    """Every order, doubt, witness and stranger is there under the new name, the chain is whole, and once is enough."""
    text, ledger = made(tmp_path), store.open()
    with ledger.hold(holder(), timeout=0) as hold:
        restored = hold.restore(under_name(ledger.account, text))
        assert (restored.orders, restored.present) == (3, 0)
        again = hold.restore(under_name(ledger.account, text))
        assert (again.events, again.present) == (0, restored.events)
    assert check_ledger(ledger).orders == 3
    assert {str(r.key): r.state for r in ledger.every_record()} == {
        "batch/one": State.PLACED,
        "batch/two": State.UNKNOWN,
        "batch/three": State.REJECTED,
    }
    assert [claim.record.key.name for claim in ledger.open_claims()] == ["two"]
    assert [stranger.order_id for stranger in ledger.strangers()] == ["9009"]
    first = next(ledger.history())
    origin = origin_of(first)
    assert origin is not None
    assert (origin.account, origin.head) == ("laptop", export(text).header.head)
    assert ledger.former_accounts() == ("laptop",)


def test_the_chain_goes_on_and_its_export_still_proves_the_origin(store: SqliteStore, tmp_path: Path) -> None:
    """What is bought later follows what was taken over, and an export of both verifies, and moves on once more."""
    text, ledger = made(tmp_path), store.open()
    with ledger.hold(holder(), timeout=0) as hold:
        hold.restore(under_name(ledger.account, text))
        bring(hold, "four", State.PLACED)
    onward = exported(ledger)
    assert check_export(io.StringIO("".join(onward))).chain.orders == 4
    third = list(under_name("third", onward))
    again = origin_of(next(part for part in third if isinstance(part, Entry)))
    assert again is not None
    assert again.account == ledger.account
    assert again.before is not None
    assert again.before["account"] == "laptop"
    back = [part for part in third if isinstance(part, Entry)]
    other = open_sqlite(tmp_path / "third.sqlite3", "third")
    with other.hold(holder(), timeout=0) as hold:
        hold.restore(iter(third))
    assert check_ledger(other).head.events == len(back)
    assert other.former_accounts() == (ledger.account, "laptop")
    other.close()


@pytest.mark.parametrize("what", ["changed", "added", "cut", "other head"])
def test_what_was_taken_over_cannot_be_changed(tmp_path: Path, what: str) -> None:
    """Even with every hash made anew, the part that was taken over has to lead to the end it had there."""
    parts: Parts = list(under_name("ci", made(tmp_path)))
    entries = [part for part in parts if isinstance(part, Entry)]
    if what == "changed":
        entries[2] = replace(entries[2], reason="forged")
    elif what == "added":
        entries.insert(3, replace(entries[-1], key="batch/added"))
    elif what == "cut":
        del entries[-1]
    else:
        entries[0] = replace(entries[0], detail=entries[0].detail.replace('"events":', '"events":1'))
    chained, before = [], "0" * 64
    for entry in entries:
        moved = replace(entry, prev_hash=before)
        before = event_hash(moved.content)
        chained.append(replace(moved, hash=before))
    with pytest.raises(BrokenHistory, match="those of account laptop"):
        follow_all(chained)


def test_an_account_with_a_history_of_its_own_takes_none_over(store: SqliteStore, tmp_path: Path) -> None:
    """Two histories never become one: the first event differs, and nothing is imported."""
    text, ledger = made(tmp_path), store.open()
    with ledger.hold(holder(), timeout=0) as hold:
        bring(hold, "own", State.PLACED)
        before = ledger.head()
        with pytest.raises(Contradiction):
            hold.restore(under_name(ledger.account, text))
    assert ledger.head() == before
    assert [record.key.name for record in ledger.every_record()] == ["own"]


def test_a_damaged_export_leaves_nothing(store: SqliteStore, tmp_path: Path) -> None:
    """Verified to its end before anything stands: the last line missing undoes all of it."""
    text, ledger = made(tmp_path), store.open()
    with ledger.hold(holder(), timeout=0) as hold, pytest.raises(BrokenHistory):
        hold.restore(under_name(ledger.account, [line for line in text if '"key":"batch/three"' not in line]))
    assert ledger.head().events == 0
    assert list(ledger.every_record()) == []


def test_a_detail_that_only_looks_like_an_origin_is_none(tmp_path: Path) -> None:
    """Nothing is made of what was not written as an origin is written."""
    entry = next(part for part in export(made(tmp_path)).parts() if isinstance(part, Entry))
    assert origin_of(entry) is None
    odd = json.dumps({**json.loads(entry.detail), "origin": {"account": "x", "events": 1, "head": "y"}})
    assert origin_of(replace(entry, detail=odd)) is None
