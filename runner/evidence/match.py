"""Whether an order at the vendor could be the one that was asked for: as far as its rows tell, no further."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from runner.core.orders import ProductType, Scalar
from runner.core.vendor import Choice, SeenOrder

Countries = Mapping[tuple[ProductType, str], str]
"""Type and `countryId`, as text, to the alpha-3 code that rows have."""

PACKAGES: Final = frozenset({"mix", "mix_isp"})
"""Types whose `countryId` names a package: their rows are of many countries."""

UNCOUNTED: Final = frozenset({"ipv6"})
"""Types whose orders may have any number of rows: no source says how many (docs/vendor/api-v1.md#proxy-lists)."""

COMPARED: Final = ("countryId", "quantity", "protocol", "periodId")
"""The fields that rows show something of: orders equal in these are alike."""

PROTOCOLS: Final = ("HTTP", "SOCK")
"""How the two protocols begin, in orders and in rows."""

DAY: Final = timedelta(days=1)
"""The vendor's days are in no known zone: so far apart, two of them may be the same."""

SHORTEST: Final = timedelta(weeks=1)
"""A period nobody can read is taken to be over as soon as any could be."""

_PERIOD: Final = re.compile(r"(?P<count>[1-9][0-9]?)(?P<unit>[dwmy])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What an order asked for, or would.

    `begins`: it cannot have begun before; None where it was bought at any time, and may have been renewed since.
    """

    type: ProductType
    fields: Mapping[str, Scalar]
    begins: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """An order at the vendor that could be the one sought. `doubts` says why it might not be; without any it fits."""

    order: SeenOrder
    doubts: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether all that can be compared is as it was asked for."""
        return not self.doubts


def countries_of(choices: Iterable[Choice], product: ProductType) -> dict[tuple[ProductType, str], str]:
    """What `Reader.reference` says of a type, as `Countries`."""
    return {
        (product, str(choice.value)): choice.alpha3
        for choice in choices
        if choice.field == "countryId" and choice.alpha3
    }


def fit(seen: SeenOrder, sought: Sought, countries: Countries) -> Match | None:
    """How `seen` fits what is sought; None where it shows something that the order cannot have."""
    fields = sought.fields
    checks = (
        _start(seen, sought.begins),
        _country(seen, sought, countries),
        _quantity(seen, sought),
        _protocol(seen, fields.get("protocol")),
        _period(seen, fields.get("periodId")),
    )
    if None in checks:
        return None
    return Match(order=seen, doubts=tuple(doubt for doubt in checks if doubt))


def grounds(seen: SeenOrder, sought: Sought, countries: Countries) -> tuple[str, ...]:
    """What speaks for an order that fits, in words: all that was compared and is as it was asked for."""
    fields = sought.fields
    compared = (
        (
            _country(seen, sought, countries),
            sought.type not in PACKAGES,
            f"it is in {', '.join(sorted(seen.countries))}",
        ),
        (_quantity(seen, sought), True, f"it has {seen.rows} of {fields.get('quantity')} proxies"),
        (_protocol(seen, fields.get("protocol")), "protocol" in fields, f"its protocol is {fields.get('protocol')}"),
        (_period(seen, fields.get("periodId")), True, f"{seen.starts} to {seen.ends} is its {fields.get('periodId')}"),
    )
    return tuple(words for doubt, is_asked, words in compared if doubt == "" and is_asked)


def shown_until(fields: Mapping[str, Scalar], begin: datetime) -> datetime:
    """Until when the list would show an order bought at `begin`: ended ones are left out of it."""
    ends = period_end(begin.date(), str(fields.get("periodId", "")))
    return begin + (SHORTEST if ends is None else ends - begin.date()) - DAY


def period_end(start: date, period: str) -> date | None:
    """The day a period such as `2w` or `1m` is over; months are calendar months. None for an unknown spelling."""
    match = _PERIOD.fullmatch(period)
    if match is None:
        return None
    count = int(match["count"])
    if match["unit"] in "dw":
        return start + timedelta(days=count * (7 if match["unit"] == "w" else 1))
    months = start.month - 1 + count * (12 if match["unit"] == "y" else 1)
    year, month = start.year + months // 12, months % 12 + 1
    return date(year, month, min(start.day, calendar.monthrange(year, month)[1]))


def package_moved(before: Mapping[str, str] | None, now: Mapping[str, str] | None) -> bool:
    """Whether a resident package shows what only a purchase does to it."""
    if before is None or now is None:
        return before is not now
    return any(before.get(name) != now.get(name) for name in ("traffic_limit", "expired_at", "tarif_id"))


# Each check: "" fits, a text is a doubt, None rules the order out.


def _start(seen: SeenOrder, begins: datetime | None) -> str | None:
    if seen.starts is None:
        return "it does not say when it began"
    return "" if begins is None or seen.starts >= begins.date() - DAY else None


def _country(seen: SeenOrder, sought: Sought, countries: Countries) -> str | None:
    product, identity = sought.type, sought.fields.get("countryId")
    if product in PACKAGES:
        return ""
    expected = countries.get((product, str(identity)))
    if expected is None or not seen.countries:
        return "its country cannot be compared"
    if expected.upper() not in seen.countries:
        return None
    return "" if len(seen.countries) == 1 else "it has proxies of several countries"


def _quantity(seen: SeenOrder, sought: Sought) -> str | None:
    quantity = sought.fields.get("quantity")
    if not isinstance(quantity, int):
        return "its quantity cannot be compared"
    if seen.rows > quantity:
        return f"it has {seen.rows} proxies for {quantity}" if sought.type in UNCOUNTED else None
    return "" if seen.rows == quantity else f"it has {seen.rows} of {quantity} proxies: more may still be delivered"


def _protocol(seen: SeenOrder, protocol: Scalar | None) -> str | None:
    """HTTPS is shown as HTTP, SOCKS5 as SOCKS (docs/vendor/api-v1.md#proxy-lists); another word may mean both."""
    if protocol is None:
        return ""
    words = {word for word in PROTOCOLS for text in seen.protocols if word in text}
    if not words:
        return "its protocol cannot be compared"
    return "" if str(protocol).upper()[:4] in words else None


def _period(seen: SeenOrder, period: Scalar | None) -> str | None:
    """A renewal moves the end and, as far as anybody knows, not the beginning (docs/vendor/api-v1.md#renewals)."""
    expected = period_end(seen.starts, str(period)) if seen.starts and period else None
    if expected is None or seen.ends is None:
        return "its period cannot be compared"
    if abs(seen.ends - expected) <= 2 * DAY:
        return ""
    return "it ends later, as if it had been renewed" if seen.ends > expected else None
