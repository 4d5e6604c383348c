"""The rows of `proxy/list` (docs/vendor/api-v1.md#proxy-lists): made once, kept as JSON until they change."""

import hashlib
import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from runner.sandbox.basket import Basket
from runner.sandbox.dates import DAY, spell
from runner.sandbox.logins import credentials
from runner.sandbox.memory import Sale
from runner.sandbox.options import Options
from runner.sandbox.replies import to_json

JSON = dict[str, Any]
FIRST_ROW, FIRST_BASKET = 9_876_543, 9_123_456
PORT_HTTP, PORT_SOCKS = 50_100, 50_101
_IPV4_BLOCK, _IPV6_BLOCK = (
    int(IPv4Address("198.18.0.0")),
    int(IPv6Address("2001:db8::")),
)
ENDING = 7 * DAY
"""How close an end is for `ends=Y`, in seconds, unless `ends_hidden` says so: our guess, the vendor does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One address of an order as it is now: `row` and `address` are the numbers that its id and its ip are made of.

    `ends` is seconds since the epoch; `host`, if not empty, stands in place of the made-up address.
    """

    row: int
    address: int
    ends: float
    comment: str = ""
    host: str = ""
    port_http: int = PORT_HTTP
    port_socks: int = PORT_SOCKS


@dataclass(slots=True, kw_only=True)
class Lot:
    """One order's addresses: `serial` numbers the first; `start`, `due` and `ends` are seconds since the epoch.

    `slots` holds what is no longer as it was delivered, by index; `veils` what the list shows in its place until when.
    """

    purchase: Sale
    basket: Basket
    serial: int
    count: int
    start: float
    due: float
    ends: float
    shown_id: int
    shown_base: str = ""
    marked: bool = False
    renewals: int = 0
    renewed_at: float = float("-inf")
    renewal_ids: list[int] = field(default_factory=list)
    auto_renew: str = ""
    slots: dict[int, Slot] = field(default_factory=dict)
    veils: dict[int, tuple[float, Slot]] = field(default_factory=dict)

    @property
    def base_number(self) -> str:
        """The number of the first order, which renewals keep."""
        return self.shown_base or self.purchase.base_order_numbers[0]

    @property
    def number(self) -> str:
        """The base number; once it was renewed, and from the first purchase on where it is `marked`, with a hash."""
        return self.number_after(self.renewals)

    def number_after(self, renewals: int) -> str:
        """The number after so many renewals that changed it."""
        if not (self.marked or renewals):
            return self.base_number
        tail = hashlib.sha256(f"{self.base_number} {renewals}".encode()).hexdigest()[:8]
        return f"{self.base_number}_e_{tail}"

    @property
    def names(self) -> set[str]:
        """Everything that the filter `orderId` finds it by, earlier numbers and those of its renewals included."""
        numbers = map(self.number_after, range(self.renewals + 1))
        return {str(self.shown_id), self.base_number, *numbers, *map(str, self.renewal_ids)}

    @property
    def last_end(self) -> float:
        """When the last of its addresses ends."""
        ends = (self.slot(index).ends for index in range(self.count)) if self.slots else ()
        return max(ends, default=self.ends)

    def slot(self, index: int) -> Slot:
        """The address of that index as it is."""
        return self.slots.get(index) or Slot(row=self.serial + index, address=self.serial + index, ends=self.ends)

    def view(self, index: int, now: float) -> Slot:
        """The address of that index as the list shows it."""
        until, veiled = self.veils.get(index, (0.0, None))
        return veiled if veiled is not None and now < until else self.slot(index)

    def age(self, seconds: float) -> None:
        """Moves its beginning and its ends into the past."""
        self.start -= seconds
        self.ends -= seconds
        self.slots = {index: replace(slot, ends=slot.ends - seconds) for index, slot in self.slots.items()}
        self.veils.clear()


@dataclass(slots=True, eq=False)
class Parcel:
    """The addresses of an order that are delivered together, from `start` to before `stop`.

    `json` is their rows, good until `changes`.
    """

    lot: Lot
    start: int
    stop: int
    json: bytes | None = None
    changes: float = float("-inf")

    def indexes(self, now: float) -> Iterator[int]:
        """The addresses that are there and not over."""
        lot = self.lot
        stop = min(self.stop, lot.count)
        if not lot.slots:
            return iter(range(self.start, stop) if lot.ends > now else ())
        return (index for index in range(self.start, stop) if lot.view(index, now).ends > now)

    def changes_at(self, now: float) -> float:
        """When its rows are other ones by the mere passing of time: the next end, or the next end of a veil."""
        lot = self.lot
        if not lot.slots:
            return lot.ends
        ends = [lot.view(index, now).ends for index in self.indexes(now)]
        veils = [until for until, _ in lot.veils.values() if until > now]
        return min((*ends, *veils), default=float("inf"))


@dataclass(slots=True)
class Shelf:
    """The delivered addresses of one account and type, oldest first."""

    options: Options
    parcels: list[Parcel] = field(default_factory=list)
    _waiting: list[tuple[float, int, Parcel]] = field(default_factory=list)
    _parcels_of: dict[int, list[Parcel]] = field(default_factory=dict)
    _changes_at: float = float("inf")

    def add(self, lot: Lot) -> None:
        """Takes an order in; its rows show once they are due, all at once or in parts."""
        step = self.options.delivery_rows or lot.basket.quantity
        for part, start in enumerate(range(0, lot.basket.quantity, step)):
            due = lot.due + part * self.options.delivery_interval
            parcel = Parcel(lot, start, min(start + step, lot.basket.quantity))
            heapq.heappush(self._waiting, (due, lot.serial + start, parcel))

    def rows(self, now: float) -> bytes:
        """All rows due and not ended, as JSON objects with commas between them."""
        self.settle(now)
        for parcel in self.parcels:
            if parcel.json is None:
                parcel.json = b",".join(to_json(row) for row in rows_of(parcel, self.options, now))
        return b",".join(parcel.json for parcel in self.parcels if parcel.json)

    def settle(self, now: float) -> None:
        """Moves what is due onto the shelf, takes what has ended off it, and shows what was veiled."""
        while self._waiting and self._waiting[0][0] <= now:
            parcel = heapq.heappop(self._waiting)[2]
            parcel.changes = parcel.changes_at(now)
            self.parcels.append(parcel)
            self._parcels_of.setdefault(parcel.lot.serial, []).append(parcel)
            self._changes_at = min(self._changes_at, parcel.changes)
        if now >= self._changes_at:
            self.parcels = [one for one in self.parcels if now < one.changes or one.lot.last_end > now]
            for parcel in self.parcels:
                if now >= parcel.changes:
                    parcel.json, parcel.changes = None, parcel.changes_at(now)
            self._changes_at = min((parcel.changes for parcel in self.parcels), default=float("inf"))

    def stale(self, lot: Lot) -> None:
        """Forgets the rendered rows of an order, because something has changed."""
        for parcel in self._parcels_of.get(lot.serial, ()):
            parcel.changes = self._changes_at = float("-inf")

    def indexes_of(self, lot: Lot, now: float) -> list[int]:
        """The addresses of an order that its buyer can see, by index."""
        self.settle(now)
        return [index for parcel in self._parcels_of.get(lot.serial, ()) for index in parcel.indexes(now)]


def rows_of(parcel: Parcel, options: Options, now: float) -> Iterator[JSON]:
    """The rows of a parcel."""
    return (row_of(parcel.lot, index, parcel.lot.view(index, now), options) for index in parcel.indexes(now))


def row_of(lot: Lot, index: int, slot: Slot, options: Options) -> JSON:
    """One row, with every key of the documented row and of the one seen live."""
    text_ids = options.ids == "string"
    id_: Callable[[int], int | str] = str if text_ids else int
    wanted = lot.basket
    place = wanted.place
    country, alpha3 = place.country_of(index) if place else ("", "")
    login, password = _credentials(lot.serial + index, wanted, options)
    address = slot.host or _address(wanted.type, slot.address)
    with_ports = wanted.type == "mobile" and options.mobile_ip == "ports"
    return {
        "id": id_(FIRST_ROW + slot.row),
        "order_id": id_(lot.shown_id),
        "order_number": lot.number,
        "base_order_number": lot.base_number,
        "basket_id": id_(FIRST_BASKET + slot.row),
        "ip": f"{address}:{slot.port_http}:{slot.port_socks}" if with_ports else address,
        "ip_only": address,
        "protocol": wanted.protocol,
        "port_socks": slot.port_socks,
        "port_http": slot.port_http,
        "login": login,
        "password": password,
        "auth_ip": wanted.auth_ip,
        "rotation": wanted.rotation.name if wanted.rotation else "",
        "link_reboot": _link(lot, index),
        "country": country,
        "country_alpha3": alpha3,
        "status": "Active",
        "status_type": "ACTIVE",
        "can_prolong": True if text_ids else 1,
        "date_start": spell(lot.start, options),
        "date_end": spell(slot.ends, options),
        "comment": slot.comment,
        "auto_renew": "Y" if lot.auto_renew else "N",
        "auto_renew_period": lot.auto_renew,
        "is_uptime": False,
    }


def _credentials(serial: int, wanted: Basket, options: Options) -> tuple[str, str]:
    if wanted.generate_auth or wanted.auth_ip:
        return "", ""
    return credentials(serial, options)


def _link(lot: Lot, index: int) -> str:
    """Where a mobile address by link is changed: whoever knows it can do it."""
    if lot.basket.rotation is None or lot.basket.rotation.id:
        return "#"
    token = hashlib.sha256(f"link {lot.base_number} {index}".encode()).hexdigest()[:32]
    return f"https://sandbox.invalid/api/proxy/reboot?token={token}"


def _address(type_: str, serial: int) -> str:
    """An address of a range reserved for tests or documentation, so that it reaches nobody."""
    if type_ == "ipv6":
        return str(IPv6Address(_IPV6_BLOCK + serial))
    return str(IPv4Address(_IPV4_BLOCK + serial % 2**17))


def authorization(lot: Lot, options: Options) -> JSON:
    """The `auth/list` item of an order made with `generateAuth=Y`, or for an address that may use it without one."""
    base = lot.purchase.base_order_numbers[0]
    mark = hashlib.sha256(base.encode()).hexdigest()
    number = lot.number if options.auth_numbers == "current" else lot.base_number
    if not lot.basket.generate_auth:
        return {"id": mark[:24], "active": True, "ip": lot.basket.auth_ip, "orderNumber": number}
    login, password = credentials(mark[24:30], options)[0], credentials(mark[30:36], options)[1]
    return {"id": mark[:24], "active": True, "login": login, "password": password, "orderNumber": number}
