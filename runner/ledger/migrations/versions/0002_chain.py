"""A hash chain over each account's events, and its head; filled for the events that are there already."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from alembic import op
from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    Table,
    Text,
    bindparam,
    select,
)

from runner.core.records import Head
from runner.ledger.chain import event_hash

revision = "0002"
down_revision = "0001"

PAGE = 1000

STATES = "('planned', 'submitted', 'placed', 'rejected', 'unknown', 'absent')"
EVENTS = "('claimed', 'placed', 'rejected', 'not_sent', 'unknown', 'abandoned', 'reconciled', 'resolved')"
LEGAL_MOVES = (
    "'planned claimed submitted', 'rejected claimed submitted', 'absent claimed submitted', "
    "'submitted placed placed', 'submitted rejected rejected', 'submitted not_sent planned', "
    "'submitted unknown unknown', 'submitted abandoned unknown', "
    "'unknown placed placed', 'unknown rejected rejected', 'unknown not_sent planned', 'absent placed placed', "
    "'unknown reconciled placed', 'unknown reconciled absent', 'unknown reconciled unknown', "
    "'unknown resolved placed', 'unknown resolved absent'"
)

NEVER = """
    CREATE TRIGGER order_events_no_{verb} BEFORE {verb} ON order_events
    BEGIN SELECT RAISE(ABORT, 'order_events: {verb} is not allowed, it is only ever added to'); END
"""


def upgrade() -> None:
    """Make the head of each chain, and link the events."""
    chains = op.create_table(
        "chains",
        Column("account", Text, primary_key=True),
        Column("events", Integer, nullable=False),
        Column("hash", Text, nullable=False),
        sqlite_with_rowid=False,
    )
    heads = _rebuilt() if op.get_context().dialect.name == "sqlite" else _widen()
    rows = [{"account": account, "events": head.events, "hash": head.hash} for account, head in heads.items()]
    op.bulk_insert(chains, rows)


def _rebuilt() -> dict[str, Head]:
    """SQLite adds no column without a default: the table is made anew, which takes its triggers and index along."""
    op.rename_table("order_events", "order_events_0001")
    op.drop_index("order_events_order", "order_events_0001")
    old, new = _table("order_events_0001"), _new_table()
    heads: dict[str, Head] = {}
    for rows in _linked_pages(old, heads):
        op.get_bind().execute(new.insert(), rows)
    op.drop_table("order_events_0001")
    op.create_index("order_events_order", "order_events", ["account", "key"])
    for verb in ("UPDATE", "DELETE"):
        op.execute(NEVER.format(verb=verb))
    return heads


def _widen() -> dict[str, Head]:
    """Elsewhere the columns are added and filled; the triggers that forbid it sleep until this transaction is over."""
    for name in ("prev_hash", "hash"):
        op.add_column("order_events", Column(name, Text))
    op.execute("ALTER TABLE order_events DISABLE TRIGGER USER")
    table = _table("order_events", Column("prev_hash", Text), Column("hash", Text))
    fill = (
        table.update()
        .where(table.c.seq == bindparam("b_seq"))
        .values(prev_hash=bindparam("b_prev_hash"), hash=bindparam("b_hash"))
    )
    heads: dict[str, Head] = {}
    for rows in _linked_pages(table, heads):
        op.get_bind().execute(fill, [{f"b_{name}": row[name] for name in ("seq", "prev_hash", "hash")} for row in rows])
    op.execute("ALTER TABLE order_events ENABLE TRIGGER USER")
    for name in ("prev_hash", "hash"):
        op.alter_column("order_events", name, nullable=False)
    return heads


def _linked_pages(table: Table, heads: dict[str, Head]) -> Iterator[list[dict[str, Any]]]:
    """The events in pages, in their order, each with its hashes; `heads` is each account's chain so far."""
    connection: Connection = op.get_bind()
    page = select(table).where(table.c.seq > bindparam("after")).order_by(table.c.seq).limit(PAGE)
    last = 0
    while rows := [dict(row) for row in connection.execute(page, {"after": last}).mappings()]:
        for row in rows:
            head = heads.get(row["account"], Head())
            row["prev_hash"] = head.hash
            row["hash"] = event_hash(row)
            heads[row["account"]] = Head(head.events + 1, row["hash"])
        yield rows
        last = rows[-1]["seq"]


def _columns() -> list[Column[Any]]:
    return [
        Column("seq", Integer, primary_key=True),
        Column("account", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("attempt", Integer, nullable=False),
        Column("event", Text, nullable=False),
        Column("before", Text, nullable=False),
        Column("after", Text),
        Column("at", Text, nullable=False),
        Column("run_id", Text),
        Column("reason", Text),
        Column("detail", Text, nullable=False),
    ]


def _table(name: str, *more: Column[Any]) -> Table:
    return Table(name, MetaData(), *_columns(), *more)


def _new_table() -> Table:
    return op.create_table(
        "order_events",
        *_columns(),
        Column("prev_hash", Text, nullable=False),
        Column("hash", Text, nullable=False),
        ForeignKeyConstraint(["account", "key"], ["orders.account", "orders.key"], name="order_events_order"),
        CheckConstraint(f"event IN {EVENTS}", name="order_events_event"),
        CheckConstraint(f"before IN {STATES}", name="order_events_before"),
        CheckConstraint(
            f"after IS NULL OR before || ' ' || event || ' ' || after IN ({LEGAL_MOVES})",
            name="order_events_legal_move",
        ),
        CheckConstraint("attempt > 0", name="order_events_attempt"),
    )
