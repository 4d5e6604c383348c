"""Orders that a ledger forgot, on every engine: adopted, disowned, and what was wanted when they were found."""

from __future__ import annotations

import io
from dataclasses import replace
from decimal import Decimal

import pytest

from runner.core.errors import Refused
from runner.core.ledger import Hold, Ledger
from runner.core.records import Adoption, Stranger, Want
from runner.core.states import MOVES, OPEN, Event, Move, State
from runner.ledger.export import BrokenHistory, Export, Header, check_export, check_ledger, lines
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
)

ADOPTIONS = [move for move in MOVES if move.event is Event.RESOLVED and move.before not in OPEN]


def want(name: str = "one", quantity: int = 20) -> Want:
    asked = request(name, quantity)
    return Want(
        key=asked.key,
        type=asked.type,
        fields=asked.fields,
        fingerprint=asked.fingerprint,
        at=AT,
        quote_total=Decimal("24.60"),
    )


def adoption(name: str = "one", order_id: str = "9001") -> Adoption:
    return Adoption(
        want=want(name), order_id=order_id, run_id="run-2", at=later(60), reason="seen", evidence={"by": "alice"}
    )


def stranger(order_id: str = "9009") -> Stranger:
    return Stranger(order_id=order_id, who="alice", source="USER", reason="bought by hand", at=AT)


def exported(ledger: Ledger) -> list[str]:
    header = Header(account=ledger.account, ledger="ledger.db", tool="test", at=AT, head=ledger.head())
    return list(lines(ledger, header))


@pytest.mark.parametrize("move", ADOPTIONS, ids=lambda move: move.letter)
def test_adoption_is_the_next_attempt(store: SqliteStore, hold: Hold, move: Move) -> None:
    """An order that is not open is placed by a person's word, with the content that was wanted, and never claimed."""
    bring(hold, "one", move.before)
    record = hold.adopt(adoption())
    assert record == store.record()
    assert (record.state, record.order_id, record.attempt, record.reason) == (State.PLACED, "9001", 2, "seen")
    assert (record.fingerprint, record.quote_total, record.total) == (want().fingerprint, Decimal("24.60"), None)
    with pytest.raises(Refused, match="9001"):
        hold.claim(claim(quantity=20))
    assert check_ledger(store.open()).orders == 1


def test_adoption_needs_no_earlier_attempt(store: SqliteStore, hold: Hold) -> None:
    """A key that was never claimed can be adopted; its event tells all of it."""
    assert hold.adopt(adoption()).attempt == 1
    assert store.sql("SELECT attempt, before, event, after FROM order_events") == [(1, "planned", "resolved", "placed")]
    chain = check_ledger(store.open())
    assert (chain.orders, chain.head.events) == (1, 1)
    assert [bought.claimed_at for bought in store.open().bought_since(AT)] == [later(60)]


@pytest.mark.parametrize("state", [State.PLACED, State.SUBMITTED, State.UNKNOWN])
def test_open_and_placed_orders_are_not_adopted(store: SqliteStore, hold: Hold, state: State) -> None:
    """What has an attempt that counts is settled, not adopted."""
    bring(hold, "one", state)
    stood = store.record()
    with pytest.raises(Refused, match=f"batch/one is {state}"):
        hold.adopt(adoption())
    assert store.record() == stood


@pytest.mark.parametrize("move", ADOPTIONS, ids=lambda move: move.letter)
def test_verdict_on_an_attempt_is_no_adoption(store: SqliteStore, hold: Hold, move: Move) -> None:
    """A verdict that was meant for an order in doubt is refused where a fact has settled that meanwhile."""
    attempt = bring(hold, "one", move.before)
    with pytest.raises(Refused):
        hold.settle(attempt, settlement(Event.RESOLVED, State.PLACED))
    assert store.record().state is move.before


def test_an_order_id_has_one_owner(store: SqliteStore, hold: Hold) -> None:
    """An id that the ledger owns can be neither adopted nor disowned."""
    bring(hold, "other", State.PLACED)
    with pytest.raises(Refused, match="already belongs to batch/other"):
        hold.adopt(adoption(order_id="order-other"))
    with pytest.raises(Refused, match="already belongs to batch/other"):
        hold.disown([stranger(), stranger("order-other")])
    assert store.open().records([key()]) == {}
    assert store.open().strangers() == []


def test_who_lost_the_account_adopts_nothing(store: SqliteStore, hold: Hold) -> None:
    """Adopting needs the hold, like claiming, and leaves nothing where it is lost."""
    store.sql("UPDATE holds SET fence = fence + 1")
    with pytest.raises(Refused, match="another run has since taken over the account"):
        hold.adopt(adoption())
    assert store.open().records([key()]) == {}


def test_late_answer_of_the_adopted_order(store: SqliteStore, hold: Hold) -> None:
    """A frozen process that comes back with an orderId after the adoption changes nothing of it."""
    first = bring(hold, "one", State.ABSENT)
    hold.adopt(adoption())
    found = hold.settle(first, placed("9001"))
    assert (found.state, found.order_id, found.attempt) == (State.PLACED, "9001", 2)
    check_ledger(store.open())


def test_wants_are_kept_by_key(store: SqliteStore, hold: Hold) -> None:
    """What a key stood for is kept until it is noted anew, makes no order, and is each account's own."""
    hold.note_wants([want(), want("two")])
    hold.note_wants([want(quantity=30)])
    ledger = store.open()
    assert ledger.wants([key(), key("two"), key("three")]) == {key(): want(quantity=30), key("two"): want("two")}
    assert ledger.records([key()]) == {}
    assert list(ledger.every_record()) == []
    assert store.open("other").wants([key()]) == {}


def test_strangers_are_remembered(store: SqliteStore, hold: Hold) -> None:
    """Who said so first stays on record; an account knows its own only; nothing takes one back."""
    hold.disown([stranger("9010"), stranger()])
    hold.disown([replace(stranger(), who="bob")])
    assert store.open().strangers() == [stranger(), stranger("9010")]
    assert store.open("other").strangers() == []
    for change in ("UPDATE strangers SET order_id = '1'", "DELETE FROM strangers"):
        with pytest.raises(store.refusal, match="only ever added to"):
            store.sql(change)


def test_import_restores_both(sqlite_store: SqliteStore, store: SqliteStore, hold: Hold) -> None:
    """An export of adopted and disowned orders makes the same ledger of an empty one, and may be imported again."""
    bring(hold, "rejected", State.REJECTED)
    hold.adopt(adoption("rejected", "9002"))
    hold.adopt(adoption())
    hold.disown([stranger(), stranger("9010")])
    export = "".join(exported(store.open()))
    assert check_export(io.StringIO(export)).chain.orders == 2
    empty = SqliteStore(sqlite_store.path.with_name("empty.db"))
    for added in (4, 0):
        with empty.open().hold(holder(), timeout=0) as other:
            assert other.restore(Export(io.StringIO(export)).parts()).events == added
    assert empty.record() == store.record()
    assert empty.open().strangers() == [stranger(), stranger("9010")]
    assert "".join(exported(empty.open())) == export
    check_ledger(empty.open())
    empty.close()


@pytest.mark.parametrize("spoil", ["changed", "before the end"])
def test_stranger_out_of_place_is_noticed(store: SqliteStore, hold: Hold, spoil: str) -> None:
    """A line that was changed, or stands before the last event, breaks the export."""
    bring(hold, "one", State.PLACED)
    hold.disown([stranger()])
    told = exported(store.open())
    spoilt = [*told[:-1], told[-1].replace("9009", "9008")] if spoil == "changed" else [told[0], told[-1], *told[1:-1]]
    with pytest.raises(BrokenHistory):
        check_export(io.StringIO("".join(spoilt)))


def test_several_are_adopted_together_or_not_at_all(store: SqliteStore, hold: Hold) -> None:
    """One transaction for all of them: the last that cannot be leaves none of the others behind."""
    bring(hold, "bought", State.PLACED)
    before = store.open().head()
    with pytest.raises(Refused, match="bought"):
        hold.adopt_all([adoption("one", "9001"), adoption("two", "9002"), adoption("bought", "9003")])
    with pytest.raises(Refused, match="9001"):
        hold.adopt_all([adoption("one", "9001"), adoption("two", "9001")])
    assert store.open().head() == before
    numbers = replace(adoption("two", "9002"), base_order_numbers=("1_9002",))
    records = hold.adopt_all([adoption("one", "9001"), numbers])
    assert [(record.order_id, record.base_order_numbers) for record in records] == [("9001", ()), ("9002", ("1_9002",))]
    assert store.open().owned_numbers(["1_9002", "1_9001"]) == {"1_9002"}
    assert check_ledger(store.open()).orders == 3


def test_a_renewal_is_never_adopted(store: SqliteStore, hold: Hold) -> None:
    """No list shows a renewal: its key is refused in words, whatever asks for it."""
    renewal = replace(adoption(), want=replace(want(), key=key().renewal(AT.date())))
    with pytest.raises(Refused, match="is a renewal"):
        hold.adopt(renewal)


def test_the_beginning_of_an_attempt_has_a_hash_that_stays(store: SqliteStore, hold: Hold) -> None:
    """Claim, adoption or renaming: what receipts are named after, whatever happens to the attempt later."""
    bring(hold, "claimed", State.UNKNOWN)
    hold.adopt(adoption("adopted", "9001"))
    ledger = store.open()
    keys = [key("claimed"), key("adopted"), key("nobody")]
    before = ledger.beginnings(keys)
    events = {(entry.key, entry.event): entry.hash for entry in ledger.history()}
    assert before == {
        key("claimed"): events["batch/claimed", "claimed"],
        key("adopted"): events["batch/adopted", "resolved"],
    }
    assert ledger.former_accounts() == ()
