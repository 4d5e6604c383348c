"""What a role of PostgreSQL needs to buy with a ledger: worked out from the tables and the statements that write them.

It reads everything, adds, and moves on what is there. It never deletes, and changes no event.
"""

from __future__ import annotations

import re
from typing import Final

from sqlalchemy.dialects.postgresql.base import PGDialect

from runner.ledger import statements
from runner.ledger.connection import Statement
from runner.ledger.schema import metadata

EXAMPLE: Final = "order_runner_ci"
"""The role of docs/how-to/shared-ledger.md."""

VERSION: Final = "alembic_version"
"""The table of the migrations, which is no part of the schema."""

_WRITES: Final = re.compile(r"(INSERT) INTO (\w+)|(UPDATE) (\w+)")


def rights() -> dict[str, tuple[str, ...]]:
    """The tables that each right is needed on, by the right, both in order."""
    written: dict[str, set[str]] = {"INSERT": set(), "UPDATE": set()}
    for statement in vars(statements).values():
        found = _WRITES.match(statement.postgres) if isinstance(statement, Statement) else None
        if found is not None:
            right, table = filter(None, found.groups())
            written[right].add(table)
    return {"SELECT": (VERSION, *sorted(metadata.tables))} | {
        right: tuple(sorted(names)) for right, names in written.items()
    }


def sequences() -> tuple[str, ...]:
    """The sequences that number new rows."""
    numbered = ((table.name, table.autoincrement_column) for table in metadata.sorted_tables)
    return tuple(f"{name}_{column.name}_seq" for name, column in numbered if column is not None)


def grants(schema: str, role: str) -> tuple[str, ...]:
    """The statements that give a role its rights on the ledger in a schema, names quoted where that is needed."""
    place, to = _identifier(schema), f"TO {_identifier(role)};"

    def names_text(names: tuple[str, ...]) -> str:
        return ", ".join(f"{place}.{name}" for name in names)

    return (
        f"GRANT USAGE ON SCHEMA {place} {to}",
        *(f"GRANT {right} ON {names_text(tables)} {to}" for right, tables in rights().items()),
        f"GRANT USAGE ON SEQUENCE {names_text(sequences())} {to}",
    )


def _identifier(name: str) -> str:
    # The statements are sent without parameters, so nothing would make one % of the two that another style writes.
    return str(PGDialect(paramstyle="named").identifier_preparer.quote(name))  # type: ignore[no-untyped-call]
