"""A list for Clash is YAML whose text stays text."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from runner.core.deliveries import PROXY_KINDS, Proxy
from runner.core.errors import Refused
from runner.views.proxies import render
from tests.views.proxies.samples import BY_ADDRESS, HOSTILE, HOSTILE_HTTP, IPV6, PROXIES, PROXY, SECOND


def items(text: str) -> list[dict[str, Any]]:
    """What a YAML reader gets of it."""
    document = yaml.safe_load(text)
    assert list(document) == ["proxies"]
    read: list[dict[str, Any]] = document["proxies"]
    return read


def test_a_proxy_is_a_line() -> None:
    """JSON in YAML: name, type, server, port as a number, username and password."""
    assert render("clash", [SECOND, HOSTILE_HTTP], kind="http") == (
        "proxies:\n"
        '  - {"name": "crawl/uk 203.0.113.5:50100", "type": "http", "server": "203.0.113.5", "port": 50100, '
        '"username": "user@x", "password": "p:@/#%?&=+\\"\'\\\\$ ;41%40"}\n'
        '  - {"name": "crawl/uk 203.0.113.40:50100", "type": "http", "server": "203.0.113.40", "port": 50100, '
        '"username": "other", "password": "plain-2"}\n'
    )
    assert items(render("clash", [], kind="http")) == []


def test_socks5_ipv6_and_no_login_are_as_clash_has_them() -> None:
    """The address is plain, the type `socks5`, and what is not needed is not there."""
    assert items(render("clash", [IPV6, BY_ADDRESS], kind="socks5")) == [
        {"name": "crawl/uk 203.0.113.5:50101", "type": "socks5", "server": "203.0.113.5", "port": 50101},
        {
            "name": "crawl/uk [2001:db8::5]:50101",
            "type": "socks5",
            "server": "2001:db8::5",
            "port": 50101,
            "username": "us.er",
            "password": "plain-1",
        },
    ]


def test_names_are_unique() -> None:
    """Clash refuses a file where two have one: a number follows where order and address are the same."""
    several = [PROXY, replace(PROXY, login="b"), replace(PROXY, login="c"), replace(PROXY, key="")]
    assert [one["name"] for one in items(render("clash", several, kind="http"))] == [
        "1000001 203.0.113.5:50100",
        "crawl/uk 203.0.113.5:50100",
        "crawl/uk 203.0.113.5:50100 (2)",
        "crawl/uk 203.0.113.5:50100 (3)",
    ]


@given(st.lists(PROXIES, max_size=3), st.sampled_from(PROXY_KINDS))
@example([replace(PROXY, login="1e3", password="0123"), replace(PROXY, login="no", password="~")], "http")
@example([replace(PROXY, login="😀", password="##"), HOSTILE], "socks5")
def test_what_looks_like_a_number_stays_text(proxies: list[Proxy], kind: Any) -> None:
    """A YAML reader gives back every login and password as the text that was delivered."""
    try:
        text = render("clash", proxies, kind=kind)
    except Refused:
        return
    read = sorted((one["server"], one["port"], one.get("username", ""), one.get("password", "")) for one in items(text))
    assert read == sorted(
        (one.ip, one.port(kind), *((one.login, one.password) if one.needs_login else ("", ""))) for one in proxies
    )
