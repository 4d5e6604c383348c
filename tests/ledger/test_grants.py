"""The role that buys: what `ledger init` gives it is enough for every command, and not enough to forget anything."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from runner.ledger.grants import EXAMPLE, grants, rights, sequences
from runner.ledger.schema import metadata
from runner.sandbox.box import Sandbox
from runner.sandbox.options import SANDBOX_KEY
from tests.ledger.conftest import PostgresStore, bring_to

ORDERS = """\
apiVersion: orders/v1
batch: b
orders:
"""
ORDER = "  - {{name: {0}, type: ipv4, countryId: 561, periodId: 1m, quantity: 1, customTargetName: {0}}}\n"

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def box() -> Sandbox:
    return Sandbox()


@pytest.fixture
def role(empty_pg_store: PostgresStore) -> Iterator[str]:
    """A role that may log in, and owns nothing."""
    name = f"Runner {os.getpid()}"
    empty_pg_store.sql(f"CREATE ROLE \"{name}\" LOGIN PASSWORD 'x'")
    empty_pg_store.sql("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    yield name
    empty_pg_store.sql(f'DROP OWNED BY "{name}"')
    empty_pg_store.sql(f'DROP ROLE "{name}"')


@pytest.fixture
def command(box: Sandbox, tmp_path: Path, role: str, empty_pg_store: PostgresStore) -> Iterator[Command]:
    """Runs a command in CI as the role that buys; `ledger` names another ledger."""
    parts = urlsplit(str(empty_pg_store.path))
    url = urlunsplit(parts._replace(netloc=f"{role.replace(' ', '%20')}:x@{parts.hostname}:{parts.port}"))
    with box.serve() as vendor:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {
            "TF_BUILD": "True",
            "USER": "ann",
            "ORDER_RUNNER_RATE": "0",
            "ORDER_RUNNER_ACCOUNT": "acme",
            "PROXY_SELLER_BASE_URL": vendor.base_url,
            "PROXY_SELLER_API_KEY": SANDBOX_KEY,
            "XDG_STATE_HOME": str(tmp_path / "state"),
        }

        def run(*words: str, ledger: str = url) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [sys.executable, "-m", "runner", *words],
                cwd=tmp_path,
                env=environment | {"ORDER_RUNNER_LEDGER": ledger},
                capture_output=True,
                text=True,
                check=False,
            )

        yield run


def want(folder: Path, *names: str) -> None:
    (folder / "orders.yaml").write_text(ORDERS + "".join(map(ORDER.format, names)))


def order_id(result: subprocess.CompletedProcess[str]) -> str:
    """The vendor's order that a finding asks about."""
    found = re.search(r"--placed (\d+)", result.stdout)
    assert found, result.stdout + result.stderr
    return found[1]


def test_role_that_buys(
    command: Command, box: Sandbox, role: str, tmp_path: Path, empty_pg_store: PostgresStore
) -> None:
    """As that role: no ledger is said and refused; then it buys, is refused, adopts, disowns, reconciles, resolves."""
    owner = str(empty_pg_store.path)
    want(tmp_path, "one")
    missing = command("reconcile", ledger=owner)
    assert (missing.returncode, "there is no ledger in postgresql://" in missing.stderr) == (5, True)
    assert command("apply", "--yes", "orders.yaml", ledger=owner).returncode == 5
    assert "PSR610" in command("plan", "orders.yaml", ledger=owner).stdout
    assert empty_pg_store.sql("SELECT count(*) FROM pg_class WHERE relname = 'orders'") == [(0,)]

    made = command("ledger", "init", "--grant", role, "-f", "json", ledger=owner)
    assert made.returncode == 0, made.stderr
    answer = json.loads(made.stdout)
    assert (answer["new"], answer["entered"], answer["granted_to"]) == (True, True, role)
    assert command("reconcile").returncode == 0
    assert command("apply", "--yes", "orders.yaml").returncode == 0

    elsewhere = str(tmp_path / "elsewhere.ledger")
    want(tmp_path, "two", "three")
    assert command("ledger", "init", ledger=elsewhere).returncode == 0
    assert command("apply", "--yes", "--no-strict-account", "orders.yaml", ledger=elsewhere).returncode == 0
    refused = command("apply", "--yes", "orders.yaml")
    assert (refused.returncode, "PSR420" in refused.stdout) == (5, True)
    first = order_id(refused)
    assert command("resolve", "b/two", "--placed", first, "--reason", "x", "--yes").returncode == 0
    second = order_id(command("apply", "--yes", "orders.yaml"))
    assert command("resolve", "--not-mine", second, "--reason", "x", "--yes").returncode == 0
    bought = command("apply", "--yes", "orders.yaml")
    assert (bought.returncode, len(box.purchases)) == (0, 4), bought.stdout + bought.stderr

    want(tmp_path, "four", "five")
    for name, fault in (("four", "reset-before@5"), ("five", "reset-before@6")):
        box.add_fault(fault)
        assert command("apply", "--yes", "--only", name, "orders.yaml").returncode == 7
        assert command("reconcile").returncode == 7
        told = ("resolve", f"b/{name}", "--absent", "--reason", "x", "--yes", "--accept-possible-second-purchase")
        assert command(*told).returncode == 0
    assert command("status", "orders.yaml").returncode == 0
    assert command("ledger", "verify").returncode == 0


def test_role_cannot_forget(command: Command, role: str, empty_pg_store: PostgresStore, tmp_path: Path) -> None:
    """The same role deletes nothing, changes no event, and cannot alter a table."""
    want(tmp_path, "one")
    assert command("ledger", "init", "--grant", role, ledger=str(empty_pg_store.path)).returncode == 0
    assert command("apply", "--yes", "orders.yaml").returncode == 0
    parts = urlsplit(str(empty_pg_store.path))
    url = urlunsplit(parts._replace(netloc=f"{role.replace(' ', '%20')}:x@{parts.hostname}:{parts.port}"))
    with closing(PostgresStore(url, empty_pg_store.folder)) as limited:
        for table in metadata.tables:
            for statement in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE", f"DROP TABLE {table}"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    limited.sql(statement)
        for statement in ("UPDATE order_events SET at = ''", "UPDATE witnesses SET at = ''", "CREATE TABLE mine ()"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                limited.sql(statement)


def test_printed_grants_are_those_that_are_given(command: Command, role: str, empty_pg_store: PostgresStore) -> None:
    """Without a role the statements are printed, as SQL that does the same; a role that nobody made is named."""
    owner = str(empty_pg_store.path)
    printed = command("ledger", "init", ledger=owner).stdout.splitlines()
    assert [line for line in printed if not line.startswith("--")] == list(grants("public", EXAMPLE))
    assert all(line.startswith("--") for line in printed[:2])
    failed = command("ledger", "init", "--grant", "nobody_made_me", ledger=owner)
    assert (failed.returncode, "CREATE ROLE" in failed.stderr) == (5, True)
    assert command("ledger", "init", "--grant", role, ledger=owner).returncode == 0
    foreign = command("ledger", "init", "--grant", role)
    assert (foreign.returncode, "owner of the tables" in foreign.stderr) == (5, True)


def test_rights_are_worked_out() -> None:
    """Every table is read, only the statements that write add rights, and history is only ever added to."""
    needed = rights()
    assert set(needed["SELECT"]) == {*metadata.tables, "alembic_version"}
    assert set(needed["INSERT"]) == set(metadata.tables)
    assert {"orders", "chains", "days", "deliveries", "holds", "runs", "wants"} == set(needed["UPDATE"])
    assert list(needed) == ["SELECT", "INSERT", "UPDATE"]
    assert sequences() == ("order_events_seq_seq",)
    assert grants("Team", 'a"b')[0] == 'GRANT USAGE ON SCHEMA "Team" TO "a""b";'


def test_an_older_database_is_upgraded_by_its_owner(
    command: Command, role: str, tmp_path: Path, empty_pg_store: PostgresStore
) -> None:
    """Every command of the role that buys says so, and what it says, obeyed by the owner, lets that role go on."""
    want(tmp_path, "one")
    bring_to(empty_pg_store, "0004")
    quoted = f'"{role}"'
    empty_pg_store.sql(f"GRANT USAGE ON SCHEMA public TO {quoted}")
    empty_pg_store.sql(f"GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO {quoted}")
    for words in (("plan", "orders.yaml"), ("status",), ("apply", "--yes", "orders.yaml"), ("reconcile",)):
        refused = command(*words)
        hint = "as the owner of the tables, run `order-runner ledger init --account NAME --grant ROLE`"
        assert (refused.returncode, hint in refused.stderr) == (5, True), refused.stdout + refused.stderr
    owner = str(empty_pg_store.path)
    assert command("ledger", "init", "--account", "acme", "--grant", role, ledger=owner).returncode == 0
    bought = command("apply", "--yes", "orders.yaml")
    assert bought.returncode == 0, bought.stdout + bought.stderr


@pytest.mark.parametrize("name", ["a%b", 'q"uote', "Über", "user", "x; DROP TABLE orders; --", "current_user"])
def test_names_of_roles(command: Command, name: str, empty_pg_store: PostgresStore) -> None:
    """Any name is that of one role: nobody else gets its rights, and nothing in it is read as SQL."""
    owner, quoted = str(empty_pg_store.path), name.replace('"', '""')
    is_legal = name != "current_user"  # whoever makes no such role has none
    if is_legal:
        empty_pg_store.sql(f'CREATE ROLE "{quoted}"')
    try:
        made = command("ledger", "init", "--grant", name, ledger=owner)
        assert (made.returncode, "CREATE ROLE" in made.stderr) == ((0, False) if is_legal else (5, True)), made.stderr
        granted = "SELECT DISTINCT grantee FROM information_schema.role_table_grants WHERE table_name = 'orders'"
        others = {row[0] for row in empty_pg_store.sql(granted)} - {"postgres"}
        assert others == ({name} if is_legal else set())
    finally:
        if is_legal:
            empty_pg_store.sql(f'DROP OWNED BY "{quoted}"')
            empty_pg_store.sql(f'DROP ROLE "{quoted}"')


@pytest.mark.parametrize("name", ["", " ", "a\nb", "public"])
def test_names_of_no_role(command: Command, name: str, empty_pg_store: PostgresStore) -> None:
    """An empty variable behind --grant, and everybody, are exit code 2, before anything is made."""
    refused = command("ledger", "init", "--grant", name, ledger=str(empty_pg_store.path))
    assert (refused.returncode, "--grant" in refused.stderr) == (2, True)
    assert empty_pg_store.sql("SELECT count(*) FROM pg_class WHERE relname = 'orders'") == [(0,)]


def test_the_manual_lists_them() -> None:
    """Docs/how-to/shared-ledger.md has exactly these statements."""
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "shared-ledger.md").read_text(encoding="utf-8")
    listed = page.split("```sql grants\n")[1].split("```")[0]
    assert " ".join(listed.split()) == " ".join(grants("public", EXAMPLE))
