"""Renewals by the ten steps of a purchase, on real parts."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

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
