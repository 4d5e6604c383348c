"""Parents for a 3proxy.cfg, below an `allow`: arguments in double quotes, with a quote inside doubled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from runner.core.deliveries import Proxy, ProxyKind
from runner.views.proxies.carrying import OTHER_FORMAT, Obstacle, credentials, is_short

MOST: Final = 1000
"""Weights of one step are thousandths: more proxies than that would be a chain of two."""

TYPES: Final = {"http": "connect+", "socks5": "socks5+"}
"""With `+`, names are resolved at the proxy."""


def parents(proxies: Sequence[Proxy], kind: ProxyKind) -> str:
    """A `parent` a proxy, whose weights come to 1000: each connection takes one of them at random."""
    weights = [MOST // len(proxies) + (number < MOST % len(proxies)) for number in range(len(proxies))]
    return "".join(f"{_parent(weight, proxy, kind)}\n" for weight, proxy in zip(weights, proxies, strict=True))


def three_proxy_reads_login(proxy: Proxy, kind: ProxyKind) -> Iterator[Obstacle]:
    """No value begins with a quote, which has no spelling there, no login with `*`; for http, 128 bytes each."""
    for field, value in credentials(proxy):
        if value.startswith('"'):
            yield Obstacle(field=field, rule='begins with `"`, which 3proxy cannot be given', way_out=OTHER_FORMAT)
    if proxy.login.startswith("*"):
        yield Obstacle(field="login", rule="begins with `*`, which is the client's own name to 3proxy")
    if kind == "http":
        yield from is_short(proxy, 128, "where 3proxy cuts it off", "take the SOCKS5 port")


def _parent(weight: int, proxy: Proxy, kind: ProxyKind) -> str:
    login = "".join(f" {_quote(value)}" for _, value in credentials(proxy))
    return f"parent {weight} {TYPES[kind]} {proxy.ip} {proxy.port(kind)}{login}"


def _quote(value: str) -> str:
    doubled = value.replace('"', '""')
    return f'"{doubled}"'
