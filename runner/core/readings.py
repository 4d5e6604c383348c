"""What was read of the account, kept true through our own purchases.

A list or a balance is only read while nothing of ours is in flight, so that whatever we claimed since is an event of
the ledger after the reading: settled with its cost and id, or open and judged together with the others
(docs/explanation/many-at-once.md). A reading grows stale by what others do, and a stranger's order between it and a
claim can but add a candidate when an unknown outcome is judged: doubt, never a false certainty. A price may serve for a
minute (`Prices`): what an answer says was charged is held against it in any case.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from runner.core.clock import Clock
from runner.core.errors import UnknownForm
from runner.core.ledger import Ledger
from runner.core.orders import OrderKey, OrderRequest, ProductType, Quote
from runner.core.prices import MAX_AGE as MAX_PRICE_AGE
from runner.core.prices import Prices
from runner.core.renewals import Term
from runner.core.vendor import Look, Placed, QuoteRefused, Reader, Witness, terms_of_rows

MAX_AGE: Final = 60.0
"""Seconds after which a balance, or the terms of orders, are read again, as soon as nothing is in flight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceReading:
    """What the account had while nothing of ours was in flight; the ledger had `events` events of it then."""

    amount: Decimal
    events: int
    read_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsReading:
    """What the lists of a type showed of the orders that were asked for; one without a row has no term."""

    order_ids: frozenset[str]
    terms: Mapping[str, Term]
    read_at: float


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
    """Quotes, witnesses and the balance. For one thread: a lane is given what was read before it starts.

    `count_events` tells how many events the ledger has of the account.
    """

    def __init__(
        self,
        reader: Reader,
        clock: Clock,
        *,
        share_quotes: bool = True,
        count_events: Callable[[], int] = lambda: 0,
        was_bought: Callable[[ProductType], bool] = lambda _: True,
    ) -> None:
        self.reader = reader
        self.prices = Prices(clock, shared=share_quotes)
        self._clock = clock
        self._count_events = count_events
        self._was_bought = was_bought
        self._witnesses: dict[ProductType, Witness] = {}
        self._terms: dict[ProductType, TermsReading] = {}
        self._balance: BalanceReading | None = None
        self._spent = Decimal(0)
        self._reserved: dict[OrderKey, Decimal] = {}
        self._alone: set[OrderKey] = set()

    def quote(self, request: OrderRequest, *, max_age: float = MAX_PRICE_AGE) -> Quote | QuoteRefused:
        """The price, asked unless one of the same content is young; the balance with it is a reading."""
        known = self.prices.find(request, max_age)
        if known is not None:
            return known
        asked = self._clock.monotonic()
        answer = self.reader.quote(request)
        self.prices.keep(request, asked, answer)
        quote = answer.quote if isinstance(answer, QuoteRefused) else answer
        if quote is not None and quote.balance is not None and not self._reserved:
            self._note_balance(quote.balance)
        return answer

    def available(self) -> Decimal:
        """What the account has left, beside what we bought since its balance was read and what is in flight."""
        return self.balance().amount - self._spent - sum(self._reserved.values(), Decimal(0))

    def balance(self) -> BalanceReading:
        """The last reading; a new one where that is old and nothing is in flight.

        Raises ValueError where there is none, and orders of ours are in flight.
        """
        reading = self._balance
        is_old = reading is None or self._clock.monotonic() - reading.read_at >= MAX_AGE
        if reading is None or (is_old and not self._reserved):
            self._refuse_in_flight("the balance")
            return self._note_balance(self.reader.balance())
        return reading

    def witness(self, product: ProductType) -> Witness:
        """The orders the vendor shows before a purchase: read once, and again where that was given up.

        Raises ValueError where it would have to be read, and orders of ours are in flight.
        """
        witness = self._witnesses.get(product)
        if witness is None:
            self._refuse_in_flight(f"the list of {product} orders")
            try:
                witness = self.reader.witness(product)
            except UnknownForm as error:
                witness = nothing_yet(error, product, self._clock, self._was_bought).witness
            self._witnesses[product] = witness
        return witness

    def look(self, product: ProductType) -> Look:
        """The orders the vendor shows, as far as they can be told apart; serves as the next witness, too."""
        try:
            look = self.reader.look(product)
        except UnknownForm as error:
            look = nothing_yet(error, product, self._clock, self._was_bought)
        self._witnesses[product] = look.witness
        return look

    def terms(self, product: ProductType, order_ids: Collection[str]) -> Mapping[str, Term]:
        """The current term of each of these orders that has a row in the vendor's lists, by its id.

        One reading serves a minute for every order that was asked about until then; an old one goes on serving while
        orders of ours are in flight. ValueError where one more would have to be read then. Raises what
        `Reader.proxies` raises.
        """
        reading = self._terms.get(product)
        is_missing = reading is None or not reading.order_ids.issuperset(order_ids)
        is_old = reading is None or self._clock.monotonic() - reading.read_at >= MAX_AGE
        if reading is None or is_missing or (is_old and not self._reserved):
            self._refuse_in_flight(f"the list of {product} terms")
            reading = self._read_terms(product, frozenset(order_ids).union(reading.order_ids if reading else ()))
        return {order_id: reading.terms[order_id] for order_id in order_ids if order_id in reading.terms}

    def _read_terms(self, product: ProductType, order_ids: frozenset[str]) -> TermsReading:
        read_at = self._clock.monotonic()
        terms = terms_of_rows(self.reader.proxies(product, order_ids))
        reading = self._terms[product] = TermsReading(order_ids=order_ids, terms=terms, read_at=read_at)
        return reading

    def is_term_due(self, request: OrderRequest) -> bool:
        """Whether the term of the order that this renews has to be read again before it is claimed."""
        reading = self._terms.get(request.type)
        if request.renews is None:
            return False
        is_missing = reading is None or request.renews not in reading.order_ids
        return is_missing or (reading is not None and self._clock.monotonic() - reading.read_at >= MAX_AGE)

    def _forget_term(self, request: OrderRequest) -> None:
        """Of that order alone: what its renewal changed is no other's."""
        reading = self._terms.get(request.type)
        if reading is not None:
            self._terms[request.type] = replace(reading, order_ids=reading.order_ids - {str(request.renews)})

    @property
    def in_flight(self) -> bool:
        """Whether any order of ours is."""
        return bool(self._reserved)

    def is_due(self, product: ProductType) -> bool:
        """Whether something has to be read before an order of this type is claimed: only while nothing is in flight."""
        return self._balance is None or product not in self._witnesses

    def reserve(self, request: OrderRequest, amount: Decimal) -> None:
        """An order starts: until it is settled, it may have taken `amount` from the balance."""
        self._alone = set() if self._reserved else {request.key}
        self._reserved[request.key] = Decimal(0) if request.pays_by_card else amount

    def release(self, request: OrderRequest) -> None:
        """Nothing of it was bought, or nobody knows."""
        self._reserved.pop(request.key, None)

    def count_purchase(
        self, request: OrderRequest, placed: Placed, expected: Decimal, answered: float | None = None
    ) -> None:
        """Count a purchase of ours in, which was answered at that monotonic second, None for now.

        Ours are never candidates, so a list stays good; a package has changed.

        The balance in an answer is a reading only if nothing else was in flight with it: of two that were, one may
        have been charged after the other's balance was told.
        """
        self.release(request)
        if request.renews is not None:  # which changes the ids of its rows
            self._forget_term(request)
        self.prices.confirm(request, placed, self._clock.monotonic() if answered is None else answered)
        if request.type == "resident":
            self._witnesses.pop(request.type, None)
        if placed.balance is not None and request.key in self._alone:
            self._note_balance(placed.balance)
        elif not request.pays_by_card:
            self._spent += expected if placed.total is None else placed.total

    def distrust(self) -> None:
        """Something was not as expected: read everything again before it is used."""
        self.prices.forget()
        self._witnesses.clear()
        self._terms.clear()
        self._balance = None

    def _note_balance(self, amount: Decimal) -> BalanceReading:
        self._spent = Decimal(0)
        self._balance = BalanceReading(amount=amount, events=self._count_events(), read_at=self._clock.monotonic())
        return self._balance

    def _refuse_in_flight(self, what: str) -> None:
        if self._reserved:
            raise ValueError(f"{what} was to be read while {len(self._reserved)} orders were in flight")
