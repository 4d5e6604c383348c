"""Tables of proxies: CSV, JSON, JSON lines. Every value arrives as it is; secrets are columns where asked for."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import StringIO
from typing import Any, Final

from runner.core.deliveries import Proxy
from runner.views.terminal.safe import json_text, one_line

COLUMNS: Final = ("key", "order_id", "ip", "port_http", "port_socks", "protocol", "country", "ends")
SECRET_COLUMNS: Final = ("login", "password", "auth_ip", "rotation_link")


def csv_text(proxies: Sequence[Proxy], *, with_logins: bool) -> str:
    """A head and a row a proxy, comma-separated, UTF-8, LF; what is not there is empty."""
    text = StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(_columns(with_logins))
    for proxy in proxies:
        row = _row(proxy, with_logins=with_logins)
        rows.writerow("" if value is None else value for value in row.values())
    return text.getvalue()


def json_array(proxies: Sequence[Proxy], *, with_logins: bool) -> str:
    """One array of objects; what is not there is null."""
    return json_text([_row(proxy, with_logins=with_logins) for proxy in proxies], indent=2) + "\n"


def json_lines(proxies: Sequence[Proxy], *, with_logins: bool) -> str:
    """An object a line, as in `json_array`."""
    return "".join(json_text(_row(proxy, with_logins=with_logins)) + "\n" for proxy in proxies)


def _columns(with_logins: bool) -> tuple[str, ...]:
    return (*COLUMNS, *SECRET_COLUMNS) if with_logins else COLUMNS


def _row(proxy: Proxy, *, with_logins: bool) -> dict[str, Any]:
    values = {name: getattr(proxy, name) for name in _columns(with_logins)}
    values |= {name: one_line(values[name] or "") for name in ("key", "order_id", "ip", "country")}
    values["ends"] = proxy.ends.isoformat() if proxy.ends else None
    return {name: None if value == "" else value for name, value in values.items()}
