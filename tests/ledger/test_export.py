"""The history of a ledger: exported, checked, and put back."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.core.errors import LedgerUnusable, Refused
from runner.core.ledger import Hold, Ledger
from runner.core.records import GENESIS, Contradiction, Entry, Head, Restored
from runner.core.states import Event, State
from runner.core.vendor import Witness
from runner.ledger.chain import event_hash
from runner.ledger.export import BrokenHistory, Export, Header, check_export, check_ledger, lines
from runner.ledger.sqlite import open_sqlite
from tests.ledger.conftest import AT, SqliteStore, bring, claim, holder, later, placed, settlement


def exported(ledger: Ledger) -> list[str]:
    header = Header(account=ledger.account, ledger="ledger.db", tool="test", at=AT, head=ledger.head())
    return list(lines(ledger, header))


def fill(hold: Hold) -> None:
    """Every kind of event, every state, two witnesses, a stray id and a fact that moves nothing."""
    for state in State:
        bring(hold, state.value, state)
    attempt = hold.claim(claim("absent", ids=3, at=later(60)))
    hold.settle(attempt, placed("order-placed"))
    hold.settle(attempt, settlement(Event.RESOLVED, State.ABSENT, at=later(70)))
    hold.settle(hold.claim(claim("last", ids=3)), placed("7001"))
    hold.abandon_submitted(later(80))


def restored(store: SqliteStore, export: list[str], account: str = "acme") -> Restored:
    ledger = store.open(account)
    with ledger.hold(holder(), timeout=0) as hold:
        return hold.restore(Export(io.StringIO("".join(export))).parts())


@pytest.fixture
def filled(store: SqliteStore, hold: Hold) -> Ledger:
    fill(hold)
    return store.open()


@pytest.fixture(name="other")
def second_store(store: SqliteStore, tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(tmp_path / "second" / "ledger.db")) as made:
        yield made


def orders(store: SqliteStore) -> list[object]:
    return store.sql("SELECT * FROM orders ORDER BY account, key")


def test_every_event_is_linked(store: SqliteStore, filled: Ledger) -> None:
    """Each event holds the hash of the one before it and its own, and the head is the last one's."""
    entries = list(filled.history())
    assert [one.prev_hash for one in entries] == [GENESIS, *(one.hash for one in entries[:-1])]
    assert [one.hash for one in entries] == [event_hash(one.content) for one in entries]
    assert filled.head() == Head(len(entries), entries[-1].hash)


def test_whole_ledger_is_found_whole(store: SqliteStore, filled: Ledger) -> None:
    """A ledger that only went through its doors is whole, in whatever states its orders are."""
    chain = check_ledger(filled)
    assert chain.head == filled.head()
    assert chain.orders == len(State) + 2


def test_empty_ledger_is_whole(store: SqliteStore) -> None:
    """A ledger without events is whole, and so is its export."""
    ledger = store.open()
    assert check_ledger(ledger).head == Head()
    assert check_export(io.StringIO("".join(exported(ledger)))).chain.head == Head()


def test_accounts_have_chains_of_their_own(store: SqliteStore, hold: Hold) -> None:
    """Events of several accounts stand among each other in one ledger, and each account has a whole chain."""
    with store.open("beta").hold(holder(), timeout=0) as second:
        for name in ("x", "y", "z"):
            bring(hold, name, State.PLACED)
            bring(second, name, State.REJECTED)
    bring(hold, "last", State.PLACED)
    assert check_ledger(store.open("beta")).head.events == 6
    assert check_ledger(store.open()).head.events == 8


def test_export_is_whole(store: SqliteStore, filled: Ledger) -> None:
    """An export has every event and each witness it names, once, and proves itself."""
    export = exported(filled)
    assert check_export(io.StringIO("".join(export))).chain.head == filled.head()
    kinds = [json.loads(line)["kind"] for line in export]
    assert (kinds[0], kinds.count("event")) == ("header", filled.head().events)
    named = {json.loads(one.detail)["witness"] for one in filled.history() if one.event == Event.CLAIMED}
    assert [json.loads(line)["digest"] for line in export if '"kind":"witness"' in line] == sorted(
        named, key=lambda digest: next(n for n, line in enumerate(export) if digest in line)
    )


def test_export_stops_at_the_head_it_names(store: SqliteStore, hold: Hold) -> None:
    """What others enter while an export is written is left to the next one."""
    fill(hold)
    ledger = store.open()
    export = lines(ledger, Header(account="acme", ledger="l", tool="t", at=AT, head=ledger.head()))
    begun = [next(export)]
    bring(hold, "meanwhile", State.PLACED)
    assert check_export(io.StringIO("".join([*begun, *export]))).chain.head == replace(
        ledger.head(), events=ledger.head().events - 2, hash=list(ledger.history())[-3].hash
    )


def test_export_into_an_empty_ledger(store: SqliteStore, filled: Ledger, other: SqliteStore) -> None:
    """An import restores orders, events and witnesses to the letter; the next purchase goes on from there."""
    export = exported(filled)
    assert restored(other, export) == Restored(events=filled.head().events, orders=len(State) + 2, present=0, beyond=0)
    assert orders(other) == orders(store)
    for table in ("order_events", "witnesses"):
        assert other.sql(f"SELECT * FROM {table}") == store.sql(f"SELECT * FROM {table}")
    assert exported(other.open()) == export
    with other.open().hold(holder(), timeout=0) as hold:
        bring(hold, "next", State.PLACED)
        with pytest.raises(Refused, match="already bought"):
            hold.claim(claim("last"))
    assert check_ledger(other.open()).orders == len(State) + 3


def test_import_beside_another_account(store: SqliteStore, filled: Ledger, other: SqliteStore) -> None:
    """The events of an account have the same hashes in a ledger that has another account's events already."""
    with other.open("beta").hold(holder(), timeout=0) as hold:
        bring(hold, "one", State.PLACED)
    restored(other, exported(filled))
    assert other.open().head() == filled.head()
    assert check_ledger(other.open("beta")).head.events == 2


def test_import_again_changes_nothing(store: SqliteStore, hold: Hold, filled: Ledger) -> None:
    """What is there already is left alone, so an import may be run again."""
    before, told = (orders(store), filled.head()), exported(filled)
    assert hold.restore(Export(io.StringIO("".join(told))).parts()) == Restored(
        events=0, orders=0, present=filled.head().events, beyond=0
    )
    assert (orders(store), filled.head()) == before


def test_import_into_an_older_ledger(store: SqliteStore, hold: Hold, other: SqliteStore) -> None:
    """A ledger whose events are the first of an export gets the rest."""
    bring(hold, "one", State.UNKNOWN)
    ledger = store.open()
    restored(other, exported(ledger))
    hold.settle(hold.claim(claim("two")), placed())
    done = restored(other, exported(ledger))
    assert (done.events, done.orders, done.present) == (2, 1, 2)
    assert orders(other) == orders(store)


def test_older_export_takes_nothing_away(store: SqliteStore, hold: Hold) -> None:
    """An export that the ledger has gone beyond adds nothing, and the import says by how much."""
    bring(hold, "one", State.PLACED)
    export = exported(store.open())
    bring(hold, "two", State.PLACED)
    hold.restore([])
    assert hold.restore(Export(io.StringIO("".join(export))).parts()) == Restored(
        events=0, orders=0, present=2, beyond=2
    )
    assert check_ledger(store.open()).orders == 2


def test_import_refuses_what_contradicts(store: SqliteStore, hold: Hold, other: SqliteStore) -> None:
    """Two histories that part are not merged: the first event that differs is named, and nothing is entered."""
    bring(hold, "one", State.PLACED)
    with other.open().hold(holder(), timeout=0) as second:
        second.settle(second.claim(claim()), placed("7777"))
        before = orders(other)
        with pytest.raises(Contradiction, match=r"differs from event 2 of the ledger \(placed of batch/one .*at is"):
            second.restore(Export(io.StringIO("".join(exported(store.open())))).parts())
    assert orders(other) == before
    assert check_ledger(other.open()).head.events == 2


def test_import_of_a_broken_export_enters_nothing(store: SqliteStore, filled: Ledger, other: SqliteStore) -> None:
    """An export that turns out broken at its last line has not been entered up to there."""
    with pytest.raises(BrokenHistory):
        restored(other, exported(filled)[:-1])
    assert (orders(other), other.open().head()) == ([], Head())


def forged(export: list[str], **changed: object) -> list[Entry | Witness]:
    """The events of an export with the last one changed, and linked again."""
    *rest, last = Export(io.StringIO("".join(export))).parts()
    assert isinstance(last, Entry)
    last = replace(last, **changed)
    return [*rest, replace(last, hash=event_hash(last.content))]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"before": "rejected"}, "moves batch/one from rejected, but the order was submitted"),
        ({"attempt": 2}, "attempt 2"),
        ({"event": "not_sent"}, "no order goes from submitted to placed by not_sent"),
        ({"key": "batch/two"}, "from submitted, but the order was planned"),
        ({"detail": "{}"}, "detail cannot be read"),
    ],
)
def test_import_refuses_nonsense(
    store: SqliteStore, hold: Hold, other: SqliteStore, changed: dict[str, object], why: str
) -> None:
    """Events whose hashes are right, but which no ledger could have entered, are refused whole."""
    bring(hold, "one", State.PLACED)
    told = exported(store.open())
    with other.open().hold(holder(), timeout=0) as second, pytest.raises(Contradiction, match=why):
        second.restore(forged(told, **changed))
    assert orders(other) == []


def test_import_needs_the_account(store: SqliteStore, filled: Ledger, other: SqliteStore) -> None:
    """A hold that was overtaken or has ended imports nothing."""
    export = exported(filled)
    with other.open().hold(holder(), timeout=0) as second:
        other.sql("UPDATE holds SET fence = fence + 1")
        with pytest.raises(Refused, match="another run has since taken over the account"):
            second.restore(Export(io.StringIO("".join(export))).parts())
    with pytest.raises((Refused, LedgerUnusable)):
        second.restore([])
    assert orders(other) == []


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The lines of one export."""
    path = tmp_path_factory.mktemp("export") / "ledger.db"
    with closing(open_sqlite(path, "acme")) as ledger:
        with ledger.hold(holder(), timeout=0) as hold:
            fill(hold)
        return exported(ledger)


def first_broken(export: list[str]) -> int:
    """The number of the line that is named, from 0."""
    with pytest.raises(BrokenHistory) as caught:
        check_export(io.StringIO("".join(export)))
    return int(caught.value.place.removeprefix("line ")) - 1


def is_near(export: list[str], found: int, n: int) -> bool:
    """Whether `found` is line `n`, or its neighbour where a witness and its claim were parted."""
    pair = export[min(found, n) : max(found, n) + 1]
    return found == n or (len(pair) <= 2 and any('"kind":"witness"' in line for line in pair))


PROPERTY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(data=st.data())
@PROPERTY
def test_an_edited_line_is_caught(text: list[str], data: st.DataObject) -> None:
    """Any one character that is replaced, added or removed is caught at its line."""
    n = data.draw(st.integers(0, len(text) - 1))
    at = data.draw(st.integers(0, len(text[n]) - 1))
    new = data.draw(st.sampled_from(["", "0", "7", " ", '"', "a", "\n", "é", "{", text[n][at] * 2]))
    edited = text[n][:at] + new + text[n][at + 1 :]
    if edited == text[n]:
        return
    behind = edited == text[n] + "\n"  # the line is whole, and an empty one follows it
    assert first_broken([*text[:n], edited, *text[n + 1 :]]) == n + behind


@given(data=st.data())
@PROPERTY
def test_an_edited_value_is_caught(text: list[str], data: st.DataObject) -> None:
    """A value that is changed for another one, in the very form of an export, is caught at its line."""
    n = data.draw(st.integers(0, len(text) - 1))
    content = json.loads(text[n])
    name = data.draw(st.sampled_from(sorted(content)))
    content[name] = data.draw(st.sampled_from(["acme", "x", "", None, 1, 2, True, [], ["1000000"], {"a": "b"}]))
    edited = json.dumps(content, sort_keys=True, separators=(",", ":")) + "\n"
    if edited == text[n]:
        return
    assert first_broken([*text[:n], edited, *text[n + 1 :]]) == n


@given(data=st.data())
@PROPERTY
def test_a_deleted_line_is_caught(text: list[str], data: st.DataObject) -> None:
    """Lines that are missing, at the end too, are caught where the first of them was."""
    n = data.draw(st.integers(0, len(text) - 1))
    count = data.draw(st.integers(1, len(text) - n))
    left = text[:n] + text[n + count :]
    assert is_near(left, first_broken(left), n)


@given(data=st.data())
@PROPERTY
def test_an_inserted_line_is_caught(text: list[str], data: st.DataObject) -> None:
    """A line of the export that stands there once more, anywhere, is caught where it stands or right after itself."""
    n, at = data.draw(st.integers(0, len(text) - 1)), data.draw(st.integers(0, len(text)))
    more = [*text[:at], text[n], *text[at:]]
    assert is_near(more, first_broken(more), at + 1 if at == n else at)


@given(data=st.data())
@PROPERTY
def test_moved_lines_are_caught(text: list[str], data: st.DataObject) -> None:
    """Lines in another order are caught at the first that is out of its place."""
    moved = data.draw(st.permutations(text))
    if moved == text:
        return
    assert is_near(moved, first_broken(moved), next(n for n, line in enumerate(moved) if line != text[n]))


@pytest.mark.parametrize("junk", ["", "\n", "{}\n", "null\n", "[" * 1_003 + "\n", '{"kind":"header"}\n', "\x00\n"])
def test_any_other_file_is_no_export(junk: str) -> None:
    """A file that is no export is caught at its first line."""
    assert first_broken([junk]) == 0


def free(store: SqliteStore) -> None:
    """Past the triggers, as somebody who can write to the file."""
    if type(store) is not SqliteStore:
        for table in ("orders", "order_events", "witnesses"):
            store.sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        store.sql("ALTER TABLE order_events DROP CONSTRAINT order_events_order")
        return
    for (name,) in store.sql("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
        store.sql(f"DROP TRIGGER {name}")


FORGERY = """
    INSERT INTO orders
    SELECT account, 'batch/forged', type, fields, fingerprint, state, attempt, updated_at, claimed_at, run_id,
           quote_total, '123', base_order_numbers, total, balance, reason, stray_order_id
    FROM orders WHERE key = 'batch/placed'
"""


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("UPDATE order_events SET detail = replace(detail, '12.30', '1.30') WHERE seq = 3", "event 3 "),
        ("UPDATE order_events SET after = NULL WHERE seq = 2", "event 2 "),
        ("UPDATE order_events SET reason = 'nothing' WHERE seq = 4", "event 4 "),
        ("UPDATE order_events SET hash = 'x' WHERE seq = 5", "event 5 "),
        ("UPDATE order_events SET prev_hash = hash WHERE seq = 5", "event 5 "),
        ("UPDATE order_events SET seq = 100 WHERE seq = 2", "event 3 "),
        ("UPDATE order_events SET account = 'beta' WHERE seq = 2", "event 3 "),
        ("DELETE FROM order_events WHERE seq = 1", "event 2 "),
        ("DELETE FROM order_events WHERE seq = 4", "event 5 "),
        ("DELETE FROM order_events WHERE seq = (SELECT max(seq) FROM order_events)", "the end"),
        ("DELETE FROM order_events", "the end"),
        ("DELETE FROM chains", "the end"),
        ("UPDATE chains SET hash = 'x'", "the end"),
        ("UPDATE chains SET events = events + 1", "the end"),
        ("UPDATE chains SET events = events - 1", "the end"),
        ("DELETE FROM witnesses", "event 1 "),
        ("UPDATE witnesses SET order_ids = '[]'", "event 1 "),
        ("UPDATE witnesses SET at = 'never'", "event 1 "),
        ("UPDATE orders SET total = '1.00' WHERE key = 'batch/placed'", "the orders"),
        ("UPDATE orders SET fingerprint = 'x' WHERE key = 'batch/unknown'", "the orders"),
        ("UPDATE orders SET state = 'absent' WHERE key = 'batch/unknown'", "the orders"),
        ("UPDATE orders SET stray_order_id = '9'", "the orders"),
        ("DELETE FROM orders WHERE key = 'batch/placed'", "the orders"),
        (FORGERY, "the orders"),
    ],
)
def test_a_change_past_the_ledger_is_caught(store: SqliteStore, filled: Ledger, statement: str, place: str) -> None:
    """Whoever changes events, witnesses, orders or the head in the database itself is caught, and the place is named."""
    free(store)
    store.sql(statement)
    with pytest.raises(BrokenHistory) as caught:
        check_ledger(filled)
    assert caught.value.place.startswith(place)
    assert str(caught.value)


def test_an_event_past_the_ledger_is_caught(store: SqliteStore, hold: Hold) -> None:
    """An event that is entered in the database itself is caught, though it is legal and linked to the last one."""
    bring(hold, "one", State.SUBMITTED)
    ledger = store.open()
    (last,) = ledger.history()
    values = {**last.content, "before": "submitted", "event": "not_sent", "after": "planned", "prev_hash": last.hash}
    values["hash"] = event_hash(values)
    store.sql(
        f"INSERT INTO order_events ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})", *values.values()
    )
    with pytest.raises(BrokenHistory, match="2 events, but its head counts 1"):
        check_ledger(ledger)


def test_broken_ledger_is_not_exported_as_whole(store: SqliteStore, filled: Ledger) -> None:
    """An export ends where the ledger is broken, with the place."""
    free(store)
    store.sql("UPDATE order_events SET reason = 'nothing' WHERE seq = 4")
    with pytest.raises(BrokenHistory, match="its content has hash"):
        exported(filled)


def test_verify_while_others_write(store: SqliteStore, hold: Hold, monkeypatch: pytest.MonkeyPatch) -> None:
    """Purchases that are recorded while a ledger is checked are no damage."""
    fill(hold)
    ledger = store.open()
    looks = iter(range(100))

    def and_then(look: Callable[[], Head]) -> Callable[[], Head]:
        def looked() -> Head:
            bring(hold, f"during-{next(looks)}", State.PLACED)
            found = look()
            bring(hold, f"during-{next(looks)}", State.PLACED)
            return found

        return looked

    monkeypatch.setattr(ledger, "head", and_then(ledger.head))
    assert check_ledger(ledger).orders >= len(State) + 2
    assert next(looks) == 4


def test_memory_does_not_grow_with_the_history(child: Callable[..., object], tmp_path: Path) -> None:
    """Importing, exporting and checking ten times the events takes no more memory."""
    peaks = []
    for orders_ in (400, 4000):
        running = child(STREAM, tmp_path / f"{orders_}.db", orders_)
        peaks.append(int(running.communicate()[0]))  # type: ignore[attr-defined]
    assert peaks[1] < peaks[0] + 4_000_000


STREAM = """
import io, os, tracemalloc
from runner.ledger.export import *
path, count = sys.argv[1], int(sys.argv[2])
sys.path.insert(0, str(Path(runner.__file__).parents[1] / 'benchmarks'))
import purchases as bench
bench.fill(Path(path), 10)
with open_sqlite(Path(path + '.2'), 'bench').hold(holder(), timeout=0) as hold: hold.restore(bench.history(10))
tracemalloc.start()
bench.fill(Path(path), count)
ledger = open_sqlite(Path(path), 'bench', read_only=True)
header = Header(account='bench', ledger='l', tool='t', at=AT, head=ledger.head())
assert header.head.events == 2 * count
with open(path + '.jsonl', 'w') as stream: stream.writelines(lines(ledger, header))
with open(path + '.jsonl') as stream: assert check_export(stream).chain.orders == count
assert check_ledger(ledger).orders == count
print(tracemalloc.get_traced_memory()[1])
"""


def test_witnesses_are_restored(store: SqliteStore, filled: Ledger, other: SqliteStore) -> None:
    """Witnesses that claims name can be had again after an import, with the very digest."""
    restored(other, exported(filled))
    ledger = other.open()
    for entry in ledger.history():
        if entry.event == Event.CLAIMED:
            digest = json.loads(entry.detail)["witness"]
            kept = ledger.kept_witness(digest)
            assert kept is not None
            assert kept.digest == digest
    assert ledger.kept_witness("x") is None
