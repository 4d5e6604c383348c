"""All that can happen next on one account: at the vendor, in a run, to it, in a reconcile, and by others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from runner.core.states import CLAIMABLE, Event, State
from tests.interleavings.books import settled
from tests.interleavings.judging import Judge, Ruled, needless
from tests.interleavings.process import Broken, Desk, Move
from tests.interleavings.state import (
    STRANGER,
    Kept,
    Memory,
    Process,
    Sale,
    Scope,
    Told,
    World,
    balance,
)

_AFTER: Final = {"placed": State.PLACED, "absent": State.ABSENT, "open": State.UNKNOWN}

ABANDONED: Final = (Event.ABANDONED, State.UNKNOWN)


class Moves:
    """What follows on a world of this scope."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.judge = Judge(scope)
        self._desk = Desk(scope, self.judge)

    def next(self, world: World) -> Iterator[Move]:
        """Every move, with the world it leads to. Raises Broken where a move breaks a promise."""
        yield from self._vendor(world)
        yield from self._others(world)
        process = world.process
        if process is not None:
            turn = self._desk.loop(world, process)
            if turn is not None:
                yield turn
            yield from self._desk.lanes(world, process)
            yield from self._death(world, process)
        elif world.looked is not None:
            yield self._judged(world)
        else:
            yield from self._between(world)

    # At the vendor

    def _vendor(self, world: World) -> Iterator[Move]:
        for place, order in enumerate(world.pending):
            rest = world._replace(pending=(*world.pending[:place], *world.pending[place + 1 :]))
            number = len(world.sales) + 1
            for shows in (True, False) if self.scope.lags else (True,):
                sold = rest._replace(sales=(*world.sales, Sale(order, shows)))
                late = "" if shows else ", not shown yet"
                yield f"the vendor sells order {order}{late}", self._answered(sold, order, number)
            yield f"the vendor refuses order {order}", self._answered(rest, order, 0)
        for place, sale in enumerate(world.sales):
            if not sale.shows:
                shown = (*world.sales[:place], sale._replace(shows=True), *world.sales[place + 1 :])
                yield f"sale {place + 1} is shown", world._replace(sales=shown)

    def _answered(self, world: World, order: int, sale: int) -> World:
        """The answer is on its way, if a lane still waits for it."""
        process = world.process
        if process is None:
            return world
        answer = Told(sale, balance(world, self.scope))
        lanes = tuple(
            lane._replace(stage="answered", answer=answer) if (lane.order, lane.stage) == (order, "sent") else lane
            for lane in process.lanes
        )
        return world._replace(process=process._replace(lanes=lanes))

    def _others(self, world: World) -> Iterator[Move]:
        if world.strangers:
            sales = (*world.sales, Sale(STRANGER, shows=True))
            yield "a stranger buys", world._replace(sales=sales, strangers=world.strangers - 1)
        if world.top_ups:
            yield "a top-up", world._replace(top_ups=world.top_ups - 1)

    # The end of a process, and what comes after

    def _death(self, world: World, process: Process) -> Iterator[Move]:
        dead = world._replace(process=None)
        yield "the process dies", dead
        answers = [lane for lane in process.lanes if lane.answer]
        if self.scope.keeps and answers:
            kept = tuple(
                Kept(one.order, world.rows[one.order].attempt, one.answer.sale) for one in answers if one.answer
            )
            yield "the process dies, its answers are kept", dead._replace(kept=kept)

    def _between(self, world: World) -> Iterator[Move]:
        """No process, and no look is being taken."""
        yield from self._start(world)
        if any(True for _ in world.open_rows()):
            yield "a reconcile reads the list", abandoned(world)._replace(looked=world.listed())
        yield from self._waiting(world)
        yield from self._person(world)

    def _start(self, world: World) -> Iterator[Move]:
        """A run takes the account, enters what a file has, gives up what was submitted, and buys if nothing is open."""
        entered = abandoned(_entered(world))
        if any(True for _ in entered.open_rows()):
            if entered != world:
                yield "a run is refused", entered
            return
        rows = enumerate(entered.rows)
        todo = tuple(one for one, row in rows if row.state in CLAIMABLE and row.attempt < self.scope.claims)
        if todo:
            listed = entered.listed()
            memory = Memory(listed=listed)
            yield "a run starts, and reads the list", entered._replace(process=Process(todo, memory))

    def _waiting(self, world: World) -> Iterator[Move]:
        """The waiting time ends: by then the vendor has carried out and shows what it ever will."""
        if world.pending or not all(sale.shows for sale in world.sales):
            return
        rows = tuple(row._replace(claim=row.claim and row.claim._replace(old=True)) for row in world.rows)
        yield "the waiting time ends", world._replace(rows=rows)

    def _person(self, world: World) -> Iterator[Move]:
        """Somebody who sees the vendor's books settles what evidence has left open."""
        if world.pending:
            return
        owned = world.owned()
        for order, row in world.open_rows():
            if row.claim is None or not row.claim.left:
                continue
            kind = self.scope.kinds[order]
            sales = [n for n, sale in enumerate(world.sales, 1) if sale.to >= 0 and self.scope.kinds[sale.to] == kind]
            mine = next((sale for sale in sales if sale not in owned), 0)
            after = State.PLACED if mine else State.ABSENT
            yield f"a person says that order {order} is {after}", settled(world, order, Event.RESOLVED, after, mine)

    # A reconcile

    def _judged(self, world: World) -> Move:
        """It reads the balance, judges, and settles."""
        label = "the reconcile reads the balance and judges"
        answer = self.judge.rule(world)
        for fault in needless(self.scope, world, answer):
            raise Broken(f"{label}: {_spelled(answer)}", fault)
        for ruled in answer:
            world = self._ruled(world, ruled)
        return f"{label}: {_spelled(answer)}", world._replace(looked=None)

    def _ruled(self, world: World, ruled: Ruled) -> World:
        after = _AFTER[ruled.ruling]
        world = settled(world, ruled.order, Event.RECONCILED, after, ruled.sale)
        row = world.rows[ruled.order]
        if row.claim and row.claim.old:
            return world.with_row(ruled.order, row._replace(claim=row.claim._replace(left=True)))
        return world


def abandoned(world: World) -> World:
    """What an earlier run left submitted is unknown."""
    event, after = ABANDONED
    for order, row in enumerate(world.rows):
        if row.state is State.SUBMITTED:
            world = settled(world, order, event, after)
    return world


def _entered(world: World) -> World:
    """The answers in an emergency file are recorded, whatever their orders have become meanwhile."""
    for kept in world.kept:
        event, after = (Event.PLACED, State.PLACED) if kept.sale else (Event.REJECTED, State.REJECTED)
        world = settled(world, kept.order, event, after, kept.sale, kept.attempt)
    return world._replace(kept=())


def _spelled(answer: tuple[Ruled, ...]) -> str:
    return ", ".join(f"{one.order} {one.ruling}{f' as {one.sale}' if one.sale else ''}" for one in answer)
