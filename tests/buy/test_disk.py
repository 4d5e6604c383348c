"""The real command on a disk that is full, limited or read-only from some moment on, and with clocks that jump."""

from __future__ import annotations

import os
import resource
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runner.core.clock import SystemClock
from runner.core.errors import ExitCode
from runner.core.states import State
from tests.buy.conftest import LANES, ORDERS, Stage
from tests.chaos.judge import judge, judge_end, no_key_in, nothing_forgotten, once_each
from tests.chaos.nursery import Nursery
from tests.chaos.play import Player
from tests.chaos.tally import Tally
from tests.chaos.world import World, world

NOBODY = 65534
ROOT = Path(__file__).resolve().parents[2]
IS_OPEN = all(folder.stat().st_mode & stat.S_IXOTH for folder in (ROOT, *ROOT.parents))
"""Whether users that this checkout does not belong to may enter its folder: a temporary folder of `mktemp` is private."""


@pytest.fixture
def small(tmp_path: Path, nursery: Nursery) -> Iterator[Stage]:
    """A stage on a file system of its own, three megabytes large."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a tmpfs is not permitted here; the RLIMIT_FSIZE tests still run")
    try:
        with world(tmp_path) as found:
            found.want(ORDERS)
            yield Stage(world=found, player=Player(nursery, Tally()))
    finally:
        subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


@pytest.fixture
def public(nursery: Nursery) -> Iterator[Stage]:
    """A stage that other users can get at; pytest's own folders are closed to them."""
    with tempfile.TemporaryDirectory(prefix="crash-") as name:
        Path(name).chmod(0o755)
        with world(Path(name)) as found:
            found.want(ORDERS)
            yield Stage(world=found, player=Player(nursery, Tally()))


def true_so_far(world: World) -> None:
    """What `judge` asks, but for the exit codes: a broken disk has some of its own."""
    bought = world.bought()
    once_each(bought)
    nothing_forgotten(bought, world.records())
    no_key_in(world.folder)


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("point", ["4", "claim-commit"])
def test_a_disk_that_is_full_before_the_claim_buys_nothing_more(point: str, n: int, small: Stage) -> None:
    """ENOSPC at the claim: not acknowledged, so not sent; with room again, the rest is bought."""
    first = small.run(point=point, n=n, do="FILL")
    assert small.count() == n - 1
    assert first.status == 5, first.stderr
    assert "disk is full" in first.stderr
    (small.world.folder / "filler").unlink()
    true_so_far(small.world)
    assert small.run().status == 0
    assert judge_end(small.world) == 3


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("point", ["7", "settle-commit"])
def test_a_disk_that_is_full_after_the_purchase_loses_no_order_id(point: str, n: int, small: Stage) -> None:
    """ENOSPC at the settlement: the id goes to the emergency file and to stderr, exit 7; the next run enters it."""
    first = small.run(point=point, n=n, do="FILL")
    last = small.world.box.purchases[-1]
    assert small.count() == n
    assert first.status == 7
    assert f"order id {last.order_id}" in first.stderr
    assert "ledger.sqlite3.default.emergency" in first.stderr
    (small.world.folder / "filler").unlink()
    true_so_far(small.world)
    assert small.states()[-1] == "submitted"
    second = small.run()
    judge(small.world, [second])
    assert second.status == 0
    assert judge_end(small.world) == 3


def test_a_disk_that_is_full_with_eight_in_flight_loses_no_order_id(small: Stage) -> None:
    """ENOSPC when all eight answers are there: each id is on stderr and kept; exit 7, and the next run enters all."""
    small.world.want([ORDERS[0] | {"name": f"m{n}", "customTargetName": f"m{n}"} for n in range(LANES - len(ORDERS))])
    first = small.run(point="7", n=LANES, do="FILL", jobs=LANES, together=True)
    assert (first.status, small.count()) == (7, LANES), first.stderr
    for purchase in small.world.box.purchases:
        assert f"order id {purchase.order_id}" in first.stderr
    (small.world.folder / "filler").unlink()
    true_so_far(small.world)
    assert small.states() == ["submitted"] * LANES
    second = small.run(jobs=LANES)
    judge(small.world, [second])
    assert second.status == 0
    assert judge_end(small.world) == LANES


@pytest.mark.parametrize(("point", "status", "bought"), [("claim-commit", 5, 1), ("settle-commit", 7, 2)])
def test_a_file_size_limit_is_a_full_disk(point: str, status: int, bought: int, stage: Stage) -> None:
    """EFBIG from the kernel at a ledger write: before the claim nothing is sent, after the purchase its id is kept."""
    first = stage.run(point=point, n=2, do="FSIZE")
    assert (first.status, stage.count()) == (status, bought), first.stderr
    true_so_far(stage.world)
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    assert stage.run().status == 0
    assert judge_end(stage.world) == 3


def test_a_full_disk_at_the_start_sends_nothing(small: Stage) -> None:
    """No room for a ledger, or for the emergency file: refused before the vendor hears a word."""
    filler = small.world.folder / "filler"
    filler.write_bytes(bytes((os.statvfs(small.world.folder).f_bavail - 2) * os.statvfs(small.world.folder).f_frsize))
    first = small.run()
    assert first.status not in (0, 1, 7), first.stderr
    assert small.count() == 0
    filler.unlink()
    assert small.run().status == 0
    assert judge_end(small.world) == 3


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to run a runner as a user whom permissions bind")
@pytest.mark.skipif(not IS_OPEN, reason="that user may not enter the folder of this checkout: clone it elsewhere")
@pytest.mark.parametrize("point", ["1", "4", "6"])
def test_a_ledger_made_read_only_in_the_middle_stops_the_next_run(point: str, public: Stage) -> None:
    """chmod takes the write bits away: an open run keeps its word either way, the next sends nothing and says why."""
    folder = public.world.folder
    os.chown(folder, NOBODY, NOBODY)
    first = public.run(point=point, do="READ-ONLY", uid=NOBODY)
    true_so_far(public.world)
    bought = public.count()
    assert first.status in (0, 2, 7), first.stderr
    second = public.run(uid=NOBODY)
    assert second.status == 2, second.stderr
    assert public.count() == bought
    folder.chmod(0o700)
    for path in folder.glob("ledger.sqlite3*"):
        path.chmod(0o600)
    assert public.run(uid=NOBODY).status == 0
    assert judge_end(public.world) == 3


class JumpyClock(SystemClock):
    """A wall clock that is set to something else every time somebody looks."""

    JUMPS = (timedelta(hours=1), timedelta(hours=-1), timedelta(days=3650), timedelta(days=-3650), timedelta(0))

    def __init__(self) -> None:
        self._looks = 0

    def now(self) -> datetime:
        self._looks += 1
        return datetime.now(UTC) + self.JUMPS[self._looks % len(self.JUMPS)]


@pytest.mark.parametrize(("fault", "exit_code"), [([], ExitCode.OK), (["reset-after@2"], ExitCode.OUTCOME_UNKNOWN)])
def test_a_wall_clock_that_jumps_changes_nothing(fault: list[str], exit_code: ExitCode, tmp_path: Path) -> None:
    """An hour and ten years back and forth at every look: each order is bought once, and doubt stays doubt."""
    from tests.buy import desk

    with desk.world(tmp_path, faults=fault) as w:
        first = w.apply(clock=JumpyClock())
        second = w.apply(clock=JumpyClock())
        assert first.report.exit_code is second.report.exit_code is exit_code
        names = [purchase.body["quantity"] for purchase in w.box.purchases]
        assert len(names) == len(set(names)) == (2 if fault else 3)
        assert w.states() == ([State.PLACED, State.UNKNOWN, None] if fault else [State.PLACED] * 3)
