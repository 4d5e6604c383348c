"""Playwright gets server, login and password apart from each other, and as they are."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given

from runner.core.deliveries import Proxy
from runner.core.errors import Refused
from runner.views.proxies import render
from tests.views.proxies.samples import BY_ADDRESS, HOSTILE_HTTP, IPV6, PROXIES, PROXY, SECOND


def test_an_option_is_what_launch_takes() -> None:
    """`{server, username, password}`, verbatim, in an array; never a login inside `server`, which would be lost."""
    assert render("playwright", [HOSTILE_HTTP], kind="http") == (
        '[\n  {\n    "server": "http://203.0.113.5:50100",\n    "username": "user@x",\n'
        '    "password": "p:@/#%?&=+\\"\'\\\\$ ;41%40"\n  }\n]\n'
    )
    options = json.loads(render("playwright", [SECOND, IPV6, BY_ADDRESS], kind="http"))
    assert options == [
        {"server": "http://203.0.113.5:50100"},
        {"server": "http://203.0.113.40:50100", "username": "other", "password": "plain-2"},
        {"server": "http://[2001:db8::5]:50100", "username": "us.er", "password": "plain-1"},
    ]


def test_chromium_is_given_no_login_for_socks5() -> None:
    """It does not support one, so the HTTP port is the way out; without a login SOCKS5 is fine."""
    with pytest.raises(Refused, match="Chromium knows no login for SOCKS5") as raised:
        render("playwright", [PROXY], kind="socks5")
    assert raised.value.hint == "take the HTTP port"
    assert json.loads(render("playwright", [BY_ADDRESS], kind="socks5")) == [{"server": "socks5://203.0.113.5:50101"}]


@given(PROXIES)
def test_options_give_back_what_was_put_in(proxy: Proxy) -> None:
    """Read as JSON, with nothing decoded, login and password are the very text."""
    try:
        (option,) = json.loads(render("playwright", [proxy], kind="http"))
    except Refused:
        return
    wanted = {"username": proxy.login, "password": proxy.password} if proxy.needs_login else {}
    server = replace(proxy, ip=f"[{proxy.ip}]") if ":" in proxy.ip else proxy
    assert option == {"server": f"http://{server.ip}:{proxy.port_http}", **wanted}
