"""The rows of `proxy/list/{type}` as proxies, with what opens them (docs/vendor/api-v1.md#proxy-lists).

Only rows of orders that were asked for are kept: an account may have two million others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from runner.core.errors import UnknownForm, VendorUnavailable
from runner.core.orders import ProductType
from runner.core.vendor import ListedProxy
from runner.vendors.incoming import IncomingEnvelope
from runner.vendors.v1.lists import day_of
from runner.vendors.v1.reads import list_paths, proxy_list
from runner.vendors.v1.refusals import base_number, order_id
from runner.vendors.wire import Begin, Redact, Response, clean_text

_YES: Final = frozenset({"Y", "1", "TRUE", "YES"})
_MOST_PORT: Final = 65535


def decode_proxies(
    reads: Sequence[Callable[[Begin], Response]], product: ProductType, order_ids: Collection[str] | None
) -> tuple[ListedProxy, ...]:
    """The rows of these orders, all for None, that these lists have together; one that several show is told once.

    The later list tells, because a renewal between two lists changes a row. VendorUnavailable unless all rows of each
    list are there; UnknownForm where each of them is left out.
    """
    rows: dict[tuple[str, str], ListedProxy] = {}
    left_out: list[UnknownForm] = []
    for read in reads:
        response = read(_parser(product, order_ids))
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


def _place(proxy: ListedProxy) -> tuple[str, str]:
    """What tells a row from all others while its id may change: the address and ports, else the id."""
    if not proxy.ip:
        return proxy.order_id, proxy.row_id
    return proxy.order_id, f"{proxy.ip} {proxy.port_http} {proxy.port_socks} {proxy.login}"


def _parser(product: ProductType, order_ids: Collection[str] | None) -> Begin:
    return lambda redact: IncomingEnvelope(list_paths(product), lambda: _WantedRows(product, order_ids, redact), redact)


class _WantedRows:
    """One try at one list: the rows of the orders that were asked for, and how many there were in all."""

    def __init__(self, product: ProductType, order_ids: Collection[str] | None, redact: Redact) -> None:
        self.proxies: list[ListedProxy] = []
        self.rows = 0
        self.all_numbered = True
        self._product = product
        self._order_ids = order_ids
        self._redact = redact

    def add(self, row: object) -> None:
        self.rows += 1
        identity = order_id(row.get("order_id")) if isinstance(row, dict) else None
        if identity is None:
            self.all_numbered = False
        elif isinstance(row, dict) and (self._order_ids is None or identity in self._order_ids):
            self.proxies.append(_proxy(self._product, identity, row, self._redact))


def _proxy(product: ProductType, identity: str, row: Mapping[str, object], redact: Redact) -> ListedProxy:
    def text(name: str) -> str:
        value = row.get(name)
        return redact(value) if isinstance(value, str) else str(value) if isinstance(value, int) else ""

    number = row.get("base_order_number") or row.get("order_number")
    return ListedProxy(
        type=product,
        order_id=identity,
        row_id=text("id"),
        ip=_address(text("ip_only") or text("ip")),
        port_http=_port(row.get("port_http")),
        port_socks=_port(row.get("port_socks")),
        login=text("login"),
        password=text("password"),
        protocol=clean_text(text("protocol")).upper() or None,
        country=clean_text(text("country_alpha3")).upper() or None,
        number=base_number(redact(number) if isinstance(number, str) else number),
        starts=day_of(row.get("date_start")),
        ends=day_of(row.get("date_end")),
        auto_renewed=is_yes(row.get("auto_renew")),
        renewable=is_yes(row["can_prolong"]) if row.get("can_prolong") is not None else None,
        comment=clean_text(text("comment")),
        authorized_ip=clean_text(text("auth_ip")) or None,
        rotation_link=text("link_reboot") or None,
    )


def _address(text: str) -> str:
    """The address alone: of mobile proxies, `ip` carries ports behind it (docs/vendor/api-v1.md#proxy-lists)."""
    host, colon, rest = text.strip().partition(":")
    return host if colon and ":" not in rest.partition(":")[0] and "." in host else text.strip()


def _port(value: object) -> int | None:
    if isinstance(value, bool) or not str(value).isdecimal():
        return None
    number = int(str(value))
    return number if 0 < number <= _MOST_PORT else None


def is_yes(value: object) -> bool:
    """Whether a flag is set, in any of the vendor's spellings."""
    return str(value).upper() in _YES
