"""What people do to an account outside the API: its owner in the vendor's dashboard, the vendor's support, and time.

Each change is an event like a purchase: kept in the state file, the same after a restart.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from runner.sandbox import goods
from runner.sandbox.basket import RefusedError
from runner.sandbox.customers import Event, NoOrderError
from runner.sandbox.dates import DAY
from runner.sandbox.shelf import Lot

if TYPE_CHECKING:
    from runner.sandbox.accounts import Vendor

Decide = Callable[["Vendor", float], Event]


class Dashboard:
    """Changes to single orders by their id. All raise KeyError for an order without addresses, ValueError for the rest.

    `commit` records and applies the event that a decision makes of the vendor and its time.
    """

    def __init__(self, commit: Callable[[Decide], None]) -> None:
        self._commit = commit

    def renew(self, order_id: int, *, period: str | None = None, new_id: bool = False, charge: bool = True) -> None:
        """Renews an order, for its own period unless another is given.

        New row ids, another `_e_<hash>` on its number, a later end, its price off the balance. `new_id` shows the rows
        under a new order id.
        """
        if period is not None and period not in goods.PERIODS:
            raise ValueError(f"no period {period!r}, legal periods: {', '.join(goods.PERIODS)}")
        self._commit(lambda vendor, now: vendor.renew(order_id, now, period=period, new_id=new_id, charge=charge))

    def age(self, order_id: int, *, days: float) -> None:
        """Moves an order into the past: it began, and will end, so many days earlier."""
        if not 0 <= days < 100_000:
            raise ValueError(f"an order ages by days from 0, not {days}")
        self._edit(order_id, "age", seconds=days * DAY)

    def arm(self, order_id: int, *, period: str) -> None:
        """Switches the vendor's own renewal on, for that period, or with an empty one off.

        A day before the order ends it is renewed by the vendor, if the money is there.
        """
        if period and period not in goods.PERIODS:
            raise ValueError(f"no period {period!r}, legal periods: {', '.join(goods.PERIODS)}")
        self._edit(order_id, "arm", period=period)

    def replace(
        self,
        order_id: int,
        *,
        rows: int | None = None,
        addresses: Sequence[str] = (),
        port_http: int | None = None,
        port_socks: int | None = None,
        new_ids: bool = False,
    ) -> None:
        """Gives the first rows of an order, or all, other addresses: the given ones in turn, else made-up ones.

        The rest of a row stays, its id unless `new_ids`.
        """
        ports, hosts = [port_http, port_socks], list(addresses)
        self._edit(order_id, "replace", rows=rows, hosts=hosts, ports=ports, new_ids=new_ids)

    def relabel(self, order_id: int, *, like: int) -> None:
        """Shows the rows of an order under the id and the base number of another one."""

        def decide(vendor: "Vendor", _now: float) -> Event:
            vendor.find(like)
            return _edit_of(vendor, order_id, "relabel", like=like)

        self._commit(decide)

    def withhold(self, order_id: int, *, rows: int) -> None:
        """Leaves so many rows of an order, the first ones; later, more of them may come back."""
        if rows < 0:
            raise ValueError(f"an order has rows from 0, not {rows}")
        self._edit(order_id, "withhold", rows=rows)

    def comment(self, order_id: int, *, comment: str) -> None:
        """Sets the comment of every row of an order, as it stands."""
        self._edit(order_id, "comment", comment=comment)

    def _edit(self, order_id: int, change: str, **details: object) -> None:
        self._commit(lambda vendor, _now: _edit_of(vendor, order_id, change, **details))


def _edit_of(vendor: "Vendor", order_id: int, change: str, **details: object) -> Event:
    vendor.find(order_id)
    return {"event": "edit", "order_id": order_id, "change": change, **details}


def apply(vendor: "Vendor", event: Event) -> None:
    """Changes an order by one event. Raises KeyError for an unknown change."""
    account, lot = vendor.find(event["order_id"])
    CHANGES[event["change"]](vendor, lot, event)
    if lot.basket.type in account.shelves:
        account.shelves[lot.basket.type].stale(lot)


def _replace(vendor: "Vendor", lot: Lot, event: Event) -> None:
    indexes = list(range(lot.count))[: event["rows"]]
    first = vendor.next_addresses(lot, indexes)
    http, socks = event["ports"]
    for number, index in enumerate(indexes, first):
        slot = lot.slot(index)
        lot.slots[index] = replace(
            slot,
            row=number if event["new_ids"] else slot.row,
            address=number,
            host=event["hosts"][index % len(event["hosts"])] if event["hosts"] else "",
            port_http=slot.port_http if http is None else http,
            port_socks=slot.port_socks if socks is None else socks,
        )


def _relabel(vendor: "Vendor", lot: Lot, event: Event) -> None:
    other = vendor.find(event["like"])[1]
    lot.shown_id, lot.shown_base = other.shown_id, other.base_number


def _withhold(_vendor: "Vendor", lot: Lot, event: Event) -> None:
    lot.count = min(event["rows"], lot.basket.quantity)


def _comment(_vendor: "Vendor", lot: Lot, event: Event) -> None:
    for index in range(lot.count):
        lot.slots[index] = replace(lot.slot(index), comment=event["comment"])


def _arm(vendor: "Vendor", lot: Lot, event: Event) -> None:
    lot.auto_renew = event["period"]
    vendor.auto_renewals.pop(lot.purchase.order_id, None)
    if lot.auto_renew:
        vendor.auto_renewals[lot.purchase.order_id] = lot


CHANGES: dict[str, Callable[["Vendor", Lot, Event], None]] = {
    "age": lambda _vendor, lot, event: lot.age(event["seconds"]),
    "arm": _arm,
    "replace": _replace,
    "relabel": _relabel,
    "withhold": _withhold,
    "comment": _comment,
}
"""What each change does to an order."""


def due_renewal(vendor: "Vendor", now: float) -> Event | None:
    """The event of the next renewal by the vendor itself that is due, or of its failure; None if there is none."""
    lot = min(vendor.auto_renewals.values(), key=lambda lot: lot.last_end, default=None)
    if lot is None or now < lot.last_end - DAY:
        return None
    order_id = lot.purchase.order_id
    try:
        return vendor.renew(order_id, lot.last_end - DAY, period=lot.auto_renew, by="vendor")
    except (RefusedError, NoOrderError):
        return {"event": "unpaid", "order_id": order_id}
