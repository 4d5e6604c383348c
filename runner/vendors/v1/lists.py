"""The rows of `proxy/list/{type}` as orders that can be told apart (docs/vendor/api-v1.md#proxy-lists).

Of a row only these are kept: order id and number, country, protocol, days. Never logins, passwords, addresses.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import chain
from typing import Final

from runner.core.orders import ProductType
from runner.core.vendor import SeenOrder
from runner.vendors.v1.reads import proxy_rows
from runner.vendors.v1.refusals import base_number, order_id
from runner.vendors.wire import Response, clean_text

Row = Mapping[str, object]

ADDRESS: Final = ("ip", "port_http", "port_socks", "login")
STATUS: Final = frozenset({"status", "status_type"})
"""What two lists may say differently of one proxy."""

EARLIEST: Final = date(2000, 1, 1)
"""No proxy is older."""

_DAY: Final = re.compile(r"(?P<d>\d{2})\.(?P<m>\d{2})\.(?P<y>\d{4})|(?P<Y>\d{4})-(?P<M>\d{2})-(?P<D>\d{2})")


def decode_look(responses: Iterable[Response], product: ProductType) -> tuple[SeenOrder, ...]:
    """The orders that these lists of a type have together, in the order of their first rows.

    A proxy that several lists show is one row. VendorUnavailable unless all rows of each list are there; the next list
    is not taken before.
    """
    grouped: dict[str, dict[object, Row]] = {}
    for response in responses:
        met: Counter[object] = Counter()
        for identity, row in proxy_rows(response, product):
            name = _name(row)
            met[identity, name] += 1
            grouped.setdefault(identity, {}).setdefault((name, met[identity, name]), row)
    return _without_shared_numbers([_seen_order(identity, list(rows.values())) for identity, rows in grouped.items()])


def _name(row: Row) -> object:
    """What tells a proxy from the others of its order: its address, else its id, else all that is said of it.

    A renewal between two lists changes the id, and keeps the address (docs/vendor/api-v1.md#renewals).
    """
    if row.get("ip"):
        return tuple(str(row.get(name)) for name in ADDRESS)
    return order_id(row.get("id")) or repr(sorted((key, row[key]) for key in row.keys() - STATUS))


def _seen_order(identity: str, rows: list[Row]) -> SeenOrder:
    starts = [day for row in rows if (day := _day(row.get("date_start")))]
    ends = [day for row in rows if (day := _day(row.get("date_end")))]
    return SeenOrder(
        order_id=identity,
        rows=len(rows),
        numbers=frozenset(filter(None, map(_base, rows))),
        countries=frozenset(text.upper() for text in _texts(rows, "country_alpha3")),
        protocols=frozenset(text.upper() for text in _texts(rows, "protocol")),
        starts=min(starts, default=None),
        ends=max(ends, default=None),
    )


def _base(row: Row) -> str | None:
    """The base number of a row's order, as it is told or as the order number begins; None where neither is there."""
    return base_number(row.get("base_order_number") or row.get("order_number"))


def _without_shared_numbers(orders: Sequence[SeenOrder]) -> tuple[SeenOrder, ...]:
    """Without the numbers that several orders have: such a one, a word for nothing for example, names none of them."""
    count = Counter(chain.from_iterable(order.numbers for order in orders))
    shared = {number for number, times in count.items() if times > 1}
    return tuple(replace(order, numbers=order.numbers - shared) if shared else order for order in orders)


def _texts(rows: Iterable[Row], name: str) -> frozenset[str]:
    values = (row.get(name) for row in rows)
    return frozenset(filter(None, (clean_text(value) for value in values if isinstance(value, str))))


def _day(value: object) -> date | None:
    """The day of `dd.mm.yyyy` or `yyyy-mm-dd`, with or without a time, or of a date object; None for anything else.

    So is a day before the vendor's time: what counts days from 1970 writes 01.01.1970 for none.
    """
    if isinstance(value, dict):
        value = value.get("date")
    match = _DAY.match(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None
    parts = match.group("y", "m", "d") if match["y"] else match.group("Y", "M", "D")
    try:
        day = date(*map(int, parts))
    except ValueError:
        return None
    return day if day >= EARLIEST else None
