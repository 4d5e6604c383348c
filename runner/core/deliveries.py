"""What was delivered: one proxy, as the vendor's rows describe it and as every format of a delivery is given it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

ProxyKind = Literal["http", "socks5"]
PROXY_KINDS: Final[tuple[ProxyKind, ...]] = ("http", "socks5")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """One delivered proxy: a vendor's row (docs/vendor/api-v1.md#proxy-lists), with the login that `auth/list` has.

    `key` is the order's, as text, and empty where no order of the ledger stands behind it; `order_id` is the vendor's.
    `ip` is the address alone. `protocol` is the kind that was asked for, `country` alpha-3, `ends` the last day.
    `login` and `password` are both empty where the vendor lets the address `auth_ip` in without them; `rotation_link`
    is a URL that changes the address of a mobile proxy for whoever opens it. These three are secrets and in no `repr`.
    """

    key: str
    order_id: str
    ip: str
    port_http: int | None
    port_socks: int | None
    login: str = field(repr=False)
    password: str = field(repr=False)
    protocol: ProxyKind
    country: str | None
    ends: date | None
    auth_ip: str | None = None
    rotation_link: str | None = field(default=None, repr=False)

    def port(self, kind: ProxyKind) -> int | None:
        """The port that speaks `kind`, or None; never the other one in its place."""
        return self.port_http if kind == "http" else self.port_socks

    @property
    def needs_login(self) -> bool:
        """Whether it asks for login and password, and not for the address `auth_ip` alone."""
        return bool(self.login or self.password or not self.auth_ip)
