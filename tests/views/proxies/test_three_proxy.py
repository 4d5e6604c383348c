"""3proxy gets quoted arguments that it reads as they were meant, and one parent for each connection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runner.core.deliveries import PROXY_KINDS, Proxy, ProxyKind
from runner.core.errors import Refused
from runner.views.proxies import render
from tests.views.proxies.loopback import BODY, SITE, Loopback
from tests.views.proxies.programs import free_port, program, run, running
from tests.views.proxies.samples import BY_ADDRESS, EXAMPLES, HOSTILE, HOSTILE_HTTP, IPV6, PROXIES, PROXY, SECOND

TYPES = {"http": "connect+", "socks5": "socks5+"}


def arguments(line: str) -> list[str]:
    """The arguments of a line, by the steps of `parsestr` in 3proxy's src/conf.c, quirks included.

    A quote is taken out of the text and turns quoting on or off, but stays where quoting is on and another one follows.
    The first character of an argument is special: two quotes there begin an empty argument. A `$` outside of quotes reads
    a file. ValueError where 3proxy gives up, or would read a file.
    """
    text = [*line, "\0"]
    words: list[list[str]] = []
    between, quoting, at = True, False, 0
    while True:
        if text[at] == '"':
            del text[at]
            text.append("\0")
            if not quoting or text[at] != '"':
                quoting = not quoting
        character = text[at]
        if character == "\0":
            if quoting:
                raise ValueError("a quote is open at the end")
            return ["".join(word) for word in words]
        if character == "$" and not quoting:
            raise ValueError("a file is read")
        if character in "\r\n\t " and not quoting:
            between = True
        elif between:
            if quoting and character == '"' and text[at + 1] != '"':
                at += 1
                quoting = False
            words.append([text[at]])
            between = False
        else:
            words[-1].append(character)
        at += 1


def test_proxies_share_the_connections() -> None:
    """Weights come to 1000, or each connection would go through all of them; quotes are doubled in quotes."""
    assert render("3proxy", [HOSTILE_HTTP], kind="http") == (
        'parent 1000 connect+ 203.0.113.5 50100 "user@x" "p:@/#%?&=+""\'\\$ ;41%40"\n'
    )
    assert render("3proxy", [SECOND, IPV6, BY_ADDRESS], kind="socks5") == (
        "parent 334 socks5+ 203.0.113.5 50101\n"
        'parent 333 socks5+ 203.0.113.40 50101 "other" "plain-2"\n'
        'parent 333 socks5+ 2001:db8::5 50101 "us.er" "plain-1"\n'
    )


@given(st.integers(min_value=1, max_value=1000))
def test_weights_are_one_step_of_a_chain(number: int) -> None:
    """However many there are, none has no weight and all together have 1000."""
    weights = [int(line.split()[1]) for line in render("3proxy", [PROXY] * number, kind="http").splitlines()]
    assert sum(weights) == 1000
    assert max(weights) - min(weights) <= 1
    assert min(weights) >= 1


def test_more_than_one_step_can_hold_are_refused() -> None:
    """The 1001st would be a second proxy behind the others."""
    with pytest.raises(Refused, match="3proxy holds at most 1000 proxies, and 1001 are to be written"):
        render("3proxy", [PROXY] * 1001, kind="http")


@given(PROXIES)
@example(replace(PROXY, login='a"', password='b"" $x"'))
@example(replace(PROXY, login=" ", password=" a  b "))
@example(replace(PROXY, login="#", password="$"))
def test_a_parent_is_read_as_it_was_meant(proxy: Proxy) -> None:
    """By 3proxy's own steps, each argument is what was delivered; no `$` reads a file."""
    for kind in PROXY_KINDS:
        try:
            text = render("3proxy", [proxy], kind=kind)
        except Refused:
            continue
        login = [proxy.login, proxy.password] if proxy.needs_login else []
        assert arguments(text) == ["parent", "1000", TYPES[kind], proxy.ip, str(proxy.port(kind)), *login]


@pytest.mark.parametrize("field", ["login", "password"])
def test_a_quote_at_the_beginning_has_no_spelling(field: str) -> None:
    """3proxy takes two quotes there for an empty argument, so it is refused; elsewhere it is written."""
    with pytest.raises(Refused, match=f'its {field} begins with `"`'):
        render("3proxy", [replace(PROXY, **{field: '"a'})], kind="http")
    assert render("3proxy", [replace(PROXY, **{field: 'a"'})], kind="http")
    with pytest.raises(ValueError, match="a quote is open"):
        arguments('parent """a b"')


def test_what_3proxy_would_change_is_refused() -> None:
    """A login that begins with `*` is the client's own; more than 128 bytes are cut off for http, 255 for SOCKS5."""
    with pytest.raises(Refused, match=r"its login begins with `\*`"):
        render("3proxy", [replace(PROXY, login="*x")], kind="socks5")
    with pytest.raises(Refused, match="its password is longer than 128 bytes"):
        render("3proxy", [replace(PROXY, password="x" * 129)], kind="http")
    assert render("3proxy", [replace(PROXY, password="x" * 128)], kind="http")
    assert render("3proxy", [replace(PROXY, password="x" * 255)], kind="socks5")


@contextmanager
def three_proxy(config: str, path: Path) -> Iterator[str]:
    """The URL of a 3proxy with these parents, for as long as the block."""
    command, port = program("3proxy"), free_port()
    file = path / "3proxy.cfg"
    file.write_text(f"auth iponly\nfakeresolve\nallow *\n{config}proxy -i127.0.0.1 -p{port}\n", encoding="utf-8")
    with running([command, str(file)], path, port):
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("kind", PROXY_KINDS)
def test_3proxy_sends_the_login(kind: ProxyKind, loopback: Loopback, tmp_path: Path) -> None:
    """Where 3proxy is installed, many parents share its connections, and every login arrives as it is."""
    curl = program("curl")
    proxies = []
    for one in (*EXAMPLES, HOSTILE, HOSTILE_HTTP):
        try:
            render("3proxy", [one], kind=kind)
        except Refused:
            continue
        if one.needs_login and one.ip == PROXY.ip:
            proxies.append(loopback.placed(one))
    for one in proxies:
        with three_proxy(render("3proxy", [one], kind=kind), tmp_path) as url:
            words = [curl, "-sS", "-p", "-x", url, f"http://{SITE}/"]
            assert run(words, tmp_path).encode() == BODY
        assert loopback.targets == [f"{SITE}:80"]
        assert loopback.take() == [(one.login, one.password)]
    assert len(proxies) > 30
