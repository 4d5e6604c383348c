"""`proxies` of mihomo and Clash. JSON is YAML: so `1e3`, `0123` and `no` stay text, and nothing needs another quote."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from runner.core.deliveries import Proxy, ProxyKind
from runner.views.proxies.carrying import unique_names


def proxies_yaml(proxies: Sequence[Proxy], kind: ProxyKind) -> str:
    """`proxies:` and an item a line, named after order and address."""
    names = unique_names(proxies, kind)
    items = [_flow(_item(name, proxy, kind)) for name, proxy in zip(names, proxies, strict=True)]
    return "proxies:" + ("".join(f"\n  - {item}" for item in items) or " []") + "\n"


def _item(name: str, proxy: Proxy, kind: ProxyKind) -> dict[str, Any]:
    login = {"username": proxy.login, "password": proxy.password} if proxy.needs_login else {}
    return {"name": name, "type": kind, "server": proxy.ip, "port": proxy.port(kind)} | login


def _flow(item: dict[str, Any]) -> str:
    """JSON on one line, in UTF-8: YAML does not put the two halves of an escaped letter together."""
    return json.dumps(item, ensure_ascii=False).replace("##", "#\\u0023")
