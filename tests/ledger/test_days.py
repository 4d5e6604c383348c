"""Counts and costs by day, kept with every move, against the orders they follow from; and what reads a long history."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from contextlib import closing, suppress
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.core.errors import LedgerUnusable, Refused
from runner.core.ledger import Hold
from runner.core.orders import Quote
from runner.core.records import Adoption, Attempt, Head, Rename, Want
from runner.core.states import Event, State
from runner.ledger import statements
from runner.ledger.connection import Statement
from runner.ledger.export import BrokenHistory, Chain, check_ledger, check_since, parts
from tests.ledger.conftest import AT, SqliteStore, bring, claim, holder, key, later, placed, settlement

NAMES = ("a", "b", "c")
ENDINGS = (
    (Event.PLACED, State.PLACED),
    (Event.REJECTED, State.REJECTED),
    (Event.NOT_SENT, State.PLANNED),
    (Event.UNKNOWN, State.UNKNOWN),
    (Event.RECONCILED, State.PLACED),
    (Event.RECONCILED, State.ABSENT),
    (Event.RESOLVED, State.PLACED),
    (Event.RESOLVED, State.ABSENT),
)

names = st.sampled_from(NAMES)
moves = st.one_of(
    st.tuples(
        st.just("claim"), names, st.sampled_from(["0.10", "7", "12.30", "99999999999.123456789"]), st.integers(0, 2)
    ),
    st.tuples(
        st.just("settle"), names, st.sampled_from(ENDINGS), st.integers(1, 2), st.sampled_from([None, "0.07", "12"])
    ),
    st.tuples(st.just("adopt"), names, st.integers(0, 2)),
    st.tuples(st.just("rename"), names, st.sampled_from(("d", "e", *NAMES))),
    st.tuples(st.just("abandon")),
)


def move(hold: Hold, n: int, kind: str, *told: Any) -> None:
    """One move of an order; those that the ledger refuses change nothing."""
    at = AT + timedelta(minutes=n)
    if kind == "claim":
        name, price, days = told
        wanted = claim(name, at=at + timedelta(days=days))
        hold.claim(replace(wanted, quote=Quote(total=Decimal(price), at=AT)))
    elif kind == "settle":
        name, (event, after), attempt, total = told
        late = Attempt(key=key(name), n=attempt, run_id="run-1", claimed_at=AT)
        answer = settlement(event, after, f"id-{n % 4}", at)
        charge = None if total is None or after is not State.PLACED else Decimal(total)
        hold.settle(late, replace(answer, total=charge))
    elif kind == "adopt":
        name, days = told
        want = Want(key=key(name), type="ipv4", fields={}, fingerprint="f", at=AT, quote_total=Decimal("3.21"))
        moment = at + timedelta(days=days)
        hold.adopt(Adoption(want=want, order_id=f"own-{n}", run_id="run-2", at=moment, reason="seen"))
    elif kind == "rename":
        before, after = map(key, told)
        hold.rename([Rename(before=before, after=after, run_id="run-2", at=at)])
    else:
        hold.abandon_submitted(at)


def computed(store: SqliteStore) -> tuple[Counter[str], dict[str, Decimal]]:
    """Orders by state, and what was or may have been spent by day, added up from the orders themselves."""
    counts: Counter[str] = Counter()
    spent: defaultdict[str, Decimal] = defaultdict(Decimal)
    for state, at, total, quote, stray in store.sql(
        "SELECT state, claimed_at, total, quote_total, stray_order_id FROM orders WHERE account = 'acme'"
    ):
        counts[state] += 1
        if state in ("placed", "submitted", "unknown") or stray:
            spent[at[:10]] += Decimal(total or quote or 0)
    return counts, {day: amount for day, amount in spent.items() if amount}


def refuse_other_sums(store: SqliteStore) -> None:
    with closing(store.open(read_only=True)) as ledger:
        spent = {day.isoformat(): amount for day, amount in ledger.spent_since(AT - timedelta(days=9)).items()}
        assert (ledger.counts(), spent) == computed(store)
        assert ledger.misfit_of_days() is None
        added: defaultdict[str, Decimal] = defaultdict(Decimal)
        for spending in ledger.spendings(date.min, date.max, origins=True):
            added[spending.day.isoformat()] += spending.amount
        assert {day: amount for day, amount in added.items() if amount} == spent


def play(store: SqliteStore, told: list[tuple[Any, ...]]) -> None:
    """All of these moves in one ledger, which is looked at after each."""
    with closing(store.open()) as ledger, ledger.hold(holder(), timeout=0) as hold:
        for n, one in enumerate(told):
            with suppress(Refused, LedgerUnusable):
                move(hold, n, *one)
            refuse_other_sums(store)
        check_ledger(ledger)


@settings(max_examples=25, deadline=None)
@given(st.lists(moves, max_size=10))
def test_sums_follow_every_move(told: list[tuple[Any, ...]]) -> None:
    """After any moves, late facts, adoptions and renamings among them, the kept sums are those of the orders.

    So are those of a ledger that the history is imported into.
    """
    with TemporaryDirectory() as folder:
        store, copy = SqliteStore(Path(folder) / "one.db"), SqliteStore(Path(folder) / "two.db")
        with closing(store), closing(copy):
            play(store, told)
            source = store.open(read_only=True)
            with copy.open().hold(holder(), timeout=0) as hold:
                hold.restore(parts(source, Chain("acme")))
            refuse_other_sums(copy)
            assert copy.open().counts() == source.counts()


WAY: list[tuple[Any, ...]] = [
    ("claim", "a", "12.30", 0),
    ("settle", "a", (Event.UNKNOWN, State.UNKNOWN), 1, None),
    ("settle", "a", (Event.RECONCILED, State.ABSENT), 1, None),
    ("claim", "a", "7", 2),
    ("settle", "a", (Event.PLACED, State.PLACED), 1, "0.07"),
    ("settle", "a", (Event.REJECTED, State.REJECTED), 2, None),
    ("adopt", "b", 1),
    ("rename", "b", "d"),
    ("claim", "c", "0.10", 0),
    ("abandon",),
    ("settle", "c", (Event.RESOLVED, State.PLACED), 1, "12"),
    ("settle", "a", (Event.PLACED, State.PLACED), 1, "12"),
]


def test_sums_follow_moves_on_every_engine(store: SqliteStore) -> None:
    """A way through every kind of move, looked at after each."""
    play(store, WAY)


def test_an_older_ledger_is_counted(store: SqliteStore) -> None:
    """The upgrade fills in what the orders come to, and leaves a ledger that is whole."""
    play(store, WAY)
    before = store.sql("SELECT account, day, orders, spent FROM days ORDER BY day")
    for table in ("days", "deliveries"):
        store.sql(f"DROP TABLE {table}")
    for index in ("orders_newest", "orders_stray", "order_events_history"):
        store.sql(f"DROP INDEX {index}")
    columns = "account, claimed_at, state, total, quote_total, stray_order_id"
    store.sql(f"CREATE INDEX orders_spent ON orders ({columns})")
    store.sql("UPDATE alembic_version SET version_num = '0006'")
    check_ledger(store.open())
    refuse_other_sums(store)
    after = store.sql("SELECT account, day, orders, spent FROM days ORDER BY day")
    assert [(day, json.loads(orders), Decimal(spent)) for _, day, orders, spent in after] == [
        (day, json.loads(orders), Decimal(spent)) for _, day, orders, spent in before
    ]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE days SET spent = '1'",
        "UPDATE days SET orders = '{}'",
        "INSERT INTO days VALUES ('acme', '2020-01-01', '{}', '5')",
        "DELETE FROM days",
    ],
)
def test_an_edited_sum_is_found(store: SqliteStore, hold: Hold, change: str) -> None:
    """`verify` says which day is not what its orders come to, whether it checks all or only what follows."""
    bring(hold, "one", State.PLACED)
    mark = store.open().head()
    store.sql(change)
    for check in (check_ledger, lambda ledger: check_since(ledger, mark)):
        with pytest.raises(BrokenHistory, match="is kept as") as caught:
            check(store.open())
        assert caught.value.place == "the sums by day"


def test_a_check_goes_on_where_one_ended(store: SqliteStore, hold: Hold) -> None:
    """Behind a mark events are followed, orders that moved are compared, and the head is that of a full check."""
    bring(hold, "one", State.PLACED)
    mark = check_ledger(store.open()).head
    assert check_since(store.open(), mark).head == mark
    bring(hold, "two", State.UNKNOWN)
    full = check_ledger(store.open())
    chain = check_since(store.open(), mark)
    assert (chain.head, chain.orders) == (full.head, 2)
    store.sql("UPDATE orders SET run_id = 'x' WHERE key = 'batch/two'")
    with pytest.raises(BrokenHistory, match="batch/two has run_id"):
        check_since(store.open(), mark)


def test_a_mark_of_another_history_is_told(store: SqliteStore, hold: Hold) -> None:
    """A hash that does not match, or a number beyond the end, is named, with a way out."""
    bring(hold, "one", State.PLACED)
    for mark, words in ((Head(1, "f" * 64), "its hash is"), (Head(9, "f" * 64), "ends before it, with 2 events")):
        with pytest.raises(BrokenHistory, match=words) as caught:
            check_since(store.open(), mark)
        assert caught.value.place == f"event number {mark.events}"
        assert "without --since" in str(caught.value)


def test_the_newest_and_the_stray(store: SqliteStore, hold: Hold) -> None:
    """Settled orders, the last moved first; and those with an id of the vendor's that is not theirs."""
    for n, name in enumerate(("c", "a", "b")):
        hold.settle(hold.claim(claim(name, at=later(n))), placed(f"order-{name}", later(n)))
    bring(hold, "open", State.UNKNOWN, later(9))
    late = bring(hold, "absent", State.ABSENT, later(-9))
    hold.settle(late, placed("order-a", later(0)))
    ledger = store.open()
    assert [record.key.name for record in ledger.newest_records(2)] == ["b", "a"]
    assert [record.key.name for record in ledger.stray_records()] == ["absent"]
    assert ledger.counts() == {State.PLACED: 3, State.UNKNOWN: 1, State.ABSENT: 1}


PLANS: dict[str, Statement] = {
    "a page of the history": statements.HISTORY,
    "the events of some orders": statements.EVENTS_OF,
    "claims": statements.CLAIMED,
    "renamings": statements.RENAMED,
    "purchases taken over": statements.TAKEN_OVER,
    "renewals": statements.TERMS,
    "origins": statements.BEGINNINGS,
    "what orders cost": statements.SPENDINGS,
    "events without an order": statements.ORPHAN,
    "an event by its number": statements.EVENT_BEFORE_THE_END,
    "a page of the orders": statements.PAGE,
    "the newest orders": statements.NEWEST,
    "stray orders": statements.STRAY_ROWS,
    "days": statements.DAYS,
}
"""What reads a part of an account; each has to be found by an index, in order."""

INDEXES = {
    "the events of some orders": "order_events_order",
    "claims": "order_events_order",
    "renamings": "order_events_order",
    "purchases taken over": "order_events_order",
    "origins": "order_events_order",
    "the newest orders": "orders_newest",
    "stray orders": "orders_stray",
    "a page of the history": "order_events_history",
}


def values_for(statement: Statement) -> dict[str, object]:
    """What a run would ask for."""
    keys = json.dumps(["batch/o1", "batch/o2"])
    after = "" if statement in (statements.PAGE, statements.SPENDINGS) else 0
    days = {"b_day": "", "b_since": "2026-01-01", "b_end": "2027-01-01"}
    return {"b_account": "acme", "b_keys": keys, "b_after": after, "b_size": 10, "b_beyond": 1} | days


@pytest.mark.parametrize("name", PLANS)
def test_nothing_is_sorted_or_read_whole(sqlite_store: SqliteStore, name: str) -> None:
    """SQLite reads what is asked for in the order of an index: no table is scanned, nothing is sorted."""
    sqlite_store.open()
    with closing(sqlite3.connect(sqlite_store.path)) as raw:
        asked = f"EXPLAIN QUERY PLAN {PLANS[name].sqlite}"
        plan = str([line for *_, line in raw.execute(asked, values_for(PLANS[name])) if "VIRTUAL TABLE" not in line])
    assert "USE TEMP B-TREE" not in plan
    assert "SCAN" not in plan
    assert INDEXES.get(name, "") in plan


def test_each_order_is_asked_for_a_piece_of_the_index(sqlite_store: SqliteStore) -> None:
    """SQLite begins with the names that are asked about, and for each reads the renewals of one order alone."""
    sqlite_store.open()
    with closing(sqlite3.connect(sqlite_store.path)) as raw:
        asked = f"EXPLAIN QUERY PLAN {statements.TERMS.sqlite}"
        plan = [line for *_, line in raw.execute(asked, values_for(statements.TERMS))]
    first, second = plan
    assert "VIRTUAL TABLE" in first
    assert "(account=? AND key>? AND key<?)" in second


FILLED = """
    INSERT INTO orders (account, key, type, fields, fingerprint, state, attempt, updated_at, base_order_numbers)
        SELECT 'acme', 'batch/o' || n, 'ipv4', '{}', 'f', 'rejected', 1, 't' || n, '[]' FROM generate_series(1, 5000) n;
    INSERT INTO order_events (account, key, attempt, event, before, after, at, detail, prev_hash, hash)
        SELECT 'acme', 'batch/o' || n, 1, 'claimed', 'planned', 'submitted', '', '{}', '', '' FROM generate_series(1, 5000) n;
    ANALYZE orders; ANALYZE order_events
"""


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for part in plan.get("Plans", ()) for node in nodes(part))]


def test_no_page_sorts_the_account_on_postgresql(pg_store: SqliteStore) -> None:
    """Neither a page of events nor one of orders reads, or sorts, more of 5,000 than it is asked for."""
    with psycopg.connect(str(pg_store.path), autocommit=True) as raw:
        for statement in FILLED.split(";"):
            raw.execute(statement.encode())
        for name in ("a page of the history", "a page of the orders", "the newest orders"):
            asked = f"EXPLAIN (ANALYZE, FORMAT JSON) {PLANS[name].postgres}"
            (explained,) = raw.execute(asked.encode(), values_for(PLANS[name])).fetchone() or ()
            for node in nodes(explained[0]["Plan"]):
                assert "Sort" not in node["Node Type"]
                assert node["Actual Rows"] <= 10
