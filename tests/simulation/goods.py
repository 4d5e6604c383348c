"""What the model vendor sells, and how an order of it looks in the list of active proxies.

The list is that of docs/vendor/api-v1.md#proxy-lists. Nothing here is shared with the runner's own idea of the vendor.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

COUNTRIES: Final[Mapping[str, Mapping[int, str]]] = {
    "ipv4": {561: "FRA", 562: "DEU"},
    "isp": {6269: "FRA", 9767: "DEU"},
    "ipv6": {71: "FRA", 72: "DEU"},
    "mobile": {901: "FRA", 902: "DEU"},
    "mix": {1370: "", 1371: ""},
}
"""The id alone decides what is bought. A mix's ids are packages, whose proxies are of several countries."""
TARIFF: Final = 6928
PERIODS: Final = ("1w", "1m")
FREE: Final = "FREE"
"""A coupon with which an order costs nothing."""


def product_of(body: Mapping[str, Any]) -> str:
    """The type that a body buys."""
    if "tarifId" in body:
        return "resident"
    return next(product for product, ids in COUNTRIES.items() if body["countryId"] in ids)


def reference(product: str) -> dict[str, Any]:
    """`data` of `reference/list/{type}`."""
    if product == "resident":
        return {"items": {"tarifs": [{"id": TARIFF, "name": "1 GB"}]}}
    places = [{"id": identity, "name": alpha3, "alpha3": alpha3} for identity, alpha3 in COUNTRIES[product].items()]
    if product == "mix":
        places = [{"id": identity, "name": f"package {identity}"} for identity in COUNTRIES[product]]
    return {"items": {"country": places, "period": [{"id": period, "name": period} for period in PERIODS]}}


def over(start: date, period: str) -> date:
    """The day a period is over."""
    if period == "1w":
        return start + timedelta(days=7)
    year, month = (start.year, start.month + 1) if start.month < 12 else (start.year + 1, 1)
    return date(year, month, min(start.day, calendar.monthrange(year, month)[1]))


@dataclass(slots=True, kw_only=True)
class Shape:
    """What of an order can be seen in its rows."""

    product: str
    country: int | None
    quantity: int
    period: str
    protocol: str

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Shape:
        return cls(
            product=product_of(body),
            country=body.get("countryId"),
            quantity=body.get("quantity", 2),
            period=body.get("periodId", "1m"),
            protocol=body.get("protocol", "HTTPS"),
        )


@dataclass(slots=True, kw_only=True)
class Lot:
    """An order's proxies: when they show, all of them, and until when; seconds of the world's clock."""

    shape: Shape
    shown_id: int
    number: str
    shown_at: float
    whole_at: float
    ends_at: float
    starts: date
    ends: date
    renewals: int = 0
    reissues: int = 0
    """How often its rows got other ids for another reason than a renewal."""
    armed: bool = False
    """Whether the vendor renews it by itself."""
    behind: Lot | None = None
    """The first half of its rows as they were, where a renewal moved the others only."""
    before: tuple[float, Lot] | None = None
    """Until when the lists show it as it was before it was renewed last, and how that was."""

    def shows(self, now: float) -> bool:
        return self.shape.product != "resident" and self.shown_at <= now < self.seen(now).ends_at

    def seen(self, now: float) -> Lot:
        """As the lists show it."""
        return self.before[1] if self.before is not None and now < self.before[0] else self

    def as_it_is(self) -> Lot:
        """A picture of it, which does not change."""
        return replace(self, before=None)

    def row_ids(self, now: float) -> list[int]:
        """The ids of its rows as they are, whatever the lists show."""
        return [identity for identity, _ in self._places(now)]

    def first_end(self, now: float) -> date:
        """The first day on which any of it ends."""
        return self.behind.ends if self.behind is not None and now < self.behind.ends_at else self.ends

    def _places(self, now: float) -> Iterator[tuple[int, Lot]]:
        """The id of each row that there is, and what says when it ends."""
        count = self.shape.quantity if now >= self.whole_at else max(1, self.shape.quantity // 2)
        for place in range(count):
            lot = self if self.behind is None or place >= count // 2 else self.behind
            if now < lot.ends_at:
                yield int(f"{self.number.partition('_')[0]}{lot.renewals + lot.reissues:02}{place:02}"), lot

    def rows(self, now: float, *, numbered: bool, marked: bool, shift: int = 0) -> Iterator[dict[str, Any]]:
        """Half of the rows until all are delivered. Old answers have no order numbers (`numbered`).

        A number gets a hash with the first renewal, or has one from birth (`marked`). `shift` is by how many days the
        ends are off: in another zone they are others.
        """
        shape, names = self.shape, COUNTRIES[self.shape.product]
        number = self.number + f"_e_{self.renewals:02x}" * (marked or self.renewals > 0)
        for identity, lot in self._places(now):
            place = identity % 100
            row = {
                "id": identity,
                "order_id": self.shown_id,
                "ip": f"10.{self.first_id >> 8 & 255}.{self.first_id & 255}.{place}",
                "country_alpha3": names[shape.country or 0] or ("FRA", "DEU")[place % 2],
                "protocol": "SOCKS" if shape.protocol == "SOCKS5" else "HTTP",
                "date_start": self.starts.strftime("%d.%m.%Y"),
                "date_end": (lot.ends + timedelta(days=shift)).strftime("%d.%m.%Y"),
                "auto_renew": "Y" if self.armed else "N",
            }
            yield row | ({"order_number": number, "base_order_number": self.number} if numbered else {})

    @property
    def first_id(self) -> int:
        """The number that it was bought under."""
        return int(self.number.partition("_")[0])

    def extend(self, period: str, *, month: int, half: bool, shown_from: float) -> None:
        """A term more, behind the current end: of all rows, or of the second half of them. The ids of those change."""
        now = self.as_it_is()
        self.before = (shown_from, now)
        self.behind = now if half else self.behind
        self.renewals += 1
        self.ends = self.ends + timedelta(days=30) if period == "1m" and month == 30 else over(self.ends, period)
        self.ends_at += (self.ends - now.ends).days * 86_400.0

    def renew(self, shown_id: int, moment: datetime, now: float, *, restarts: bool) -> None:
        """For its own period once more; the days begin anew, or the end moves."""
        self.shown_id, self.renewals = shown_id, self.renewals + 1
        begin = moment.date() if restarts else self.ends
        self.starts = begin if restarts else self.starts
        self.ends, before = over(begin, self.shape.period), self.ends
        self.ends_at = max(now, self.ends_at) + max((self.ends - before).days, 1) * 86_400.0
