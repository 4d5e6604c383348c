"""Outbounds for sing-box are JSON of the types that it has."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.deliveries import PROXY_KINDS, Proxy
from runner.core.errors import Refused
from runner.views.proxies import render
from tests.views.proxies.samples import BY_ADDRESS, HOSTILE, IPV6, PROXIES, PROXY


def outbounds(text: str) -> list[dict[str, Any]]:
    """The outbounds of a file."""
    document = json.loads(text)
    assert list(document) == ["outbounds"]
    read: list[dict[str, Any]] = document["outbounds"]
    return read


def test_a_proxy_is_an_outbound() -> None:
    """For SOCKS5 the type is `socks` with its version; the port is a number, the address plain."""
    assert outbounds(render("sing-box", [HOSTILE], kind="socks5")) == [
        {
            "type": "socks",
            "tag": "crawl/uk 203.0.113.5:50101",
            "version": "5",
            "server": "203.0.113.5",
            "server_port": 50101,
            "username": "us:er@x",
            "password": "p:@/#%?&=+\"'\\$ ;41%40",
        }
    ]
    assert outbounds(render("sing-box", [IPV6, BY_ADDRESS, replace(BY_ADDRESS, port_socks=1)], kind="http")) == [
        {"type": "http", "tag": "crawl/uk 203.0.113.5:50100", "server": "203.0.113.5", "server_port": 50100},
        {"type": "http", "tag": "crawl/uk 203.0.113.5:50100 (2)", "server": "203.0.113.5", "server_port": 50100},
        {
            "type": "http",
            "tag": "crawl/uk [2001:db8::5]:50100",
            "server": "2001:db8::5",
            "server_port": 50100,
            "username": "us.er",
            "password": "plain-1",
        },
    ]
    assert outbounds(render("sing-box", [], kind="http")) == []


@pytest.mark.parametrize("kind", PROXY_KINDS)
@given(proxies=st.lists(PROXIES, max_size=3))
def test_an_outbound_gives_back_what_was_put_in(kind: Any, proxies: list[Proxy]) -> None:
    """Read as JSON, every login and password is the text that was delivered, and no two tags are one."""
    try:
        read = outbounds(render("sing-box", [*proxies, PROXY, PROXY], kind=kind))
    except Refused:
        return
    assert len({one["tag"] for one in read}) == len(read)
    assert sorted((one["server"], one["server_port"], one.get("username"), one.get("password")) for one in read) == (
        sorted(
            (one.ip, one.port(kind), *((one.login, one.password) if one.needs_login else (None, None)))
            for one in (*proxies, PROXY, PROXY)
        )
    )
