"""The statements that a run uses are those that their definitions make."""

from __future__ import annotations

import pytest
from sqlalchemy import bindparam, select
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect

from runner.ledger.definitions import MODULE, Definition, module_text
from runner.ledger.schema import orders


def test_statements_are_those_of_their_definitions() -> None:
    """`statements.py` is what `python -m runner.ledger.definitions` writes from tables, definitions and migrations."""
    assert MODULE.read_text() == module_text()


def test_a_statement_with_a_value_of_its_own_is_refused() -> None:
    """A value that stands in a definition would have to be given by everyone who runs it: it is written as text."""
    key = orders.c.key
    dialect = sqlite_dialect(paramstyle="named")
    assert Definition(select(key).where(key == bindparam("b_key"))).on(dialect).endswith('"key" = :b_key')
    with pytest.raises(ValueError, match="not named here"):
        Definition(select(key).where(key == "b/one")).on(dialect)
