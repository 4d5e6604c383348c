"""What limits ask a ledger: what was spent since, the dearest purchase, what was bought alike.

For any SQL engine, like `sql.py`: each call belongs inside a transaction that its caller opens.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

from runner.core.orders import OrderKey
from runner.core.records import Bought
from runner.ledger import statements
from runner.ledger.codec import moment_text, optional_decimal
from runner.ledger.sql import AccountRows


def spent_since(rows: AccountRows, at: datetime) -> dict[date, Decimal]:
    """What was spent, or may have been, by the day of the claim."""
    by_day: defaultdict[date, Decimal] = defaultdict(Decimal)
    for row in rows.every(statements.SPENT, b_at=moment_text(at)):
        by_day[date.fromisoformat(row["day"])] += Decimal(row["cost"] or 0) * row["orders"]
    return dict(by_day)


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
