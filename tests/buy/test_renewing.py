"""Renewals by the ten steps of a purchase, on real parts."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from tests.buy.renewing import KEYS, renewer, statuses
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
