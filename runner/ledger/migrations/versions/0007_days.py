"""What orders come to by the day of their claim; and indexes by which no reader reads or sorts the whole account."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Context, Decimal
from typing import Any, Final

from alembic import op
from sqlalchemy import Column, Row, Table, Text, text

revision = "0007"
down_revision = "0006"

STRAY: Final = text("stray_order_id IS NOT NULL")
COUNTED: Final = ("placed", "submitted", "unknown")
COSTS: Final = text("""
    SELECT account, substr(COALESCE(claimed_at, ''), 1, 10) AS day, state, COALESCE(total, quote_total) AS cost,
        stray_order_id IS NOT NULL AS stray, count(*) AS orders
    FROM orders GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2
""")
EXACT: Final = Context(prec=10_000)


def upgrade() -> None:
    """Make the table, fill it with what is there, and make the indexes."""
    days = op.create_table(
        "days",
        Column("account", Text, primary_key=True),
        Column("day", Text, primary_key=True),
        Column("orders", Text, nullable=False),
        Column("spent", Text, nullable=False),
        sqlite_with_rowid=False,
    )
    if op.get_context().dialect.name == "postgresql":
        # Only what is compared byte by byte may decide an index's order (see 0001).
        for table, column in (
            ("days", "account"),
            ("days", "day"),
            ("orders", "updated_at"),
            ("orders", "stray_order_id"),
        ):
            op.execute(f'ALTER TABLE {table} ALTER COLUMN {column} TYPE text COLLATE "C"')
    _fill(days)
    op.drop_index("orders_spent", "orders")
    op.create_index("orders_newest", "orders", ["account", "updated_at", "key"])
    stray = ["account", "stray_order_id"]
    op.create_index("orders_stray", "orders", stray, sqlite_where=STRAY, postgresql_where=STRAY)
    op.create_index("order_events_history", "order_events", ["account", "seq"])


def _fill(days: Table) -> None:
    counts: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    spent: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for group in _groups():
        day = group.account, group.day
        counts[day][group.state] += group.orders
        if group.state in COUNTED or group.stray:
            cost = EXACT.multiply(Decimal(group.cost or 0), Decimal(group.orders))
            spent[day] = EXACT.add(spent[day], cost)
    rows = [
        {
            "account": account,
            "day": day,
            "orders": json.dumps(number, sort_keys=True, separators=(",", ":")),
            "spent": format(spent[account, day], "f"),
        }
        for (account, day), number in counts.items()
    ]
    op.bulk_insert(days, rows)


def _groups() -> Iterator[Row[Any]]:
    """Orders of one account, day, state and cost: amounts are added up here, since no engine's arithmetic is theirs."""
    yield from op.get_bind().execute(COSTS)
