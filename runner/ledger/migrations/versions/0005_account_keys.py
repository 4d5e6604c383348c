"""Whose account each name is: a digest of its API key, entered once and again at every rotation."""

from __future__ import annotations

from alembic import op
from sqlalchemy import CheckConstraint, Column, Integer, Text

revision = "0005"
down_revision = "0004"

# Text of a trigger is each engine's own.
NEVER = {
    "sqlite": """
        CREATE TRIGGER account_keys_no_{verb} BEFORE {verb} ON account_keys
        BEGIN SELECT RAISE(ABORT, 'account_keys: {verb} is not allowed, it is only ever added to'); END
    """,
    "postgresql": """
        CREATE TRIGGER account_keys_no_{verb} BEFORE {verb} ON account_keys
        FOR EACH STATEMENT EXECUTE FUNCTION order_runner_never()
    """,
}


def upgrade() -> None:
    """Make the table. It stays empty: the key of an account that is there already is entered by its next run."""
    op.create_table(
        "account_keys",
        Column("n", Integer, primary_key=True, autoincrement=False),
        Column("account", Text, nullable=False),
        Column("salt", Text),
        Column("digest", Text),
        Column("address", Text),
        Column("at", Text, nullable=False),
        Column("who", Text, nullable=False),
        CheckConstraint(
            "(digest IS NULL) = (salt IS NULL) AND (digest IS NULL) = (address IS NULL)", name="account_keys_whole"
        ),
        CheckConstraint("n > 0", name="account_keys_n"),
    )
    engine = op.get_context().dialect.name
    for verb in ("UPDATE", "DELETE", *(("TRUNCATE",) if engine == "postgresql" else ())):
        op.execute(NEVER[engine].format(verb=verb))
