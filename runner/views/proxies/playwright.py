"""Playwright's `proxy` option: nothing is decoded, so values are verbatim; a login inside `server` would be lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runner.core.deliveries import Proxy, ProxyKind
from runner.views.proxies.carrying import Obstacle, credentials, host
from runner.views.terminal.safe import json_text


def options(proxies: Sequence[Proxy], kind: ProxyKind) -> str:
    """A JSON array of `{"server": "http://ip:port", "username": …, "password": …}`, one for each context or browser."""
    return json_text([_option(proxy, kind) for proxy in proxies], indent=2) + "\n"


def chromium_has_no_socks_login(proxy: Proxy, kind: ProxyKind) -> Iterator[Obstacle]:
    """With SOCKS5, no login is needed: Chromium does not support it."""
    if kind == "socks5" and any(credentials(proxy)):
        rule = "is needed, and Chromium knows no login for SOCKS5"
        yield Obstacle(field="login", rule=rule, way_out="take the HTTP port")


def _option(proxy: Proxy, kind: ProxyKind) -> dict[str, str]:
    login = {"username": proxy.login, "password": proxy.password} if proxy.needs_login else {}
    return {"server": f"{kind}://{host(proxy)}:{proxy.port(kind)}"} | login
