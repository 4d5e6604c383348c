"""Limits on sums: which day a purchase belongs to, what counts, and what is left."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.errors import Span
from runner.core.orders import OrderKey
from runner.limits.budgets import PERIODS, Cap, Past, Period, Purse, begin, earliest

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)  # a Wednesday
KEY = OrderKey("crawl", "a")
RENEWAL = KEY.renewal(date(2026, 12, 29))
PLACE = Span(line=2, column=16, end_line=2, end_column=23)


def of(batch: str) -> OrderKey:
    return OrderKey(batch, "a")


def cap(amount: str, period: Period | None = "day", **changes: object) -> Cap:
    name = f"budgets.{period}" if period else "--max-spend"
    return Cap(name=name, amount=Decimal(amount), period=period, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("period", "day", "first"),
    [
        ("day", date(2026, 11, 25), date(2026, 11, 25)),
        ("week", date(2026, 11, 25), date(2026, 11, 23)),
        ("week", date(2026, 11, 23), date(2026, 11, 23)),
        ("week", date(2026, 11, 22), date(2026, 11, 16)),
        ("week", date(2027, 1, 3), date(2026, 12, 28)),
        ("month", date(2026, 11, 25), date(2026, 11, 1)),
        ("month", date(2028, 2, 29), date(2028, 2, 1)),
    ],
)
def test_periods_are_those_of_the_calendar(period: Period, day: date, first: date) -> None:
    """A day is a day, a week begins on Monday (ISO 8601), a month on its first."""
    assert begin(period, day) == first


def test_the_earliest_day_covers_every_period() -> None:
    """Early in a month the week began in the one before; the ledger is asked from there on."""
    assert earliest(AT) == datetime(2026, 11, 1, tzinfo=UTC)
    assert earliest(datetime(2026, 10, 1, 23, tzinfo=UTC)) == datetime(2026, 9, 28, tzinfo=UTC)


def test_days_are_those_of_utc() -> None:
    """An hour after midnight in Tokyo is still the day before."""
    tokyo = datetime(2026, 11, 26, 1, tzinfo=timezone(timedelta(hours=9)))
    purse = Purse([cap("5")], Past(days={date(2026, 11, 25): Decimal(4)}, batches={}))
    assert purse.spending(cap("5"), tokyo) == 4
    purse.note_claim(KEY, Decimal(1), tokyo)
    assert purse.spending(cap("5"), AT) == 5


SPENT = {date(2026, 11, 25): Decimal("1.10"), date(2026, 11, 23): Decimal("2.20"), date(2026, 11, 2): Decimal("4.40")}


@pytest.mark.parametrize(("period", "spent"), [("day", "1.10"), ("week", "3.30"), ("month", "7.70")])
def test_a_period_counts_what_was_claimed_in_it(period: Period, spent: str) -> None:
    """Each period counts its own days; a cent above its budget is refused, the budget itself may be spent."""
    costs, left = {KEY: Decimal("1.00")}, Decimal(spent) + 1
    assert Purse([cap(str(left), period)], Past(days=SPENT, batches={})).objections(costs, AT) == []
    (objection,) = Purse(
        [cap(str(left - Decimal("0.01")), period, path="order-runner.yaml", span=PLACE)], Past(days=SPENT, batches={})
    ).objections(costs, AT)
    assert (objection.code, objection.path, objection.span) == ("PSR430", "order-runner.yaml", PLACE)
    for words in (f"budgets.{period}", f"{left - Decimal('0.01'):.2f}", spent, "1.00", "order-runner.yaml:2:16"):
        assert words in objection.message


def test_the_future_counts_as_well() -> None:
    """What a machine with a fast clock claimed tomorrow counts today: a budget is rather too full than too empty."""
    assert Purse([], Past(days={date(2026, 11, 26): Decimal(3)}, batches={})).spending(cap("5"), AT) == 3


def test_after_midnight_a_new_day_is_spent_from() -> None:
    """A claim counts for its own day, in the same run too; week and month go on."""
    purse = Purse()
    purse.note_claim(KEY, Decimal(3), datetime(2026, 11, 25, 23, 59, 59, tzinfo=UTC))
    midnight = datetime(2026, 11, 26, tzinfo=UTC)
    assert [purse.spending(cap("5", period), midnight) for period in PERIODS] == [0, 3, 3]


def test_claims_count_until_they_are_proved_to_have_bought_nothing() -> None:
    """Sent: the quote counts. Refused or not sent: it does not. Charged otherwise: the charge does."""
    purse, day = Purse(), cap("5")
    purse.note_claim(KEY, Decimal(3), AT)
    assert purse.spending(day, AT) == 3
    purse.note_settlement(KEY, None)
    assert purse.spending(day, AT) == 0
    purse.note_claim(KEY, Decimal(3), AT)
    purse.note_settlement(KEY, Decimal("3.30"))
    assert [purse.spending(one, AT) for one in (day, cap("5", None), cap("5", None, batch="crawl"))] == [
        Decimal("3.30")
    ] * 3
    assert purse.spending(cap("5", None, batch="other"), AT) == 0


def test_a_batch_and_a_run_have_their_own_sums() -> None:
    """What was bought of a batch before counts for the batch alone; another batch's cost does not touch it."""
    caps = [cap("10", None, batch="crawl"), cap("10", None)]
    purse = Purse(caps, Past(days={}, batches={"crawl": Decimal(8)}))
    assert [p.code for p in purse.objections({of("crawl"): Decimal(3)}, AT)] == ["PSR405"]
    assert [p.code for p in purse.objections({of("other"): Decimal(11)}, AT)] == ["PSR406"]
    assert purse.objections({of("crawl"): Decimal(2), of("other"): Decimal(8)}, AT) == []


def test_renewals_have_a_limit_of_their_own() -> None:
    """Only what renewals cost counts against it, in this run; they count against every other limit as well."""
    most = Cap(name="renewals.max_total", amount=Decimal(10), renewals=True, path="order-runner.yaml", span=PLACE)
    purse = Purse([most], Past(days=SPENT, batches={"crawl": Decimal(100)}))
    assert purse.objections({KEY: Decimal(50), RENEWAL: Decimal(10)}, AT) == []
    purse.note_claim(KEY, Decimal(50), AT)
    purse.note_claim(RENEWAL, Decimal(4), AT)
    assert purse.spending(most, AT) == 4
    (objection,) = purse.objections({OrderKey("other", "b", term="2026-12-30"): Decimal("6.01")}, AT)
    assert (objection.code, objection.span) == ("PSR430", PLACE)
    assert "the renewals of one run cost 10.01, 4.00 of it spent already, above renewals.max_total" in objection.message
    assert purse.spending(cap("0", None), AT) == 54, "a run's own limit counts both"
    assert purse.spending(cap("0", None, batch="crawl"), AT) == 154, "and so does that of a batch"


Amounts = st.lists(st.decimals("0.01", "50", places=2), max_size=12)


@given(Amounts, Amounts, st.decimals("0", "200", places=2))
def test_no_sequence_of_claims_passes_a_budget(before: list[Decimal], wanted: list[Decimal], limit: Decimal) -> None:
    """Claiming only what meets no objection, a run never brings a period above its budget."""
    past = sum(before, Decimal(0))
    purse = Purse([cap(str(limit))], Past(days={AT.date(): past}, batches={}))
    claimed = Decimal(0)
    for n, amount in enumerate(wanted):
        if not purse.objections({of("crawl"): amount}, AT):
            purse.note_claim(OrderKey("crawl", f"n{n}"), amount, AT)
            claimed += amount
    assert claimed == 0 or past + claimed <= limit
    assert purse.spending(cap("0"), AT) == past + claimed
