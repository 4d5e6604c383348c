"""What a format cannot carry is refused for every proxy, by name, field and rule, and never by its value."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.deliveries import PROXY_KINDS, Proxy, ProxyKind
from runner.core.errors import Refused, RunnerError, UsageError
from runner.views.proxies import FORMATS, PROGRAMS, TABLES, cautions, is_secret, render, spellings
from runner.views.proxies.carrying import ALWAYS
from tests.views.proxies.samples import (
    BY_ADDRESS,
    EXAMPLES,
    HOSTILE,
    IPV6,
    LOGIN,
    MOBILE,
    PASSWORD,
    PROXIES,
    PROXY,
    SECOND,
)

NO_SOCKS: Final = ("scrapy", "squid", "haproxy")
BOTH: Final = tuple(fmt for fmt in PROGRAMS if fmt not in (*NO_SOCKS, "playwright"))


def refusal(fmt: str, proxy: Proxy, kind: ProxyKind = "http", template: str | None = None) -> tuple[str, str]:
    """The message and the way out; a failure where the format takes the proxy."""
    with pytest.raises(Refused) as raised:
        render(fmt, [proxy], kind=kind, template=template, with_logins=True)
    return str(raised.value), raised.value.hint or ""


def is_carried(fmt: str, proxy: Proxy, kind: ProxyKind = "http") -> bool:
    """Whether the format takes the proxy."""
    try:
        render(fmt, [proxy], kind=kind, with_logins=True)
    except Refused:
        return False
    return True


@pytest.mark.parametrize("fmt", [fmt for fmt in FORMATS if fmt not in TABLES])
@pytest.mark.parametrize(
    "proxy",
    [
        replace(PROXY, ip=ip)
        for ip in ("", "proxy.example", "203.0.113.5:50100", "fe80::1%eth0", "[2001:db8::5]", "203.0.113.5 ")
    ],
)
def test_only_an_ip_address_is_written_as_one(fmt: str, proxy: Proxy) -> None:
    """A name, an address with a port, a zone or brackets is refused, and nothing of it is in the message."""
    message, way_out = refusal(fmt, proxy)
    assert message == f"{fmt} cannot carry the proxy of crawl/uk: its ip is not an IP address"
    assert way_out


@pytest.mark.parametrize("fmt", [fmt for fmt in FORMATS if fmt not in TABLES])
def test_the_other_port_never_stands_in(fmt: str) -> None:
    """Without a port of the wanted kind nothing is written, though the other kind has one."""
    message, way_out = refusal(fmt, replace(PROXY, port_http=None))
    assert message == f"{fmt} cannot carry the proxy 203.0.113.5 of crawl/uk: its port_http is missing"
    assert way_out == "take the SOCKS5 port"
    assert "outside of 1 to 65535" in refusal(fmt, replace(PROXY, port_http=0))[0]
    assert "outside of 1 to 65535" in refusal(fmt, replace(PROXY, port_http=65536))[0]
    if fmt in ("txt", *BOTH):
        message, way_out = refusal(fmt, replace(PROXY, port_socks=None), "socks5")
        assert "its port_socks is missing" in message
        assert way_out == "take the HTTP port"


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("control", ["\n", "\r", "\0", "\t", "\x1b", "\x7f", "\x85", "\u2028", "\ud800", "\u200b"])
def test_what_cannot_be_seen_is_in_no_file(fmt: str, control: str) -> None:
    """A line break, NUL, tab or another control character in login or password is refused in every format."""
    for field in ("login", "password"):
        message, way_out = refusal(fmt, replace(PROXY, **{field: f"sec{control}ret"}))
        assert f"its {field} holds a control character" in message
        assert "sec" not in message + way_out


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("field", ["login", "password"])
def test_half_a_login_is_none(fmt: str, field: str) -> None:
    """An empty login or password is refused, even where an address is let in: programs would send none at all."""
    half = replace(PROXY, **{field: ""})
    for proxy in (half, replace(half, auth_ip="198.51.100.7"), replace(PROXY, login="", password="")):
        assert "is empty" in refusal(fmt, proxy)[0]


@pytest.mark.parametrize("fmt", FORMATS)
def test_a_proxy_that_lets_an_address_in_is_written_without_a_login(fmt: str) -> None:
    """Where the vendor knows the client by its address, both are left out, and nothing empty stands in their place."""
    for kind in PROXY_KINDS:
        if kind == "socks5" and fmt in NO_SOCKS:
            continue
        text = render(fmt, [BY_ADDRESS], kind=kind, with_logins=True)
        assert "203.0.113.5" in text
        assert "@" not in text
        assert fmt in TABLES or not any(word in text for word in ("login", "user", "password", '""', "Basic"))


@pytest.mark.parametrize("fmt", ["txt", *PROGRAMS])
def test_a_colon_in_the_login_ends_it_for_http(fmt: str) -> None:
    """HTTP's Basic cuts at the first colon, so that login is refused; the SOCKS5 port is the way out."""
    message, way_out = refusal(fmt, replace(PROXY, login="le:ft"))
    assert "its login holds `:`" in message
    assert "le" not in message.split("its login")[1].split()
    assert fmt == "txt" or "SOCKS5" in way_out
    assert fmt == "txt" or is_carried(fmt, replace(PROXY, password="ri:ght"))


@pytest.mark.parametrize("fmt", BOTH)
def test_a_colon_in_the_login_is_carried_by_socks5(fmt: str) -> None:
    """SOCKS5 sends lengths, so a colon is a character like any other."""
    assert is_carried(fmt, replace(PROXY, login="le:ft"), "socks5")


@pytest.mark.parametrize("fmt", PROGRAMS)
def test_letters_outside_of_ascii_are_for_socks5(fmt: str) -> None:
    """Programs send them over HTTP in different bytes: refused; over SOCKS5 they are UTF-8."""
    message, _ = refusal(fmt, replace(PROXY, password="pässword"))
    assert "its password holds a letter outside of ASCII" in message
    assert fmt not in BOTH or is_carried(fmt, replace(PROXY, password="pässword"), "socks5")


@pytest.mark.parametrize("fmt", BOTH)
def test_a_login_of_socks5_has_at_most_255_bytes(fmt: str) -> None:
    """255 bytes of UTF-8 are the most that its one byte of length can say."""
    for field in ("login", "password"):
        assert is_carried(fmt, replace(PROXY, **{field: "é" * 127 + "x"}), "socks5")
        assert (
            f"its {field} is longer than 255 bytes" in refusal(fmt, replace(PROXY, **{field: "é" * 128}), "socks5")[0]
        )


@pytest.mark.parametrize("fmt", NO_SOCKS)
def test_a_program_without_socks5_is_not_given_any(fmt: str) -> None:
    """The call is wrong whatever the proxies are, and says why."""
    with pytest.raises(UsageError, match=f"^{fmt} cannot use SOCKS5: ") as raised:
        render(fmt, [], kind="socks5")
    assert raised.value.hint == "take the HTTP port, or another format"


def test_an_error_counts_the_proxies_that_cannot_be_written() -> None:
    """One proxy is named, and how many more there are: nobody has to try them one by one."""
    wrong = [replace(PROXY, ip=f"203.0.113.{n}", login="a:b", password="c:d") for n in range(3)]
    with pytest.raises(Refused, match=r"203\.0\.113\.0:50100 of crawl/uk.*\(and 2 more cannot\)$"):
        render("clash", [PROXY, *wrong], kind="http")


def test_a_proxy_without_a_key_is_named_after_its_order() -> None:
    """What no order of the ledger stands behind is known by the vendor's number."""
    message, _ = refusal("clash", replace(PROXY, key="", login="a:b"))
    assert "the proxy 203.0.113.5:50100 of order 1000001:" in message


def test_a_format_that_is_not_there_is_named_with_the_nearest() -> None:
    """A typing error gets the format that was meant, a template only where there is one, a kind only of two."""
    with pytest.raises(UsageError) as raised:
        render("proxychain", [PROXY], kind="http")
    assert raised.value.hint == "did you mean proxychains?"
    with pytest.raises(UsageError, match="csv takes no template"):
        render("csv", [PROXY], kind="http", template="%ip%")
    with pytest.raises(UsageError, match="no kind socks4"):
        render("csv", [PROXY], kind="socks4")  # type: ignore[arg-type]


@given(st.lists(PROXIES, max_size=3), st.sampled_from(FORMATS), st.sampled_from(PROXY_KINDS))
def test_no_error_has_a_secret(proxies: list[Proxy], fmt: str, kind: ProxyKind) -> None:
    """Whatever is wrong, neither message nor way out has a login or password in it; nothing else is ever raised."""
    marked = [
        replace(one, login=one.login and f"{one.login}SECRET", password=one.password and f"SECRET{one.password}")
        for one in proxies
    ]
    try:
        render(fmt, marked, kind=kind, with_logins=True)
    except RunnerError as error:
        shown = f"{error} {error.hint} {error!r}"
    else:
        return
    assert "SECRET" not in shown


@given(st.lists(PROXIES, max_size=4), st.sampled_from(FORMATS), st.sampled_from(PROXY_KINDS))
def test_what_is_written_is_masked_by_the_spellings(proxies: list[Proxy], fmt: str, kind: ProxyKind) -> None:
    """A log that masks every spelling has no login or password left, in whatever form a format wrote them."""
    marked = [replace(one, login="L0GIN" + one.login, password="PASSW0RD" + one.password) for one in proxies]
    try:
        text = render(fmt, marked, kind=kind, with_logins=True)
    except RunnerError:
        return
    for spelling in sorted({way for one in marked for way in spellings(one)}, key=len, reverse=True):
        text = text.replace(spelling, "***")
    assert "L0GIN" not in text
    assert "PASSW0RD" not in text


def test_the_link_that_changes_an_address_is_a_spelling() -> None:
    """Whoever opens it has the proxy's power, so a log has to have it masked as well."""
    assert MOBILE.rotation_link in spellings(MOBILE)
    assert spellings(BY_ADDRESS) == frozenset()


@given(st.permutations([PROXY, SECOND, IPV6, MOBILE, replace(PROXY, login="zz"), replace(PROXY, key="a/b")]))
def test_the_same_proxies_are_the_same_file(proxies: list[Proxy]) -> None:
    """The order of the vendor's rows changes nothing: files are by order, then by address as a number, not as text."""
    for fmt in FORMATS:
        if PROGRAMS.get(fmt) and PROGRAMS[fmt].most == 1:
            continue
        taken = [proxy for proxy in proxies if fmt != "scrapy" or proxy != IPV6]
        text = render(fmt, taken, kind="http")
        assert text == render(fmt, sorted(taken, key=lambda one: (one.login, one.key, one.ip)), kind="http")
        assert text.endswith("\n")
    lines = render("txt", [SECOND, PROXY], kind="http").splitlines()
    assert [line.partition("@")[2] for line in lines] == ["203.0.113.5:50100", "203.0.113.40:50100"]


def test_a_file_is_secret_where_it_holds_a_login() -> None:
    """Tables are not until logins are asked for, a template is not without them, and every program's file is."""
    assert [fmt for fmt in FORMATS if not is_secret(fmt)] == ["csv", "json", "ndjson"]
    assert all(is_secret(fmt, with_logins=True) for fmt in FORMATS)
    assert not is_secret("txt", template="%protocol%://%ip%:%port%")
    for name in ("login", "user", "password", "rotation_link"):
        assert is_secret("txt", template=f"%ip% %{name}%")


def test_what_some_programs_do_with_a_file_is_a_caution() -> None:
    """ALL_PROXY is not everybody's, PySocks breaks at 128 bytes, and import boxes do not agree on letters."""
    long = replace(PROXY, password="x" * 128)
    assert cautions("env", [PROXY], kind="http") == ()
    (unread,) = cautions("env", [PROXY], kind="socks5")
    assert "connect directly" in unread
    assert [text for text in cautions("env", [long], kind="socks5") if text != unread] == list(
        cautions("txt", [long], kind="socks5")
    )
    assert "PySocks" in cautions("txt", [long], kind="socks5")[0]
    assert "git" in cautions("env", [replace(PROXY, password="%4a")], kind="http")[0]
    assert cautions("env", [replace(PROXY, password="%4%g1")], kind="http") == ()
    assert cautions("txt", [replace(long, password="x" * 127)], kind="socks5") == ()
    assert "ASCII" in cautions("txt", [replace(PROXY, login="über")], kind="http")[0]
    assert all(cautions(fmt, [HOSTILE], kind="http") == () for fmt in FORMATS if fmt != "env")
    assert not any(word in text for text in cautions("env", [HOSTILE], kind="socks5") for word in (LOGIN, PASSWORD))


def test_every_program_checks_what_holds_for_all() -> None:
    """No format goes without the rules that are common to them: a new one has to be given in the table to exist."""
    assert len(ALWAYS) == 6
    for fmt in PROGRAMS:
        for proxy in EXAMPLES:
            if any(list(check(proxy, "http")) for check in ALWAYS):
                assert not is_carried(fmt, proxy)
