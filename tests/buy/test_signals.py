"""The real command, killed and signalled at every step of its second order and between the steps."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from runner.core.states import State
from tests.buy.conftest import LANES, Stage
from tests.chaos.judge import judge, judge_end
from tests.chaos.points import BETWEEN, LATE, MEETING, STEPS, Plan

BEFORE_THE_CLAIM = ("1", "2", "3", "4", "claim-commit")
SETTLED = ("settle-acked", "8", "9")
NEVER_ARRIVED = ("claim-acked", "5", "6", "half-written")


EVERYWHERE = [(point, "KILL") for point in (*STEPS, *BETWEEN) if point not in (*LATE, "report-rename")]


@pytest.mark.parametrize(("point", "do"), EVERYWHERE)
def test_a_killed_runner_forgets_nothing_and_repeats_nothing(point: str, do: str, stage: Stage) -> None:
    """Dead at a point of the second order: ledger, report and rerun are true, and `reconcile` settles the rest."""
    first = stage.run(point=point, n=1 if point in ("1", "closing") else 2, do=do)
    assert first.status == -getattr(signal, f"SIG{do}")
    judge(stage.world, [first])
    bought = stage.count()
    second = stage.run()
    judge(stage.world, [second])
    if point in (*BEFORE_THE_CLAIM, *SETTLED, "closing"):
        assert (second.status, stage.count()) == (0, 3)
        return
    assert (second.status, stage.count()) == (7, bought)
    assert stage.states() == ["placed", "unknown"]
    assert stage.settle() == 1
    assert stage.states() == ["placed", "absent" if point in NEVER_ARRIVED else "placed"]
    assert stage.run().status == 0
    assert judge_end(stage.world) == 3


@pytest.mark.parametrize("point", MEETING)
def test_a_kill_with_eight_in_flight_leaves_eight_in_doubt(point: str, crowd: Stage) -> None:
    """Dead with every lane between claim and settlement: eight open orders, all named; settled, each is bought once."""
    first = crowd.run(point=point, n=LANES, do="KILL", jobs=LANES, together=True)
    assert first.status == -signal.SIGKILL
    judge(crowd.world, [first])
    assert crowd.states() == ["submitted"] * LANES
    assert crowd.player.tally.lanes["killed with 8 in flight"] == 1
    bought = crowd.count()
    second = crowd.run(jobs=LANES)
    judge(crowd.world, [second])
    assert (second.status, crowd.count(), crowd.states()) == (7, bought, ["unknown"] * LANES)
    assert crowd.settle(person=True) == LANES
    placed = crowd.states().count(State.PLACED)
    assert placed == (0 if point == "6" else LANES)
    assert crowd.run(jobs=LANES).status == 0
    assert judge_end(crowd.world) == LANES


@pytest.mark.parametrize("point", [point for point, _ in EVERYWHERE if point not in MEETING])
def test_a_kill_in_one_lane_forgets_nothing_of_the_others(point: str, crowd: Stage) -> None:
    """Dead at the second passing of a point, whichever lane it was: what is in doubt is settled, the rest bought."""
    first = crowd.run(point=point, n=1 if point in ("1", "closing") else 2, do="KILL", jobs=LANES)
    assert first.status == -signal.SIGKILL
    judge(crowd.world, [first])
    second = crowd.run(jobs=LANES)
    judge(crowd.world, [second])
    assert second.status in (0, 7)
    crowd.settle(wait=False, person=True)
    assert crowd.run(jobs=LANES).status == 0
    assert judge_end(crowd.world) == LANES


@pytest.mark.parametrize("do", ["TERM", "INT"])
@pytest.mark.parametrize("point", MEETING)
def test_a_signal_awaits_every_lane(point: str, do: str, crowd: Stage) -> None:
    """Signalled with eight in flight: what was written is settled before the run ends, nothing is in doubt."""
    first = crowd.run(point=point, n=LANES, do=do, jobs=LANES, together=True)
    judge(crowd.world, [first])
    assert set(crowd.states()) <= {"placed", "planned"}
    assert first.status == 8 or crowd.count() == LANES
    if point != "6":
        assert crowd.count() == LANES
        assert crowd.states() == ["placed"] * LANES
    assert crowd.run(jobs=LANES).status == 0
    assert judge_end(crowd.world) == LANES


@pytest.mark.parametrize("late_us", [0, 50, 200, 800])
@pytest.mark.parametrize("point", LATE)
def test_a_kill_inside_a_commit_is_one_or_the_other(point: str, late_us: int, stage: Stage) -> None:
    """Killed with a COMMIT in the kernel: the ledger has all of it or nothing, and `reconcile` settles what is open."""
    first = stage.run(point=point, n=2, do="KILL", late_us=late_us)
    judge(stage.world, [first])
    second = stage.run()
    judge(stage.world, [second])
    assert second.status in (0, 7)
    stage.settle()
    assert stage.run().status == 0
    assert judge_end(stage.world) == 3


@pytest.mark.parametrize("n", [1, 2])
def test_a_death_while_the_report_is_replaced_leaves_one_that_is_whole(n: int, stage: Stage) -> None:
    """Killed with the new report under its temporary name: the old one or none is there, never a part."""
    first = stage.run(point="report-rename", n=n, do="KILL")
    judge(stage.world, [first])
    second = stage.run()
    judge(stage.world, [second])
    assert second.status == 0
    assert judge_end(stage.world) == 3


@pytest.mark.parametrize("do", ["TERM", "INT", "TERM-TWICE", "HUP"])
@pytest.mark.parametrize("step", STEPS)
def test_a_signal_lets_the_order_in_flight_finish(step: str, do: str, stage: Stage) -> None:
    """SIGTERM, SIGINT or SIGHUP, once or twice: nothing is unknown, what was sent is recorded, the rest waits for a rerun."""
    first = stage.run(point=step, n=2, do=do)
    judge(stage.world, [first])
    assert first.status == 8
    assert stage.count() == (2 if step in ("7", "8", "9") else 1)
    assert stage.states() in (["placed"], ["placed", "planned"], ["placed", "placed"])
    assert stage.run().status == 0
    assert judge_end(stage.world) == 3


@pytest.mark.parametrize("do", ["TERM", "INT"])
@pytest.mark.parametrize("rerun", [False, True], ids=["the run itself", "a later run"])
def test_a_signal_at_the_very_end_does_not_hide_a_possible_charge(do: str, rerun: bool, stage: Stage) -> None:
    """Signalled while it closes the ledger, with an order in doubt: exit code 7, not 8."""
    stage.world.arm(["reset-after+2"])
    if rerun:
        assert stage.run().status == 7
    assert stage.run(point="closing", do=do).status == 7
    assert stage.states() == ["placed", "unknown"]


@pytest.mark.parametrize("do", ["TERM", "INT"])
def test_a_signal_before_it_looks_for_open_orders_is_7_in_the_report_too(do: str, stage: Stage) -> None:
    """Signalled when it has just taken the account, with an order in doubt: report and exit code both say 7, and name it."""
    stage.world.arm(["reset-after+2"])
    assert stage.run().status == 7
    end = stage.run(point="1", do=do)
    report = json.loads((stage.world.folder / "report-2.json").read_bytes())
    assert (end.status, report["run"]["exit"]["code"], report["run"]["complete"]) == (7, 7, True)
    assert "b/two may have been bought" in report["errors"][-1]["message"]
    assert [order["status"] for order in report["orders"]] == ["planned", "unknown", "planned"]
    assert "unknown: 1 order may have been charged" in (stage.world.folder / "out-2").read_text()


@pytest.mark.parametrize("do", ["TERM", "INT"])
def test_a_signal_while_the_last_report_is_written_changes_nothing(do: str, stage: Stage) -> None:
    """Signalled with the last report under its temporary name: report and exit code say what the run came to."""
    assert stage.run().status == 0
    end = stage.run(point="report-rename", n=2, do=do)
    report = json.loads((stage.world.folder / "report-2.json").read_bytes())
    assert (end.status, report["run"]["exit"]["code"], report["run"]["complete"]) == (0, 0, True)


@pytest.mark.parametrize("point", ["5", "6"])
def test_a_frozen_runner_sends_nothing_on_an_old_claim(point: str, stage: Stage) -> None:
    """Stopped between claim and write for longer than the guard allows: woken, it sends only under a new claim."""
    end = stage.run(point=point, n=2, do="STOP", freeze=0.8)
    judge(stage.world, [end])
    assert end.status == 0
    assert judge_end(stage.world) == 3
    made = sum(request.endpoint == "order/make" for request in stage.world.box.requests)
    assert made == 3
    assert sum(record.attempt for record in stage.world.records().values()) == 4


@pytest.mark.parametrize(("fault", "status"), [([], 0), (["reset-after+2"], 7)], ids=["well", "in doubt"])
def test_a_closed_stdout_changes_no_purchase_and_no_exit_code(fault: list[str], status: int, stage: Stage) -> None:
    """The reader of stdout is gone before the first word: everything is bought and recorded as ever."""
    stage.world.arm(fault)
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "runner", "apply", *stage.world.arguments("cold", Plan())]
    done = subprocess.run(
        command, cwd=stage.world.folder, env=stage.world.env, stdout=write, stderr=subprocess.PIPE, check=False
    )
    os.close(write)
    assert done.returncode == status, done.stderr.decode()
    judge(stage.world, [])
    assert stage.states() == (["placed", "unknown"] if fault else ["placed"] * 3)
