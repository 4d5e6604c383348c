"""What the tables refuse by themselves, whoever writes to them."""

from __future__ import annotations

import pytest

from runner.core.ledger import Hold
from runner.core.states import Event, State
from tests.ledger.conftest import SqliteStore, bring, placed, settlement

NOBODY = "INSERT INTO order_events (account, key, attempt, event, before, after, at, detail, prev_hash, hash) VALUES "


@pytest.mark.parametrize("table", ["order_events", "witnesses"])
@pytest.mark.parametrize("change", ["UPDATE {} SET at = 'never'", "DELETE FROM {}"])
def test_history_is_only_added_to(store: SqliteStore, hold: Hold, table: str, change: str) -> None:
    """Events and witnesses can be neither changed nor removed."""
    bring(hold, "one", State.PLACED)
    before = store.sql(f"SELECT * FROM {table}")
    with pytest.raises(store.refusal, match="only ever added to"):
        store.sql(change.format(table))
    assert store.sql(f"SELECT * FROM {table}") == before


def test_orders_are_never_removed(store: SqliteStore, hold: Hold) -> None:
    """An order, once claimed, cannot be made unheard of."""
    bring(hold, "one", State.REJECTED)
    with pytest.raises(store.refusal):
        store.sql("DELETE FROM orders")


@pytest.mark.parametrize(
    "change",
    [
        "state = 'bought'",
        "state = 'placed'",
        "order_id = '7001'",
        "attempt = 0",
        "attempt = -1",
        "type = 'ipv5'",
        "state = NULL",
    ],
)
def test_orders_make_sense(store: SqliteStore, hold: Hold, change: str) -> None:
    """No state but those of the table, placed means an order id, an order id means placed, a claim has an attempt."""
    bring(hold, "one", State.UNKNOWN)
    with pytest.raises(store.refusal):
        store.sql(f"UPDATE orders SET {change}")


def test_order_id_has_one_owner(store: SqliteStore, hold: Hold) -> None:
    """Two orders of an account cannot have one vendor's order id."""
    bring(hold, "one", State.PLACED)
    bring(hold, "two", State.UNKNOWN)
    with pytest.raises(store.refusal):
        store.sql("UPDATE orders SET state = 'placed', order_id = 'order-one' WHERE key = 'batch/two'")


@pytest.mark.parametrize(
    "event",
    [
        "('acme', 'batch/one', 1, 'claimed', 'placed', 'submitted', '', '', '', '')",
        "('acme', 'batch/one', 1, 'rejected', 'submitted', 'placed', '', '', '', '')",
        "('acme', 'batch/one', 1, 'bought', 'submitted', NULL, '', '', '', '')",
        "('acme', 'batch/one', 0, 'placed', 'submitted', 'placed', '', '', '', '')",
    ],
)
def test_events_are_legal_moves(store: SqliteStore, hold: Hold, event: str) -> None:
    """An event that is no arrow of the table cannot be entered."""
    bring(hold, "one", State.SUBMITTED)
    with pytest.raises(store.refusal):
        store.sql(NOBODY + event)


def test_legal_event_is_taken(store: SqliteStore, hold: Hold) -> None:
    """The checks above refuse the nonsense in those events, and not every event."""
    bring(hold, "one", State.SUBMITTED)
    store.sql(NOBODY + "('acme', 'batch/one', 1, 'placed', 'submitted', 'placed', '', '', '', '')")
    assert len(store.sql("SELECT 1 FROM order_events")) == 2


def test_every_move_leaves_an_event(store: SqliteStore, hold: Hold) -> None:
    """The events of an order tell its whole way, in order."""
    attempt = bring(hold, "one", State.ABSENT)
    hold.settle(attempt, placed())
    way = store.sql("SELECT attempt, before, event, after FROM order_events ORDER BY seq")
    assert way == [
        (1, "planned", "claimed", "submitted"),
        (1, "submitted", "unknown", "unknown"),
        (1, "unknown", "reconciled", "absent"),
        (1, "absent", "placed", "placed"),
    ]
    assert settlement(Event.PLACED, State.PLACED).reason == store.sql("SELECT reason FROM orders")[0][0]
