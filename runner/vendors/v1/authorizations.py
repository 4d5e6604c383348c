"""What opens proxies whose rows do not say it: `auth/list`, and the lists of resident traffic.

The forms: docs/vendor/api-v1.md#authorizations and docs/vendor/api-v1.md#resident-package.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from runner.core.vendor import Authorization, ResidentList
from runner.vendors.v1.reads import successful_data, unavailable
from runner.vendors.v1.refusals import base_number, order_id
from runner.vendors.wire import Response, clean_text

_OFF = frozenset({"N", "0", "FALSE", "NO"})


def decode_authorizations(response: Response) -> tuple[Authorization, ...]:
    """Those that are active and name an order number. VendorUnavailable for anything but a list of objects."""
    return tuple(_authorizations(_items(successful_data(response, "auth/list"), "auth/list")))


def decode_resident_lists(response: Response) -> tuple[ResidentList, ...]:
    """All of them, without what opens them. VendorUnavailable for anything but a list of objects."""
    rows = _items(successful_data(response, "resident/lists"), "resident/lists")
    return tuple(
        ResidentList(list_id=identity, title=clean_text(str(row.get("title") or "")), ports=_ports(row))
        for row in rows
        if (identity := order_id(row.get("id"))) is not None
    )


def _authorizations(rows: Iterator[Mapping[str, object]]) -> Iterator[Authorization]:
    for row in rows:
        number = base_number(row.get("orderNumber"))
        if number is None or str(row.get("active", True)).upper() in _OFF:
            continue
        login, password, ip = (row.get(name) for name in ("login", "password", "ip"))
        yield Authorization(
            number=number,
            login=login if isinstance(login, str) else "",
            password=password if isinstance(password, str) else "",
            ip=clean_text(ip) or None if isinstance(ip, str) else None,
        )


def _items(data: object, path: str) -> Iterator[Mapping[str, object]]:
    """The rows of a list, be it bare or under `items`; an object without any is an empty one."""
    if isinstance(data, dict):
        data = data.get("items", [] if not data else None)
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise unavailable(path, "it has no list")
    return iter(data)


def _ports(row: Mapping[str, object]) -> int | None:
    export = row.get("export")
    value = export.get("ports") if isinstance(export, dict) else row.get("ports")
    return int(str(value)) if str(value).isdecimal() else None
