"""What the ledger knows of orders, a row each: those of manifests and what is open beside them, or all it has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from runner.core.ledger import Ledger
from runner.core.orders import OrderKey, OrderRequest, Source
from runner.core.records import Record
from runner.core.states import CLAIMABLE, OPEN, State


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
    """Every order the ledger has."""
    return [
        StatusRow(key=record.key, state=record.state, wanted=True, record=record) for record in ledger.every_record()
    ]


def disputed_records(rows: Iterable[StatusRow], ledger: Ledger) -> list[Record]:
    """Orders that nothing buys because the vendor answered them with an order id that nobody has by now."""
    records = [row.record for row in rows if row.record and row.record.stray_order_id and row.state in CLAIMABLE]
    owned = ledger.owners(str(record.stray_order_id) for record in records)
    return [record for record in records if record.stray_order_id not in owned]
