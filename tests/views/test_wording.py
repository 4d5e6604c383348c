"""How an order, and a renewal, are told in one line, from a request, a record or a report."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

from runner.core.renewals import Term
from runner.plan.plan import Plan
from runner.views.formats.facts import what_of
from runner.views.formats.plan_markdown import lines
from runner.views.wording import what
from tests.make import entry, order, renewal, step

LINE = "ipv4, renews order 77, 2026-12-29 → 2027-01-28"


def test_an_order_is_told_by_what_it_buys() -> None:
    assert what("ipv4", order().fields) == "ipv4, 10 × country 561, 1m"


def test_a_renewal_is_told_by_its_order_and_both_ends() -> None:
    """The same in every view; the month of the vendor has 30 days."""
    assert what("ipv4", renewal().fields) == LINE
    assert what_of(json.loads(entry(request=renewal()).text)) == LINE


def test_a_period_that_nobody_knows_has_no_end() -> None:
    assert what("ipv4", renewal(period="forever").fields) == "ipv4, renews order 77, 2026-12-29 → later"


def test_a_report_says_what_a_renewal_renews_and_nothing_of_a_purchase() -> None:
    told = json.loads(entry(request=renewal()).text)
    assert told["renews"] == {"order_id": "77", "ends": "2026-12-29", "new_end": "2027-01-28"}
    assert json.loads(entry().text)["renews"] is None


def test_a_plan_in_markdown_has_the_rows_and_the_period_of_a_renewal() -> None:
    term = Term(order_id="77", row_ids=("1", "2"), ends=((date(2026, 12, 29), 2),))
    request = replace(renewal(), term=term)
    (row,) = [
        line
        for line in lines(Plan(steps=(step(request, "10.00"),)), problems=(), not_checked=(), frame=None)
        if "@" in line
    ]
    assert (
        row
        == "| `b/a@2026-12-29` | `ipv4` | `renews order 77, 2026-12-29 → 2027-01-28` | `2` | `1m` |  | 10.00 | 10.00 |"
    )
