"""Lines for import boxes hold values as they are, and none that the box would cut elsewhere."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.deliveries import PROXY_KINDS, Proxy, ProxyKind
from runner.core.errors import Refused, UsageError
from runner.views.proxies import render
from tests.views.proxies.samples import BY_ADDRESS, CHARACTERS, IPV6, MOBILE, PROXIES, PROXY, SECOND, TEXTS


def line(proxy: Proxy, template: str | None = None, kind: ProxyKind = "http") -> str:
    """The one line of a proxy."""
    text = render("txt", [proxy], kind=kind, template=template)
    assert text.endswith("\n")
    return text[:-1]


def test_a_line_is_what_import_boxes_take() -> None:
    """`login:password@ip:port`, verbatim; without a login the address alone; each on a line of its own."""
    assert render("txt", [SECOND, PROXY, BY_ADDRESS], kind="http") == (
        "203.0.113.5:50100\nus.er:plain-1@203.0.113.5:50100\nother:plain-2@203.0.113.40:50100\n"
    )
    assert line(PROXY, kind="socks5") == "us.er:plain-1@203.0.113.5:50101"
    assert line(replace(PROXY, password="#%/?&=+\"'\\$;é")) == "us.er:#%/?&=+\"'\\$;é@203.0.113.5:50100"
    assert line(IPV6) == "us.er:plain-1@[2001:db8::5]:50100"


@pytest.mark.parametrize("character", CHARACTERS)
@pytest.mark.parametrize("field", ["login", "password"])
def test_what_separates_values_is_in_none(character: str, field: str) -> None:
    """A colon, an `@` and a space are refused in login and password, and every other character is written."""
    proxy = replace(PROXY, **{field: f"a{character}b"})
    if character in ":@ ":
        with pytest.raises(Refused, match=f"its {field} holds"):
            line(proxy)
    else:
        assert f"a{character}b" in line(proxy)


@given(PROXIES)
def test_a_line_gives_back_what_was_put_in(proxy: Proxy) -> None:
    """Cut at the `@` and the colons, it is the login, password and port that were delivered."""
    for kind in PROXY_KINDS:
        try:
            text = line(proxy, kind=kind)
        except Refused:
            continue
        login, at, place = text.rpartition("@")
        assert tuple(login.split(":")) == ((proxy.login, proxy.password) if at else ("",))
        address, _, port = place.rpartition(":")
        assert (address.strip("[]"), int(port)) == (proxy.ip, proxy.port(kind))


def test_a_template_has_the_vendor_s_placeholders() -> None:
    """Each of them, wherever it stands and however often; what is no placeholder is written as it is."""
    every = "%protocol%|%ip%|%port%|%login%|%user%|%password%|%rotation_link%|100%|%ip%"
    assert line(MOBILE, every) == (
        "http|203.0.113.5|50100|us.er|us.er|plain-1|https://rotate.example/?key=s%20e#c|100%|203.0.113.5"
    )
    assert line(PROXY, "%protocol% %port%", "socks5") == "socks5 50101"
    assert line(PROXY, "%ip%:%port%:%login%:%password%") == "203.0.113.5:50100:us.er:plain-1"


def test_what_a_template_separates_with_is_what_is_refused() -> None:
    """An `@` is a letter like any other where the line has none, and a semicolon is not where it has one."""
    at, semicolon = replace(PROXY, password="a@b"), replace(PROXY, password="a;b")
    assert line(at, "%ip%:%port%:%login%:%password%") == "203.0.113.5:50100:us.er:a@b"
    assert line(semicolon, "%ip%:%port%:%login%:%password%") == "203.0.113.5:50100:us.er:a;b"
    with pytest.raises(Refused, match="its password holds `;`"):
        line(semicolon, "%ip%;%port%;%login%;%password%")
    with pytest.raises(Refused, match="its password holds `:`"):
        line(replace(PROXY, password="a:b"), "%ip%:%port%:%login%:%password%")


def test_a_template_that_writes_a_url_takes_no_character_that_has_to_be_encoded() -> None:
    """A raw `/`, `#`, `?` or `%41` changes the address in some programs: refused, and env and scrapy encode it."""
    url = "%protocol%://%login%:%password%@%ip%:%port%"
    assert line(PROXY, url) == "http://us.er:plain-1@203.0.113.5:50100"
    for character in "#?%&=+\"'\\$;é":
        with pytest.raises(Refused, match="a URL has to encode") as raised:
            line(replace(PROXY, password=f"a{character}b"), url)
        assert raised.value.hint == "write env or scrapy, which encode"


def test_a_template_with_quotes_takes_nothing_that_ends_or_escapes_them() -> None:
    """Neither the quote itself nor a backslash, which most readers of quotes take for an escape."""
    quoted = '{"user": "%login%", "pass": "%password%"}'
    assert line(replace(PROXY, password="a'b#"), quoted) == '{"user": "us.er", "pass": "a\'b#"}'
    for character in '"\\':
        with pytest.raises(Refused, match="its password holds"):
            line(replace(PROXY, password=f"a{character}b"), quoted)


def test_a_template_without_a_login_asks_for_none() -> None:
    """A list of addresses can be made of proxies whose logins no line could hold."""
    assert line(replace(PROXY, login="a:b\n", password=""), "%ip% %port%") == "203.0.113.5 50100"


def test_ipv6_has_brackets_where_a_colon_follows_it() -> None:
    """Without them address and port would run into each other; in a column of its own it is plain."""
    assert line(IPV6, "%ip%:%port%") == "[2001:db8::5]:50100"
    assert line(IPV6, "%ip% %port%") == "2001:db8::5 50100"
    assert line(IPV6, "%protocol%://%ip%/") == "http://[2001:db8::5]/"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("%host%:%port%", "the template has no placeholder `%host%`"),
        ("%IP%:%port%", "the template has no placeholder `%IP%`"),
        ("ip:port", "the template has no placeholder"),
        ("", "the template has no placeholder"),
    ],
)
def test_a_template_with_a_wrong_name_is_an_error(template: str, message: str) -> None:
    """It would write the same text for every proxy, or a name where a value is wanted; the right names are listed."""
    with pytest.raises(UsageError) as raised:
        line(PROXY, template)
    assert str(raised.value) == message
    assert raised.value.hint == ("write %ip%, %port%, %login%, %user%, %password%, %protocol%, %rotation_link%")


@pytest.mark.parametrize("name", ["login", "user", "password", "rotation_link"])
def test_a_placeholder_without_a_value_is_refused(name: str) -> None:
    """An empty place would shift the others in many readers; without the placeholder the line can be written."""
    with pytest.raises(Refused, match=f"its {name} is empty") as raised:
        line(BY_ADDRESS, f"%ip%:%port% %{name}%")
    assert raised.value.hint == f"leave %{name}% out of the template, or choose other orders"


def test_a_link_is_on_one_line() -> None:
    """A line break in it would make two proxies of one."""
    with pytest.raises(Refused, match="its rotation_link holds a control character"):
        line(replace(MOBILE, rotation_link="https://x\n/"), "%rotation_link%")


@given(st.text(alphabet="%:@;|ipportloginpassworduser_ ", max_size=30), TEXTS, TEXTS)
def test_a_template_makes_a_line_or_an_error(template: str, login: str, password: str) -> None:
    """Any text may be given as a template: nothing else than a usage error or a refusal comes of it."""
    try:
        text = line(replace(PROXY, login=login, password=password), template)
    except (Refused, UsageError):
        return
    assert "\n" not in text
