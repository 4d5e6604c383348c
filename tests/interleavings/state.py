"""One account as a value: what the vendor sold, what the ledger says, what a process is about, what a reconcile read.

Orders are numbered from 0 in the manifest's order, sales from 1 in the vendor's; money is in whole dollars. An event's
place in the ledger is its rank among the places that can still matter, so that histories that nothing tells apart are
one state.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from runner.core.states import OPEN, State

STRANGER: Final = -1
"""Who a sale is to, if not to an order of ours."""
MONEY: Final = 100
"""What the account has at first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What an order asks for. Kinds of one country look the same in the vendor's list, whatever their `target`."""

    price: int
    country: str = "FRA"
    target: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What is explored: the orders, who else acts on the account, and how much may happen.

    `claims`: how often each order may be claimed. `is_slow`: everything that was read is old when it is looked at again,
    so that it is read as often as is allowed; else as rarely. `lags`: a sale may be shown later than it is charged.
    `keeps`: a process that dies may leave its answers in an emergency file. `drops`: the vendor may close a connection
    before anything is written.
    """

    name: str
    kinds: tuple[Kind, ...]
    stranger: bool = False
    top_up: bool = False
    claims: int = 1
    jobs: int = 2
    is_slow: bool = False
    lags: bool = False
    keeps: bool = False
    drops: bool = False

    @property
    def exclusive(self) -> bool:
        return not (self.stranger or self.top_up)


class Sale(NamedTuple):
    """One order at the vendor, charged; not listed before it `shows`."""

    to: int
    shows: bool


class Terms(NamedTuple):
    """What is read before a claim: balance, events of the ledger at that reading, sales that were listed."""

    balance: int
    events: int
    listed: frozenset[int]


class Claim(NamedTuple):
    """What an open order's claim wrote down; `old`: its waiting time is over; `left`: evidence did not settle it then."""

    balance: int
    listed: frozenset[int]
    place: int
    read: int
    old: bool = False
    left: bool = False


class Row(NamedTuple):
    """An order in the ledger: the places of its first claim and of its purchase, if those can still matter."""

    state: State = State.PLANNED
    attempt: int = 0
    first: int = 0
    last: int = 0
    sale: int = 0
    claim: Claim | None = None

    @property
    def is_open(self) -> bool:
        return self.state in OPEN


class Told(NamedTuple):
    """What the vendor answered: the sale, 0 for a refusal, and the balance right after it."""

    sale: int
    balance: int


class Lane(NamedTuple):
    """One purchase in flight: before its last look at the stop, before its claim, claimed, sent, answered, in doubt."""

    order: int
    stage: str
    terms: Terms
    answer: Told | None = None


class Memory(NamedTuple):
    """The fields of a `Readings`."""

    balance: tuple[int, int] | None = None
    spent: int = 0
    reserved: frozenset[int] = frozenset()
    alone: frozenset[int] = frozenset()
    listed: frozenset[int] | None = None
    priced: frozenset[int] = frozenset()


class Ended(NamedTuple):
    """How a try of a purchase ended: `placed`, `rejected`, `unknown`, `not sent`, or `closed`, which may be retried."""

    order: int
    outcome: str
    answer: Told | None = None


class Process(NamedTuple):
    """A run: orders not begun, whether it was stopped, the order it has a price for, lanes, ended tries in their order."""

    todo: tuple[int, ...]
    memory: Memory
    halted: bool = False
    priced: int | None = None
    lanes: tuple[Lane, ...] = ()
    ended: tuple[Ended, ...] = ()


class Kept(NamedTuple):
    """An answer in an emergency file."""

    order: int
    attempt: int
    sale: int


class World(NamedTuple):
    """Everything. `pending`: requests the vendor has and has not carried out. `looked`: the list a reconcile has read."""

    rows: tuple[Row, ...]
    events: int = 0
    sales: tuple[Sale, ...] = ()
    pending: tuple[int, ...] = ()
    strangers: int = 0
    top_ups: int = 0
    process: Process | None = None
    looked: frozenset[int] | None = None
    kept: tuple[Kept, ...] = ()
    drops: int = 0

    def listed(self) -> frozenset[int]:
        return frozenset(number for number, sale in enumerate(self.sales, 1) if sale.shows)

    def open_rows(self) -> Iterator[tuple[int, Row]]:
        return ((order, row) for order, row in enumerate(self.rows) if row.is_open)

    def owned(self) -> dict[int, int]:
        """The sales that orders of the ledger have, and whose they are."""
        return {row.sale: order for order, row in enumerate(self.rows) if row.sale}

    def with_row(self, order: int, row: Row) -> World:
        return self._replace(rows=(*self.rows[:order], row, *self.rows[order + 1 :]))


def begin(scope: Scope) -> World:
    return World(
        rows=tuple(Row() for _ in scope.kinds),
        strangers=int(scope.stranger),
        top_ups=int(scope.top_up),
        drops=int(scope.drops),
    )


def balance(world: World, scope: Scope) -> int:
    """What the account has. A stranger's order costs what the first of ours does, a top-up brings that."""
    price = scope.kinds[0].price
    spent = sum(scope.kinds[max(sale.to, 0)].price for sale in world.sales)
    return MONEY - spent + price * (int(scope.top_up) - world.top_ups)


def normal(world: World) -> World:
    """The same world with the smallest places that keep the order of what can be compared."""
    reads = [row.claim.read for row in world.rows if row.claim]
    process = world.process
    if process:
        reads += [lane.terms.events for lane in process.lanes]
        reads += [process.memory.balance[1]] if process.memory.balance else []
    floor = min(reads, default=world.events)
    rows = tuple(_forget(row, floor) for row in world.rows)
    places = {floor, world.events, *reads}
    for row in rows:
        places.update(place for place in (row.first, row.last) if place)
        if row.claim:
            places.add(row.claim.place)
    rank = {0: 0} | {place: number for number, place in enumerate(sorted(places))}
    if all(place == number for place, number in rank.items()):
        return world if rows == world.rows else world._replace(rows=rows)
    return world._replace(
        rows=tuple(_ranked(row, rank) for row in rows),
        events=rank[world.events],
        process=process and _process_ranked(process, rank),
    )


def _forget(row: Row, floor: int) -> Row:
    """What came before every reading that is in use is as good as long ago."""
    first = row.first if row.first > floor else 0
    last = row.last if row.sale and row.last > floor else 0
    return row if (first, last) == (row.first, row.last) else row._replace(first=first, last=last)


def _ranked(row: Row, rank: dict[int, int]) -> Row:
    claim = row.claim and row.claim._replace(place=rank[row.claim.place], read=rank[row.claim.read])
    return row._replace(first=rank[row.first], last=rank[row.last], claim=claim)


def _process_ranked(process: Process, rank: dict[int, int]) -> Process:
    memory = process.memory
    if memory.balance:
        memory = memory._replace(balance=(memory.balance[0], rank[memory.balance[1]]))
    lanes = tuple(lane._replace(terms=lane.terms._replace(events=rank[lane.terms.events])) for lane in process.lanes)
    return process._replace(memory=memory, lanes=lanes)
