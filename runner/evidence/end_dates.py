"""What became of a renewal: where the last days of its order's proxies are now, against those before it. Pure.

A renewal moves every one of them by its period (docs/vendor/api-v1.md#renewals), whoever bought it. All moved, and the
term is bought; none moved, and it is not, as far as the lists can tell; everything else proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from runner.core.orders import ProductType, Scalar
from runner.core.periods import end_of, length_of
from runner.core.renewals import LAG, Term

Ends = Iterable[tuple[date, int]]
"""How many proxies have which last day."""

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndDates:
    """Where the last days are: `moved` by the period, or as they were, or neither: then `doubt` says what they show."""

    moved: bool = False
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class _Shift:
    """How many days a period moves an end, at least and at most; and within how many nothing has moved."""

    least: timedelta
    most: timedelta
    slack: timedelta

    def is_moved(self, before: date, now: date) -> bool:
        return self.least - self.slack <= now - before <= self.most + self.slack

    def is_unmoved(self, before: date, now: date) -> bool:
        return abs(now - before) <= self.slack


def compare_ends(before: Ends, now: Term | None, product: ProductType, fields: Mapping[str, Scalar]) -> EndDates:
    """What the ends of an order are, `before` a renewal of it and `now`; None: the lists do not show the order.

    Dates come without a zone, and a month may be one of the calendar or 30 days: both are that period.
    """
    days, later = list(_spread(before)), list(_spread(now.ends if now else ()))
    if not days:
        return EndDates(doubt="nobody knows when its proxies ended before")
    if now is None:
        return EndDates(doubt="the vendor's lists do not show its order any more")
    if len(later) != len(days):
        return EndDates(doubt=f"{len(days)} of its proxies had an end before, and {len(later)} have one now")
    shift = _shift_at(days[0], product, fields)
    if shift is None:
        return EndDates(doubt=f"nobody knows how long its period {fields.get('periodId')} is")
    return _compare(list(zip(days, later, strict=True)), shift)


def _compare(pairs: Sequence[tuple[date, date]], shift: _Shift) -> EndDates:
    """The earliest end before is set against the earliest now, and so on."""
    moved = sum(shift.is_moved(*pair) for pair in pairs)
    unmoved = sum(shift.is_unmoved(*pair) for pair in pairs)
    if len(pairs) in (moved, unmoved):
        return EndDates(moved=moved == len(pairs))
    if moved + unmoved == len(pairs):
        return EndDates(doubt=f"{moved} of its {len(pairs)} proxies have the new end, the others the old one")
    first, last = pairs[0][1], pairs[-1][1]
    days = f"on {first}" if first == last else f"from {first} to {last}"
    return EndDates(doubt=f"its proxies end {days}, which its period does not make of the days before it")


def _spread(ends: Ends) -> Iterator[date]:
    for day, count in sorted(ends):
        yield from [day] * count


def _shift_at(day: date, product: ProductType, fields: Mapping[str, Scalar]) -> _Shift | None:
    least = length_of(fields.get("periodId"))
    if least is None:
        return None
    most = end_of(product, fields, datetime.combine(day, time(), UTC)).date() - day
    slack = min(LAG, (least - _DAY) // 2 // _DAY * _DAY)
    return _Shift(least, max(least, most), slack)
