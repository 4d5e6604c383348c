"""Orders that a ledger forgot: further moves to `placed`, what was wanted then, and orders that are somebody else's."""

from __future__ import annotations

from alembic import op
from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Integer, Text

revision = "0003"
down_revision = "0002"

TYPES = "type IN ('ipv4', 'isp', 'mix', 'mix_isp', 'ipv6', 'mobile', 'resident')"
STATES = "('planned', 'submitted', 'placed', 'rejected', 'unknown', 'absent')"
EVENTS = "('claimed', 'placed', 'rejected', 'not_sent', 'unknown', 'abandoned', 'reconciled', 'resolved')"
LEGAL_MOVE = (
    "after IS NULL OR before || ' ' || event || ' ' || after IN ("
    "'planned claimed submitted', 'rejected claimed submitted', 'absent claimed submitted', "
    "'submitted placed placed', 'submitted rejected rejected', 'submitted not_sent planned', "
    "'submitted unknown unknown', 'submitted abandoned unknown', "
    "'unknown placed placed', 'unknown rejected rejected', 'unknown not_sent planned', 'absent placed placed', "
    "'unknown reconciled placed', 'unknown reconciled absent', 'unknown reconciled unknown', "
    "'unknown resolved placed', 'unknown resolved absent', "
    "'planned placed placed', 'rejected placed placed', "
    "'planned resolved placed', 'rejected resolved placed', 'absent resolved placed')"
)
COLUMNS = 'seq, account, "key", attempt, event, "before", "after", at, run_id, reason, detail, prev_hash, hash'

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


def upgrade() -> None:
    """Let the moves in, and make the tables."""
    engine = op.get_context().dialect.name
    if engine == "sqlite":
        _rebuild_events()
    else:
        op.drop_constraint("order_events_legal_move", "order_events")
        op.create_check_constraint("order_events_legal_move", "order_events", LEGAL_MOVE)
    _strangers()
    _wants()
    verbs: tuple[str, ...] = ("UPDATE", "DELETE")
    if engine == "postgresql":
        for table, columns in (("strangers", ("account", "order_id")), ("wants", ("account", "key"))):
            changes = ", ".join(f'ALTER COLUMN {column} TYPE text COLLATE "C"' for column in columns)
            op.execute(f"ALTER TABLE {table} {changes}")
        verbs += ("TRUNCATE",)
    for verb in verbs:
        op.execute(NEVER[engine].format(table="strangers", verb=verb))


def _rebuild_events() -> None:
    """SQLite changes no constraint: the table is made anew, which takes its triggers and index along."""
    op.rename_table("order_events", "order_events_0002")
    op.drop_index("order_events_order", "order_events_0002")
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
        CheckConstraint(f"event IN {EVENTS}", name="order_events_event"),
        CheckConstraint(f"before IN {STATES}", name="order_events_before"),
        CheckConstraint(LEGAL_MOVE, name="order_events_legal_move"),
        CheckConstraint("attempt > 0", name="order_events_attempt"),
    )
    op.execute(f"INSERT INTO order_events ({COLUMNS}) SELECT {COLUMNS} FROM order_events_0002 ORDER BY seq")  # noqa: S608
    op.drop_table("order_events_0002")
    op.create_index("order_events_order", "order_events", ["account", "key"])
    for verb in ("UPDATE", "DELETE"):
        op.execute(NEVER["sqlite"].format(table="order_events", verb=verb))


def _strangers() -> None:
    op.create_table(
        "strangers",
        Column("account", Text, primary_key=True),
        Column("order_id", Text, primary_key=True),
        Column("who", Text, nullable=False),
        Column("source", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("at", Text, nullable=False),
        sqlite_with_rowid=False,
    )


def _wants() -> None:
    op.create_table(
        "wants",
        Column("account", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("type", Text, nullable=False),
        Column("fields", Text, nullable=False),
        Column("fingerprint", Text, nullable=False),
        Column("quote_total", Text),
        Column("at", Text, nullable=False),
        CheckConstraint(TYPES, name="wants_type"),
        sqlite_with_rowid=False,
    )
