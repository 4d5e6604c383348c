"""The rows of `status`: which orders, in which order, and what each is expected to have cost."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from runner.core.orders import OrderKey
from runner.core.states import State
from runner.settle.status import StatusRow, disputed_records, every_row, everything, newest, rows_of
from tests.make import AT, Books, order, record

OPEN = {State.SUBMITTED, State.UNKNOWN}


def names(rows: list[StatusRow]) -> list[tuple[str, str, bool]]:
    return [(row.key.name, row.state.value, row.wanted) for row in rows]


def test_manifests_first_then_what_is_open_beside_them() -> None:
    """Orders of manifests in their order, never bought or not, then every open order once that none of them wants."""
    books = Books(
        record(order("b"), State.PLACED),
        record(order("a"), State.UNKNOWN),
        record(order("z"), State.SUBMITTED),
        record(order("done"), State.PLACED),
    )
    rows = rows_of(books, [order("b"), order("a"), order("new")])
    assert names(rows) == [
        ("b", "placed", True),
        ("a", "unknown", True),
        ("new", "planned", True),
        ("z", "submitted", False),
    ]
    assert [row.source is not None for row in rows] == [True, True, True, False]


def test_without_manifests_the_ledger_is_all_there_is() -> None:
    """Every order of the account is a row."""
    assert names(every_row(Books(record(order("a")), record(order("z"), State.REJECTED)))) == [
        ("a", "placed", True),
        ("z", "rejected", True),
    ]


def test_the_account_in_short_and_in_full() -> None:
    """Open orders and the newest of the settled ones, or all; either counts every order, open states first."""
    settled = [record(order(f"o{n}"), updated_at=AT + timedelta(seconds=n)) for n in range(5)]
    books = Books(*settled, record(order("lost"), State.UNKNOWN), record(order("no"), State.REJECTED, updated_at=AT))
    short, full = newest(books, 2), everything(books)
    assert [row.key.name for row in (*short.open, *short.rest())] == ["lost", "o3", "o4"]
    assert [row.key.name for row in (*full.open, *full.rest())] == ["lost", "o0", "o1", "o2", "o3", "o4", "no"]
    assert (short.more, full.more) == (4, 0)
    for overview in (short, full):
        assert (overview.total, next(iter(overview.counts))) == (7, State.UNKNOWN)


@pytest.mark.parametrize("state", State)
def test_open_is_where_money_may_have_moved(state: State) -> None:
    """Submitted and unknown are open, and nothing else."""
    assert StatusRow(key=OrderKey("b", "a"), state=state, wanted=True).open is (state in OPEN)


def test_a_row_costs_what_was_charged_or_else_expected() -> None:
    """The vendor's total, a total of nothing included; the quote where there is none; unknown where nothing was tried."""
    key = OrderKey("b", "a")
    for changes, total in (({"total": Decimal(7)}, 7), ({"total": Decimal(0)}, 0), ({}, 3)):
        known = record(order(), **changes)
        assert StatusRow(key=key, state=known.state, wanted=True, record=known).total == total
    assert StatusRow(key=key, state=State.PLANNED, wanted=True).total is None


def test_a_stray_order_id_that_nobody_has_is_disputed() -> None:
    """An order that could be bought again, though the vendor once answered with an id that is nobody's by now."""
    stray = record(order("stray"), State.ABSENT, stray_order_id="900")
    owned = record(order("owned"), State.ABSENT, stray_order_id="901")
    settled = record(order("settled"), State.PLACED, stray_order_id="902")
    books = Books(stray, owned, settled, record(order("plain"), State.ABSENT), owners={"901": OrderKey("b", "other")})
    assert disputed_records(books.all, books) == [stray]
