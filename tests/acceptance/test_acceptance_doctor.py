"""`doctor` names what is wrong with a machine before a run meets it, and changes nothing."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sqlite3
import ssl
import tempfile
import threading
from collections.abc import Mapping
from contextlib import chdir, closing, redirect_stderr, redirect_stdout
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import trustme
from harness import CANARY, HELD_TO_PERMISSIONS, REPO, World, ipv4
from jsonschema import Draft202012Validator

from runner.cli import run
from runner.core.clock import SystemClock
from runner.core.errors import ExitCode
from runner.core.secrets import ApiKey
from runner.ledger import migrations
from runner.ledger.storage import file_system
from runner.run import doctor
from runner.run.doctor.check import Check, exit_code
from runner.run.doctor.examination import Examination
from runner.run.doctor.ours import IN_MEMORY
from runner.run.settings import Settings
from runner.sandbox.options import SANDBOX_KEY
from runner.views.terminal.console import Console

NAMES = [*doctor.CHECKS]
SCHEMA = Draft202012Validator(json.loads((REPO / "schemas" / "doctor.schema.json").read_bytes()))
WORDS = {"country": "FRA", "countryId": None}


def look(world: World, *arguments: str, env: Mapping[str, str | None] | None = None) -> tuple[int, dict[str, Any]]:
    """The exit code of the command, in this process, and each check by its name; what holds for every run is seen to."""
    out, err = StringIO(), StringIO()
    environment = patch.dict(os.environ, world.environment(**(env or {})), clear=True)
    with environment, chdir(world.root), redirect_stdout(out), redirect_stderr(err):
        tempfile.tempdir = None  # found anew, where this environment has it
        code = run(["doctor", "-f", "json", *arguments])
    tempfile.tempdir = None
    assert err.getvalue() == ""
    document = json.loads(out.getvalue())
    SCHEMA.validate(document)
    assert document["exit"]["code"] == code
    checks = {check["name"]: check for check in document["checks"]}
    assert list(checks) == NAMES
    assert all(check["hint"] for check in checks.values() if check["state"] in ("warning", "failed"))
    world.find_no_key(out.getvalue().encode(), "doctor")
    world.find_no_key_in_files("--sandbox" in arguments)
    assert SANDBOX_KEY not in out.getvalue()
    return code, checks


def bad(checks: dict[str, Any]) -> dict[str, str]:
    """The states of all checks that are not ok."""
    return {name: check["state"] for name, check in checks.items() if check["state"] != "ok"}


def test_all_is_well(world: World) -> None:
    """On a machine that is ready every check is ok, nothing is bought, and no ledger is made."""
    world.manifest(ipv4("one"), name="orders/one.yaml")
    home = {"TMPDIR": str(world.home)}
    code, checks = look(world, env=home)
    assert code == 0
    assert bad(checks) == ({"ledger": "warning"} if file_system(world.root) in IN_MEMORY else {})
    assert checks["key"]["facts"] == {"origin": "PROXY_SELLER_API_KEY", "private": True}
    assert checks["address"]["facts"]["origin"] == "PROXY_SELLER_BASE_URL"
    assert checks["balance"]["facts"]["amount"] == "1000.00"
    assert checks["ledger"]["facts"] | {"durable": True} == {
        "kind": "SQLite",
        "location": "orders.ledger",
        "account": "default",
        "origin": "ORDER_RUNNER_LEDGER",
        "exists": False,
        "writable": True,
        "durable": True,
    }
    assert checks["lockfile"]["facts"] == {"manifests": 1, "orders": 1, "path": None}
    assert not world.ledger.exists()
    assert [request.endpoint for request in world.box.requests] == ["balance/get"]
    assert sorted(path.name for path in world.root.rglob("*")) == ["one.yaml", "orders"]


def test_text_is_a_line_each_with_the_way_out(world: World) -> None:
    """As text every check is one line, state first; the way out stands below it, the exit code at the end."""
    result = world.run("doctor", "--offline", env={"PROXY_SELLER_API_KEY": None})
    lines = result.out.splitlines()
    assert [line for line in lines if line.startswith(("ok", "warning", "failed", "not checked"))] == [
        line for line in lines[:-1] if "hint:" not in line
    ]
    assert lines[0].split() == ["failed", "key", "no", "API", "key"]
    assert lines[1].strip().startswith("hint: set PROXY_SELLER_API_KEY")
    assert lines[-1].endswith("exit code 2 (usage)")
    assert result.code == 2


def test_offline_asks_nobody(world: World) -> None:
    """`--offline` makes no connection: the vendor's side is not checked, the rest is."""
    code, checks = look(world, "--offline", env={"TMPDIR": str(world.home)})
    assert code == 0
    assert {name for name, state in bad(checks).items() if state == "not checked"} == {
        "address",
        "access",
        "clock",
        "balance",
        "lockfile",
    }
    assert world.box.requests == ()


def test_the_sandbox_needs_nothing(world: World) -> None:
    """`--sandbox` looks at the emulator and its ledger, whatever the environment names."""
    code, checks = look(world, "--sandbox", env={"PROXY_SELLER_API_KEY": None, "CI": "true"})
    assert (code, bad(checks)) == (0, {"lockfile": "not checked"})
    assert checks["balance"]["facts"]["amount"] == "10000.00"
    assert world.box.requests == ()


def test_a_key_that_others_can_read_is_a_warning(world: World) -> None:
    """A key file is named with its permissions where others may read it, and is no failure."""
    path = world.key_file()
    path.chmod(0o644)
    env = {"PROXY_SELLER_API_KEY": None, "PROXY_SELLER_API_KEY_FILE": str(path)}
    code, checks = look(world, env=env)
    assert (code, checks["key"]["state"], checks["key"]["facts"]["origin"]) == (0, "warning", str(path))
    assert "chmod 600" in checks["key"]["hint"]
    path.chmod(0o600)
    assert look(world, "--offline", "--api-key-file", "key")[1]["key"]["message"] == "from key"


@pytest.mark.parametrize("items", [1, 3])
def test_a_refused_key_or_address(items: int, world: World) -> None:
    """The one refusal, in each of its forms, ends in 3 and says what it can mean; no more than one request is made."""
    world.serve(triple_items=items)
    code, checks = look(world, env={"PROXY_SELLER_API_KEY": "Another-key-0123456789"})
    assert (code, checks["access"]["state"]) == (3, "failed")
    assert "PROXY_SELLER_API_KEY" in checks["access"]["hint"]
    assert "public IPv4 address on the key's list" in checks["access"]["hint"]
    assert checks["balance"]["state"] == "not checked"
    assert checks["clock"]["state"] == "ok"
    assert len(world.box.requests) == 1


def test_a_reached_limit_is_told_from_a_wrong_key(world: World) -> None:
    """HTTP 429 ends in 3 as well, and the way out is to wait."""
    world.serve(limit_form="429", limit_per_minute=0)
    code, checks = look(world)
    assert (code, checks["access"]["facts"]["http_status"]) == (3, 429)
    assert checks["access"]["hint"] == "wait a minute, or lower --rate"


def test_a_vendor_that_is_down(world: World) -> None:
    """Nobody listening ends in 5, and what could not be asked is not checked; a proxy that is not used is named."""
    world.server.close()
    code, checks = look(world)
    assert (code, checks["address"]["state"], checks["access"]["state"]) == (5, "failed", "not checked")
    assert "PROXY_SELLER_BASE_URL" in checks["address"]["hint"]
    _, checks = look(world, env={"HTTPS_PROXY": "http://127.0.0.1:9"})
    assert "HTTPS_PROXY names a proxy" in checks["address"]["hint"]


def test_a_vendor_in_trouble(world: World) -> None:
    """An answer that is no answer ends in 5: the line is good, the access is not."""
    world.box.add_fault("balance-500@1")
    code, checks = look(world)
    assert (code, checks["address"]["state"], checks["access"]["state"]) == (5, "ok", "failed")
    assert checks["access"]["facts"]["http_status"] == 500


def test_a_certificate_that_cannot_be_trusted(world: World) -> None:
    """A server with a certificate of its own making is refused before the key is sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        heard: list[bytes] = []

        def serve() -> None:
            try:
                with context.wrap_socket(listener.accept()[0], server_side=True) as line:
                    heard.append(line.recv(1000))
            except OSError:
                pass

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"https://localhost:{listener.getsockname()[1]}/personal/api/v1"
        code, checks = look(world, env={"PROXY_SELLER_BASE_URL": url})
        thread.join(30)
    assert (code, checks["address"]["state"], heard) == (5, "failed", [])
    assert "certificate is not trusted" in checks["address"]["message"]


def test_a_base_url_that_may_not_be_used(world: World) -> None:
    """An address the key must not be sent to ends in 2 and is not repeated."""
    for url in ("http://vendor.example/api", f"https://vendor.example/{CANARY}"):
        code, checks = look(world, env={"PROXY_SELLER_BASE_URL": url})
        assert (code, checks["address"]["state"], checks["access"]["state"]) == (2, "failed", "not checked")


def test_an_empty_account_is_a_warning(world: World) -> None:
    """Nothing on the balance is said, and is no failure: an order may be paid by card."""
    world.serve(accounts={CANARY: Decimal(0)})
    code, checks = look(world)
    assert (code, checks["balance"]["state"], checks["balance"]["facts"]["amount"]) == (0, "warning", "0.00")


class _Ahead(SystemClock):
    """A clock that goes wrong by so much."""

    def __init__(self, by: timedelta) -> None:
        self._by = by

    def now(self) -> datetime:
        return super().now() + self._by


@pytest.mark.parametrize(
    ("seconds", "state", "text"),
    [
        (0, "ok", "agrees with the vendor's"),
        (90, "warning", "90 s ahead of the vendor's"),
        (-90, "warning", "90 s behind the vendor's"),
        (3600, "failed", "3600 s ahead of the vendor's"),
    ],
)
def test_a_clock_that_is_wrong(
    seconds: int, state: str, text: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock is held against the vendor's: half a minute is said, minutes end in 5."""
    monkeypatch.chdir(world.root)
    settings = Settings(ledger="l.db", base_url=world.server.base_url, api_key=ApiKey(CANARY), rate=0)
    clock = _Ahead(timedelta(seconds=seconds))
    checks = doctor.examine(Examination(settings=settings, clock=clock, console=Console.detect(no_color=True)))
    (check,) = [one for one in checks if one.name == "clock"]
    assert check.state == state
    told = int(str(check.facts["skew_seconds"]))
    assert abs(told - seconds) <= 2
    assert seconds == 0 or check.text.split(" s ")[1] == text.split(" s ")[1]
    assert exit_code(checks) is (ExitCode.REFUSED if state == "failed" else ExitCode.OK)
    assert CANARY not in repr(checks)


def test_a_ledger_that_cannot_be_written(world: World) -> None:
    """A folder that this user may only read ends in 5, before a purchase would meet it."""
    folder = world.root / "kept"
    folder.mkdir()
    folder.chmod(0o555)
    arguments = ("doctor", "-f", "json", "--offline", "--ledger", "kept/l.db")
    result = world.finish(world.start(*arguments, prelude=HELD_TO_PERMISSIONS), *arguments)
    folder.chmod(0o755)
    (ledger,) = [check for check in result.json["checks"] if check["name"] == "ledger"]
    assert (result.code, ledger["state"], ledger["facts"]["writable"]) == (5, "failed", False)


def test_a_ledger_that_would_be_lost(world: World) -> None:
    """In CI an unnamed ledger ends in 2, as `apply` does; one in the job's workspace is warned of."""
    code, checks = look(world, "--offline", env={"CI": "true", "ORDER_RUNNER_LEDGER": None})
    assert (code, checks["ledger"]["state"], checks["ledger"]["exit_code"]) == (2, "failed", 2)
    world.make_ledger()
    env = {"CI": "true", "GITHUB_WORKSPACE": str(world.root), "GITHUB_ACTIONS": "true"}
    code, checks = look(world, "--offline", env=env)
    assert (code, checks["ledger"]["facts"]["durable"]) == (0, False)
    assert "GITHUB_WORKSPACE" in checks["ledger"]["message"] or file_system(world.root) in IN_MEMORY
    assert checks["terminal"]["facts"]["ci_system"] == "GitHub Actions"


def test_a_ledger_that_is_none(world: World) -> None:
    """A file of another program ends in 5; a URL of another kind in 2; no password of a URL is shown."""
    world.write("orders.ledger", "not a database, and longer than its header would be\n" * 40)
    code, checks = look(world, "--offline")
    assert (code, checks["ledger"]["state"], checks["open orders"]["state"]) == (5, "failed", "not checked")
    code, checks = look(world, "--offline", env={"ORDER_RUNNER_LEDGER": "mysql://me:opensesame@db/orders"})
    assert (code, checks["ledger"]["exit_code"]) == (2, 2)
    url = "postgresql://me:opensesame@127.0.0.1:9/orders?connect_timeout=2"
    code, checks = look(world, "--offline", env={"ORDER_RUNNER_LEDGER": url})
    assert (code, checks["ledger"]["exit_code"]) == (5, 5)
    assert "opensesame" not in json.dumps(checks)


def test_an_open_order_comes_first(world: World) -> None:
    """An order that may have been charged ends in 7, whatever else is wrong, with the command that settles it."""
    world.manifest(ipv4("lost"))
    world.box.add_fault("reset-after@1")
    assert world.apply().code == 7
    code, checks = look(world, env={"PROXY_SELLER_API_KEY": "Another-key-0123456789"})
    assert (code, checks["open orders"]["exit_code"], checks["access"]["exit_code"]) == (7, 7, 3)
    assert "crawl/lost" in checks["open orders"]["message"]
    assert "`order-runner reconcile`" in checks["open orders"]["hint"]
    assert world.bought == ["lost"]


def test_a_ledger_of_an_older_version_is_a_warning(world: World) -> None:
    """Tables that the next `apply` brings up to date refuse nothing by themselves, and are not touched."""
    world.manifest(ipv4("one"))
    assert world.apply().code == 0
    with closing(sqlite3.connect(world.ledger)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = ?", (migrations.REVISIONS[0],))
    code, checks = look(world, "--offline")
    assert (code, checks["ledger"]["state"], checks["open orders"]["state"]) == (0, "warning", "not checked")
    assert "run `order-runner apply` once" in checks["ledger"]["hint"]
    with closing(sqlite3.connect(world.ledger)) as database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchone() == (migrations.REVISIONS[0],)


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="this system cannot tell who holds a file")
def test_who_holds_the_account_is_told_and_not_disturbed(world: World) -> None:
    """A lock that somebody has is a warning with their name; one that was let go is nobody's."""
    world.manifest(ipv4("one"))
    assert world.apply().code == 0
    lock = world.root / "orders.ledger.default.lock"
    _, checks = look(world, "--offline")
    assert (checks["hold"]["state"], checks["hold"]["facts"]) == ("ok", {"held": False})
    descriptor = os.open(lock, os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    code, checks = look(world, "--offline")
    os.close(descriptor)
    assert (code, checks["hold"]["state"]) == (0, "warning")
    assert "held by pid" in checks["hold"]["message"]


def test_a_lockfile_that_is_stale(world: World) -> None:
    """Words that are not locked, and unused locked words, end in 4 with `lock` as the way out."""
    world.manifest(ipv4("one", **WORDS), name="orders/one.yaml")
    code, checks = look(world, "--offline")
    assert (code, checks["lockfile"]["state"]) == (4, "failed")
    assert "order-runner lock orders" in checks["lockfile"]["hint"]
    assert world.run("lock", "orders").code == 0
    code, checks = look(world, "--offline", "orders")
    assert (code, checks["lockfile"]["state"]) == (0, "ok")
    world.manifest(ipv4("one"), name="orders/one.yaml")
    code, checks = look(world, "--offline")
    assert (code, checks["lockfile"]["state"]) == (4, "failed")
    world.manifest(ipv4("one", quantity=0), name="orders/one.yaml")
    code, checks = look(world, "--offline")
    assert (code, checks["lockfile"]["message"]) == (4, "1 error in the manifests")


def test_a_policy_that_is_wrong(world: World) -> None:
    """A policy that cannot be understood ends in 4 with its line; a good one is named."""
    world.write("order-runner.yaml", "apiVersion: policy/v1\nalow: {types: [isp]}\n")
    code, checks = look(world, "--offline")
    assert (code, checks["policies"]["state"]) == (4, "failed")
    assert checks["policies"]["message"].startswith("order-runner.yaml:2:1: PSR703")
    world.write("order-runner.yaml", "apiVersion: policy/v1\nexclusive: true\n")
    code, checks = look(world, "--offline")
    assert checks["policies"]["facts"] == {"count": 1, "exclusive": True}


def test_the_worst_failure_wins() -> None:
    """The exit code is the first of the one table that some check ends in; warnings and unknowns count for nothing."""
    check = Check(state="failed", text="", code=ExitCode.USAGE)
    assert exit_code([]) is ExitCode.OK
    assert exit_code([check, replace(check, code=ExitCode.REFUSED)]) is ExitCode.REFUSED
    assert exit_code([check, replace(check, code=ExitCode.OUTCOME_UNKNOWN)]) is ExitCode.OUTCOME_UNKNOWN
