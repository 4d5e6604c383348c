"""The ledger's schema, revision by revision.

`REVISIONS` is known without importing Alembic, so that an up-to-date ledger opens without paying for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Connection

REVISIONS: Final = ("0001", "0002", "0003", "0004", "0005", "0006", "0007")
"""Oldest first."""

HEAD: Final = REVISIONS[-1]


def upgrade(connection: Connection) -> None:
    """Bring the schema to `HEAD` inside the transaction that is open on `connection`."""
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, HEAD)
