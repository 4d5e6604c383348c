"""What a ledger is on any SQL engine: the connection it is read by, its transactions, and the version of its tables."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from runner.core.errors import LedgerOutdated, LedgerUnusable, UsageError
from runner.ledger import migrations
from runner.ledger.connection import SqlConnection
from runner.ledger.reader import SqlReader
from runner.ledger.sql import AccountRows


class SqlLedger(SqlReader):
    """One account's orders on one engine. `_reader` is None where there are no tables to read."""

    way_to_upgrade: str
    """What brings an older ledger up to date, as a hint."""

    def __init__(self, account: str, location: str, *, read_only: bool) -> None:
        self.account = account
        self.location = location
        self._read_only = read_only
        self._reader: SqlConnection | None = None

    @property
    def exists(self) -> bool:
        """Whether there are tables to read."""
        return self._reader is not None

    def close(self) -> None:
        """Let go of the store."""
        if self._reader is not None:
            self._reader.close()
        self._reader = None

    @abstractmethod
    def _trusting(self) -> AbstractContextManager[None]:
        """The one place where what the store says becomes `LedgerUnusable`."""

    def _reading(self) -> AbstractContextManager[AccountRows] | None:
        return None if self._reader is None else self._transaction(self._reader)

    @contextmanager
    def _transaction(self, connection: SqlConnection, how: str | None = None) -> Iterator[AccountRows]:
        """One transaction, its commit acknowledged when the `with` is left."""
        with self._trusting(), connection.begin(how):
            yield AccountRows(connection, self.account)

    def _known_version(self, version: str) -> str:
        """The version of the tables; `LedgerUnusable` where nobody here knows it."""
        if version not in migrations.REVISIONS:
            raise LedgerUnusable(
                f"the ledger {self.location} was written by a newer order-runner (its version is {version})",
                hint="upgrade order-runner here as well",
            )
        return version

    def _outdated_error(self, version: str) -> LedgerOutdated:
        return LedgerOutdated(
            f"the ledger {self.location} has an older version ({version})",
            hint=self.way_to_upgrade,
        )


def check_account(account: str) -> None:
    """UsageError for an account name that cannot be part of a file name."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", account):
        raise UsageError(
            f"{account!r} is not an account name", hint="1 to 63 of A-Z a-z 0-9 . _ -, beginning with a letter or digit"
        )
