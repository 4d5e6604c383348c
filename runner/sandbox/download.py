"""`proxy/download/{type}`: rows as lines of plain text (docs/vendor/api-v1.md#downloads)."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

JSON = Mapping[str, Any]
FORMATS = {"txt": "%login%:%password%@%ip%:%port%", "csv": "%ip%;%port%;%login%;%password%"}
UNKNOWN_TYPE = 22002
_PLACEHOLDER = re.compile("%(?:ip|port|login|user|password|protocol|rotation_link)%")


def lines(rows: Iterable[JSON], ext: str, proto: str) -> str:
    """One line a row and port, by the name of a format or a template; both ports without a `proto`."""
    template = FORMATS.get(ext or "txt", ext)
    return "".join(f"{_fill(template, row, port, kind)}\n" for row in rows for port, kind in _ports(row, proto))


def _ports(row: JSON, proto: str) -> Iterator[tuple[int, str]]:
    kinds = {"https": row["port_http"], "socks5": row["port_socks"]}
    wanted = {proto: kinds[proto]} if proto in kinds else kinds
    if len(set(wanted.values())) == 1:  # a resident address has one port for both
        yield next(iter(wanted.values())), "http" if "https" in wanted else "socks5"
        return
    for kind, port in wanted.items():
        yield port, "http" if kind == "https" else kind


def _fill(template: str, row: JSON, port: int, kind: str) -> str:
    values = {
        "%ip%": row["ip"],
        "%port%": str(port),
        "%login%": row["login"],
        "%user%": row["login"],
        "%password%": row["password"],
        "%protocol%": kind,
        "%rotation_link%": row["link_reboot"],
    }
    return _PLACEHOLDER.sub(lambda match: values[match[0]], template)
