"""What any SQL ledger answers to a reader: `Ledger` has what each answer is. An engine says how to begin to read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date
from typing import Concatenate, Final, ParamSpec, TypeVar

from runner.core.identity import Register
from runner.core.records import Entry, Head, Record, Spending
from runner.ledger import adopting, archive, claims, delivery_notes, renaming, renewing, spending
from runner.ledger import origins as sources
from runner.ledger import register as registers
from runner.ledger.sql import AccountRows

PAGE: Final = 1000
"""Rows read at a time."""

P = ParamSpec("P")
T = TypeVar("T")


def _answer(
    ask: Callable[Concatenate[AccountRows, P], T], nothing: Callable[[], T]
) -> Callable[Concatenate[SqlReader, P], T]:
    """A method that asks the account's rows in one transaction; without tables it answers with `nothing()`."""

    def answer(self: SqlReader, /, *args: P.args, **kwargs: P.kwargs) -> T:
        reading = self._reading()
        if reading is None:
            return nothing()
        with reading as rows:
            return ask(rows, *args, **kwargs)

    return answer


class SqlReader(ABC):
    """The reading half of `Ledger`, over `_reading`."""

    @abstractmethod
    def _reading(self) -> AbstractContextManager[AccountRows] | None:
        """A transaction to read in, None where there are no tables yet."""

    records = _answer(AccountRows.records, dict)
    open_records = _answer(AccountRows.open_records, list)
    newest_records = _answer(AccountRows.newest_records, list)
    stray_records = _answer(AccountRows.stray_records, list)
    open_claims = _answer(claims.open_claims, list)
    owners = _answer(claims.owners, dict)
    owned_numbers = _answer(claims.owned_numbers, frozenset)
    bought_since = _answer(claims.bought_since, list)
    evidence = _answer(claims.evidence, dict)
    beginnings = _answer(claims.beginnings, dict)
    allowances = _answer(claims.allowances, dict)
    origins = _answer(sources.origins, dict)
    successors = _answer(renaming.successors, dict)
    renewals = _answer(renewing.renewals, dict)
    wants = _answer(adopting.wants, dict)
    strangers = _answer(adopting.strangers, list)
    deliveries = _answer(delivery_notes.deliveries, dict)
    claim_times = _answer(delivery_notes.claim_times, dict)
    spent_since = _answer(spending.spent_since, dict)
    counts = _answer(spending.counts, Counter)
    dearest = _answer(spending.dearest, lambda: None)
    bought_alike = _answer(spending.bought_alike, list)
    register = _answer(registers.register, Register)
    accounts = _answer(archive.accounts, list)
    head = _answer(archive.kept_head, Head)
    former_accounts = _answer(archive.former_accounts, tuple)
    kept_witness = _answer(archive.kept_witness, lambda: None)

    event_number = _answer(archive.event_number, lambda: None)
    misfit_among = _answer(archive.misfit_among, lambda: None)
    misfit_of_days = _answer(archive.misfit_of_days, lambda: None)

    _spendings_after = _answer(sources.page_of_spendings, list)
    _records_after = _answer(AccountRows.page_of_records, list)
    _events_after = _answer(archive.page_of_events, list)
    _misfit_after = _answer(archive.misfit_after, lambda: (None, None))

    def every_record(self) -> Iterator[Record]:
        """All orders of the account, by the text of the key, read in pages."""
        last = ""
        while page := self._records_after(last, PAGE):
            yield from page
            last = str(page[-1].key)

    def spendings(self, since: date, until: date, *, origins: bool) -> Iterator[Spending]:
        """What orders claimed from one day to the other cost, or may have, by the text of the key, read in pages."""
        last = ""
        while page := self._spendings_after(last, PAGE, since=since, until=until, origins=origins):
            yield from page
            last = page[-1].key

    def history(self, after: int = 0) -> Iterator[Entry]:
        """Every event of the account whose `seq` is above `after`, oldest first, as it is stored, read in pages."""
        last = after
        while page := self._events_after(last, PAGE):
            yield from page
            last = page[-1].seq

    def misfit(self) -> str | None:
        """The first order that is not what its events make of it; orders are read in pages, with their events."""
        misfit, last = self._misfit_after("", PAGE)
        while misfit is None and last is not None:
            misfit, last = self._misfit_after(last, PAGE)
        return misfit
