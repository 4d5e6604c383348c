"""Ledgers that forget: a strict account, copies put back, and the person who then says whose the vendor's orders are.

What a strict run may buy a second time although the vendor has it is named here, class by class (`_unseen`), and told
from the truth at the moment the run compared; anything else that is bought twice is a violation.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from runner.core.errors import RunnerError
from runner.core.ledger import Hold
from runner.core.states import OPEN, State
from runner.ledger.schema import metadata
from runner.plan import lookalikes
from runner.plan.task import Guard
from runner.run import batch
from runner.settle.resolve import Disowning, Ruling, disown, resolve
from tests.simulation.moving import put
from tests.simulation.process import Killed, Process
from tests.simulation.settling import PERSON
from tests.simulation.store import MemoryLedger

if TYPE_CHECKING:
    from tests.simulation.vendor import Bought
    from tests.simulation.world import World

UNSEEN: Final = ("in no list", "not shown yet", "over by now")
"""Why the vendor's list does not give a forgotten order away."""
LATER: Final = (400.0, 400.0, 4000.0, 20_000.0)
"""Seconds it takes to put a ledger back: what was received has been carried out by then, or never is."""


class Forgetting:
    """The forgetful side of one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.strict = world.rng.random() < 0.35
        self.gone: Counter[str] = Counter()
        """How many purchases of a goal the ledger forgot when it was put back."""
        self.allowed: Counter[str] = Counter()
        """How many purchases of a goal there may be, where that is more than are wanted."""
        self.restored = False
        self._restores = self.strict and world.rng.random() < 0.8
        self._copy: dict[str, list[Any]] = {name: [] for name in metadata.tables}

    @property
    def guard(self) -> Guard:
        return Guard(strict=self.strict)

    # Copies

    def between_runs(self) -> None:
        """Now and then somebody copies the ledger, and once in the life of some worlds a copy is put back."""
        world = self.world
        if not self._restores or self.restored or world.holder is not None or world.emergency.saved:
            return
        states = world.states()
        if any(state in OPEN for state, _ in states.values()):
            return
        copied = len(self._copy["orders"])
        bought = sum(state is State.PLACED for state, _ in states.values())
        if bought > copied and world.rng.random() < (0.2 if world.vendor.faults else 0.6):
            self._put_back()
        elif world.rng.random() < 0.3:
            self._copy = {name: world.ask(f"SELECT * FROM {name}") for name in metadata.tables}

    def _put_back(self) -> None:
        world = self.world
        world.clock.advance(world.rng.choice(LATER))
        world.vendor.catch_up()
        for _ in range(world.rng.choice((0, 0, 1, 2))):
            world.vendor.meanwhile()
        put(world, self._copy)
        world.moving.forget()
        self.restored = True
        world.exclusive = False  # what was forgotten is, to this ledger, what others bought
        world.settling.begin_again()
        world.counts["ledger put back"] += 1
        world.say(f"  an older copy of the ledger is put back at {world.clock.monotonic():.0f} s")
        for goal in set(world.goals.values()):
            self.gone[goal] = max(0, len(world.vendor.of(goal)) - world.room(goal))
        world.counts["orders forgotten"] += self.gone.total()

    # What a run could know

    def listed(self, process: Process, product: str) -> None:
        """A run reads a list; the first of each type is the one that it compares. What it shows."""
        if self.restored and product not in process.saw:
            now = self.world.clock.monotonic()
            bought = (order for order in self.world.vendor.bought if order.lot.shape.product == product)
            process.saw[product] = {order.order_id for order in bought if order.lot.shows(now)}

    def writes(self, process: Process, goal: str) -> None:
        """A purchase is sent. It may be one too many only where nothing gave away what was forgotten."""
        world, left = self.world, self._unowned(goal)
        wanted = list(world.goals.values()).count(goal)
        if not self.restored or not left or len(world.vendor.of(goal)) + world.vendor.coming(goal) < wanted:
            return
        reasons = [self._unseen(process, order) for order in left]
        if None not in reasons:
            self.allowed[goal] = wanted + len(left)
            world.counts[f"bought again: {reasons[0]}"] += 1
            world.say(f"    {goal} may be bought again: {', '.join(map(str, reasons))}")

    def _unseen(self, process: Process, order: Bought) -> str | None:
        product = order.lot.shape.product
        if product == "resident":
            return "in no list"
        if product not in process.saw:
            return None
        if order.order_id in process.saw[product]:
            return None
        return "over by now" if order.lot.ends_at <= self.world.clock.monotonic() else "not shown yet"

    def _unowned(self, goal: str) -> list[Bought]:
        owned = {order_id for _, order_id in self.world.states().values()}
        return [order for order in self.world.vendor.of(goal) if not order.ids & owned]

    # The person

    def answer(self, outcome: batch.Ended) -> None:
        """What a person does about orders that were refused because they look bought: adopts ours, disowns the rest."""
        world = self.world
        if world.holder is not None or not any(
            step.problem is not None and step.problem.code == lookalikes.CODE and step.status == "refused"
            for step in outcome.plan.steps
        ):
            return
        world.counts["refused: looks bought"] += 1
        if world.vendor.faults and world.rng.random() < 0.2:
            return  # nobody reads it this time
        process, holder = Process(world), world.settling.holder()
        with suppress(RunnerError, Killed), MemoryLedger(process).hold(holder, timeout=0) as hold:
            ledger = MemoryLedger(process)
            for request in (step.request for step in outcome.plan.steps):
                if request.key.term or world.states().get(str(request.key), (None, None))[0] in {State.PLACED, *OPEN}:
                    continue  # what was refused may only look like what another order bought
                visible = [o for o in self._unowned(str(request.fields["customTargetName"])) if self._shows(o)]
                if visible:
                    ruling = Ruling(
                        key=request.key,
                        order_id=str(visible[0].lot.shown_id),
                        reason="the ledger is an old one",
                        person=PERSON,
                        at=world.clock.now(),
                    )
                    resolve(ruling, ledger, hold, holder.run_id)
                    world.counts["settled by a person, adopted"] += 1
                    world.say(f"    {request.key} is adopted as {ruling.order_id}")
            self._disown(ledger, hold)

    def _disown(self, ledger: MemoryLedger, hold: Hold) -> None:
        world = self.world
        owned = {order_id for _, order_id in world.states().values()}
        strangers = {stranger.order_id for stranger in ledger.strangers()}
        theirs = tuple(
            str(order.lot.shown_id)
            for order in world.vendor.bought
            if self._shows(order)
            and str(order.lot.shown_id) not in owned | strangers
            and (not order.key or order.ids & owned or self._is_one_too_many(order))
        )
        if theirs:
            disown(Disowning(order_ids=theirs, reason="by hand", person=PERSON, at=world.clock.now()), ledger, hold)
            world.counts["settled by a person, not mine"] += len(theirs)
            world.say(f"    not mine: {', '.join(theirs)}")

    def _is_one_too_many(self, order: Bought) -> bool:
        return self.world.room(order.key) >= list(self.world.goals.values()).count(order.key)

    def _shows(self, order: Bought) -> bool:
        return order.lot.shows(self.world.clock.monotonic())
