"""A model of the vendor: what it sells, what it knows to be true, and the many ways it answers.

It speaks API v1 in bytes, so that the real adapter encodes and decodes. Which order key a purchase is for, it knows
from `customTargetName`. Nothing here is shared with the runner's own idea of the vendor.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from runner.vendors.failures import Lost
from runner.vendors.wire import Request, Response
from tests.simulation.answers import LIES, TRIPLE, bad_read, error, success
from tests.simulation.goods import FREE, Lot, Shape, over, reference
from tests.simulation.terms import Term, Terms

PROCESSING: Final = 300.0
"""Seconds within which a request that was received is carried out, if ever."""
LAGS: Final = {"prompt": 600.0, "late": 10_800.0, "mobile": 12_600.0}
"""Seconds until the list shows a purchase, at most: where it is prompt, where it is late, and of mobile orders."""
DAY: Final = 86_400.0
ENDING: Final = 7 * DAY
"""How close an end is for the list of ending proxies, where that hides them from no other."""

FAULTS: Final = (
    *("reject", "throttled", "throttled", "triple", "timeout", "timeout", "reset", "reset", "server error"),
    *("cut json", "cut answer", "no id", "error with an order", "html", "overcharge", "slow"),
)
"""What a purchase may meet beside plain success; all but those of `_PROVED` may have bought."""
ALONE: Final = ("renews", "renews", "changes the price")
OTHERS: Final = ("buys", "tops up")
CONFUSING: Final = ("buys alike", "tops up again", "tops up again")
"""What happens on an account that nobody else buys on; what others do; and what they do to an order in doubt."""
READS: Final = ("order/calc", "prolong/calc", "balance/get", "resident/package", "proxy/list", "reference/list")

_PROVED: Final = frozenset({"reject", "throttled", "triple"})
"""Answers that the vendor's pages call proof that nothing was bought."""
_BOUGHT: Final = frozenset({"overcharge", "slow", "error with an order"})
"""Answers that are only given for a purchase that was made."""


def content_of(body: dict[str, Any]) -> str:
    """What has one price; orders with a coupon have each their own."""
    left_out = () if "coupon" in body else ("customTargetName",)
    return json.dumps({name: value for name, value in body.items() if name not in left_out}, sort_keys=True)


@dataclass(slots=True)
class Bought:
    """A purchase at the vendor. `key` is empty where somebody else made it."""

    order_id: int
    key: str
    total: Decimal
    at: float
    lot: Lot
    by_card: bool = False
    ids: set[str] = field(default_factory=set)
    """Every id that its rows ever had: a renewal may give them another one."""
    run: str = ""
    """Which run sent it."""
    left: Decimal = Decimal(0)
    """The balance right after it was charged."""


@dataclass(slots=True)
class Vendor:
    """One account at the vendor."""

    rng: random.Random
    clock: Any
    counts: Counter[str]
    on_purchase: Callable[[Bought], None]
    """Told of each purchase of ours, right after it was made."""
    renewable: Callable[[str], bool] = lambda _: True
    """Whether the order of this key may be renewed: nobody renews one that is in doubt."""
    shared: bool = True
    """Whether others buy and top up. Where they do not, renewals are paid by card."""
    late: bool = False
    """Whether the list lags by hours. Nobody tops up then: both together defeat absence.

    See docs/explanation/life-of-an-order.md#limits.
    """
    numbered: bool = True
    marked: bool = False
    """Whether order numbers have a hash from birth, and not only once they were renewed."""
    filters: str = "query"
    """Where it reads `ends=Y`: in the query, in the body, or nowhere; then it gives the whole list both times."""
    hides: float = 0.0
    """Seconds before their end in which proxies are in the list of ending ones and in no other."""
    restarts: bool = True
    zone: float = 0.0
    lies: bool = False
    """Whether a list may be empty by an error under `success`."""
    faults: bool = True
    fault_rate: float = 0.5
    menu: tuple[str, ...] = FAULTS
    """What it chooses from, where it does something to a purchase."""
    latency: tuple[float, float] = (0.1, 20.0)
    """Seconds until a purchase is answered, at least and at most."""
    tells_at_charge: bool = False
    """Whether an answer has the balance of the moment of the charge, and not of the answer."""
    read_fault_rate: float = 0.02
    balance: Decimal = Decimal(500)
    bought: list[Bought] = field(default_factory=list)
    prices: list[tuple[float, str, Decimal]] = field(default_factory=list)
    """When which content was said to cost how much, by a quote or a charge."""
    noted: Decimal = Decimal(500)
    """The balance when the last purchase was received."""
    key_of: Callable[[int], str] = lambda _: ""
    """Under which key the renewal of an order was sent, by the id that it was bought under."""
    on_renewal: Callable[[Term], None] = lambda _: None
    """Told of each renewal of ours."""
    terms: Terms = field(init=False)
    _late: list[tuple[float, dict[str, Any], str]] = field(default_factory=list)
    _served: list[str] = field(default_factory=list)
    """What it does to each of the purchases that it has not answered yet."""
    _price: Decimal = Decimal("3.10")
    _next_id: int = 5000
    _lied: str = ""
    """The type whose list was read last, and was empty by an error."""

    def __post_init__(self) -> None:
        self.terms = Terms(self, self.key_of, self.on_renewal)

    def of(self, key: str) -> list[Bought]:
        return [order for order in self.bought if order.key == key]

    def coming(self, key: str) -> int:
        """Purchases that were received and are yet to be made."""
        return sum(body["customTargetName"] == key for _, body, _ in self._late)

    def catch_up(self) -> None:
        """Carry out what was received earlier and takes its time."""
        now = self.clock.monotonic()
        due = [item for item in self._late if item[0] <= now]
        self._late = [item for item in self._late if item[0] > now]
        for when, body, run in due:
            self.counts["committed late"] += 1
            self._buy(body, when, run=run)
        self.terms.catch_up()

    # What others do

    def meanwhile(self, alike: dict[str, Any] | None = None) -> None:
        """Somebody else buys, renews, tops up, or the price changes. `alike`: an order worth confusing."""
        what = self.rng.choice((*ALONE, *OTHERS, *CONFUSING * (4 if alike else 0)) if self.shared else ALONE)
        if what.startswith("tops up") and self.late:
            what = "buys"
        self.counts[f"stranger {what}"] += 1
        self.counts[f"stranger {what} with several in flight"] += len(self._served) > 0
        if what == "renews":
            self._renew()
        elif what == "changes the price":
            self._price = Decimal(self.rng.randrange(200, 500)) / 100
        elif what.startswith("tops up"):
            # to the cent what it was before: the balance is blind then, and the list has to tell
            exact = what == "tops up again" and self.balance < self.noted
            self.balance = self.noted if exact else self.balance + 50
        else:
            alike = alike if what == "buys alike" else None
            body = alike or {"countryId": self.rng.choice((561, 71, 901)), "quantity": self.rng.choice((1, 2, 9))}
            by_card = bool(alike) and self.rng.random() < 0.2
            self._enter("", Shape.of(body), self.total(body), self.clock.monotonic(), by_card=by_card)

    def raise_price(self, factor: Decimal) -> None:
        """Everything costs more from now on."""
        self._price = min((self._price * factor).quantize(Decimal("0.01")), Decimal(9))

    def _renew(self) -> None:
        if self.terms.is_begun:
            self.terms.meanwhile()
            return
        now = self.clock.monotonic()
        visible = [b for b in self.bought if b.lot.shows(now) and self.renewable(b.key)]
        if not visible:
            return
        order = self.rng.choice(visible)
        new_id = self.rng.random() < 0.6
        self.counts["renewed under a new id" if new_id else "renewed under its id"] += 1
        moment = self.clock.now() + timedelta(hours=self.zone)
        order.lot.renew(self._new_id() if new_id else order.lot.shown_id, moment, now, restarts=self.restarts)
        order.ids.add(str(order.lot.shown_id))
        if self.shared and self.rng.random() < 0.5:
            self.balance -= order.total

    def had_before(self, body: dict[str, Any]) -> None:
        """An order that somebody made by hand, a week or less before the world begins; it may be over any time."""
        age = self.rng.choice((0.05, 0.2, 0.4, 3.0, 6.0, 6.9, 6.93, 6.96, 6.99)) * DAY
        made = self._enter("", Shape.of(body), self.total(body), self.clock.monotonic() - age, by_card=True)
        made.lot.shown_at = made.lot.whole_at = made.at

    # Reads

    def read(self, request: Request) -> Response:
        """A call that costs nothing."""
        self.catch_up()
        path = next(path for path in READS if request.path.startswith(path))
        product = request.path.rpartition("/")[2]
        rows = self._rows(self._listed(product, request)) if path == "proxy/list" else []
        lied, self._lied = self._lied, ""
        if lied == product and request.query:  # whatever made the default list empty does it to the other one as well
            return success({"items": []})
        if self.faults and self.rng.random() < self.read_fault_rate * (3 if path.endswith("/list") else 1):
            self.counts[f"{path} failed"] += 1
            lies = path == "proxy/list" and self._may_lie(self._listed(product, request))
            kind, answer = bad_read(self.rng, rows, lies=lies)
            self.counts[f"read {kind}"] += 1
            self._lied = product * (kind in LIES or kind == "no data")
            return answer
        if path == "order/calc":
            body = json.loads(request.body or b"")
            self.prices.append((self.clock.monotonic(), content_of(body), self.total(body)))
            return success({"total": str(self.total(body)), "balance": str(self.balance), "currency": "USD"})
        if path == "prolong/calc":
            return self.terms.calc(request)
        if path == "balance/get":
            return success({"summ": str(self.balance)})
        if path == "reference/list":
            return success(reference(product))
        return self._package() if path == "resident/package" else success({"items": rows})

    def _may_lie(self, listed: list[Bought]) -> bool:
        """A list that is empty by an error can be told where it had an order ever since the world began."""
        return self.lies and any(order.at < 0 for order in listed)

    def _listed(self, product: str, request: Request) -> list[Bought]:
        """What the default list has, or that of ending proxies."""
        now = self.clock.monotonic()
        shown = [b for b in self.bought if b.lot.shape.product == product and b.lot.shows(now)]
        ending = {
            "query": request.query == "ends=Y",
            "body": json.loads(request.body or b"{}").get("ends") == "Y",
            "ignored": None,
        }[self.filters]
        if ending is None:
            return shown

        def left(order: Bought) -> float:
            return order.lot.seen(now).ends_at - now

        if not ending:
            self.counts["order hidden from the default list"] += any(left(b) <= self.hides for b in shown)
            return [b for b in shown if left(b) > self.hides]
        return [b for b in shown if left(b) <= (self.hides or ENDING)]

    def _rows(self, listed: list[Bought]) -> list[dict[str, Any]]:
        now = self.clock.monotonic()
        lots = [order.lot for order in listed]
        self.counts["list with half of an order"] += any(now < lot.whole_at and lot.shape.quantity > 1 for lot in lots)
        self.counts["list with numbers marked from birth"] += self.marked and self.numbered and bool(lots)
        how: dict[str, Any] = {"numbered": self.numbered, "marked": self.marked}
        if self.terms.is_begun:
            how["shift"] = self.rng.choice(self.terms.shifts)
        rows = [row for lot in lots for row in lot.seen(now).rows(now, **how)]
        if self.terms.is_begun:
            self.terms.last_listed.update((row["id"], now) for row in rows)
        return rows

    def _package(self) -> Response:
        now = self.clock.monotonic()
        lots = [b.lot for b in self.bought if b.lot.shape.product == "resident" and b.lot.shown_at <= now]
        if not lots:
            return error([{"message": "Tarif not found", "code": 0}])
        ends = max(lot.ends for lot in lots).strftime("%d.%m.%Y")
        return success({"traffic_limit": str(len(lots) << 30), "expired_at": ends, "tarif_id": 6928})

    # Purchases

    def make(self, request: Request, run: str) -> Response | Lost:
        """A purchase that a run sent, received whole; somebody may have been faster since its price was asked."""
        if request.path.startswith("prolong/"):
            return self.terms.make(request, run)
        self.catch_up()
        body = json.loads(request.body or b"")
        if self.faults and self.rng.random() < 0.15:
            self.meanwhile(self.rng.choice((body, None)))
        self.noted = self.balance
        fault = self.rng.choice(self.menu) if self.faults and self.rng.random() < self.fault_rate else "none"
        if body["paymentId"] == 1 and self.total(body) > self.balance:
            self.counts["purchase without funds"] += 1
            return error([{"message": "Insufficient funds. Total 9.30$", "code": 0}])
        self.counts[f"purchase {fault}"] += 1
        self.counts[f"two at once: {fault}"] += fault in self._served
        self.counts[f"one of several: {fault}"] += len(self._served) > 0
        return self.serve(fault, lambda: self._fate(fault, body, run))

    def serve(self, fault: str, fate: Callable[[], Bought | Term | None]) -> Response | Lost:
        """What becomes of something that spends, and its answer; meanwhile others may be served."""
        made = fate()
        self._served.append(fault)
        try:
            answer = self._answer(fault, made)
        finally:
            self._served.remove(fault)
        return answer

    @property
    def is_serving(self) -> bool:
        """Whether a purchase is yet to be answered."""
        return bool(self._served)

    def is_bought(self, fault: str) -> bool | None:
        """Whether what meets this is made; None where it may be."""
        return True if fault == "none" or fault in _BOUGHT else False if fault in _PROVED else None

    def processing(self) -> float:
        """Seconds that something that was received takes."""
        return self.rng.uniform(1, PROCESSING)

    def lag(self, product: str) -> float:
        """Seconds until the list shows what was sold, at most."""
        return LAGS["mobile" if product == "mobile" else "late" if self.late else "prompt"]

    def is_heard(self, request: Request, run: str) -> None:
        """The answer to a purchase is read: from now on its price is known."""
        body = json.loads(request.body or b"")
        if "ids" in body:  # which were other ones before: nobody asks for that price again
            return
        made = [order for order in self.bought if order.run == run and order.key == body["customTargetName"]]
        if made:
            self.prices.append((self.clock.monotonic(), content_of(body), made[-1].total))

    def _fate(self, fault: str, body: dict[str, Any], run: str) -> Bought | None:
        """Whether and when the order is made."""
        now = self.clock.monotonic()
        certain = self.is_bought(fault)
        if certain is not None:
            return (
                None
                if not certain
                else self._buy(body, now, Decimal("0.75") if fault == "overcharge" else Decimal(0), run=run)
            )
        return self.lose(body, fault, run=run)

    def lose(self, body: dict[str, Any], fault: str = "lost", *, run: str = "") -> Bought | None:
        """Made now, later, or never, whatever is answered; for more than was quoted, now and then."""
        now = self.clock.monotonic()
        fate = self.rng.choice(("never", "now", "later"))
        self.counts[f"{fault}, bought {fate}"] += 1
        if fate == "later":
            self._late.append((now + self.processing(), body, run))
        if fate != "now":
            return None
        extra = Decimal("0.75") if self.rng.random() < 0.1 else Decimal(0)
        self.counts["charged more, answer lost"] += extra > 0
        return self._buy(body, now, extra, run=run)

    def _answer(self, fault: str, made: Bought | Term | None) -> Response | Lost:
        self.clock.advance(self.rng.uniform(*self.latency))
        if fault == "timeout":
            self.clock.advance(180)
            return Lost(reason="no answer within 180 s")
        if fault == "reset":
            return Lost(reason="the connection was reset")
        answers = {
            "reject": lambda: error([{"message": "Country not exists", "code": 0}]),
            "throttled": lambda: Response(status=429, headers={"retry-after": str(self.rng.randrange(90))}),
            "triple": lambda: error(TRIPLE),
            "server error": lambda: Response(status=self.rng.choice((500, 502, 504)), body=error(TRIPLE[:1]).body),
            "cut json": lambda: Response(status=200, body=self._success_of(made).body[:40]),
            "cut answer": lambda: Lost(reason="cut off", status=200, body=self._success_of(made).body[:60]),
            "no id": lambda: success(None),
            "error with an order": lambda: Response(
                status=200, body=self._success_of(made).body.replace(b'"success"', b'"error"')
            ),
            "html": lambda: Response(status=200, body=b"<html>please wait</html>"),
        }
        if fault == "slow":
            self.clock.advance(90)
        return answers[fault]() if fault in answers else self._success_of(made)

    def _success_of(self, made: Bought | Term | None) -> Response:
        order_id = made.order_id if made else 1
        told = {"orderId": order_id, "total": str(made.total if made else Decimal(1))}
        balance = made.left if made and self.tells_at_charge else self.balance
        if isinstance(made, Term):
            told |= {"orderId": made.order_id or ""}
            order_id = made.order.order_id
        return success(told | {"listBaseOrderNumbers": [f"{order_id}_1"], "balance": str(balance)})

    def _buy(self, body: dict[str, Any], at: float, extra: Decimal = Decimal(0), *, run: str = "") -> Bought:
        by_card, total = body["paymentId"] == 43, self.total(body) + extra
        return self._enter(body["customTargetName"], Shape.of(body), total, at, by_card=by_card, run=run)

    def _enter(self, key: str, shape: Shape, total: Decimal, at: float, *, by_card: bool, run: str = "") -> Bought:
        identity = self._new_id()
        lag = self.lag(shape.product)
        visible_from = at + (self.rng.uniform(0, lag) if self.rng.random() < 0.6 else 0.0)
        whole = visible_from + (self.rng.uniform(0, 5000) if self.rng.random() < 0.5 else 0.0)
        starts = (self.clock.now() + timedelta(seconds=at - self.clock.monotonic(), hours=self.zone)).date()
        ends = over(starts, shape.period)
        lot = Lot(
            shape=shape,
            shown_id=identity,
            number=f"{identity}_1",
            shown_at=visible_from,
            whole_at=whole,
            ends_at=at + (ends - starts).days * DAY,
            starts=starts,
            ends=ends,
        )
        self.balance -= total * (not by_card)
        made = Bought(identity, key, total, at, lot, by_card, {str(identity)}, run, self.balance)
        self.bought.append(made)
        if key:
            self.counts["purchases"] += 1
            self.on_purchase(made)
        return made

    def _new_id(self) -> int:
        self._next_id += self.rng.randrange(1, 9)
        return self._next_id

    def total(self, body: dict[str, Any]) -> Decimal:
        """The price now."""
        return Decimal(0) if body.get("coupon") == FREE else self._price * int(body.get("quantity", 2))
