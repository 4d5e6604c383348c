"""Several purchases in flight at once: what is drawn for the runs of a world, what befalls them, and what must hold.

Its dice are its own: worlds in which every run buys one order at a time stay what they were.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from runner.buy.lanes import Lanes
from runner.buy.protocol import Result
from runner.core.orders import PAY_BY_CARD, OrderRequest
from runner.core.states import OPEN, State
from runner.limits.limits import Limits
from runner.manifest import Loaded
from runner.manifest.requests import Budget
from runner.plan.plan import Plan
from runner.report.report import OrderEntry
from tests.simulation.baton import Baton, SimLanes
from tests.simulation.points import POINTS
from tests.simulation.wanted import further_orders

if TYPE_CHECKING:
    from tests.simulation.network import Line
    from tests.simulation.process import Process
    from tests.simulation.terms import Term
    from tests.simulation.vendor import Bought
    from tests.simulation.world import World

DEAR: Final = Decimal(100)
"""`--large`: where an account has bought next to nothing, every price is dear."""
JOBS: Final = (1, 2, 2, 8, 8, 8)
MOST: Final = 12
"""Orders of a world where several are in flight: enough to fill eight lanes."""
BAD_LUCK: Final = ("has a bug", "has a bug", "ledger fails", "loses its connections")
THEMES: Final = ((), (), ("overcharge",), ("timeout", "reset", "cut answer"), ("throttled",))
"""What the vendor is most likely to do to purchases of one world: so it happens to several at once."""
LATENCIES: Final = ((0.1, 20.0), (0.1, 20.0), (60.0, 170.0))
"""Seconds an answer takes, at least and at most; where it is long, all lanes are in flight before the first is there."""
LEAPS: Final = (8.0, 90.0, 4000.0)
"""Seconds by which the clock may leap while lanes wait for the vendor's gap."""


class Bug(Exception):
    """An error that nobody expects."""


class AtOnce:
    """What one world has of it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.dice = random.Random(f"at once {world.seed}")
        self.happens = self.dice.random() < 0.5
        self.gap = self.dice.choice((0.0, 2.0)) * self.happens
        """Seconds between the starts of two purchases of one run."""
        self.quoted: dict[tuple[str, str], Decimal] = {}
        """By run and goal: for how much it was sent."""
        self._limits: dict[str, Decimal] = {}
        """By run: `--max-spend`."""

    # What is drawn

    def enlarge(self, loaded: Loaded) -> Loaded:
        """More orders, some of them alike, whose prices may rise after they were planned."""
        if not self.happens:
            return loaded
        room = MOST - len(loaded.orders)
        more = self.dice.choice((self.dice.randrange(room), room))
        orders = (*loaded.orders, *further_orders(self.dice, loaded.orders, more, alike=self.dice.choice((0.5, 1.0))))
        batches = tuple(replace(batch, budget=Budget(price_tolerance=Decimal(1))) for batch in loaded.batches)
        return replace(loaded, count=len(orders), orders=orders, batches=batches)

    def furnish(self) -> None:
        """A vendor with habits that lets a run begin several, and an account that does not have much."""
        if not self.happens:
            return
        vendor, dice = self.world.vendor, self.dice
        vendor.menu += dice.choice(THEMES) * 12
        vendor.fault_rate = dice.uniform(0.05, 0.5)
        vendor.latency = dice.choice(LATENCIES)
        vendor.tells_at_charge = dice.random() < 0.5
        needed = self._cost(self.world.loaded.orders)
        vendor.balance = dice.choice((Decimal(500), needed, needed + 5, needed + 15))

    def read_fault_rate(self, usual: float) -> float:
        """Ten orders ask for much: with as many failures as one order meets, no run would come to buying."""
        return self.dice.choice((0.0, 0.0, 0.0, 0.02)) if self.happens else usual

    def begins_with_a_run(self) -> bool:
        """And not with orders in doubt, which keep every run from buying."""
        return self.happens and self.dice.random() < 0.7

    def jobs(self) -> int:
        return self.dice.choice(JOBS) if self.happens else 1

    def limits(self, run: str) -> Limits:
        """Those of a run; a calm one may spend what it likes."""
        if not self.happens or not self.world.vendor.faults or self.dice.random() < 0.5:
            return Limits(large=DEAR)
        states = self.world.states()
        left = [order for order in self.world.loaded.orders if states.get(str(order.key), (None,))[0] != State.PLACED]
        cost = self.world.renewing.cost() if self.world.vendor.terms.is_begun else self._cost(left)
        self._limits[run] = (cost * self.dice.choice((1, 1, Decimal("1.2")))).quantize(Decimal("0.01"))
        return Limits(large=DEAR, max_spend=self._limits[run])

    def confirm(self, plan: Plan) -> None:
        """Somebody thinks about it, and prices rise meanwhile."""
        del plan
        world = self.world
        if self.happens and world.vendor.faults and self.dice.random() < 0.5:
            world.clock.advance(self.dice.choice((61.0, 300.0)))
            world.vendor.raise_price(self.dice.choice((Decimal("1.1"), Decimal("1.4"))))

    def befalls(self, process: Process) -> Process:
        """What else may happen to a run that has several in flight."""
        if self.happens and self.dice.random() < 0.5:
            fate = self.dice.choice((*BAD_LUCK, "dies", "dies", "is to stop", "freezes"))
            point = self.dice.choice((*POINTS, *("answered", "7") * 3))  # where most are in flight
            process.befall(fate, point, self.dice.choice((1, 1, 2, 3, 5, 8)))
        return process

    def _cost(self, orders: tuple[OrderRequest, ...] | list[OrderRequest]) -> Decimal:
        return sum((self.world.vendor.total(dict(order.fields)) for order in orders), Decimal(0))

    # What must hold

    def bought(self, made: Bought | Term) -> None:
        """I11: a run's purchases cost no more than it may spend, but for what was charged above a quote."""
        limit = self._limits.get(made.run)
        if limit is None:
            return
        spent = sum((order.total - self._excess(order) for order in self._of(made.run)), Decimal(0))
        if spent > limit:
            self.world.against(f"I11: {made.run} bought for {spent}, and may spend {limit}")

    def written(self, process: Process, body: dict[str, Any]) -> None:
        """I11: where nobody else buys, nothing is sent that the balance does not cover beside the others."""
        self.sent(process, body["customTargetName"], by_card=body["paymentId"] == PAY_BY_CARD)

    def sent(self, process: Process, goal: str, *, by_card: bool) -> None:
        """The same of whatever spends."""
        world, run = self.world, process.flights.run
        quote = max(map(Decimal, world.submitted(goal)), default=Decimal(0))
        self.quoted[run, goal] = quote
        if not world.exclusive or by_card or process.flights.was_overtaken:
            return
        excess = sum((self._excess(order) for order in self._of(run) if not order.by_card), Decimal(0))
        if quote > world.vendor.balance + excess:
            world.against(f"I11: {goal} was sent for {quote}, and the balance was {world.vendor.balance}")

    def _of(self, run: str) -> list[Bought | Term]:
        vendor = self.world.vendor
        return [made for made in (*vendor.bought, *vendor.terms.sold) if made.run == run]

    def _excess(self, order: Bought | Term) -> Decimal:
        return max(Decimal(0), order.total - self.quoted[order.run, order.key])


class Flights:
    """What one run has in flight."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._world = process.world
        self.baton = Baton(process, self._world.at_once.dice)
        self.run = ""
        self.jobs = 1
        self.had_bug = False
        self.lines: list[Line] = []
        self._has_to_end = False
        """Whether one of its purchases came to something after which none may be begun."""
        self._turn: object = None
        self._next_start = 0.0
        self._awaited: list[str] = []

    def begin(self, run: str) -> None:
        self.run, self.jobs = run, self._world.at_once.jobs()
        self._world.counts[f"runs with {self.jobs} at once"] += 1

    def lanes(self, jobs: int) -> Lanes[Result]:
        return SimLanes(jobs, self.baton)

    @property
    def was_overtaken(self) -> bool:
        """Whether another run has begun since."""
        return self.run != f"run-{self._world.runs}"

    @property
    def is_one_past_guard(self) -> bool:
        """Whether another thread has asked its guard and not written yet: nothing can keep it from that."""
        return any(strand.is_past_guard for strand in self.baton.strands if strand is not self.baton.current)

    def count(self, what: str) -> None:
        """Something that befalls the whole run, with so many in flight."""
        number = sum(strand.is_in_flight for strand in self.baton.strands)
        self._world.counts[f"{what} with several in flight"] += number > 1
        self._world.counts[f"{what} with eight in flight"] += number == 8

    def suffer(self, fate: str, point: str) -> None:
        """One of `BAD_LUCK`."""
        self._world.say(f"    {fate} at {point}")
        self.count(fate)
        if fate == "ledger fails":
            self._world.failing_commits = self._world.at_once.dice.randrange(1, 7)
        elif fate == "loses its connections":
            self._world.counts["all connections closed at once"] += len(self.lines) > 1
            for line in self.lines:
                line.is_closed = True
        else:
            self.had_bug = True
            raise Bug(f"at {point}")

    # The vendor's gap

    @contextmanager
    def turn(self) -> Iterator[None]:
        """The gap to the purchase before is over, and until this one is written no other begins."""
        gap, clock = self._world.at_once.gap, self._world.clock
        if not gap:
            yield
            return
        if self._turn is not None:
            self.baton.wait_for(lambda: self._turn is None)
        self._turn = own = self.baton.current
        try:
            if (left := self._next_start - clock.monotonic()) > 0:
                self._maybe_leap()
                clock.advance(left)
            yield
        finally:
            self._turn = None if self._turn is own else self._turn

    def _maybe_leap(self) -> None:
        world = self._world
        if self.baton.is_shared and world.vendor.faults and world.at_once.dice.random() < 0.03:
            world.counts["clock leapt while lanes waited"] += 1
            world.clock.pass_until(world.clock.monotonic() + world.at_once.dice.choice(LEAPS))

    # What is noted on the way, and what must hold there

    def note(self, point: str) -> None:
        own = self.baton.current
        if point == "2":
            own.goal, own.is_in_flight = "", False
        elif point == "5":
            self._check_number()
        elif point == "6":
            own.had_to_end = self._has_to_end or self._process.stop.requested
        elif point == "written":
            own.is_past_guard = True
        elif point == "8":
            own.is_in_flight = False
        elif point == "9" and own.goal:
            self._has_to_end = self._has_to_end or self._ends_the_run(own.goal)

    def written(self, goal: str) -> None:
        """I12: once a run has to end, it sends nothing for which the guard is asked after that."""
        own = self.baton.current
        own.goal, own.is_in_flight = goal, True
        self._next_start = self._world.clock.monotonic() + self._world.at_once.gap
        self._turn = None if self._turn is own else self._turn
        self._awaited.append(goal)
        if own.had_to_end:
            self._world.against(f"I12: {goal} was sent by a run that had to end")

    def answered(self) -> None:
        goal, counts = self.baton.current.goal, self._world.counts
        counts["answered out of order"] += goal != self._awaited[0]
        self._awaited.remove(goal)

    def _check_number(self) -> None:
        """I12: no more are claimed at once than there are jobs."""
        if self._process.connection is not self._world.connection:
            return
        asked = "SELECT COUNT(*) FROM orders WHERE state = 'submitted' AND run_id = ?"
        ((number,),) = self._world.ask(asked, self.run)
        if number > self.jobs:
            self._world.against(f"I12: {number} orders were claimed at once with {self.jobs} jobs")

    def _ends_the_run(self, goal: str) -> bool:
        """Whether what became of it means that the run ends: in doubt, dearer than quoted, or not on record."""
        world = self._world
        if self._process.connection is not world.connection:
            return False
        if any(attempt.run_id == self.run for attempt, _ in world.emergency.saved):
            return True
        rows = world.ask("SELECT key, state, quote_total, total FROM orders WHERE run_id = ?", self.run)
        return any(
            state == State.UNKNOWN or (state == State.PLACED and total and Decimal(total) > Decimal(quote))
            for key, state, quote, total in rows
            if world.goals.get(key, key) == goal
        )

    def check_named(self, entries: Sequence[OrderEntry]) -> None:
        """I4: what a run has claimed and left open, its report says so; but for claims of which it never heard."""
        world = self._world
        if self._process.connection is not world.connection:
            return
        kept = {str(attempt.key) for attempt, _ in world.emergency.saved}
        claimed = {(str(entry.request.key), entry.attempts[-1].n): entry.status for entry in entries if entry.attempts}
        for key, n, state in world.ask("SELECT key, attempt, state FROM orders WHERE run_id = ?", self.run):
            status = claimed.get((key, n), "unknown")
            if state in OPEN and key not in kept and status != "unknown":
                world.against(f"I4: {key} is {state} in the ledger, and {status} in the report")
