"""What was spent, as table, CSV and JSON: the same figures, and hostile names that do nothing."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from runner.settle.sums import Spent, Sum
from runner.views import spent as view
from tests.views.conftest import Plain

DOUBT = Sum(orders=1200, spent=Decimal("45.5"), in_doubt=Decimal(9))
SPENT = Spent(
    by=("month", "actor"),
    since=date(2026, 11, 1),
    until=None,
    groups={("2026-11", "ann"): DOUBT, ("2026-12", "bob"): Sum(orders=1, spent=Decimal("1.234"))},
    total=Sum(orders=1201, spent=Decimal("46.734"), in_doubt=Decimal(9)),
)


def text_of(spent: Spent, fmt: str, plain: Plain) -> str:
    view.render(spent, "acme", fmt=fmt, console=plain.console)
    return plain.out


def test_the_table(plain: Plain) -> None:
    """A line a group, doubt in a column of its own, and the total with what it is about."""
    assert text_of(SPENT, "text", plain) == (
        "MONTH    ACTOR  ORDERS  SPENT USD  OF THAT IN DOUBT USD\n"
        "2026-11  ann     1,200      45.50                  9.00\n"
        "2026-12  bob         1      1.234\n"
        "1,201 orders from 2026-11-01: 46.734 USD, of that 9.00 USD in doubt\n"
    )


def test_nothing_spent(plain: Plain) -> None:
    """No group is no table, and says so."""
    nothing = Spent(by=("day",), since=None, until=date(2026, 11, 30), groups={}, total=Sum())
    assert text_of(nothing, "text", plain) == "0 orders to 2026-11-30: 0.00 USD\n"


def test_csv_has_numbers_that_programs_read(plain: Plain) -> None:
    """A header, plain decimals, no thousands separator, no total."""
    rows = list(csv.DictReader(io.StringIO(text_of(SPENT, "csv", plain))))
    assert rows[0] == {
        "month": "2026-11",
        "actor": "ann",
        "orders": "1200",
        "spent": "45.50",
        "in_doubt": "9.00",
        "currency": "USD",
    }
    assert len(rows) == 2


@pytest.mark.parametrize("name", ["=cmd|'/c calc'!A1", "+1", "-1", "@SUM(A1)"])
def test_a_spreadsheet_runs_no_name(name: str, plain: Plain) -> None:
    """A name that a spreadsheet would take for a formula begins with an apostrophe."""
    groups = {("2026-11", name): DOUBT}
    (row,) = csv.DictReader(io.StringIO(text_of(replace(SPENT, groups=groups), "csv", plain)))
    assert row["actor"] == f"'{name}"


@pytest.mark.parametrize("fmt", view.FORMATS)
def test_a_hostile_name_is_data(fmt: str, plain: Plain) -> None:
    """Quotes, commas and line ends of a label break no line, and no escape reaches a terminal."""
    groups = {("2026-11", 'a",b\n::error::\x1b[31m'): DOUBT}
    text = text_of(replace(SPENT, groups=groups), fmt, plain)
    assert "\x1b" not in text
    assert "\n::error" not in text
    if fmt == "csv":
        assert len(list(csv.reader(io.StringIO(text)))) == 2


def test_json(plain: Plain) -> None:
    """Amounts as text, the groups by name, the days and the account it is about."""
    document = json.loads(text_of(SPENT, "json", plain))
    assert document["groups"][1] == {
        "group": {"month": "2026-12", "actor": "bob"},
        "orders": 1,
        "spent": "1.234",
        "in_doubt": "0.00",
    }
    del document["groups"]
    assert document == {
        "version": "1.0",
        "account": "acme",
        "since": "2026-11-01",
        "until": None,
        "by": ["month", "actor"],
        "currency": "USD",
        "total": {"orders": 1201, "spent": "46.734", "in_doubt": "9.00"},
    }
