"""One runner at a time: holding an account across ledgers, processes and deaths."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from runner.core.errors import Busy, Refused
from runner.core.states import State
from tests.ledger.conftest import Child, SqliteStore, claim, holder, opened_and_held, placed

RACE = """
ledger = {opening}
sys.stdin.readline()
with ledger.hold(holder(), timeout=120) as hold:
    try:
        hold.claim(claim())
        print('claimed')
    except Exception as error:
        print(type(error).__name__)
"""


def ended(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()


def test_held_account_is_busy(store: SqliteStore) -> None:
    """Two ledgers of one process exclude each other; the refusal says who holds the account, since when, from which job."""
    first, second = store.open(), store.open()
    with (
        first.hold(holder(pid=4711, ci_job="https://ci.example/job/9"), timeout=0),
        pytest.raises(Busy) as caught,
        second.hold(holder(), timeout=0),
    ):
        pass
    told = "account acme is held by pid 4711 on build-7 since 2026-11-23T12:00:00"
    assert told in str(caught.value)
    assert "(CI job https://ci.example/job/9)" in str(caught.value)


def test_account_is_free_after_the_hold(store: SqliteStore) -> None:
    """A hold ends with its `with`, also when that is left by an error."""
    ledger = store.open()
    with pytest.raises(ZeroDivisionError), ledger.hold(holder(), timeout=0):
        raise ZeroDivisionError
    with ledger.hold(holder(), timeout=0) as hold:
        assert hold.claim(claim()).n == 1


def test_errors_of_the_holder_stay_their_own(store: SqliteStore) -> None:
    """What goes wrong inside the `with` is not taken for a fault of the ledger."""
    with pytest.raises(OSError, match=r"^mine$"), store.open().hold(holder(), timeout=0):
        raise OSError("mine")


def test_waiting_for_the_hold(store: SqliteStore, child: Child) -> None:
    """Who may wait gets the account as soon as its holder is done."""
    other = child(opened_and_held(store) + "    sys.stdin.readline()\n", store.path)
    assert other.stdout.readline() == "held\n"
    waiting = child(opened_and_held(store), store.path)
    other.stdin.write("\n")
    other.stdin.flush()
    assert waiting.stdout.readline() == "held\n"
    assert (other.wait(), waiting.wait()) == (0, 0)


def test_hold_dies_with_its_process(store: SqliteStore, child: Child) -> None:
    """A killed holder blocks nobody, and what it had claimed is in doubt, not forgotten."""
    program = (
        opened_and_held(store) + "    hold.claim(claim())\n    print('claimed', flush=True)\n    sys.stdin.readline()\n"
    )
    other = child(program, store.path)
    assert [other.stdout.readline() for _ in range(2)] == ["held\n", "claimed\n"]
    with pytest.raises(Busy, match=f"pid {other.pid} on"), store.open().hold(holder(), timeout=0):
        pass
    ended(other)
    with store.open().hold(holder(), timeout=5) as hold:
        assert store.record().state is State.SUBMITTED
        assert [found.state for found in hold.abandon_submitted(claim().at)] == [State.UNKNOWN]
        with pytest.raises(Refused):
            hold.claim(claim())


def test_frozen_holder_keeps_the_account(store: SqliteStore, child: Child) -> None:
    """A holder that is stopped, not dead, still holds: it might wake up in the middle of a purchase."""
    other = child(opened_and_held(store) + "    sys.stdin.readline()\n", store.path)
    assert other.stdout.readline() == "held\n"
    other.send_signal(signal.SIGSTOP)
    with pytest.raises(Busy), store.open().hold(holder(), timeout=0.1):
        pass


@pytest.mark.parametrize(
    "offspring",
    [
        "subprocess.Popen(['sleep', '60'], close_fds=False)",
        "os.fork() or os.execvp('sleep', ['sleep', '60'])",
        "os.fork() or (signal.pause(), os._exit(0))",
    ],
    ids=["spawned", "executed", "forked"],
)
def test_children_of_the_holder_do_not_hold(store: SqliteStore, child: Child, offspring: str) -> None:
    """No process that the holder started keeps the account after the holder's death."""
    program = f"    import signal\n    born = {offspring}\n    print(getattr(born, 'pid', born), flush=True)\n    signal.pause()\n"
    other = child(opened_and_held(store) + program, store.path)
    assert other.stdout.readline() == "held\n"
    born = int(other.stdout.readline())
    ended(other)
    try:
        os.kill(born, 0)
        with store.open().hold(holder(), timeout=5) as hold:
            assert hold.claim(claim()).n == 1
    finally:
        os.kill(born, signal.SIGKILL)


def test_forked_child_cannot_claim(store: SqliteStore, child: Child) -> None:
    """A copy of the holder's process is not the holder."""
    program = """
    born = os.fork()
    if not born:
        try:
            hold.claim(claim())
        except Exception as error:
            print(error, flush=True)
        os._exit(0)
    os.waitpid(born, 0)
    hold.claim(claim('two'))
"""
    other = child(opened_and_held(store) + program, store.path)
    assert other.communicate()[0] == "held\nbatch/one was not claimed: this process no longer holds the account\n"
    assert other.returncode == 0


def test_racing_processes_claim_once(store: SqliteStore, child: Child) -> None:
    """Of eight processes that want one order at once, one gets it and seven are refused."""
    racers = [child(RACE.format(opening=store.opening), store.path) for _ in range(8)]
    for racer in racers:
        racer.stdin.write("\n")
        racer.stdin.flush()
    said = sorted(racer.communicate()[0] for racer in racers)
    assert said == ["Refused\n"] * 7 + ["claimed\n"]
    assert store.sql("SELECT attempt FROM orders") == [(1,)]
    assert store.sql("SELECT count(*) FROM order_events") == [(1,)]


def test_accounts_buy_side_by_side(store: SqliteStore, child: Child) -> None:
    """Runs on different accounts of one ledger write at the same time, and none of them fails by another."""
    program = """
    sys.stdin.readline()
    for n in range(150):
        hold.settle(hold.claim(claim(f'n{n}')), placed(str(n)))
    print('done')
"""
    store.open()
    runs = [child(opened_and_held(store).replace("acme", f"acme{n}") + program, store.path) for n in range(3)]
    assert [one.stdout.readline() for one in runs] == ["held\n"] * 3
    for one in runs:
        one.stdin.write("\n")
        one.stdin.flush()
    assert [one.communicate()[0] for one in runs] == ["done\n"] * 3


def test_settled_work_outlives_a_kill(store: SqliteStore, child: Child) -> None:
    """What was acknowledged is there after SIGKILL, without any closing of files."""
    program = "    print(hold.settle(hold.claim(claim()), placed()).state, flush=True)\n    sys.stdin.readline()\n"
    other = child(opened_and_held(store) + program, store.path)
    assert [other.stdout.readline() for _ in range(2)] == ["held\n", "placed\n"]
    ended(other)
    found = store.record()
    assert (found.state, found.order_id, found.total) == (State.PLACED, placed().order_id, placed().total)
