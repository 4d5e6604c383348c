"""`outbounds` of sing-box."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runner.core.deliveries import Proxy, ProxyKind
from runner.views.proxies.carrying import unique_names
from runner.views.terminal.safe import json_text


def outbounds(proxies: Sequence[Proxy], kind: ProxyKind) -> str:
    """A JSON object with an outbound a proxy, tagged with order and address."""
    tags = unique_names(proxies, kind)
    items = [_outbound(tag, proxy, kind) for tag, proxy in zip(tags, proxies, strict=True)]
    return json_text({"outbounds": items}, indent=2) + "\n"


def _outbound(tag: str, proxy: Proxy, kind: ProxyKind) -> dict[str, Any]:
    head = {"type": "http", "tag": tag} if kind == "http" else {"type": "socks", "tag": tag, "version": "5"}
    login = {"username": proxy.login, "password": proxy.password} if proxy.needs_login else {}
    return {**head, "server": proxy.ip, "server_port": proxy.port(kind), **login}
