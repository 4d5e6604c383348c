"""What is kept of an account's orders by the UTC day of their claim: how many are in each state, and what they cost.

Kept by whatever moves an order, in the same transaction, so that limits read a row a day and not an order each. For any
SQL engine, like `sql.py`: each call belongs inside a transaction that its caller opens, and that has locked the
account's chain before it reads an order or a day.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Context, Decimal
from typing import Any, Final

from runner.core.states import OPEN, State
from runner.ledger import statements
from runner.ledger.codec import json_text, moment_text, money_text
from runner.ledger.connection import Call, SqlConnection, first_row

Row = Mapping[str, Any]

_EXACT: Final = Context(prec=10_000)
"""More digits than any amount has, so that a sum does not depend on the order in which it was made."""

_COUNTED: Final = OPEN | {State.PLACED}


@dataclass(slots=True)
class Day:
    """How many orders of a day are in each state, none left out, and what they cost or may have cost, in USD."""

    orders: Counter[str] = field(default_factory=Counter)
    cost: Decimal = Decimal(0)

    def add(self, state: str, amount: Decimal, count: int = 1) -> None:
        """Count `count` orders that cost `amount` each; a negative number takes them back."""
        self.orders[state] += count
        self.cost = _EXACT.add(self.cost, _EXACT.multiply(amount, Decimal(count)))

    def join(self, other: Day) -> None:
        """Add all of another day."""
        self.orders.update(other.orders)
        self.cost = _EXACT.add(self.cost, other.cost)

    @property
    def words(self) -> str:
        """For people; equal where the days are."""
        counts = ", ".join(f"{count} {state}" for state, count in sorted(self.orders.items()) if count)
        return f"{counts or 'no orders'}, {money_text(_EXACT.normalize(self.cost))} USD"


class Changes:
    """What moves of orders change about the days that they were claimed on."""

    def __init__(self) -> None:
        self._days: dict[str, Day] = {}

    def note(self, before: Row | None, after: Row) -> None:
        """An order whose row was `before` (None: there was none) has the row `after` now."""
        if before is not None:
            self._add(before, -1)
        self._add(after, 1)

    def _add(self, row: Row, count: int) -> None:
        day = self._days.setdefault(day_of(row), Day())
        day.add(row["state"], amount_of(row["state"], row["total"], row["quote_total"], row["stray_order_id"]), count)

    def calls(self, account: str, kept: Iterable[Row | None]) -> list[Call]:
        """What keeps them, where `kept` are the rows of all these days that are there already, in any order."""
        rows = {row["day"]: row for row in kept if row is not None}
        return [_keeping(account, day, change, rows.get(day)) for day, change in self._days.items()]

    def keep(self, connection: SqlConnection, account: str) -> None:
        """Read what is kept of these days, and keep what it is now."""
        named = [(statements.DAY, {"b_account": account, "b_day": day}) for day in self._days]
        kept = map(first_row, connection.run_together(*named))
        connection.change_last(*self.calls(account, kept))


def move(account: str, kept: Iterable[Row | None], before: Row | None, after: Row) -> list[Call]:
    """What keeps the days right when one order moves; `kept` as in `Changes.calls`."""
    changes = Changes()
    changes.note(before, after)
    return changes.calls(account, kept)


def day_of(row: Row) -> str:
    """The UTC day an order was claimed on, as text; empty for one that never was."""
    return str(row["claimed_at"] or "")[:10]


def amount_of(state: str, total: str | None, quote_total: str | None, stray: object) -> Decimal:
    """What an order counts for: its charge, or else its quote, where money was spent or may have been; else nothing."""
    counts = state in _COUNTED or stray
    return Decimal((total if total is not None else quote_total) or 0) if counts else Decimal(0)


def _keeping(account: str, day: str, change: Day, row: Row | None) -> Call:
    now = Day() if row is None else _day(row)
    now.join(change)
    orders = {state: count for state, count in now.orders.items() if count}
    values = {"account": account, "day": day, "orders": json_text(orders), "spent": money_text(now.cost)}
    return (statements.INSERT_DAY if row is None else statements.UPDATE_DAY), values | {
        "b_account": account,
        "b_day": day,
    }


def _day(row: Row) -> Day:
    return Day(Counter(json.loads(row["orders"])), Decimal(row["spent"]))


def spent_since(connection: SqlConnection, account: str, at: datetime) -> dict[date, Decimal]:
    """What was spent, or may have been, on each day from that of `at` on."""
    days = statements.DAYS.every(connection, {"b_account": account, "b_day": moment_text(at)[:10]})
    return {date.fromisoformat(row["day"]): spent for row in days if (spent := Decimal(row["spent"]))}


def counts(connection: SqlConnection, account: str) -> Counter[State]:
    """How many orders are in each state; states without any are left out."""
    total: Counter[State] = Counter()
    for row in statements.DAYS.every(connection, {"b_account": account, "b_day": ""}):
        total.update({State(state): count for state, count in json.loads(row["orders"]).items()})
    return total


def misfit(connection: SqlConnection, account: str) -> str | None:
    """The first day that is not kept as the orders make it, and how, in words; None where all are."""
    named = {"b_account": account}
    kept = {row["day"]: _day(row) for row in statements.DAYS.every(connection, named | {"b_day": ""})}
    for day, counted in _count_anew(connection, named):
        stored = kept.pop(day, Day())
        if stored.words != counted.words:
            return _words(day, stored, counted)
    return next((_words(day, rest, Day()) for day, rest in kept.items() if rest.words != Day().words), None)


def _count_anew(connection: SqlConnection, named: Row) -> Iterator[tuple[str, Day]]:
    """Each day as the orders make it, in order."""
    day, sums = "", Day()
    for row in statements.COSTS.every(connection, named):
        if row["day"] != day:
            yield day, sums
            day, sums = row["day"], Day()
        sums.add(row["state"], amount_of(row["state"], row["cost"], None, row["stray"]), row["orders"])
    yield day, sums


def _words(day: str, kept: Day, counted: Day) -> str:
    return (
        f"{day or 'what was never claimed'} is kept as {kept.words}, but its orders come to {counted.words}; "
        "an import of an export counts anew"
    )
