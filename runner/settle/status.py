"""What the ledger knows of orders, a row each: those of manifests and what is open beside them, or the account's.

An account's rows are read as they are shown: memory does not grow with them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from runner.core.ledger import Ledger
from runner.core.orders import OrderKey, OrderRequest, Source
from runner.core.records import Record
from runner.core.states import CLAIMABLE, OPEN, State

NEWEST: Final = 50
"""Settled orders that are worth a look where nobody asked for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRow:
    """One order: its state, whether a manifest wants it (and where), and what the ledger knows (None: nothing)."""

    key: OrderKey
    state: State
    wanted: bool
    record: Record | None = None
    source: Source | None = None

    @property
    def open(self) -> bool:
        """Money may have moved, and nobody knows."""
        return self.state in OPEN

    @property
    def total(self) -> Decimal | None:
        """What it cost; for an open order what it was expected to cost."""
        if self.record is None:
            return None
        return self.record.total if self.record.total is not None else self.record.quote_total


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Rows to show, and how many orders there are in each state, shown or not.

    `rest` reads the settled ones anew each time it is called; `more` is how many orders are in neither.
    """

    open: Sequence[StatusRow]
    rest: Callable[[], Iterable[StatusRow]]
    counts: Mapping[State, int]
    more: int = 0

    @property
    def total(self) -> int:
        """Orders, shown or not."""
        return sum(self.counts.values())


def overview_of(rows: Sequence[StatusRow]) -> Overview:
    """Rows that are at hand: open ones first, else in the order given."""
    in_doubt, settled = [row for row in rows if row.open], [row for row in rows if not row.open]
    return Overview(open=in_doubt, rest=lambda: settled, counts=Counter(row.state for row in (*in_doubt, *settled)))


def newest(ledger: Ledger, size: int = NEWEST) -> Overview:
    """The account's open orders, and of its settled ones those that moved last; each by key."""
    in_doubt = _by_key(ledger.open_records())
    settled = _by_key(ledger.newest_records(size))
    kept = ledger.counts()
    counts = _counts(kept, (row.state for row in (*in_doubt, *settled)))
    more = sum(count for state, count in kept.items() if state not in OPEN) - len(settled)
    return Overview(open=in_doubt, rest=lambda: settled, counts=counts, more=max(0, more))


def everything(ledger: Ledger) -> Overview:
    """The account's open orders, and all that are settled; each by key."""

    def rest() -> Iterator[StatusRow]:
        return (_row(record) for record in ledger.every_record() if record.state not in OPEN)

    in_doubt = _by_key(ledger.open_records())
    counts = _counts(ledger.counts(), (row.state for row in in_doubt))
    return Overview(open=in_doubt, rest=rest, counts=counts)


def _by_key(records: Iterable[Record]) -> list[StatusRow]:
    return [_row(record) for record in sorted(records, key=lambda record: str(record.key))]


def _counts(kept: Mapping[State, int], first: Iterable[State]) -> dict[State, int]:
    """What is kept of each state that has any order, beginning with the `first` ones."""
    return {state: kept[state] for state in dict.fromkeys((*first, *State)) if kept.get(state)}


def _row(record: Record) -> StatusRow:
    return StatusRow(key=record.key, state=record.state, wanted=True, record=record)


def rows_of(ledger: Ledger, requests: Sequence[OrderRequest]) -> list[StatusRow]:
    """The orders of manifests in their order, then every open order that is none of them."""
    records = ledger.records(request.key for request in requests)
    rows = [
        StatusRow(
            key=request.key,
            state=records[request.key].state if request.key in records else State.PLANNED,
            wanted=True,
            record=records.get(request.key),
            source=request.source,
        )
        for request in requests
    ]
    listed = {row.key for row in rows}
    others = [record for record in ledger.open_records() if record.key not in listed]
    return rows + [StatusRow(key=record.key, state=record.state, wanted=False, record=record) for record in others]


def every_row(ledger: Ledger) -> list[StatusRow]:
    """Every order the ledger has, at once."""
    return [_row(record) for record in ledger.every_record()]


def disputed_records(records: Iterable[Record], ledger: Ledger) -> list[Record]:
    """Those of these orders that nothing buys because the vendor answered them with an order id that nobody has."""
    stray = [record for record in records if record.stray_order_id and record.state in CLAIMABLE]
    owned = ledger.owners(str(record.stray_order_id) for record in stray)
    return [record for record in stray if record.stray_order_id not in owned]
