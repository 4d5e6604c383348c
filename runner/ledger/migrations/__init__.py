"""The ledger's schema, revision by revision.

`REVISIONS` is known without importing Alembic and SQLAlchemy, so that a ledger opens without paying for them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

REVISIONS: Final = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009")
"""Oldest first."""

HEAD: Final = REVISIONS[-1]

_DRIVERS: Final = {"sqlite": "sqlite+pysqlite://", "postgres": "postgresql+psycopg://"}


def upgrade(raw: Any, engine: str) -> None:
    """Bring the schema to `HEAD` inside the transaction that is open on a driver's connection."""
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import NullPool, create_engine
    from sqlalchemy.exc import DBAPIError

    more = {} if engine == "sqlite" else {"use_native_hstore": False}
    made = create_engine(_DRIVERS[engine], creator=lambda: _Lent(raw), poolclass=NullPool, **more)
    with made.connect() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        try:
            command.upgrade(config, HEAD)
        except DBAPIError as error:
            raise error.orig or error from error  # the driver's own, which whoever lent the connection knows


class _Lent:
    """A driver's connection that whoever borrows it can neither commit, roll back nor close."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def commit(self) -> None:
        """Nothing."""

    rollback = close = commit
