"""Backends for a haproxy.cfg. `server` takes no login, so each backend sends its own `Proxy-Authorization`."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence

from runner.core.deliveries import Proxy, ProxyKind
from runner.views.proxies.carrying import host, utf8


def basic(proxy: Proxy) -> str:
    """Its login as HTTP's Basic sends it (RFC 7617): `login:password` in UTF-8, as base64."""
    return b64encode(utf8(f"{proxy.login}:{proxy.password}")).decode()


def backends(proxies: Sequence[Proxy], kind: ProxyKind) -> str:
    """A backend a proxy, named `proxy-1` and so on, for GET and CONNECT."""
    return "\n".join(_backend(number, proxy, kind) for number, proxy in enumerate(proxies, 1))


def _backend(number: int, proxy: Proxy, kind: ProxyKind) -> str:
    header = f'    http-request set-header Proxy-Authorization "Basic {basic(proxy)}"\n' if proxy.needs_login else ""
    return f"backend proxy-{number}\n    mode http\n{header}    server s {host(proxy)}:{proxy.port(kind)}\n"
