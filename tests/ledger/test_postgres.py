"""PostgreSQL: lost sessions, machines that share a ledger, and a password that nobody sees."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
import pytest

from runner.cli import run
from runner.core.errors import Busy, LedgerUnusable, Refused, UsageError
from runner.core.ledger import Hold
from runner.core.orders import OrderKey
from runner.core.states import State
from runner.ledger import pgsession
from runner.ledger.pgsession import check_pids
from runner.ledger.pgurl import read_url
from runner.ledger.postgres import open_postgres
from runner.run import wiring
from runner.run.settings import Settings, locate, require_named_ledger
from runner.sandbox.box import Sandbox
from runner.sandbox.options import SANDBOX_KEY
from tests import pgserver
from tests.ledger.conftest import Child, PostgresStore, bring, claim, holder, key, later, opened_and_held, placed
from tests.pgserver import PASSWORD, Server

MANIFEST = """\
apiVersion: orders/v1
batch: b
orders:
  - {name: one, type: ipv4, countryId: 561, periodId: 1m, quantity: 2, customTargetName: prices}
"""
SECRET = "s3cret%2Fcanary"


@pytest.fixture
def store(pg_store: PostgresStore) -> PostgresStore:
    return pg_store


@pytest.fixture
def elsewhere(store: PostgresStore, tmp_path: Path) -> Iterator[PostgresStore]:
    """The same ledger, from another machine."""
    with closing(PostgresStore(str(store.path), tmp_path / "elsewhere")) as other:
        yield other


def end_sessions(store: PostgresStore) -> None:
    """End every session that holds an account, as an administrator or a failing network would."""
    ended = store.sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'")
    assert ended == [(True,)]


def changed(url: str, **parts: str) -> str:
    return urlunsplit(urlsplit(url)._replace(**parts))


def test_session_ended_while_an_order_is_in_flight(store: PostgresStore, elsewhere: PostgresStore, hold: Hold) -> None:
    """A session that is lost between claim and settle leaves the order in doubt, and no one can buy it again."""
    attempt = hold.claim(claim())
    end_sessions(store)
    with pytest.raises(LedgerUnusable):
        hold.settle(attempt, placed())
    with elsewhere.open().hold(holder(), timeout=5) as next_hold:
        assert [found.state for found in next_hold.abandon_submitted(later(60))] == [State.UNKNOWN]
        with pytest.raises(Refused):
            next_hold.claim(claim())


def test_lost_hold_cannot_claim(store: PostgresStore, hold: Hold) -> None:
    """A runner whose session was ended claims nothing, and does not quietly get a new session."""
    end_sessions(store)
    for _ in range(2):
        with pytest.raises(Refused, match="no longer holds the account"):
            hold.claim(claim())
    assert store.sql("SELECT count(*) FROM orders") == [(0,)]


def test_lock_taken_from_the_session(store: PostgresStore, elsewhere: PostgresStore) -> None:
    """A session that lives but no longer has the lock, as a pool would reset it, cannot claim."""
    with store.open().hold(holder(), timeout=0) as hold:
        raw = hold._is_held.__self__.connection.raw
        raw.execute("SELECT pg_advisory_unlock_all()")
        with elsewhere.open().hold(holder(), timeout=5), pytest.raises(Refused):
            hold.claim(claim())
        with pytest.raises(Refused, match="was not claimed"):
            hold.claim(claim())


def test_answer_of_a_lost_session_is_entered_later(store: PostgresStore) -> None:
    """What the vendor answered to a runner that lost its session is kept on its machine and entered by its next run."""
    with store.open().hold(holder(), timeout=0) as hold:
        attempt = hold.claim(claim())
        end_sessions(store)
        path = Path(hold.save_emergency(attempt, placed()))
        # The server has forgotten this process; its own machine has not, as it may still be told more.
        with pytest.raises(Busy), store.open().hold(holder(), timeout=0):
            pass
    assert path.parent == store.folder
    with store.open().hold(holder(), timeout=0) as hold:
        assert hold.abandon_submitted(later(60)) == []
    assert (store.record().state, store.record().order_id) == (State.PLACED, placed().order_id)


def test_answer_that_comes_after_the_next_machine_gave_up(store: PostgresStore, elsewhere: PostgresStore) -> None:
    """A kept answer decides the order also where a runner elsewhere has made it unknown meanwhile."""
    with store.open().hold(holder(), timeout=0) as hold:
        attempt = hold.claim(claim())
        end_sessions(store)
        with elsewhere.open().hold(holder(), timeout=5) as next_hold:
            next_hold.abandon_submitted(later(60))
        hold.save_emergency(attempt, placed())
    assert store.record().state is State.UNKNOWN
    with store.open().hold(holder(), timeout=5):
        assert store.record().order_id == placed().order_id


def test_machine_without_a_place_for_answers(store: PostgresStore, tmp_path: Path) -> None:
    """Where an answer could not be kept that the server does not take, nothing is held; the folder and a way out named."""
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "postgres"
    with pytest.raises(LedgerUnusable, match=f"the folder {folder}") as caught:
        open_postgres(str(store.path), "acme", folder=folder)
    assert "XDG_STATE_HOME" in (caught.value.hint or "")


def test_doctor_finds_that_answers_could_not_be_kept(
    store: PostgresStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The folder of this machine is part of a ledger in PostgreSQL: one that cannot be made is found before a purchase."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("ORDER_RUNNER_LEDGER", str(store.path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert run(["doctor", "--offline"]) != 0
    said = capsys.readouterr().out
    assert f"the folder {tmp_path}/file/order-runner/postgres" in said
    assert "set XDG_STATE_HOME" in said


def test_server_restarted_in_the_middle(pg: Server, store: PostgresStore) -> None:
    """A server that crashes keeps what it acknowledged; the runner stops, and the next one enters what it knew."""
    if not pg.is_own:
        pytest.skip("only a server of our own can be restarted")
    with store.open().hold(holder(), timeout=0) as hold:
        bring(hold, "before", State.PLACED)
        attempt = hold.claim(claim())
        pg.stop("immediate")
        pg.start()
        with pytest.raises(LedgerUnusable):
            hold.settle(attempt, placed())
        hold.save_emergency(attempt, placed())
        with pytest.raises(Refused):
            hold.claim(claim("two"))
    assert (store.record("before").state, store.record().state) == (State.PLACED, State.SUBMITTED)
    with store.open().hold(holder(), timeout=5) as hold:
        assert hold.abandon_submitted(later(60)) == []
    assert (store.record().state, store.record().order_id) == (State.PLACED, placed().order_id)


def test_commit_without_acknowledgement(
    store: PostgresStore, elsewhere: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A claim whose commit is not answered is not sent, though it may be on record: the next runner finds it in doubt."""

    def lose_the_answer(commit: psycopg.Cursor) -> None:
        assert commit.statusmessage == "COMMIT"
        commit.connection.close()
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    with store.open().hold(holder(), timeout=0) as hold:
        monkeypatch.setattr(pgsession, "refuse_undone", lose_the_answer)
        with pytest.raises(LedgerUnusable):
            hold.claim(claim())
        monkeypatch.undo()
        assert store.record().state is State.SUBMITTED
        with elsewhere.open().hold(holder(), timeout=5) as next_hold:
            assert [found.key for found in next_hold.abandon_submitted(later(60))] == [key()]


def test_commit_with_a_warning(store: PostgresStore, hold: Hold) -> None:
    """A commit that the server acknowledges with a warning, as one that did not wait for its replica, is not believed."""
    store.sql(
        "CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE WARNING ''not replicated''; RETURN NEW; END'"
    )
    store.sql("CREATE TRIGGER warn BEFORE INSERT ON order_events FOR EACH ROW EXECUTE FUNCTION warn()")
    with pytest.raises(LedgerUnusable, match="not replicated"):
        hold.claim(claim())


def test_holder_on_another_machine_is_named(store: PostgresStore, elsewhere: PostgresStore) -> None:
    """Whoever has to wait learns from the ledger who holds the account, since when and from which CI job."""
    who = replace(holder(pid=4711, ci_job="https://ci.example/job/9"), run_id="run-77")
    with store.open().hold(who, timeout=0), pytest.raises(Busy) as caught, elsewhere.open().hold(holder(), timeout=0.1):
        pass
    told = "account acme is held by pid 4711 on build-7 since 2026-11-23T12:00:00"
    assert told in str(caught.value)
    assert "(CI job https://ci.example/job/9)" in str(caught.value)


def test_holder_that_has_not_signed_yet(store: PostgresStore, elsewhere: PostgresStore) -> None:
    """The holder before is not blamed for the account while the one that has it now is about to sign."""
    who = replace(holder(), run_id="run-77")
    with store.open().hold(who, timeout=0):
        store.sql("UPDATE holds SET holder = replace(holder, 'run-77', 'run-76')")
        with pytest.raises(Busy, match="has not identified itself yet"), elsewhere.open().hold(holder(), timeout=0):
            pass


def test_killed_holder_frees_the_account_for_other_machines(
    store: PostgresStore, elsewhere: PostgresStore, child: Child
) -> None:
    """The session ends with its process: nothing has to be waited for, and nothing broken by hand."""
    other = child(opened_and_held(store) + "    sys.stdin.readline()\n", store.path)
    assert other.stdout.readline() == "held\n"
    other.kill()
    other.wait()
    with elsewhere.open().hold(holder(), timeout=5) as hold:
        assert hold.claim(claim()).n == 1


def test_frozen_holder_keeps_the_account_on_every_machine(
    store: PostgresStore, elsewhere: PostgresStore, child: Child
) -> None:
    """A stopped process keeps its session, and wakes up as the holder it was."""
    program = "    sys.stdin.readline()\n    print(hold.claim(claim()).n, flush=True)\n"
    other = child(opened_and_held(store) + program, store.path)
    assert other.stdout.readline() == "held\n"
    other.send_signal(signal.SIGSTOP)
    with pytest.raises(Busy, match=f"pid {other.pid} on"), elsewhere.open().hold(holder(), timeout=0.5):
        pass
    other.send_signal(signal.SIGCONT)
    assert other.communicate("\n")[0] == "1\n"


def test_machines_wait_for_one_another(store: PostgresStore, elsewhere: PostgresStore, child: Child) -> None:
    """A runner on another machine gets the account as soon as its holder is done."""
    first = child(opened_and_held(store) + "    sys.stdin.readline()\n", store.path)
    assert first.stdout.readline() == "held\n"
    second = child(opened_and_held(elsewhere), elsewhere.path)
    first.stdin.write("\n")
    first.stdin.flush()
    assert second.stdout.readline() == "held\n"


def test_schemas_are_ledgers_of_their_own(store: PostgresStore, tmp_path: Path) -> None:
    """The search path of the URL is honoured: two schemas of one database neither share orders nor wait."""
    store.sql("CREATE SCHEMA team")
    url = f"{store.path}?options=-csearch_path%3Dteam"
    with (
        closing(open_postgres(url, "acme", folder=store.folder)) as team,
        store.open().hold(holder(), timeout=0) as one,
        team.hold(holder(), timeout=0) as two,
    ):
        one.claim(claim())
        assert two.claim(claim()).n == 1
    assert store.sql("SELECT count(*) FROM team.orders") == [(1,)]


def test_databases_of_the_environment_are_ledgers_of_their_own(
    pg: Server, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One URL, completed by PGDATABASE: what a machine keeps of the one database is not taken for the other's."""
    server = changed(str(store.path), path="")
    other = pg.create()
    try:
        monkeypatch.setenv("PGDATABASE", urlsplit(str(store.path)).path[1:])
        with closing(open_postgres(server, "acme", folder=store.folder)) as one, one.hold(holder(), timeout=0) as hold:
            hold.save_emergency(hold.claim(claim()), placed())
        monkeypatch.setenv("PGDATABASE", urlsplit(other).path[1:])
        with closing(open_postgres(server, "acme", folder=store.folder)) as two, two.hold(holder(), timeout=0):
            assert two.records([claim().request.key]) == {}
    finally:
        pg.drop(other)


def test_missing_schema(store: PostgresStore) -> None:
    """A search path that leads nowhere is refused by name."""
    with pytest.raises(LedgerUnusable, match="no schema"):
        open_postgres(f"{store.path}?options=-csearch_path%3Dnowhere", "acme", folder=store.folder)


def test_foreign_tables(empty_pg_store: PostgresStore) -> None:
    """Another program's tables are refused, and get no company."""
    empty_pg_store.sql("CREATE TABLE orders (id int)")
    with pytest.raises(LedgerUnusable, match="another program's"):
        empty_pg_store.open()
    assert empty_pg_store.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(1,)]


def test_reading_makes_nothing(empty_pg_store: PostgresStore) -> None:
    """For reading, a database without tables is an empty ledger, and stays one."""
    ledger = empty_pg_store.open(read_only=True)
    assert (ledger.records([key()]), ledger.open_records(), list(ledger.every_record())) == ({}, [], [])
    with pytest.raises(LedgerUnusable, match="reading only"), ledger.hold(holder(), timeout=0):
        pass
    assert empty_pg_store.sql(empty_pg_store.is_empty)[0][0]


@pytest.mark.parametrize("read_only", [False, True])
def test_ledger_of_a_newer_version(store: PostgresStore, read_only: bool) -> None:
    """A ledger that a newer order-runner wrote is not touched by an older one."""
    store.sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(LedgerUnusable, match="newer order-runner"):
        store.open(read_only=read_only)


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_forgetful_server_is_refused(pg: Server, store: PostgresStore, setting: str) -> None:
    """A server that may lose what it acknowledged is not bought with."""
    if not pg.is_own:
        pytest.skip("only a server of our own may be misconfigured")
    ledger = store.open()
    store.sql(f"ALTER SYSTEM SET {setting} = off")
    store.sql("SELECT pg_reload_conf(), pg_sleep(0.5)")
    try:
        with pytest.raises(LedgerUnusable, match=f"{setting} = off"), ledger.hold(holder(), timeout=0):
            pass
    finally:
        store.sql(f"ALTER SYSTEM RESET {setting}")
        store.sql("SELECT pg_reload_conf(), pg_sleep(0.5)")


def test_hasty_default_is_overruled(store: PostgresStore) -> None:
    """A database whose sessions do not wait for the disk by default is made to wait."""
    name = urlsplit(str(store.path)).path[1:]
    store.sql(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    with store.open().hold(holder(), timeout=0) as hold:
        raw = hold._is_held.__self__.connection.raw
        assert raw.execute("SELECT current_setting('synchronous_commit')").fetchone() == ("on",)


@pytest.mark.parametrize("pids", [(1, 3, 2, 2), (1, 1, 2, 3), (1, 1, 1, 1)])
def test_pool_of_transactions_is_refused(pids: tuple[int, int, int, int]) -> None:
    """Where a connection is not one session of its own, no account can be held."""
    check_pids(1, 1, 2, 2)
    with pytest.raises(LedgerUnusable, match="pool"):
        check_pids(*pids)


@pytest.mark.parametrize("table", ["orders", "order_events", "witnesses"])
def test_nothing_is_emptied(store: PostgresStore, table: str) -> None:
    """Not even the owner of the tables empties one by mistake."""
    with pytest.raises(psycopg.IntegrityError, match="only ever added to"):
        store.sql(f"TRUNCATE {table} CASCADE")


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("postgresql://me:{}@db.example:5433/orders?sslmode=verify-full", "postgresql://me@db.example:5433/orders"),
        ("postgres://me:{}@db.example/orders", "postgresql://me@db.example/orders"),
        ("postgresql://db.example/orders?user=me&password={}", "postgresql://me@db.example/orders"),
        ("postgresql://me:{}@a,b/orders", "postgresql://me@a,b/orders"),
        ("postgresql://me:{}@a:1,b:2/orders", "postgresql://me@a:1,b:2/orders"),
        ("postgresql://me:{}@/orders", "postgresql://me@/orders"),
        ("postgresql://me:{}@/orders?host=/run/pg&sslpassword={}", "postgresql://me@/orders?host=/run/pg"),
    ],
)
def test_location_has_no_password(url: str, location: str) -> None:
    """Wherever the URL carries it, the password is not in what is shown; all else is passed on."""
    target = read_url(url.replace("{}", SECRET))
    assert target.location == location
    assert "s3cret" not in repr(target)
    assert target.parameters["password"] == "s3cret/canary"
    assert target.mask("no s3cret/canary or s3cret%2Fcanary\nhere") == "no *** or *** here"
    assert target.parameters.get("sslmode") == ("verify-full" if "verify" in url else None)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:s3cret@x@db/orders",
        "postgresql://me:s3/cret@db/orders",
        "postgresql://me:s3#cret@db/orders",
        "postgresql://me:s3?cret@db/orders",
        "postgresql://me:s3%zzcret@db/orders",
        "postgresql://me:s3cret@db/orders?sslmod=require",
    ],
)
def test_bad_url_is_refused_without_quoting_it(url: str) -> None:
    """A URL that cannot be read is refused with what it should look like, and no part of the password is repeated."""
    with pytest.raises(UsageError) as caught:
        read_url(url)
    assert not {"s3", "cret"} & set(str(caught.value).replace("/", " ").replace(":", " ").split())
    assert "cret" not in f"{caught.value} {caught.value.__cause__}"
    assert caught.value.hint


@pytest.mark.parametrize(
    ("query", "named", "meant"),
    [
        ("sslmod=s3cret", "'sslmod'", "sslmode"),
        ("sslmode=require&pool_size=5&max_overflow=s3cret", "'pool_size', 'max_overflow'", ""),
        ("SSLMODE=require", "'SSLMODE'", ""),
        ("%73chema=s3cret", "'schema'", ""),
    ],
)
def test_unknown_parameters_are_named(query: str, named: str, meant: str) -> None:
    """A parameter that PostgreSQL's library does not know is named, with the one that was meant, without its value."""
    with pytest.raises(UsageError) as caught:
        read_url(f"postgresql://me@db/orders?{query}")
    assert str(caught.value).endswith(f": {named}")
    assert meant in (caught.value.hint or "")
    assert "s3cret" not in f"{caught.value} {caught.value.hint}"
    assert read_url("postgresql://me@db/orders?ssl=true").parameters["sslmode"] == "require"


@pytest.mark.parametrize(
    "url", ["postgresql://", "postgresql://me:s3cret@db", "postgresql://db/", "postgresql:///?port=1"]
)
def test_url_names_its_database(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A URL without a database, as an empty variable leaves it, is refused; PGDATABASE may name it, or a service."""
    monkeypatch.delenv("PGDATABASE", raising=False)
    with pytest.raises(UsageError, match="names no database"):
        read_url(url)
    read_url("postgresql://?service=orders")
    monkeypatch.setenv("PGDATABASE", "orders")
    read_url(url)


def test_failures_do_not_tell_the_password(pg: Server, store: PostgresStore) -> None:
    """A wrong password, a missing database, a dead port and a refused TLS all name the ledger, and no secret."""
    parts = urlsplit(str(store.path))
    wrong = f"{parts.username}:{quote(SECRET)}@{parts.hostname}"
    urls = [
        changed(str(store.path), path="/nowhere"),
        changed(str(store.path), netloc=f"{parts.username}:{PASSWORD}@{parts.hostname}:1"),
        f"{store.path}?sslmode=require",
    ]
    if pg.is_own:
        urls += [changed(str(store.path), netloc=f"{wrong}:{parts.port}")]
    for url in urls:
        with pytest.raises(LedgerUnusable, match="postgresql://") as caught:
            open_postgres(url, "acme", folder=store.folder)
        shown = f"{caught.value} {caught.value.hint} {caught.value.__cause__!r}"
        assert PASSWORD not in shown
        assert "s3cret" not in shown
        assert caught.value.__suppress_context__


def test_password_is_nowhere(store: PostgresStore, tmp_path: Path) -> None:
    """A whole run leaves the password, and the API key, in no output, no file of this machine and no row of the ledger."""
    (tmp_path / "orders.yaml").write_text(MANIFEST)
    with Sandbox().serve() as vendor:
        environment = os.environ | {
            "CI": "1",
            "USER": "ann",
            "ORDER_RUNNER_LEDGER": str(store.path),
            "PROXY_SELLER_BASE_URL": vendor.base_url,
            "PROXY_SELLER_API_KEY": SANDBOX_KEY,
            "XDG_STATE_HOME": str(tmp_path / "state"),
        }
        output = ""
        for words in (
            ["ledger", "init"],
            ["plan", "orders.yaml"],
            ["apply", "--yes", "-v", "--rate", "0", "orders.yaml"],
            ["status", "orders.yaml"],
            ["apply", "--yes", "--account", "b/d", "orders.yaml"],
        ):
            command = [sys.executable, "-m", "runner", *words]
            done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
            output += done.stdout + done.stderr
    written = b"".join(found.read_bytes() for found in tmp_path.rglob("*") if found.is_file())
    rows = "".join(
        str(store.sql(f"SELECT * FROM {table}")) for table in ("orders", "order_events", "witnesses", "runs", "holds")
    )
    one = OrderKey("b", "one")
    assert store.open("default").records([one])[one].state is State.PLACED
    assert b"postgresql://" in written
    for secret in (PASSWORD, SANDBOX_KEY):
        assert secret not in output + rows
        assert secret.encode() not in written


def test_password_on_the_command_line_is_refused(store: PostgresStore, capsys: pytest.CaptureFixture[str]) -> None:
    """What everybody could read in the list of processes is not taken, with the ways that are."""
    assert run(["status", "--ledger", str(store.path)]) == 2
    said = capsys.readouterr().err
    assert "PGPASSWORD" in said
    assert PASSWORD not in said


def test_password_from_the_environment(store: PostgresStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PGPASSWORD and a file named by PGPASSFILE work, as everywhere else."""
    parts = urlsplit(str(store.path))
    bare = changed(str(store.path), netloc=f"{parts.username}@{parts.hostname}:{parts.port}")
    monkeypatch.setenv("PGPASSWORD", parts.password or "")
    open_postgres(bare, "acme", folder=store.folder).close()
    monkeypatch.delenv("PGPASSWORD")
    file = tmp_path / "pgpass"
    file.write_text(f"*:*:*:*:{parts.password}\n")
    file.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(file))
    assert run(["status", "--ledger", bare]) == 0


def test_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, a PostgreSQL ledger is refused with the words that install it."""
    for module in ("pgurl", "pgsession", "postgres"):
        monkeypatch.delitem(sys.modules, f"runner.ledger.{module}", raising=False)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    place = locate(Settings(ledger="postgresql://me@db/orders"))
    for use in (wiring.open_ledger, wiring.ledger_name):
        with pytest.raises(UsageError) as caught:
            use(place)
        assert "order-runner[postgres]" in (caught.value.hint or "")


def test_database_is_a_named_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    """In CI a ledger in PostgreSQL is one that outlives the job."""
    monkeypatch.setenv("CI", "true")
    require_named_ledger(Settings(ledger="postgresql://me@db/orders"))
    with pytest.raises(UsageError):
        require_named_ledger(Settings())


def test_missing_server_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no PostgreSQL can be started, the tests that need one are skipped with the reason and the way out."""
    monkeypatch.setattr(pgserver, "WHEELS", ())
    with pytest.raises(pgserver.NoServer, match=pgserver.NAMED), pgserver.server({}):
        pass
