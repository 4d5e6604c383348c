"""Terms: for how long an order runs, what a renewal adds, and how one is told from another.

A renewal adds a term behind the current end (docs/vendor/api-v1.md#renewals), so that two of them are paid twice and
show as two terms. A term is named by the end date before it, which is bought at most once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal


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


def counted_ends(days: Iterable[date | None]) -> tuple[tuple[date, int], ...]:
    """How many of these end on each day, oldest first; those without a day are left out."""
    return tuple(sorted(Counter(day for day in days if day is not None).items()))
