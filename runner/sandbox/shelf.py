"""The rows of `proxy/list` (docs/vendor/api-v1.md#proxy-lists): made once an order, kept as JSON, appended as
delivered.
"""

import calendar
import hashlib
import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from runner.sandbox.basket import Basket
from runner.sandbox.memory import Sale
from runner.sandbox.options import Options
from runner.sandbox.replies import to_json

JSON = dict[str, Any]
FIRST_ROW, FIRST_BASKET = 9_876_543, 9_123_456
_IPV4_BLOCK, _IPV6_BLOCK = (
    int(IPv4Address("198.18.0.0")),
    int(IPv6Address("2001:db8::")),
)
DAY = 86_400.0
ENDING = 7 * DAY
"""How close an end is for `ends=Y`, in seconds, unless `ends_hidden` says so: our guess, the vendor does not."""


@dataclass(slots=True, kw_only=True)
class Lot:
    """One order's addresses: `serial` numbers its first address, `due` and `ends` are seconds since the epoch."""

    purchase: Sale
    basket: Basket
    serial: int
    count: int
    due: float
    ends: float
    shown_id: int
    marked: bool = False
    renewals: int = 0

    @property
    def base_number(self) -> str:
        """The number of the first order, which renewals keep."""
        return self.purchase.base_order_numbers[0]

    @property
    def number(self) -> str:
        """The base number; once it was renewed, and from the first purchase on where it is `marked`, with a hash."""
        if not (self.marked or self.renewals):
            return self.base_number
        tail = hashlib.sha256(f"{self.base_number} {self.renewals}".encode()).hexdigest()[:8]
        return f"{self.base_number}_e_{tail}"


@dataclass(slots=True)
class Shelf:
    """The delivered lots of one account and type, oldest first, and their rows as one growing piece of JSON."""

    render: Callable[[Lot], bytes]
    lots: list[Lot] = field(default_factory=list)
    _waiting: list[tuple[float, int, Lot]] = field(default_factory=list)
    _rows: bytearray = field(default_factory=bytearray)
    _rendered: int = 0
    _first_end: float = float("inf")

    def add(self, lot: Lot) -> None:
        """Takes an order in; its rows show once they are due."""
        heapq.heappush(self._waiting, (lot.due, lot.serial, lot))

    def rows(self, now: float) -> bytes:
        """All rows due and not ended, as JSON objects with commas between them."""
        self.settle(now)
        for lot in self.lots[self._rendered :]:
            self._rows += (b"," if self._rows else b"") + self.render(lot)
        self._rendered = len(self.lots)
        return bytes(self._rows)

    def settle(self, now: float) -> None:
        """Moves what is due onto the shelf and takes what has ended off it."""
        while self._waiting and self._waiting[0][0] <= now:
            lot = heapq.heappop(self._waiting)[2]
            if lot.count:
                self.lots.append(lot)
                self._first_end = min(self._first_end, lot.ends)
        if now >= self._first_end:
            self.lots = [lot for lot in self.lots if lot.ends > now]
            self.stale()

    def stale(self) -> None:
        """Forgets the rendered rows, because a lot has changed."""
        self._rows.clear()
        self._rendered = 0
        self._first_end = min((lot.ends for lot in self.lots), default=float("inf"))


def render(lot: Lot, options: Options) -> bytes:
    """The rows of one lot as JSON objects with commas between them."""
    return b",".join(map(to_json, rows_of(lot, options)))


def rows_of(lot: Lot, options: Options) -> Iterator[JSON]:
    """The rows of one lot, every key of the documented row and of the one seen live."""
    as_text = options.ids == "string"
    for index in range(lot.count):
        row = _row(lot, index)
        if as_text:
            row |= {name: str(row[name]) for name in ("id", "order_id", "basket_id")} | {"can_prolong": True}
        yield row


def _row(lot: Lot, index: int) -> JSON:
    serial = lot.serial + index
    wanted = lot.basket
    place = wanted.place
    country, alpha3 = place.country_of(index) if place else ("", "")
    login, password = _credentials(serial, wanted)
    address = _address(wanted.type, serial)
    return {
        "id": FIRST_ROW + serial,
        "order_id": lot.shown_id,
        "order_number": lot.number,
        "base_order_number": lot.base_number,
        "basket_id": FIRST_BASKET + serial,
        "ip": address,
        "ip_only": address,
        "protocol": wanted.protocol,
        "port_socks": 50101,
        "port_http": 50100,
        "login": login,
        "password": password,
        "auth_ip": wanted.auth_ip,
        "rotation": wanted.rotation.name if wanted.rotation else "",
        "link_reboot": "#",
        "country": country,
        "country_alpha3": alpha3,
        "status": "Active",
        "status_type": "ACTIVE",
        "can_prolong": 1,
        "date_start": day(lot.purchase.at),
        "date_end": day(lot.ends),
        "comment": "",
        "auto_renew": "N",
        "auto_renew_period": "",
        "is_uptime": False,
    }


def _credentials(serial: int, wanted: Basket) -> tuple[str, str]:
    if wanted.generate_auth or wanted.auth_ip:
        return "", ""
    return f"login{serial}", f"password{serial}"


def _address(type_: str, serial: int) -> str:
    """An address of a range reserved for tests or documentation, so that it reaches nobody."""
    if type_ == "ipv6":
        return str(IPv6Address(_IPV6_BLOCK + serial))
    return str(IPv4Address(_IPV4_BLOCK + serial % 2**17))


def authorization(lot: Lot) -> JSON:
    """The `auth/list` item of an order made with `generateAuth=Y`."""
    mark = hashlib.sha256(lot.base_number.encode()).hexdigest()
    login, password = f"login{mark[24:30]}", f"password{mark[30:36]}"
    return {
        "id": mark[:24],
        "active": True,
        "login": login,
        "password": password,
        "orderNumber": lot.number,
    }


def day(at: float) -> str:
    """`dd.mm.yyyy` in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%d.%m.%Y")


def end_of(start: float, period: str) -> float:
    """When a period such as `2w` or `1m` that begins at `start` is over; months are calendar months."""
    begin = datetime.fromtimestamp(start, UTC)
    count = int(period[:-1])
    if period.endswith("w"):
        return (begin + timedelta(weeks=count)).timestamp()
    year, month = divmod(begin.year * 12 + begin.month - 1 + count, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return begin.replace(year=year, month=month + 1, day=min(begin.day, last)).timestamp()
