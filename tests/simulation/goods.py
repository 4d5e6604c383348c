"""What the model vendor sells, and how an order of it looks in the list of active proxies.

The list is that of docs/vendor/api-v1.md#proxy-lists. Nothing here is shared with the runner's own idea of the vendor.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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

    def shows(self, now: float) -> bool:
        return self.shape.product != "resident" and self.shown_at <= now < self.ends_at

    def rows(self, now: float, *, numbered: bool, marked: bool) -> Iterator[dict[str, Any]]:
        """Half of the rows until all are delivered. Old answers have no order numbers (`numbered`).

        A number gets a hash with the first renewal, or has one from birth (`marked`).
        """
        shape = self.shape
        count = shape.quantity if now >= self.whole_at else max(1, shape.quantity // 2)
        names = COUNTRIES[shape.product]
        number = self.number + f"_e_{self.renewals:02x}" * (marked or self.renewals > 0)
        for place in range(count):
            row = {
                "id": int(f"{self.number.partition('_')[0]}{self.renewals:02}{place:02}"),
                "order_id": self.shown_id,
                "country_alpha3": names[shape.country or 0] or ("FRA", "DEU")[place % 2],
                "protocol": "SOCKS" if shape.protocol == "SOCKS5" else "HTTP",
                "date_start": self.starts.strftime("%d.%m.%Y"),
                "date_end": self.ends.strftime("%d.%m.%Y"),
            }
            yield row | ({"order_number": number, "base_order_number": self.number} if numbered else {})

    def renew(self, shown_id: int, moment: datetime, now: float, *, restarts: bool) -> None:
        """For its own period once more; the days begin anew, or the end moves."""
        self.shown_id, self.renewals = shown_id, self.renewals + 1
        begin = moment.date() if restarts else self.ends
        self.starts = begin if restarts else self.starts
        self.ends, before = over(begin, self.shape.period), self.ends
        self.ends_at = max(now, self.ends_at) + max((self.ends - before).days, 1) * 86_400.0
