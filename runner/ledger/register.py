"""The register of accounts in SQL: which names a ledger knows, and whose key each is.

For any SQL engine, like `sql.py`: each call belongs inside a transaction that its caller opens.
"""

from __future__ import annotations

from runner.core.errors import Refused
from runner.core.identity import AccountKey, Register
from runner.ledger import statements
from runner.ledger.codec import record_of, storable, values_of
from runner.ledger.sql import AccountRows


def register(rows: AccountRows) -> Register:
    """Every account with an entry or an event.

    Events alone make a name known, too: an export carries no keys, and neither did ledgers once.
    """
    entries = tuple(record_of(AccountKey, row) for row in rows.every(statements.ACCOUNT_KEYS))
    chained = (row["account"] for row in rows.every(statements.CHAINED))
    return Register(names=frozenset((*chained, *(entry.account for entry in entries))), entries=entries)


def enter_key(rows: AccountRows, fence: int, entry: AccountKey) -> bool:
    """Add an entry, unless its number is taken; `Refused` where another hold than `fence` has the account by now."""
    if rows.fence() != fence:
        raise Refused("the account's key was not entered: another run has since taken over the account")
    values = values_of(entry) | {"who": storable(entry.who)}
    return statements.ENTER_KEY.change(rows.connection, values) == 1
