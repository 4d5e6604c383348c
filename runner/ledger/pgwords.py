"""The way out of what PostgreSQL, its library and the poolers in front of it say.

A statement that fails has an SQLSTATE. A connection that fails has none: libpq passes on words alone, its own, the
server's, or a pooler's. They are told apart by what each says in English, as of PostgreSQL 13 to 18, PgBouncer 1.24,
Supavisor and Odyssey. A server may speak another language: then the advice is general.
"""

from __future__ import annotations

import re
from typing import Final

import psycopg

ENCODING: Final = "CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0"
"""What makes a database that can hold a ledger."""

UNREACHED: Final = "check that the server is up and can be reached, then run again"
UNKNOWN: Final = "check that the server is up and can be reached, and user, password and database in the URL"
_BUSY: Final = "another session has held a lock for a long time: look at pg_stat_activity"

_STATES: Final = (
    ("08", UNREACHED),
    ("57P", "the server ended the session: run again"),
    ("28", "check user, password (PGPASSWORD, PGPASSFILE) and the server's pg_hba.conf"),
    ("3D000", f"create the database first: {ENCODING}"),
    ("42501", "as the owner of the tables, run `order-runner ledger init --account NAME --grant ROLE`"),
    ("42704", "create the role first: CREATE ROLE"),
    ("53", "the server is short of space or connections: check its disk and max_connections"),
    ("25006", "connect to the primary, and to a database that may be written"),
    ("55P03", _BUSY),
    ("57014", _BUSY),
)
"""How an SQLSTATE begins, and the way out; the first that fits counts."""

_WORDS: Final = (
    # Who answers, and who may come in.
    (
        r"no password supplied|password required",
        "give the role's password in PGPASSWORD, in the file that PGPASSFILE names, or percent-encoded in the URL",
    ),
    (
        r"authentication failed|\bauth failed|wrong password|SASL",
        "check the password (PGPASSWORD, PGPASSFILE, or the URL) and the role: one that is not there is answered alike",
    ),
    (
        r"no such database|database \S+ (does not exist|not found)|database not found",
        f"check the database in the URL, or create it: {ENCODING}; a pooler has a list of its own",
    ),
    (
        r"role \S+ does not exist|no such user|user not found: ",
        "check the user in the URL, or create it: CREATE ROLE name LOGIN; a pooler has a list of its own",
    ),
    (r"tenant or user not found", "check user and host in the URL: this pooler finds the database by both"),
    (r"not permitted to log in", "let the role log in: ALTER ROLE name LOGIN"),
    (r"permission denied for database", "let the role in: GRANT CONNECT ON DATABASE name TO role"),
    (r"not currently accepting connections", "open the database: ALTER DATABASE name ALLOW_CONNECTIONS true"),
    (
        r"invalid response|unsupported frontend protocol|expected authentication request|not a PostgreSQL",
        "check host and port: no PostgreSQL server answers there",
    ),
    # TLS. Before the line of pg_hba.conf that is missing: mostly it is only missing without TLS.
    (
        r"no encryption|SSL off|(SSL|TLS) (is )?required|(requires|must use) (SSL|TLS|encryption)",
        "this server lets nobody in without TLS: add sslmode=verify-full&sslrootcert=system to the URL",
    ),
    (r"pg_hba\.conf", "add a line to the server's pg_hba.conf that lets this role in from this address"),
    (
        r"does not support SSL",
        "turn TLS on at the server (ssl = on); sslmode=disable only where nobody can stand in between",
    ),
    # What a session that is lost leaves behind.
    (r"SSL SYSCALL error|SSL connection has been closed", UNREACHED),
    (r"weak sslmode", "write sslmode=verify-full: sslrootcert=system goes with no other"),
    (
        r"root certificate",
        "add sslrootcert=system to the URL where this system trusts the server's authority, else the path of its file",
    ),
    (r"does not match host name", "write the host in the URL as the server's certificate has it"),
    (
        r"certificate verify failed|certificate has expired|self-signed certificate",
        "the server's certificate is not from the authorities in sslrootcert, or has run out: name the right file",
    ),
    (r"certificate|private key", "check the certificate and key to show to the server: sslcert, sslkey"),
    (r"\bSSL\b|\bTLS\b", "check that the server speaks TLS on this port, and sslmode and sslrootcert in the URL"),
    # Too many, or too early.
    (
        r"too many (.* )?(clients|connections)|connection slots|no more connections|query_wait_timeout|max_?client",
        "all connections are taken: run later, or raise the limit of role, database, server or pooler",
    ),
    (
        r"database system is|not yet accepting connections|shutting down|pause|client_login_timeout",
        "the server is not ready: run again in a minute",
    ),
    (
        r"cannot connect to server|server login|server_login|server conn crashed|connect timeout",
        "the pooler does not reach its server: check that one, then run again",
    ),
    # What the URL says.
    (
        r"unsupported startup parameter|unrecognized configuration parameter",
        "leave that parameter out of the URL, or let the pooler take it (PgBouncer: ignore_startup_parameters)",
    ),
    (r"resolve host|translate host name", "check the host in the URL, and this machine's DNS"),
    (r"definition of service|service file", "check the service in the URL, and the file that PGSERVICEFILE names"),
    (
        r"hot standby mode|session is (not )?read-only|read-write|primary",
        "connect to the primary: with several hosts, add target_session_attrs=read-write",
    ),
    (r"on socket .*(No such file|refused)", "name the host in the URL: without one, a socket on this machine is tried"),
    (r"invalid .*(value|port|URI|option)", "correct that parameter of the URL"),
    (r"refused|time(d )?out|unreachable|no route|is (closed|lost)|closed the|reset by|(receive|send) data", UNREACHED),
)
"""What the words of a failed connection have in them, and the way out; the first that fits counts."""

_NAMES: Final = re.compile(r"\"[^\"]*\"|'[^']*'")


def way_out(cause: BaseException) -> str:
    """What to do about an error of the driver or the system."""
    if isinstance(cause, psycopg.Error):
        if not cause.sqlstate:
            return _way_out_of_words(str(cause))
        for start, hint in _STATES:
            if cause.sqlstate.startswith(start):
                return hint
    return "put this right; another ledger would know nothing of what was bought"


def _way_out_of_words(words: str) -> str:
    """A name, as of a host, does not count: it may have any words in it."""
    plain = _NAMES.sub('""', " ".join(words.split()))
    return next((hint for pattern, hint in _WORDS if re.search(pattern, plain, re.IGNORECASE)), UNKNOWN)
