"""What the account has at the vendor, against the real sandbox: each fact, what was noted, what could not be read."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from runner.core.clock import SystemClock
from runner.core.orders import ENDS, RENEWS, OrderKey
from runner.core.records import Holder, Settlement
from runner.core.sightings import Sighting
from runner.core.states import Event, State
from runner.ledger.sqlite import open_sqlite
from runner.sandbox.options import SANDBOX_KEY
from tests import make
from tests.settle.conftest import IPV4, RESIDENT, Desk

STRANGER = {"type": "ipv4", "countryId": 561, "quantity": 3, "periodId": "1m", "customTargetName": "other"}
WEEK = IPV4.replace("1m", "1w")


def look(desk: Desk, *options: str) -> tuple[int, dict[str, Any]]:
    """`status --online -f json`: the exit code and the document."""
    desk.capsys.readouterr()
    from runner.cli import run

    code = run(["status", "--online", "-f", "json", "-q", *options])
    streams = desk.capsys.readouterr()
    assert SANDBOX_KEY not in streams.out + streams.err
    return code, json.loads(streams.out) if streams.out else {}


def facts(desk: Desk, *options: str) -> list[tuple[str, str | None]]:
    return [(fact["fact"], fact["key"]) for fact in look(desk, *options)[1]["facts"]]


def order_id(desk: Desk, place: int = 0) -> int:
    return desk.box.purchases[place].order_id


def noted(desk: Desk, place: int = 0) -> Sighting | None:
    with closing(open_sqlite(desk.ledger, "default", read_only=True)) as ledger:
        return ledger.deliveries([str(order_id(desk, place))]).get(str(order_id(desk, place)))


def logins(desk: Desk) -> set[str]:
    """Every login, password and address that the vendor has delivered."""
    place = f"{os.environ['PROXY_SELLER_BASE_URL']}/{SANDBOX_KEY}/proxy/list/ipv4"
    with urllib.request.urlopen(place) as answer:
        found = json.load(answer)["data"]["items"]
    return {str(row[name]) for row in found for name in ("login", "password", "ip", "link_reboot") if row.get(name)}


def test_a_quiet_account(desk: Desk) -> None:
    """Delivered in full, ending in a month: every order with its end, nothing to act on, and code 0."""
    desk.apply(IPV4, RESIDENT)
    code, document = look(desk, "--detailed-exitcode")
    assert (code, document["facts"], document["unowned"]) == (0, [], [])
    first, second = document["orders"]
    assert (first["key"], first["delivered"], first["ordered"], first["days_left"]) == ("b/n0", 2, 2, 30)
    assert first["ends"] == (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    assert second["package"]["traffic_left"] == second["package"]["traffic_limit"] > 0
    assert document["package"] == second["package"]


def test_one_pair_of_lists_a_type(desk: Desk) -> None:
    """Both lists of each type and the package, each once, however many orders there are."""
    desk.apply(IPV4, WEEK)
    before = len(desk.box.requests)
    look(desk)
    asked = [request.endpoint for request in desk.box.requests[before:]]
    lists = [endpoint for endpoint in asked if endpoint.startswith("proxy/list/")]
    assert {lists.count(endpoint) for endpoint in lists} == {2}
    assert (len(lists), sorted(set(asked) - set(lists))) == (12, ["resident/package"])
    before = len(desk.box.requests)
    look(desk, str(desk.folder / "orders.yaml"))
    assert [request.endpoint for request in desk.box.requests[before:]] == ["proxy/list/ipv4"] * 2


def test_what_ends(desk: Desk) -> None:
    """A week is near by itself; `--ending` shows only what ends within, and an end that has passed."""
    desk.apply(IPV4, WEEK)
    assert facts(desk) == [("ends", "b/n1")]
    assert look(desk, "--ending", "6d", "--detailed-exitcode")[1]["orders"] == []
    assert look(desk, "--ending", "6d", "--detailed-exitcode")[0] == 0
    code, document = look(desk, "--ending", "7d", "--detailed-exitcode")
    assert (code, [order["key"] for order in document["orders"]]) == (10, ["b/n1"])
    assert document["facts"][0]["text"].startswith("b/n1: ends in 7 days, on ")
    desk.box.dashboard.age(order_id(desk, 0), days=29.9)
    assert look(desk, "--ending", "1d")[1]["orders"][0]["days_left"] in (0, 1)
    desk.box.advance(days=1)
    assert facts(desk) == [("ends", "b/n1")]


def test_rows_that_only_the_ending_list_shows(open_desk: Callable[..., Desk]) -> None:
    """What the default list leaves out before its end is not missing."""
    desk = open_desk(ends_hidden=40.0)
    desk.apply()
    assert facts(desk) == []


def test_a_short_delivery(open_desk: Callable[..., Desk]) -> None:
    """Half of an order that never comes whole is told, for as long as it is so."""
    desk = open_desk(partial_delivery=True)
    desk.apply()
    for _ in range(2):
        code, document = look(desk, "--detailed-exitcode")
        assert (code, document["facts"][0]["text"]) == (10, "b/n0: 1 of 2 delivered")


def test_nothing_is_shown(open_desk: Callable[..., Desk]) -> None:
    """An order of which no row is there is short, and not forgotten."""
    desk = open_desk(provisioning_delay=3600.0)
    desk.apply()
    assert [fact["text"] for fact in look(desk)[1]["facts"]] == ["b/n0: 0 of 2 delivered"]


@pytest.mark.parametrize("new_id", [False, True])
def test_renewed_by_hand(desk: Desk, new_id: bool) -> None:
    """A renewal that the ledger did not buy is told, under whatever id its rows show; the order is ours still."""
    desk.apply()
    look(desk)
    desk.box.dashboard.renew(order_id(desk), new_id=new_id)
    code, document = look(desk, "--detailed-exitcode")
    assert (code, [fact["fact"] for fact in document["facts"]]) == (10, ["renewed_outside"])
    assert document["unowned"] == []
    assert document["orders"][0]["delivered"] == 2


def test_renewed_by_the_ledger(desk: Desk) -> None:
    """A renewal that was bought here is no surprise, has no line of its own, and its end is the order's."""
    desk.apply(WEEK)
    look(desk)
    desk.box.dashboard.age(order_id(desk), days=5)
    look(desk)
    (desk.folder / "order-runner.yaml").write_text("apiVersion: policy/v1\nrenewals: {allowed: true}\n")
    assert desk.apply(f'{WEEK}, renew: {{until: "2099-12-31", periodId: 1m, within: 3d}}') == 0
    _, document = look(desk)
    assert document["facts"] == []
    (order,) = document["orders"]
    assert (order["key"], order["days_left"], order["renewals"][0]["state"]) == ("b/n0", 32, "placed")


def test_replaced_addresses(desk: Desk) -> None:
    """What support gave in place of others is counted at the next look, whichever rows it has."""
    desk.apply()
    assert facts(desk) == []
    desk.box.dashboard.replace(order_id(desk), rows=1, new_ids=True)
    _, document = look(desk)
    assert [fact["text"] for fact in document["facts"]] == [
        "b/n0: 1 address replaced: whoever uses them needs the new ones"
    ]
    assert document["orders"][0]["replaced"] == 1


def test_no_look_without_a_memory_tells_of_replacements(desk: Desk) -> None:
    """`--no-note` compares and leaves what was noted: the next look tells the same."""
    desk.apply()
    assert facts(desk, "--no-note") == []
    assert noted(desk) is None
    facts(desk)
    before = noted(desk)
    desk.box.dashboard.replace(order_id(desk))
    assert facts(desk, "--no-note") == [("replaced", "b/n0")]
    assert noted(desk) == before


def test_an_armed_renewal(desk: Desk) -> None:
    """Where the vendor will charge by itself, somebody is told before."""
    desk.apply()
    desk.box.dashboard.arm(order_id(desk), period="1m")
    assert facts(desk) == [("auto_renewed", "b/n0")]
    desk.box.dashboard.arm(order_id(desk), period="")
    assert facts(desk) == []


def test_orders_that_nobody_owns(desk: Desk) -> None:
    """An order of no ledger entry is named until somebody adopts or disowns it; a renewal of ours is none."""
    desk.apply()
    stranger = str(desk.box.buy_as_stranger(**STRANGER).order_id)
    code, document = look(desk, "--detailed-exitcode")
    assert (code, [order["order_id"] for order in document["unowned"]]) == (10, [stranger])
    assert document["facts"][0]["text"].startswith(
        f"order {stranger} belongs to no order of this ledger: ipv4, 3 proxies in FRA"
    )
    command = document["facts"][0]["settled_by"][1].replace("TEXT", "theirs").split()[1:]
    assert desk.run(*command, "--yes")[0] == 0
    assert look(desk, "--detailed-exitcode")[0] == 0


def test_rows_of_another_order_under_our_number(desk: Desk) -> None:
    """More rows than were ordered are told: some belong to somebody else."""
    desk.apply()
    other = desk.box.buy_as_stranger(**STRANGER).order_id
    desk.box.dashboard.relabel(other, like=order_id(desk))
    assert [fact["text"] for fact in look(desk)[1]["facts"]] == ["b/n0: 5 of 2 delivered: some may be another order's"]


def test_an_order_in_doubt(desk: Desk) -> None:
    """Code 7, first of all, and never hidden by a filter."""
    desk.apply(IPV4, fault="reset-after")
    for options in ((), ("--ending", "1d")):
        code, document = look(desk, *options)
        assert (code, document["facts"][0]["fact"], document["facts"][0]["key"]) == (7, "unknown", "b/n0")
        assert document["facts"][0]["settled_by"] == ["order-runner reconcile"]


def test_a_renewal_in_doubt(desk: Desk) -> None:
    """Told with its order, and by itself where that is over and shown nowhere."""
    desk.apply()
    now = datetime.now(UTC)
    with closing(open_sqlite(desk.ledger, "default")) as ledger, ledger.hold(make.holder(), timeout=0) as hold:
        for name, renews in (("n0", str(order_id(desk))), ("gone", "1")):
            fields: dict[str, Any] = {RENEWS: renews, ENDS: "2026-12-31", "periodId": "1m", "paymentId": 1}
            key = OrderKey("b", name).renewal(date(2026, 12, 31))
            attempt = hold.claim(make.claim(replace(make.order(name, only=fields), key=key), at=now))
            hold.settle(attempt, Settlement(event=Event.UNKNOWN, after=State.UNKNOWN, at=now, reason="lost"))
    code, document = look(desk, "--ending", "1d")
    texts = [fact["text"] for fact in document["facts"]]
    assert (code, texts) == (
        7,
        [
            "b/n0: its renewal b/n0@2026-12-31 may have been charged, and that is not settled",
            "b/gone@2026-12-31: it may have been charged, and that is not settled",
        ],
    )
    assert [order["key"] for order in document["orders"]] == ["b/n0", "b/gone@2026-12-31"]


def test_a_list_that_is_down(desk: Desk) -> None:
    """The others are told, that one is named, its orders are not missing, and the code is that of an outage."""
    desk.apply(IPV4, RESIDENT)
    look(desk)
    before = noted(desk)
    desk.box.add_fault("list-500x*")
    desk.monkeypatch.setattr(SystemClock, "sleep", lambda *_: None)  # four seconds before each list is given up
    code, document = look(desk, "--detailed-exitcode")
    assert code == 5
    assert {failure["type"] for failure in document["not_read"]} == {
        *("ipv4", "isp", "mix", "mix_isp", "ipv6", "mobile")
    }
    assert {fact["fact"] for fact in document["facts"]} == {"not_read"}
    ours = {order["key"]: order for order in document["orders"]}
    assert (ours["b/n0"]["read"], ours["b/n0"]["delivered"], ours["b/n1"]["read"]) == (False, None, True)
    assert noted(desk) == before


def test_a_wrong_key(desk: Desk) -> None:
    """With a key that the vendor refuses nothing is said of any order; with another account's nothing is read."""
    desk.apply()
    desk.monkeypatch.setenv("PROXY_SELLER_API_KEY", "0" * 32)
    before = len(desk.box.requests)
    code, document = look(desk)
    assert (code, document) == (5, {})
    assert len(desk.box.requests) == before


def test_nothing_waits_for_a_run(desk: Desk) -> None:
    """While another run has the account, the look is taken and compared, and nothing is noted."""
    desk.apply()
    with (
        closing(open_sqlite(desk.ledger, "default")) as ledger,
        ledger.hold(Holder(host="h", pid=1, since=datetime.now(UTC), run_id="other"), timeout=0),
    ):
        code, text = desk.run("status", "--online", "-v")
        assert code == 0
        assert "not noted for the next look" in text
    assert noted(desk) is None
    assert "not noted" not in desk.run("status", "--online", "-v")[1]
    assert noted(desk) is not None


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to look as a user whom permissions bind")
def test_a_ledger_that_may_only_be_read(desk: Desk) -> None:
    """Whoever may only read the ledger is told all there is, and why nothing was noted."""
    desk.apply()
    looks = (  # the first as root: all that will be imported is, while it may be read
        "import difflib, encodings.idna, os, sys; from runner.cli import run; run(['status', '--online', '--no-note'])\n"
        "os.setuid(65534); sys.exit(run(['status', '--online', '-v']))"
    )
    with tempfile.TemporaryDirectory(prefix="look-") as name, closing(sqlite3.connect(desk.ledger)) as raw:
        folder = Path(name)
        folder.chmod(0o755)
        copy = folder / "ledger.sqlite3"
        raw.execute("VACUUM INTO ?", (str(copy),))
        copy.chmod(0o644)
        env = os.environ | {"ORDER_RUNNER_LEDGER": str(copy), "HOME": "/nonexistent"}
        look = subprocess.run([sys.executable, "-c", looks], env=env, capture_output=True, text=True, check=False)
    assert look.returncode == 0, look.stderr
    assert "2 of 2" in look.stdout
    assert "not noted for the next look" in look.stderr


def test_no_secret_is_kept_or_told(desk: Desk) -> None:
    """No login, password or address leaves: not in any format, not in the ledger."""
    desk.apply()
    secrets = logins(desk)
    assert secrets
    texts = [desk.run("status", "--online", "-f", fmt)[1] for fmt in ("text", "json", "ndjson", "markdown", "github")]
    with closing(sqlite3.connect(desk.ledger)) as raw:
        texts += list(raw.iterdump())
    assert [secret for secret in secrets if any(secret in text for text in texts)] == []


def test_a_look_is_no_history(desk: Desk) -> None:
    """Noting what was seen leaves the account's events as they are."""
    desk.apply()
    with closing(open_sqlite(desk.ledger, "default", read_only=True)) as ledger:
        before = ledger.head()
        facts(desk)
        assert ledger.head() == before
    assert desk.run("ledger", "verify")[0] == 0


def test_manifests_that_were_not_bought(desk: Desk) -> None:
    """Orders of manifests are all shown, bought or not; a filter by name holds."""
    desk.apply()
    path = desk.folder / "more.yaml"
    path.write_text(f"apiVersion: orders/v1\nbatch: c\norders:\n  - {{name: later, {IPV4}}}\n")
    _, document = look(desk, str(path), str(desk.folder / "orders.yaml"))
    assert {order["key"]: order["state"] for order in document["orders"]} == {"b/n0": "placed", "c/later": "planned"}
    _, document = look(desk, "--only", "n0", str(path), str(desk.folder / "orders.yaml"))
    assert [order["key"] for order in document["orders"]] == ["b/n0"]
    assert OrderKey.parse("b/n0") == desk.record().key


def test_without_a_ledger(desk: Desk) -> None:
    """With none yet, none is made; what the vendor shows is nobody's, and a warning says that none was read."""
    desk.box.buy_as_stranger(**STRANGER)
    code, text = desk.run("status", "--online")
    assert (code, "PSR610" in text, "belongs to no order of this ledger" in text) == (0, True, True)
    assert not desk.ledger.exists()
