"""What was read of the account a moment ago, kept true through our own purchases.

A price is asked anew for every purchase. A list of orders or a balance may serve for a minute: it grows stale only by
what others do, and a stranger's order between a reading and a claim can but add a candidate when an unknown outcome is
judged: doubt, never a false certainty.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from runner.core.clock import Clock
from runner.core.errors import UnknownForm
from runner.core.ledger import Ledger
from runner.core.orders import OrderRequest, ProductType, Quote
from runner.core.vendor import Look, Placed, QuoteRefused, Reader, Witness

MAX_AGE: Final = 60.0
"""Seconds a balance or a list of orders may be used for."""


def has_bought(ledger: Ledger, product: ProductType) -> bool:
    """Whether the account ever bought anything of this type."""
    return any(record.type == product and record.order_id for record in ledger.every_record())


def nothing_yet(
    error: UnknownForm, product: ProductType, clock: Clock, was_bought: Callable[[ProductType], bool]
) -> Look:
    """What an answer that leaves the list out shows: nothing, where nothing was ever bought.

    Elsewhere it may as well be a list that failed, and `error` is raised.
    """
    if was_bought(product):
        raise error
    return Look(type=product, at=clock.now())


class Readings:
    """Quotes, witnesses and the balance; the last two are read again once they are too old."""

    def __init__(
        self, reader: Reader, clock: Clock, was_bought: Callable[[ProductType], bool] = lambda _: True
    ) -> None:
        self.reader = reader
        self._clock = clock
        self._was_bought = was_bought
        self._witnesses: dict[ProductType, tuple[float, Witness]] = {}
        self._balance: tuple[float, Decimal] | None = None

    def quote(self, request: OrderRequest) -> Quote | QuoteRefused:
        """The price, asked now; the balance that comes with it is a reading too."""
        answer = self.reader.quote(request)
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
            taken = self._clock.monotonic()
            try:
                witness = self.reader.witness(product, witness)
            except UnknownForm as error:
                witness = nothing_yet(error, product, self._clock, self._was_bought).witness
            self._witnesses[product] = taken, witness
        return witness

    def look(self, product: ProductType) -> Look:
        """The orders the vendor shows, as far as they can be told apart; serves as the next witness, too."""
        taken = self._clock.monotonic()
        try:
            look = self.reader.look(product)
        except UnknownForm as error:
            look = nothing_yet(error, product, self._clock, self._was_bought)
        self._witnesses[product] = (taken, look.witness)
        return look

    def count_purchase(self, request: OrderRequest, placed: Placed, expected: Decimal) -> None:
        """Count a purchase of ours in. Ours are never candidates, so a list stays good; a package has changed."""
        if request.type == "resident":
            self._witnesses.pop(request.type, None)
        if placed.balance is not None:
            self._balance = (self._clock.monotonic(), placed.balance)
        elif self._balance is not None and not request.pays_by_card:
            taken, balance = self._balance
            self._balance = (taken, balance - (expected if placed.total is None else placed.total))

    def distrust(self) -> None:
        """Something was not as expected: read everything again before it is used."""
        self._witnesses.clear()
        self._balance = None

    def _too_old(self, taken: float) -> bool:
        return self._clock.monotonic() - taken >= MAX_AGE
