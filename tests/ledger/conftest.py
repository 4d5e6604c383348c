"""Ledgers to test, one class an engine, and the values that go into them.

A further engine joins the conformance suite as one more class with the methods of `SqliteStore`, a name in `STORES`, and
a branch in `store`.
The programs in `child` begin with `from conftest import *`.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

import runner
from runner.core.errors import LedgerUnusable
from runner.core.ledger import Hold, Ledger
from runner.core.orders import OrderKey, OrderRequest
from runner.core.records import Attempt, Claim, Holder, Record, Rename, Run, Settlement
from runner.core.states import Event, State
from runner.core.vendor import Witness
from runner.ledger import migrations
from runner.ledger.postgres import open_postgres
from runner.ledger.sqlite import APPLICATION_ID, open_sqlite
from tests import make
from tests.pgserver import NoServer, Server, server

AT: Final = make.AT
PLACE: Final = Path(migrations.__file__).parent


def later(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def key(name: str = "one") -> OrderKey:
    return OrderKey("batch", name)


def request(name: str = "one", quantity: int = 10) -> OrderRequest:
    return make.order(name, batch="batch", fields={"quantity": quantity})


def witness(ids: int = 2, at: datetime = AT) -> Witness:
    return Witness(type="ipv4", order_ids=frozenset(str(1_000_000 + n) for n in range(ids)), at=at)


def claim(name: str = "one", quantity: int = 10, at: datetime = AT, ids: int = 2) -> Claim:
    return make.claim(
        request(name, quantity),
        quote=make.quote("12.30", balance=Decimal("100.00")),
        ceiling=Decimal("13.00"),
        witness=witness(ids),
        balance=Decimal("100.00"),
        run_id="run-1",
        at=at,
    )


def holder(pid: int = 0, ci_job: str | None = None) -> Holder:
    return Holder(host="build-7", pid=pid or os.getpid(), since=AT, run_id="run-1", ci_job=ci_job)


def run(name: str = "run-1") -> Run:
    return Run(id=name, mode="apply", started_at=AT, host="build-7", pid=42)


def settlement(event: Event, after: State, order_id: str | None = None, at: datetime | None = None) -> Settlement:
    """A move with all that goes with it."""
    placed = after is State.PLACED
    return Settlement(
        event=event,
        after=after,
        at=at or later(5),
        reason=f"told by {event}",
        order_id=(order_id or "7001") if placed else None,
        base_order_numbers=("7001_a", "7001_b") if placed else (),
        total=Decimal("12.30") if placed else None,
        balance=Decimal("87.70") if placed else None,
        evidence={"http_status": 200, "notes": ["x", None, True]},
    )


def placed(order_id: str = "7001", at: datetime | None = None) -> Settlement:
    return settlement(Event.PLACED, State.PLACED, order_id, at)


def unknown() -> Settlement:
    return settlement(Event.UNKNOWN, State.UNKNOWN)


WAYS: Final[dict[State, tuple[tuple[Event, State], ...]]] = {
    State.PLANNED: ((Event.NOT_SENT, State.PLANNED),),
    State.SUBMITTED: (),
    State.PLACED: ((Event.PLACED, State.PLACED),),
    State.REJECTED: ((Event.REJECTED, State.REJECTED),),
    State.UNKNOWN: ((Event.UNKNOWN, State.UNKNOWN),),
    State.ABSENT: ((Event.UNKNOWN, State.UNKNOWN), (Event.RECONCILED, State.ABSENT)),
}
"""How an order gets to a state after its claim, but for `renamed`, which an older ledger does not know."""


def bring(hold: Hold, name: str, state: State, at: datetime = AT) -> Attempt:
    """Claim an order and bring it to `state`; its order id is `order-<name>` where it has one.

    To `renamed`: it is `<name>-anew` then.
    """
    attempt = hold.claim(claim(name, at=at))
    for event, after in WAYS[State.PLACED if state is State.RENAMED else state]:
        hold.settle(attempt, settlement(event, after, f"order-{name}", later(1)))
    if state is State.RENAMED:
        hold.rename([renaming(name, f"{name}-anew")])
    return attempt


def renaming(before: str, after: str, at: datetime | None = None) -> Rename:
    return Rename(before=key(before), after=key(after), run_id="run-2", at=at or later(2))


def bring_to(store: SqliteStore, revision: str) -> None:
    """Makes the tables of an older version in an empty store."""
    from alembic import command  # here, because a child that imports this file must not have loaded it
    from alembic.config import Config
    from sqlalchemy import create_engine

    config = Config()
    config.set_main_option("script_location", str(PLACE))
    config.set_main_option("path_separator", "os")
    url = str(store.path).replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(url if "://" in url else f"sqlite:///{url}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        if "://" not in url:
            connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        command.upgrade(config, revision)
    engine.dispose()


class SqliteStore:
    """One SQLite file, opened as often as a test likes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opened: list[Ledger] = []

    def open(self, account: str = "acme", *, read_only: bool = False) -> Ledger:
        ledger = open_sqlite(self.path, account, read_only=read_only)
        self._opened.append(ledger)
        return ledger

    def sql(self, statement: str, *values: object) -> list[Any]:
        """Run one statement past the ledger; the store's own errors come through."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as raw:
            return raw.execute(statement, values).fetchall()

    refusal: type[Exception] = sqlite3.IntegrityError
    """What `sql` raises for what the tables forbid."""

    opening = "open_sqlite(Path(sys.argv[1]), 'acme')"
    """How a child opens the ledger whose `path` is its first argument."""

    is_empty = "SELECT count(*) = 0 FROM sqlite_master"
    """Asks whether there is nothing at all in the store."""

    def emergency(self, account: str = "acme") -> Path:
        """Where an account's emergency file is."""
        return Path(f"{self.path}.{account}.emergency")

    def lock(self, account: str = "acme") -> Path:
        """Where an account's lock file is."""
        return self.emergency(account).with_suffix(".lock")

    def record(self, name: str = "one") -> Record:
        """The order as any other process would find it."""
        with closing(open_sqlite(self.path, "acme", read_only=True)) as ledger:
            return ledger.records([key(name)])[key(name)]

    def close(self) -> None:
        for ledger in self._opened:
            ledger.close()


class PostgresStore(SqliteStore):
    """One PostgreSQL database; `path` is its URL. This machine's folder goes by the name that is in its environment."""

    def __init__(self, url: str, folder: Path) -> None:
        super().__init__(folder)
        self.path = url  # type: ignore[assignment]
        self.folder = folder

    def open(self, account: str = "acme", *, read_only: bool = False) -> Ledger:
        ledger = open_postgres(str(self.path), account, folder=self.folder, read_only=read_only)
        self._opened.append(ledger)
        return ledger

    def sql(self, statement: str, *values: object) -> list[Any]:
        with psycopg.connect(str(self.path), autocommit=True) as raw:
            cursor = raw.execute(statement.replace("?", "%s").encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    refusal = psycopg.IntegrityError
    is_empty = "SELECT count(*) = 0 FROM pg_class WHERE relnamespace = current_schema()::regnamespace"

    @property
    def opening(self) -> str:  # type: ignore[override]
        return f"open_postgres(sys.argv[1], 'acme', folder=Path({str(self.folder)!r}))"

    def record(self, name: str = "one") -> Record:
        with closing(open_postgres(str(self.path), "acme", folder=self.folder, read_only=True)) as ledger:
            return ledger.records([key(name)])[key(name)]

    def emergency(self, account: str = "acme") -> Path:
        (found,) = self.folder.glob("*.acme.emergency")
        return found.with_name(found.name.replace(".acme.", f".{account}."))


STORES: Final = ("sqlite", "postgres")


@pytest.fixture(scope="session")
def pg() -> Iterator[Server]:
    """A real PostgreSQL server, started once."""
    try:
        running = server()
        with running as found:
            yield found
    except NoServer as error:
        pytest.skip(f"no PostgreSQL to test with: {error}")


@pytest.fixture(scope="session")
def pg_template(pg: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database whose tables are ready, to be copied."""
    url = pg.create()
    open_postgres(url, "acme", folder=tmp_path_factory.mktemp("machine")).close()
    yield url.rpartition("/")[2]
    pg.drop(url)


@pytest.fixture
def pg_store(pg: Server, pg_template: str, tmp_path: Path) -> Iterator[PostgresStore]:
    """A database of its own, with tables and nothing in them."""
    url = pg.create(pg_template)
    with closing(PostgresStore(url, tmp_path / "machine")) as made:
        yield made
    pg.drop(url)


@pytest.fixture
def empty_pg_store(pg: Server, tmp_path: Path) -> Iterator[PostgresStore]:
    """A new database, without tables."""
    url = pg.create()
    with closing(PostgresStore(url, tmp_path / "machine")) as made:
        yield made
    pg.drop(url)


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqliteStore]:
    if request.param == "postgres":
        yield request.getfixturevalue("pg_store")
        return
    with closing(SqliteStore(tmp_path / "ledger.db")) as made:
        yield made


@pytest.fixture(params=STORES)
def empty_store(request: pytest.FixtureRequest) -> SqliteStore:
    """A store where no tables are yet."""
    store: SqliteStore = request.getfixturevalue(
        {"sqlite": "sqlite_store", "postgres": "empty_pg_store"}[request.param]
    )
    return store


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(tmp_path / "ledger.db")) as made:
        yield made


@pytest.fixture(name="hold")
def held(store: SqliteStore) -> Iterator[Hold]:
    with store.open().hold(holder(), timeout=0) as hold:
        yield hold


Child = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def child() -> Iterator[Child]:
    """Starts Python programs that can use all of this file, and ends what is left of them."""
    started: list[subprocess.Popen[str]] = []
    places = [Path(__file__).parent, Path(runner.__file__).parents[1]]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, places))}

    def start(program: str, *arguments: object, **options: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", f"import sys\nfrom conftest import *\n{program}", *map(str, arguments)]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment, **options)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def opened_and_held(store: SqliteStore) -> str:
    """The beginning of a child that holds the account, says so, and goes on when it reads a line."""
    return f"ledger = {store.opening}\nwith ledger.hold(holder(), timeout=30) as hold:\n    print('held', flush=True)\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger.db"


@pytest.fixture
def used(path: Path) -> Path:
    """A ledger with one bought order, closed."""
    with closing(open_sqlite(path, "acme")) as ledger, ledger.hold(holder(), timeout=0) as hold:
        bring(hold, "one", State.PLACED)
    return path


def refusal(path: Path, *, read_only: bool = False) -> LedgerUnusable:
    """What opening, or else holding, is refused with; it always names the file and a way out."""
    with pytest.raises(LedgerUnusable) as caught, closing(open_sqlite(path, "acme", read_only=read_only)) as ledger:
        use(ledger)
    assert path.name in str(caught.value)
    assert caught.value.hint
    return caught.value


def use(ledger: Ledger) -> None:
    ledger.records([key()])
    with ledger.hold(holder(), timeout=0) as hold:
        hold.claim(claim("two"))
