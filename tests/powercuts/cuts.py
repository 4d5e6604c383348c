"""One seed: a ledger that lives one to three lives, each ended by a power cut, and what is found after each.

After a cut the surviving files are written into a real folder and opened by the ordinary ledger, on Python's own
`sqlite3`. What it holds must be, row for row, what it held when the last acknowledged step was over, or the one step
after it that was under way: the whole of it or nothing.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from runner.core.errors import LedgerUnusable
from runner.core.records import Holder
from runner.core.states import State
from runner.ledger.sqlite import open_sqlite
from tests.powercuts.disk import LIES, Disk
from tests.powercuts.driver import MAIN, Recorder, installed
from tests.powercuts.work import ACCOUNT, AT, Dump, Life, Step, dump

BROKEN: Final = ("normal", LIES)
FRESH: Final = 0.15
"""Share of seeds whose first life makes the ledger, migrations included."""

Say = Callable[[str], None]


@dataclass(slots=True)
class Verdict:
    """What a seed came to."""

    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def against(self, kind: str, words: str) -> None:
        self.counts[kind] += 1
        self.violations.append(f"seed {self.seed}: {kind}: {words}")


class Bench:
    """A place in memory to work in, a recorder, and a new ledger to begin with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.recorder = Recorder()
        path = self.fresh("template") / MAIN
        with closing(open_sqlite(path, ACCOUNT)):
            pass
        self.template = path.read_bytes()

    def fresh(self, name: str) -> Path:
        """An empty folder."""
        place = self.folder / name
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        return place

    def close(self) -> None:
        self.recorder.unregister()


@contextmanager
def bench() -> Iterator[Bench]:
    """A bench for the length of a `with`; in memory where the machine has such a place."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="powercut-", dir=memory if memory.is_dir() else None) as folder:
        made = Bench(Path(folder))
        try:
            yield made
        finally:
            made.close()


def run_seed(seed: int, at: Bench, *, broken: str | None = None, say: Say = lambda _: None) -> Verdict:
    """Live, cut, look; again with what survived."""
    rng = random.Random(seed)
    verdict = Verdict(seed)
    files = {"db": b"" if rng.random() < FRESH else at.template}
    for number in range(rng.choice((1, 1, 2, 3))):
        steps = _live(rng, number, files, at, broken)
        cut = _moment(rng, steps)
        disk = Disk(files, lies=broken == LIES)
        for op in at.recorder.ops[:cut]:
            disk.do(op)
        files = disk.survivors(rng, verdict.counts)
        verdict.counts["cuts"] += 1
        verdict.counts[f"cut after {at.recorder.ops[cut - 1].label if cut else 'nothing'}"] += 1
        say(f"life {number}: {len(at.recorder.ops)} calls, {len(steps)} steps, cut after call {cut}")
        _tell(say, at, steps, cut)
        say(f"  survived: {', '.join(f'{name} {len(data)} bytes' for name, data in files.items())}")
        path = _write(at.fresh("after"), files)
        if any(step.name == "hold" and step.ops <= cut for step in steps) and rng.random() < 0.5:
            path.with_name(f"{MAIN}.{ACCOUNT}.lock").touch()  # nobody syncs it: it may be there or not
        _look(verdict, path, steps, cut)
        if verdict.violations:
            break
    return verdict


def _live(rng: random.Random, number: int, files: dict[str, bytes], at: Bench, broken: str | None) -> list[Step]:
    path = _write(at.fresh("live"), files)
    with installed(broken) as module:
        life = Life(rng, number, module, at.recorder)
        life.live(path)
    return life.steps


def _moment(rng: random.Random, steps: list[Step]) -> int:
    """After which call the power goes: any, and often right when something was acknowledged."""
    return rng.choice(steps).ops if rng.random() < 0.3 else rng.randrange(steps[-1].ops + 1)


def _tell(say: Say, at: Bench, steps: list[Step], cut: int) -> None:
    ends = {step.ops: step.name for step in steps}
    for n, op in enumerate(at.recorder.ops[:cut], 1):
        say(f"  {n:4} {op.label} #{op.file} {op.offset} {len(op.data)}{'  + folder' if op.folder else ''}")
        if n in ends:
            say(f"       = {ends[n]}")


def _write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / f"{MAIN}{'' if name == 'db' else name}").write_bytes(data)
    return folder / MAIN


def _look(verdict: Verdict, path: Path, steps: list[Step], cut: int) -> None:
    """Open what survived as the next run would, and compare."""
    done = [step for step in steps if step.ops <= cut]
    acknowledged: Dump = done[-1].holds if done else {}
    under_way = [step.holds for step in steps[len(done) : len(done) + 1]]
    try:
        with closing(open_sqlite(path, ACCOUNT)) as ledger, closing(sqlite3.connect(path)) as raw:
            content = dump(raw.execute)
            whole = raw.execute("PRAGMA integrity_check").fetchall()
            if whole != [("ok",)]:
                verdict.against("corrupt", str(whole[:3]))
            _compare(verdict, content, acknowledged, under_way, [step.holds for step in done])
            _agree(verdict, content)
            holder = Holder(host="here", pid=1, since=AT, run_id="after")
            with ledger.hold(holder, timeout=0) as hold:
                left = [record.state for record in hold.abandon_submitted(AT)]
            if len(left) != sum(state == State.SUBMITTED for state in _column(content, 5)):
                verdict.against("lost", "a claim without an outcome was not seen by the next run")
    except (LedgerUnusable, sqlite3.Error) as error:
        kind = "refused" if error.__cause__ is None and isinstance(error, LedgerUnusable) else "corrupt"
        verdict.against(kind, f"{error} (holding {sum(map(len, acknowledged.values()))} acknowledged rows)")


def _compare(verdict: Verdict, content: Dump, acknowledged: Dump, under_way: list[Dump], earlier: list[Dump]) -> None:
    verdict.counts["acknowledged rows checked"] += sum(map(len, acknowledged.values()))
    verdict.counts["acknowledged commits checked"] += len(earlier)
    if content == acknowledged:
        verdict.counts["unacknowledged step not there"] += bool(under_way)
    elif content in under_way:
        verdict.counts["unacknowledged step wholly there"] += 1
    elif content in earlier or (not content and acknowledged):
        back = len(earlier) - 1 - earlier.index(content) if content in earlier else len(earlier)
        verdict.against("lost", f"{back} acknowledged steps are gone")
    else:
        verdict.against("half done", "the ledger holds what it never held")


def _agree(verdict: Verdict, content: Dump) -> None:
    """Each order stands where its last event left it."""
    stands = {row[1]: (row[5], row[6]) for row in content.get("orders", [])}
    heads: dict[str, tuple[str, int]] = {}
    for row in content.get("order_events", []):
        if row[6] is not None:
            heads[row[2]] = (row[6], row[3])
    if stands != heads:
        verdict.against("half done", "orders and their events disagree")


def _column(content: Dump, n: int) -> list[object]:
    return [row[n] for row in content.get("orders", [])]
