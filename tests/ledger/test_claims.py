"""What every ledger tells a judge, on whatever engine."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from runner.core.ledger import Hold
from runner.core.records import Allowed, Attempt
from runner.core.states import Event, State
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
    witness,
)


def test_open_claims_have_all_that_was_written_down(store: SqliteStore, hold: Hold) -> None:
    """An order in doubt comes back with its claim's time, balance, quote and witness, oldest first; others do not."""
    bring(hold, "two", State.UNKNOWN, later(1))
    bring(hold, "one", State.SUBMITTED, later(2))
    bring(hold, "done", State.PLACED)
    first, second = store.open().open_claims()
    assert [one.record.key for one in (first, second)] == [key("two"), key("one")]
    assert (first.claimed_at, first.balance, first.record.quote_total) == (
        later(1),
        Decimal("100.00"),
        Decimal("12.30"),
    )
    assert first.witness == second.witness == witness()
    assert (first.record.fields, first.record.state) == (request().fields, State.UNKNOWN)
    assert first.evidence == {"http_status": 200, "notes": ["x", None, True]}
    assert second.evidence == {}
    assert not first.leaning_placed


def test_the_last_claim_counts(store: SqliteStore, hold: Hold) -> None:
    """Of an order that was tried before, the claim of the attempt in doubt is told."""
    bring(hold, "one", State.REJECTED)
    hold.claim(replace(claim(at=later(9)), balance=Decimal("55.00"), witness=witness(5)))
    (found,) = store.open().open_claims()
    assert (found.record.attempt, found.claimed_at, found.balance) == (2, later(9), Decimal("55.00"))
    assert len(found.witness.order_ids) == 5


@pytest.mark.parametrize("numbers", [None, frozenset(), frozenset({"NS_1-7D", "2000096_20240080"})])
def test_a_witness_comes_back_with_its_numbers(store: SqliteStore, hold: Hold, numbers: frozenset[str] | None) -> None:
    """Base numbers are kept with the order ids; a witness without any has the digest and the text of one from before."""
    kept = replace(witness(2), numbers=numbers)
    hold.claim(replace(claim(), witness=kept))
    (found,) = store.open().open_claims()
    assert (found.witness, found.witness.digest) == (kept, kept.digest)
    assert (kept.digest == witness(2).digest) == (numbers is None)
    ((text,),) = store.sql("SELECT order_ids FROM witnesses")
    assert text.startswith("[") == (numbers is None)


def test_a_resident_witness_comes_back(store: SqliteStore, hold: Hold) -> None:
    """The package of a resident claim is told as it was."""
    package = {"traffic_limit": "1", "tarif_id": "7"}
    hold.claim(replace(claim(), witness=replace(witness(0), type="resident", package=package)))
    (found,) = store.open().open_claims()
    assert found.witness.package == package


@pytest.mark.parametrize("evidence", [{"leaning_placed": True}, {"leaning_placed": False}, {"http_status": 500}, {}])
def test_a_hint_is_never_forgotten(store: SqliteStore, hold: Hold, evidence: dict[str, object]) -> None:
    """An answer that hinted at a purchase is told for good, also by later attempts and after later looks."""
    attempt = hold.claim(claim())
    hold.settle(attempt, replace(unknown(), evidence=evidence))
    hold.settle(attempt, replace(settlement(Event.RECONCILED, State.UNKNOWN, at=later(7)), evidence={"ruling": "open"}))
    (found,) = store.open().open_claims()
    assert found.leaning_placed is bool(evidence.get("leaning_placed"))
    hold.settle(attempt, settlement(Event.RESOLVED, State.ABSENT, at=later(8)))
    hold.claim(claim(at=later(9)))
    (again,) = store.open().open_claims()
    assert again.leaning_placed is bool(evidence.get("leaning_placed"))


def test_an_id_that_could_not_be_taken_is_a_hint(store: SqliteStore, hold: Hold) -> None:
    """An order that was answered with another order's id was bought as something: that is a hint too."""
    bring(hold, "one", State.PLACED)
    hold.settle(hold.claim(claim("two")), placed("order-one"))
    (found,) = store.open().open_claims()
    assert (found.record.key, found.leaning_placed) == (key("two"), True)


def test_owners(store: SqliteStore, hold: Hold) -> None:
    """Of any number of order ids, those of placed orders of the account are told with their orders."""
    for name in ("one", "two"):
        bring(hold, name, State.PLACED)
    bring(hold, "lost", State.UNKNOWN)
    ids = [f"order-{n}" for n in range(1200)] + ["order-one", "order-two", "order-lost"]
    assert store.open().owners(ids) == {"order-one": key("one"), "order-two": key("two")}
    assert store.open("other").owners(ids) == {}
    assert store.open().owners([]) == {}


def test_owned_numbers(store: SqliteStore, hold: Hold) -> None:
    """Of any number of base order numbers, those of bought orders of the account are told, each whole and as it is."""
    hold.settle(hold.claim(claim("one")), replace(placed("1"), base_order_numbers=("1_5", "1_6")))
    hold.settle(hold.claim(claim("two")), replace(placed("2"), base_order_numbers=('2"\\é',)))
    bring(hold, "lost", State.UNKNOWN)
    ledger = store.open()
    assert ledger.owned_numbers(iter([f"{n}_5" for n in range(1200)])) == {"1_5"}
    assert ledger.owned_numbers(["1_6", '2"\\é', "1_", "5", "", "[", "1_5,1_6"]) == {"1_6", '2"\\é'}
    assert (ledger.owned_numbers([]), store.open("other").owned_numbers(["1_5"])) == (frozenset(), frozenset())


def test_bought_since(store: SqliteStore, hold: Hold) -> None:
    """Placed orders are told from the moment on that they were settled, with the time of their claim."""
    hold.settle(hold.claim(claim("early", at=AT)), placed("1", later(5)))
    hold.settle(hold.claim(claim("late", at=later(6))), placed("2", later(20)))
    bring(hold, "lost", State.UNKNOWN, later(7))
    ledger = store.open()
    assert [one.record.key for one in ledger.bought_since(later(21))] == []
    (late,) = ledger.bought_since(later(20))
    assert (late.record.key, late.claimed_at, late.record.total) == (key("late"), later(6), Decimal("12.30"))
    assert {one.record.key for one in ledger.bought_since(later(5))} == {key("early"), key("late")}
    early = next(one for one in ledger.bought_since(later(5)) if one.record.key == key("early"))
    (lost,) = ledger.open_claims()
    places = (early.claimed_seq, early.settled_seq, late.claimed_seq, late.settled_seq, lost.claimed_seq)
    assert list(places) == sorted(places)
    assert len(set(places)) == 5
    assert store.open("other").bought_since(AT) == []


@pytest.mark.parametrize(
    ("event", "after", "first"),
    [(Event.NOT_SENT, State.PLANNED, 3), (Event.REJECTED, State.REJECTED, 3), (Event.RESOLVED, State.ABSENT, 1)],
)
def test_a_purchase_begins_with_the_first_claim_that_may_have_made_it(
    store: SqliteStore, hold: Hold, event: Event, after: State, first: int
) -> None:
    """An attempt that was proved not to have bought is none that a purchase may go back to; one called absent is."""
    attempt = hold.claim(claim("one"))
    if event is Event.RESOLVED:
        hold.settle(attempt, settlement(Event.UNKNOWN, State.UNKNOWN))
    hold.settle(attempt, settlement(event, after))
    hold.settle(hold.claim(claim("one", at=later(3))), placed("1", later(5)))
    (bought,) = store.open().bought_since(AT)
    assert bought.claimed_seq == first


def test_a_purchase_is_settled_once(store: SqliteStore, hold: Hold) -> None:
    """An answer that comes after somebody said that the order is bought does not make its purchase a later one."""
    attempt = hold.claim(claim("one"))
    hold.settle(attempt, settlement(Event.UNKNOWN, State.UNKNOWN))
    hold.settle(attempt, replace(placed("1", later(5)), event=Event.RESOLVED))
    hold.settle(attempt, placed("1", later(9)))
    (bought,) = store.open().bought_since(AT)
    assert bought.settled_seq == 3


def test_evidence_is_that_of_the_last_event(store: SqliteStore, hold: Hold) -> None:
    """What an order stands on comes back; an order without evidence is left out."""
    attempt = bring(hold, "one", State.UNKNOWN)
    hold.settle(attempt, replace(settlement(Event.RESOLVED, State.PLACED, "77"), evidence={"by": "alice"}))
    bring(hold, "two", State.SUBMITTED)
    assert store.open().evidence([key("one"), key("two"), key("none")]) == {key("one"): {"by": "alice"}}


def test_what_the_last_claim_was_allowed(store: SqliteStore, hold: Hold) -> None:
    """Ceiling and approval of an order's last claim are told, of as many orders as asked; unclaimed ones are left out."""
    first, second = "sha256:" + "1" * 64, "sha256:" + "2" * 64
    hold.claim(replace(claim("one"), approval=first))
    hold.settle(Attempt(key=key("one"), n=1, run_id="run-1", claimed_at=AT), settlement(Event.REJECTED, State.REJECTED))
    hold.claim(replace(claim("one", at=later(5)), ceiling=Decimal("14.50"), approval=second))
    hold.claim(claim("two", at=later(6)))
    wanted = [key("one"), key("two"), key("none"), *(key(f"n{n}") for n in range(1200))]
    assert store.open().allowances(wanted) == {
        key("one"): Allowed(ceiling=Decimal("14.50"), approval=second),
        key("two"): Allowed(ceiling=Decimal("13.00"), approval=None),
    }


def test_a_ledger_that_is_not_there_tells_nothing(store: SqliteStore) -> None:
    """Read-only, a missing ledger has no claims, no owners, no purchases."""
    ledger = store.open(read_only=True)
    assert ledger.allowances([key()]) == {}
    assert (ledger.open_claims(), ledger.owners(["1"]), ledger.bought_since(AT), ledger.evidence([key()])) == (
        [],
        {},
        [],
        {},
    )


def test_a_claim_in_doubt_is_told_to_another_process(store: SqliteStore) -> None:
    """What one process left submitted, the next one that holds the account finds as unknown, with its claim."""
    with store.open().hold(holder(), timeout=0) as hold:
        bring(hold, "one", State.SUBMITTED)
    ledger = store.open()
    with ledger.hold(holder(), timeout=0) as hold:
        hold.abandon_submitted(later(3))
        (found,) = ledger.open_claims()
    assert (found.record.state, found.claimed_at, found.witness) == (State.UNKNOWN, AT, witness())
