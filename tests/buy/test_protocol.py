"""The purchase protocol on real parts, step by step."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from runner.core.clock import SystemClock
from runner.core.errors import Cancelled, ExitCode, LedgerUnusable
from runner.core.ledger import Hold, Ledger
from runner.core.orders import OrderKey
from runner.core.progress import Notice
from runner.core.records import Attempt, Holder, Record, Settlement
from runner.core.stop import Stop
from runner.limits.limits import Limits
from runner.plan.plan import Plan
from tests.buy.desk import MANIFEST, statuses, world

STEPS = ("2", "3", "4", "5", "6", "7", "8", "9")


class Died(BaseException):
    """Stands for a death of the process between two steps."""


def die_at(step: str, order: int = 2) -> Callable[[str], None]:
    seen: Counter[str] = Counter()

    def crash_point(reached: str) -> None:
        seen[reached] += 1
        if reached == step and seen[step] == order:
            raise Died

    return crash_point


def test_the_claim_is_durable_before_the_vendor_hears_anything(tmp_path: Path) -> None:
    """When the guard is asked, another connection reads `submitted` from the ledger and the vendor has nothing."""
    seen: list[tuple[list[str], int]] = []
    with world(tmp_path) as w:

        def look(reached: str) -> None:
            if reached == "6":
                with sqlite3.connect(w.ledger_path) as ledger:
                    claimed = [key for (key,) in ledger.execute("SELECT key FROM orders WHERE state = 'submitted'")]
                ledger.close()
                seen.append((claimed, len(w.box.purchases)))

        w.apply(crash_point=look)
    assert seen == [(["b/one"], 0), (["b/two"], 1), (["b/three"], 2)]


def test_steps_come_in_their_order(tmp_path: Path) -> None:
    """Each order passes the numbered steps once, in the order of the list."""
    reached: list[str] = []
    with world(tmp_path) as w:
        w.apply(crash_point=reached.append)
    assert reached == [*STEPS] * 3


@pytest.mark.parametrize("step", STEPS)
def test_a_death_at_any_step_never_buys_twice_or_forgets(step: str, tmp_path: Path) -> None:
    """Dead at a step of the second order: what may be at the vendor is never called unbought, or bought again."""
    with world(tmp_path) as w:
        try:
            first = w.apply(crash_point=die_at(step))
        except Died:
            first = None
        bought = len(w.box.purchases)
        second = w.apply()
        names = Counter(purchase.body["quantity"] for purchase in w.box.purchases)
        assert max(names.values()) == 1
        if step in {"2", "3", "4", "8", "9"}:  # before the claim, or after the settlement
            assert statuses(second).count("unknown") == 0
            assert second.report.exit_code is ExitCode.OK
            assert len(w.box.purchases) == 3
        else:
            assert w.states() == ["placed", "unknown", None]
            assert second.report.exit_code is ExitCode.OUTCOME_UNKNOWN
            assert len(w.box.purchases) == bought
        assert first is None


MAKE_FAULTS = {
    "reset-before": "unknown",
    "reset-after": "unknown",
    "close-before": "unknown",
    "close-after": "unknown",
    "silent-before": "unknown",
    "silent-after": "unknown",
    "500-before": "unknown",
    "502-after": "unknown",
    "cut-body": "unknown",
    "html-after": "unknown",
    "empty-after": "unknown",
    "no-id": "unknown",
    "error-with-data": "unknown",
    "429:0": "placed",
    "triple": "rejected",
}


@pytest.mark.parametrize(("fault", "status"), MAKE_FAULTS.items(), ids=str)
def test_every_fault_ends_as_the_table_says(fault: str, status: str, tmp_path: Path) -> None:
    """A fault in the second purchase: its outcome is the table's, and only what is certain lets the batch go on."""
    kind, _, argument = fault.partition(":")
    spec = f"{kind}@2" + (f":{argument}" if argument else "")
    with world(tmp_path, faults=[spec]) as w:
        w.money_timeout = 0.5
        outcome = w.apply()
        assert sum(w.box.fault_counts.values()) == 1
        goes_on = status == "placed"
        assert statuses(outcome) == ["placed", status, "placed" if goes_on else "planned"]
        assert w.states() == ["placed", status, "placed" if goes_on else None]
        tried = [purchase.body["quantity"] for purchase in w.box.purchases]
        assert max(Counter(tried).values()) == 1
        again = w.apply()
        assert max(Counter(purchase.body["quantity"] for purchase in w.box.purchases).values()) == 1
        if status == "unknown":
            assert again.report.exit_code is ExitCode.OUTCOME_UNKNOWN
            assert statuses(again) == ["already_placed", "unknown", "planned"]


def test_an_unknown_outcome_names_what_it_may_have_cost(tmp_path: Path) -> None:
    """The report counts the quote of an unknown order as possibly spent, in this run and in the next."""
    with world(tmp_path, faults=["reset-after@1"]) as w:
        first = w.apply().report
        second = w.apply().report
        price = w.box.purchases[0].total
    assert first.spent_possible == second.spent_possible == price
    assert first.spent_confirmed == 0
    assert first.unexplained_change == price


class FrozenClock(SystemClock):
    """Jumps ten seconds ahead when it is told to, as a process does that was stopped."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


def test_a_claim_that_has_grown_old_is_not_sent(tmp_path: Path) -> None:
    """A process frozen between claim and write sends nothing when it wakes; the order is tried again, once."""
    clock = FrozenClock()

    def freeze(reached: str) -> None:
        if reached == "5" and not clock.ahead:
            clock.ahead = 10.0

    with world(tmp_path) as w:
        outcome = w.apply(clock=clock, crash_point=freeze)
        assert statuses(outcome) == ["placed"] * 3
        assert [attempt.outcome for attempt in outcome.report.orders[0].attempts] == ["not_sent", "placed"]
        assert sum(request.endpoint == "order/make" for request in w.box.requests) == 3


def test_a_stop_between_claim_and_write_sends_nothing(tmp_path: Path) -> None:
    """A signal that comes while the order is claimed leaves it planned, and the vendor untouched by it."""
    stop = Stop()

    def ask(reached: str) -> None:
        if reached == "5":
            stop.request()

    with world(tmp_path) as w:
        outcome = w.apply(stop=stop, crash_point=ask)
        assert statuses(outcome) == ["planned"] * 3
        assert outcome.report.exit_code is ExitCode.CANCELLED
        assert w.states() == ["planned", None, None]
        assert not w.box.purchases


def test_a_stop_during_the_answer_records_it_and_begins_nothing_more(tmp_path: Path) -> None:
    """A signal that comes after the write lets the call finish: one bought and recorded, two planned."""
    stop = Stop()

    def ask(reached: str) -> None:
        if reached == "7":
            stop.request()

    with world(tmp_path) as w:
        outcome = w.apply(stop=stop, crash_point=ask)
        assert statuses(outcome) == ["placed", "planned", "planned"]
        assert outcome.report.exit_code is ExitCode.CANCELLED
        assert w.states() == ["placed", None, None]


class DeafLedger:
    """A ledger that takes claims and, from some moment on, no settlement: the disk is full."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def __getattr__(self, name: str) -> object:
        return getattr(self._ledger, name)

    @contextmanager
    def hold(self, holder: Holder, *, timeout: float) -> Iterator[Hold]:
        with self._ledger.hold(holder, timeout=timeout) as hold:
            yield DeafHold(hold)  # type: ignore[misc]


class DeafHold:
    def __init__(self, hold: Hold) -> None:
        self._hold = hold

    def __getattr__(self, name: str) -> object:
        return getattr(self._hold, name)

    def settle(self, attempt: Attempt, settlement: Settlement) -> Record:
        raise LedgerUnusable("the disk is full")


def test_a_settlement_that_cannot_be_stored_is_kept_and_read_by_the_next_run(tmp_path: Path) -> None:
    """The purchase goes to the emergency file, is named on stderr, and the next run knows it as placed."""
    with world(tmp_path) as w:
        outcome = w.apply(wrap=DeafLedger)  # type: ignore[arg-type]
        assert statuses(outcome) == ["placed", "planned", "planned"]
        assert outcome.report.exit_code is ExitCode.OUTCOME_UNKNOWN
        told = [event.text for event in w.events if isinstance(event, Notice)]
        assert any("b/one" in text and str(w.box.purchases[0].order_id) in text for text in told)
        assert w.states() == ["submitted", None, None]
        again = w.apply()
        assert statuses(again) == ["already_placed", "placed", "placed"]
        assert again.report.orders[0].result is not None
        assert again.report.orders[0].result.order_id == str(w.box.purchases[0].order_id)
        assert len(w.box.purchases) == 3


def test_an_overcharge_is_recorded_and_stops_the_batch(tmp_path: Path) -> None:
    """More was taken than quoted: it is placed at its real price, flagged, and nothing more is bought."""
    with world(tmp_path, faults=["overcharge@1:50"]) as w:
        outcome = w.apply()
        first = outcome.report.orders[0]
        assert statuses(outcome) == ["placed", "planned", "planned"]
        assert [finding.problem.code for finding in first.errors] == ["PSR505"]
        record = w.record("one")
        assert record is not None
        assert record.total == w.box.purchases[0].total
        assert record.quote_total is not None
        assert record.total > record.quote_total


def test_one_list_of_orders_serves_a_batch(tmp_path: Path) -> None:
    """The before witness, two lists, is read once for a type and stored once, however many orders share it."""
    with world(tmp_path) as w:
        w.apply()
        assert sum(request.endpoint == "proxy/list/ipv4" for request in w.box.requests) == 2
        with sqlite3.connect(w.ledger_path) as ledger:
            assert ledger.execute("SELECT count(*) FROM witnesses").fetchone() == (1,)
        ledger.close()


def test_a_refused_confirmation_buys_nothing(tmp_path: Path) -> None:
    """Whoever does not type the total has bought nothing, and the report says so."""

    def refuse(_: Plan) -> None:
        raise Cancelled("not confirmed")

    with world(tmp_path) as w:
        outcome = w.apply(confirm=refuse)
        assert outcome.report.exit_code is ExitCode.CANCELLED
        assert not w.box.purchases
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["run"]["exit"] == {"code": 8, "name": "cancelled"}


def test_limits_refuse_the_batch_before_money_moves(tmp_path: Path) -> None:
    """A batch above --max-spend is refused whole."""
    with world(tmp_path) as w:
        outcome = w.apply(limits=Limits(max_spend=Decimal("0.01")))
        assert outcome.report.exit_code is ExitCode.REFUSED
        assert not w.box.purchases
        assert w.states() == [None, None, None]


def test_two_orders_are_never_given_one_vendor_order(tmp_path: Path) -> None:
    """An order id the ledger already owns is no purchase of another order: it stays unknown and names the owner."""
    with world(tmp_path) as w:
        w.apply(MANIFEST)
        with sqlite3.connect(w.ledger_path) as ledger:
            ledger.execute("UPDATE orders SET order_id = ? WHERE key = 'b/one'", (str(2426273 + 3),))
            ledger.commit()
        ledger.close()
        outcome = w.apply(MANIFEST + "  - {name: four, type: ipv4, countryId: 561, quantity: 5}\n")
        assert outcome.report.exit_code is ExitCode.OUTCOME_UNKNOWN
        assert statuses(outcome)[-1] == "unknown"
        record = w.record("four")
        assert record is not None
        assert "one" in (record.reason or "")
        assert OrderKey("b", "four") == record.key
