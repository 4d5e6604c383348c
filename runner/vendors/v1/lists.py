"""The rows of `proxy/list/{type}` as orders that can be told apart (docs/vendor/api-v1.md#proxy-lists).

Of a row only these are looked at: order id and numbers, country, protocol, days. Never logins, passwords, addresses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final

from runner.core.orders import ProductType
from runner.core.vendor import SeenOrder
from runner.vendors.v1.reads import proxy_rows
from runner.vendors.wire import Response, clean_text

Row = Mapping[str, object]

RENEWAL: Final = "_e_"
"""What ends the base of an order number. An order whose number has it is taken for a renewal, although numbers in the
form of API v2 have it from the first purchase on (docs/vendor/api-v1.md#order-numbers).
"""

_DAY: Final = re.compile(r"(?P<d>\d{2})\.(?P<m>\d{2})\.(?P<y>\d{4})|(?P<Y>\d{4})-(?P<M>\d{2})-(?P<D>\d{2})")


def decode_look(response: Response, product: ProductType) -> tuple[SeenOrder, ...]:
    """The orders in the list, in the order of their first rows; VendorUnavailable unless all rows are there."""
    grouped: dict[str, list[Row]] = {}
    for identity, row in proxy_rows(response, product):
        grouped.setdefault(identity, []).append(row)
    return tuple(_seen_order(identity, rows) for identity, rows in grouped.items())


def _seen_order(identity: str, rows: list[Row]) -> SeenOrder:
    numbers = _texts(rows, "order_number")
    starts = [day for row in rows if (day := _day(row.get("date_start")))]
    ends = [day for row in rows if (day := _day(row.get("date_end")))]
    return SeenOrder(
        order_id=identity,
        rows=len(rows),
        numbers=frozenset(number.partition(RENEWAL)[0] for number in numbers | _texts(rows, "base_order_number")),
        countries=frozenset(text.upper() for text in _texts(rows, "country_alpha3")),
        protocols=frozenset(text.upper() for text in _texts(rows, "protocol")),
        starts=min(starts, default=None),
        ends=max(ends, default=None),
        renewed=any(RENEWAL in number for number in numbers) if numbers else None,
    )


def _texts(rows: Iterable[Row], name: str) -> frozenset[str]:
    values = (row.get(name) for row in rows)
    return frozenset(filter(None, (clean_text(value) for value in values if isinstance(value, str))))


def _day(value: object) -> date | None:
    """The day of `dd.mm.yyyy` or `yyyy-mm-dd`, with or without a time, or of a date object; None for anything else."""
    if isinstance(value, dict):
        value = value.get("date")
    match = _DAY.match(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None
    parts = match.group("y", "m", "d") if match["y"] else match.group("Y", "M", "D")
    try:
        return date(*map(int, parts))
    except ValueError:
        return None
