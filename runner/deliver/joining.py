"""Rows of the vendor's lists joined to the orders that paid for them: pure, and careful about whose a row is.

A row is an order's by the vendor's order id, which a renewal keeps, or by the base order number, where a renewal gave
its rows another id (docs/vendor/api-v1.md#renewals). A row that may be another order's is named and never handed out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from runner.core.deliveries import Proxy, ProxyKind
from runner.core.orders import OrderKey, ProductType, Scalar
from runner.core.records import Record
from runner.core.states import OPEN, State
from runner.core.vendor import Authorization, ListedProxy, ResidentList
from runner.evidence.match import UNCOUNTED, shown_until

PATIENCE: Final = timedelta(hours=24)
"""How long after a purchase proxies may still come by themselves: mobile ones are issued by hand within hours
(docs/vendor/api-v1.md#delivery-times)."""

LISTS_BY_HAND: Final = "make a list in the vendor's dashboard (Residential proxies, Create list): it has the addresses"


class DeliveryState(StrEnum):
    """How far an order has come from bought to in hand."""

    DELIVERED = "delivered"
    """All of it is there, and can be opened."""
    IN_PART = "in_part"
    """Some of it is there; the rest may still come."""
    WAITING = "waiting"
    """Bought, and nothing is there yet."""
    NO_LOGIN = "no_login"
    """Proxies are there, and nothing says how they are opened; that may still come."""
    SHORT = "short"
    """Less than was bought, so long after the purchase that nothing comes by itself."""
    SURPLUS = "surplus"
    """More than was bought is shown as its own: some of it is another order's, and nobody can tell which."""
    ENDED = "ended"
    """Its term is over, and it is not shown any more."""
    UNREAD = "unread"
    """The vendor's lists could not be read."""
    UNKNOWN = "unknown"
    """Nobody knows whether it was bought."""
    NOT_BOUGHT = "not_bought"
    """The ledger knows of no purchase."""


PENDING: Final = frozenset({DeliveryState.IN_PART, DeliveryState.WAITING, DeliveryState.NO_LOGIN, DeliveryState.UNREAD})
"""States that end by themselves, so that waiting helps."""

COMPLETE: Final = frozenset({DeliveryState.DELIVERED, DeliveryState.ENDED})
"""States in which nothing is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedOrder:
    """An order that was asked for, by the key it has now, and what the ledger knows of it, None for nothing.

    `renamed_from` is the key it was asked for by, where that is an earlier one.
    """

    key: OrderKey
    record: Record | None = None
    renamed_from: OrderKey | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignRows:
    """Rows that carry an order's id or number and are not its own: the vendor's id they stand under, and how many."""

    order_id: str
    rows: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDelivery:
    """One order that was asked for: what has come of it, and in what state that is.

    `quantity` is the quantity, None where none can be counted; `rows` are those that are its own. `proxies` is what may
    be handed out, which is nothing in the states in which nobody can tell. `reason` says what the state does not.
    """

    key: OrderKey
    state: DeliveryState
    type: ProductType | None = None
    order_id: str | None = None
    quantity: int | None = None
    rows: int = 0
    proxies: tuple[Proxy, ...] = field(default=(), repr=False)
    ends: date | None = None
    reason: str = ""
    foreign: tuple[ForeignRows, ...] = ()
    renamed_from: OrderKey | None = None

    @property
    def whole(self) -> bool:
        """Whether all that was bought is there."""
        return self.state is DeliveryState.DELIVERED

    @property
    def pending(self) -> bool:
        """Whether waiting may help."""
        return self.state in PENDING

    @property
    def missing(self) -> bool:
        """Whether somebody who asked for it has not got what they asked for."""
        return self.state not in COMPLETE


@dataclass(frozen=True, slots=True, kw_only=True)
class Resident:
    """The account's resident traffic, whichever orders paid for it: `package` as in `Witness`, None for none."""

    package: Mapping[str, str] | None
    lists: tuple[ResidentList, ...] | None
    """None where they could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorView:
    """What the vendor shows at one moment, by type; a type that is missing could not be read.

    `owners` are the ledger's orders behind order ids of these rows, `strangers` those that are somebody else's.
    """

    at: datetime
    rows: Mapping[ProductType, Sequence[ListedProxy]] = field(default_factory=dict, repr=False)
    authorizations: Sequence[Authorization] = field(default=(), repr=False)
    owners: Mapping[str, OrderKey] = field(default_factory=dict)
    strangers: frozenset[str] = frozenset()
    resident: Resident | None = None


def join(wanted: Iterable[WantedOrder], view: VendorView) -> tuple[OrderDelivery, ...]:
    """What has come of each order, in the order given."""
    index = _Index(view)
    return tuple(_delivery(order, view, index) for order in wanted)


class _Index:
    """The rows by order id and by base number, and what opens them by number."""

    def __init__(self, view: VendorView) -> None:
        self.by_id: dict[tuple[ProductType, str], list[ListedProxy]] = defaultdict(list)
        self.by_number: dict[tuple[ProductType, str], list[ListedProxy]] = defaultdict(list)
        self.openers: dict[str, list[Authorization]] = defaultdict(list)
        for product, rows in view.rows.items():
            for row in rows:
                self.by_id[product, row.order_id].append(row)
                if row.number is not None:
                    self.by_number[product, row.number].append(row)
        for authorization in view.authorizations:
            self.openers[authorization.number].append(authorization)


def _delivery(order: WantedOrder, view: VendorView, index: _Index) -> OrderDelivery:
    record = order.record
    if record is None or record.state is not State.PLACED or record.order_id is None:
        return _not_placed(order)
    if record.type == "resident":
        return _resident(order, record, view)
    if record.type not in view.rows:
        return _plain(order, DeliveryState.UNREAD, "the vendor's list could not be read")
    own, foreign = _own_rows(record, view, index)
    proxies = tuple(_proxy(order.key, record, row, index) for row in own)
    state, reason = _state(record, proxies, view.at, foreign)
    return OrderDelivery(
        key=order.key,
        state=state,
        type=record.type,
        order_id=record.order_id,
        quantity=_quantity(record),
        rows=len(own),
        proxies=() if state is DeliveryState.SURPLUS else proxies,
        ends=min((row.ends for row in own if row.ends), default=None),
        reason=reason,
        foreign=foreign,
        renamed_from=order.renamed_from,
    )


def _plain(order: WantedOrder, state: DeliveryState, reason: str, ends: date | None = None) -> OrderDelivery:
    record = order.record
    return OrderDelivery(
        key=order.key,
        state=state,
        type=record.type if record else None,
        order_id=record.order_id if record else None,
        quantity=_quantity(record) if record else None,
        reason=reason,
        ends=ends,
        renamed_from=order.renamed_from,
    )


def _not_placed(order: WantedOrder) -> OrderDelivery:
    record = order.record
    if record is None:
        return _plain(order, DeliveryState.NOT_BOUGHT, "the ledger has no purchase of it: `order-runner apply` buys it")
    if record.state in OPEN:
        why = "it may have been charged, and that is not settled: `order-runner reconcile`"
        return _plain(order, DeliveryState.UNKNOWN, why)
    detail = f"{record.state.value}: {record.reason}" if record.reason else record.state.value
    return _plain(order, DeliveryState.NOT_BOUGHT, f"it is not bought ({detail})")


# -- whose a row is


def _own_rows(
    record: Record, view: VendorView, index: _Index
) -> tuple[tuple[ListedProxy, ...], tuple[ForeignRows, ...]]:
    """The rows that are the order's own, and those that only carry its id or number."""
    order_id = str(record.order_id)
    under_id = index.by_id.get((record.type, order_id), [])
    own, mixed = _without_other_numbers(under_id, record)
    foreign = [ForeignRows(order_id=order_id, rows=len(mixed), reason="another order's number")] if mixed else []
    others = _others(record, index)
    for other, rows in others.items():
        if why := _objection(other, own, others, view):
            foreign.append(ForeignRows(order_id=other, rows=len(rows), reason=why))
        else:
            own = list(rows)
    return tuple(own), tuple(foreign)


def _without_other_numbers(rows: Sequence[ListedProxy], record: Record) -> tuple[list[ListedProxy], list[ListedProxy]]:
    """Rows under our order id that have our number, and those that have another one beside them.

    Where none has it, numbers of this account are told in two forms, and the order id alone counts.
    """
    numbers = frozenset(record.base_order_numbers)
    one_number = [row for row in rows if row.own_number in (None, row.number)]
    fitting = [row for row in one_number if not numbers or row.number is None or row.number in numbers]
    if not any(row.number in numbers for row in fitting):
        fitting = one_number or list(rows)
    kept = set(map(id, fitting))
    return fitting, [row for row in rows if id(row) not in kept]


def _others(record: Record, index: _Index) -> dict[str, list[ListedProxy]]:
    """The rows that have our number under another order id, by that."""
    others: dict[str, list[ListedProxy]] = defaultdict(list)
    for number in dict.fromkeys(record.base_order_numbers):
        for row in index.by_number.get((record.type, number), ()):
            if row.order_id != record.order_id:
                others[row.order_id].append(row)
    return others


def _objection(
    other: str, own: Sequence[ListedProxy], others: Mapping[str, Sequence[ListedProxy]], view: VendorView
) -> str | None:
    """Why rows under another order id are not ours, though they have our number; None where ours was renewed."""
    if other in view.owners:
        return f"they belong to {view.owners[other]}"
    if other in view.strangers:
        return "somebody has said that they are somebody else's"
    if own:
        return "our own order is shown beside them"
    if len(others) > 1:
        return "several orders carry our number"
    return None


# -- what that comes to


def _state(
    record: Record, proxies: Sequence[Proxy], now: datetime, foreign: Sequence[ForeignRows]
) -> tuple[DeliveryState, str]:
    quantity, rows = _quantity(record), len(proxies)
    is_late = now >= record.updated_at + PATIENCE
    if not rows:
        is_over = now >= shown_until(record.fields, record.updated_at) and not foreign
        return _nothing(is_over=is_over, is_late=is_late)
    if quantity is not None and rows > quantity and record.type not in UNCOUNTED:
        why = f"{rows} proxies are shown for {quantity} that were bought: some are another order's"
        return DeliveryState.SURPLUS, f"{why}, and none is handed out"
    if quantity is not None and rows < quantity:
        return _fewer(record.type, rows, quantity, is_late=is_late)
    closed = sum(proxy.needs_login and not (proxy.login and proxy.password) for proxy in proxies)
    if closed:
        return DeliveryState.NO_LOGIN, f"{closed} of {rows} proxies have neither a login nor an address that is let in"
    return DeliveryState.DELIVERED, ""


def _nothing(*, is_over: bool, is_late: bool) -> tuple[DeliveryState, str]:
    if is_over:
        return DeliveryState.ENDED, "its term is over, and the vendor does not show it any more"
    if is_late:
        return DeliveryState.SHORT, "nothing was delivered in a day: ask the vendor's support"
    return DeliveryState.WAITING, "the vendor has not delivered it yet"


def _fewer(product: ProductType, rows: int, quantity: int, *, is_late: bool) -> tuple[DeliveryState, str]:
    reason = f"{rows} of {quantity}"
    if product in UNCOUNTED:
        reason += f"; whether an order of {product} has a row for each address is not known"
    if is_late:
        return DeliveryState.SHORT, f"{reason}, and a day has passed: ask the vendor's support"
    return DeliveryState.IN_PART, reason


def _resident(order: WantedOrder, record: Record, view: VendorView) -> OrderDelivery:
    """Traffic of one package, which all resident orders top up; addresses come from lists that are made by hand."""
    if view.resident is None:
        return _plain(order, DeliveryState.UNREAD, "the vendor's package could not be read")
    package, lists = view.resident.package, view.resident.lists
    if package is None:
        is_late = view.at >= record.updated_at + PATIENCE
        state = DeliveryState.SHORT if is_late else DeliveryState.WAITING
        return _plain(order, state, "the account has no traffic yet")
    until = f" until {package['expired_at']}" if "expired_at" in package else ""
    return _plain(order, DeliveryState.DELIVERED, f"traffic of the account's package{until}; {_of_lists(lists)}")


def _of_lists(lists: tuple[ResidentList, ...] | None) -> str:
    if lists is None:
        return "its lists could not be read"
    if not lists:
        return f"it has no list yet: {LISTS_BY_HAND}"
    named = ", ".join(f"{one.title or one.list_id}{f' ({one.ports} ports)' if one.ports else ''}" for one in lists[:5])
    return f"its lists are {named}{', …' if len(lists) > 5 else ''}: download their addresses in the dashboard"


def _quantity(record: Record) -> int | None:
    quantity = record.fields.get("quantity")
    return quantity if isinstance(quantity, int) else None


# -- one proxy


def _proxy(key: OrderKey, record: Record, row: ListedProxy, index: _Index) -> Proxy:
    login, password, auth_ip = row.login, row.password, row.authorized_ip
    if not (login or password):
        login, password, opened = _opener(row, record, index)
        auth_ip = auth_ip or opened
    return Proxy(
        key=str(key),
        order_id=row.order_id,
        ip=row.ip,
        port_http=row.port_http,
        port_socks=row.port_socks,
        login=login,
        password=password,
        protocol=_protocol(record.fields.get("protocol")),
        country=row.country,
        ends=row.ends,
        auth_ip=auth_ip,
        rotation_link=row.rotation_link,
    )


def _opener(row: ListedProxy, record: Record, index: _Index) -> tuple[str, str, str | None]:
    """Login, password and address of the authorizations of a row's order; a login comes first."""
    numbers = [row.number] if row.number is not None else list(record.base_order_numbers)
    openers = [opener for number in numbers for opener in index.openers.get(number, ())]
    logins = [opener for opener in openers if opener.login and opener.password]
    ip = next((opener.ip for opener in openers if opener.ip), None)
    return (logins[0].login, logins[0].password, ip) if logins else ("", "", ip)


def _protocol(asked: Scalar | None) -> ProxyKind:
    return "socks5" if str(asked or "").upper().startswith("SOCKS") else "http"


def counts(deliveries: Iterable[OrderDelivery]) -> Mapping[DeliveryState, int]:
    """How many orders are in each state; states without any are left out."""
    return Counter(delivery.state for delivery in deliveries)


def proxies_of(deliveries: Iterable[OrderDelivery]) -> Iterator[Proxy]:
    """Each proxy that may be handed out, in the order of the deliveries."""
    for delivery in deliveries:
        yield from delivery.proxies
