"""Ask the vendor what has been delivered, and ask again, politely, while something may still come.

Only ever given a `Reader`: nothing here can buy. Each look reads both lists of a type, however many orders it has, and
only of the types that still miss something.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from runner.core.clock import Clock
from runner.core.errors import RunnerError, VendorUnavailable
from runner.core.ledger import Ledger
from runner.core.orders import ProductType
from runner.core.progress import Notice, Waiting, Watch, listing
from runner.core.records import Record
from runner.core.states import State
from runner.core.vendor import Authorization, ListedProxy, Reader
from runner.deliver.joining import OrderDelivery, Resident, VendorView, WantedOrder, join
from runner.limits.admission import check_key

PAUSES: Final = (5.0, 10.0, 20.0, 40.0, 60.0)
"""Seconds between looks; the last one goes on. It takes seconds to hours (docs/vendor/api-v1.md#delivery-times)."""

LEAST: Final = 0.001
"""A rest of seconds that is no time."""

Keep = Callable[[Sequence[OrderDelivery]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryTask:
    """One call. `wait` is in seconds; 0 is one look. `keep` is handed what a look shows before anybody says a word."""

    ledger: Ledger
    reader: Reader
    clock: Clock
    watch: Watch
    orders: tuple[WantedOrder, ...]
    wait: float = 0.0
    pauses: tuple[float, ...] = PAUSES
    keep: Keep = field(default=lambda _: None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliveries:
    """What came of each order that was asked for, in that order, and what could not be read at the last look."""

    deliveries: tuple[OrderDelivery, ...]
    failures: tuple[RunnerError, ...] = ()


def collect(task: DeliveryTask) -> Deliveries:
    """Look until nothing is pending or the time is over.

    Raises `NotThisAccount` for a key that is not the ledger's account's, `AccessError` where the vendor refuses it.
    """
    check_key(task.ledger.account, task.ledger.register(), task.reader.identity)
    begun, pauses, pause = task.clock.monotonic(), iter(task.pauses), 0.0
    by_key: dict[str, OrderDelivery] = {}
    pending = task.orders
    while True:
        looked, failures = _look(task, pending)
        task.keep(looked)
        by_key |= {str(delivery.key): delivery for delivery in looked}
        pending = tuple(order for order in pending if by_key[str(order.key)].pending)
        left = task.wait - (task.clock.monotonic() - begun)
        pause = min(next(pauses, pause), left)
        if not pending or pause < LEAST:
            return Deliveries(deliveries=tuple(by_key[str(order.key)] for order in task.orders), failures=failures)
        task.watch(Waiting(seconds=pause, why=_waits_for(pending)))
        task.clock.sleep(pause)


def _waits_for(pending: Sequence[WantedOrder]) -> str:
    more = f" (and {len(pending) - 1} more)" if len(pending) > 1 else ""
    return f"{pending[0].key}{more} is not delivered yet"


def _look(
    task: DeliveryTask, wanted: Sequence[WantedOrder]
) -> tuple[tuple[OrderDelivery, ...], tuple[RunnerError, ...]]:
    """What the vendor shows of these orders now; what cannot be read is left out and told."""
    records = [order.record for order in wanted if order.record is not None and order.record.state is State.PLACED]
    at, failures = task.clock.now(), list[RunnerError]()
    rows: dict[ProductType, Sequence[ListedProxy]] = {}
    for product in dict.fromkeys(record.type for record in records if record.type != "resident"):
        own = [record for record in records if record.type == product]
        with listing(task.watch, product):
            try:
                rows[product] = task.reader.proxies(product, *_names(own))
            except VendorUnavailable as error:
                _note(task, failures, error)
    resident = None
    if any(record.type == "resident" for record in records):
        resident = _resident(task, failures)
    order_ids = {row.order_id for listed in rows.values() for row in listed}
    view = VendorView(
        at=at,
        rows=rows,
        authorizations=_authorizations(task, rows, failures),
        owners=task.ledger.owners(order_ids),
        strangers=frozenset(stranger.order_id for stranger in task.ledger.strangers()),
        resident=resident,
    )
    return join(wanted, view), tuple(failures)


def _names(records: Sequence[Record]) -> tuple[frozenset[str], frozenset[str]]:
    """The order ids and the base numbers of these orders."""
    ids = frozenset(record.order_id for record in records if record.order_id is not None)
    return ids, frozenset(number for record in records for number in record.base_order_numbers)


def _authorizations(
    task: DeliveryTask, rows: dict[ProductType, Sequence[ListedProxy]], failures: list[RunnerError]
) -> tuple[Authorization, ...]:
    """What opens rows without a login; not asked for where there are none."""
    if not any(not row.login and not row.password for listed in rows.values() for row in listed):
        return ()
    try:
        return task.reader.authorizations()
    except VendorUnavailable as error:
        _note(task, failures, error)
        return ()


def _resident(task: DeliveryTask, failures: list[RunnerError]) -> Resident | None:
    try:
        package = task.reader.look("resident").package
    except VendorUnavailable as error:
        _note(task, failures, error)
        return None
    try:
        lists = task.reader.resident_lists() if package is not None else ()
    except VendorUnavailable:
        return Resident(package=package, lists=None)
    return Resident(package=package, lists=lists)


def _note(task: DeliveryTask, failures: list[RunnerError], error: RunnerError) -> None:
    failures.append(error)
    if task.wait:
        task.watch(Notice(text=f"could not be read: {error}"))
