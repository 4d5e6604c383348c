"""What limits ask of a ledger, on whatever engine."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from runner.core.ledger import Hold
from runner.core.orders import Quote
from runner.core.records import Adoption, Want
from runner.core.states import State
from tests.ledger.conftest import AT, WAYS, SqliteStore, bring, claim, key, placed, request

TODAY = AT.date()


def buy(
    hold: Hold, name: str, price: str, *, at: datetime = AT, charged: str | None = "same", quantity: int = 10
) -> None:
    """A placed order that was quoted at `price`; `charged` is what the answer named."""
    wanted = claim(name, quantity, at=at)
    attempt = hold.claim(replace(wanted, quote=Quote(total=Decimal(price), at=at)))
    total = None if charged is None else Decimal(price if charged == "same" else charged)
    hold.settle(attempt, replace(placed(f"order-{name}"), total=total, at=at))


def test_what_may_have_been_spent_counts(store: SqliteStore, hold: Hold) -> None:
    """Placed, submitted and unknown orders count by the day of their claim; what was proved not bought does not."""
    for state in WAYS:
        bring(hold, state.value, state)
    assert store.open().spent_since(AT) == {TODAY: 3 * Decimal("12.30")}
    assert store.open("other").spent_since(AT) == {}


def test_the_charge_counts_and_else_the_quote(store: SqliteStore, hold: Hold) -> None:
    """What the vendor took counts, and where it did not say, what it had quoted; to the last digit."""
    buy(hold, "told", "10.00", charged="9.1234")
    buy(hold, "silent", "0.10", charged=None)
    buy(hold, "again", "0.10", charged=None)
    assert store.open().spent_since(AT) == {TODAY: Decimal("9.3234")}


def test_a_stray_order_counts(store: SqliteStore, hold: Hold) -> None:
    """Called absent, and answered after that with an id that belongs to another order: it may have cost as well."""
    bring(hold, "one", State.PLACED)
    attempt = bring(hold, "two", State.ABSENT)
    assert store.open().spent_since(AT) == {TODAY: Decimal("12.30")}
    hold.settle(attempt, placed("order-one"))
    assert store.open().open_records() == []
    assert store.open().spent_since(AT) == {TODAY: 2 * Decimal("12.30")}


def test_only_what_was_claimed_since(store: SqliteStore, hold: Hold) -> None:
    """The moment itself is in, the one before it is out, and each day of UTC is told apart."""
    midnight = datetime(2026, 11, 23, tzinfo=UTC)
    buy(hold, "before", "1.00", at=midnight - timedelta(microseconds=1))
    buy(hold, "at", "2.00", at=midnight)
    buy(hold, "next", "4.00", at=midnight + timedelta(days=1))
    ledger = store.open()
    assert ledger.spent_since(midnight) == {date(2026, 11, 23): Decimal(2), date(2026, 11, 24): Decimal(4)}
    assert ledger.spent_since(midnight - timedelta(days=1))[date(2026, 11, 22)] == Decimal(1)


def test_the_dearest_purchase(store: SqliteStore, hold: Hold) -> None:
    """The greatest price as a number, not as text, of orders that were bought; none where nothing was."""
    assert store.open().dearest() is None
    bring(hold, "refused", State.REJECTED)
    assert store.open().dearest() is None
    for name, price in (("a", "9.90"), ("b", "100.00"), ("c", "20.00")):
        buy(hold, name, price, at=AT - timedelta(days=900))
    assert store.open().dearest() == Decimal("100.00")
    assert store.open("other").dearest() is None


def test_what_was_bought_alike(store: SqliteStore, hold: Hold) -> None:
    """Placed and open orders of the same content since a moment, oldest first; no others."""
    buy(hold, "old", "1.00", at=AT - timedelta(days=1, microseconds=1))
    buy(hold, "later", "1.00", at=AT)
    buy(hold, "first", "1.00", at=AT - timedelta(days=1))
    buy(hold, "more", "1.00", quantity=11)
    bring(hold, "refused", State.REJECTED)
    hold.claim(claim("open", at=AT + timedelta(seconds=1)))
    found = store.open().bought_alike([request().fingerprint], AT - timedelta(days=1))
    assert [one.record.key for one in found] == [key("first"), key("later"), key("open")]
    assert found[0].claimed_at == AT - timedelta(days=1)
    assert store.open().bought_alike([], AT) == []


def test_a_ledger_that_is_not_there_has_spent_nothing(empty_store: SqliteStore) -> None:
    """Before the first purchase every answer is: nothing."""
    ledger = empty_store.open(read_only=True)
    assert (ledger.spent_since(AT), ledger.dearest(), ledger.bought_alike(["x"], AT)) == ({}, None, [])


def test_an_adopted_order_counts_from_its_adoption(store: SqliteStore, hold: Hold) -> None:
    """Nobody knows when an order that the ledger had forgotten was bought: its price is spent on the day it is adopted."""
    wanted = request("forgotten")
    want = Want(
        key=wanted.key,
        type=wanted.type,
        fields=wanted.fields,
        fingerprint=wanted.fingerprint,
        quote_total=Decimal("7.50"),
        at=AT,
    )
    hold.adopt(Adoption(want=want, order_id="9001", run_id="run-2", at=AT, reason="seen", evidence={"by": "alice"}))
    ledger = store.open()
    assert ledger.spent_since(AT) == {TODAY: Decimal("7.50")}
    assert ledger.dearest() == Decimal("7.50")
    assert [bought.record.order_id for bought in ledger.bought_alike([wanted.fingerprint], AT)] == ["9001"]
