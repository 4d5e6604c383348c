"""Write the receipts of bought orders: a line in the comment of each of their rows, once it is delivered.

What goes wrong is said and changes nothing: no order's state, no exit code. Whatever is lost is written the next time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from runner.core.clock import Clock
from runner.core.errors import AccessError, VendorUnavailable
from runner.core.ledger import Ledger
from runner.core.orders import OrderKey, ProductType
from runner.core.receipts import Receipt, digests_of
from runner.core.records import Record
from runner.core.states import State
from runner.core.vendor import Annotator, ListedProxy
from runner.evidence.marks import rows_to_mark

APART: Final = 1.0
"""Seconds between two comments (docs/vendor/api-v1.md#limits)."""

ReceiptResult = Literal["written", "there", "left", "not_delivered", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptNote:
    """What became of one order's receipt: `rows` it was written to, and what there is to say."""

    key: OrderKey
    order_id: str
    result: ReceiptResult
    rows: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotating:
    """One call. `keys` None is every order of the account. `id_only`: names are nobody's business."""

    ledger: Ledger
    vendor: Annotator
    clock: Clock
    keys: Collection[OrderKey] | None = None
    id_only: bool = False


def annotate(task: Annotating) -> Iterator[ReceiptNote]:
    """What became of each order's receipt, as it comes. Raises nothing that a vendor does."""
    records = [record for record in _records(task) if _has_rows(record)]
    claims = task.ledger.beginnings(record.key for record in records)
    pace, digests = _Metronome(task.clock), digests_of((task.ledger.account, *task.ledger.former_accounts()))
    by_type: dict[ProductType, list[Record]] = {}
    for record in records:
        by_type.setdefault(record.type, []).append(record)
    for product, own in by_type.items():
        try:
            rows = _rows(task.vendor, product, own)
        except (AccessError, VendorUnavailable) as error:
            yield from (_result(record, "failed", reason=str(error)) for record in own)
            continue
        for record in own:
            receipt = Receipt.of(
                task.ledger.account,
                str(record.key),
                record.fingerprint,
                claims.get(record.key, "0" * 12),
                id_only=task.id_only,
            )
            yield _annotate(task.vendor, record, rows.get(str(record.order_id), []), receipt, digests, pace)


class _Metronome:
    """Keeps two writes apart."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next: float | None = None

    def wait(self) -> None:
        now = self._clock.monotonic()
        if self._next is not None and now < self._next:
            self._clock.sleep(self._next - now)
        self._next = self._clock.monotonic() + APART


def _records(task: Annotating) -> Iterable[Record]:
    if task.keys is None:
        return task.ledger.every_record()
    return task.ledger.records(task.keys).values()


def _has_rows(record: Record) -> bool:
    """Whether the vendor may list proxies of it: renewals have no rows of their own, resident orders none."""
    is_listed = record.renews is None and record.type != "resident"
    return is_listed and record.state is State.PLACED and bool(record.order_id)


def _rows(vendor: Annotator, product: ProductType, records: Sequence[Record]) -> dict[str, list[ListedProxy]]:
    by_order: dict[str, list[ListedProxy]] = {}
    for row in vendor.proxies(product, {str(record.order_id) for record in records}):
        by_order.setdefault(row.order_id, []).append(row)
    return by_order


def _annotate(
    vendor: Annotator,
    record: Record,
    rows: Sequence[ListedProxy],
    receipt: Receipt,
    own: Collection[str],
    pace: _Metronome,
) -> ReceiptNote:
    own_numbers = record.base_order_numbers
    rows = [row for row in rows if not own_numbers or row.number is None or row.number in own_numbers]
    if not rows:
        return _result(record, "not_delivered", reason="the vendor lists no proxy of it")
    wanted, left = rows_to_mark(rows, receipt, own)
    if not wanted:
        return _result(record, "left" if left else "there", reason="; ".join(left))
    pace.wait()
    try:
        number = vendor.annotate(wanted, receipt.text)
    except (AccessError, VendorUnavailable) as error:
        return _result(record, "failed", reason=str(error))
    if number != len(wanted):
        return _result(record, "failed", number, f"the vendor says that {number} of {len(wanted)} comments were set")
    return _result(record, "written", number, "; ".join(left))


def _result(record: Record, result: ReceiptResult, rows: int = 0, reason: str = "") -> ReceiptNote:
    return ReceiptNote(key=record.key, order_id=str(record.order_id), result=result, rows=rows, reason=reason)
