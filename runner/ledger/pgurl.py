"""What a PostgreSQL URL means, and what of it may be shown."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, unquote

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

from runner.core.errors import UsageError
from runner.core.nearest import nearest
from runner.ledger.pgroots import with_roots

MASK: Final = "***"

_SECRETS: Final = ("password", "sslpassword", "oauth_client_secret")
_DEFAULTS: Final[Mapping[str, str]] = {
    "connect_timeout": "10",
    # A server that is gone is noticed within half a minute, not after hours.
    "keepalives": "1",
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
    "application_name": "order-runner",
}
"""What the URL does not say; everything it does say wins."""

_ALWAYS: Final[Mapping[str, str]] = {"client_encoding": "UTF8"}
"""What neither the URL nor PGCLIENTENCODING may change: text is written and read as it is."""
_PARAMETERS: Final = (
    "known are sslmode, sslrootcert, options, service, and what else "
    "https://www.postgresql.org/docs/current/libpq-connect.html lists"
)

_DATABASE: Final[Mapping[str, str]] = {"dbname": "PGDATABASE", "service": "PGSERVICE"}
"""Parameters that say which database, and their variables. PostgreSQL's library would take one named like the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where to connect. `location` is for people; `parameters` may hold a password and do not print."""

    location: str
    parameters: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)

    @property
    def place(self) -> str:
        """Which database it is, as far as the URL and the variables of PostgreSQL's library say: no two share one."""
        names = (("host", "PGHOST"), ("port", "PGPORT"), ("dbname", "PGDATABASE"), ("service", "PGSERVICE"))
        return "/".join(self.parameters.get(name) or os.environ.get(variable, "") for name, variable in names)

    def connect(self) -> psycopg.Connection:
        """A session of its own; `psycopg.Error` where there is none. Transactions are opened by whoever writes.

        Raises `LedgerUnusable` where the system's authorities are asked for and there is no file of them.
        """
        return psycopg.connect("", autocommit=True, **with_roots(self.parameters))  # type: ignore[arg-type]

    def mask(self, words: str) -> str:
        """`words` on one line and without any secret, whoever put it there."""
        for secret in self.secrets:
            words = words.replace(secret, MASK)
        return " ".join(words.split())


def read_url(url: str) -> Target:
    """What `postgresql://user@host/db?sslmode=…` says, every parameter of libpq included; UsageError for nonsense."""
    head, _, query = url.partition("://")[2].partition("?")
    # Here libpq would take a part of the password for a host, and name it in its errors.
    if head.count("@") > 1 or "@" in head.partition("/")[2] or "@" in query or "#" in url:
        raise UsageError(
            "the ledger's URL cannot be read: it has an @ or # in the wrong place",
            hint="percent-encode the user and the password: @ is %40, / is %2F, # is %23, ? is %3F, : is %3A",
        )
    _refuse_unknown(query)
    try:
        parts = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    except psycopg.Error:
        # The driver's own words may quote the password.
        raise UsageError(
            "the ledger's URL cannot be read by PostgreSQL's library",
            hint="write it like postgresql://user@host:5432/database?sslmode=verify-full, the parts percent-encoded",
        ) from None
    if not any(parts.get(name) or os.environ.get(variable) for name, variable in _DATABASE.items()):
        raise UsageError(
            "the ledger's URL names no database",
            hint="write it like postgresql://user@host:5432/database, or name a service: ?service=NAME",
        )
    named = [parts[name] for name in _SECRETS if name in parts]
    secrets = {secret for secret in (*named, os.environ.get("PGPASSWORD", "")) if secret}
    return Target(
        location=_location(parts),
        parameters={**_DEFAULTS, **parts, **_ALWAYS},
        secrets=tuple(sorted(secrets | {quote(secret, safe="") for secret in secrets}, key=len, reverse=True)),
    )


def _refuse_unknown(query: str) -> None:
    """UsageError that names the parameters which PostgreSQL's library does not know; their values are not repeated."""
    # `ssl=true` is what JDBC writes, and understood.
    names = {option.keyword.decode() for option in Conninfo.get_defaults()} | {"ssl"}
    asked = [unquote(part.partition("=")[0]) for part in query.split("&") if "=" in part]
    unknown = [name for name in asked if name not in names]
    if unknown:
        listed = ", ".join(map(ascii, unknown))
        meant = dict.fromkeys(word for name in unknown for word in nearest(name, names, most=1))
        raise UsageError(
            f"the ledger's URL has parameters that PostgreSQL's library does not know: {listed}",
            hint=f"did you mean {' or '.join(meant)}?" if meant else _PARAMETERS,
        )


def has_password(url: str) -> bool:
    """Whether a URL carries a secret; UsageError where it cannot be read."""
    return any(name in read_url(url).parameters for name in _SECRETS)


def _location(parts: Mapping[str, str]) -> str:
    host, user = parts.get("host", ""), parts.get("user")
    ports = parts.get("port", "").split(",")
    socket = host.startswith(("/", "@"))
    # One port for each host, or one for all of them.
    each = zip(host.split(","), ports if len(ports) > 1 else ports * (host.count(",") + 1), strict=False)
    place = "" if socket else ",".join(f"{name}:{port}" if port else name for name, port in each)
    query = f"?host={host}" + (f"&port={parts['port']}" if "port" in parts else "") if socket else ""
    return f"postgresql://{quote(user) + '@' if user else ''}{place}/{quote(parts.get('dbname', ''))}{query}"
