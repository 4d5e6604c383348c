"""Who began what, with which labels, on whatever engine: in the events, through renamings, copies and older versions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from runner.core.ledger import Hold
from runner.core.orders import OrderKey
from runner.core.provenance import Provenance
from runner.core.records import Adoption, Claim, Origin, Want
from runner.core.states import Event, State
from runner.ledger.export import Chain, check_ledger, parts
from tests import make
from tests.ledger.conftest import (
    AT,
    SqliteStore,
    bring,
    claim,
    holder,
    key,
    later,
    placed,
    renaming,
    settlement,
    unknown,
)

ANN = Provenance(actor="ann", source="GITHUB_ACTOR", commit="c1", ref="refs/heads/main", job="https://ci/7")
BOB = Provenance(actor="bob", source="USER")
EVER = (date.min, date.max)


@contextmanager
def held(store: SqliteStore, by: Provenance | None) -> Iterator[Hold]:
    """The account, held by somebody for the length of a `with`."""
    with closing(store.open()) as ledger, ledger.hold(replace(holder(), by=by), timeout=0) as hold:
        yield hold


def labelled(name: str, **labels: str) -> Claim:
    wanted = claim(name)
    return replace(wanted, request=replace(wanted.request, labels=labels))


def details(store: SqliteStore, name: str) -> list[dict[str, Any]]:
    rows = store.sql("SELECT detail FROM order_events WHERE key = ? ORDER BY seq", f"batch/{name}")
    return [json.loads(detail) for (detail,) in rows]


def test_claim_and_settlement_say_who(store: SqliteStore) -> None:
    """Both events have the holder, with commit, ref and job, and the claim the order's labels."""
    with held(store, ANN) as hold:
        hold.settle(hold.claim(labelled("one", team="data", env="prod")), placed())
    claimed, settled = details(store, "one")
    assert claimed["by"] == settled["by"] == ANN.as_json()
    assert claimed["labels"] == {"team": "data", "env": "prod"}
    origin = store.open().origins([key("one"), key("none")])
    assert origin == {key("one"): Origin(at=AT, by=ANN, labels={"team": "data", "env": "prod"})}


def test_each_settles_in_their_own_name(store: SqliteStore) -> None:
    """An order that ann lost and bob settled names both; a left-over one is given up by whoever finds it."""
    with held(store, ANN) as hold:
        hold.settle(hold.claim(claim("one")), unknown())
        hold.claim(claim("two"))
    with held(store, BOB) as hold:
        hold.abandon_submitted(later(9))
        attempt = make.attempt(claim("one").request)
        hold.settle(attempt, settlement(Event.RECONCILED, State.PLACED))
    assert [detail["by"]["actor"] for detail in details(store, "one")] == ["ann", "ann", "bob"]
    assert [detail["by"]["actor"] for detail in details(store, "two")] == ["ann", "bob"]
    assert store.open().origins([key("one")])[key("one")].by == ANN


def test_a_deed_that_names_somebody_keeps_the_name(store: SqliteStore) -> None:
    """What says itself who it is by is not entered as the holder's."""
    with held(store, ANN) as hold:
        hold.claim(replace(claim("one"), by=BOB))
    assert details(store, "one")[0]["by"] == BOB.as_json()


def test_what_an_earlier_version_entered_stays_as_it_is(store: SqliteStore) -> None:
    """Without a name nothing is added: the bytes are those of events without one, and the origin knows the time alone."""
    with held(store, None) as hold:
        bring(hold, "one", State.PLACED)
    assert all(not {"by", "labels"} & detail.keys() for detail in details(store, "one"))
    assert store.open().origins([key("one")]) == {key("one"): Origin(at=AT)}
    with held(store, ANN) as hold:
        bring(hold, "two", State.PLACED)
    check_ledger(store.open())


def test_a_purchase_keeps_its_origin_under_another_name(store: SqliteStore) -> None:
    """Through two renamings, by others, the buyer, the time and the labels stay; the events say who renamed."""
    with held(store, ANN) as hold:
        hold.settle(hold.claim(labelled("old", team="data")), placed())
    with held(store, BOB) as hold:
        hold.rename([renaming("old", "new")])
        hold.rename([renaming("new", "newest")])
    origin = Origin(at=AT, by=ANN, labels={"team": "data"})
    assert store.open().origins([key("newest")]) == {key("newest"): origin}
    assert details(store, "newest")[-1]["by"] == details(store, "old")[-1]["by"] == BOB.as_json()
    (spending,) = store.open().spendings(*EVER, origins=True)
    assert (spending.key, spending.origin, spending.amount) == ("batch/newest", origin, Decimal("12.30"))
    check_ledger(store.open())


def test_a_purchase_of_an_earlier_version_is_renamed(store: SqliteStore) -> None:
    """One that names nobody has nobody under its new name: whoever renamed it has not bought it."""
    with held(store, None) as hold:
        bring(hold, "old", State.PLACED)
    with held(store, BOB) as hold:
        hold.rename([renaming("old", "new")])
    assert store.open().origins([key("new")]) == {key("new"): Origin(at=AT)}


def test_an_adoption_is_the_adopters(store: SqliteStore) -> None:
    """An adopted order is that of whoever adopted it, with the labels of the manifest."""
    want = Want(key=key("one"), type="ipv4", fields={}, fingerprint="f", at=AT, quote_total=Decimal("3.21"))
    adoption = Adoption(want=want, order_id="77", run_id="r", at=later(5), reason="seen", labels={"team": "data"})
    with held(store, BOB) as hold:
        hold.adopt(adoption)
    assert store.open().origins([key("one")]) == {key("one"): Origin(at=later(5), by=BOB, labels={"team": "data"})}
    check_ledger(store.open())


def test_a_late_answer_names_its_own_attempt(store: SqliteStore) -> None:
    """Where ann's lost attempt turns out to be the purchase after bob's second one was refused, ann has bought it."""
    with held(store, ANN) as hold:
        first = bring(hold, "one", State.ABSENT)
    with held(store, BOB) as hold:
        hold.settle(hold.claim(claim("one", at=later(60))), settlement(Event.REJECTED, State.REJECTED))
        assert store.open().origins([key("one")])[key("one")].by == BOB
        hold.settle(first, placed("late"))
    assert store.open().origins([key("one")])[key("one")].by == ANN


def test_a_result_that_was_kept_aside_stays_its_own_runs(store: SqliteStore) -> None:
    """What the ledger did not take is entered by the next run in the name of the one that had the answer, and once."""
    with held(store, ANN) as hold:
        attempt = hold.claim(claim("one"))
        hold.save_emergency(attempt, placed())
    with held(store, BOB):
        pass
    assert [detail["by"]["actor"] for detail in details(store, "one")] == ["ann", "ann"]
    with held(store, ANN) as hold:
        hold.save_emergency(attempt, placed())
    with held(store, BOB):
        pass
    assert len(details(store, "one")) == 2
    assert store.record("one").state is State.PLACED


def test_a_copy_has_the_same_origins(store: SqliteStore, sqlite_store: SqliteStore) -> None:
    """Imported into another ledger, the same history names the same people."""
    with held(store, ANN) as hold:
        hold.settle(hold.claim(labelled("old", team="data")), placed())
        hold.rename([renaming("old", "new")])
    copy = SqliteStore(sqlite_store.path.with_name("copy.db"))
    with closing(copy):
        with copy.open().hold(holder(), timeout=0) as hold:
            hold.restore(parts(store.open(), Chain("acme")))
        assert copy.open().origins([key("new")]) == store.open().origins([key("new")])
        check_ledger(copy.open())


def test_spendings_are_read_in_pages(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """However small a page is, every order comes once, those of all days, and whoever asks for days gets those."""
    monkeypatch.setattr("runner.ledger.reader.PAGE", 2)
    with held(store, ANN) as hold:
        for n in range(5):
            at = AT + timedelta(days=n)
            hold.settle(hold.claim(claim(f"o{n}", at=at)), placed(f"id-{n}", at))
        bring(hold, "lost", State.UNKNOWN)
        bring(hold, "refused", State.REJECTED)
    ledger, today = store.open(), AT.date()
    every = list(ledger.spendings(*EVER, origins=True))
    assert [one.key for one in every] == ["batch/lost", *(f"batch/o{n}" for n in range(5))]
    assert [one.in_doubt for one in every] == [True, *[False] * 5]
    assert {one.origin and one.origin.by for one in every} == {ANN}
    some = list(ledger.spendings(today + timedelta(days=1), today + timedelta(days=3), origins=False))
    assert [(one.key, one.day.day, one.origin) for one in some] == [
        (f"batch/o{n}", today.day + n, None) for n in (1, 2, 3)
    ]
    assert list(store.open("other").spendings(*EVER, origins=True)) == []


def test_keys_are_text(store: SqliteStore) -> None:
    """A spending names its batch whatever follows the name: a generation, or the day before a term."""
    with held(store, ANN) as hold:
        for n, renewed in enumerate((OrderKey("batch", "one", 3), OrderKey("batch", "one", 3, "2026-12-31"))):
            wanted = claim("one")
            request = replace(wanted.request, key=renewed)
            hold.settle(hold.claim(replace(wanted, request=request)), placed(f"id-{n}"))
    every = list(store.open().spendings(*EVER, origins=True))
    assert [(one.key, one.batch) for one in every] == [
        ("batch/one#3", "batch"),
        ("batch/one#3@2026-12-31", "batch"),
    ]
    assert all(one.origin and one.origin.by == ANN for one in every)
