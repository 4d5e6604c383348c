"""The rows of `proxy/list/{type}` as proxies, with what opens them (docs/vendor/api-v1.md#proxy-lists).

Only rows of orders that were asked for are kept: an account may have two million others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from runner.core.errors import UnknownForm, VendorUnavailable
from runner.core.orders import ProductType
from runner.core.vendor import ListedProxy
from runner.vendors.incoming import IncomingEnvelope
from runner.vendors.v1.lists import day_of
from runner.vendors.v1.reads import list_paths, proxy_list
from runner.vendors.v1.refusals import base_number, order_id
from runner.vendors.wire import Begin, Redact, Response, clean_text

_FIELDS: Final = (
    "order_id",
    "id",
    "ip_only",
    "ip",
    "port_http",
    "port_socks",
    "login",
    "password",
    "protocol",
    "country_alpha3",
    "base_order_number",
    "order_number",
    "date_start",
    "date_end",
    "auto_renew",
    "can_prolong",
    "comment",
    "auth_ip",
    "link_reboot",
)
"""All that is read of a row."""

_YES: Final = frozenset({"Y", "1", "TRUE", "YES"})
_MOST_PORT: Final = 65535


def decode_proxies(
    reads: Sequence[Callable[[Begin], Response]],
    product: ProductType,
    order_ids: Collection[str] | None,
    numbers: Collection[str] = (),
) -> tuple[ListedProxy, ...]:
    """The rows of these orders and base numbers, all for None, that these lists have together.

    One that several lists show is told once.

    The later list tells, because a renewal between two lists changes a row. VendorUnavailable unless all rows of each
    list are there; UnknownForm where each of them is left out.
    """
    rows: dict[tuple[object, ...], ListedProxy] = {}
    wanted = _Wanted(product=product, order_ids=order_ids, numbers=numbers)
    left_out: list[UnknownForm] = []
    for read in reads:
        response = read(_parser(wanted))
        try:
            listed = proxy_list(response, product, _WantedRows)
        except UnknownForm as error:
            left_out.append(error)
            continue
        for proxy in listed.proxies if listed is not None else ():
            rows[_place(proxy)] = proxy
    if left_out:
        first = left_out[0]
        raise first if len(left_out) == len(reads) else VendorUnavailable(str(first), hint=first.hint)
    return tuple(rows.values())


def _place(proxy: ListedProxy) -> tuple[object, ...]:
    """What tells a row from all others while its id may change: the address and ports, else the id."""
    if not proxy.ip:
        return proxy.order_id, proxy.row_id
    return proxy.order_id, proxy.ip, proxy.port_http, proxy.port_socks, proxy.login


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """Which rows are kept, by order id (None: all) or base number; `read_rows` are rows by all that is read of them.

    Two lists show most rows alike: one that was read before is not read again.
    """

    product: ProductType
    order_ids: Collection[str] | None
    numbers: Collection[str]
    read_rows: dict[tuple[object, ...], ListedProxy] = field(default_factory=dict, repr=False)

    def has(self, identity: str, row: Mapping[str, object]) -> bool:
        if self.order_ids is None or identity in self.order_ids:
            return True
        number = row.get("base_order_number") or row.get("order_number")
        return bool(self.numbers) and base_number(number) in self.numbers

    def read(self, identity: str, row: Mapping[str, object], redact: Redact) -> ListedProxy:
        values = tuple(map(row.get, _FIELDS))
        try:
            if (proxy := self.read_rows.get(values)) is not None:
                return proxy
        except TypeError:  # a date is an object
            return _proxy(self.product, identity, row, redact)
        return self.read_rows.setdefault(values, _proxy(self.product, identity, row, redact))


def _parser(wanted: _Wanted) -> Begin:
    return lambda redact: IncomingEnvelope(list_paths(wanted.product), lambda: _WantedRows(wanted, redact), redact)


class _WantedRows:
    """One try at one list: the rows that are wanted, and how many there were in all."""

    def __init__(self, wanted: _Wanted, redact: Redact) -> None:
        self.proxies: list[ListedProxy] = []
        self.rows = 0
        self.all_numbered = True
        self._wanted = wanted
        self._redact = redact

    def add(self, row: object) -> None:
        self.rows += 1
        identity = order_id(row.get("order_id")) if isinstance(row, dict) else None
        if identity is None:
            self.all_numbered = False
        elif isinstance(row, dict) and self._wanted.has(identity, row):
            self.proxies.append(self._wanted.read(identity, row, self._redact))


def _proxy(product: ProductType, identity: str, row: Mapping[str, object], redact: Redact) -> ListedProxy:
    get = row.get
    own_number = _base(get("order_number"), redact)
    return ListedProxy(
        type=product,
        order_id=identity,
        row_id=_text(get("id"), redact),
        ip=_address(_text(get("ip_only"), redact) or _text(get("ip"), redact)),
        port_http=_port(get("port_http")),
        port_socks=_port(get("port_socks")),
        login=_text(get("login"), redact),
        password=_text(get("password"), redact),
        protocol=_word(get("protocol"), redact).upper() or None,
        country=_word(get("country_alpha3"), redact).upper() or None,
        number=_base(get("base_order_number"), redact) or own_number,
        own_number=own_number,
        starts=day_of(get("date_start")),
        ends=day_of(get("date_end")),
        auto_renewed=is_yes(get("auto_renew")),
        renewable=is_yes(row["can_prolong"]) if get("can_prolong") is not None else None,
        comment=_word(get("comment"), redact),
        authorized_ip=_word(get("auth_ip"), redact) or None,
        rotation_link=_link(_text(get("link_reboot"), redact)),
    )


def _text(value: object, redact: Redact) -> str:
    if isinstance(value, str):
        return redact(value) if value else ""
    return str(value) if isinstance(value, int) else ""


def _word(value: object, redact: Redact) -> str:
    text = _text(value, redact)
    return clean_text(text) if text else ""


def _base(value: object, redact: Redact) -> str | None:
    return base_number(redact(value) if isinstance(value, str) else value)


def _address(text: str) -> str:
    """The address alone: of mobile proxies, `ip` carries ports behind it (docs/vendor/api-v1.md#proxy-lists)."""
    host, colon, rest = text.strip().partition(":")
    return host if colon and ":" not in rest.partition(":")[0] and "." in host else text.strip()


def _link(text: str) -> str | None:
    """A link; None for what stands in place of one, such as `#`."""
    return text if "://" in text else None


def _port(value: object) -> int | None:
    if type(value) is int:
        return value if 0 < value <= _MOST_PORT else None
    if not isinstance(value, str) or not value.isdecimal():
        return None
    number = int(value)
    return number if 0 < number <= _MOST_PORT else None


def is_yes(value: object) -> bool:
    """Whether a flag is set, in any of the vendor's spellings."""
    return str(value).upper() in _YES
