"""Parents for a squid.conf. Squid has no quotes here: login and password are percent-encoded, and decoded by it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from runner.core.deliveries import Proxy, ProxyKind
from runner.views.proxies.carrying import Obstacle, encode, is_ascii, utf8

MOST_BYTES: Final = 127
"""Of `login:password`; squid 5 was seen to be right up to here."""

SPECIAL: Final = ("*", "NEGOTIATE")
"""Beginnings of `login=` that mean something else to squid, encoded or not: its client's name, and Kerberos."""

TAIL: Final = "never_direct allow all\nserver_persistent_connections off\n"
"""Nothing goes around the parents, and no connection of one login is used for another on the same address."""


def parents(proxies: Sequence[Proxy], kind: ProxyKind) -> str:
    """A `cache_peer` a proxy, taken in turn, and what keeps them apart."""
    return "".join(f"{_peer(number, proxy, kind)}\n" for number, proxy in enumerate(proxies, 1)) + TAIL


def squid_reads_login(proxy: Proxy, _kind: ProxyKind) -> Iterator[Obstacle]:
    """Login and password are ASCII, short, and no word of squid's own."""
    yield from is_ascii(proxy, "which squid does not read")
    if proxy.login.startswith(SPECIAL):
        yield Obstacle(field="login", rule="begins with `*` or NEGOTIATE, which mean something else to squid")
    if len(utf8(f"{proxy.login}:{proxy.password}")) > MOST_BYTES:
        rule = f"and login are longer than {MOST_BYTES} bytes together, the most that squid is sure to send"
        yield Obstacle(field="password", rule=rule)


def _peer(number: int, proxy: Proxy, kind: ProxyKind) -> str:
    login = f" login={encode(proxy.login)}:{encode(proxy.password)}" if proxy.needs_login else ""
    port = proxy.port(kind)
    return f"cache_peer {proxy.ip} parent {port} 0 no-query no-digest round-robin name=proxy-{number}{login}"
