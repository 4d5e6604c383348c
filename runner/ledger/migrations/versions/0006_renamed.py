"""Orders that go by another key since: a state, an event and its moves; and an index of what was bought alike."""

from __future__ import annotations

from alembic import op
from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Integer, Text, text

revision = "0006"
down_revision = "0005"

TYPES = "type IN ('ipv4', 'isp', 'mix', 'mix_isp', 'ipv6', 'mobile', 'resident')"
STATES = "('planned', 'submitted', 'placed', 'rejected', 'unknown', 'absent', 'renamed')"
EVENTS = "('claimed', 'placed', 'rejected', 'not_sent', 'unknown', 'abandoned', 'reconciled', 'resolved', 'renamed')"
LEGAL_MOVE = (
    "after IS NULL OR before || ' ' || event || ' ' || after IN ("
    "'planned claimed submitted', 'rejected claimed submitted', 'absent claimed submitted', "
    "'submitted placed placed', 'submitted rejected rejected', 'submitted not_sent planned', "
    "'submitted unknown unknown', 'submitted abandoned unknown', "
    "'unknown placed placed', 'unknown rejected rejected', 'unknown not_sent planned', 'absent placed placed', "
    "'unknown reconciled placed', 'unknown reconciled absent', 'unknown reconciled unknown', "
    "'unknown resolved placed', 'unknown resolved absent', "
    "'planned placed placed', 'rejected placed placed', "
    "'planned resolved placed', 'rejected resolved placed', 'absent resolved placed', "
    "'placed renamed renamed', 'planned renamed placed', 'rejected renamed placed', 'absent renamed placed')"
)
CHECKS = {
    "orders": {"orders_state": f"state IN {STATES}"},
    "order_events": {
        "order_events_event": f"event IN {EVENTS}",
        "order_events_before": f"before IN {STATES}",
        "order_events_legal_move": LEGAL_MOVE,
    },
}
COLUMNS = {
    "orders": (
        'account, "key", type, fields, fingerprint, state, attempt, updated_at, claimed_at, run_id, quote_total, '
        "order_id, base_order_numbers, total, balance, reason, stray_order_id"
    ),
    "order_events": (
        'seq, account, "key", attempt, event, "before", "after", at, run_id, reason, detail, prev_hash, hash'
    ),
}
ORDER = {"orders": 'account, "key"', "order_events": "seq"}
NEVER = """
    CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table}
    BEGIN SELECT RAISE(ABORT, '{table}: {verb} is not allowed, it is only ever added to'); END
"""


def upgrade() -> None:
    """Let the state, the event and the moves in, and make the index."""
    if op.get_context().dialect.name == "sqlite":
        _rebuild()
    else:
        for table, checks in CHECKS.items():
            for name, condition in checks.items():
                op.drop_constraint(name, table)
                op.create_check_constraint(name, table, condition)
        # Only what is compared byte by byte may decide an index's order (see 0001).
        op.execute('ALTER TABLE orders ALTER COLUMN fingerprint TYPE text COLLATE "C"')
    op.create_index("orders_alike", "orders", ["fingerprint"])


def _rebuild() -> None:
    """SQLite changes no constraint: both tables are made anew, which takes their triggers and indexes along."""
    for index in ("orders_order_id", "orders_open", "orders_spent", "orders_price"):
        op.drop_index(index, "orders")
    op.drop_index("order_events_order", "order_events")
    for table in ("order_events", "orders"):
        op.rename_table(table, f"{table}_0005")
    _orders()
    _order_events()
    for table, columns in COLUMNS.items():
        op.execute(
            f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {table}_0005 ORDER BY {ORDER[table]}"  # noqa: S608 - only constants of this module
        )
    for table in ("order_events", "orders"):  # the one that refers to the other first
        op.drop_table(f"{table}_0005")
    _indexes()
    for table, verb in (("orders", "DELETE"), ("order_events", "UPDATE"), ("order_events", "DELETE")):
        op.execute(NEVER.format(table=table, verb=verb))


def _orders() -> None:
    op.create_table(
        "orders",
        Column("account", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("type", Text, nullable=False),
        Column("fields", Text, nullable=False),
        Column("fingerprint", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("attempt", Integer, nullable=False),
        Column("updated_at", Text, nullable=False),
        Column("claimed_at", Text),
        Column("run_id", Text),
        Column("quote_total", Text),
        Column("order_id", Text),
        Column("base_order_numbers", Text, nullable=False),
        Column("total", Text),
        Column("balance", Text),
        Column("reason", Text),
        Column("stray_order_id", Text),
        CheckConstraint(TYPES, name="orders_type"),
        CheckConstraint(CHECKS["orders"]["orders_state"], name="orders_state"),
        CheckConstraint("(state = 'placed') = (order_id IS NOT NULL)", name="orders_placed_has_order_id"),
        CheckConstraint("attempt > 0 OR (attempt = 0 AND state = 'planned')", name="orders_attempt"),
        sqlite_with_rowid=False,
    )


def _order_events() -> None:
    op.create_table(
        "order_events",
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
        Column("prev_hash", Text, nullable=False),
        Column("hash", Text, nullable=False),
        ForeignKeyConstraint(["account", "key"], ["orders.account", "orders.key"], name="order_events_order"),
        *(CheckConstraint(condition, name=name) for name, condition in CHECKS["order_events"].items()),
        CheckConstraint("attempt > 0", name="order_events_attempt"),
    )


def _indexes() -> None:
    owned, is_open = text("order_id IS NOT NULL"), text("state IN ('submitted', 'unknown')")
    op.create_index("orders_order_id", "orders", ["account", "order_id"], unique=True, sqlite_where=owned)
    op.create_index("orders_open", "orders", ["account", "claimed_at"], sqlite_where=is_open)
    spent = ["account", "claimed_at", "state", "total", "quote_total", "stray_order_id"]
    op.create_index("orders_spent", "orders", spent)
    price = text("CAST(COALESCE(total, quote_total) AS NUMERIC)")
    op.create_index("orders_price", "orders", ["account", price], sqlite_where=text("state = 'placed'"))
    op.create_index("order_events_order", "order_events", ["account", "key"])
