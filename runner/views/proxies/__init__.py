"""Delivered proxies as other programs read them: pure functions from `Proxy` values to the text of a file.

A format that cannot carry a proxy refuses all of them: what is left out silently is a program that goes on without a
proxy. docs/proxies.md says which program reads which format, and what it cannot carry.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from runner.core.deliveries import PROXY_KINDS, Proxy, ProxyKind
from runner.core.errors import Refused, UsageError
from runner.core.nearest import nearest
from runner.views.proxies import (
    clash,
    haproxy,
    playwright,
    proxy_tables,
    proxy_text,
    proxy_urls,
    proxychains,
    sing_box,
    squid,
    three_proxy,
)
from runner.views.proxies.carrying import (
    ALWAYS,
    LOGIN,
    Check,
    address,
    credentials,
    encode,
    link_can_be_seen,
    refuse,
    utf8,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A format that one kind of program reads: how it is written, which proxies it can carry, and how many.

    `no_socks` is why it knows no SOCKS5; empty where it does. `fewest` and `most` count proxies, None is any number.
    """

    write: Callable[[Sequence[Proxy], ProxyKind], str]
    checks: tuple[Check, ...] = ()
    no_socks: str = ""
    fewest: int = 0
    most: int | None = None


PROGRAMS: Final[Mapping[str, Program]] = {
    "env": Program(write=proxy_urls.environment, fewest=1, most=1),
    "proxychains": Program(write=proxychains.configuration, checks=(proxychains.is_one_word,), most=proxychains.MOST),
    "playwright": Program(write=playwright.options, checks=(playwright.chromium_has_no_socks_login,)),
    "scrapy": Program(
        write=proxy_urls.scrapy,
        checks=(proxy_urls.scrapy_takes_ipv4,),
        no_socks="Scrapy would send the login in clear to the SOCKS port",
    ),
    "squid": Program(
        write=squid.parents, checks=(squid.squid_reads_login,), no_socks="squid knows only parents that speak HTTP"
    ),
    "haproxy": Program(write=haproxy.backends, no_socks="HAProxy knows only servers that speak HTTP"),
    "3proxy": Program(
        write=three_proxy.parents, checks=(three_proxy.three_proxy_reads_login,), fewest=1, most=three_proxy.MOST
    ),
    "clash": Program(write=clash.proxies_yaml),
    "sing-box": Program(write=sing_box.outbounds),
}

TABLES: Final[Mapping[str, Callable[..., str]]] = {
    "csv": proxy_tables.csv_text,
    "json": proxy_tables.json_array,
    "ndjson": proxy_tables.json_lines,
}

_TWICE: Final = re.compile("%[0-9A-Fa-f]{2}")

FORMATS: Final = ("txt", *TABLES, *PROGRAMS)


def render(
    fmt: str, proxies: Sequence[Proxy], *, kind: ProxyKind, template: str | None = None, with_logins: bool = False
) -> str:
    """The whole text of a file, by order, address and port, each line ended by LF; write it as UTF-8.

    `fmt` is one of `FORMATS`; `kind` chooses the port, but for tables, which have both. `template` is for `txt` alone,
    `with_logins` for the tables: the others hold logins in any case (`is_secret`). UsageError for what no proxy could
    be written as, Refused for a proxy that the format cannot carry: with its name, the field and the rule.
    """
    _demand_format(fmt, kind, template)
    ordered = sorted(proxies, key=_place)
    if table := TABLES.get(fmt):
        refuse(fmt, ordered, kind, (*LOGIN, link_can_be_seen) if with_logins else ())
        return table(ordered, with_logins=with_logins)
    if fmt == "txt":
        refuse(fmt, ordered, kind, proxy_text.checks(template))
        return proxy_text.lines(ordered, kind, template)
    program = PROGRAMS[fmt]
    _demand_number(fmt, program, len(ordered))
    refuse(fmt, ordered, kind, (*ALWAYS, *program.checks))
    return program.write(ordered, kind)


def is_secret(fmt: str, *, template: str | None = None, with_logins: bool = False) -> bool:
    """Whether the text of a format has logins, passwords or links in it, and so belongs on no screen and in no log."""
    if fmt == "txt":
        return proxy_text.is_secret(template)
    return with_logins or fmt not in TABLES


def cautions(fmt: str, proxies: Sequence[Proxy], *, kind: ProxyKind) -> tuple[str, ...]:
    """What is right in the text and yet goes wrong in some programs that read it: a sentence each, without a value."""
    return tuple(_cautions(fmt, proxies, kind))


def spellings(proxy: Proxy) -> frozenset[str]:
    """Every way in which a format writes the proxy's login, password and link: what a log has to have masked."""
    plain = {value for value in (proxy.login, proxy.password, proxy.rotation_link or "") if value}
    ways: tuple[Callable[[str], str], ...] = (str, encode, _json, partial(_json, ascii_only=False), _double_quotes)
    basic = {haproxy.basic(proxy)} if plain else set()
    return frozenset(way(value) for value in plain for way in ways) | basic


def _place(proxy: Proxy) -> tuple[str | int, ...]:
    """Where it stands in a file: by order, then address as a number, then ports, then whatever else tells two apart."""
    number = address(proxy)
    numeric = (number.version, int(number)) if number else (0, 0)
    ports = (proxy.port_http or 0, proxy.port_socks or 0)
    return (proxy.key, proxy.order_id, *numeric, proxy.ip, *ports, proxy.login, proxy.password)


def _demand_format(fmt: str, kind: ProxyKind, template: str | None) -> None:
    if fmt not in FORMATS:
        meant = nearest(fmt, FORMATS)
        hint = f"did you mean {meant[0]}?" if meant else f"there are {', '.join(FORMATS)}"
        raise UsageError(f"there is no format {fmt} for proxies", hint=hint)
    if kind not in PROXY_KINDS:
        raise UsageError(f"there is no kind {kind} of proxies", hint=f"there are {' and '.join(PROXY_KINDS)}")
    if template is not None and fmt != "txt":
        raise UsageError(f"{fmt} takes no template", hint="templates are for txt")
    if template is not None:
        proxy_text.names_in(template)
    if kind == "socks5" and fmt in PROGRAMS and (why := PROGRAMS[fmt].no_socks):
        raise UsageError(f"{fmt} cannot use SOCKS5: {why}", hint="take the HTTP port, or another format")


def _demand_number(fmt: str, program: Program, number: int) -> None:
    if number < program.fewest or (program.most is not None and number > program.most):
        limit = "exactly one proxy" if program.most == 1 else f"at most {program.most} proxies"
        raise Refused(
            f"{fmt} holds {limit}, and {number} are to be written" if number else f"{fmt} holds no empty list",
            hint="choose other orders, or a format that lists any number, such as txt or csv",
        )


def _cautions(fmt: str, proxies: Sequence[Proxy], kind: ProxyKind) -> Iterator[str]:
    values = [value for proxy in proxies for _, value in credentials(proxy)]
    if fmt == "env" and kind == "socks5":
        yield "wget, urllib, aiohttp, Scrapy, npm, undici and Go ignore ALL_PROXY and connect directly; axios fails"
    if fmt in ("env", "txt") and kind == "socks5" and any(len(utf8(value)) > 127 for value in values):
        yield "requests, urllib3 and pip send a login or password of 128 bytes or more wrong (PySocks 1.7.1)"
    if fmt == "env" and any(_TWICE.search(value) for value in values):
        yield "git decodes a percent sign and two hex digits in a login or password once more than it should"
    if fmt == "txt" and not all(value.isascii() for value in values):
        yield "a login or password has letters outside of ASCII, which programs send in different bytes"


def _json(value: str, *, ascii_only: bool = True) -> str:
    return json.dumps(value, ensure_ascii=ascii_only)[1:-1].replace("##", "#\\u0023")


def _double_quotes(value: str) -> str:
    """As CSV and 3proxy write it between double quotes."""
    return value.replace('"', '""')
