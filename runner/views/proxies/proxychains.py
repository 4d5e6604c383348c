"""A whole configuration for `proxychains4 -f`: words between spaces, verbatim, nothing quoted and nothing decoded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from runner.core.deliveries import Proxy, ProxyKind
from runner.views.proxies.carrying import Obstacle, holds_none, is_short

MOST: Final = 512
"""Proxies that it reads; it leaves out the rest without a word (proxychains-ng 4.16, `MAX_CHAIN`)."""

HEAD: Final = "random_chain\nchain_len = 1\nproxy_dns\n[ProxyList]\n"
"""One proxy a connection. Without the first two lines each connection would go through all of them, one by one."""


def configuration(proxies: Sequence[Proxy], kind: ProxyKind) -> str:
    """The list, of which each connection takes one at random; names are resolved at the proxy."""
    return HEAD + "".join(f"{_line(proxy, kind)}\n" for proxy in proxies)


def is_one_word(proxy: Proxy, _kind: ProxyKind) -> Iterator[Obstacle]:
    """Login and password have no space, which cuts them, and at most 255 bytes."""
    yield from holds_none(" ", proxy, why="where proxychains cuts it off")
    yield from is_short(proxy, 255, "the most that proxychains reads")


def _line(proxy: Proxy, kind: ProxyKind) -> str:
    login = (proxy.login, proxy.password) if proxy.needs_login else ()
    return " ".join((kind, proxy.ip, str(proxy.port(kind)), *login))
