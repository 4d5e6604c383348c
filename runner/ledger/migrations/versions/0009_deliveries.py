"""What was seen last of each order's delivery: days and counts, and digests from which no address can be read."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Integer, Text

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "deliveries",
        Column("account", Text, primary_key=True),
        Column("order_id", Text, primary_key=True),
        Column("at", Text, nullable=False),
        Column("rows", Integer, nullable=False),
        Column("salt", Text, nullable=False),
        Column("digests", Text, nullable=False),
        Column("first_end", Text),
        Column("last_end", Text),
        Column("changed_at", Text),
        Column("losses", Integer, nullable=False),
        Column("additions", Integer, nullable=False),
        Column("moved_at", Text),
        sqlite_with_rowid=False,
    )
    if op.get_context().dialect.name == "postgresql":
        # Only what is compared byte by byte may decide an index's order (see 0001).
        changes = ", ".join(f'ALTER COLUMN {column} TYPE text COLLATE "C"' for column in ("account", "order_id"))
        op.execute(f"ALTER TABLE deliveries {changes}")
