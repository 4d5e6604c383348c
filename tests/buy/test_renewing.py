"""Renewals by the ten steps of a purchase, on real parts."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from runner.core.orders import OrderKey
from tests.buy.desk import MANIFEST
from tests.buy.renewing import KEYS, Fast, renewer, statuses
from tests.buy.test_protocol import STEPS, Died, die_at


def test_renewals_are_bought_once_and_known_by_order_and_term(tmp_path: Path) -> None:
    """Each order gets one term, on record under its key and the day before it, with what it cost."""
    with renewer(tmp_path) as r:
        report = r.renew()
        assert statuses(report) == ["placed"] * 3
        assert [len(terms) for terms in r.terms().values()] == [1, 1, 1]
        records = r.records()
        for entry in report.orders:
            record = records[str(entry.request.key)]
            assert record.order_id == f"{entry.request.renews}@{entry.request.key.term}"
            assert record.total is not None
            assert record.total == entry.quote.total
        assert len({record.order_id for record in records.values()}) == 6


@pytest.mark.parametrize("step", STEPS)
def test_a_death_at_any_step_of_a_renewal_never_pays_a_term_twice_or_forgets_it(step: str, tmp_path: Path) -> None:
    """Dead at a step of the second renewal: what may be at the vendor is in doubt, and settled by the end dates."""
    with renewer(tmp_path) as r:
        with pytest.raises(Died):
            r.renew(crash_point=die_at(step))
        one, two, *_ = r.world.states("one", "two")
        assert (one, two) == ("placed", "placed"), "the orders themselves are what they were"
        r.reconcile(minutes=21)
        assert not r.claims(), "either the end moved, or nothing did and the waiting time is over"
        placed = {record.order_id for record in r.records().values() if record.renews and record.order_id}
        renewed = {order_id for order_id, terms in r.terms().items() if terms}
        assert {str(order_id).partition("@")[0] for order_id in placed} == renewed, (
            "what was bought is on record, no more"
        )
        left = [key for key in KEYS if r.records()[str(key)].order_id not in renewed]
        r.renew(*left)
        assert {len(terms) for terms in r.terms().values()} == {1}
        assert len(r.terms()) == 3


MAKE_FAULTS = {
    "renew-reset-before": ("unknown", 0),
    "renew-reset-after": ("unknown", 1),
    "renew-close-before": ("unknown", 0),
    "renew-close-after": ("unknown", 1),
    "renew-silent-before": ("unknown", 0),
    "renew-silent-after": ("unknown", 1),
    "renew-500-before": ("unknown", 0),
    "renew-502-after": ("unknown", 1),
    "renew-cut-body": ("unknown", 1),
    "renew-html-after": ("unknown", 1),
    "renew-empty-after": ("unknown", 1),
    "renew-error-with-data": ("unknown", 1),
    "renew-error-with-data-before": ("unknown", 0),
    "renew-busy": ("unknown", 0),
    "renew-no-id": ("placed", 1),
    "renew-429:0": ("placed", 1),
    "renew-triple": ("rejected", 0),
}


@pytest.mark.parametrize(("fault", "status", "made"), [(f, *w) for f, w in MAKE_FAULTS.items()], ids=str)
def test_every_fault_of_a_renewal_ends_as_the_table_says(fault: str, status: str, made: int, tmp_path: Path) -> None:
    """A fault in the second renewal: what is not certain stops the batch and is settled by the end dates alone."""
    kind, _, argument = fault.partition(":")
    with renewer(tmp_path) as r:
        r.box.add_fault(f"{kind}@2" + (f":{argument}" if argument else ""))
        r.world.money_timeout = 0.5
        report = r.renew()
        assert sum(r.box.fault_counts.values()) == 1
        assert statuses(report) == ["placed", status, "placed" if status == "placed" else "planned"]
        assert len(r.box.renewals) == 1 + made + (status == "placed")
        assert [claim.record.key for claim in r.claims()] == (
            [report.orders[1].request.key] if status == "unknown" else []
        )
        settled = r.reconcile(minutes=21)
        assert [verdict.ruling for verdict in settled.verdicts.values()] == (
            ["placed" if made else "absent"] if status == "unknown" else []
        )
        left = [entry.request.key.purchase for entry in report.orders if not r.records_of(entry.request.key)]
        r.renew(*left) if left else None
        assert sorted(Counter(str(term[0]) for e in r.box.renewals for term in e.terms).values()) == [1, 1, 1]


def test_a_term_that_somebody_bought_meanwhile_is_not_bought_again(tmp_path: Path) -> None:
    """Renewed in the dashboard between plan and purchase: the rows are read again, and the renewal is refused."""
    with renewer(tmp_path) as r:
        r.clock = Fast()
        report = r.renew(between=lambda: (r.clock.wait(61), r.by_hand("one"))[0])
        assert statuses(report) == ["refused", "placed", "placed"]
        assert "renewed meanwhile" in str(report.orders[0].reason)
        assert [e.by for e in r.box.renewals] == ["hand", "client", "client"]


def test_rows_that_are_other_rows_now_are_those_that_are_paid_for(tmp_path: Path) -> None:
    """New ids of the same rows, as a replacement makes them, are priced anew, and those just read are sent."""
    with renewer(tmp_path) as r:
        r.clock = Fast()

        def replace_rows() -> None:
            r.clock.wait(61)
            r.box.dashboard.replace(r.order_id("one"), new_ids=True)

        report = r.renew(KEYS[0], between=replace_rows)
        assert statuses(report) == ["placed"]
        asked = Counter(request.endpoint for request in r.box.requests)
        assert (asked["prolong/make/ipv4"], asked["prolong/calc/ipv4"]) == (1, 2), asked
        assert report.orders[0].body is not None
        planned = report.orders[0].request.term
        assert planned is not None
        assert set(report.orders[0].body["ids"]).isdisjoint(map(int, planned.row_ids))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("withhold", "it had 2 proxies when it was planned, and has 1 now"),
        ("arm", "the vendor renews it by itself: that was armed"),
        ("relabel", "the vendor's lists do not show its order any more"),
    ],
)
def test_a_term_that_is_not_as_it_was_planned_is_not_bought(what: str, words: str, tmp_path: Path) -> None:
    """Rows that are gone, an armed renewal of the vendor's own, an order that is not listed: refused, the rest goes on."""
    with renewer(tmp_path) as r:
        r.clock = Fast()

        def change() -> None:
            r.clock.wait(61)
            order_id, dashboard = r.order_id("one"), r.box.dashboard
            if what == "withhold":
                dashboard.withhold(order_id, rows=1)
            elif what == "arm":
                dashboard.arm(order_id, period="1m")
            else:
                dashboard.relabel(order_id, like=r.order_id("three"))

        report = r.renew(KEYS[0], KEYS[1], between=change)
        assert statuses(report) == ["refused", "placed"]
        assert report.orders[0].reason == f"not renewed: {words}"
        assert [finding.problem.code for finding in report.orders[0].errors] == ["PSR413"]
        assert len(r.box.renewals) == 1
        assert all(record.renews is None or record.key.name == "two" for record in r.records().values())


def test_what_was_read_a_moment_ago_serves_every_renewal(tmp_path: Path) -> None:
    """Eighty renewals ask the vendor at most 2.1 times each: one price, one renewal, and what they share."""
    orders = "\n".join(f"  - {{name: n{n}, type: ipv4, countryId: 561, quantity: {n % 2 + 1}}}" for n in range(80))
    text = MANIFEST.partition("orders:")[0] + f"orders:\n{orders}\n"
    with renewer(tmp_path, manifest=text) as r:
        before = len(r.box.requests)
        report = r.renew(*(OrderKey("b", f"n{n}") for n in range(80)))
        assert set(statuses(report)) == {"placed"}
        asked = Counter(request.endpoint for request in r.box.requests[before:])
        assert sum(asked.values()) <= 2.1 * 80, asked
        assert (asked["prolong/calc/ipv4"], asked["prolong/make/ipv4"]) == (80, 80)


@pytest.mark.parametrize("jobs", [2, 8])
def test_renewals_of_several_orders_are_in_flight_together_and_each_is_paid_once(jobs: int, tmp_path: Path) -> None:
    """With faults among them: what is lost is settled by the end dates of its own order, whatever the others did."""
    orders = "\n".join(f"  - {{name: n{n}, type: ipv4, countryId: 561, quantity: {n % 3 + 1}}}" for n in range(16))
    text = MANIFEST.partition("orders:")[0] + f"orders:\n{orders}\n"
    keys = [OrderKey("b", f"n{n}") for n in range(16)]
    faults = ["renew-slow@3:0.3", "renew-reset-after@5", "renew-close-before@7", "renew-502-after@8", "renew-429@2:0"]
    with renewer(tmp_path, manifest=text) as r:
        for fault in faults:
            r.box.add_fault(fault)
        for _ in range(12):
            records = r.records()
            bought = {record.key.purchase for record in records.values() if record.renews and record.order_id}
            left = [key for key in keys if key not in bought]
            if not left:
                break
            r.renew(*left, jobs=jobs)
            r.reconcile(minutes=21)
            assert not r.claims()
        sold = Counter(str(term[0]) for extension in r.box.renewals for term in extension.terms)
        assert sorted(sold.values()) == [1] * 16
        assert sum(record.renews is not None and bool(record.order_id) for record in r.records().values()) == 16


def test_a_renewal_that_the_ledger_cannot_take_is_kept_and_read_by_the_next_run(tmp_path: Path) -> None:
    """The emergency file takes a term as it takes an order: the next hold enters it, and it is not bought again."""
    with renewer(tmp_path) as r:
        with r.failing_settlement():
            report = r.renew(KEYS[0])
        assert [finding.problem.code for finding in report.errors] == ["PSR602"]
        assert len(r.box.renewals) == 1
        r.renew(KEYS[1])
        record = r.records()[str(report.orders[0].request.key)]
        assert record.order_id == f"{r.order_id('one')}@{record.key.term}"
        assert len(r.box.renewals) == 2
