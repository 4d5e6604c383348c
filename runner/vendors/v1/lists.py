"""The rows of `proxy/list/{type}` as orders that can be told apart (docs/vendor/api-v1.md#proxy-lists).

A list is read as it comes: a row is counted, and gone. Kept are, of an order, id and numbers, countries, protocols and
days; of a row, a digest of its address until another list was compared with it. Never logins, passwords, addresses.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache
from hashlib import blake2b
from itertools import chain
from typing import Final

from runner.core.errors import UnknownForm, VendorUnavailable
from runner.core.orders import ProductType
from runner.core.receipts import LONGEST, MARK
from runner.core.vendor import SeenOrder
from runner.vendors.incoming import IncomingEnvelope
from runner.vendors.v1.reads import list_paths, proxy_list
from runner.vendors.v1.refusals import base_number, order_id
from runner.vendors.wire import Begin, Redact, Response, clean_text

Row = Mapping[str, object]
_Name = str | bytes
_NO_TEXTS: Final[frozenset[str]] = frozenset()
_NO_RECEIPT: Final = frozenset({""})
_RECEIPTS: Final = 3
"""Different comments that are kept of an order: two are one too many already."""

ADDRESS: Final = ("ip", "port_http", "port_socks", "login")
STATUS: Final = frozenset({"status", "status_type"})
"""What two lists may say differently of one proxy."""

EARLIEST: Final = date(2000, 1, 1)
"""No proxy is older."""

_DAY: Final = re.compile(r"(?P<d>\d{2})\.(?P<m>\d{2})\.(?P<y>\d{4})|(?P<Y>\d{4})-(?P<M>\d{2})-(?P<D>\d{2})")


def decode_look(reads: Sequence[Callable[[Begin], Response]], product: ProductType) -> tuple[SeenOrder, ...]:
    """The orders that these lists of a type have together, in the order of their first rows.

    A proxy that several lists show is one row. VendorUnavailable unless all rows of each list are there; the next list
    is not read before. UnknownForm where each of them is left out.
    """
    orders: dict[str, _Order] = {}
    met: dict[_Name, int] | None = {} if len(reads) > 1 else None
    left_out: list[UnknownForm] = []
    for read in reads:
        response = read(_parser(product, met))
        try:
            listed = proxy_list(response, product, _Listed)
        except UnknownForm as error:
            left_out.append(error)
            continue
        if listed is None:
            continue
        for identity, order in listed.orders.items():
            orders.setdefault(identity, _Order()).join(order)
        if met is not None:
            met.update(listed.names)
    if left_out:
        first = left_out[0]
        raise first if len(left_out) == len(reads) else VendorUnavailable(str(first), hint=first.hint)
    return _without_shared_numbers([order.as_seen(identity) for identity, order in orders.items()])


def _parser(product: ProductType, met: Mapping[_Name, int] | None) -> Begin:
    return lambda redact: IncomingEnvelope(list_paths(product), lambda: _Listed(met, redact), redact)


class _Order:
    """What the rows of one order that have come so far say together."""

    __slots__ = ("countries", "ends", "numbers", "protocols", "receipts", "rows", "starts")

    def __init__(self) -> None:
        self.rows = 0
        self.numbers = self.countries = self.protocols = self.receipts = _NO_TEXTS
        self.starts: date | None = None
        self.ends: date | None = None

    def add(self, row: Row, redact: Redact) -> None:
        self.rows += 1
        base = _base(row, redact)
        if base and base not in self.numbers:
            self.numbers |= {base}
        self.countries = _with(self.countries, row.get("country_alpha3"), redact)
        self.protocols = _with(self.protocols, row.get("protocol"), redact)
        self._note(row.get("comment"), redact)
        self._date(day_of(row.get("date_start")), day_of(row.get("date_end")))

    def join(self, other: _Order) -> None:
        self.rows += other.rows
        self.numbers |= other.numbers
        self.countries |= other.countries
        self.protocols |= other.protocols
        self.receipts |= other.receipts
        self._date(other.starts, other.ends)

    def as_seen(self, identity: str) -> SeenOrder:
        return SeenOrder(
            order_id=identity,
            rows=self.rows,
            numbers=self.numbers,
            countries=self.countries,
            protocols=self.protocols,
            starts=self.starts,
            ends=self.ends,
            receipts=self.receipts if self.receipts != _NO_RECEIPT else _NO_TEXTS,
        )

    def _note(self, comment: object, redact: Redact) -> None:
        """Keep what looks like a receipt, and whether any row has none."""
        text = redact(comment).strip()[:LONGEST] if isinstance(comment, str) and comment.startswith(MARK) else ""
        if text not in self.receipts and len(self.receipts) < _RECEIPTS:
            self.receipts |= {text}

    def _date(self, start: date | None, end: date | None) -> None:
        if start and (self.starts is None or start < self.starts):
            self.starts = start
        if end and (self.ends is None or end > self.ends):
            self.ends = end


class _Listed:
    """One try at one list: the orders of those rows that `met`, the lists before, does not have.

    Without `met` there is no other list, and rows need no names.
    """

    def __init__(self, met: Mapping[_Name, int] | None, redact: Redact) -> None:
        self.orders: dict[str, _Order] = {}
        self.names: dict[_Name, int] = {}
        self.rows = 0
        self.all_numbered = True
        self._met = met
        self._redact = redact

    def add(self, row: object) -> None:
        self.rows += 1
        identity = order_id(row.get("order_id")) if isinstance(row, dict) else None
        if identity is None or (identity not in self.orders and self._redact(identity) != identity):
            self.all_numbered = False
        elif isinstance(row, dict) and (self._met is None or self._is_new(_name(identity, row), self._met)):
            self.orders.setdefault(identity, _Order()).add(row, self._redact)

    def _is_new(self, name: _Name, met: Mapping[_Name, int]) -> bool:
        self.names[name] = count = self.names.get(name, 0) + 1
        return count > met.get(name, 0)


def _name(identity: str, row: Row) -> _Name:
    """What tells a proxy from all others: a digest of its address, else order and id, else a digest of all it says.

    A renewal between two lists changes the id, and keeps the address (docs/vendor/api-v1.md#renewals).
    """
    own = order_id(row.get("id"))
    if not row.get("ip") and own is not None:
        return f"{identity} {own}"
    address = (identity, *(str(row.get(name)) for name in ADDRESS))
    told = repr(address if row.get("ip") else sorted((key, row[key]) for key in row.keys() - STATUS))
    return blake2b(told.encode(), digest_size=16).digest()


def _base(row: Row, redact: Redact) -> str | None:
    """The base number of a row's order, as it is told or as the order number begins; None where neither is there."""
    number = row.get("base_order_number") or row.get("order_number")
    return base_number(redact(number) if isinstance(number, str) else number)


def _without_shared_numbers(orders: Sequence[SeenOrder]) -> tuple[SeenOrder, ...]:
    """Without the numbers that several orders have: such a one, a word for nothing for example, names none of them."""
    count = Counter(chain.from_iterable(order.numbers for order in orders))
    shared = {number for number, times in count.items() if times > 1}
    return tuple(replace(order, numbers=order.numbers - shared) if shared else order for order in orders)


def _with(texts: frozenset[str], value: object, redact: Redact) -> frozenset[str]:
    text = clean_text(redact(value)).upper() if isinstance(value, str) else ""
    if not text or text in texts:
        return texts
    return texts | _alone(text) if texts else _alone(text)


@lru_cache(maxsize=256)
def _alone(text: str) -> frozenset[str]:
    """One set for all orders of a country."""
    return frozenset({text})


def day_of(value: object) -> date | None:
    """The day of `dd.mm.yyyy` or `yyyy-mm-dd`, with or without a time, or of a date object; None for anything else.

    So is a day before the vendor's time: what counts days from 1970 writes 01.01.1970 for none.
    """
    if isinstance(value, dict):
        value = value.get("date")
    return _parse(value) if isinstance(value, str) else None


@lru_cache(maxsize=1024)
def _parse(text: str) -> date | None:
    match = _DAY.match(text.strip())
    if match is None:
        return None
    parts = match.group("y", "m", "d") if match["y"] else match.group("Y", "M", "D")
    try:
        day = date(*map(int, parts))
    except ValueError:
        return None
    return day if day >= EARLIEST else None
