"""A delivered proxy keeps its secrets, and its two ports apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final

from runner.core.deliveries import PROXY_KINDS, Proxy

PROXY: Final = Proxy(
    key="crawl/uk",
    order_id="1000001",
    ip="203.0.113.5",
    port_http=50100,
    port_socks=50101,
    login="login-of-uk",
    password="password-of-uk",
    protocol="http",
    country="GBR",
    ends=date(2026, 12, 31),
    rotation_link="https://rotate.example/secret-of-uk",
)


def test_a_proxy_shows_no_secret_by_accident() -> None:
    """Neither `repr` nor `str` has login, password or the link that changes the address; both have the address."""
    for text in (repr(PROXY), str(PROXY), repr([PROXY]), f"{PROXY!r}"):
        assert "of-uk" not in text
        assert "203.0.113.5" in text


def test_each_kind_has_its_own_port() -> None:
    """A kind that was not delivered has no port, whatever the other one has."""
    assert [PROXY.port(kind) for kind in PROXY_KINDS] == [50100, 50101]
    assert replace(PROXY, port_http=None).port("http") is None
    assert replace(PROXY, port_socks=None).port("socks5") is None


def test_only_a_proxy_that_lets_an_address_in_needs_no_login() -> None:
    """Without login, password and address it is not known how to get in, so a login is needed and missing."""
    without = replace(PROXY, login="", password="")
    assert PROXY.needs_login
    assert without.needs_login
    assert not replace(without, auth_ip="198.51.100.7").needs_login
    assert replace(without, password="half", auth_ip="198.51.100.7").needs_login
    assert replace(PROXY, auth_ip="198.51.100.7").needs_login
