"""The current term of an order, from the rows that the vendor shows of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from runner.core.renewals import Term, change_of, counted_ends, new_end, same_term, term_id
from runner.core.vendor import ListedProxy, terms_of_rows
from tests import make

EARLY, LATE = date(2026, 12, 29), date(2027, 1, 28)


def row(order_id: str, row_id: str, ends: date | None, *, armed: bool = False) -> ListedProxy:
    return ListedProxy(
        type="ipv4", order_id=order_id, row_id=row_id, ip=f"192.0.2.{row_id}", ends=ends, auto_renewed=armed
    )


def test_rows_without_an_end_are_not_counted_among_those_that_have_one() -> None:
    assert counted_ends([LATE, None, EARLY, LATE]) == ((EARLY, 1), (LATE, 2))
    terms = terms_of_rows([row("7", "1", LATE), row("7", "2", None), row("7", "3", EARLY)])
    assert (terms["7"].end, terms["7"].rows, terms["7"].endless) == (EARLY, 3, 1)


def test_each_order_has_a_term_of_its_own_and_one_armed_row_arms_it() -> None:
    terms = terms_of_rows([row("7", "1", LATE), row("8", "2", EARLY, armed=True), row("8", "3", EARLY)])
    assert {order_id: term.auto_renewed for order_id, term in terms.items()} == {"7": False, "8": True}
    assert terms["8"].row_ids == ("2", "3")


@pytest.mark.parametrize(("period", "days"), [("1m", 30), ("2M", 60), ("12m", 360), ("1y", 360), ("2w", 14), ("3d", 3)])
def test_a_term_ends_a_period_after_the_day_before_it_and_a_month_is_30_days(period: str, days: int) -> None:
    assert new_end(EARLY, period) == EARLY + timedelta(days=days)


def test_an_end_belongs_to_the_term_that_it_is_at_most_half_a_period_from() -> None:
    for away in (0, 15, -15):
        assert same_term(EARLY, EARLY + timedelta(days=away), "1m")
    for away in (16, -16, 30):
        assert not same_term(EARLY, EARLY + timedelta(days=away), "1m")
    assert not same_term(EARLY, EARLY + timedelta(days=1), "1d"), "the term of a day is followed by one on the next"


def test_a_period_in_no_known_form_has_no_end() -> None:
    with pytest.raises(ValueError, match="'soon' is no period"):
        new_end(EARLY, "soon")


def test_a_term_is_known_by_its_order_and_the_day_before_it() -> None:
    assert term_id("4742113", EARLY) == "4742113@2026-12-29"


def test_a_term_that_is_as_planned_is_renewed_whatever_the_ids_of_its_rows() -> None:
    planned = make.term("77", "1", "2")
    assert change_of(planned, planned) is None
    assert change_of(planned, make.term("77", "8", "9")) is None


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (None, "the vendor's lists do not show its order any more"),
        (make.term(ends=LATE), "it was renewed meanwhile: its end moved from 2026-12-29 to 2027-01-28"),
        (make.term(auto_renewed=True), "the vendor renews it by itself: that was armed"),
        (make.term("77", "1"), "it had 2 proxies when it was planned, and has 1 now"),
        (make.term("77", "1", "2", "3"), "it had 2 proxies when it was planned, and has 3 now"),
        (make.term(ends=EARLY - timedelta(days=1)), "its proxies end on other days than when it was planned"),
        (replace(make.term(), ends=((EARLY, 1), (LATE, 1))), "its proxies end on other days than when it was planned"),
    ],
)
def test_a_term_that_is_another_now_is_not_renewed(now: Term | None, words: str) -> None:
    assert change_of(make.term(), now) == words
    assert change_of(None, make.term()) == "nobody knows when it ended as it was planned"
