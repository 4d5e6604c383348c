"""Many machines on one ledger, as real processes."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from runner.ledger.postgres import open_postgres
from tests.fleet import machine
from tests.fleet.__main__ import gaps, sail
from tests.fleet.audit import audit, seen_from_afar
from tests.fleet.machine import EXIT_BUSY, folder_of, live, run_once
from tests.fleet.world import Fleet, Plan, account_of, api_key, manifest, wanted, world
from tests.ledger.conftest import claim, holder, placed
from tests.pgserver import Server

SMALL = Plan(seed=3, accounts=2, runners=4, orders=16, kills=1, cuts=1, longest=2.0)


@pytest.mark.slow
def test_fleet_buys_everything_once(pg: Server) -> None:
    """Runners that are killed and restarted, on machines of their own, buy each order exactly once between them."""
    for seed in range(3, 9):  # what a kill meets depends on the machine's mood: one fleet of six must prove something
        done = sail(replace(SMALL, seed=seed), pg)
        assert done.violations == []
        assert (done.counts["purchases"], done.counts["duplicates"], done.counts["lost"]) == (16, 0, 0)
        if not gaps(done):
            return
    pytest.fail(", ".join(gaps(done)))


def test_other_accounts_go_on(pg: Server) -> None:
    """While one account has an order in flight and its holder is silent, another account buys its whole batch."""
    plan = replace(SMALL, runners=2, orders=6, kills=0)
    with world(plan, pg) as made:
        ledger = open_postgres(made.url, "acc0", folder=made.folder / "desk")
        with ledger.hold(holder(), timeout=0) as hold:
            attempt = hold.claim(claim())
            buy(made, 1)
            busy, said = prepared(made, 0)
            assert busy == EXIT_BUSY
            assert "account acc0 is held by" in said
            hold.settle(attempt, placed())
        ledger.close()
        order = [row[0] for row in pg.run("SELECT account FROM order_events ORDER BY seq", url=made.url)]
    assert order == ["acc0", *["acc1"] * 6, "acc0"]


def test_audit_sees_what_is_wrong(pg: Server) -> None:
    """A second purchase, a forgotten one and two orders in flight at once on an account are each found."""
    plan = replace(SMALL, runners=2, orders=6, kills=0)
    with world(plan, pg) as made:
        for runner in (0, 1):
            buy(made, runner)
        audit(made, pg)
        seen_from_afar(made)
        assert made.violations == []
        assert made.counts["orders seen from afar"] == 6
        twice = made.box.purchases[0]
        account = next(one for one in made.doors if api_key(one) == twice.key)
        buy_again(made, account, str(twice.body["customTargetName"]))
        seen_from_afar(made)
        assert len(made.violations) == 1
        made.violations.clear()
        audit(made, pg)
        assert len(made.violations) == 1
        assert made.counts["duplicates"] == 1
        ledger = open_postgres(made.url, account, folder=made.folder / "desk")
        with ledger.hold(holder(), timeout=5) as hold:
            hold.claim(claim("n1"))
            hold.claim(replace(claim("n2"), run_id="run-2"))
        ledger.close()
        audit(made, pg)
    assert any("in flight" in words for words in made.violations)


def test_copies_overlap_and_leave_nothing_out() -> None:
    """The manifests of an account's machines share orders, differ, and have every order between them."""
    plan = Plan()
    copies = [manifest(plan, runner, random.Random(runner)) for runner in (0, 4)]
    names = [{name for name in wanted(plan, account_of(plan, 0)) if f"name: {name}," in copy} for copy in copies]
    assert names[0] | names[1] == set(wanted(plan, "acc0"))
    assert names[0] & names[1]
    assert names[0] != names[1]


def prepared(made: Fleet, runner: int) -> tuple[int, str]:
    """One undisturbed run of a machine."""
    folder = folder_of(made, runner)
    (folder / "orders.yaml").write_text(manifest(made.plan, runner, random.Random(0)))
    return run_once(made, runner, None)


def buy(made: Fleet, runner: int) -> None:
    """A machine buys all its orders, alone."""
    code, said = prepared(made, runner)
    assert code == 0, said


def buy_again(made: Fleet, account: str, name: str) -> None:
    """The same order from a ledger that knows nothing of the first: what must never happen."""
    folder = made.folder / "rogue"
    folder.mkdir()
    (folder / "orders.yaml").write_text(
        "apiVersion: orders/v1\nbatch: rogue\ndefaults: {periodId: 1m}\norders:\n"
        f"  - {{name: {name}, type: ipv4, countryId: 561, quantity: 1, customTargetName: {name}}}\n"
    )
    environment = {
        **os.environ,
        "ORDER_RUNNER_LEDGER": str(folder / "ledger.db"),
        "PROXY_SELLER_API_KEY": api_key(account),
        "PROXY_SELLER_BASE_URL": made.doors[account].base_url,
    }
    command = [sys.executable, "-m", "runner", "apply", "--yes", "--no-strict-account", "--rate", "0", "orders.yaml"]
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)


def test_mistakes_of_the_harness_count(pg: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that cannot be run at all is a violation, never a quiet success."""
    monkeypatch.setattr(machine, "run_once", lambda *_: (1, "internal error"))
    with world(SMALL, pg) as made:
        live(made, 0, threading.Barrier(1))
    assert made.violations == ["machine 0 ended with exit code 1: internal error"]
