"""Plays a schedule: starts its runners, stops, wakes and kills them, and has every round judged."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from runner.core.orders import OrderKey
from runner.core.records import Record
from runner.core.states import OPEN, State
from tests.chaos.judge import Broken, End, judge, judge_end, not_renewed
from tests.chaos.nursery import Nursery, Started
from tests.chaos.points import Plan
from tests.chaos.runner import WHERE
from tests.chaos.schedule import Round, Schedule, Stranger
from tests.chaos.settling import settle, undisturbed
from tests.chaos.tally import Tally
from tests.chaos.world import World, world

LONGEST: Final = 60.0
"""Seconds after which a runner that is not stopped counts as hung."""
CALM_RUNS: Final = 6
TICK: Final = 0.003
SLOW_TICK: Final = 0.015
"""Seconds between two looks at the runners; a settling command mostly waits."""

Trace = Callable[[str], None]


def silent(_: str) -> None:
    """No trace."""


@dataclass(slots=True)
class Runner:
    """One runner and what is still to happen to it. `command` is `apply`, or what settles doubt."""

    command: str
    slot: str
    plan: Plan
    process: Started
    notes: Path
    started: float
    struck: bool = False
    wake_at: float | None = None

    def is_stopped(self) -> bool:
        try:
            stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        except OSError:
            return False
        return stat.rpartition(")")[2].split()[0] in ("T", "t")

    def passed(self) -> list[str]:
        return self.notes.read_text().splitlines() if self.notes.exists() else []


@dataclass(slots=True)
class Player:
    """Plays one seed in its own folder."""

    nursery: Nursery
    tally: Tally
    trace: Trace = silent
    count: int = 0
    alive: list[Runner] = field(default_factory=list)

    def play(self, plan: Schedule, folder: Path) -> None:
        """Raises `Broken` for the first promise that is not kept."""
        with world(folder, shared=plan.shared, **plan.switches) as found:
            try:
                for number, each in enumerate(plan.rounds, 1):
                    self.trace(f"round {number}: {each.faults or 'no faults'}, settled by {each.settling or 'nobody'}")
                    self._round(found, each)
                self._calm(found, plan.rounds[0].runners[0].mutant)
            finally:
                self._end_all()
                self.tally.faults.update(found.box.fault_counts)
        self.tally.seeds += 1
        self.tally.renewals["seeds"] += plan.renews

    def _round(self, world: World, each: Round) -> None:
        world.top_up()
        world.want(each.orders)
        world.arm(each.faults)
        self.tally.by_card += sum("paymentId" in order for order in each.orders)
        ends = self.run_together(world, each.runners, each.strangers)
        records = judge(world, ends)
        self._count_doubt(world, records)
        self.trace("  ledger: " + ", ".join(f"{key} {record.state}" for key, record in records.items()))
        if each.settling:
            count = settle(self, world, each.settling)
            self.trace(f"  {count} were in doubt")

    def _count_doubt(self, world: World, records: dict[OrderKey, Record]) -> None:
        """Renewals that this round left in doubt, by how they came into it, and whether their term is sold by now."""
        bought, claimed_by = world.bought(), world.claimed_by()
        for key, record in records.items():
            if key.term and record.state in OPEN and claimed_by[key] in world.current_runs:
                how = "killed" if record.state is State.SUBMITTED else "answer lost"
                self.tally.renewals[f"{how}, {'sold' if key in bought else 'not sold'}"] += 1

    def _calm(self, world: World, mutant: str | None) -> None:
        """No faults: after a few runs everything is bought, once, and known by its right id."""
        world.calm()
        world.settled_down()
        self.trace("calm")
        for _ in range(CALM_RUNS):
            settle(self, world, undisturbed(mutant))
            world.top_up()
            (end,) = ends = self.run_together(world, (Plan(mutant=mutant),))
            judge(world, ends)
            if end.status == 0 and not not_renewed(world.bought(), world):
                break
        else:
            raise Broken("stuck", f"not done after {CALM_RUNS} calm runs: exit {end.status}, {end.stderr[-1000:]}")
        self.tally.purchases += judge_end(world)
        self.tally.renewals["made"] += len(world.box.renewals)
        again = self.run_together(world, (Plan(mutant=mutant),))
        judge_end(world)
        if again[0].status != 0:
            raise Broken("exit", f"everything is bought, and a rerun ends with {again[0].status}")

    def run_together(self, world: World, plans: tuple[Plan, ...], strangers: tuple[Stranger, ...] = ()) -> list[End]:
        """Start runners together and see all of them to their ends."""
        world.current_runs.clear()
        begin = time.monotonic()
        waiting = sorted(plans, key=lambda plan: plan.wait)
        others = sorted(strangers, key=lambda one: one.after)
        ends: list[End] = []
        while waiting or self.alive:
            now = time.monotonic()
            while waiting and now - begin >= waiting[0].wait:
                self.alive.append(self.start(world, waiting.pop(0)))
            while others and now - begin >= others[0].after:
                self.tally.strangers += world.stranger_buys(others.pop(0).order)
            ends += self._see_to(world, now)
            time.sleep(TICK)
        self.tally.strangers += sum(world.stranger_buys(one.order) for one in others)
        return ends

    def run(self, world: World, plan: Plan, command: str, *arguments: str) -> End:
        """A command that settles doubt, alone, to its end."""
        self.alive.append(self._start(world, plan, command, [*arguments, "--ledger", "ledger.sqlite3"]))
        while True:
            if ends := self._see_to(world, time.monotonic()):
                return ends[0]
            time.sleep(SLOW_TICK)

    def _see_to(self, world: World, now: float) -> list[End]:
        """Do what is due to the living, and bury the dead."""
        ends: list[End] = []
        for each in list(self.alive):
            status = each.process.poll()
            if status is None:
                self._treat(world, each, now)
            else:
                self.alive.remove(each)
                ends.append(self._ended(world, each, status))
        return ends

    def start(self, world: World, plan: Plan) -> Runner:
        """One runner more."""
        self.tally.runs += 1
        self.tally.cold += plan.cold
        return self._start(world, plan, "apply", world.arguments(str(self.count + 1), plan))

    def _start(self, world: World, plan: Plan, command: str, arguments: list[str]) -> Runner:
        self.count += 1
        slot = str(self.count)
        notes = world.folder / f"notes-{slot}"
        env = world.env | {"CHAOS_PLAN": plan.text(), "CHAOS_NOTES": str(notes)}
        process = self.nursery.start([command, *arguments], env=env, folder=world.folder, slot=slot, cold=plan.cold)
        return Runner(command=command, slot=slot, plan=plan, process=process, notes=notes, started=time.monotonic())

    def _treat(self, world: World, each: Runner, now: float) -> None:
        """What is due to a living runner: its random signal, its waking, its end where it hangs."""
        plan = each.plan
        if plan.after is not None and not each.struck and now - each.started >= plan.after:
            each.struck = True
            os.kill(each.process.pid, signal.Signals[f"SIG{plan.do}"])
            self.tally.at_random[plan.do] += 1
        if each.wake_at is None and plan.do == "STOP" and each.is_stopped():
            each.wake_at = now + plan.freeze
        if each.wake_at is not None and now >= each.wake_at:
            os.kill(each.process.pid, signal.SIGCONT)
            each.wake_at = None
            self.tally.woken += 1
        if now - each.started > LONGEST:
            raise Broken("hung", self._hanging(world, each))

    def _hanging(self, world: World, each: Runner) -> str:
        """Where a runner is that does not end."""
        state = Path(f"/proc/{each.process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        os.kill(each.process.pid, WHERE)
        time.sleep(1)
        told = (world.folder / f"err-{each.slot}").read_text(errors="replace")
        return f"{each.command} {each.slot} does not end; state {state}, it passed {each.passed()}; {told[-3000:]}"

    def _ended(self, world: World, each: Runner, status: int) -> End:
        passed = each.passed()
        buys = each.command == "apply"
        for note in passed:
            if note.startswith("!"):
                do, point, in_flight = note[1:].split()
                (self.tally.at_points[point] if buys else self.tally.while_settling)[do] += 1
                if do == "KILL" and int(in_flight) > 1:
                    self.tally.lanes[f"killed with {in_flight} in flight"] += 1
            elif note.startswith("~"):
                self.tally.lanes[note[1:]] += 1
            elif note.startswith("="):
                world.jobs_of[note[1:]] = each.plan.jobs
                world.current_runs.add(note[1:])
        if buys:
            self.tally.ends[str(status)] += 1
        stderr = world.folder / f"err-{each.slot}"
        told = stderr.read_text(errors="replace") if stderr.exists() else ""  # killed before it had a stderr
        self.trace(f"  {each.slot} {each.command}: {_in_words(each)} -> {status}; passed {' '.join(passed)}")
        return End(slot=each.slot, status=status, held="1" in passed, stderr=told)

    def _end_all(self) -> None:
        """Whatever was left alive by a broken promise."""
        for each in self.alive:
            while each.process.poll() is None:
                os.kill(each.process.pid, signal.SIGKILL)
                time.sleep(0.01)
        self.alive.clear()


def _in_words(each: Runner) -> str:
    plan = each.plan
    where = (
        f"at {plan.point}, passing {plan.n}{' together' if plan.together else ''}"
        if plan.point
        else f"after {plan.after or 0:.3f} s"
    )
    frozen = f" for {plan.freeze} s" if plan.freeze else ""
    jobs = f"jobs {plan.jobs}, "
    return jobs + (f"{plan.do} {where}{frozen}" if plan.do else "left alone")
