"""What was read of the account a moment ago, kept true through our own purchases.

A price may serve for a minute (`Prices`): what an answer says was charged is held against it in any case. So may a list
of orders or a balance: it grows stale only by what others do, and a stranger's order between a reading and a claim can
but add a candidate when an unknown outcome is judged: doubt, never a false certainty.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from runner.core.clock import Clock
from runner.core.orders import OrderRequest, ProductType, Quote
from runner.core.prices import MAX_AGE as MAX_PRICE_AGE
from runner.core.prices import Prices
from runner.core.vendor import Look, Placed, QuoteRefused, Reader, Witness

MAX_AGE: Final = 60.0
"""Seconds a balance or a list of orders may be used for."""


class Readings:
    """Quotes, witnesses and the balance; the last two are read again once they are too old."""

    def __init__(self, reader: Reader, clock: Clock, *, share_quotes: bool = True) -> None:
        self.reader = reader
        self.prices = Prices(clock, shared=share_quotes)
        self._clock = clock
        self._witnesses: dict[ProductType, tuple[float, Witness]] = {}
        self._balance: tuple[float, Decimal] | None = None

    def quote(self, request: OrderRequest, *, max_age: float = MAX_PRICE_AGE) -> Quote | QuoteRefused:
        """The price, asked unless one of the same content is young; the balance that comes with it is a reading."""
        known = self.prices.find(request, max_age)
        if known is not None:
            return known
        asked = self._clock.monotonic()
        answer = self.reader.quote(request)
        self.prices.keep(request, asked, answer)
        quote = answer.quote if isinstance(answer, QuoteRefused) else answer
        if quote is not None and quote.balance is not None:
            self._balance = (self._clock.monotonic(), quote.balance)
        return answer

    def balance(self) -> Decimal:
        """What the account has."""
        if self._balance is None or self._too_old(self._balance[0]):
            self._balance = (self._clock.monotonic(), self.reader.balance())
        return self._balance[1]

    def witness(self, product: ProductType) -> Witness:
        """The orders the vendor shows before a purchase."""
        taken, witness = self._witnesses.get(product, (0.0, None))
        if witness is None or self._too_old(taken):
            taken, witness = self._clock.monotonic(), self.reader.witness(product, witness)
            self._witnesses[product] = taken, witness
        return witness

    def look(self, product: ProductType) -> Look:
        """The orders the vendor shows, as far as they can be told apart; serves as the next witness, too."""
        taken = self._clock.monotonic()
        look = self.reader.look(product)
        self._witnesses[product] = (taken, look.witness)
        return look

    def count_purchase(self, request: OrderRequest, placed: Placed, expected: Decimal) -> None:
        """Count a purchase of ours in. Ours are never candidates, so a list stays good; a package has changed."""
        self.prices.confirm(request, placed)
        if request.type == "resident":
            self._witnesses.pop(request.type, None)
        if placed.balance is not None:
            self._balance = (self._clock.monotonic(), placed.balance)
        elif self._balance is not None and not request.pays_by_card:
            taken, balance = self._balance
            self._balance = (taken, balance - (expected if placed.total is None else placed.total))

    def distrust(self) -> None:
        """Something was not as expected: read everything again before it is used."""
        self.prices.forget()
        self._witnesses.clear()
        self._balance = None

    def _too_old(self, taken: float) -> bool:
        return self._clock.monotonic() - taken >= MAX_AGE
