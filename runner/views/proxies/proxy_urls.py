"""Proxies as URLs, percent-encoded once: the environment of most programs, and the list that Scrapy rotates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from runner.core.deliveries import Proxy, ProxyKind
from runner.views.proxies.carrying import Obstacle, address, url

HTTP_NAMES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
SOCKS_NAMES: Final = ("ALL_PROXY",)
"""Programs that do not know SOCKS5 would speak HTTP to the port, so only those that look for it are told of it."""


def environment(proxies: Sequence[Proxy], kind: ProxyKind) -> str:
    """`HTTP_PROXY=http://…` for the one proxy, in both cases because programs differ in which they read.

    Without quotes and `export`: shells, dotenv readers, systemd and docker read such a line alike.
    """
    (proxy,) = proxies
    names = HTTP_NAMES if kind == "http" else SOCKS_NAMES
    return "".join(f"{spelling}={url(proxy, kind)}\n" for name in names for spelling in (name, name.lower()))


def scrapy(proxies: Sequence[Proxy], kind: ProxyKind) -> str:
    """A URL a line, for `request.meta["proxy"]`."""
    return "".join(f"{url(proxy, kind)}\n" for proxy in proxies)


def scrapy_takes_ipv4(proxy: Proxy, _kind: ProxyKind) -> Iterator[Obstacle]:
    """The address is IPv4: Scrapy does not take the brackets of the other."""
    number = address(proxy)
    if number is not None and number.version == 6:
        yield Obstacle(field="ip", rule="is IPv6, which Scrapy does not take in a proxy's URL", way_out="write env")
