"""The vendor's renewals: which rows are meant, what becomes of them, and who else renews.

Terms stack behind the current end, row ids change, the order id stays, and the lists lag. Nothing here is shared with
the runner's own idea of a term.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from runner.vendors.failures import Lost
from runner.vendors.wire import Request, Response
from tests.simulation.answers import error, success

if TYPE_CHECKING:
    from tests.simulation.vendor import Bought, Vendor

DAY: Final = 86_400.0
BUSY: Final = "busy"
HALF: Final = "half of the rows"
RENEWAL_FAULTS: Final = (BUSY, HALF, HALF)
"""What a renewal may meet beside all that a purchase may: said to be in progress, or it moves half of the rows."""
HANDS: Final = ("renews", "renews", "arms", "replaces")
"""What others do to orders: renew one, have the vendor do it, or have rows get other ids."""


@dataclass(slots=True, kw_only=True)
class Term:
    """A term that was sold: of which order, by whom, and the first end before it. `key` is ours, empty for others."""

    order: Bought
    order_id: int
    key: str
    run: str
    total: Decimal
    at: float
    before: date
    shown_from: float
    by_card: bool
    left: Decimal


class Terms:
    """The renewals of one account; nothing of it happens before it is begun."""

    def __init__(self, vendor: Vendor, key_of: Callable[[int], str], on_renewal: Callable[[Term], None]) -> None:
        self.vendor = vendor
        self.sold: list[Term] = []
        self.is_begun = False
        self.month = 30
        """How many days a month has; 0 for one of the calendar."""
        self.shifts: tuple[int, ...] = (0,)
        """By how many days an end may be off as a list tells it."""
        self.takes_old_ids = False
        """Whether the ids that rows had before stand for them."""
        self.last_listed: dict[int, float] = {}
        """When a list had which row last, by its id."""
        self._key_of = key_of
        self._on_renewal = on_renewal
        self._late: list[tuple[float, dict[str, Any], str, str]] = []

    def begin(self) -> None:
        """From now on orders are renewed by `prolong/make`, and others renew as it does."""
        rng = self.vendor.rng
        self.is_begun = True
        self.month = rng.choice((30, 30, 0))
        self.shifts = rng.choice(((0,), (0, 1), (-1, 0)))
        self.takes_old_ids = rng.random() < 0.5

    def of(self, key: str) -> list[Term]:
        """The terms that were sold to us under this key."""
        return [term for term in self.sold if term.key == key]

    def coming(self, key: str) -> int:
        """Renewals that were received and are yet to be made."""
        return sum(late[3] == key for late in self._late)

    def catch_up(self) -> None:
        """Carry out what was received earlier, and the vendor's own renewals, a day before the end."""
        if not self.is_begun:
            return
        vendor, now = self.vendor, self.vendor.clock.monotonic()
        due = [item for item in self._late if item[0] <= now]
        self._late = [item for item in self._late if item[0] > now]
        for when, body, run, key in due:
            vendor.counts["renewed late"] += 1
            self._sell(body, when, run=run, key=key)
        for order in vendor.bought:
            while order.lot.armed and order.lot.ends_at - now <= DAY:
                order.lot.armed = vendor.renewable(order.key) and order.lot.behind is None
                if order.lot.armed:
                    vendor.counts["renewed by the vendor"] += 1
                    self._by_others(order, min(now, order.lot.ends_at - DAY))

    def meanwhile(self) -> None:
        """What others do to the orders of the account."""
        vendor, now = self.vendor, self.vendor.clock.monotonic()
        visible = [b for b in vendor.bought if b.lot.shows(now) and now < b.lot.ends_at]
        if not visible:
            return
        order, what = vendor.rng.choice(visible), vendor.rng.choice(HANDS)
        if what == "arms":
            vendor.counts["auto-renewal armed"] += not order.lot.armed
            order.lot.armed = not order.lot.armed
        elif what == "replaces":
            if order.lot.seen(now) is order.lot and order.lot.behind is None:
                vendor.counts["rows got other ids"] += 1
                order.lot.reissues += 1
        else:
            self.renew_by_hand(order)

    def renew_by_hand(self, order: Bought) -> None:
        """Somebody renews it in the dashboard, if nothing forbids it."""
        lot, now = order.lot, self.vendor.clock.monotonic()
        if self.vendor.renewable(order.key) and lot.behind is None and now < lot.ends_at:
            self.vendor.counts["renewed by hand"] += bool(order.key)
            self._by_others(order, now)

    def _by_others(self, order: Bought, at: float) -> None:
        vendor, lot = self.vendor, order.lot
        by_card = not vendor.shared or vendor.rng.random() < 0.5
        total = vendor.total({"quantity": lot.shape.quantity})
        self._extend(order, lot.shape.period, total, at, by_card=by_card)

    # Calls

    def calc(self, request: Request) -> Response:
        """What a renewal costs."""
        body, vendor = json.loads(request.body or b""), self.vendor
        order = self._meant(body)
        if order is None:
            return _incorrect()
        total = vendor.total({"quantity": len(body["ids"])})
        vendor.prices.append((vendor.clock.monotonic(), content(body), total))
        told = {"total": str(total), "balance": str(vendor.balance), "currency": "USD", "quantity": len(body["ids"])}
        return success(told | {"warning": "", "items": [{"id": identity} for identity in body["ids"]]})

    def make(self, request: Request, run: str) -> Response | Lost:
        """A renewal that a run sent, received whole."""
        vendor = self.vendor
        vendor.catch_up()
        body = json.loads(request.body or b"")
        key = self._key_of(int(body["ids"][0]) // 10_000)
        if vendor.faults and vendor.rng.random() < 0.15:
            vendor.meanwhile()
        vendor.noted = vendor.balance
        fault = "none"
        if vendor.faults and vendor.rng.random() < vendor.fault_rate:
            fault = vendor.rng.choice((*vendor.menu, *RENEWAL_FAULTS))
        if self._meant(body) is None:
            vendor.counts["renewal by old ids refused"] += 1
            return _incorrect()
        if int(body["paymentId"]) == 1 and self._total(body) > vendor.balance:
            vendor.counts["renewal without funds"] += 1
            return error([{"message": "Insufficient funds. Total 9.30$", "code": 16}])
        if fault == BUSY or self.coming(key):
            vendor.counts["renewal in progress" if self.coming(key) else f"renewal {fault}"] += 1
            return error([{"message": "Extension in progress", "code": 57}])
        vendor.counts[f"renewal {fault}"] += 1
        vendor.counts["renewal beside others in flight"] += vendor.is_serving
        return vendor.serve(fault, lambda: self._fate(fault, body, run, key))

    def _fate(self, fault: str, body: dict[str, Any], run: str, key: str) -> Term | None:
        """Whether and when it is made."""
        vendor, now = self.vendor, self.vendor.clock.monotonic()
        extra = Decimal("0.75")
        if fault == HALF:
            return self._sell(body, now, half=True, run=run, key=key)
        certain = vendor.is_bought(fault)
        if certain is not None:
            return self._sell(body, now, extra * (fault == "overcharge"), run=run, key=key) if certain else None
        fate = vendor.rng.choice(("never", "now", "later"))
        vendor.counts[f"{fault}, renewed {fate}"] += 1
        if fate == "later":
            self._late.append((now + vendor.processing(), body, run, key))
        if fate != "now":
            return None
        extra *= vendor.rng.random() < 0.1
        return self._sell(body, now, extra, half=vendor.rng.random() < 0.2, run=run, key=key)

    def _sell(
        self,
        body: dict[str, Any],
        at: float,
        extra: Decimal = Decimal(0),
        *,
        half: bool = False,
        run: str,
        key: str,
    ) -> Term | None:
        order = self._meant(body)
        if order is None:  # its rows got other ids before it was carried out
            return None
        by_card, total = int(body["paymentId"]) == 43, self._total(body) + extra
        half = half and order.lot.behind is None and at >= order.lot.whole_at
        self.vendor.counts["renewed by half"] += half
        return self._extend(order, body["periodId"], total, at, by_card=by_card, half=half, run=run, key=key)

    def _extend(
        self,
        order: Bought,
        period: str,
        total: Decimal,
        at: float,
        *,
        by_card: bool,
        half: bool = False,
        run: str = "",
        key: str = "",
    ) -> Term:
        vendor, before = self.vendor, order.lot.first_end(at)
        shown_from = at + (vendor.rng.uniform(0, vendor.lag(order.lot.shape.product)) * (vendor.rng.random() < 0.6))
        order.lot.extend(period, month=self.month, half=half and order.lot.shape.quantity > 1, shown_from=shown_from)
        vendor.balance -= total * (not by_card)
        term = Term(
            order=order,
            order_id=vendor.rng.choice((0, order.order_id, order.order_id + 900_000)),
            key=key,
            run=run,
            total=total,
            at=at,
            before=before,
            shown_from=shown_from,
            by_card=by_card,
            left=vendor.balance,
        )
        self.sold.append(term)
        if key:
            vendor.counts["renewals"] += 1
            self._on_renewal(term)
        return term

    def _total(self, body: dict[str, Any]) -> Decimal:
        return self.vendor.total({"quantity": len(body["ids"])})

    def _meant(self, body: dict[str, Any]) -> Bought | None:
        """The order whose rows these are, None where they are none, or were and old ids are not taken."""
        now = self.vendor.clock.monotonic()
        order = self.order_of(int(body["ids"][0]))
        if order is None or now >= order.lot.ends_at:
            return None
        current = set(order.lot.row_ids(now))
        is_current = current.issuperset(map(int, body["ids"]))
        self.vendor.counts["renewal by old ids"] += not is_current
        return order if is_current or self.takes_old_ids else None

    def order_of(self, row_id: int) -> Bought | None:
        """Whose row that is, or was."""
        return next((order for order in self.vendor.bought if order.lot.first_id == row_id // 10_000), None)


def content(body: dict[str, Any]) -> str:
    """What has one price."""
    return json.dumps({**body, "ids": sorted(body["ids"])}, sort_keys=True)


def _incorrect() -> Response:
    return error([{"message": "Incorrect orderIds", "code": 29}])
