"""Two runs at once, signals in the middle of a purchase, processes that die: at most one purchase, and no doubt unnamed."""

import os
import resource
import signal
import socket
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from harness import ASKED_EACH_TIME, CANARY, MANIFEST, PRICE, SECOND, Process, World, ipv4

EMERGENCY_SIZE = 64 * 1024
FIRST = ("apply", "--yes", "--report", "first.json", MANIFEST)


def start_batch(world: World) -> Process:
    """A batch of three whose second order is in flight, bought at the vendor, and not answered before `release`."""
    world.manifest(*(ipv4(name) for name in "abc"))
    return start_held(world, 2)


def start_held(world: World, number: int, **more: Any) -> Process:
    """The manifest's batch, up to the point where that many orders are made and the last of them is not answered."""
    world.hold_answer(number)
    process = world.start(*FIRST, **more)
    world.wait_for(lambda: len(world.purchases) == number, process)
    return process


def open_files(process: Process) -> list[str]:
    """What a process has open."""
    paths = []
    for descriptor in Path(f"/proc/{process.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            paths.append(str(descriptor.readlink()))
    return paths


def test_two_runs_at_once_buy_once(world: World) -> None:
    """While one run holds the account another one exits 9, naming process and host, without a question to the vendor."""
    process = start_batch(world)
    asked = len(world.box.requests)
    result = world.apply()
    assert (result.code, len(world.box.requests)) == (9, asked)
    assert f"pid {process.pid} on {socket.gethostname()}" in result.output
    assert "--lock-timeout" in result.output
    report = world.report()
    assert [error["code"] for error in report["errors"]] == ["PSR603"]
    assert report["summary"]["planned"] == 3
    world.release()
    assert world.finish(process, *FIRST).code == 0
    assert world.bought == ["a", "b", "c"]


def test_a_busy_run_may_name_its_ci_job(world: World) -> None:
    """Whoever has to wait is told which CI job it waits for."""
    world.manifest(ipv4("a"))
    process = start_held(world, 1, env={"CI_JOB_URL": "https://ci.example/job/4711"})
    assert "https://ci.example/job/4711" in world.apply().output
    world.release()
    assert world.finish(process, *FIRST).code == 0


def test_a_patient_run_finds_everything_bought(world: World) -> None:
    """With `--lock-timeout` the second run waits for the first, and has nothing left to buy."""
    process = start_batch(world)
    call = ("apply", "--yes", "-v", "--lock-timeout", "60", MANIFEST)
    patient = world.start(*call)
    lock = str(world.root / "orders.ledger.default.lock")
    world.wait_for(lambda: lock in open_files(patient), patient)
    world.release()
    assert world.finish(patient, *call, reported=False).code == 0
    assert world.report()["summary"]["already_placed"] == 3
    assert world.finish(process, *FIRST).code == 0
    assert world.bought == ["a", "b", "c"]


def test_eight_runs_at_once_buy_once(world: World) -> None:
    """However many jobs start together: every order is bought once, and each run ends with 0 or 9."""
    world.manifest(*(ipv4(name) for name in "abc"))
    calls = [
        ("apply", "--yes", "--report", f"r{n}.json", "--lock-timeout", "60" if n % 2 else "0", MANIFEST)
        for n in range(8)
    ]
    processes = [world.start(*call) for call in calls]
    codes = [world.finish(process, *call).code for process, call in zip(processes, calls, strict=True)]
    assert set(codes) <= {0, 9}
    assert 0 in codes
    assert sorted(world.bought) == ["a", "b", "c"]


def test_looking_waits_for_nobody(world: World) -> None:
    """`status`, `plan` and a dry run work while a run holds the account, and see its order in flight."""
    process = start_batch(world)
    states = {row["key"]: row["state"] for row in world.run("status", "-f", "json").json["orders"]}
    assert states == {"crawl/a": "placed", "crawl/b": "submitted"}
    assert world.run("plan", MANIFEST).code == 7
    assert world.run("apply", "--dry-run=offline", MANIFEST).code == 7
    world.release()
    assert world.finish(process, *FIRST).code == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_lets_the_call_in_flight_finish(world: World, number: signal.Signals) -> None:
    """SIGINT, SIGTERM or SIGHUP: the order in flight is awaited and recorded, the rest stays planned, exit 8, a whole report."""
    process = start_batch(world)
    world.signal(process, number)
    world.release()
    result = world.finish(process, *FIRST)
    assert result.code == 8
    assert world.bought == ["a", "b"]
    report = world.report("first.json")
    assert [entry["status"] for entry in report["orders"]] == ["placed", "placed", "planned"]
    assert (report["run"]["complete"], report["run"]["exit"]["name"]) == (True, "cancelled")
    assert Decimal(report["money"]["spent_confirmed"]) == PRICE * 2
    assert world.apply().code == 0
    assert world.bought == ["a", "b", "c"]


def test_signals_in_a_row_change_nothing(world: World) -> None:
    """Twice SIGINT and a SIGTERM, as an impatient person or CI sends: the answer is still awaited and recorded."""
    process = start_batch(world)
    world.signal(process, signal.SIGINT, signal.SIGINT, signal.SIGTERM)
    world.release()
    assert world.finish(process, *FIRST).code == 8
    assert [entry["status"] for entry in world.report("first.json")["orders"]] == ["placed", "placed", "planned"]


def test_a_signal_during_the_last_order_stops_nothing(world: World) -> None:
    """Everything was bought when the signal could be heeded: exit 0."""
    world.manifest(ipv4("a"))
    process = start_held(world, 1)
    world.signal(process, signal.SIGTERM)
    world.release()
    assert world.finish(process, *FIRST).code == 0
    assert world.report("first.json")["summary"]["placed"] == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_quoting_buys_nothing(world: World, number: signal.Signals) -> None:
    """Stopped before the first purchase: exit 8, nothing bought, a whole report."""
    world.manifest(*(ipv4(name, **ASKED_EACH_TIME) for name in "ab"))
    world.box.add_fault("calc-slow@2:20")
    process = world.start(*FIRST)
    world.wait_for(lambda: [request.endpoint for request in world.box.requests].count("order/calc") == 2, process)
    process.send_signal(number)
    result = world.finish(process, *FIRST)
    assert (result.code, world.money_requests) == (8, 0)
    report = world.report("first.json")
    assert (report["run"]["complete"], report["summary"]["planned"]) == (True, 2)


def test_a_signal_ends_the_wait_for_another_try(world: World) -> None:
    """A run that waits out a `Retry-After` heeds a signal at once, and the order stays planned."""
    world.manifest(ipv4("a"), ipv4("b"))
    world.box.add_fault("429@1:60")
    process = world.start(*FIRST)
    assert process.stderr is not None
    while b"was not sent" not in (line := process.stderr.readline()):
        assert line, "it did not wait"
    process.send_signal(signal.SIGTERM)
    result = world.finish(process, *FIRST)
    assert (result.code, world.money_requests) == (8, 1)
    assert [entry["status"] for entry in world.report("first.json")["orders"]] == ["planned", "planned"]


def test_a_killed_run_leaves_one_named_doubt(world: World) -> None:
    """SIGKILL while an order is in flight: the next run exits 7 with that order unknown, and buys nothing."""
    process = start_batch(world)
    process.kill()
    assert world.finish(process, *FIRST).code == -signal.SIGKILL
    left = world.report("first.json")
    assert left["run"]["complete"] is False
    result = world.apply()
    assert result.code == 7
    assert world.bought == ["a", "b"]
    assert "crawl/b" in result.output
    report = world.report()
    assert [entry["status"] for entry in report["orders"]] == ["already_placed", "unknown", "planned"]
    assert Decimal(report["money"]["spent_possible"]) == PRICE
    assert world.apply().code == 7
    assert world.run("status", MANIFEST).code == 7
    assert world.money_requests == 2


def test_a_killed_run_before_any_purchase_leaves_no_doubt(world: World) -> None:
    """SIGKILL while quoting: nothing was claimed, and the next run buys everything."""
    world.manifest(*(ipv4(name, **ASKED_EACH_TIME) for name in "ab"))
    world.box.add_fault("calc-slow@2:20")
    process = world.start(*FIRST)
    world.wait_for(lambda: [request.endpoint for request in world.box.requests].count("order/calc") == 2, process)
    process.kill()
    world.finish(process, *FIRST)
    assert world.apply().code == 0
    assert world.bought == ["a", "b"]


def test_a_run_that_dies_holds_nothing(world: World) -> None:
    """The account is free the moment its holder is dead, with no lock to remove by hand."""
    world.serve(accounts={CANARY: Decimal(1000), SECOND: Decimal(1000)})
    process = start_batch(world)
    process.kill()
    process.wait()
    other = world.manifest(ipv4("x"), name="other.yaml")
    second = {"PROXY_SELLER_API_KEY": SECOND}
    assert world.apply("--account", "other", "--new-account", other, env=second).code == 0
    assert world.apply(other).code == 7
    world.finish(process, *FIRST)


def test_a_frozen_run_blocks_and_then_finishes(world: World) -> None:
    """SIGSTOP in flight: others find the account busy; woken, it records the answer that waits for it."""
    process = start_batch(world)
    process.send_signal(signal.SIGSTOP)
    assert world.apply().code == 9
    world.release()
    process.send_signal(signal.SIGCONT)
    assert world.finish(process, *FIRST).code == 0
    assert world.bought == ["a", "b", "c"]


def test_an_answer_that_the_ledger_cannot_take_is_kept(world: World) -> None:
    """The disk is full when the answer comes: its id goes to the emergency file, and the next run enters it."""
    names = [f"o{n}" for n in range(16)]
    world.manifest(*(ipv4(name) for name in names))
    process = start_held(world, 15)
    log = world.ledger.with_name("orders.ledger-wal").stat().st_size
    assert log >= EMERGENCY_SIZE, "the ledger must be the first to meet the limit"
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (log, log))
    world.release()
    result = world.finish(process, *FIRST)
    assert result.code == 7
    assert world.bought == names[:15]
    emergency = world.root / "orders.ledger.default.emergency"
    assert str(world.purchases[-1].order_id).encode() in emergency.read_bytes()
    assert emergency.name in result.output
    report = world.report("first.json")
    assert report["summary"]["placed"] == 15
    assert [error["code"] for error in report["errors"]] == ["PSR602"]
    again = world.apply()
    assert again.code == 0
    assert world.bought == names
    assert emergency.read_bytes().strip(b"\0") == b""


def test_no_process_is_left_behind(world: World) -> None:
    """A finished run has no children: nothing goes on spending after it."""
    world.manifest(ipv4("a"))
    process = world.start(*FIRST, start_new_session=True)
    assert world.finish(process, *FIRST).code == 0
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
