"""`reconcile` against a served sandbox: what the evidence forces is settled, nothing else."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from runner.core.clock import SystemClock
from runner.core.orders import OrderKey
from runner.core.progress import Looked, Progress, Waiting, ignore
from runner.core.records import Holder
from runner.core.secrets import ApiKey
from runner.core.states import State
from runner.core.stop import Stop
from runner.evidence.judge import Rules
from runner.ledger.sqlite import open_sqlite
from runner.sandbox.options import SANDBOX_KEY
from runner.settle.reconcile import Reconciliation, Settlements, reconcile
from runner.vendors.transport import Timing, Transport
from runner.vendors.v1.adapter import V1Reader
from tests import make
from tests.settle.conftest import IPV4, RESIDENT, Desk

NOW = ("--settle-after", "0s")
OPTIONS = {"countryId": 561, "quantity": 2, "periodId": "1m"}


def buy(desk: Desk, **body: object) -> str:
    """An order on the account that no ledger knows."""
    return str(desk.box.buy_as_stranger(**{**OPTIONS, **body}).order_id)


def test_one_order_that_fits(desk: Desk) -> None:
    """A lost answer of a purchase that was made ends as placed under its id, and is never bought again."""
    assert desk.apply(fault="reset-after") == 7
    code, rulings = desk.rulings("--exclusive")
    (made,) = desk.box.purchases
    assert (code, rulings["n0"]["ruling"], rulings["n0"]["order_id"]) == (0, "placed", str(made.order_id))
    assert rulings["n0"]["evidence"]["balance_moved"] == f"{made.total:.2f}"
    kept = desk.record()
    assert (kept.state, kept.order_id, kept.total) == (State.PLACED, str(made.order_id), made.total)
    assert kept.base_order_numbers == made.base_order_numbers
    assert desk.apply() == 0
    assert len(desk.box.purchases) == 1


def test_the_environment_can_say_that_nobody_else_buys(desk: Desk) -> None:
    """ORDER_RUNNER_EXCLUSIVE stands for --exclusive."""
    desk.apply(fault="500-after")
    desk.monkeypatch.setenv("ORDER_RUNNER_EXCLUSIVE", "1")
    assert desk.rulings()[0] == 0


def test_a_policy_can_say_that_nobody_else_buys(desk: Desk) -> None:
    """`exclusive: true` in a policy stands for --exclusive; a policy that is wrong is exit 4, and settles nothing."""
    desk.apply(fault="500-after")
    policy = desk.folder / "policy.yaml"
    desk.monkeypatch.setenv("ORDER_RUNNER_POLICY", str(policy))
    policy.write_text("apiVersion: policy/v1\nexclusive: maybe\n")
    assert desk.run("reconcile")[0] == 4
    assert desk.record().state is State.UNKNOWN
    policy.write_text("apiVersion: policy/v1\nexclusive: true\n")
    assert desk.rulings()[0] == 0


def test_on_a_shared_account_it_stays_open_with_its_candidate(desk: Desk) -> None:
    """Without --exclusive a fitting order may be a stranger's: exit 7, the candidate and the commands on the screen."""
    desk.apply(fault="reset-after")
    code, text = desk.run("reconcile")
    (made,) = desk.box.purchases
    assert code == 7
    assert f"candidate order {made.order_id}, 2 rows, FRA" in text
    assert f"order-runner resolve b/n0 --placed {made.order_id}" in text
    assert desk.record().state is State.UNKNOWN


def test_nothing_was_bought(desk: Desk) -> None:
    """Absence needs the waiting time; then the next run buys the order, once."""
    desk.apply(fault="reset-before")
    code, rulings = desk.rulings()
    assert (code, rulings["n0"]["ruling"]) == (7, "open")
    code, rulings = desk.rulings(*NOW)
    assert (code, rulings["n0"]["ruling"], desk.record().state) == (0, "absent", State.ABSENT)
    assert desk.apply() == 0
    assert len(desk.box.purchases) == 1
    assert desk.record().attempt == 2


@pytest.mark.parametrize("exclusive", [(), ("--exclusive",)])
def test_a_charge_that_does_not_fit(desk: Desk, exclusive: tuple[str, ...]) -> None:
    """An order that fits with a charge that does not is settled by no evidence."""
    desk.apply(fault="overcharge reset-after")
    code, told = desk.rulings(*NOW, *exclusive)
    assert (code, told["n0"]["ruling"]) == (7, "open")
    assert [one["order_id"] for one in told["n0"]["evidence"]["candidates"]] == [str(desk.box.purchases[0].order_id)]


def test_several_candidates(desk: Desk) -> None:
    """A stranger's order of the same shape makes doubt of ours, and both are named."""
    desk.apply(fault="reset-after")
    other = buy(desk)
    code, told = desk.rulings(*NOW, "--exclusive")
    assert (code, told["n0"]["ruling"]) == (7, "open")
    found = {one["order_id"] for one in told["n0"]["evidence"]["candidates"]}
    assert found == {str(desk.box.purchases[0].order_id), other}


def test_a_stranger(desk: Desk) -> None:
    """An order that is none of ours shows that the account is shared, and takes back the benefit of --exclusive."""
    desk.apply(fault="reset-after")
    other = buy(desk, quantity=7)
    code, told = desk.rulings(*NOW, "--exclusive")
    assert (code, told["n0"]["ruling"]) == (7, "open")
    assert f"order {other} matches none" in told["n0"]["reason"]


def test_several_orders_in_doubt(desk: Desk) -> None:
    """Identical orders are credited by their number, others by what tells them apart; what is left over is absent."""
    desk.lose("a", "b")
    desk.lose("c", countryId=563)
    first = buy(desk)
    code, told = desk.rulings(*NOW, "--exclusive")
    assert {name: one["ruling"] for name, one in told.items()} == {"a": "placed", "b": "absent", "c": "absent"}
    assert (code, told["a"]["order_id"]) == (0, first)


def test_only_the_named_order_is_settled(desk: Desk) -> None:
    """With KEY the others stay as they are, and the exit code still tells that they are open."""
    desk.lose("a")
    desk.lose("c", quantity=5)
    code, told = desk.rulings(*NOW, "b/c")
    assert (code, set(told), told["c"]["ruling"]) == (7, {"c"}, "absent")
    assert desk.record("a").state is State.UNKNOWN


def test_a_run_that_died(desk: Desk) -> None:
    """What a dead process left submitted is in doubt from the moment on that somebody holds the account."""
    desk.lose("a", unknown=False)
    code, told = desk.rulings(*NOW)
    assert (code, told["a"]["ruling"]) == (0, "absent")


def test_a_late_delivery(open_desk: Callable[..., Desk]) -> None:
    """Paid for and not shown yet is neither placed nor absent; --wait looks again until it shows."""
    desk = open_desk(provisioning_delay=600.0)
    desk.apply(fault="reset-after")
    code, told = desk.rulings(*NOW, "--exclusive")
    assert (code, told["n0"]["ruling"]) == (7, "open")
    assert "does not list it yet" in told["n0"]["reason"]
    heard: list[Progress] = []

    def watch(progress: Progress) -> None:
        heard.append(progress)
        if isinstance(progress, Waiting):
            desk.later(400.0)

    outcome = polled(desk, watch)
    assert [verdict.ruling for verdict in outcome.verdicts.values()] == ["placed"]
    waits = [one for one in heard if isinstance(one, Waiting)]
    assert [one.seconds for one in waits] == [0.01, 0.02]
    assert all("b/n0 is open: the balance shows that it was paid for" in one.why for one in waits)
    looks = [one for one in heard if isinstance(one, Looked)]
    assert [(one.looks, one.open, one.total) for one in looks] == [(1, 1, 1)] * 2 + [(2, 1, 1)] * 2
    assert all(before.left > after.left for before, after in pairwise(looks))


def polled(desk: Desk, watch: Callable[[Progress], None], **changes: Any) -> Settlements:
    import os

    clock, timing = SystemClock(), Timing(read=5, money=5, connect=5, pauses=(0.01,))
    base_url = os.environ["PROXY_SELLER_BASE_URL"]
    with (
        Transport(base_url, ApiKey(SANDBOX_KEY), clock=clock, rate=0, timing=timing) as way,
        closing(open_sqlite(desk.ledger, "default")) as ledger,
    ):
        task = Reconciliation(
            ledger=ledger,
            reader=V1Reader(way, clock),
            holder=Holder(host="h", pid=1, since=datetime.now(UTC), run_id="r"),
            clock=clock,
            stop=Stop(),
            watch=watch,
            rules=Rules(settle_after=timedelta(0), exclusive=True),
            wait=60,
            pauses=(0.01, 0.02),
        )
        return reconcile(replace(task, **changes))


def test_a_rest_too_short_for_the_clock_ends_the_waiting(open_desk: Callable[..., Desk]) -> None:
    """What is left of --wait may be too little to move a clock of floating numbers: then it is over."""
    desk, looks = open_desk(provisioning_delay=600.0), []
    desk.apply(fault="reset-after")
    far = make.StillClock()
    far.seconds = 2.0**30

    class Patience(Stop):
        def wait(self, seconds: float) -> None:
            far.seconds += seconds
            looks.append(seconds)
            assert len(looks) < 5, "it never ends"

    outcome = polled(desk, ignore, clock=far, stop=Patience(), wait=2.0**-30)
    assert (len(outcome.open), looks) == (1, [])


def test_waiting_ends(desk: Desk) -> None:
    """--wait is kept: what is still open then ends with 7, and the screen says what was waited for."""
    desk.apply(fault="reset-before")
    code, text = desk.run("reconcile", "-v", "--wait", "1s")
    assert code == 7
    assert "b/n0 is open: it does not show yet" in text


def test_a_delivery_in_parts(open_desk: Callable[..., Desk]) -> None:
    """Half of an order is a candidate and no proof."""
    desk = open_desk(partial_delivery=True)
    desk.apply(fault="reset-after")
    code, told = desk.rulings(*NOW, "--exclusive")
    assert (code, told["n0"]["ruling"]) == (7, "open")
    assert told["n0"]["evidence"]["candidates"][0]["proxies"] == 1


def test_paid_by_card(desk: Desk) -> None:
    """By card the balance is blind: bought or not, only a person can tell."""
    for fault in ("reset-before", "reset-after"):
        desk.apply(f"{IPV4}, paymentId: 43", fault=fault)
        code, told = desk.rulings(*NOW, "--exclusive")
        assert (code, told["n0"]["ruling"]) == (7, "open")
        desk.run("resolve", "b/n0", "--absent", "--reason", "r", "--yes", "--accept-possible-second-purchase")


def test_resident(desk: Desk) -> None:
    """A resident order is judged by its package: unmoved it is absent, moved it waits for a person with the id."""
    desk.apply(RESIDENT, fault="reset-before")
    assert desk.rulings(*NOW)[1]["n0"]["ruling"] == "absent"
    desk.apply(RESIDENT, fault="reset-after")
    code, told = desk.rulings(*NOW, "--exclusive")
    assert (code, told["n0"]["ruling"]) == (7, "open")
    made = desk.box.purchases[-1].order_id
    assert desk.run("resolve", "b/n0", "--placed", made, "--yes")[0] == 0


@pytest.mark.parametrize("new_id", [False, True])
def test_renewals_are_no_purchases(desk: Desk, new_id: bool) -> None:
    """A renewal in the time of doubt, under a new order id or not, does not look like the order in doubt."""
    assert desk.apply() == 0
    assert desk.apply(IPV4, IPV4, fault="reset-before") == 7
    desk.box.renew(desk.box.purchases[0].order_id, new_id=new_id, charge=False)
    code, told = desk.rulings(*NOW, "--exclusive")
    assert (code, told["n1"]["ruling"]) == (0, "absent")


def test_an_order_of_ours_that_shows_late_and_renewed_is_ours(open_desk: Callable[..., Desk]) -> None:
    """Bought long before the doubt, shown after it, and by then under another id: its base number says whose it is."""
    desk = open_desk(provisioning_delay=600.0)
    assert desk.apply() == 0
    assert desk.apply(IPV4, IPV4, fault="reset-before") == 7
    desk.later(700.0)
    desk.box.renew(desk.box.purchases[0].order_id, new_id=True, charge=False)
    code, told = desk.rulings(*NOW, "--exclusive")
    assert (code, told["n1"]["ruling"]) == (0, "absent")


def test_generated_credentials(desk: Desk) -> None:
    """Orders made with generateAuth show rows without logins, and are found like any other."""
    desk.apply(f"{IPV4}, generateAuth: Y", fault="reset-after")
    assert desk.rulings("--exclusive")[0] == 0


@pytest.mark.parametrize("fault", ["list-500", "list-html", "list-blank", "list-empty", "balance-500", "down"])
@pytest.mark.parametrize("exclusive", [(), ("--exclusive",)])
def test_a_reading_that_failed_is_no_reading(desk: Desk, fault: str, exclusive: tuple[str, ...]) -> None:
    """While list or balance cannot be read, or the list lost what it had, nothing is settled; afterwards it is."""
    desk.apply()
    desk.apply(IPV4, f"{IPV4}", fault="reset-before")
    desk.box.add_fault(f"{fault}x40")
    desk.monkeypatch.setattr(SystemClock, "sleep", lambda *_: None)  # four seconds before each is given up
    code, told = desk.rulings(*NOW, *exclusive)
    assert (code, told["n1"]["ruling"]) == (7, "open")
    assert desk.record("n1").state is State.UNKNOWN
    desk.box._faults = type(desk.box._faults)(())
    assert desk.rulings(*NOW)[0] == 0


def test_a_wrong_key(desk: Desk) -> None:
    """Another key than the account's reads nothing: the order stays open, which outranks the refusal."""
    desk.apply(fault="reset-before")
    asked = len(desk.box.requests)
    desk.monkeypatch.setenv("PROXY_SELLER_API_KEY", "WrongWrongWrong")
    code, text = desk.run("reconcile", *NOW)
    assert code == 7
    assert "nothing was read: PSR608 this is not the API key of account default" in text
    assert len(desk.box.requests) == asked


def test_access_that_is_refused(desk: Desk) -> None:
    """Access that is refused reads nothing: the order stays open, which outranks the refusal."""
    desk.apply(fault="reset-before")
    desk.monkeypatch.setenv("PROXY_SELLER_API_KEY", "WrongWrongWrong")
    assert desk.run("ledger", "rekey", "--yes")[0] == 0
    code, text = desk.run("reconcile", *NOW)
    assert code == 7
    assert "could not be read: the vendor refused" in text


def test_two_accounts_with_orders_of_one_shape(open_desk: Callable[..., Desk]) -> None:
    """The same order in doubt on two accounts of one ledger: each is judged by its own account alone."""
    from decimal import Decimal

    keys = {"a": "AccountKeyAaaaaaaaaaaaaaaaaaaaaa", "b": "AccountKeyBbbbbbbbbbbbbbbbbbbbbb"}
    desk = open_desk(accounts={key: Decimal(100) for key in keys.values()})
    for account, fault in (("a", "reset-after"), ("b", "reset-before")):
        desk.monkeypatch.setenv("PROXY_SELLER_API_KEY", keys[account])
        desk.monkeypatch.setenv("ORDER_RUNNER_ACCOUNT", account)
        assert desk.apply(fault=fault, options=("--new-account",)) == 7
    assert desk.rulings(*NOW, "--exclusive")[1]["n0"]["ruling"] == "absent"
    desk.monkeypatch.setenv("PROXY_SELLER_API_KEY", keys["a"])
    desk.monkeypatch.setenv("ORDER_RUNNER_ACCOUNT", "a")
    assert desk.rulings(*NOW, "--exclusive")[1]["n0"]["ruling"] == "placed"
    assert [desk.record(account=name).state for name in keys] == [State.PLACED, State.ABSENT]


def test_another_run_holds_the_account(desk: Desk) -> None:
    """While another run holds the account nothing is judged: exit 9."""
    desk.lose("a")
    holder = Holder(host="elsewhere", pid=1, since=datetime.now(UTC), run_id="other")
    with closing(open_sqlite(desk.ledger, "default")) as ledger, ledger.hold(holder, timeout=0):
        code, text = desk.run("reconcile", *NOW)
    assert code == 9
    assert "elsewhere" in text


def test_nothing_in_doubt(desk: Desk) -> None:
    """With nothing in doubt there is nothing to read, and the exit code is 0; a named order is told as it stands."""
    desk.apply()
    assert desk.run("reconcile")[:2] == (0, "nothing is in doubt\n")
    code, text = desk.run("reconcile", "b/n0")
    assert (code, f"placed as order {desk.box.purchases[0].order_id}" in text) == (0, True)


@pytest.mark.parametrize("arguments", [["nokey"], ["b/other"], ["--wait", "15"], ["--settle-after", "soon"]])
def test_calls_that_cannot_be(desk: Desk, arguments: list[str]) -> None:
    """A key that is none, or that no order has, and lengths of time without a unit are usage errors."""
    desk.lose("a")
    assert desk.run("reconcile", *arguments)[0] == 2


def test_without_a_ledger_there_is_nothing_to_settle(desk: Desk) -> None:
    """A ledger that is not there is not made by asking about it."""
    code, text = desk.run("reconcile")
    assert (code, desk.ledger.exists()) == (5, False)
    assert "there is no ledger" in text


def test_open_verdicts_are_kept_once(desk: Desk) -> None:
    """A verdict that says nothing new is not written again, so that a scheduled reconcile does not fill the ledger."""
    desk.apply(fault="reset-after")
    for _ in range(3):
        desk.rulings()
    with closing(sqlite3.connect(desk.ledger)) as raw:
        told = raw.execute("SELECT count(*) FROM order_events WHERE event = 'reconciled'").fetchone()[0]
    assert told == 1


def test_no_secret_is_kept(desk: Desk) -> None:
    """What is read to judge an order leaves no API key, login, password or address in ledger or output."""
    desk.apply(fault="reset-after")
    code, text = desk.run("reconcile", "-v", "--exclusive")
    kept = b"".join(path.read_bytes() for path in desk.folder.iterdir()) + text.encode()
    assert code == 0
    for secret in (SANDBOX_KEY, "login", "password", "198.18."):
        assert secret.encode() not in kept, secret


def test_status_names_the_commands(desk: Desk) -> None:
    """`status` shows what is known of an order in doubt, what it may have cost, and the commands that settle it."""
    desk.apply(fault="reset-after")
    desk.rulings()
    (made,) = desk.box.purchases
    code, text = desk.run("status", "--ledger", desk.ledger)
    flags = f" --ledger {desk.ledger}"
    assert code == 7
    assert f"b/n0: ipv4, 2 × country 561, 1m; may have cost {made.total:.2f} USD" in text
    assert "last look: order" in text
    assert f"\n  order-runner reconcile b/n0{flags}\n" in text
    assert f"\n  order-runner resolve b/n0 --placed {made.order_id}{flags}\n" in text
    assert desk.record().key == OrderKey("b", "n0")


def test_later_reports_show_the_evidence(desk: Desk) -> None:
    """The report of a later run tells what a settled order was settled by."""
    desk.apply(fault="reset-after")
    desk.rulings("--exclusive")
    assert desk.apply() == 0
    (entry,) = json.loads((desk.folder / "report.json").read_text())["orders"]
    made = str(desk.box.purchases[0].order_id)
    assert (entry["status"], entry["result"]["order_id"]) == ("already_placed", made)
    assert (entry["evidence"]["ruling"], entry["evidence"]["exclusive"]) == ("placed", True)


def test_money_stays_in_the_open(desk: Desk) -> None:
    """A possible charge is in the report until it is settled, and in no sum afterwards that it is no part of."""

    def money() -> dict[str, str | None]:
        found: dict[str, str | None] = json.loads((desk.folder / "report.json").read_text())["money"]
        return found

    desk.apply(fault="reset-after")
    (made,) = desk.box.purchases
    price, left = f"{made.total:.2f}", f"{made.balance:.2f}"
    lost = money()
    assert (lost["spent_confirmed"], lost["spent_possible"], lost["unexplained"]) == ("0.00", price, price)
    assert lost["balance_after"] == left
    desk.apply(IPV4, IPV4)
    assert (money()["spent_confirmed"], money()["spent_possible"]) == ("0.00", price)
    desk.rulings("--exclusive")
    assert desk.apply(IPV4, IPV4) == 0
    bought = money()
    assert (bought["spent_confirmed"], bought["spent_possible"], bought["unexplained"]) == (price, "0.00", "0.00")
    assert bought["balance_before"] == left


def test_an_overcharge_is_told_and_recorded(desk: Desk) -> None:
    """A charge above the quote is a warning, is recorded as it is, and leaves nothing unexplained."""
    assert desk.apply(fault="overcharge:50") == 0
    report = json.loads((desk.folder / "report.json").read_text())
    (finding,) = report["orders"][0]["errors"]
    (made,) = desk.box.purchases
    assert finding["code"] == "PSR505"
    assert report["money"]["spent_confirmed"] == f"{made.total:.2f}"
    assert report["money"]["unexplained"] == "0.00"
    assert desk.record().total == made.total
