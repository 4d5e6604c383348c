"""What was seen of deliveries is kept by the vendor's order id, anew each time, and nothing in it is an address."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from runner.core.ledger import Hold
from runner.core.sightings import Sighting, digests_of
from runner.core.states import State
from tests.ledger.conftest import AT, SqliteStore, bring, key, later
from tests.ledger.test_adopting import exported

SALT = "00" * 8
ADDRESSES = ("203.0.113.7 8080 1080", "203.0.113.8 8080 1080")


def sighting(order_id: str = "9001", **changes: Any) -> Sighting:
    usual = Sighting(
        order_id=order_id,
        at=AT,
        rows=2,
        salt=SALT,
        digests=digests_of(ADDRESSES, SALT),
        first_end=date(2026, 12, 23),
        last_end=date(2026, 12, 24),
    )
    return replace(usual, **changes)


def test_sightings_are_kept_by_order(store: SqliteStore, hold: Hold) -> None:
    """The last one of each order stands as it was noted, however many there are, and is each account's own."""
    hold.note_deliveries([sighting(), sighting("9002", first_end=None, last_end=None)])
    changed = sighting(changed_at=later(60), losses=1, additions=2, moved_at=later(61), rows=3, at=later(60))
    hold.note_deliveries([changed, *(sighting(str(n)) for n in range(700))])
    hold.note_deliveries([])
    ledger = store.open()
    kept = ledger.deliveries(["9001", "9002", "5", "x"])
    assert kept == {"9001": changed, "9002": sighting("9002", first_end=None, last_end=None), "5": sighting("5")}
    assert ledger.deliveries([]) == {}
    assert store.open("other").deliveries(["9001"]) == {}


def test_nothing_of_an_address_is_kept(store: SqliteStore, hold: Hold) -> None:
    """No column holds an address, and of its digest there are sixteen bits: thousands of others have the same."""
    hold.note_deliveries([sighting()])
    text = str(store.sql("SELECT * FROM deliveries"))
    assert "203.0" not in text
    assert "8080" not in text
    assert {len(digest) for digest in store.open().deliveries(["9001"])["9001"].digests} == {4}


def test_they_are_no_history(store: SqliteStore, hold: Hold) -> None:
    """Noting one makes no event and no order, and an export is what it was."""
    bring(hold, "one", State.UNKNOWN)
    before, events = "".join(exported(store.open())), hold.events
    hold.note_deliveries([sighting()])
    assert ("".join(exported(store.open())), hold.events) == (before, events)


def test_when_orders_were_claimed(store: SqliteStore, hold: Hold) -> None:
    """The time of the last claim, for those that have one."""
    bring(hold, "one", State.UNKNOWN)
    ledger = store.open()
    assert ledger.claim_times([key(), key("two")]) == {key(): ledger.open_claims()[0].claimed_at}
