"""Terms: for how long an order runs, what a renewal adds, and how one is told from another.

A renewal adds a term behind the current end (docs/vendor/api-v1.md#renewals), so that two of them are paid twice and
show as two terms. A term is named by the end date before it, which is bought at most once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from runner.core.periods import length_of

LAG: Final = timedelta(days=2)
"""By how much a shown end may be earlier than the one that a renewal should have brought: dates have no zone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalRule:
    """What a manifest says of an order's renewal: `renew`.

    Renewed while it ends before `until`, from `within` days before its end on, for `period_id` at a time; None where
    a word is still to be looked up. `max_total` is the most that one renewal may cost, in USD.
    """

    until: date
    period_id: str | None
    within: int
    max_total: Decimal | None = None
    period: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """What the vendor's lists show of one order's current term.

    `row_ids` are those of its proxies now, which every renewal changes; `ends` counts proxies by their last day, oldest
    first, and `endless` those without one. `auto_renewed`: the vendor's own renewal is armed for at least one.
    """

    order_id: str
    row_ids: tuple[str, ...]
    ends: tuple[tuple[date, int], ...]
    endless: int = 0
    auto_renewed: bool = False

    @property
    def end(self) -> date | None:
        """The first day on which any of it ends; None where no row has a date."""
        return self.ends[0][0] if self.ends else None

    @property
    def rows(self) -> int:
        return len(self.row_ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class TermLook:
    """The terms of orders as the vendor's lists of a type show them, by their ids; `at` is from before the reading.

    An order that no list shows has none.
    """

    at: datetime
    terms: Mapping[str, Term]


def counted_ends(days: Iterable[date | None]) -> tuple[tuple[date, int], ...]:
    """How many of these end on each day, oldest first; those without a day are left out."""
    return tuple(sorted(Counter(day for day in days if day is not None).items()))


def term_id(order_id: str, end: date) -> str:
    """The id by which the ledger knows a term that was bought: the vendor's order and the day before the term."""
    return f"{order_id}@{end.isoformat()}"


def new_end(end: date, period_id: str | int) -> date:
    """The last day of the term that follows `end`, a month as 30 days; ValueError for a period in no known form."""
    return end + _length(period_id)


def new_end_of(ends: str, period_id: str | int) -> str | None:
    """The same of days as text; None for a period in no known form."""
    length = length_of(period_id)
    return (date.fromisoformat(ends) + length).isoformat() if length else None


def same_term(one: date, other: date, period_id: str | int) -> bool:
    """Whether two ends are that before one term of this period, at most half of it apart: dates are spelled variously.

    ValueError for a period in no known form.
    """
    return abs(one - other) * 2 <= _length(period_id)


def _length(period_id: str | int) -> timedelta:
    length = length_of(period_id)
    if length is None:
        raise ValueError(f"{period_id!r} is no period such as 1m or 2w")
    return length


def change_of(planned: Term | None, now: Term | None) -> str | None:
    """Why the renewal of a term that was planned is not to be bought as the order stands now; None where it is.

    New ids of the same rows are no reason: they are what is renewed then.
    """
    if planned is None or planned.end is None:
        return "nobody knows when it ended as it was planned"
    if now is None or now.end is None:
        return "the vendor's lists do not show its order any more"
    changes = (
        (f"it was renewed meanwhile: its end moved from {planned.end} to {now.end}", now.end > planned.end),
        ("the vendor renews it by itself: that was armed", now.auto_renewed),
        (f"it had {planned.rows} proxies when it was planned, and has {now.rows} now", now.rows != planned.rows),
        ("its proxies end on other days than when it was planned", now.ends != planned.ends),
    )
    return next((words for words, holds in changes if holds), None)
