"""Lines for import boxes: `login:password@ip:port`, or a template of the vendor's placeholders. Values go in verbatim.

Import boxes decode nothing, so a value may hold none of the characters that the line puts between values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from runner.core.deliveries import Proxy, ProxyKind
from runner.core.errors import UsageError
from runner.views.proxies.carrying import (
    ADDRESS,
    LOGIN,
    Check,
    Obstacle,
    basic_ends_at_colon,
    credentials,
    encode,
    holds_none,
    host,
    link_can_be_seen,
)

DEFAULT: Final = "%login%:%password%@%ip%:%port%"
WITHOUT_LOGIN: Final = "%ip%:%port%"
"""The default line of a proxy that needs no login."""

_PLACEHOLDER: Final = re.compile(r"%([A-Za-z_]+)%")

PLACEHOLDERS: Final = ("ip", "port", "login", "user", "password", "protocol", "rotation_link")
"""The vendor's names (docs/vendor/api-v2.md#downloads); `user` and `login` are the same."""

SECRETS: Final = frozenset(("login", "user", "password", "rotation_link"))


def names_in(template: str) -> list[str]:
    """The placeholders of a template, in order; UsageError for an unknown one, or none at all."""
    names = _PLACEHOLDER.findall(template)
    unknown = next((name for name in names if name not in PLACEHOLDERS), None)
    if unknown is None and names:
        return names
    wrong = f"the template has no placeholder `%{unknown}%`" if unknown else "the template has no placeholder"
    raise UsageError(wrong, hint="write " + ", ".join(f"%{name}%" for name in PLACEHOLDERS))


def lines(proxies: Sequence[Proxy], kind: ProxyKind, template: str | None) -> str:
    """A line a proxy, as the template says. IPv6 is in brackets where a colon or a URL's scheme touches the address."""
    return "".join(f"{_line(proxy, kind, template)}\n" for proxy in proxies)


def is_secret(template: str | None) -> bool:
    """Whether the lines hold a login, a password or a link that changes the address."""
    return template is None or not SECRETS.isdisjoint(names_in(template))


def checks(template: str | None) -> tuple[Check, ...]:
    """What a proxy has to be like for its line to be read as it was meant."""
    if not is_secret(template):
        return ADDRESS
    return (
        *ADDRESS,
        *LOGIN,
        link_can_be_seen,
        basic_ends_at_colon,
        _has_values(template),
        _is_distinct(template or DEFAULT),
    )


def _line(proxy: Proxy, kind: ProxyKind, template: str | None) -> str:
    form = template or (DEFAULT if proxy.needs_login else WITHOUT_LOGIN)
    touching = "%ip%:" in form or "://" in form
    values: Mapping[str, str] = {
        "ip": host(proxy) if touching else proxy.ip,
        "port": str(proxy.port(kind)),
        "login": proxy.login,
        "user": proxy.login,
        "password": proxy.password,
        "protocol": kind,
        "rotation_link": proxy.rotation_link or "",
    }
    return _PLACEHOLDER.sub(lambda match: values[match[1]], form)


def _has_values(template: str | None) -> Check:
    """Each placeholder that was asked for has something to stand in its place."""
    names = set(names_in(template)) if template else set()
    out = "leave %{}% out of the template, or choose other orders"

    def check(proxy: Proxy, _kind: ProxyKind) -> Iterator[Obstacle]:
        for name, value in (("login", proxy.login), ("user", proxy.login), ("password", proxy.password)):
            if name in names and not value:
                yield Obstacle(field=name, rule="is empty: your address is let in instead", way_out=out.format(name))
        if "rotation_link" in names and not proxy.rotation_link:
            yield Obstacle(field="rotation_link", rule="is empty", way_out=out.format("rotation_link"))

    return check


def _is_distinct(template: str) -> Check:
    """No login or password holds what the template puts between values, a space, or what its quotes or URL forbid."""
    literal = "".join(_PLACEHOLDER.split(template)[::2])
    between = {character for character in literal if not character.isalnum()} | {" "}
    quotes = {"\\"} if between & set("\"'") else set()
    characters = "".join(sorted(between | quotes))

    def check(proxy: Proxy, _kind: ProxyKind) -> Iterator[Obstacle]:
        yield from holds_none(characters, proxy, why="which separates the values of a line")
        if "://" in literal:
            for field, value in credentials(proxy):
                if encode(value) != value:
                    rule = "holds a character that a URL has to encode, and a template writes it as it is"
                    yield Obstacle(field=field, rule=rule, way_out="write env or scrapy, which encode")

    return check
