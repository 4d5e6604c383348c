"""A purchase that goes by another key: moved whole, once, and never bought again under either."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from runner.core.errors import Refused
from runner.core.ledger import Hold
from runner.core.records import Holder
from runner.core.states import CLAIMABLE, Event, State
from runner.ledger import statements
from runner.ledger.export import Export, Header, check_ledger, lines
from tests.ledger.conftest import (
    AT,
    SqliteStore,
    bring,
    bring_to,
    claim,
    holder,
    key,
    later,
    placed,
    renaming,
    request,
    settlement,
)

WHOLE = ("type", "fields", "fingerprint", "order_id", "base_order_numbers", "total", "balance", "quote_total", "run_id")


def events(store: SqliteStore, name: str) -> list[tuple[str, str, str | None]]:
    rows = store.sql("SELECT before, event, after FROM order_events WHERE key = ? ORDER BY seq", f"batch/{name}")
    return [(before, event, after) for before, event, after in rows]


def test_the_whole_record_moves(store: SqliteStore, hold: Hold) -> None:
    """Content, order id, numbers, charge and balance stand under the new key, and nothing of them under the old one."""
    bring(hold, "old", State.PLACED)
    before = store.record("old")
    hold.rename([renaming("old", "new")])
    old, new = store.record("old"), store.record("new")
    assert [getattr(new, name) for name in WHOLE] == [getattr(before, name) for name in WHOLE]
    assert (new.state, new.attempt, new.reason) == (State.PLACED, 1, "renamed from batch/old")
    assert (old.state, old.order_id, old.base_order_numbers, old.total) == (State.RENAMED, None, (), None)
    assert events(store, "old")[-1] == (State.PLACED, Event.RENAMED, State.RENAMED)
    assert events(store, "new") == [(State.PLANNED, Event.RENAMED, State.PLACED)]
    assert store.open().owners(["order-old"]) == {"order-old": key("new")}


@pytest.mark.parametrize("state", sorted(CLAIMABLE))
def test_a_key_that_bought_nothing_takes_over(store: SqliteStore, hold: Hold, state: State) -> None:
    """A new key whose own attempts bought nothing has the purchase as its next attempt."""
    bring(hold, "old", State.PLACED)
    bring(hold, "new", state)
    hold.rename([renaming("old", "new")])
    new = store.record("new")
    assert (new.state, new.attempt, new.order_id) == (State.PLACED, 2, "order-old")


@pytest.mark.parametrize("state", sorted(set(State) - {State.PLACED}))
def test_only_what_was_bought_is_renamed(store: SqliteStore, hold: Hold, state: State) -> None:
    """An order that is in doubt, bought nothing or was renamed before gives nothing; neither key changes."""
    bring(hold, "old", state)
    before = store.sql("SELECT * FROM orders ORDER BY key")
    with pytest.raises(Refused, match="batch/old cannot be renamed to batch/new"):
        hold.rename([renaming("old", "new")])
    assert store.sql("SELECT * FROM orders ORDER BY key") == before


@pytest.mark.parametrize("state", sorted(set(State) - CLAIMABLE))
def test_a_key_with_a_purchase_of_its_own_takes_nothing(store: SqliteStore, hold: Hold, state: State) -> None:
    """A new key that is bought, in doubt or given up itself keeps what it has, and so does the old one."""
    bring(hold, "old", State.PLACED)
    bring(hold, "new", state)
    before = store.sql("SELECT * FROM orders ORDER BY key")
    with pytest.raises(Refused, match="batch/old cannot be renamed to batch/new"):
        hold.rename([renaming("old", "new")])
    assert store.sql("SELECT * FROM orders ORDER BY key") == before


def test_an_order_the_ledger_never_heard_of(store: SqliteStore, hold: Hold) -> None:
    """Where nothing is known of the old key, nothing is entered for the new one."""
    with pytest.raises(Refused, match="not known"):
        hold.rename([renaming("old", "new")])
    assert store.open().records([key("old"), key("new")]) == {}


def test_a_disputed_key_takes_nothing(store: SqliteStore, hold: Hold) -> None:
    """A new key that the vendor answered with an order of its own has to be settled first."""
    bring(hold, "old", State.PLACED)
    attempt = bring(hold, "new", State.ABSENT)
    hold.settle(attempt, placed("order-old"))
    with pytest.raises(Refused, match="also answered that with order order-old"):
        hold.rename([renaming("old", "new")])


def test_several_are_renamed_together_or_not_at_all(store: SqliteStore, hold: Hold) -> None:
    """One that cannot be renamed keeps all the others as they were."""
    bring(hold, "a", State.PLACED)
    with pytest.raises(Refused):
        hold.rename([renaming("a", "b"), renaming("unheard-of", "c")])
    assert store.record("a").state is State.PLACED
    assert key("b") not in store.open().records([key("b")])


@pytest.mark.parametrize("name", ["old", "new"])
def test_neither_key_is_ever_bought_again(store: SqliteStore, hold: Hold, name: str) -> None:
    """Both keys refuse a claim for good, with the old content and with any other."""
    bring(hold, "old", State.PLACED)
    hold.rename([renaming("old", "new")])
    for quantity in (10, 11):
        with pytest.raises(Refused, match=f"batch/{name}"):
            hold.claim(claim(name, quantity=quantity))


def test_a_chain_of_names_leads_to_its_end(store: SqliteStore, hold: Hold) -> None:
    """After a to b and b to c, both earlier keys are called c; a key that was given up never takes a purchase again."""
    bring(hold, "a", State.PLACED)
    bring(hold, "other", State.PLACED)
    hold.rename([renaming("a", "b")])
    hold.rename([renaming("b", "c")])
    ledger = store.open()
    assert ledger.successors([key("a"), key("b"), key("c"), key("other")]) == {key("a"): key("c"), key("b"): key("c")}
    for back in ("a", "b"):
        with pytest.raises(Refused, match="renamed itself"):
            hold.rename([renaming("c", back)])
    assert store.record("c").order_id == "order-a"


def test_the_money_counts_once_and_when_it_was_spent(store: SqliteStore, hold: Hold) -> None:
    """Budgets, the dearest purchase and what is alike see the purchase once, at the time of its claim."""
    bring(hold, "old", State.PLACED, at=AT - timedelta(days=2))
    ledger = store.open()

    def seen() -> tuple[object, ...]:
        alike = ledger.bought_alike([request().fingerprint], AT - timedelta(days=3))
        return ledger.spent_since(AT - timedelta(days=3)), ledger.dearest(), [one.claimed_at for one in alike]

    before = seen()
    hold.rename([renaming("old", "new")])
    assert seen() == before
    assert ledger.spent_since(AT - timedelta(days=1)) == {}
    assert [one.record.key for one in ledger.bought_alike([request().fingerprint], AT - timedelta(days=3))] == [
        key("new")
    ]


def test_a_judge_sees_when_it_was_bought(store: SqliteStore, hold: Hold) -> None:
    """The places of claim and answer among the events are those of the purchase, not of its renamings."""
    bring(hold, "old", State.PLACED)
    ledger = store.open()
    (before,) = ledger.bought_since(AT)
    hold.rename([renaming("old", "new")])
    hold.rename([renaming("new", "newest")])
    (after,) = ledger.bought_since(AT)
    assert after.record.key == key("newest")
    assert (after.claimed_at, after.claimed_seq, after.settled_seq) == (AT, before.claimed_seq, before.settled_seq)
    assert before.claimed_seq < before.settled_seq


def test_a_late_fact_of_the_old_key_is_kept(store: SqliteStore, hold: Hold) -> None:
    """An answer that comes after the renaming moves neither key, and the ledger stays whole."""
    attempt = bring(hold, "old", State.PLACED)
    hold.rename([renaming("old", "new")])
    hold.settle(attempt, settlement(Event.REJECTED, State.REJECTED, at=later(9)))
    assert (store.record("old").state, store.record("new").state) == (State.RENAMED, State.PLACED)
    assert events(store, "old")[-1] == (State.RENAMED, Event.REJECTED, None)
    check_ledger(store.open())


def test_a_stray_order_goes_with_its_purchase(store: SqliteStore, hold: Hold) -> None:
    """An order id that the bought order could not take is settled under the new key, and its money counts once."""
    attempt = bring(hold, "old", State.PLACED)
    hold.settle(attempt, replace(placed("second"), at=later(1)))
    spent = store.open().spent_since(AT)
    hold.rename([renaming("old", "new")])
    assert (store.record("old").stray_order_id, store.record("new").stray_order_id) == (None, "second")
    assert store.open().spent_since(AT) == spent
    check_ledger(store.open())


@pytest.fixture(name="copy")
def second_store(tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(tmp_path / "copy" / "ledger.db")) as made:
        yield made


def test_export_and_import_keep_a_chain_of_names(store: SqliteStore, hold: Hold, copy: SqliteStore) -> None:
    """Both rows follow from their events alone: a ledger with renamings is whole, and comes back to the letter."""
    bring(hold, "a", State.PLACED)
    bring(hold, "b", State.REJECTED)
    hold.rename([renaming("a", "b")])
    hold.rename([renaming("b", "c")])
    ledger = store.open()
    assert check_ledger(ledger).orders == 3
    header = Header(account="acme", ledger="ledger.db", tool="test", at=AT, head=ledger.head())
    told = io.StringIO("".join(lines(ledger, header)))
    with copy.open().hold(holder(), timeout=0) as other:
        other.restore(Export(told).parts())
    assert copy.sql("SELECT * FROM orders ORDER BY key") == store.sql("SELECT * FROM orders ORDER BY key")
    assert copy.open().successors([key("a")]) == {key("a"): key("c")}
    assert check_ledger(copy.open()).orders == 3


@pytest.mark.parametrize(
    ("name", "change"), [("new", "order_id = '9'"), ("new", "claimed_at = NULL"), ("old", "quote_total = '1.00'")]
)
def test_a_row_changed_past_its_renaming_shows(store: SqliteStore, hold: Hold, name: str, change: str) -> None:
    """What either key has besides its events is found."""
    bring(hold, "old", State.PLACED)
    hold.rename([renaming("old", "new")])
    store.sql(f"UPDATE orders SET {change} WHERE key = 'batch/{name}'")
    assert f"batch/{name} has {change.split(maxsplit=1)[0]}" in str(store.open().misfit())


def test_who_lost_the_account_renames_nothing(store: SqliteStore, hold: Hold) -> None:
    """Another hold has begun since: its records are not touched."""
    bring(hold, "old", State.PLACED)
    store.sql("UPDATE holds SET fence = fence + 1")
    with pytest.raises(Refused, match="taken over the account"):
        hold.rename([renaming("old", "new")])
    assert store.record("old").state is State.PLACED


def test_another_account_is_none_of_it(store: SqliteStore, hold: Hold) -> None:
    """Keys of the same name under another account stay as they are."""
    bring(hold, "old", State.PLACED)
    other: Holder = holder()
    with store.open("beta").hold(other, timeout=0) as second:
        bring(second, "old", State.PLACED)
        hold.rename([renaming("old", "new")])
        assert store.open("beta").records([key("old")])[key("old")].state is State.PLACED
        assert store.open("beta").successors([key("old")]) == {}


def test_the_alike_are_found_by_an_index(sqlite_store: SqliteStore) -> None:
    """However many orders were bought since, what is asked before a purchase reads those of the same content."""
    sqlite_store.open()
    values = {"b_account": "acme", "b_at": "2026", "b_fingerprints": '["a", "b"]'}
    with closing(sqlite3.connect(sqlite_store.path)) as raw:
        plan = str(raw.execute(f"EXPLAIN QUERY PLAN {statements.ALIKE.sqlite}", values).fetchall())
    assert "orders_alike" in plan


def test_an_older_ledger_learns_to_rename(empty_store: SqliteStore, child: object) -> None:
    """Revision 0006 keeps orders, events and chain, lets the new moves in and no others."""
    store = empty_store
    bring_to(store, "0005")
    store.sql("CREATE TABLE days (account TEXT, day TEXT, orders TEXT, spent TEXT)")  # what moves orders keeps them
    program = (
        "from runner.ledger import migrations\nmigrations.HEAD = '0005'\n"
        f"with {store.opening}.hold(holder(), timeout=0) as hold:\n"
        "    for state in WAYS:\n        bring(hold, state.value, state)\nprint('filled')"
    )
    assert child(program, store.path).communicate()[0] == "filled\n"  # type: ignore[operator]
    store.sql("DROP TABLE days")
    kept = [store.sql(f"SELECT * FROM {table} ORDER BY key") for table in ("orders", "order_events")]
    total = Decimal(str(store.sql("SELECT total FROM orders WHERE state = 'placed'")[0][0]))
    with store.open().hold(holder(), timeout=0) as hold:
        assert [store.sql(f"SELECT * FROM {table} ORDER BY key") for table in ("orders", "order_events")] == kept
        hold.rename([renaming("placed", "anew")])
        with pytest.raises(store.refusal):
            store.sql("UPDATE orders SET state = 'renamed' WHERE key = 'batch/anew'")
        with pytest.raises(store.refusal):
            store.sql("DELETE FROM orders")
    check_ledger(store.open())
    assert store.record("anew").total == total
