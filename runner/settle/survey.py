"""What the account has at the vendor now, order by order: read once, held against the ledger, and noted for next time.

Only ever given a `Reader`: nothing here can buy. A type whose list cannot be read is told, and its orders are judged by
nothing. The ledger is read after the lists, so that an order bought meanwhile is not taken for somebody else's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from runner.core.clock import Clock
from runner.core.errors import AccessError, RunnerError, UnknownForm, VendorUnavailable
from runner.core.ledger import Hold, Ledger
from runner.core.orders import PRODUCT_TYPES, OrderKey, OrderRequest, ProductType
from runner.core.periods import ends_between
from runner.core.readings import has_bought
from runner.core.records import Record
from runner.core.sightings import Sighting
from runner.core.states import OPEN, State
from runner.core.vendor import Reader, ResidentPackage
from runner.evidence import rentals
from runner.evidence.rentals import Moment, Rental, ShownOrder
from runner.limits.admission import check_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What there is: the orders, soonest end first, those of the vendor that nobody owns, and what could not be read.

    `only_ending`: the others were left out. `types` were asked for. `sightings` are to be noted.
    """

    when: Moment
    types: tuple[ProductType, ...]
    rentals: tuple[Rental, ...] = ()
    strangers: tuple[ShownOrder, ...] = ()
    package: ResidentPackage | None = None
    failures: Mapping[ProductType, RunnerError] = field(default_factory=dict)
    sightings: tuple[Sighting, ...] = field(default=(), repr=False)
    only_ending: bool = False

    @property
    def is_quiet(self) -> bool:
        """Whether there is nothing to act on."""
        return not (self.failures or self.strangers or any(rental.facts for rental in self.rentals))


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveying:
    """One look. `requests`: only these orders, in doubt or not; None for the account's. An end is near `within`."""

    ledger: Ledger
    reader: Reader
    clock: Clock
    within: timedelta
    requests: Sequence[OrderRequest] | None = None
    only_ending: bool = False


@dataclass(slots=True)
class _Listings:
    """What the vendor showed, by the names that an order has there."""

    by_id: dict[str, ShownOrder] = field(default_factory=dict)
    by_number: dict[str, str] = field(default_factory=dict)
    owners: Mapping[str, OrderKey] = field(default_factory=dict)
    package: ResidentPackage | None = None
    failures: dict[ProductType, RunnerError] = field(default_factory=dict)

    def add(self, orders: Iterable[ShownOrder]) -> None:
        for order in orders:
            self.by_id[order.order_id] = order
            self.by_number.update(dict.fromkeys(order.numbers, order.order_id))

    def ids_of(self, record: Record) -> set[str]:
        """What the vendor shows of an order of the ledger: under its id, or as nobody's under its base number."""
        ids = {record.order_id} if record.order_id in self.by_id else set[str | None]()
        numbered = (self.by_number.get(str(name)) for name in (record.order_id, *record.base_order_numbers))
        return {name for name in (*ids, *numbered) if name and self.owners.get(name, record.key) == record.key}


def survey(task: Surveying) -> Survey:
    """Ask for each list once, then the ledger. Raises `NotThisAccount` for a key that is another account's."""
    check_key(task.ledger.account, task.ledger.register(), task.reader.identity)
    at = task.clock.now().astimezone(UTC)
    when = Moment(at=at, near=(at + task.within).date())
    types = PRODUCT_TYPES if task.requests is None else tuple(dict.fromkeys(order.type for order in task.requests))
    reading = _read(task, types)
    reading.owners = task.ledger.owners(reading.by_id)
    kept, owned = _own(task, reading, types, when)
    judgements = _judgements(task, reading, kept, when)
    own = [rental for rental, _ in judgements]
    strangers = {stranger.order_id for stranger in task.ledger.strangers()}
    others = [order for order in reading.by_id.values() if order.order_id not in owned]
    unowned = [order for order in others if not _is_of(order, strangers)]
    if task.only_ending:
        own = rentals.ending_rentals(own, when.near)
        unowned = [order for order in unowned if order.first_end is not None and order.first_end <= when.near]
    return Survey(
        when=when,
        types=types,
        rentals=tuple(sorted(own, key=_urgency)),
        strangers=tuple(sorted(unowned, key=lambda order: (order.first_end or date.max, order.type, order.order_id))),
        package=reading.package,
        failures=reading.failures,
        sightings=tuple(sighting for _, sighting in judgements if sighting is not None),
        only_ending=task.only_ending,
    )


def note(survey: Survey, hold: Hold) -> None:
    """Remember what was seen, for the next look to compare with."""
    hold.note_deliveries(survey.sightings)


def _is_of(order: ShownOrder, names: Collection[str]) -> bool:
    return order.order_id in names or any(number in names for number in order.numbers)


def _urgency(rental: Rental) -> tuple[bool, date, str]:
    return not rental.open, rental.ends or date.max, str(rental.key)


def _read(task: Surveying, types: Sequence[ProductType]) -> _Listings:
    """Each list once; after a refusal at the door nothing more is asked for."""
    reading = _Listings()
    for place, product in enumerate(types):
        try:
            if product == "resident":
                reading.package = task.reader.resident_package()
            else:
                reading.add(rentals.shown_orders(product, task.reader.proxies(product)))
        except UnknownForm as error:
            if has_bought(task.ledger, product):
                reading.failures[product] = error
        except VendorUnavailable as error:
            reading.failures[product] = error
        except AccessError as error:
            reading.failures |= dict.fromkeys(types[place:], error)
            break
    return reading


@dataclass(frozen=True, slots=True, kw_only=True)
class _OwnOrder:
    """An order that the survey is about: its record, None where it was never bought, and its names at the vendor."""

    key: OrderKey
    type: ProductType
    record: Record | None
    ids: frozenset[str] = frozenset()
    renewals: tuple[Record, ...] = ()


def _own(
    task: Surveying, reading: _Listings, types: Collection[ProductType], when: Moment
) -> tuple[list[_OwnOrder], set[str]]:
    """The orders that are to be told of, and the ids of all that the vendor shows of the account's own.

    One pass over the account's orders; what is over and not shown is not kept.
    """
    wanted = None if task.requests is None else {request.key for request in task.requests}
    owned: set[str] = set()
    kept: dict[OrderKey, tuple[Record, frozenset[str]]] = {}
    renewals: list[Record] = []
    for record in task.ledger.every_record():
        if record.renews is not None:
            renewals.append(record)
            continue
        ids = frozenset(reading.ids_of(record)) - owned if record.state is State.PLACED else frozenset[str]()
        owned |= ids
        if _is_kept(record, ids, wanted, types, when):
            kept[record.key] = record, ids
    terms = rentals.by_renewed(renewals)
    orders = [
        _OwnOrder(key=key, type=record.type, record=record, ids=ids, renewals=terms.get(record.order_id or "", ()))
        for key, (record, ids) in kept.items()
    ]
    told = {renewal.key for order in orders for renewal in order.renewals}
    alone = [renewal for renewal in renewals if renewal.state in OPEN and renewal.key not in told]
    orders += [_OwnOrder(key=renewal.key, type=renewal.type, record=renewal) for renewal in alone]
    missing = [request for request in task.requests or () if request.key not in kept]
    orders += [_OwnOrder(key=request.key, type=request.type, record=None) for request in missing]
    return orders, owned


def _is_kept(
    record: Record,
    ids: Collection[str],
    wanted: Collection[OrderKey] | None,
    types: Collection[ProductType],
    when: Moment,
) -> bool:
    if record.state in OPEN:
        return True
    if wanted is not None:
        return record.key in wanted
    return record.state is State.PLACED and record.type in types and (bool(ids) or _may_run(record, when.today))


def _may_run(record: Record, today: date) -> bool:
    """Whether an order that the vendor does not show should still be there: its period, from its last event on."""
    ends = ends_between(record.type, record.fields, record.updated_at.astimezone(UTC).date())
    return ends is not None and ends[1] >= today


def _judgements(
    task: Surveying, reading: _Listings, kept: Sequence[_OwnOrder], when: Moment
) -> list[tuple[Rental, Sighting | None]]:
    claimed = task.ledger.claim_times(order.key for order in kept)
    noted = task.ledger.deliveries(order.record.order_id for order in kept if order.record and order.record.order_id)
    return [_judgement(order, reading, claimed.get(order.key), noted, when) for order in kept]


def _judgement(
    order: _OwnOrder, reading: _Listings, claimed: datetime | None, noted: Mapping[str, Sighting], when: Moment
) -> tuple[Rental, Sighting | None]:
    record = order.record
    listing = rentals.join([reading.by_id[order_id] for order_id in sorted(order.ids)])
    is_bought = record is not None and record.state is State.PLACED
    rental = Rental(
        key=order.key,
        type=order.type,
        state=record.state if record else State.PLANNED,
        record=record,
        quantity=rentals.ordered_of(record) if record else None,
        listing=listing,
        package=reading.package if order.type == "resident" and is_bought else None,
        is_read=order.type not in reading.failures,
        renewals=order.renewals,
    )
    if record is None:
        return rental, None
    sighting = noted.get(record.order_id or "")
    begin = rentals.begin_of(claimed.astimezone(UTC).date() if claimed else None, listing)
    expected = rentals.expectation(record, order.renewals, begin, sighting, when.at)
    return rentals.judge_rental(rental, when, expected, sighting)
