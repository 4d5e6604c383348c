"""Renewals (docs/vendor/api-v1.md#renewals): which addresses are meant, what it costs, and what becomes of them."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from runner.sandbox import basket, goods
from runner.sandbox.basket import BALANCE, RefusedError
from runner.sandbox.customers import Customer, Event, Price, mark_of
from runner.sandbox.dates import renewed_end, spell_second
from runner.sandbox.memory import Extension
from runner.sandbox.shelf import Lot, row_of

if TYPE_CHECKING:
    from runner.sandbox.accounts import Vendor

JSON = dict[str, Any]
Body = Mapping[str, Any]
WHOLE = ("ipv6", "mix", "mix_isp")
"""Types of which whole orders are renewed only."""
UNKNOWN_IDS, IN_PROGRESS, NO_FUNDS = 29, 57, 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What is to be renewed: the addresses of each order, by index, for a period, paid by balance or card."""

    type: str
    lots: tuple[tuple[Lot, tuple[int, ...]], ...]
    period: str
    payment: int

    @property
    def rows(self) -> int:
        """How many addresses that is."""
        return sum(len(indexes) for _, indexes in self.lots)


def choose(vendor: "Vendor", account: Customer, type_: str, body: Body, now: float) -> Chosen:
    """What the body asks for. Raises RefusedError with the vendor's text and code."""
    if type_ == "resident":
        raise RefusedError("Create new order to add traffic, prolong options not available")
    product = goods.PRODUCTS.get(type_)
    if product is None:
        raise RefusedError("Set existed [type] from reference")
    orders: dict[int, tuple[Lot, list[int]]] = {}
    for place in vendor.addresses(account, dict.fromkeys(ids_of(body)), now):
        if place is None or place[0].basket.type != type_:
            raise RefusedError("Incorrect orderIds", UNKNOWN_IDS)
        orders.setdefault(place[0].purchase.order_id, (place[0], []))[1].append(place[1])
    if not orders:
        raise RefusedError("Incorrect orderIds", UNKNOWN_IDS)
    lots = tuple((lot, _whole(vendor, account, lot, indexes, now)) for lot, indexes in orders.values())
    return Chosen(type=type_, lots=lots, period=basket.read_period(product, body), payment=basket.read_payment(body))


def ids_of(body: Body) -> list[int | None]:
    """The ids of a body, one or several, as numbers; what is no id is None."""
    given = body.get("ids")
    ids = given if isinstance(given, list) else [] if given is None else [given]
    return [basket.integer(id_) for id_ in ids]


def _whole(vendor: "Vendor", account: Customer, lot: Lot, indexes: list[int], now: float) -> tuple[int, ...]:
    """The addresses meant of one order; of some types all of them or none."""
    if lot.basket.type not in WHOLE:
        return tuple(indexes)
    whole = tuple(account.shelves[lot.basket.type].indexes_of(lot, now))
    if set(indexes) != set(whole) and vendor.options.renewal_part == "refused":
        raise RefusedError("Incorrect orderIds", UNKNOWN_IDS)
    return whole


def price(vendor: "Vendor", account: Customer, chosen: Chosen, surcharge: Decimal = Decimal(0)) -> Price:
    """What it costs now: of every order its addresses for the period, at the discount of their number."""
    items = [(_item_price(vendor, lot, chosen.period, len(indexes)), len(indexes)) for lot, indexes in chosen.lots]
    total = goods.raise_price(sum((item * count for item, count in items), Decimal(0)), 1 + surcharge / 100)
    short = max(total - account.balance, Decimal(0)) if chosen.payment == BALANCE else Decimal(0)
    return Price(
        quantity=chosen.rows,
        price=items[0][0],
        total=total,
        discount=goods.discount_for(items[0][1]),
        balance=account.balance,
        short=short,
    )


def _item_price(vendor: "Vendor", lot: Lot, period: str, quantity: int) -> Decimal:
    place = lot.basket.place
    if place is None:
        raise RefusedError("Incorrect orderIds", UNKNOWN_IDS)
    return goods.raise_price(goods.item_price(place, period, quantity), vendor.rise)


def items(vendor: "Vendor", chosen: Chosen, now: float) -> Iterator[JSON]:
    """The items of a quote: credentials and the end of today included, as documented."""
    for lot, indexes in chosen.lots:
        for index in indexes:
            slot = lot.view(index, now)
            row = row_of(lot, index, slot, vendor.options)
            names = "id order_id order_number base_order_number ip port_http port_socks login password auth_ip country"
            yield {name: row[name] for name in names.split()} | {
                "date_start": spell_second(lot.start, vendor.options),
                "date_end": spell_second(slot.ends, vendor.options),
                "comment": slot.comment,
                "status": "ACTIVE",
                "rotation": row["rotation"],
                "link_reboot": row["link_reboot"],
                "can_prolong": True,
            }


def in_progress(vendor: "Vendor", account: Customer, chosen: Chosen, now: float) -> bool:
    """Whether another renewal of one of the orders is still worked on."""
    lots = [lot for lot, _ in chosen.lots]
    if any(now < lot.renewed_at + vendor.options.renewal_busy for lot in lots):
        return True
    for late in vendor.later.values():
        if late.type is not None and late.account == mark_of(account.key):
            places = vendor.addresses(account, ids_of(late.body), now)
            if any(place is not None and any(place[0] is lot for lot in lots) for place in places):
                return True
    return False


def event_of(
    vendor: "Vendor",
    account: Customer,
    chosen: Chosen,
    at: float,
    *,
    by: Literal["client", "hand", "vendor"] = "client",
    surcharge: Decimal = Decimal(0),
    charge: bool = True,
    new_id: bool = False,
    actions: Collection[str] = (),
    later: int | None = None,
) -> Event:
    """The event of a renewal made now. Raises RefusedError on a short balance.

    `actions`: `half` moves the first half of each order's addresses only, `unmoved` none; `replaced` gives them new
    ones.
    """
    quote = price(vendor, account, chosen, surcharge)
    if charge and quote.short:
        raise RefusedError(quote.warning)
    paid = quote.total if charge and chosen.payment == BALANCE else Decimal(0)
    return {
        "event": "renewal",
        "account": mark_of(account.key),
        "type": chosen.type,
        "period": chosen.period,
        "rows": [[lot.purchase.order_id, list(indexes)] for lot, indexes in chosen.lots],
        "total": str(quote.total if charge else Decimal(0)),
        "balance": str(account.balance - paid),
        "at": at,
        "by": by,
        "new_id": new_id,
        "answer": vendor.order_id if vendor.options.renewal_id == "new" and by == "client" else 0,
        "actions": sorted({"half", "unmoved", "replaced"} & set(actions)),
        "later": later,
    }


def apply(vendor: "Vendor", account: Customer, event: Event) -> None:
    """Moves the ends of a renewal, and takes its price."""
    account.balance = Decimal(event["balance"])
    vendor.later.pop(event["later"], None)
    actions = event["actions"]
    terms, moves = [], 0
    for order_id, indexes in event["rows"]:
        lot = account.lots[order_id]
        before = min(lot.slot(index).ends for index in indexes)
        movable = indexes[: 0 if "unmoved" in actions else (len(indexes) + 1) // 2 if "half" in actions else None]
        _move(vendor, lot, movable, event)
        moves += len(movable)
        terms.append((order_id, before, min(lot.slot(index).ends for index in indexes)))
        if event["answer"]:
            lot.renewal_ids.append(event["answer"])
        account.shelves[lot.basket.type].stale(lot)
    vendor.renewals.append(
        Extension(
            account=account.key,
            type=event["type"],
            period=event["period"],
            rows=sum(len(indexes) for _, indexes in event["rows"]),
            moves=moves,
            total=Decimal(event["total"]),
            balance=account.balance,
            at=event["at"],
            by=event["by"],
            terms=tuple(terms),
        )
    )
    if event["answer"]:
        vendor.next_order_id()


def _move(vendor: "Vendor", lot: Lot, indexes: Iterable[int], event: Event) -> None:
    options, at = vendor.options, event["at"]
    indexes = list(indexes)
    first = vendor.next_addresses(lot, indexes)
    for number, index in enumerate(indexes, first):
        slot = lot.slot(index)
        if options.renewal_delay:
            lot.veils[index] = (at + options.renewal_delay, lot.view(index, at))
        lot.slots[index] = replace(
            slot,
            row=number,
            ends=renewed_end(slot.ends, event["period"], options),
            address=number if "replaced" in event["actions"] else slot.address,
            host="" if "replaced" in event["actions"] else slot.host,
            comment="" if options.comments_renewed == "lost" else slot.comment,
        )
    lot.renewed_at = at
    if options.renewal_number == "new" and indexes:
        lot.renewals += 1
    if event["new_id"]:
        lot.shown_id = vendor.next_order_id()


def upgrade(event: Event, account: Customer, lot: Lot) -> Event:
    """A renewal as an older emulator recorded it, of a whole order for its own period, as one of today."""
    rows = [[event["order_id"], list(range(lot.count))]]
    extra = {"total": "0", "by": "hand", "answer": 0, "actions": [], "later": None, "type": lot.basket.type}
    return {**event, **extra, "account": mark_of(account.key), "period": lot.basket.period, "rows": rows}
