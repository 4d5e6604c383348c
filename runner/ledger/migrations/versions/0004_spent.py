"""Two indexes: what was spent since a moment, and the dearest order ever bought."""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

revision = "0004"
down_revision = "0003"

SINCE = ["account", "claimed_at"]
READ = ["state", "total", "quote_total", "stray_order_id"]


def upgrade() -> None:
    """Make both; the first is wide enough to answer without a look at the orders themselves."""
    if op.get_context().dialect.name == "postgresql":
        # Only what is compared byte by byte may decide an index's order (see 0001).
        op.create_index("orders_spent", "orders", SINCE, postgresql_include=READ)
    else:
        op.create_index("orders_spent", "orders", [*SINCE, *READ])
    placed = text("state = 'placed'")
    op.create_index(
        "orders_price",
        "orders",
        ["account", text("CAST(COALESCE(total, quote_total) AS NUMERIC)")],
        sqlite_where=placed,
        postgresql_where=placed,
    )
