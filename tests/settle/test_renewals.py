"""Renewals in doubt: what `reconcile` concludes from end dates and balance, and what a person may say of them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from runner.core.orders import OrderKey
from runner.core.records import Record
from runner.core.states import State
from runner.ledger.sqlite import open_sqlite
from tests.settle.conftest import IPV4, Desk

UNTIL = (datetime.now(UTC) + timedelta(days=400)).date()
RENEWED = IPV4 + f', renew: {{until: "{UNTIL}", periodId: 1m, within: 5d}}'

SLOW = "slow:1.5 renew-slow:1.5"
"""So that both are in flight before one is answered."""


def due(desk: Desk) -> int:
    """Buy an order, and let it be so old that it ends in a few days; its id."""
    assert desk.apply(RENEWED) == 0
    made: int = desk.box.purchases[0].order_id
    desk.box.dashboard.age(made, days=28)
    return made


def renewal(desk: Desk) -> Record:
    """The one renewal that the ledger knows."""
    with closing(open_sqlite(desk.ledger, "default", read_only=True)) as ledger:
        (record,) = ledger.renewals([OrderKey("b", "n0")])[OrderKey("b", "n0")]
        return record


def evidence(desk: Desk, event: str) -> dict[str, Any]:
    with closing(sqlite3.connect(desk.ledger)) as raw:
        (text,) = raw.execute("SELECT detail FROM order_events WHERE event = ? ORDER BY seq DESC", (event,)).fetchone()
    found: dict[str, Any] = json.loads(text)["evidence"]
    return found


def test_a_renewal_that_was_made_is_placed_by_its_end_dates_at_once(desk: Desk) -> None:
    """No id, no exclusive account and no waiting time are needed: all proxies end a month later."""
    made = due(desk)
    assert desk.apply(RENEWED, fault="renew-reset-after") == 7
    code, text = desk.run("reconcile")
    record = renewal(desk)
    assert code == 0, text
    assert f"placed  {record.key}  order {made}@{record.key.term}  3.60 USD  ipv4, renews order {made}" in text
    assert (record.state, record.order_id, record.total) == (State.PLACED, f"{made}@{record.key.term}", Decimal("3.60"))
    assert desk.apply(RENEWED) == 0
    assert len(desk.box.renewals) == 1


def test_a_renewal_that_was_not_made_is_absent_after_the_waiting_time_and_then_bought_once(desk: Desk) -> None:
    """Nothing moved: first it may still show, then the next run buys it."""
    due(desk)
    assert desk.apply(RENEWED, fault="renew-reset-before") == 7
    code, text = desk.run("reconcile")
    assert code == 7
    assert "may still appear" in text
    assert desk.apply(RENEWED) == 7, "in doubt it is not repeated, and blocks the account"
    assert desk.run("reconcile", "--settle-after", "0s")[0] == 0
    assert renewal(desk).state is State.ABSENT
    assert evidence(desk, "reconciled")["why"].startswith("its proxies end as they did before")
    assert desk.apply(RENEWED) == 0
    assert renewal(desk).state is State.PLACED
    assert len(desk.box.renewals) == 1


@pytest.mark.parametrize(
    ("faults", "why"),
    [
        ("renew-half renew-reset-after", "1 of its 2 proxies have the new end, the others the old one"),
        ("renew-unmoved renew-reset-after", "the balance fell by 3.60"),
    ],
)
def test_what_end_dates_and_balance_do_not_agree_on_stays_open(desk: Desk, faults: str, why: str) -> None:
    """Paid for, but moved in part or not at all: a person has to look."""
    due(desk)
    assert desk.apply(RENEWED, fault=faults) == 7
    code, text = desk.run("reconcile", "--settle-after", "0s")
    assert code == 7
    assert why in text
    assert f"order-runner resolve {renewal(desk).key} --placed\n" in text, "an order id is not asked for"


def test_an_order_that_shows_under_another_id_stays_open(desk: Desk) -> None:
    """What the lists do not show any more is not called absent."""
    made = due(desk)
    assert desk.apply(RENEWED, fault="renew-reset-before") == 7
    desk.box.dashboard.renew(made, new_id=True)
    code, text = desk.run("reconcile", "--settle-after", "0s")
    assert code == 7
    assert "the vendor's lists do not show its order any more" in text


def test_a_term_that_somebody_else_bought_is_bought(desk: Desk) -> None:
    """Lost and not made, then renewed in the dashboard: the term is there, and is not bought again."""
    made = due(desk)
    assert desk.apply(RENEWED, fault="renew-reset-before") == 7
    desk.box.dashboard.renew(made)
    assert desk.run("reconcile")[0] == 0
    assert renewal(desk).state is State.PLACED
    assert desk.apply(RENEWED) == 0
    assert [one.by for one in desk.box.renewals] == ["hand"]


def test_a_purchase_in_doubt_beside_a_renewal_is_settled_by_what_the_renewal_leaves_of_the_balance(desk: Desk) -> None:
    """Both answers are lost; the renewal was made, the order was not: each is found out, on a shared account too."""
    due(desk)
    assert desk.apply(RENEWED, IPV4, fault=f"{SLOW} reset-before renew-reset-after", options=("--jobs", "2")) == 7
    assert len(desk.box.purchases) + len(desk.box.renewals) == 2
    code, text = desk.run("reconcile", "--settle-after", "0s")
    assert code == 0, text
    assert (renewal(desk).state, desk.record("n1").state) == (State.PLACED, State.ABSENT)


def test_a_renewal_that_stays_open_keeps_a_purchase_open(desk: Desk) -> None:
    """It may have moved the balance by any amount, so that the balance says nothing of the order."""
    due(desk)
    faults = f"{SLOW} reset-before renew-half renew-reset-after"
    assert desk.apply(RENEWED, IPV4, fault=faults, options=("--jobs", "2")) == 7
    code, rulings = desk.rulings("--settle-after", "0s", "--exclusive")
    assert code == 7
    assert {ruling["ruling"] for ruling in rulings.values()} == {"open"}
    assert "may have moved the balance" in rulings["n1"]["reason"]


def test_a_person_settles_a_renewal_without_an_order_id(desk: Desk) -> None:
    """`resolve KEY@END --placed` is enough: the term is what the ledger knows it by."""
    made = due(desk)
    desk.apply(RENEWED, fault="renew-reset-before")
    key = renewal(desk).key
    code, text = desk.run("resolve", key, "--placed", "--reason", "seen on the dashboard", "--yes")
    assert (code, text) == (0, f"{key} is now placed, recorded for alice (by USER): seen on the dashboard\n")
    assert renewal(desk).order_id == f"{made}@{key.term}"
    assert renewal(desk).reason == "alice decided: bought; seen on the dashboard"
    assert "vendor_id" not in evidence(desk, "resolved")


def test_an_order_id_that_a_person_gives_for_a_renewal_is_kept_as_evidence(desk: Desk) -> None:
    """The dashboard may show a number of its own for it: that is no order of the ledger's."""
    made = due(desk)
    desk.apply(RENEWED, fault="renew-reset-before")
    key = renewal(desk).key
    assert desk.run("resolve", key, "--placed", "3388536", "--yes")[0] == 0
    assert renewal(desk).order_id == f"{made}@{key.term}"
    assert evidence(desk, "resolved")["vendor_id"] == "3388536"
    with closing(open_sqlite(desk.ledger, "default", read_only=True)) as ledger:
        assert ledger.owners(["3388536", str(made)]) == {str(made): OrderKey("b", "n0")}


def test_a_person_calls_a_renewal_absent_as_any_order(desk: Desk) -> None:
    """Before the waiting time it takes more words; then the next run buys it."""
    due(desk)
    desk.apply(RENEWED, fault="renew-reset-before")
    command = ("resolve", renewal(desk).key, "--absent", "--reason", "the dashboard shows the old end", "--yes")
    assert desk.run(*command)[0] == 5
    assert desk.run(*command, "--accept-possible-second-purchase")[0] == 0
    assert desk.apply(RENEWED) == 0
    assert len(desk.box.renewals) == 1


def test_what_cannot_be_said_of_a_renewal_is_refused(desk: Desk) -> None:
    """A purchase needs its id, a renewal that is not in doubt is neither adopted nor settled, and no term is a stranger."""
    made = due(desk)
    assert desk.apply(RENEWED) == 0
    key = renewal(desk).key
    desk.lose("a")
    for arguments, code, words in (
        (("b/a", "--placed", "--yes"), 2, "--placed needs the vendor's id of the order"),
        ((f"b/a@{key.term}", "--placed", "--yes"), 2, f"b/a@{key.term} is a renewal: the ledger has none of that key"),
        ((key, "--placed", "--yes"), 5, f"{key} is not in doubt: it is placed as order {made}@{key.term}"),
        (("--not-mine", f"{made}@{key.term}", "--reason", "r", "--yes"), 2, "is not an order id"),
        (("b/a@2026-02-30", "--placed", "--yes"), 2, "is not an order key"),
    ):
        told = desk.run("resolve", *arguments)
        assert told[0] == code, told
        assert words in told[1]


def test_a_renewal_that_was_refused_is_not_adopted(desk: Desk) -> None:
    """Whether its term was bought after all a plan sees by the end date: there is nothing to adopt."""
    due(desk)
    assert desk.apply(RENEWED, fault="renew-triple") == 3
    key = renewal(desk).key
    code, text = desk.run("resolve", key, "--placed", "--yes")
    assert code == 5
    assert f"{key} is not in doubt: it is rejected, and a renewal is not adopted" in text
    assert "a plan goes by the end of the order as the vendor shows it" in text


def test_status_says_what_to_do_about_a_renewal_in_doubt(desk: Desk) -> None:
    """It is named by its order and term, with the commands that settle it."""
    made = due(desk)
    desk.apply(RENEWED, fault="renew-reset-before")
    key = renewal(desk).key
    _, text = desk.run("status")
    assert f"{key}: ipv4, renews order {made}, {key.term}" in text
    assert f"  order-runner resolve {key} --placed\n" in text
    assert f"  order-runner reconcile {key}\n" in text


def test_a_ledger_with_renewals_is_exported_imported_and_verified(desk: Desk) -> None:
    """Their keys and terms go through a backup like any other; what was in doubt is so afterwards, with its ends."""
    due(desk)
    desk.apply(RENEWED, fault="renew-reset-after")
    export, copy = desk.folder / "export.ndjson", desk.folder / "copy.sqlite3"
    assert desk.run("ledger", "verify")[0] == 0
    assert desk.run("ledger", "export", "-o", export)[0] == 0
    assert desk.run("ledger", "import", export, "--ledger", copy)[0] == 0
    assert desk.run("ledger", "verify", "--ledger", copy)[0] == 0
    with closing(open_sqlite(copy, "default", read_only=True)) as ledger:
        (claim,) = ledger.open_claims()
        assert claim.record.key == renewal(desk).key
        assert [count for _, count in claim.ends] == [2]
