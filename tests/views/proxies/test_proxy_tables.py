"""Tables carry every value as it is, and no secret that was not asked for."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.deliveries import Proxy
from runner.core.errors import Refused
from runner.views.proxies import render
from tests.views.proxies.samples import BY_ADDRESS, HOSTILE, MOBILE, PROXIES, PROXY, SECOND

SAFE = ["key", "order_id", "ip", "port_http", "port_socks", "protocol", "country", "ends"]
SECRET = ["login", "password", "auth_ip", "rotation_link"]


def rows(fmt: str, text: str) -> list[dict[str, Any]]:
    """The rows as a reader of the format gives them; what a CSV has not is None, as in JSON."""
    if fmt == "csv":
        table = list(csv.DictReader(StringIO(text, newline="")))
        return [{name: value or None for name, value in row.items()} for row in table]
    return json.loads(text) if fmt == "json" else [json.loads(line) for line in text.splitlines()]


def is_carried(proxy: Proxy) -> bool:
    """Whether its login is one, so that a table takes it."""
    try:
        return bool(render("csv", [proxy], kind="http", with_logins=True))
    except Refused:
        return False


def test_a_csv_has_a_head_and_a_row_a_proxy() -> None:
    """By order and address, LF at the end of each line, nothing quoted that need not be."""
    assert render("csv", [MOBILE, SECOND, PROXY], kind="http") == (
        "key,order_id,ip,port_http,port_socks,protocol,country,ends\n"
        "crawl/mobile,1000002,203.0.113.5,50100,50101,http,GBR,2026-12-31\n"
        "crawl/uk,1000001,203.0.113.5,50100,50101,http,GBR,2026-12-31\n"
        "crawl/uk,1000001,203.0.113.40,50100,50101,http,GBR,2026-12-31\n"
    )
    assert render("csv", [], kind="http") == "key,order_id,ip,port_http,port_socks,protocol,country,ends\n"


def test_json_is_an_array_and_ndjson_a_line_a_proxy() -> None:
    """Ports are numbers, the end is a date, and what is not there is null; no proxies are an empty array."""
    line = (
        '{"key":null,"order_id":"1000001","ip":"203.0.113.5","port_http":50100,"port_socks":null,'
        '"protocol":"http","country":null,"ends":null}\n'
    )
    bare = replace(PROXY, key="", port_socks=None, country=None, ends=None)
    assert render("ndjson", [bare, bare], kind="http") == line * 2
    assert json.loads(render("json", [bare], kind="socks5")) == [json.loads(line)]
    assert render("json", [], kind="http") == "[]\n"
    assert render("ndjson", [], kind="http") == ""


@pytest.mark.parametrize("fmt", ["csv", "json", "ndjson"])
@given(proxies=st.lists(PROXIES, max_size=3))
def test_a_table_without_logins_has_none(fmt: str, proxies: list[Proxy]) -> None:
    """Neither the columns nor any value of them is there, whatever the login is; nothing is refused for it."""
    marked = [replace(one, login="L0GIN" + one.login, password=one.password + "PASSW0RD") for one in proxies]
    text = render(fmt, [*marked, replace(MOBILE, rotation_link="https://L0GIN")], kind="http")
    assert "L0GIN" not in text
    assert "PASSW0RD" not in text
    assert all(list(row) == SAFE for row in rows(fmt, text))


@pytest.mark.parametrize("fmt", ["csv", "json", "ndjson"])
@given(proxies=st.lists(PROXIES, max_size=3))
def test_a_table_with_logins_gives_back_what_was_put_in(fmt: str, proxies: list[Proxy]) -> None:
    """Read by the standard library, every login, password and link is the very text, colons and quotes included."""
    wanted = [one for one in (*proxies, HOSTILE, MOBILE, BY_ADDRESS) if is_carried(one)]
    read = rows(fmt, render(fmt, wanted, kind="http", with_logins=True))
    assert all(list(row) == SAFE + SECRET for row in read)
    assert sorted([str(row[name] or "") for name in SECRET] for row in read) == sorted(
        [one.login, one.password, one.auth_ip or "", one.rotation_link or ""] for one in wanted
    )


@pytest.mark.parametrize("fmt", ["csv", "json", "ndjson"])
def test_a_table_carries_what_no_program_could(fmt: str) -> None:
    """A colon in the login, letters of any kind and any length: this is the way out of every other format."""
    for proxy in (replace(PROXY, login="a:b", password="é" * 300), replace(PROXY, port_http=None)):
        row = rows(fmt, render(fmt, [proxy], kind="http", with_logins=True))[0]
        assert (row["login"], row["password"]) == (proxy.login, proxy.password)


@pytest.mark.parametrize("fmt", ["csv", "json", "ndjson"])
def test_text_of_the_vendor_acts_on_no_terminal(fmt: str) -> None:
    """An order id or country that is an escape or a line break is shown, not obeyed."""
    text = render(fmt, [replace(PROXY, order_id="1\x1b[2J\n2", country="\u202eG")], kind="http")
    assert all(character.isprintable() or character == "\n" for character in text)
    assert len(text.splitlines()) == {"csv": 2, "json": 12, "ndjson": 1}[fmt]
