"""HAProxy sends each backend's own login, for plain requests and for tunnels."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from hypothesis import given

from runner.core.deliveries import Proxy
from runner.core.errors import Refused
from runner.views.proxies import render
from tests.views.proxies.loopback import BODY, SITE, Loopback
from tests.views.proxies.programs import free_port, program, run, running
from tests.views.proxies.samples import BY_ADDRESS, EXAMPLES, HOSTILE_HTTP, IPV6, PROXIES, PROXY, SECOND

HEADER = re.compile(r'^    http-request set-header Proxy-Authorization "Basic ([A-Za-z0-9+/=]+)"$', re.MULTILINE)


@contextmanager
def haproxy(config: str, path: Path) -> Iterator[str]:
    """The URL of a HAProxy whose frontend sends a request to the backend that its header `X-Backend` names."""
    command, port = program("haproxy"), free_port()
    own = (
        "defaults\n    timeout client 60s\n    timeout server 60s\n    timeout connect 60s\n"
        f"frontend f\n    mode http\n    bind 127.0.0.1:{port}\n    use_backend %[req.hdr(X-Backend)]\n"
        "    default_backend proxy-1\n"
    )
    file = path / "haproxy.cfg"
    file.write_text(own + config, encoding="utf-8")
    with running([command, "-db", "-f", str(file)], path, port):
        yield f"http://127.0.0.1:{port}"


def test_a_proxy_is_a_backend() -> None:
    """`server` takes no login, so a header has it, in quotes for the space that is in it."""
    assert render("haproxy", [SECOND, PROXY], kind="http") == (
        "backend proxy-1\n    mode http\n"
        '    http-request set-header Proxy-Authorization "Basic dXMuZXI6cGxhaW4tMQ=="\n'
        "    server s 203.0.113.5:50100\n"
        "\n"
        "backend proxy-2\n    mode http\n"
        '    http-request set-header Proxy-Authorization "Basic b3RoZXI6cGxhaW4tMg=="\n'
        "    server s 203.0.113.40:50100\n"
    )
    assert render("haproxy", [BY_ADDRESS], kind="http") == (
        "backend proxy-1\n    mode http\n    server s 203.0.113.5:50100\n"
    )
    assert "    server s [2001:db8::5]:50100\n" in render("haproxy", [IPV6], kind="http")


@given(PROXIES)
def test_a_backend_gives_back_what_was_put_in(proxy: Proxy) -> None:
    """What the header holds is the login that Basic sends, and the server is the address and port."""
    try:
        text = render("haproxy", [proxy], kind="http")
    except Refused:
        return
    server = f"[{proxy.ip}]" if ":" in proxy.ip else proxy.ip
    assert text.endswith(f"    server s {server}:{proxy.port_http}\n")
    headers = HEADER.findall(text)
    assert [base64.b64decode(one).decode() for one in headers] == (
        [f"{proxy.login}:{proxy.password}"] if proxy.needs_login else []
    )


def test_haproxy_sends_the_login(loopback: Loopback, tmp_path: Path) -> None:
    """Each hostile character alone, all at once, and long ones: every backend sends its own, as it is."""
    curl = program("curl")
    proxies = []
    for example in (*EXAMPLES, replace(PROXY, login="a" * 500, password="b" * 500)):
        try:
            render("haproxy", [example], kind="http")
        except Refused:
            continue
        if example.needs_login and example.ip == PROXY.ip:
            proxies.append(loopback.placed(example))
    wanted = {(one.login, one.password) for one in proxies}
    assert len(wanted) > 30
    arrived = set()
    with haproxy(render("haproxy", proxies, kind="http"), tmp_path) as url:
        for number in range(1, len(proxies) + 1):
            words = [curl, "-sS", "-x", url, "-H", f"X-Backend: proxy-{number}", f"http://{SITE}/"]
            assert run(words, tmp_path).encode() == BODY
            (login,) = loopback.take()
            arrived.add(login)
    assert arrived == wanted


def test_haproxy_tunnels_with_the_login(loopback: Loopback, tmp_path: Path) -> None:
    """CONNECT for https has the header as well."""
    curl = program("curl")
    with haproxy(render("haproxy", [loopback.placed(HOSTILE_HTTP)], kind="http"), tmp_path) as url:
        words = [curl, "-sS", "-x", url, "--cacert", str(loopback.ca), f"https://{SITE}/"]
        assert run(words, tmp_path).encode() == BODY
    assert loopback.targets == [f"{SITE}:443"]
    assert loopback.take() == [(HOSTILE_HTTP.login, HOSTILE_HTTP.password)]
