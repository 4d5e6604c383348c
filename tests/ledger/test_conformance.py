"""What every ledger promises, on whatever engine."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from itertools import product

import pytest

from runner.core.errors import LedgerUnusable, Refused
from runner.core.ledger import Hold
from runner.core.states import MOVES, OPEN, Event, Move, State, is_legal
from tests.ledger.conftest import (
    AT,
    SqliteStore,
    bring,
    claim,
    holder,
    key,
    later,
    placed,
    request,
    settlement,
    unknown,
)


def is_adoption(move: Move) -> bool:
    """Those are in test_forgotten.py: they settle no attempt."""
    return move.event is Event.RESOLVED and move.before not in OPEN


FACTS = {Event.PLACED, Event.REJECTED, Event.NOT_SENT, Event.UNKNOWN}


def events(store: SqliteStore, name: str = "one") -> list[tuple[str, str, str | None]]:
    rows = store.sql("SELECT before, event, after FROM order_events WHERE key = ? ORDER BY seq", str(key(name)))
    return [(before, event, after) for before, event, after in rows]


def test_claim_is_remembered(store: SqliteStore, hold: Hold) -> None:
    """A claim is on record with all that was asked for, before anything is sent."""
    attempt = hold.claim(claim())
    record = store.record()
    assert (attempt.key, attempt.n, attempt.run_id, attempt.claimed_at) == (key(), 1, "run-1", AT)
    assert (record.state, record.attempt, record.quote_total) == (State.SUBMITTED, 1, Decimal("12.30"))
    assert (record.fields, record.fingerprint, record.type) == (request().fields, request().fingerprint, "ipv4")
    assert record.updated_at == AT


def test_claim_keeps_what_a_judge_needs(store: SqliteStore, hold: Hold) -> None:
    """The event of a claim has request, quote, ceiling and balance, and names its witness; the witness is kept once."""
    for name in ("one", "two"):
        hold.claim(claim(name, ids=3))
    detail = json.loads(store.sql("SELECT detail FROM order_events WHERE key = ?", "batch/two")[0][0])
    kept = store.sql("SELECT digest, order_ids FROM witnesses")
    assert detail["fields"] == request().fields
    assert (detail["quote"]["total"], detail["ceiling"], detail["balance"]) == ("12.30", "13.00", "100.00")
    assert kept == [(detail["witness"], '["1000000","1000001","1000002"]')]


@pytest.mark.parametrize(
    "move",
    [move for move in MOVES if move.event not in (Event.CLAIMED, Event.RENAMED) and not is_adoption(move)],
    ids=lambda move: move.letter,
)
def test_every_legal_move_works(store: SqliteStore, hold: Hold, move: Move) -> None:
    """Each arrow of the table can be walked, and leaves its event."""
    attempt = bring(hold, "one", move.before)
    record = hold.settle(attempt, settlement(move.event, move.after))
    assert record == store.record()
    assert (record.state, record.reason) == (move.after, f"told by {move.event}")
    assert record.order_id == ("7001" if move.after is State.PLACED else None)
    assert record.base_order_numbers == (("7001_a", "7001_b") if move.after is State.PLACED else ())
    assert events(store)[-1] == (move.before, move.event, move.after)


@pytest.mark.parametrize("move", [move for move in MOVES if move.event is Event.CLAIMED], ids=lambda move: move.letter)
def test_claimable_order_is_claimed_as_next_attempt(store: SqliteStore, hold: Hold, move: Move) -> None:
    """What is known not to be bought may be bought: the next attempt, with the content of now."""
    bring(hold, "one", move.before)
    attempt = hold.claim(claim(quantity=20, at=later(60)))
    record = store.record()
    assert (attempt.n, record.attempt, record.state) == (2, 2, State.SUBMITTED)
    assert (record.fields["quantity"], record.fingerprint) == (20, request(quantity=20).fingerprint)
    assert record.reason is None
    assert events(store)[-1] == (move.before, Event.CLAIMED, State.SUBMITTED)


@pytest.mark.parametrize("state", State)
def test_no_illegal_move_is_made(store: SqliteStore, hold: Hold, state: State) -> None:
    """An arrow that is not in the table moves nothing: a fact is kept as an event, all else is refused."""
    for event, after in product(Event, State):
        if is_legal(state, event, after):
            continue
        name = f"{event}-{after}".replace("_", "-")
        attempt, outcome = bring(hold, name, state), settlement(event, after, f"id-{name}")
        before = events(store, name)
        if event in FACTS and any(is_legal(other, event, after) for other in State):
            record = hold.settle(attempt, outcome)
            assert events(store, name) == [*before, (state, event, None)]
        else:
            with pytest.raises(Refused):
                hold.settle(attempt, outcome)
            record = store.record(name)
            assert events(store, name) == before
        assert (record, record.state) == (store.record(name), state)


@pytest.mark.parametrize("state", [State.PLACED, State.SUBMITTED, State.UNKNOWN])
@pytest.mark.parametrize("quantity", [10, 11])
def test_what_may_be_bought_is_never_claimed_again(store: SqliteStore, hold: Hold, state: State, quantity: int) -> None:
    """A bought order, or one in doubt, is not claimed, whatever its content became; the refusal names it."""
    bring(hold, "one", state)
    stood = store.record()
    with pytest.raises(Refused, match="batch/one") as caught:
        hold.claim(claim(quantity=quantity))
    changed = "changed after its purchase" in str(caught.value)
    assert changed == (state is State.PLACED and quantity == 11)
    assert store.record() == stood


def test_refused_claim_leaves_nothing(store: SqliteStore, hold: Hold) -> None:
    """A claim that is refused has not even planned the order."""
    store.sql("UPDATE holds SET fence = fence + 1")
    with pytest.raises(Refused, match="another run has since taken over the account"):
        hold.claim(claim())
    assert store.open().records([key()]) == {}


def test_overtaken_hold_may_still_tell_a_fact(store: SqliteStore, hold: Hold) -> None:
    """Who lost the account cannot claim, but whoever holds an answer can record it."""
    attempt = hold.claim(claim())
    store.sql("UPDATE holds SET fence = fence + 1")
    assert hold.settle(attempt, placed()).state is State.PLACED


def test_ended_hold_cannot_write(store: SqliteStore) -> None:
    """After the `with` nothing can be claimed or settled any more."""
    with store.open().hold(holder(), timeout=0) as hold:
        attempt = hold.claim(claim())
    with pytest.raises(Refused, match="no longer holds the account"):
        hold.claim(claim("two"))
    with pytest.raises(LedgerUnusable):
        hold.settle(attempt, placed())


def test_order_id_of_another_order_is_not_lost(store: SqliteStore, hold: Hold) -> None:
    """An answer with an order id that another order has leaves the order in doubt, with the id and the other's name."""
    bring(hold, "other", State.PLACED)
    attempt = hold.claim(claim())
    record = hold.settle(attempt, placed("order-other"))
    assert (record.state, record.order_id) == (State.UNKNOWN, None)
    assert record.reason is not None
    assert "order-other" in record.reason
    assert "batch/other" in record.reason
    detail = json.loads(store.sql("SELECT detail FROM order_events ORDER BY seq DESC LIMIT 1")[0][0])
    assert (detail["event"], detail["order_id"], detail["total"]) == ("placed", "order-other", "12.30")
    assert store.record("other").state is State.PLACED


def test_disputed_order_is_claimed_only_after_a_person_spoke(store: SqliteStore, hold: Hold) -> None:
    """Evidence of absence does not open an order that the vendor answered with an id; a person's verdict does."""
    bring(hold, "other", State.PLACED)
    attempt = hold.claim(claim())
    hold.settle(attempt, placed("order-other"))
    hold.settle(attempt, settlement(Event.RECONCILED, State.ABSENT))
    with pytest.raises(Refused, match="order-other"):
        hold.claim(claim())
    second = bring(hold, "two", State.SUBMITTED)
    hold.settle(second, placed("order-other"))
    hold.settle(second, settlement(Event.RESOLVED, State.ABSENT))
    assert hold.claim(claim("two")).n == 2


def test_verdict_cannot_give_away_an_order_id(store: SqliteStore, hold: Hold) -> None:
    """Reconciling or resolving with an order id that another order has is refused, and names the other."""
    bring(hold, "other", State.PLACED)
    attempt = bring(hold, "one", State.UNKNOWN)
    for event in (Event.RECONCILED, Event.RESOLVED):
        with pytest.raises(Refused, match="batch/other"):
            hold.settle(attempt, settlement(event, State.PLACED, "order-other"))
    assert store.record().state is State.UNKNOWN


def test_same_order_id_on_two_accounts(store: SqliteStore, hold: Hold) -> None:
    """Accounts are strangers: their keys and order ids do not meet, and neither waits for the other."""
    hold.settle(hold.claim(claim()), placed("7001"))
    with store.open("other").hold(holder(), timeout=0) as second:
        assert second.settle(second.claim(claim()), placed("7001")).state is State.PLACED
    assert len(store.open("other").open_records()) == 0


def test_second_order_id_of_one_order_is_kept(store: SqliteStore, hold: Hold) -> None:
    """An order that is placed under one id and then answered with another keeps the first and tells of the second."""
    attempt = bring(hold, "one", State.PLACED)
    found = hold.settle(attempt, placed("7002"))
    assert (found.state, found.order_id) == (State.PLACED, "order-one")
    assert "7002" in (found.reason or "")
    assert events(store)[-1] == (State.PLACED, Event.PLACED, None)


@pytest.mark.parametrize("second", [State.REJECTED, State.PLANNED, State.ABSENT])
def test_earlier_attempt_that_proves_placed_stops_further_ones(store: SqliteStore, hold: Hold, second: State) -> None:
    """The late answer of an earlier attempt closes the order for buying, though a later attempt bought nothing."""
    first = bring(hold, "one", State.ABSENT)
    bring(hold, "one", second)
    found = hold.settle(first, placed("7001", later(90)))
    assert (found.state, found.order_id) == (State.PLACED, "7001")
    with pytest.raises(Refused, match="7001"):
        hold.claim(claim())


@pytest.mark.parametrize("second", sorted(OPEN))
def test_earlier_attempt_does_not_hide_a_later_one_in_doubt(store: SqliteStore, hold: Hold, second: State) -> None:
    """While a later attempt may have been charged, the order stays open, and the earlier one's id is told."""
    first = bring(hold, "one", State.ABSENT)
    bring(hold, "one", second)
    found = hold.settle(first, placed("7001", later(90)))
    assert found.state is second
    assert "7001" in (found.reason or "")


def test_verdict_on_an_earlier_attempt_is_refused(store: SqliteStore, hold: Hold) -> None:
    """A verdict must be about the last attempt: an older one is not what is in doubt."""
    first = bring(hold, "one", State.ABSENT)
    bring(hold, "one", State.UNKNOWN)
    with pytest.raises(Refused, match="attempt 2"):
        hold.settle(first, settlement(Event.RECONCILED, State.ABSENT))


def test_charge_above_the_quote_is_recorded(store: SqliteStore, hold: Hold) -> None:
    """What the vendor charged is stored, whatever was quoted."""
    attempt = hold.claim(claim())
    found = hold.settle(attempt, replace(placed(), total=Decimal("99999.999")))
    assert (found.total, store.record().total) == (Decimal("99999.999"), Decimal("99999.999"))


@pytest.mark.parametrize("words", ["cut \ud800 pair", "nul \0 byte", "'; DROP TABLE orders; --", "x" * 100_000])
def test_no_text_of_the_vendor_can_stop_a_record(store: SqliteStore, hold: Hold, words: str) -> None:
    """Whatever the vendor wrote into its answer, the outcome is recorded."""
    told = replace(unknown(), reason=words, evidence={"body_head": words, "odd": Decimal(1)})
    assert hold.settle(hold.claim(claim()), told).state is State.UNKNOWN
    assert store.record().reason


def test_telling_twice_is_telling_once(store: SqliteStore, hold: Hold) -> None:
    """The same settlement again changes nothing and leaves no second event."""
    attempt = hold.claim(claim())
    first = hold.settle(attempt, placed())
    told = events(store)
    assert hold.settle(attempt, placed()) == first
    assert events(store) == told


def test_unheard_of_attempt_is_not_ignored(store: SqliteStore, hold: Hold) -> None:
    """An outcome of an attempt that the ledger does not know means that the ledger is not the newest."""
    attempt = hold.claim(claim())
    for stranger in (replace(attempt, n=2), replace(attempt, key=key("two"))):
        with pytest.raises(LedgerUnusable, match="does not know attempt"):
            hold.settle(stranger, placed())


def test_abandoned_orders_are_in_doubt(store: SqliteStore, hold: Hold) -> None:
    """What an earlier run left submitted becomes unknown, on its own account only, oldest first."""
    with store.open("other").hold(holder(), timeout=0) as second:
        second.claim(claim())
        for name, at in (("late", later(2)), ("early", later(1))):
            hold.claim(claim(name, at=at))
        bring(hold, "done", State.PLACED)
        found = hold.abandon_submitted(later(10))
    assert [(one.key.name, one.state) for one in found] == [("early", State.UNKNOWN), ("late", State.UNKNOWN)]
    assert found == store.open().open_records()
    assert events(store, "early")[-1] == (State.SUBMITTED, Event.ABANDONED, State.UNKNOWN)
    assert [one.state for one in store.open("other").open_records()] == [State.SUBMITTED]
    assert hold.abandon_submitted(later(11)) == []
