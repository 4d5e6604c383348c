"""`resolve`: a person's verdict, with a name and a reason, and nothing that contradicts the ledger."""

from __future__ import annotations

import json
import os
import pwd
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from runner.core.orders import OrderKey
from runner.core.records import Attempt, Holder, Settlement
from runner.core.states import Event, State
from runner.ledger.sqlite import open_sqlite
from tests.settle.conftest import IPV4, Desk

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def evidence(desk: Desk) -> dict[str, Any]:
    with closing(sqlite3.connect(desk.ledger)) as raw:
        row = raw.execute("SELECT detail FROM order_events WHERE event = 'resolved'").fetchone()
    found: dict[str, Any] = json.loads(row[0])["evidence"]
    return found


def test_placed(desk: Desk) -> None:
    """An id from the dashboard settles the order, which is never bought again; who, when and why is kept."""
    desk.apply(fault="reset-after")
    made = str(desk.box.purchases[0].order_id)
    code, text = desk.run("resolve", "b/n0", "--placed", made, "--reason", "seen on the dashboard", "--yes")
    assert (code, text) == (
        0,
        f"b/n0 is now placed as order {made}, recorded for alice (by USER): seen on the dashboard\n",
    )
    kept = evidence(desk)
    assert (kept["by"], kept["by_source"], kept["reason"]) == ("alice", "USER", "seen on the dashboard")
    assert kept["at"].endswith("Z")
    assert (desk.record().state, desk.record().order_id) == (State.PLACED, made)
    assert desk.apply() == 0
    assert len(desk.box.purchases) == 1


def test_absent(desk: Desk) -> None:
    """A person's word that nothing was bought lets the next run buy it; before the waiting time it takes more words."""
    desk.apply(fault="reset-before")
    command = ("resolve", "b/n0", "--absent", "--reason", "not on the dashboard", "--yes")
    code, text = desk.run(*command)
    assert code == 5
    assert "--accept-possible-second-purchase" in text
    assert desk.record().state is State.UNKNOWN
    assert desk.run(*command, "--accept-possible-second-purchase")[0] == 0
    assert evidence(desk)["accepted_possible_second_purchase"] is True
    assert desk.apply() == 0
    assert len(desk.box.purchases) == 1


@pytest.mark.parametrize("variable", ["GITHUB_ACTOR", "GITLAB_USER_LOGIN"])
def test_who_says_so_in_ci(desk: Desk, variable: str) -> None:
    """In CI the person is the one who started the job, not the machine's user."""
    desk.lose("a")
    desk.monkeypatch.setenv(variable, "bob")
    _, text = desk.run("resolve", "b/a", "--placed", "77", "--yes")
    assert f"recorded for bob (by {variable}): seen at the vendor" in text


def test_without_variables_the_system_says_who(desk: Desk) -> None:
    """A cron job without USER settles in the name of the process's user."""
    desk.lose("a")
    for name in ("USER", "LOGNAME", "USERNAME"):
        desk.monkeypatch.delenv(name, raising=False)
    code, text = desk.run("resolve", "b/a", "--placed", "77", "--yes")
    assert (code, evidence(desk)["by_source"]) == (0, "passwd")
    assert f"recorded for {pwd.getpwuid(os.getuid()).pw_name} (by passwd)" in text


def test_a_name_that_is_given(desk: Desk) -> None:
    """`--as` decides who it was, in the words, the evidence and the event; a name that is none decides nothing."""
    desk.lose("a")
    assert desk.run("resolve", "b/a", "--placed", "77", "--yes", "--as", "a\x07b")[0] == 2
    assert desk.record("a").state is State.UNKNOWN
    code, text = desk.run("resolve", "b/a", "--placed", "77", "--yes", "--as", "Ann Lee")
    assert code == 0
    assert "recorded for Ann Lee (by --as)" in text
    with closing(sqlite3.connect(desk.ledger)) as raw:
        (detail,) = raw.execute("SELECT detail FROM order_events WHERE event = 'resolved'").fetchone()
    assert json.loads(detail)["by"] == {"actor": "Ann Lee", "source": "--as"}


def test_an_id_that_is_taken(desk: Desk) -> None:
    """An order id that the ledger already owns is refused, with its owner."""
    desk.apply()
    desk.apply(IPV4, IPV4, fault="reset-before")
    code, text = desk.run("resolve", "b/n1", "--placed", desk.box.purchases[0].order_id, "--yes")
    assert code == 5
    assert "already belongs to b/n0" in text
    assert desk.record("n1").state is State.UNKNOWN


def test_an_order_that_is_not_in_doubt(desk: Desk) -> None:
    """Only an order in doubt can be resolved."""
    desk.apply()
    code, text = desk.run("resolve", "b/n0", "--placed", "77", "--yes")
    assert code == 5
    assert "b/n0 is not in doubt: it is placed as order" in text


def test_what_a_dead_run_left(desk: Desk) -> None:
    """An order that a dead process left submitted can be resolved too."""
    desk.lose("a", unknown=False)
    assert desk.run("resolve", "b/a", "--placed", "77", "--yes")[0] == 0
    assert desk.record("a").order_id == "77"


def test_the_others_stay_open(desk: Desk) -> None:
    """While another order is in doubt the exit code is 7."""
    desk.lose("a", "b")
    assert desk.run("resolve", "b/a", "--placed", "77", "--yes")[0] == 7


@pytest.mark.parametrize(
    "arguments",
    [
        ["b/a", "--yes"],
        ["b/a", "--placed", "77", "--absent", "--reason", "r", "--yes"],
        ["b/a", "--absent", "--yes"],
        ["b/a", "--absent", "--reason", " ", "--yes"],
        ["b/a", "--placed", "7 7", "--yes"],
        ["b/a", "--placed", "0", "--yes"],
        ["b/other", "--placed", "77", "--yes"],
        ["nokey", "--placed", "77", "--yes"],
        ["b/a", "--placed", "77"],
    ],
)
def test_calls_that_cannot_be(desk: Desk, arguments: list[str]) -> None:
    """A verdict has to be one of two, about an order that is there, with a reason for absence and a yes."""
    desk.lose("a")
    assert desk.run("resolve", *arguments)[0] == 2
    assert desk.record("a").state is State.UNKNOWN


@pytest.mark.parametrize(("answer", "code", "state"), [("y", 0, State.PLACED), ("n", 8, State.UNKNOWN)])
def test_on_a_terminal_it_asks(desk: Desk, answer: str, code: int, state: State) -> None:
    """On a terminal the question shows what is in doubt and who says what; only a yes settles it."""
    import pty
    import subprocess
    import sys

    desk.lose("a")
    main, side = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "CI"} | {"TERM": "xterm"}
    command = [sys.executable, "-m", "runner", "resolve", "b/a", "--placed", "77", "--no-color"]
    process = subprocess.Popen(command, stdin=side, stdout=side, stderr=side, env=environment)
    os.close(side)
    os.write(main, f"{answer}\n".encode())
    screen = b""
    while True:
        try:
            piece = os.read(main, 4096)
        except OSError:
            break
        if not piece:
            break
        screen += piece
    os.close(main)
    assert process.wait(timeout=30) == code
    assert b"may have cost 3.60 USD" in screen
    assert b"alice (by USER) decides that it was bought as order 77: seen at the vendor. Record that?" in screen
    assert desk.record("a").state is state


@pytest.mark.parametrize("owned", [False, True])
def test_an_answer_that_came_too_late(desk: Desk, owned: bool) -> None:
    """`status` has the exact command for an order that is not open though the vendor answered it, and it settles it.

    Where that id is another order's by then, there is no such command.
    """
    desk.lose("a", unknown=False)
    with (
        closing(open_sqlite(desk.ledger, "default")) as ledger,
        ledger.hold(Holder(host="h", pid=1, since=NOW, run_id="late"), timeout=0) as hold,
    ):
        first = Attempt(key=OrderKey("b", "a"), n=1, run_id="lost", claimed_at=NOW)
        hold.abandon_submitted(NOW)
        hold.settle(first, Settlement(event=Event.RECONCILED, after=State.ABSENT, at=NOW))
    desk.lose("a", unknown=False)
    with (
        closing(open_sqlite(desk.ledger, "default")) as ledger,
        ledger.hold(Holder(host="h", pid=1, since=NOW, run_id="late"), timeout=0) as hold,
    ):
        hold.settle(first, Settlement(event=Event.PLACED, after=State.PLACED, at=NOW, order_id="77"))
        second = Attempt(key=OrderKey("b", "a"), n=2, run_id="lost", claimed_at=NOW)
        hold.settle(second, Settlement(event=Event.REJECTED, after=State.REJECTED, at=NOW))
    if owned:
        desk.lose("other")
        assert desk.run("resolve", "b/other", "--placed", "77", "--yes")[0] == 0
    assert (desk.record("a").state, desk.record("a").stray_order_id) == (State.REJECTED, "77")
    told = [line.strip() for line in desk.run("status")[1].splitlines() if line.startswith("  order-runner")]
    assert told == ([] if owned else ["order-runner resolve b/a --placed 77"])
    for command in told:
        assert desk.run(*command.split()[1:], "--yes")[0] == 0
        assert (desk.record("a").state, desk.record("a").order_id) == (State.PLACED, "77")
        assert desk.record("a").stray_order_id is None
        assert "--placed" not in desk.run("status")[1]
    assert desk.run("ledger", "verify")[0] == 0
