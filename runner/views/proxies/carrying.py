"""What a format cannot carry: values that a program would read as something else, or go on without a proxy for.

A check looks at one proxy and gives an `Obstacle` for each rule that it breaks. Obstacles name the field and the rule,
and never hold the value. What each program does was measured; docs/proxies.md has the table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import count
from typing import Final
from urllib.parse import quote

from runner.core.deliveries import Proxy, ProxyKind
from runner.core.errors import Refused
from runner.views.terminal.safe import one_line

OTHER_FORMAT: Final = "write json or csv with logins, which carry every character"
OTHER_PORT: Final = "take the SOCKS5 port, or write json or csv with logins"

LONGEST_OF_SOCKS: Final = 255
"""Bytes of a login or password: SOCKS5 sends their length in one byte (RFC 1929)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """Why a proxy cannot be written: the field at fault, what is wrong with it, and the way out. No value of it."""

    field: str
    rule: str
    way_out: str = OTHER_FORMAT


Check = Callable[[Proxy, ProxyKind], Iterable[Obstacle]]


def address(proxy: Proxy) -> IPv4Address | IPv6Address | None:
    """Its address, or None where `ip` is not one: host names, ports and zones are none."""
    try:
        return None if "%" in proxy.ip else ip_address(proxy.ip)
    except ValueError:
        return None


def host(proxy: Proxy) -> str:
    """Its address as a URL has it, IPv6 in brackets."""
    return f"[{proxy.ip}]" if ":" in proxy.ip else proxy.ip


def utf8(value: str) -> bytes:
    """Its bytes; a half of a letter that JSON may hold has some too, so that measuring is never an error."""
    return value.encode("utf-8", "surrogatepass")


def encode(value: str) -> str:
    """A login or password as part of a URL: all but letters, digits and `-._~` as percent-encoded UTF-8."""
    return quote(utf8(value), safe="")


def url(proxy: Proxy, kind: ProxyKind) -> str:
    """`http://login:password@ip:port`, or `socks5h://…`, which leaves the names to the proxy to resolve."""
    scheme = "http" if kind == "http" else "socks5h"
    login = f"{encode(proxy.login)}:{encode(proxy.password)}@" if proxy.needs_login else ""
    return f"{scheme}://{login}{host(proxy)}:{proxy.port(kind)}"


def credentials(proxy: Proxy) -> Iterator[tuple[str, str]]:
    """The names and values of `login` and `password`; nothing where none is needed."""
    if proxy.needs_login:
        yield "login", proxy.login
        yield "password", proxy.password


def name_of(proxy: Proxy, kind: ProxyKind) -> str:
    """What an error calls a proxy: its address and port, where it is one, and its order."""
    port = proxy.port(kind)
    where = f" {host(proxy)}{f':{port}' if port else ''}" if address(proxy) else ""
    return f"the proxy{where} of {proxy.key or f'order {proxy.order_id}'}"


def unique_names(proxies: Sequence[Proxy], kind: ProxyKind) -> list[str]:
    """A name for each proxy, of its order and its address; a number follows where that is not enough."""
    names: dict[str, None] = {}
    numbers: defaultdict[str, Iterator[int]] = defaultdict(lambda: count(1))
    for proxy in proxies:
        stem = one_line(f"{proxy.key or proxy.order_id} {host(proxy)}:{proxy.port(kind)}")
        numbered = (stem if number == 1 else f"{stem} ({number})" for number in numbers[stem])
        names[next(name for name in numbered if name not in names)] = None
    return list(names)


def address_is_one(proxy: Proxy, _kind: ProxyKind) -> Iterator[Obstacle]:
    """The address is an IP address: a name, or an address with a port, is for another field."""
    if address(proxy) is None:
        yield Obstacle(field="ip", rule="is not an IP address", way_out="report it: the vendor's row could not be read")


def port_is_there(proxy: Proxy, kind: ProxyKind) -> Iterator[Obstacle]:
    """The port of the wanted kind exists and is one; that of the other kind never stands in for it."""
    field, other = ("port_http", "SOCKS5") if kind == "http" else ("port_socks", "HTTP")
    port = proxy.port(kind)
    if port is None:
        yield Obstacle(field=field, rule="is missing", way_out=f"take the {other} port")
    elif not 1 <= port <= 65535:
        yield Obstacle(field=field, rule="is outside of 1 to 65535", way_out=f"take the {other} port")


def login_is_whole(proxy: Proxy, _kind: ProxyKind) -> Iterator[Obstacle]:
    """Login and password are both there, or neither is because the vendor knows the client's address."""
    for field, value in credentials(proxy):
        if not value:
            rule = "is empty, and no address of yours is let in without it"
            yield Obstacle(field=field, rule=rule, way_out="wait for the delivery, or look at the authorizations")


def login_can_be_seen(proxy: Proxy, _kind: ProxyKind) -> Iterator[Obstacle]:
    """Neither login nor password holds a line break, another control character or one that cannot be seen."""
    yield from can_be_seen(credentials(proxy))


def link_can_be_seen(proxy: Proxy, _kind: ProxyKind) -> Iterator[Obstacle]:
    """The link that changes a mobile proxy's address holds no line break or other control character."""
    yield from can_be_seen([("rotation_link", proxy.rotation_link or "")])


def can_be_seen(values: Iterable[tuple[str, str]]) -> Iterator[Obstacle]:
    """An obstacle for each value, given with the name of its field, that holds what cannot be printed."""
    for field, value in values:
        if not value.isprintable():
            rule = "holds a control character or another that cannot be seen"
            yield Obstacle(field=field, rule=rule, way_out="change it at the vendor: no program can be given it")


def basic_ends_at_colon(proxy: Proxy, kind: ProxyKind) -> Iterator[Obstacle]:
    """No login for http has a colon: `Basic` ends the login at the first one."""
    if kind == "http":
        yield from holds_none(":", proxy, only="login", why="which ends the login in HTTP's Basic", way_out=OTHER_PORT)


def is_sent_alike(proxy: Proxy, kind: ProxyKind) -> Iterator[Obstacle]:
    """Login and password are ASCII for http, where programs encode differently; short enough for SOCKS5."""
    if kind == "http":
        yield from is_ascii(proxy, "which programs send over HTTP in different bytes", OTHER_PORT)
    else:
        yield from is_short(proxy, LONGEST_OF_SOCKS, "the most that SOCKS5 carries", "take the HTTP port")


def holds_none(
    characters: str, proxy: Proxy, *, why: str, only: str | None = None, way_out: str = OTHER_FORMAT
) -> Iterator[Obstacle]:
    """An obstacle for each field, or the `only` one, that holds one of the characters. `why` begins with a pronoun."""
    for field, value in credentials(proxy):
        present = [character for character in characters if character in value]
        if present and only in (None, field):
            listed = ", ".join("a space" if character == " " else f"`{character}`" for character in present)
            yield Obstacle(field=field, rule=f"holds {listed}, {why}", way_out=way_out)


def is_ascii(proxy: Proxy, why: str, way_out: str = OTHER_FORMAT) -> Iterator[Obstacle]:
    """An obstacle for each field that holds a letter outside of ASCII. `why` begins with a pronoun."""
    for field, value in credentials(proxy):
        if not value.isascii():
            yield Obstacle(field=field, rule=f"holds a letter outside of ASCII, {why}", way_out=way_out)


def is_short(proxy: Proxy, most: int, why: str, way_out: str = OTHER_FORMAT) -> Iterator[Obstacle]:
    """An obstacle for each field of more than `most` bytes. `why` says where the limit comes from."""
    for field, value in credentials(proxy):
        if len(utf8(value)) > most:
            yield Obstacle(field=field, rule=f"is longer than {most} bytes, {why}", way_out=way_out)


ADDRESS: Final[tuple[Check, ...]] = (address_is_one, port_is_there)
LOGIN: Final[tuple[Check, ...]] = (login_is_whole, login_can_be_seen)
ALWAYS: Final[tuple[Check, ...]] = (*ADDRESS, *LOGIN, basic_ends_at_colon, is_sent_alike)
"""What holds for every program that is given a login."""


def refuse(fmt: str, proxies: Sequence[Proxy], kind: ProxyKind, checks: Sequence[Check]) -> None:
    """Refused, with the first proxy that breaks a rule and the number of the others, where any does."""
    first = ((proxy, _first(proxy, kind, checks)) for proxy in proxies)
    blocked = [(proxy, obstacle) for proxy, obstacle in first if obstacle]
    if not blocked:
        return
    proxy, obstacle = blocked[0]
    others = f" (and {len(blocked) - 1} more cannot)" if len(blocked) > 1 else ""
    raise Refused(
        f"{fmt} cannot carry {name_of(proxy, kind)}: its {obstacle.field} {obstacle.rule}{others}",
        hint=obstacle.way_out,
    )


def _first(proxy: Proxy, kind: ProxyKind, checks: Sequence[Check]) -> Obstacle | None:
    return next((obstacle for check in checks for obstacle in check(proxy, kind)), None)
