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
from decimal import Decimal
from typing import Any, Final

from runner.vendors.transport import Lost
from runner.vendors.wire import Request, Response

PROCESSING: Final = 300.0
"""Seconds within which a request that was received is carried out, if ever."""
LIST_LAG: Final = 600.0
"""Seconds until the list shows a purchase."""

TRIPLE: Final = [
    {"message": text, "code": 503} for text in ("Error api key", "IP not allowed", "Request limit reached")
]

FAULTS: Final = (
    *("reject", "throttled", "throttled", "triple", "timeout", "timeout", "reset", "reset", "server error"),
    *("cut json", "cut answer", "no id", "error with an order", "html", "overcharge", "slow"),
)
"""What a purchase may meet beside plain success; all but those of `_PROVED` may have bought."""

_PROVED: Final = frozenset({"reject", "throttled", "triple"})
"""Answers that the vendor's pages call proof that nothing was bought."""
_BOUGHT: Final = frozenset({"overcharge", "slow", "error with an order"})
"""Answers that are only given for a purchase that was made."""


@dataclass(slots=True)
class Bought:
    """A purchase at the vendor. `key` is empty where a stranger made it."""

    order_id: int
    key: str
    product: str
    total: Decimal
    shown_at: float


@dataclass(slots=True)
class Vendor:
    """One account at the vendor."""

    rng: random.Random
    clock: Any
    counts: Counter[str]
    on_purchase: Callable[[str], None]
    """Told the key right after a purchase was made."""
    faults: bool = True
    fault_rate: float = 0.5
    read_fault_rate: float = 0.02
    balance: Decimal = Decimal(500)
    bought: list[Bought] = field(default_factory=list)
    _late: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    _price: Decimal = Decimal("3.10")
    _next_id: int = 5000

    def of(self, key: str) -> list[Bought]:
        return [order for order in self.bought if order.key == key]

    def catch_up(self) -> None:
        """Carry out what was received earlier and takes its time."""
        now = self.clock.monotonic()
        due = [item for item in self._late if item[0] <= now]
        self._late = [item for item in self._late if item[0] > now]
        for _, body in due:
            self.counts["committed late"] += 1
            self._buy(body)

    def stranger(self) -> None:
        """Somebody else buys, tops up, or the price changes."""
        what = self.rng.choice(("buys", "tops up", "changes the price"))
        self.counts[f"stranger {what}"] += 1
        if what == "buys":
            total = Decimal(self.rng.choice((3, 30, 300)))
            self._enter("", self.rng.choice(("ipv4", "ipv6", "mobile")), total, by_card=False)
        elif what == "tops up":
            self.balance += 50
        else:
            self._price = Decimal(self.rng.randrange(200, 500)) / 100

    def read(self, request: Request) -> Response:
        """A call that costs nothing."""
        self.catch_up()
        if self.faults and self.rng.random() < self.read_fault_rate:
            return self._bad_read()
        if request.path == "order/calc":
            body = json.loads(request.body or b"")
            return _success({"total": _number(self._total(body)), "balance": _number(self.balance), "currency": "USD"})
        if request.path == "balance/get":
            return _success({"summ": _number(self.balance)})
        if request.path == "resident/package":
            return _error([{"message": "Tarif not found", "code": 0}])
        product = request.path.rpartition("/")[2]
        now = self.clock.monotonic()
        rows = [{"order_id": b.order_id} for b in self.bought if b.product == product and b.shown_at <= now]
        return _success({"items": rows})

    def _bad_read(self) -> Response:
        kind = self.rng.choice(("triple", "throttled", "502", "cut json"))
        self.counts[f"read {kind}"] += 1
        if kind == "triple":
            return _error(TRIPLE)
        if kind == "throttled":
            return Response(status=429)
        return Response(status=502) if kind == "502" else Response(status=200, body=b'{"status":"success","data":{"ite')

    def make(self, request: Request) -> Response | Lost:
        """A purchase, received whole; somebody may have been faster since its price was asked."""
        self.catch_up()
        if self.faults and self.rng.random() < 0.05:
            self.stranger()
        body = json.loads(request.body or b"")
        fault = self.rng.choice(FAULTS) if self.faults and self.rng.random() < self.fault_rate else "none"
        if body["paymentId"] == 1 and self._total(body) > self.balance:
            self.counts["purchase without funds"] += 1
            return _error([{"message": "Insufficient funds. Total 9.30$", "code": 0}])
        self.counts[f"purchase {fault}"] += 1
        made = self._fate(fault, body)
        return self._answer(fault, made)

    def _fate(self, fault: str, body: dict[str, Any]) -> Bought | None:
        """Whether and when the order is made."""
        if fault in _PROVED:
            return None
        if fault == "none" or fault in _BOUGHT:
            return self._buy(body, extra=Decimal("0.75") if fault == "overcharge" else Decimal(0))
        fate = self.rng.choice(("never", "now", "later"))
        self.counts[f"{fault}, bought {fate}"] += 1
        if fate == "later":
            self._late.append((self.clock.monotonic() + self.rng.uniform(1, PROCESSING), body))
        return self._buy(body) if fate == "now" else None

    def _answer(self, fault: str, made: Bought | None) -> Response | Lost:
        self.clock.advance(self.rng.uniform(0.1, 20))
        if fault == "timeout":
            self.clock.advance(180)
            return Lost(reason="no answer within 180 s")
        if fault == "reset":
            return Lost(reason="the connection was reset")
        answers = {
            "reject": lambda: _error([{"message": "Country not exists", "code": 0}]),
            "throttled": lambda: Response(status=429, headers={"retry-after": str(self.rng.randrange(90))}),
            "triple": lambda: _error(TRIPLE),
            "server error": lambda: Response(status=self.rng.choice((500, 502, 504)), body=_error(TRIPLE[:1]).body),
            "cut json": lambda: Response(status=200, body=self._success_of(made).body[:40]),
            "cut answer": lambda: Lost(reason="cut off", status=200, body=self._success_of(made).body[:60]),
            "no id": lambda: _success(None),
            "error with an order": lambda: Response(
                status=200, body=self._success_of(made).body.replace(b'"success"', b'"error"')
            ),
            "html": lambda: Response(status=200, body=b"<html>please wait</html>"),
        }
        if fault == "slow":
            self.clock.advance(90)
        return answers[fault]() if fault in answers else self._success_of(made)

    def _success_of(self, made: Bought | None) -> Response:
        order_id = made.order_id if made else 1
        told = {"orderId": order_id, "total": _number(made.total if made else Decimal(1))}
        return _success(told | {"listBaseOrderNumbers": [f"{order_id}_1"], "balance": _number(self.balance)})

    def _buy(self, body: dict[str, Any], extra: Decimal = Decimal(0)) -> Bought:
        return self._enter(
            body["customTargetName"], body["coupon"], self._total(body) + extra, by_card=body["paymentId"] == 43
        )

    def _enter(self, key: str, product: str, total: Decimal, *, by_card: bool) -> Bought:
        self._next_id += self.rng.randrange(1, 9)
        lag = self.rng.uniform(0, LIST_LAG) if self.rng.random() < 0.5 else 0.0
        made = Bought(self._next_id, key, product, total, self.clock.monotonic() + lag)
        self.bought.append(made)
        if not by_card:
            self.balance -= total
        if key:
            self.counts["purchases"] += 1
            self.on_purchase(key)
        return made

    def _total(self, body: dict[str, Any]) -> Decimal:
        return self._price * int(body["quantity"])


def _number(amount: Decimal) -> str:
    return str(amount)


def _success(data: object) -> Response:
    return Response(status=200, body=json.dumps({"status": "success", "data": data, "errors": []}).encode())


def _error(errors: list[dict[str, Any]]) -> Response:
    return Response(status=200, body=json.dumps({"status": "error", "data": None, "errors": errors}).encode())
