"""A database that cannot be had: each reason has a way out of its own, in the words of a real server or a pooler's."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
import trustme

from runner.cli import run
from runner.core.errors import LedgerUnusable
from runner.ledger import pgroots
from runner.ledger.postgres import open_postgres
from tests.pgserver import PASSWORD, Server

TLS_REQUEST, GSSAPI_REQUEST = 80877103, 80877104
"""What a client may ask before it says who it is."""


def refusal(url: str, folder: Path) -> str:
    """What is said of a ledger that cannot be used, with the way out, on one line."""
    with pytest.raises(LedgerUnusable) as caught:
        open_postgres(url, "acme", folder=folder, read_only=True)
    said = f"{caught.value} / {caught.value.hint}"
    assert PASSWORD not in said
    return said


# -- a real server


@pytest.fixture
def role(pg: Server) -> Iterator[str]:
    """A role with a password, and the URL it comes in by."""
    if not pg.is_own:
        pytest.skip("roles are made on a server of our own only")
    pg.run(f"CREATE ROLE visitor LOGIN PASSWORD '{PASSWORD}'")
    parts = urlsplit(pg.url)
    yield urlunsplit(parts._replace(netloc=f"visitor:{PASSWORD}@{parts.hostname}:{parts.port}"))
    pg.run("DROP ROLE visitor")


@pytest.mark.parametrize(
    ("first", "change", "way_out"),
    [
        ("", (PASSWORD, "wrong"), "check the password"),
        ("", (f":{PASSWORD}", ""), "give the role's password in PGPASSWORD"),
        ("", ("visitor:", "stranger:"), "check the password (PGPASSWORD, PGPASSFILE, or the URL) and the role"),
        ("", ("/postgres", "/nowhere"), "create it: CREATE DATABASE name ENCODING 'UTF8'"),
        ("ALTER ROLE visitor NOLOGIN", ("", ""), "ALTER ROLE name LOGIN"),
        ("ALTER ROLE visitor CONNECTION LIMIT 0", ("", ""), "all connections are taken"),
        ("", ("/postgres", "/postgres?sslmode=require"), "turn TLS on at the server"),
        ("", ("/postgres", "/postgres?sslmode=strict"), "correct that parameter of the URL"),
        ("", ("/postgres", "/postgres?sslmode=require&sslrootcert=system"), "write sslmode=verify-full"),
        ("", ("/postgres", "/postgres?options=-cwork%3D1"), "leave that parameter out of the URL"),
        ("", ("/postgres", "/postgres?target_session_attrs=standby"), "connect to the primary"),
        ("", ("@127.0.0.1", "@ssl.invalid"), "check the host in the URL, and this machine's DNS"),
    ],
)
def test_a_server_that_lets_nobody_in(
    pg: Server, role: str, tmp_path: Path, first: str, change: tuple[str, str], way_out: str
) -> None:
    """What PostgreSQL says to whoever may not come in leads to what is to be done about it."""
    if first:
        pg.run(first)
    url = role.replace(*change, 1) if change[0] else role
    assert way_out in refusal(url, tmp_path)


def test_a_database_without_a_right_to_connect(pg: Server, role: str, tmp_path: Path) -> None:
    """A right that is missing before there is a session is named, and so is a database that is closed to all."""
    url = pg.create()
    name = urlsplit(url).path[1:]
    pg.run(f'REVOKE CONNECT ON DATABASE "{name}" FROM PUBLIC')
    visited = role.replace("/postgres", f"/{name}")
    assert "GRANT CONNECT ON DATABASE name TO role" in refusal(visited, tmp_path)
    pg.run(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    assert "ALLOW_CONNECTIONS true" in refusal(visited, tmp_path)
    pg.drop(url)


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_cannot_hold_every_name(pg: Server, tmp_path: Path, encoding: str) -> None:
    """A database that is not UTF-8 is refused before a table is made, with the statement that makes one that is."""
    name = f"not_utf8_{encoding.lower()}"
    pg.run(f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
    url = pg.database_url(name)
    with pytest.raises(LedgerUnusable, match=f"keeps text as {encoding}") as caught:
        open_postgres(url, "acme", folder=tmp_path)
    assert "CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0" in (caught.value.hint or "")
    assert pg.run("SELECT count(*) FROM pg_class WHERE relname = 'orders'", url=url) == [(0,)]
    pg.drop(url)


def test_the_encoding_of_the_environment_is_not_that_of_the_ledger(
    pg: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PGCLIENTENCODING, meant for other programs, changes nothing of what is written."""
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    url = pg.create()
    with closing(open_postgres(url, "acme", folder=tmp_path)) as ledger:
        assert ledger._reader.raw.info.encoding == "utf-8"
    pg.drop(url)


# -- words of others, said by a socket


@contextmanager
def refusing_with(words: str, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port of something that speaks as much of PostgreSQL's protocol as it takes to refuse with these words."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_refuse_all, args=(listener, words, tls), daemon=True).start()
        yield int(listener.getsockname()[1])
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def _refuse_all(listener: socket.socket, words: str, tls: ssl.SSLContext | None) -> None:
    with suppress(OSError):
        while True:
            connection = listener.accept()[0]
            with suppress(OSError), connection:
                _refuse(connection, words, tls)


def _refuse(connection: socket.socket, words: str, tls: ssl.SSLContext | None) -> None:
    code = _startup(connection)
    if code == TLS_REQUEST and tls:
        connection.sendall(b"S")
        with tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False) as encrypted:
            encrypted.do_handshake()
            _refuse(encrypted, words, None)
    elif code in (TLS_REQUEST, GSSAPI_REQUEST):
        connection.sendall(b"N")
        _refuse(connection, words, tls)
    else:
        fields = b"".join(part.encode() + b"\0" for part in ("SFATAL", "VFATAL", "C08P01", f"M{words}", ""))
        connection.sendall(b"E" + struct.pack("!i", 4 + len(fields)) + fields)


def _startup(connection: socket.socket) -> int:
    """Read the first message of a client; its version, or what it asks for."""
    length, code = struct.unpack("!ii", _read(connection, 8))
    _read(connection, length - 8)
    return int(code)


def _read(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise ConnectionResetError
        data += more
    return data


@pytest.mark.parametrize(
    ("words", "way_out"),
    [
        ("no such database: orders", "create it: CREATE DATABASE name ENCODING 'UTF8'"),
        ("no such user: ci", "create it: CREATE ROLE name LOGIN"),
        ('role "ci" does not exist', "create it: CREATE ROLE name LOGIN"),
        ("auth failed", "check the password"),
        ("SASL authentication failed", "check the password"),
        ("password required", "give the role's password in PGPASSWORD"),
        ("no more connections allowed (max_client_conn)", "all connections are taken"),
        ("query_wait_timeout", "all connections are taken"),
        ("sorry, too many clients already", "all connections are taken"),
        ("remaining connection slots are reserved for roles with the SUPERUSER attribute", "all connections are taken"),
        ('too many connections for database "orders"', "all connections are taken"),
        ("MaxClientsInSessionMode: max clients reached", "all connections are taken"),
        ("odyssey: c4711: too many active clients", "all connections are taken"),
        ("the database system is starting up", "the server is not ready"),
        ("the database system is shutting down", "the server is not ready"),
        ("pgbouncer cannot connect to server", "the pooler does not reach its server"),
        ("server login has been failing, try again later (server_login_retry)", "the pooler does not reach its server"),
        ("unsupported startup parameter: options", "ignore_startup_parameters"),
        ("SSL required", "add sslmode=verify-full&sslrootcert=system"),
        (
            'no pg_hba.conf entry for host "10.0.0.9", user "ci", database "ssl", no encryption',
            "add sslmode=verify-full",
        ),
        ('no pg_hba.conf entry for host "10.0.0.9", user "ci", database "ssl", SSL encryption', "add a line to the"),
        ("connection requires a valid client certificate", "sslcert, sslkey"),
        ("SSL SYSCALL error: EOF detected", "check that the server is up"),
        ("Tenant or user not found", "check user and host in the URL"),
        ('database "read-only ssl service" does not exist', "create it: CREATE DATABASE"),
        ("Passwort-Authentifizierung für Benutzer »ci« fehlgeschlagen", "user, password and database in the URL"),
    ],
)
def test_each_refusal_of_a_pooler_or_a_server_has_its_way_out(tmp_path: Path, words: str, way_out: str) -> None:
    """Words without an SQLSTATE lead to what is to be done, whatever the names in them."""
    with refusing_with(words) as port:
        said = refusal(f"postgresql://ci:{PASSWORD}@127.0.0.1:{port}/orders", tmp_path)
    assert words in said
    assert way_out in said.rpartition(" / ")[2]


def test_what_is_no_postgresql_is_named(tmp_path: Path) -> None:
    """A port where something else answers is not called a server that is down."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            with listener.accept()[0] as connection:
                connection.recv(8)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        said = refusal(f"postgresql://ci@127.0.0.1:{listener.getsockname()[1]}/orders?sslmode=require", tmp_path)
        thread.join()
    assert "no PostgreSQL server answers there" in said


# -- authorities


@pytest.fixture
def authority(tmp_path: Path) -> tuple[trustme.CA, Path]:
    """An authority, and the file of its certificate."""
    ca, path = trustme.CA(), tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(path)
    return ca, path


def certified(ca: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(name).configure_cert(context)
    return context


def test_the_systems_authorities_are_found(
    authority: tuple[trustme.CA, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`sslrootcert=system` trusts who is in the system's file, wherever the driver's OpenSSL was built, and nobody else."""
    ca, path = authority
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with refusing_with("auth failed", certified(ca)) as port:
        url = f"postgresql://ci:{PASSWORD}@127.0.0.1:{port}/orders?sslrootcert=system"
        monkeypatch.setattr(pgroots, "PLACES", (str(tmp_path / "none.pem"), str(path)))
        monkeypatch.setattr(pgroots.ssl, "get_default_verify_paths", lambda: nowhere(tmp_path))
        assert "check the password" in refusal(url, tmp_path), "the server was not trusted"
        trustme.CA().cert_pem.write_to_path(path)
        assert "the server's certificate is not from the authorities in sslrootcert" in refusal(url, tmp_path)


def nowhere(folder: Path) -> ssl.DefaultVerifyPaths:
    """The places of an OpenSSL that was built elsewhere."""
    missing = str(folder / "cert.pem")
    return ssl.DefaultVerifyPaths(None, None, "SSL_CERT_FILE", missing, "SSL_CERT_DIR", str(folder))


def test_openssls_own_variable_names_the_authorities(
    authority: tuple[trustme.CA, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SSL_CERT_FILE names the system's file, as it does for OpenSSL; a name that is not the server's is refused."""
    ca, path = authority
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with refusing_with("auth failed", certified(ca)) as port:
        url = f"postgresql://ci:{PASSWORD}@127.0.0.1:{port}/orders?sslmode=verify-full&sslrootcert=system"
        assert "check the password" in refusal(url, tmp_path), "the server was not trusted"
    with refusing_with("auth failed", certified(ca, "db.example")) as port:
        url = f"postgresql://ci:{PASSWORD}@127.0.0.1:{port}/orders?sslrootcert=system"
        assert "write the host in the URL as the server's certificate has it" in refusal(url, tmp_path)


def test_the_real_system_has_authorities(
    authority: tuple[trustme.CA, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On this machine, with nothing set, the file is found: what fails is an authority of the test's own."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    if not any(Path(place).is_file() for place in pgroots.PLACES):
        pytest.skip("this machine has no file of authorities")
    with refusing_with("auth failed", certified(authority[0])) as port:
        said = refusal(f"postgresql://ci@127.0.0.1:{port}/orders?sslrootcert=system", tmp_path)
    assert "the server's certificate is not from the authorities in sslrootcert" in said


def test_a_system_without_authorities_is_told_where_they_were_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no file of them, each place is named, with the two ways out."""
    places = (str(tmp_path / "one.pem"), str(tmp_path / "two.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "named.pem"))
    monkeypatch.setattr(pgroots, "PLACES", places)
    monkeypatch.setattr(pgroots.ssl, "get_default_verify_paths", lambda: nowhere(tmp_path))
    said = refusal("postgresql://ci@127.0.0.1:1/orders?sslrootcert=system", tmp_path)
    assert all(place in said for place in (*places, str(tmp_path / "named.pem")))
    assert "install the package ca-certificates, or name the file in SSL_CERT_FILE" in said


def test_a_root_that_is_nowhere_leads_to_the_systems(
    authority: tuple[trustme.CA, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`verify-full` alone looks for a file in the home folder, which hardly anybody has."""
    monkeypatch.setenv("HOME", str(tmp_path))
    with refusing_with("auth failed", certified(authority[0])) as port:
        said = refusal(f"postgresql://ci@127.0.0.1:{port}/orders?sslmode=verify-full", tmp_path)
    assert "add sslrootcert=system to the URL" in said


def test_the_command_says_the_way_out(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs a command reads the server's words and what to do, and no password."""
    with refusing_with("no such database: orders") as port:
        monkeypatch.setenv("ORDER_RUNNER_LEDGER", f"postgresql://ci:{PASSWORD}@127.0.0.1:{port}/orders")
        assert run(["status"]) == 5
    said = capsys.readouterr().err
    assert "no such database: orders" in said
    assert "hint: check the database in the URL, or create it" in said
    assert PASSWORD not in said
