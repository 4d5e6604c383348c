"""Resident traffic: the package, and the lists that give it addresses (docs/vendor/api-v1.md#resident-lists)."""

import hashlib
import ipaddress
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from runner.sandbox.basket import RefusedError, integer
from runner.sandbox.customers import Customer, Event, Package, mark_of, package_of
from runner.sandbox.dates import spell
from runner.sandbox.logins import credentials
from runner.sandbox.options import Options

JSON = dict[str, Any]
FIRST_LIST = 20_447_213
HOST, FIRST_PORT = "res.sandbox.invalid", 10_000
"""Where a resident list is reached: one name for all, and a port for each of its addresses."""
MOST_PORTS, LONGEST_ROTATION = 1_000, 3_600
PLACES = ("country", "region", "city", "isp")
"""The parts of a place, each of which needs the one before."""


def package_json(package: Package, now: float, options: Options) -> JSON:
    """The answer of `resident/package`, as documented or as seen live."""
    end = datetime.fromtimestamp(package.ends, UTC)
    usage: Any = package.usage
    limit: Any = package.limit
    left: Any = limit - usage
    expires: Any = {
        "date": f"{end:%Y-%m-%d} 23:59:59.000000",
        "timezone_type": 3,
        "timezone": "UTC",
    }
    sub: Any = None
    if options.resident_package == "docs":
        usage, limit, left, sub = str(usage), str(limit), str(left), "0"
        expires = spell(package.ends, options)
    return {
        "rotation": 60 if options.resident_package == "docs" else -1,
        "traffic_limit": limit,
        "expired_at": expires,
        "is_link_date": False,
        "is_active": package.ends > now,
        "package_key": "5a6e0db0c0ffee5a6e0d",
        "traffic_usage": usage,
        "traffic_left": left,
        "traffic_usage_sub": sub,
        "traffic_limit_sub": sub,
        "traffic_left_sub": sub,
        "tarif_id": package.tariff,
        "auto_renew": False,
    }


def list_event(account: Customer, body: Mapping[str, Any], now: float, options: Options) -> Event:
    """The event of a list made now. Raises RefusedError without a package, and for a body that makes no list."""
    if package_of(account, now) is None:
        raise RefusedError("Tarif not found")
    number = FIRST_LIST + len(account.lists)
    mark = hashlib.sha256(f"{mark_of(account.key)} {number}".encode()).hexdigest()
    login, password = credentials(mark[:8], options)[0], credentials(mark[8:16], options)[1]
    made = {
        "id": number,
        "title": _title(body),
        "login": login,
        "password": password,
        "whitelist": _whitelist(body),
        "rotation": _rotation(body),
        "geo": _geo(body),
        "export": _export(body),
    }
    return {"event": "list", "account": mark_of(account.key), "list": made}


def list_json(made: JSON, options: Options) -> JSON:
    """A list as the API shows it: a place and a number, or an array of places and a number as text."""
    if options.resident_lists == "docs":
        return made
    export = made["export"] | {"ports": str(made["export"]["ports"])}
    return made | {"geo": [made["geo"]] if made["geo"] else [], "export": export}


def list_rows(account: Customer, list_id: int | None, most: int | None) -> list[JSON]:
    """The addresses of one list, or of all, at most so many: a row for each port. Raises RefusedError for a bad id."""
    lists = [made for made in account.lists if list_id in (None, made["id"])]
    if list_id is not None and not lists:
        raise RefusedError("not-found", 404)
    rows = [
        {"ip": HOST, "port_http": FIRST_PORT + port, "port_socks": FIRST_PORT + port, "link_reboot": "#"}
        | {name: made[name] for name in ("login", "password")}
        for made in lists
        for port in range(made["export"]["ports"])
    ]
    return rows[:most]


def _title(body: Mapping[str, Any]) -> str:
    title = body.get("title")
    if not isinstance(title, str) or not title.strip():
        raise RefusedError("Set [title]")
    return title


def _whitelist(body: Mapping[str, Any]) -> str:
    given = str(body.get("whitelist") or "")
    try:
        for address in filter(None, given.split(",")):
            ipaddress.ip_address(address.strip())
    except ValueError:
        raise RefusedError("Set [whitelist]") from None
    return given


def _rotation(body: Mapping[str, Any]) -> int:
    given = body.get("rotation", -1)
    if isinstance(given, bool) or not isinstance(given, int) or not -1 <= given <= LONGEST_ROTATION:
        raise RefusedError("Set [rotation]")
    return given


def _geo(body: Mapping[str, Any]) -> JSON:
    given = body.get("geo") or {}
    if not isinstance(given, dict):
        raise RefusedError("Set [geo]")
    geo = {name: str(given[name]) for name in PLACES if given.get(name)}
    for name, larger in zip(PLACES[1:], PLACES, strict=False):
        if name in geo and larger not in geo:
            raise RefusedError(f"Set [geo.{larger}]")
    return geo


def _export(body: Mapping[str, Any]) -> JSON:
    given = body.get("export") or {}
    ports = integer(given.get("ports", 1)) if isinstance(given, dict) else None
    if ports is None or not 1 <= ports <= MOST_PORTS:
        raise RefusedError("Set [export.ports]")
    return {"ports": ports, "ext": str(given.get("ext") or "txt")}
