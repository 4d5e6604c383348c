"""Squid sends each parent the login that was delivered with it, and nothing goes around the parents."""

from __future__ import annotations

import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from runner.core.deliveries import Proxy
from runner.core.errors import Refused
from runner.views.proxies import render
from tests.views.proxies.loopback import BODY, SITE, Loopback
from tests.views.proxies.programs import TOOLS, free_port, program, run, running
from tests.views.proxies.samples import BY_ADDRESS, EXAMPLES, HOSTILE_HTTP, IPV6, PROXIES, PROXY, SECOND

TAIL = "never_direct allow all\nserver_persistent_connections off\n"


@contextmanager
def squid(config: str, path: Path) -> Iterator[str]:
    """The URL of a squid with these parents, for as long as the block."""
    command, port = program("squid"), free_port()
    own = (
        f"http_port 127.0.0.1:{port}\nhttp_access allow all\ncache deny all\naccess_log none\ncache_store_log none\n"
        f"cache_log /dev/stdout\npid_filename none\npinger_enable off\ncoredump_dir {path}\nshutdown_lifetime 0 seconds\n"
    )
    shared = TOOLS / "debian" / "usr" / "share" / "squid"
    if command.startswith(str(TOOLS)):
        errors = shared / "errors" / "templates"
        own += f"mime_table {shared / 'mime.conf'}\nicon_directory {shared / 'icons'}\nerror_directory {errors}\n"
        own += f"unlinkd_program {TOOLS / 'debian' / 'usr' / 'lib' / 'squid' / 'unlinkd'}\n"
    file = path / "squid.conf"
    file.write_text(own + config, encoding="utf-8")
    with running([command, "-N", "-f", str(file)], path, port):
        yield f"http://127.0.0.1:{port}"


def test_a_proxy_is_a_parent() -> None:
    """Percent-encoded once, without quotes, of which squid knows none here; taken in turn, and never around."""
    assert render("squid", [HOSTILE_HTTP, SECOND], kind="http") == (
        "cache_peer 203.0.113.5 parent 50100 0 no-query no-digest round-robin name=proxy-1"
        " login=user%40x:p%3A%40%2F%23%25%3F%26%3D%2B%22%27%5C%24%20%3B41%2540\n"
        "cache_peer 203.0.113.40 parent 50100 0 no-query no-digest round-robin name=proxy-2 login=other:plain-2\n"
        + TAIL
    )
    assert render("squid", [BY_ADDRESS, IPV6], kind="http") == (
        "cache_peer 203.0.113.5 parent 50100 0 no-query no-digest round-robin name=proxy-1\n"
        "cache_peer 2001:db8::5 parent 50100 0 no-query no-digest round-robin name=proxy-2 login=us.er:plain-1\n" + TAIL
    )


@given(PROXIES)
def test_a_parent_gives_back_what_was_put_in(proxy: Proxy) -> None:
    """Cut at blanks and decoded as squid does, it is the login, the address and the port that were delivered."""
    try:
        text = render("squid", [proxy], kind="http")
    except Refused:
        return
    words = text.splitlines()[0].split()
    assert words[:4] == ["cache_peer", proxy.ip, "parent", str(proxy.port_http)]
    options = dict(word.split("=", 1) for word in words if "=" in word)
    read = urllib.parse.unquote(options.get("login", "")).partition(":")
    assert (read[0], read[2]) == ((proxy.login, proxy.password) if proxy.needs_login else ("", ""))


@pytest.mark.parametrize("login", ["*", "*x", "NEGOTIATE", "NEGOTIATEx"])
def test_a_word_of_squid_s_own_is_no_login(login: str) -> None:
    """Squid decodes first and looks for these then, so no spelling makes a login of them."""
    with pytest.raises(Refused, match="its login begins with"):
        render("squid", [replace(PROXY, login=login)], kind="http")
    assert render("squid", [replace(PROXY, login=f"x{login}")], kind="http")


def test_squid_is_given_at_most_127_bytes() -> None:
    """Of login, colon and password together."""
    assert render("squid", [replace(PROXY, login="a" * 63, password="b" * 63)], kind="http")
    with pytest.raises(Refused, match="longer than 127 bytes together"):
        render("squid", [replace(PROXY, login="a" * 63, password="b" * 64)], kind="http")


def test_squid_sends_the_login(loopback: Loopback, tmp_path: Path) -> None:
    """Each hostile character alone, and all at once: of many parents in turn, all arrive as they are."""
    proxies = []
    for example in (*EXAMPLES, replace(PROXY, login="a" * 63, password="b" * 63)):
        try:
            render("squid", [example], kind="http")
        except Refused:
            continue
        if example.needs_login and example.ip == PROXY.ip:
            proxies.append(loopback.placed(example))
    wanted = {(one.login, one.password) for one in proxies}
    assert len(wanted) > 30
    with squid(render("squid", proxies, kind="http"), tmp_path) as url:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": url}))
        arrived: set[tuple[str, str]] = set()
        for number in range(4 * len(proxies)):
            with opener.open(f"http://{SITE}/{number}") as answer:
                assert answer.read() == BODY
            arrived |= set(loopback.take())
            if arrived == wanted:
                break
    assert arrived == wanted


def test_squid_tunnels_with_the_login(loopback: Loopback, tmp_path: Path) -> None:
    """CONNECT for https goes to a parent as well, with its login, and the name is the parent's to resolve."""
    curl = program("curl")
    config = render("squid", [loopback.placed(HOSTILE_HTTP)], kind="http")
    with squid(config, tmp_path) as url:
        words = [curl, "-sS", "--cacert", str(loopback.ca), f"https://{SITE}/"]
        assert run(words, tmp_path, {"https_proxy": url}).encode() == BODY
    assert loopback.targets == [f"{SITE}:443"]
    assert loopback.take() == [(HOSTILE_HTTP.login, HOSTILE_HTTP.password)]
