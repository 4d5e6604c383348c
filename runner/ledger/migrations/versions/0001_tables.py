"""The first tables: orders and their events, the witnesses taken before purchases, runs, holds."""

from __future__ import annotations

from alembic import op
from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Integer, Text, text

revision = "0001"
down_revision = None

TYPES = "type IN ('ipv4', 'isp', 'mix', 'mix_isp', 'ipv6', 'mobile', 'resident')"
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
OPEN = text("state IN ('submitted', 'unknown')")
OWNED = text("order_id IS NOT NULL")

# Text of a trigger is each engine's own.
NEVER = {
    "sqlite": """
        CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table}
        BEGIN SELECT RAISE(ABORT, '{table}: {verb} is not allowed, it is only ever added to'); END
    """,
    "postgresql": """
        CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION order_runner_never()
    """,
}
POSTGRESQL_NEVER = """
    CREATE FUNCTION order_runner_never() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN
        RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation',
            MESSAGE = TG_TABLE_NAME || ': ' || TG_OP || ' is not allowed, it is only ever added to';
    END $body$
"""
# Compared byte by byte: an index in a language's order breaks, unnoticed, when the server's C library is upgraded.
POSTGRESQL_BYTES = {
    "orders": ("account", "key", "claimed_at", "order_id"),
    "order_events": ("account", "key"),
    "witnesses": ("account", "digest"),
    "runs": ("id",),
    "holds": ("account",),
}


def upgrade() -> None:
    """Make everything."""
    _orders()
    _order_events()
    _witnesses()
    _runs()
    _holds()
    if op.get_context().dialect.name == "postgresql":
        _postgresql()
    for table, verb in (
        ("orders", "DELETE"),
        ("order_events", "UPDATE"),
        ("order_events", "DELETE"),
        ("witnesses", "UPDATE"),
        ("witnesses", "DELETE"),
    ):
        op.execute(NEVER[op.get_context().dialect.name].format(table=table, verb=verb))


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
        CheckConstraint(f"state IN {STATES}", name="orders_state"),
        CheckConstraint("(state = 'placed') = (order_id IS NOT NULL)", name="orders_placed_has_order_id"),
        CheckConstraint("attempt > 0 OR (attempt = 0 AND state = 'planned')", name="orders_attempt"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "orders_order_id", "orders", ["account", "order_id"], unique=True, sqlite_where=OWNED, postgresql_where=OWNED
    )
    op.create_index("orders_open", "orders", ["account", "claimed_at"], sqlite_where=OPEN, postgresql_where=OPEN)


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
        ForeignKeyConstraint(["account", "key"], ["orders.account", "orders.key"], name="order_events_order"),
        CheckConstraint(f"event IN {EVENTS}", name="order_events_event"),
        CheckConstraint(f"before IN {STATES}", name="order_events_before"),
        CheckConstraint(
            f"after IS NULL OR before || ' ' || event || ' ' || after IN ({LEGAL_MOVES})",
            name="order_events_legal_move",
        ),
        CheckConstraint("attempt > 0", name="order_events_attempt"),
    )
    op.create_index("order_events_order", "order_events", ["account", "key"])


def _witnesses() -> None:
    op.create_table(
        "witnesses",
        Column("account", Text, primary_key=True),
        Column("digest", Text, primary_key=True),
        Column("type", Text, nullable=False),
        Column("order_ids", Text, nullable=False),
        Column("at", Text, nullable=False),
        Column("package", Text),
        CheckConstraint(TYPES, name="witnesses_type"),
    )


def _runs() -> None:
    op.create_table(
        "runs",
        Column("id", Text, primary_key=True),
        Column("account", Text, nullable=False),
        Column("mode", Text, nullable=False),
        Column("started_at", Text, nullable=False),
        Column("host", Text, nullable=False),
        Column("pid", Integer, nullable=False),
        Column("ci_job", Text),
        Column("finished_at", Text),
        Column("exit_code", Integer),
    )


def _holds() -> None:
    op.create_table(
        "holds",
        Column("account", Text, primary_key=True),
        Column("fence", Integer, nullable=False),
        Column("holder", Text, nullable=False),
    )


def _postgresql() -> None:
    for table, columns in POSTGRESQL_BYTES.items():
        changes = ", ".join(f'ALTER COLUMN {column} TYPE text COLLATE "C"' for column in columns)
        op.execute(f"ALTER TABLE {table} {changes}")
    op.execute(POSTGRESQL_NEVER)
    for table in ("orders", "order_events", "witnesses"):
        op.execute(NEVER["postgresql"].format(table=table, verb="TRUNCATE"))
