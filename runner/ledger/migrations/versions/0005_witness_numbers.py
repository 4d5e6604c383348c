"""The base order numbers of a witness, by which a renewal is known. What was kept before has none, and stays so."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Text

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make room for them."""
    op.add_column("witnesses", Column("numbers", Text))
