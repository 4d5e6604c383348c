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
        """The known ones among `keys`."""
        return self._read(lambda rows: rows.records(keys), {})

    def every_record(self) -> Iterator[Record]:
        """All orders of the account, by the text of the key, read in pages."""
        last = ""
        while page := self._page(last):
            yield from page
            last = str(page[-1].key)

    def open_records(self) -> list[Record]:
        """Every order of the account whose outcome is not settled (`submitted`, `unknown`), oldest first."""
        return self._read(lambda rows: rows.open_records(), [])

    def open_claims(self) -> list[OpenClaim]:
        """The orders of `open_records` with what their claims wrote down, in that order."""
        return self._read(claims.open_claims, [])

    def owners(self, order_ids: Iterable[str]) -> dict[str, OrderKey]:
        """Which of the vendor's order ids belong to which order of the account."""
        return self._read(lambda rows: claims.owners(rows, order_ids), {})

    def bought_since(self, at: datetime) -> list[Bought]:
        """The placed orders that were settled at `at` or later."""
        return self._read(lambda rows: claims.bought_since(rows, at), [])

    def wants(self, keys: Iterable[OrderKey]) -> dict[OrderKey, Want]:
        """What was last kept by `note_wants` of these keys."""
        return self._read(lambda rows: adopting.wants(rows, keys), {})

    def strangers(self) -> list[Stranger]:
        """The orders at the vendor that are remembered as somebody else's, by order id."""
        return self._read(adopting.strangers, [])

    def spent_since(self, at: datetime) -> dict[date, Decimal]:
        """What was spent, or may have been, by the UTC day of the claim, on orders claimed at `at` or later."""
        return self._read(lambda rows: spending.spent_since(rows, at), {})

    def dearest(self) -> Decimal | None:
        """The price of the dearest order the account ever bought; None where it has bought none."""
        return self._read(spending.dearest, None)

    def bought_alike(self, fingerprints: Iterable[str], at: datetime) -> list[Bought]:
        """The placed and open orders with one of these fingerprints, claimed at `at` or later, oldest first."""
        return self._read(lambda rows: spending.bought_alike(rows, fingerprints, at), [])

    def evidence(self, keys: Iterable[OrderKey]) -> dict[OrderKey, Mapping[str, object]]:
        """What the last event of each of these orders rests on; orders without any are left out."""
        return self._read(lambda rows: claims.evidence(rows, keys), {})

    def allowed(self, keys: Iterable[OrderKey]) -> dict[OrderKey, Allowed]:
        """What the last claim of each of these orders was allowed; orders that were never claimed are left out."""
        return self._read(lambda rows: claims.allowed(rows, keys), {})

    def _page(self, after: str) -> list[Record]:
        return self._read(lambda rows: rows.page_of_records(after, PAGE), [])

    def _read(self, ask: Callable[[AccountRows], T], nothing: T) -> T:
        reading = self._reading()
        if reading is None:
            return nothing
        with reading as rows:
            return ask(rows)
