"""What limits ask a ledger: what was spent since, the dearest purchase, what was bought alike.

For any SQL engine, like `sql.py`: each call belongs inside a transaction that its caller opens.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

from runner.core.orders import OrderKey
from runner.core.records import Bought
from runner.core.states import State
from runner.ledger import days, statements
from runner.ledger.codec import moment_text, optional_decimal
from runner.ledger.sql import AccountRows


def spent_since(rows: AccountRows, at: datetime) -> dict[date, Decimal]:
    """What was spent, or may have been, by the day of the claim."""
    return days.spent_since(rows.connection, rows.account, at)


def counts(rows: AccountRows) -> Counter[State]:
    """How many orders are in each state."""
    return days.counts(rows.connection, rows.account)


def dearest(rows: AccountRows) -> Decimal | None:
    """The price of the dearest order that was bought."""
    row = statements.DEAREST.one(rows.connection, {"b_account": rows.account})
    return optional_decimal(row["cost"]) if row else None


def bought_alike(rows: AccountRows, fingerprints: Iterable[str], at: datetime) -> list[Bought]:
    """The placed and open orders with one of these fingerprints."""
    alike = rows.of_each(statements.ALIKE, "b_fingerprints", sorted(set(fingerprints)), b_at=moment_text(at))
    claimed = {OrderKey.parse(row["key"]): datetime.fromisoformat(row["claimed_at"]) for row in alike}
    records = rows.records(claimed)
    found = [Bought(record=record, claimed_at=claimed[key]) for key, record in records.items()]
    return sorted(found, key=lambda bought: bought.claimed_at)
