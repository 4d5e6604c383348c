"""What any SQL ledger answers to a reader. An engine says how to begin to read, and nothing more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Final, TypeVar

from runner.core.orders import OrderKey
from runner.core.records import Allowed, Bought, OpenClaim, Record, Stranger, Want
from runner.ledger import adopting, claims, spending
from runner.ledger.archive import Archive
from runner.ledger.sql import AccountRows

PAGE: Final = 1000
"""Records read at a time."""

T = TypeVar("T")


class SqlReader(Archive):
    """The reading half of `Ledger`, over `_reading`."""

    def records(self, keys: Iterable[OrderKey]) -> dict[OrderKey, Record]:
        """See `Ledger`."""
        return self._read(lambda rows: rows.records(keys), {})

    def every_record(self) -> Iterator[Record]:
        """See `Ledger`; by the text of the key, read in pages."""
        last = ""
        while page := self._page(last):
            yield from page
            last = str(page[-1].key)

    def open_records(self) -> list[Record]:
        """See `Ledger`."""
        return self._read(lambda rows: rows.open_records(), [])

    def open_claims(self) -> list[OpenClaim]:
        """See `Ledger`."""
        return self._read(claims.open_claims, [])

    def owners(self, order_ids: Iterable[str]) -> dict[str, OrderKey]:
        """See `Ledger`."""
        return self._read(lambda rows: claims.owners(rows, order_ids), {})

    def bought_since(self, at: datetime) -> list[Bought]:
        """See `Ledger`."""
        return self._read(lambda rows: claims.bought_since(rows, at), [])

    def wants(self, keys: Iterable[OrderKey]) -> dict[OrderKey, Want]:
        """See `Ledger`."""
        return self._read(lambda rows: adopting.wants(rows, keys), {})

    def strangers(self) -> list[Stranger]:
        """See `Ledger`."""
        return self._read(adopting.strangers, [])

    def spent_since(self, at: datetime) -> dict[date, Decimal]:
        """See `Ledger`."""
        return self._read(lambda rows: spending.spent_since(rows, at), {})

    def dearest(self) -> Decimal | None:
        """See `Ledger`."""
        return self._read(spending.dearest, None)

    def bought_alike(self, fingerprints: Iterable[str], at: datetime) -> list[Bought]:
        """See `Ledger`."""
        return self._read(lambda rows: spending.bought_alike(rows, fingerprints, at), [])

    def evidence(self, keys: Iterable[OrderKey]) -> dict[OrderKey, Mapping[str, object]]:
        """See `Ledger`."""
        return self._read(lambda rows: claims.evidence(rows, keys), {})

    def allowed(self, keys: Iterable[OrderKey]) -> dict[OrderKey, Allowed]:
        """See `Ledger`."""
        return self._read(lambda rows: claims.allowed(rows, keys), {})

    def _page(self, after: str) -> list[Record]:
        return self._read(lambda rows: rows.page_of_records(after, PAGE), [])

    def _read(self, ask: Callable[[AccountRows], T], nothing: T) -> T:
        reading = self._reading()
        if reading is None:
            return nothing
        with reading as rows:
            return ask(rows)
