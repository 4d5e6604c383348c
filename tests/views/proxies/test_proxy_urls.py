"""URLs of proxies arrive at the proxy as they were delivered, from every program that reads them."""

from __future__ import annotations

import importlib.util
import json
import sys
import urllib.parse
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given

from runner.core.deliveries import Proxy, ProxyKind
from runner.core.errors import Refused
from runner.views.proxies import cautions, render
from tests.views.proxies.loopback import BODY, SITE, Loopback
from tests.views.proxies.programs import TOOLS, program, run
from tests.views.proxies.samples import (
    BY_ADDRESS,
    EXAMPLES,
    HOSTILE,
    HOSTILE_HTTP,
    IPV6,
    PASSWORD,
    PROXIES,
    PROXY,
    SECOND,
)

NAMES: Final = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")

CLIENT: Final = """
import json, os, sys
names = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
site, ca, variables = json.load(sys.stdin)
def requests(url):
    import requests
    return requests.get(url, verify=ca).content
def httpx(url):
    import httpx, ssl
    return httpx.get(url, verify=ssl.create_default_context(cafile=ca)).content
def urllib(url):
    import ssl, urllib.request
    return urllib.request.urlopen(url, context=ssl.create_default_context(cafile=ca)).read()
for one in variables:
    for name in names:
        os.environ.pop(name, None)
    os.environ.update(one)
    sys.stdout.buffer.write(globals()[sys.argv[1]](site))
"""
"""A program in Python that makes one request with each of some environments."""

SCRAPY: Final = """
import asyncio, json, sys
import scrapy
from scrapy.crawler import CrawlerProcess
class Spider(scrapy.Spider):
    name = "one"
    def requests(self):
        for line in open(sys.argv[1]).read().splitlines():
            yield scrapy.Request(sys.argv[2], meta={"proxy": line}, dont_filter=True)
    async def start(self):
        for request in self.requests():
            yield request
    def start_requests(self):
        return self.requests()
    def parse(self, response):
        sys.stdout.write(response.text)
process = CrawlerProcess({"LOG_ENABLED": False, "RETRY_ENABLED": False, "CONCURRENT_REQUESTS": 1, "TELNETCONSOLE_ENABLED": False})
process.crawl(Spider)
process.start()
"""


def carried(kind: ProxyKind, fmt: str = "env") -> list[Proxy]:
    """The hostile examples that the format takes."""
    return [proxy for proxy in EXAMPLES if proxy.needs_login and proxy.ip == PROXY.ip and is_carried(proxy, kind, fmt)]


def is_carried(proxy: Proxy, kind: ProxyKind, fmt: str) -> bool:
    try:
        render(fmt, [proxy], kind=kind)
    except Refused:
        return False
    return True


def variables(text: str) -> dict[str, str]:
    """What a reader of the file gets that does nothing but split at the first `=`."""
    return dict(line.split("=", 1) for line in text.splitlines())


def logins(proxies: list[Proxy]) -> list[tuple[str, str]]:
    return [(proxy.login, proxy.password) for proxy in proxies]


def test_the_environment_is_a_line_a_name() -> None:
    """Bare, without quotes or `export`, each name in both cases; percent-encoded once, a space as `%20`."""
    url = "http://user%40x:p%3A%40%2F%23%25%3F%26%3D%2B%22%27%5C%24%20%3B41%2540@203.0.113.5:50100"
    assert render("env", [HOSTILE_HTTP], kind="http") == "".join(f"{name}={url}\n" for name in NAMES)


def test_socks5_is_only_told_to_programs_that_look_for_it() -> None:
    """`HTTP_PROXY` with a SOCKS port would send the login in clear to it; names are resolved at the proxy."""
    assert render("env", [PROXY], kind="socks5") == (
        "ALL_PROXY=socks5h://us.er:plain-1@203.0.113.5:50101\nall_proxy=socks5h://us.er:plain-1@203.0.113.5:50101\n"
    )


def test_the_environment_names_one_proxy() -> None:
    """Several would overwrite each other in most readers, so they are refused; and none at all too."""
    with pytest.raises(Refused, match="env holds exactly one proxy, and 2 are to be written"):
        render("env", [PROXY, SECOND], kind="http")
    with pytest.raises(Refused, match="env holds no empty list"):
        render("env", [], kind="http")


def test_ipv6_is_in_brackets_and_no_login_leaves_none() -> None:
    """As RFC 3986 writes them."""
    assert "=http://us.er:plain-1@[2001:db8::5]:50100\n" in render("env", [IPV6], kind="http")
    assert "=http://203.0.113.5:50100\n" in render("env", [BY_ADDRESS], kind="http")


@given(PROXIES)
def test_a_url_gives_back_what_was_put_in(proxy: Proxy) -> None:
    """Whatever is written is read back the same by the standard library, and has no character that a shell changes."""
    for kind in ("http", "socks5"):
        try:
            text = render("env", [proxy], kind=kind)
        except Refused:
            continue
        assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%:/@[]=\n")
        url = urllib.parse.urlsplit(variables(text)["ALL_PROXY"])
        assert url.hostname == proxy.ip
        assert url.port == proxy.port(kind)
        if proxy.needs_login:
            read = (urllib.parse.unquote(url.username or ""), urllib.parse.unquote(url.password or ""))
            assert read == (proxy.login, proxy.password)


@pytest.mark.parametrize("kind", ["http", "socks5"])
@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_a_shell_reads_the_file(shell: str, kind: ProxyKind, tmp_path: Path) -> None:
    """`set -a; . ./.env` exports the very text, IPv6 brackets and all."""
    program(shell)
    for proxy in (HOSTILE_HTTP, IPV6):
        text = render("env", [proxy], kind=kind)
        (tmp_path / ".env").write_text(text, encoding="utf-8")
        lines = run([program(shell), "-c", "set -a; . ./.env; exec env"], tmp_path).splitlines()
        assert set(text.splitlines()) <= set(lines)


@pytest.mark.parametrize("kind", ["http", "socks5"])
def test_readers_of_dotenv_read_the_file(kind: ProxyKind, tmp_path: Path) -> None:
    """python-dotenv and `node --env-file` give the very text, without expanding or cutting anything."""
    node = program("node")
    dotenv = pytest.importorskip("dotenv")
    file = tmp_path / ".env"
    for proxy in (HOSTILE_HTTP, IPV6, PROXY):
        text = render("env", [proxy], kind=kind)
        file.write_text(text, encoding="utf-8")
        assert dotenv.dotenv_values(file) == variables(text)
        shown = run([node, f"--env-file={file}", "-e", "console.log(JSON.stringify(process.env))"], tmp_path)
        assert variables(text).items() <= json.loads(shown).items()


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("kind", ["http", "socks5"])
def test_curl_sends_the_login(kind: ProxyKind, scheme: str, loopback: Loopback, tmp_path: Path) -> None:
    """Each hostile character alone, and all at once, arrives as it is; curl resolves no name itself."""
    curl = program("curl")
    proxies = carried(kind) if scheme == "http" else [HOSTILE_HTTP]
    for proxy in proxies:
        env = variables(render("env", [loopback.placed(proxy)], kind=kind))
        words = [curl, "-sS", "--cacert", str(loopback.ca), f"{scheme}://{SITE}/"]
        assert run(words, tmp_path, env).encode() == BODY
        assert all(SITE in target for target in loopback.targets)
        assert loopback.take() == logins([proxy])


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_wget_sends_the_login(scheme: str, loopback: Loopback, tmp_path: Path) -> None:
    """Each hostile character alone, and all at once, arrives as it is."""
    wget = program("wget")
    for proxy in carried("http") if scheme == "http" else [HOSTILE_HTTP]:
        env = variables(render("env", [loopback.placed(proxy)], kind="http"))
        words = [wget, "-q", "-O", "-", "--tries=1", f"--ca-certificate={loopback.ca}", f"{scheme}://{SITE}/"]
        assert run(words, tmp_path, env).encode() == BODY
        assert loopback.take() == logins([proxy])


@pytest.mark.parametrize("kind", ["http", "socks5"])
def test_git_sends_the_login(kind: ProxyKind, loopback: Loopback, tmp_path: Path) -> None:
    """As it is, but where a percent sign and two hex digits are in it: old libcurl decodes those again (a caution)."""
    git = program("git")
    for proxy in (replace(HOSTILE_HTTP, password=PASSWORD.replace("%40", "%zz%")), PROXY):
        assert not any("git" in text for text in cautions("env", [proxy], kind="http"))
        env = variables(render("env", [loopback.placed(proxy)], kind=kind))
        with pytest.raises(AssertionError, match=SITE):  # a page is no repository
            run([git, "ls-remote", f"http://{SITE}/x.git"], tmp_path, env | {"GIT_TERMINAL_PROMPT": "0"})
        assert loopback.take() == logins([proxy])


def test_npm_sends_the_login(loopback: Loopback, tmp_path: Path) -> None:
    """npm asks the registry through the proxy, with every hostile character as it is."""
    npm = program("npm")
    env = variables(render("env", [loopback.placed(HOSTILE_HTTP)], kind="http"))
    words = [npm, "ping", f"--registry=http://{SITE}/", "--fetch-retries=0", "--no-update-notifier"]
    run(words, tmp_path, env)
    assert loopback.take() == logins([HOSTILE_HTTP])


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("client", "kind", "needs"),
    [
        ("requests", "http", "requests"),
        ("httpx", "http", "httpx"),
        ("urllib", "http", "urllib"),
        ("requests", "socks5", "socks"),
        ("httpx", "socks5", "socksio"),
    ],
)
def test_python_sends_the_login(
    client: str, kind: ProxyKind, needs: str, scheme: str, loopback: Loopback, tmp_path: Path
) -> None:
    """requests, httpx and urllib send every hostile login as it is; PySocks only below 128 bytes, as a caution says."""
    if not importlib.util.find_spec(needs):
        pytest.skip(f"no {needs} here")
    proxies = [
        proxy
        for proxy in carried(kind)
        if client != "requests" or kind == "http" or len(proxy.login.encode()) < 128 > len(proxy.password.encode())
    ]
    envs = [variables(render("env", [loopback.placed(proxy)], kind=kind)) for proxy in proxies]
    given_in = json.dumps([f"{scheme}://{SITE}/", str(loopback.ca), envs])
    assert run([sys.executable, "-c", CLIENT, client], tmp_path, stdin=given_in).encode() == BODY * len(proxies)
    assert loopback.take() == list(dict.fromkeys(logins(proxies)))


def test_a_list_for_scrapy_is_a_url_a_line() -> None:
    """In the order of the delivery, each with its login."""
    assert render("scrapy", [SECOND, PROXY, BY_ADDRESS], kind="http") == (
        "http://203.0.113.5:50100\nhttp://us.er:plain-1@203.0.113.5:50100\nhttp://other:plain-2@203.0.113.40:50100\n"
    )


def test_scrapy_is_given_no_ipv6() -> None:
    """It takes no brackets in a proxy's URL."""
    with pytest.raises(Refused, match="its ip is IPv6, which Scrapy does not take"):
        render("scrapy", [IPV6], kind="http")


@given(PROXIES)
def test_scrapy_reads_a_url_by_the_standard_library(proxy: Proxy) -> None:
    """Scrapy's middleware takes a proxy's URL apart by urllib's own function and decodes login and password once."""
    try:
        text = render("scrapy", [proxy], kind="http")
    except Refused:
        return
    _, login, password, place = urllib.request._parse_proxy(text.strip())  # type: ignore[attr-defined]
    assert place == f"{proxy.ip}:{proxy.port_http}"
    if proxy.needs_login:
        assert (urllib.parse.unquote(login), urllib.parse.unquote(password)) == (proxy.login, proxy.password)


def test_scrapy_sends_the_login(loopback: Loopback, tmp_path: Path) -> None:
    """A spider that takes each line for `meta["proxy"]` reaches the site with every hostile login."""
    python = TOOLS / "scrapy" / "bin" / "python"
    if not python.exists():
        pytest.skip("no Scrapy here; .ci/tools brings what it can")
    proxies = carried("http", "scrapy")
    text = render("scrapy", [loopback.placed(proxy) for proxy in proxies], kind="http")
    (tmp_path / "proxies.txt").write_text(text, encoding="utf-8")
    (tmp_path / "spider.py").write_text(SCRAPY, encoding="utf-8")
    shown = run([str(python), "spider.py", "proxies.txt", f"http://{SITE}/"], tmp_path)
    assert shown.encode() == BODY * len(proxies)
    assert sorted(loopback.take()) == sorted(set(logins(proxies)))


def test_the_hostile_login_is_hostile() -> None:
    """The sample has every character that breaks some format, or these tests would show nothing."""
    assert set(HOSTILE.login + PASSWORD) >= set(":@/#%?&=+\"'\\$ ;")
    assert "%40" in PASSWORD
