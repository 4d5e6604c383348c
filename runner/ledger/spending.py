"""What limits ask a ledger: what was spent since, the dearest purchase, what was bought alike.

For any SQL engine, like `sql.py`: each call belongs inside a transaction that its caller opens.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from sqlalchemy import bindparam, func, literal_column, or_, select, text

from runner.core.orders import OrderKey
from runner.core.records import Bought
from runner.core.states import State
from runner.ledger import days
from runner.ledger.codec import moment_text, optional_decimal
from runner.ledger.schema import IS_OPEN, IS_PLACED, PRICE, orders
from runner.ledger.sql import AccountRows
from runner.ledger.statements import of_account, one_of

_MAYBE_BOUGHT: Final = or_(text(IS_PLACED), text(IS_OPEN))
_COST: Final = func.coalesce(orders.c.total, orders.c.quote_total)
_DEAREST: Final = (
    select(_COST.label("cost"))
    .where(of_account(orders), text(IS_PLACED), literal_column(PRICE).is_not(None))
    .order_by(orders.c.account.desc(), literal_column(PRICE).desc())
    .limit(1)
)
_ALIKE: Final = (
    select(orders.c.key, orders.c.claimed_at)
    .where(
        one_of(orders.c.fingerprint, "b_fingerprints"),
        _MAYBE_BOUGHT,
        # As expressions: by what is alike SQLite reads a few orders, by account or time all there are.
        orders.c.account.concat("") == bindparam("b_account"),
        orders.c.claimed_at.concat("") >= bindparam("b_at"),
    )
    .order_by(orders.c.claimed_at, orders.c.key)
)


def spent_since(rows: AccountRows, at: datetime) -> dict[date, Decimal]:
    """What was spent, or may have been, by the day of the claim."""
    return days.spent_since(rows.connection, rows.account, at)


def counts(rows: AccountRows) -> Counter[State]:
    """How many orders are in each state."""
    return days.counts(rows.connection, rows.account)


def dearest(rows: AccountRows) -> Decimal | None:
    """The price of the dearest order that was bought."""
    return optional_decimal(rows.connection.execute(_DEAREST, {"b_account": rows.account}).scalar())


def bought_alike(rows: AccountRows, fingerprints: Iterable[str], at: datetime) -> list[Bought]:
    """The placed and open orders with one of these fingerprints."""
    alike = rows.of_each(_ALIKE, "b_fingerprints", sorted(set(fingerprints)), b_at=moment_text(at))
    claimed = {OrderKey.parse(row["key"]): datetime.fromisoformat(row["claimed_at"]) for row in alike}
    records = rows.records(claimed)
    found = [Bought(record=record, claimed_at=claimed[key]) for key, record in records.items()]
    return sorted(found, key=lambda bought: bought.claimed_at)
