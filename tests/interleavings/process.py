"""The steps of a run as moves of the model: the loop of `place_all`, its lanes, and the real `Readings` between them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from decimal import Decimal
from typing import Final, cast

from runner.core.orders import OrderRequest, Quote
from runner.core.readings import BalanceReading, Readings
from runner.core.records import Claim as RealClaim
from runner.core.states import Event, State, is_legal
from runner.core.vendor import Placed, Reader, Witness
from runner.ledger import codec
from tests.interleavings.books import settled
from tests.interleavings.judging import NOW, Judge
from tests.interleavings.state import Claim, Ended, Lane, Memory, Process, Scope, Terms, World, balance

Move = tuple[str, World]

LONG_AGO: Final = -1e9


class Broken(Exception):
    """A promise that a move itself breaks, and where that leads."""

    def __init__(self, label: str, fault: str) -> None:
        super().__init__(fault)
        self.label = label


class Clock:
    """Stands still, or is a minute on whenever it is looked at."""

    def __init__(self, is_slow: bool) -> None:
        self._seconds: Iterator[float] = itertools.count(0.0, 100.0 if is_slow else 0.0)

    def monotonic(self) -> float:
        return next(self._seconds)

    def now(self) -> object:
        return NOW


class Window:
    """What a `Reader` shows of a world."""

    def __init__(self, world: World, scope: Scope) -> None:
        self.world, self.scope = world, scope

    def balance(self) -> Decimal:
        return Decimal(balance(self.world, self.scope))

    def quote(self, request: OrderRequest) -> Quote:
        return Quote(total=Decimal(self.scope.kinds[int(request.key.name)].price), at=NOW, balance=self.balance())

    def witness(self, product: object) -> Witness:
        return Witness(type="ipv4", order_ids=frozenset(map(str, self.world.listed())), at=NOW)


class Desk:
    """The moves of one run; `judge` has the orders' requests."""

    def __init__(self, scope: Scope, judge: Judge) -> None:
        self.scope = scope
        self.requests = judge.requests

    # What a run reads

    def readings(self, world: World, process: Process) -> Readings:
        """A real `Readings` in the state the process left it, looking at the vendor as it is."""
        memory, requests = process.memory, self.requests
        window = cast("Reader", Window(world, self.scope))
        readings = Readings(window, Clock(self.scope.is_slow), count_events=lambda: world.events)  # type: ignore[arg-type]
        if memory.balance:
            amount, events = memory.balance
            readings._balance = BalanceReading(amount=Decimal(amount), events=events, read_at=self._read_at)
        if memory.listed is not None:
            readings._witnesses["ipv4"] = Witness(type="ipv4", order_ids=frozenset(map(str, memory.listed)), at=NOW)
        readings._spent = Decimal(memory.spent)
        readings._reserved = {
            requests[one].key: Decimal(self.scope.kinds[one].price) for one in sorted(memory.reserved)
        }
        readings._alone = {requests[one].key for one in memory.alone}
        for one in memory.priced:
            readings.prices.keep(
                requests[one], self._read_at, Quote(total=Decimal(self.scope.kinds[one].price), at=NOW)
            )
        return readings

    @property
    def _read_at(self) -> float:
        return LONG_AGO if self.scope.is_slow else 0.0

    def memory(self, readings: Readings) -> Memory:
        witness, reading = readings._witnesses.get("ipv4"), readings._balance
        priced = (one for one, request in enumerate(self.requests) if readings.prices.find(request) is not None)
        return Memory(
            balance=(int(reading.amount), reading.events) if reading else None,
            spent=int(readings._spent),
            reserved=frozenset(int(key.name) for key in readings._reserved),
            alone=frozenset(int(key.name) for key in readings._alone),
            listed=frozenset(map(int, witness.order_ids)) if witness else None,
            priced=frozenset() if self.scope.is_slow else frozenset(priced),
        )

    # The loop

    def loop(self, world: World, process: Process) -> Move | None:
        """The next turn of `place_all`; None while it awaits a lane."""
        if process.priced is not None:
            return self._reserve(world, process, process.priced)
        readings = self.readings(world, process)
        is_over, busy = process.halted, len(process.lanes) + len(process.ended)
        if busy and (is_over or not process.todo or busy >= self.scope.jobs or readings.is_due("ipv4")):
            return self._conclude(world, process, readings) if process.ended else None
        if is_over or not process.todo:
            return "the run ends", world._replace(process=None)
        order = process.todo[0]
        readings.quote(self.requests[order])
        readings.available()
        now = process._replace(todo=process.todo[1:], priced=order, memory=self.memory(readings))
        return f"price order {order}", world._replace(process=now)

    def _reserve(self, world: World, process: Process, order: int) -> Move:
        readings, request = self.readings(world, process), self.requests[order]
        witness, reading = readings.witness("ipv4"), readings.balance()
        readings.reserve(request, Decimal(self.scope.kinds[order].price))
        terms = Terms(int(reading.amount), reading.events, frozenset(map(int, witness.order_ids)))
        lanes = tuple(sorted((*process.lanes, Lane(order, "reserved", terms))))
        now = process._replace(priced=None, lanes=lanes, memory=self.memory(readings))
        return f"take the witness for order {order}", world._replace(process=now)

    def _conclude(self, world: World, process: Process, readings: Readings) -> Move:
        (order, outcome, answer), *ended = process.ended
        request, todo = self.requests[order], process.todo
        if outcome == "placed" and answer:
            price = Decimal(self.scope.kinds[order].price)
            placed = Placed(order_id=str(answer.sale), total=price, balance=Decimal(answer.balance))
            readings.count_purchase(request, placed, price)
        else:
            readings.release(request)
            if outcome in ("rejected", "unknown"):
                readings.distrust()
        if outcome == "closed" and not process.halted:
            todo = (order, *todo)
        now = process._replace(todo=todo, ended=tuple(ended), memory=self.memory(readings))
        return f"conclude order {order}", world._replace(process=now)

    # The lanes

    def lanes(self, world: World, process: Process) -> Iterator[Move]:
        """Every next step of every lane. Raises Broken for a claim that must not be."""
        steps = {
            "reserved": self._claim,
            "claimed": self._send,
            "sent": self._lose,
            "answered": self._settle,
            "doubtful": self._stop,
        }
        for lane in process.lanes:
            yield from steps[lane.stage](world, process, lane)

    def _claim(self, world: World, process: Process, lane: Lane) -> Iterator[Move]:
        """Steps 4 and 5: the connection is there; the stop is looked at and the claim made in one breath."""
        if process.halted:
            yield f"order {lane.order} is given up", self._end(world, process, lane, "not sent")
            return
        label, row, place, terms = f"claim order {lane.order}", world.rows[lane.order], world.events + 1, lane.terms
        if any(one.state is State.UNKNOWN for one in world.rows):
            raise Broken(label, f"order {lane.order} is claimed while another is unknown")
        if not is_legal(row.state, Event.CLAIMED, State.SUBMITTED):
            raise Broken(label, f"order {lane.order} is claimed while it is {row.state}")
        since = events_since(self.requests[lane.order], terms.events, world.events)
        claim = Claim(terms.balance, terms.listed, place=place, read=world.events - since)
        first = row.first if row.attempt else place
        claimed = row._replace(state=State.SUBMITTED, attempt=row.attempt + 1, first=first, claim=claim)
        now = _with_lane(process, lane, lane._replace(stage="claimed"))
        yield label, world.with_row(lane.order, claimed)._replace(events=place, process=now)

    def _send(self, world: World, process: Process, lane: Lane) -> Iterator[Move]:
        """Step 6: the guard, then the request is written."""
        if process.halted:
            yield f"order {lane.order} is not sent", self._end_settled(world, process, lane, "not sent")
            return
        if world.drops:
            closed = self._end_settled(world, process, lane, "closed")
            yield f"order {lane.order} finds its connection closed", closed._replace(drops=world.drops - 1)
        sent = _with_lane(process, lane, lane._replace(stage="sent"))
        pending = tuple(sorted((*world.pending, lane.order)))
        yield f"send order {lane.order}", world._replace(process=sent, pending=pending)

    def _lose(self, world: World, process: Process, lane: Lane) -> Iterator[Move]:
        """Steps 7 and 8 of an answer that was not understood, or waited for in vain."""
        label = f"the answer of order {lane.order} is lost"
        if STOPS_AT_ONCE:
            yield label, self._end_settled(world, process, lane, "unknown")
        else:
            moved = settled(world, lane.order, Event.UNKNOWN, State.UNKNOWN)
            yield label, moved._replace(process=_with_lane(process, lane, lane._replace(stage="doubtful")))

    def _stop(self, world: World, process: Process, lane: Lane) -> Iterator[Move]:
        yield f"order {lane.order} stops the batch", self._end(world, process, lane, "unknown")

    def _settle(self, world: World, process: Process, lane: Lane) -> Iterator[Move]:
        """Steps 7 and 8."""
        yield from self._lose(world, process, lane)
        outcome = "placed" if lane.answer and lane.answer.sale else "rejected"
        yield f"order {lane.order} is {outcome}", self._end_settled(world, process, lane, outcome)

    def _end_settled(self, world: World, process: Process, lane: Lane, outcome: str) -> World:
        event, after = _MOVES[outcome]
        sale = lane.answer.sale if outcome == "placed" and lane.answer else 0
        return self._end(settled(world, lane.order, event, after, sale), process, lane, outcome)

    def _end(self, world: World, process: Process, lane: Lane, outcome: str) -> World:
        """The lane has ended; an unknown outcome is put on record and stops the batch in one breath."""
        lanes = tuple(one for one in process.lanes if one != lane)
        ended = (*process.ended, Ended(lane.order, outcome, lane.answer if outcome == "placed" else None))
        halted = process.halted or (outcome == "unknown" and STOPS)
        return world._replace(process=process._replace(lanes=lanes, ended=ended, halted=halted))


_MOVES: Final = {
    "placed": (Event.PLACED, State.PLACED),
    "rejected": (Event.REJECTED, State.REJECTED),
    "unknown": (Event.UNKNOWN, State.UNKNOWN),
    "not sent": (Event.NOT_SENT, State.PLANNED),
    "closed": (Event.NOT_SENT, State.PLANNED),
}

STOPS = True
"""Whether an unknown outcome stops the batch; mutants say no."""
STOPS_AT_ONCE = True
"""Whether it does in the moment it is on record; mutants say no."""


def _with_lane(process: Process, lane: Lane, now: Lane) -> Process:
    return process._replace(lanes=tuple(now if one == lane else one for one in process.lanes))


def events_since(request: OrderRequest, events_read: int, events: int) -> int:
    """What the real claim writes down of how many events came between reading and claim."""
    quote = Quote(total=Decimal(1), at=NOW)
    witness = Witness(type="ipv4", order_ids=frozenset(), at=NOW)
    claim = RealClaim(
        request=request,
        quote=quote,
        ceiling=quote.total,
        witness=witness,
        balance=quote.total,
        run_id="r",
        at=NOW,
        events_read=events_read,
    )
    return int(codec.claim_detail(claim, events).get("events_since", 0))
