"""The ledger's real rules on modelled rows: what a settlement may move, and where it leads."""

from __future__ import annotations

from functools import cache

from runner.core.orders import OrderKey
from runner.core.records import Attempt, Settlement
from runner.core.states import OPEN, Event, State
from runner.ledger.moves import SettlementCase, arrow
from tests.interleavings.judging import NOW
from tests.interleavings.state import World


def settled(world: World, order: int, event: Event, after: State, sale: int = 0, attempt: int = 0) -> World:
    """The account after a settlement of the order's last attempt, or of the one that is named.

    Raises `Refused` where the ledger would.
    """
    row = world.rows[order]
    owner = world.owned().get(sale, order) != order
    entered, moved = _arrow(row.state, row.attempt, attempt or row.attempt, event, after, owner)
    place = world.events + 1
    if entered is Event.RECONCILED and moved is State.UNKNOWN:
        return world
    if moved is None:
        last = place if row.sale else row.last
        return world.with_row(order, row._replace(last=last))._replace(events=place)
    is_placed, is_open = moved is State.PLACED, moved in OPEN
    now = row._replace(
        state=moved, sale=sale if is_placed else 0, last=place if is_placed else 0, claim=row.claim if is_open else None
    )
    return world.with_row(order, now)._replace(events=place)


@cache
def _arrow(
    state: State, current: int, attempt: int, event: Event, after: State, owner: bool
) -> tuple[Event, State | None]:
    case = SettlementCase(
        row={"key": "b/0", "state": state.value, "attempt": current, "order_id": None},
        attempt=Attempt(key=OrderKey("b", "0"), n=attempt, run_id="r", claimed_at=NOW),
        settlement=Settlement(event=event, after=after, at=NOW, order_id="1" if after is State.PLACED else None),
        owner="b/1" if owner else None,
    )
    return arrow(case)
