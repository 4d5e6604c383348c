"""proxychains gets words between spaces, and sends one proxy's login for each connection."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from runner.core.deliveries import PROXY_KINDS, Proxy, ProxyKind
from runner.core.errors import Refused
from runner.views.proxies import render
from tests.views.proxies.loopback import BODY, SITE, Loopback
from tests.views.proxies.programs import library, program, run
from tests.views.proxies.samples import BY_ADDRESS, EXAMPLES, HOSTILE, IPV6, PROXIES, PROXY, SECOND

HEAD = "random_chain\nchain_len = 1\nproxy_dns\n[ProxyList]\n"


def words(text: str) -> list[str]:
    """The words of the one proxy, cut as `sscanf("%s")` cuts: at the blanks of C."""
    assert text.startswith(HEAD)
    return text[len(HEAD) :].rstrip("\n").translate(dict.fromkeys(map(ord, "\t\v\f\r"), " ")).split(" ")


def test_a_configuration_is_whole() -> None:
    """One proxy a connection, or each connection would go through all; names are resolved at the proxy."""
    assert render("proxychains", [SECOND, PROXY, IPV6, BY_ADDRESS], kind="http") == (
        HEAD + "http 203.0.113.5 50100\nhttp 203.0.113.5 50100 us.er plain-1\nhttp 203.0.113.40 50100 other plain-2\n"
        "http 2001:db8::5 50100 us.er plain-1\n"
    )
    assert render("proxychains", [PROXY], kind="socks5") == HEAD + "socks5 203.0.113.5 50101 us.er plain-1\n"


@given(PROXIES)
def test_a_line_is_read_as_it_was_meant(proxy: Proxy) -> None:
    """Cut into words it is kind, address, port, login and password, with nothing before, between or after."""
    for kind in PROXY_KINDS:
        try:
            text = render("proxychains", [proxy], kind=kind)
        except Refused:
            continue
        login = [proxy.login, proxy.password] if proxy.needs_login else []
        assert words(text) == [kind, proxy.ip, str(proxy.port(kind)), *login]


@pytest.mark.parametrize("field", ["login", "password"])
def test_what_proxychains_would_cut_is_refused(field: str) -> None:
    """A space ends the word, and more than 255 bytes do not fit, whichever the kind."""
    with pytest.raises(Refused, match=f"its {field} holds a space, where proxychains cuts it off"):
        render("proxychains", [replace(PROXY, **{field: "a b"})], kind="http")
    with pytest.raises(Refused, match=f"its {field} is longer than 255 bytes"):
        render("proxychains", [replace(PROXY, **{field: "x" * 256})], kind="http")
    assert render("proxychains", [replace(PROXY, **{field: "x" * 255})], kind="http")


def test_more_than_proxychains_reads_are_refused() -> None:
    """It leaves out what comes after the 512th, without a word."""
    assert render("proxychains", [PROXY] * 512, kind="http").count("plain-1") == 512
    with pytest.raises(Refused, match="proxychains holds at most 512 proxies, and 513 are to be written"):
        render("proxychains", [PROXY] * 513, kind="http")


@pytest.mark.parametrize("kind", PROXY_KINDS)
def test_proxychains_sends_the_login(kind: ProxyKind, loopback: Loopback, tmp_path: Path) -> None:
    """Each hostile character alone, and all at once but the space, arrives as it is; names go to the proxy."""
    curl, preload = program("curl"), library("libproxychains.so.4")
    sent = []
    for example in (*EXAMPLES, replace(HOSTILE, login="user@x", password=HOSTILE.password.replace(" ", ""))):
        file = tmp_path / "proxychains.conf"
        try:
            render("proxychains", [example], kind=kind)
            file.write_text(render("proxychains", [loopback.placed(example)], kind=kind), encoding="utf-8")
        except Refused:
            continue
        if not example.needs_login:
            continue
        extra = {"LD_PRELOAD": preload, "PROXYCHAINS_CONF_FILE": str(file), "PROXYCHAINS_QUIET_MODE": "1"}
        assert run([curl, "-sS", f"http://{SITE}/"], tmp_path, extra).encode() == BODY
        assert loopback.targets == [f"{SITE}:80"]
        assert loopback.take() == [(example.login, example.password)]
        sent.append(example)
    assert len(sent) > 30


def test_proxychains_goes_through_one_proxy_of_many(loopback: Loopback, tmp_path: Path) -> None:
    """Each connection asks one of them for the site, and none for another proxy."""
    curl, preload = program("curl"), library("libproxychains.so.4")
    file = tmp_path / "proxychains.conf"
    both = [loopback.placed(PROXY), loopback.placed(SECOND)]
    file.write_text(render("proxychains", both, kind="socks5"), encoding="utf-8")
    extra = {"LD_PRELOAD": preload, "PROXYCHAINS_CONF_FILE": str(file), "PROXYCHAINS_QUIET_MODE": "1"}
    for _ in range(6):
        assert run([curl, "-sS", f"http://{SITE}/"], tmp_path, extra).encode() == BODY
    assert loopback.targets == [f"{SITE}:80"] * 6
    assert set(loopback.take()) <= {(one.login, one.password) for one in both}
