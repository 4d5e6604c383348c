"""What became of bought orders, by what the vendor shows of them now: delivered, when they end, what changed. Pure.

Days are those of UTC. The vendor's dates have no zone, and a month is 30 days or up to 31, so that nothing is said to
have moved that lies within `SLACK` of where it was expected.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import chain
from typing import Final

from runner.core.orders import ENDS, OrderKey, ProductType
from runner.core.periods import ends_between
from runner.core.records import Record
from runner.core.sightings import Sighting, difference, digests_of, new_salt
from runner.core.states import OPEN, State
from runner.core.vendor import ListedProxy, ResidentPackage
from runner.evidence.match import UNCOUNTED

SLACK: Final = timedelta(days=2)

REPEATED: Final = timedelta(days=1)
"""For so long a change is told after it was noted, so that a look by hand does not hide it from the nightly job."""


class FactKind(StrEnum):
    """What there is to act on, the most urgent first."""

    UNKNOWN = "unknown"
    NOT_READ = "not_read"
    ENDED = "ended"
    ENDS = "ends"
    SHORT = "short"
    SURPLUS = "surplus"
    RENEWED_OUTSIDE = "renewed_outside"
    ENDS_EARLY = "ends_early"
    REPLACED = "replaced"
    AUTO_RENEWED = "auto_renewed"
    UNOWNED = "unowned"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownOrder:
    """What the rows of one order show together; `addresses` stay in memory, and out of every repr.

    `starts` is its first start, `first_end` and `last_end` the first and the last day on which a proxy of it ends.
    """

    type: ProductType
    order_id: str
    rows: int
    numbers: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    starts: date | None = None
    first_end: date | None = None
    last_end: date | None = None
    auto_renewed: bool = False
    addresses: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rental:
    """One order and what the vendor shows of it: `listing` is None where that is nothing.

    `record` is None for an order of a manifest that was never bought. `quantity` is how many proxies were, None where
    that cannot be told. `is_read`: the vendor answered for its type. `package` stands in place of rows for resident
    orders. `replacements` counts addresses that came for others, as noted at `replaced_at`. `renewals` are those of the
    ledger.
    """

    key: OrderKey
    type: ProductType
    state: State
    record: Record | None = None
    quantity: int | None = None
    listing: ShownOrder | None = None
    package: ResidentPackage | None = None
    is_read: bool = True
    ends: date | None = None
    days_left: int | None = None
    replacements: int = 0
    replaced_at: datetime | None = None
    renewals: tuple[Record, ...] = ()
    facts: tuple[FactKind, ...] = ()

    @property
    def open(self) -> bool:
        """It, or a renewal of it, may have been charged, and nobody knows."""
        return self.state in OPEN or any(renewal.state in OPEN for renewal in self.renewals)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When the vendor was asked, and until which day an end is near."""

    at: datetime
    near: date

    @property
    def today(self) -> date:
        return self.at.date()


def shown_orders(product: ProductType, rows: Iterable[ListedProxy]) -> list[ShownOrder]:
    """The orders that rows of a type make, in their order. A number that several of them have names none."""
    by_order: defaultdict[str, list[ListedProxy]] = defaultdict(list)
    for row in rows:
        by_order[row.order_id].append(row)
    orders = [_order_of(product, order_id, own) for order_id, own in by_order.items()]
    count = Counter(chain.from_iterable(order.numbers for order in orders))
    shared = {number for number, times in count.items() if times > 1}
    return [replace(order, numbers=order.numbers - shared) if order.numbers & shared else order for order in orders]


def _order_of(product: ProductType, order_id: str, rows: Sequence[ListedProxy]) -> ShownOrder:
    ends = [row.ends for row in rows if row.ends]
    return ShownOrder(
        type=product,
        order_id=order_id,
        rows=len(rows),
        numbers=frozenset(row.number for row in rows if row.number),
        countries=frozenset(row.country for row in rows if row.country),
        starts=min((row.starts for row in rows if row.starts), default=None),
        first_end=min(ends, default=None),
        last_end=max(ends, default=None),
        auto_renewed=any(row.auto_renewed for row in rows),
        addresses=tuple(f"{row.ip} {row.port_http} {row.port_socks}" for row in rows if row.ip),
    )


def join(orders: Sequence[ShownOrder]) -> ShownOrder | None:
    """What the vendor shows under several ids and the ledger knows as one order; None for nothing."""
    if len(orders) < 2:
        return orders[0] if orders else None
    return replace(
        orders[0],
        rows=sum(order.rows for order in orders),
        numbers=frozenset[str]().union(*(order.numbers for order in orders)),
        countries=frozenset[str]().union(*(order.countries for order in orders)),
        starts=min((order.starts for order in orders if order.starts), default=None),
        first_end=min((order.first_end for order in orders if order.first_end), default=None),
        last_end=max((order.last_end for order in orders if order.last_end), default=None),
        auto_renewed=any(order.auto_renewed for order in orders),
        addresses=tuple(chain.from_iterable(order.addresses for order in orders)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """The days between which an order should end by what the ledger knows; None where that cannot be told."""

    first: date | None = None
    last: date | None = None


def expectation(
    record: Record, renewals: Sequence[Record], begin: date | None, sighting: Sighting | None, at: datetime
) -> Expectation:
    """When an order should end: after its period, or as it was noted last, or after the last renewal of the ledger.

    A renewal in doubt may have moved the end, and one of today may not have moved it yet: both count for the last day
    alone.
    """
    bought = ends_between(record.type, record.fields, begin) if begin else None
    first, last = bought or (None, None)
    if sighting is not None and sighting.last_end is not None:
        last = sighting.last_end
    for renewal in renewals:
        ends = ends_between(renewal.type, renewal.fields, date.fromisoformat(str(renewal.fields[ENDS])))
        if ends is None or renewal.state not in (*OPEN, State.PLACED):
            continue
        last = max(last, ends[1]) if last else ends[1]
        if renewal.state is State.PLACED and renewal.updated_at < at - REPEATED:
            first = max(first, ends[0]) if first else ends[0]
    return Expectation(first=first, last=last)


def begin_of(claimed: date | None, listing: ShownOrder | None) -> date | None:
    """The day an order began: that of its claim, or an earlier one that its rows show, as those of an adopted one do.

    A renewal may write a later start into the rows; that is none.
    """
    days = [day for day in (claimed, listing.starts if listing else None) if day]
    return min(days, default=None)


def judge_rental(
    rental: Rental, when: Moment, expected: Expectation, sighting: Sighting | None
) -> tuple[Rental, Sighting | None]:
    """The rental with its facts, and what to note of it; None for what is noted already."""
    if rental.type == "resident":
        return _with_facts(rental, when, []), None
    seen, noted = rental.listing, sighting
    kinds: list[FactKind] = []
    own_id = rental.record.order_id if rental.record else None
    if seen is not None and own_id is not None:
        noted = _sighting(own_id, seen, when, sighting, is_outside=_is_later(seen.last_end, expected.last))
        if noted.moved_at is not None and when.at - noted.moved_at < REPEATED:
            kinds.append(FactKind.RENEWED_OUTSIDE)
        if _is_later(expected.first, seen.first_end):
            kinds.append(FactKind.ENDS_EARLY)
        if noted.replacements and noted.changed_at is not None and when.at - noted.changed_at < REPEATED:
            kinds.append(FactKind.REPLACED)
            rental = replace(rental, replacements=noted.replacements, replaced_at=noted.changed_at)
    rental = _with_facts(rental, when, [*kinds, *_count_facts(rental, when, expected)])
    return rental, None if noted is None or _is_same(noted, sighting) else noted


def _count_facts(rental: Rental, when: Moment, expected: Expectation) -> Iterable[FactKind]:
    """Whether there are too few or too many proxies, where enough is known to say so."""
    record, rows = rental.record, rental.listing.rows if rental.listing else 0
    if not rental.is_read or record is None or rental.state is not State.PLACED or record.updated_at >= when.at:
        return
    is_over = rows == 0 and (expected.last is None or expected.last < when.today + SLACK)
    if is_over:
        return
    if rental.quantity is None:
        if not rows:
            yield FactKind.SHORT
    elif rows < rental.quantity:
        yield FactKind.SHORT
    elif rows > rental.quantity:
        yield FactKind.SURPLUS


def _with_facts(rental: Rental, when: Moment, kinds: Iterable[FactKind]) -> Rental:
    """With what its end, its state and the vendor's own renewal tell besides."""
    facts = set(kinds)
    source = rental.listing or rental.package if rental.is_read else None
    ends = None
    if source is not None:
        ends = source.first_end if isinstance(source, ShownOrder) else source.ends
        if source.auto_renewed:
            facts.add(FactKind.AUTO_RENEWED)
    if ends is not None and ends < when.today:
        facts.add(FactKind.ENDED)
    elif ends is not None and ends <= when.near:
        facts.add(FactKind.ENDS)
    if rental.open:
        facts.add(FactKind.UNKNOWN)
    order = list(FactKind)
    return replace(
        rental,
        ends=ends,
        days_left=None if ends is None else (ends - when.today).days,
        facts=tuple(sorted(facts, key=order.index)),
    )


def ordered_of(record: Record) -> int | None:
    """How many proxies were ordered, where the vendor shows a row for each."""
    quantity = record.fields.get("quantity")
    return quantity if isinstance(quantity, int) and record.type not in (*UNCOUNTED, "resident") else None


def _is_later(day: date | None, expected: date | None) -> bool:
    return day is not None and expected is not None and day > expected + SLACK


def _sighting(
    order_id: str,
    listing: ShownOrder,
    when: Moment,
    before: Sighting | None,
    *,
    is_outside: bool,
    salt: Callable[[], str] = new_salt,
) -> Sighting:
    """What is to be remembered of an order; what was told less than a day ago stays told.

    An address that is gone, and for which no other came, is remembered: it may be replaced later.
    """
    key = before.salt if before else salt()
    digests = digests_of(listing.addresses, key)
    now = Sighting(
        order_id=order_id,
        at=when.at,
        rows=listing.rows,
        salt=key,
        digests=digests,
        first_end=listing.first_end,
        last_end=listing.last_end,
        moved_at=when.at if is_outside else (before.moved_at if before else None),
    )
    if before is None:
        return now
    gone, added = difference(before.digests, digests)
    missing = gone[len(added) :]
    now = replace(now, digests=tuple(sorted((*digests, *missing))))
    if gone and added:
        return replace(now, changed_at=when.at, losses=len(gone), additions=len(added))
    return replace(now, changed_at=before.changed_at, losses=before.losses, additions=before.additions)


def _is_same(now: Sighting, before: Sighting | None) -> bool:
    return before is not None and replace(now, at=before.at) == before


def ending_rentals(rentals: Iterable[Rental], near: date) -> list[Rental]:
    """Those that have ended or end by a day, and what is in doubt; what the vendor did not answer for is none."""
    return [rental for rental in rentals if rental.open or (rental.ends is not None and rental.ends <= near)]


def by_renewed(records: Iterable[Record]) -> Mapping[str, tuple[Record, ...]]:
    """Renewals by the vendor's id of the order that they renew, in the order of their terms."""
    by_order: defaultdict[str, list[Record]] = defaultdict(list)
    for record in records:
        if record.renews is not None:
            by_order[record.renews].append(record)
    return {order_id: tuple(sorted(own, key=lambda record: record.key.term)) for order_id, own in by_order.items()}
