"""Orders at the vendor that nobody in the ledger owns, and which of them look like one that is to be bought. Pure.

A ledger that was lost, put back from an old backup, or named wrongly does not know what was bought. The vendor's list
does. What it shows is compared as far as its rows tell, no further: whatever could be the order counts as looking like
it, because buying it again is worse than asking a person.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from heapq import heappop, heappush, merge
from itertools import chain, islice
from math import inf
from typing import Final

from runner.core.orders import OrderKey, OrderRequest, ProductType, Scalar
from runner.core.vendor import Look, SeenOrder
from runner.evidence.match import COMPARED, PACKAGES, UNCOUNTED, Countries, Match, Sought, fit

RECENT: Final = timedelta(days=31)
"""An order that began longer ago is not named: what was forgotten is noticed by the next run, not a month later."""

DELIVERED: Final = timedelta(days=2)
"""An order that has begun longer ago has all the proxies it will have: with fewer than asked for it is another one."""


Wish = tuple[Scalar | None, ...]
"""What an order asks for, as far as rows show something of it."""

NAMED: Final = 20
"""So many order ids are named; more are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookalike:
    """What looks like one order: the first `NAMED` by their ids, and of how many; `suggestion` to think of first."""

    fits: tuple[Match, ...]
    number: int
    suggestion: str


def recent_of(orders: Iterable[SeenOrder], today: date) -> list[SeenOrder]:
    """Those that began lately, or say nothing of when. What was renewed may be what a ledger forgot."""
    return [seen for seen in orders if seen.starts is None or seen.starts >= today - RECENT]


def find_unowned(look: Look, owned: Collection[str], today: date) -> list[SeenOrder]:
    """The recent orders of a look that have neither an id nor a base order number among `owned`."""
    return [
        seen
        for seen in recent_of(look.orders, today)
        if seen.order_id not in owned and not any(number in owned for number in seen.numbers)
    ]


def likenesses(
    requests: Iterable[OrderRequest],
    strangers: Mapping[ProductType, Iterable[SeenOrder]],
    countries: Countries,
    today: date,
) -> dict[OrderKey, Lookalike]:
    """Which of these orders look like which of those found.

    One that looks like several is told of all; to each another one is suggested, as long as there are enough, oldest to
    first, because they were bought in this order. Orders that ask for the same are compared once, and so are orders at
    the vendor that show the same: 10,000 of either cost little more than one.
    """
    crowds = {product: _Crowd(product, orders, countries, today) for product, orders in strangers.items()}
    lookalikes: dict[OrderKey, Lookalike] = {}
    for request in requests:
        if request.type in crowds and (likeness := crowds[request.type].likeness(request)):
            lookalikes[request.key] = likeness
    return lookalikes


_ANY: Final = -1
"""In place of a number of proxies that may still grow, or tells nothing."""


class _Appearance:
    """Strangers that show the same, lowest id first; while more may be delivered, whatever their number of proxies."""

    def __init__(self, example: SeenOrder, suggested: set[str]) -> None:
        self.example = example
        self.orders: list[SeenOrder] = []
        self._suggested = suggested
        self._gone = 0
        self._passed: dict[float, int] = {}
        self._sizes: list[int] = []

    def add(self, seen: SeenOrder) -> None:
        self.orders.append(seen)
        insort(self._sizes, seen.rows)

    def count(self, most: float) -> int:
        """How many have this many proxies at most."""
        return bisect_right(self._sizes, most)

    def first_left(self, most: float) -> SeenOrder | None:
        """The first of them that has not been suggested; those that were passed over once are not looked at again."""
        orders, suggested = self.orders, self._suggested
        while self._gone < len(orders) and orders[self._gone].order_id in suggested:
            self._gone += 1
        place = max(self._gone, self._passed.get(most, 0))
        while place < len(orders) and (orders[place].rows > most or orders[place].order_id in suggested):
            place += 1
        self._passed[most] = place
        return orders[place] if place < len(orders) else None


class _Queue:
    """What of several appearances has not been suggested, lowest id first."""

    def __init__(self, appearances: Sequence[_Appearance], most: float) -> None:
        self._appearances = appearances
        self._most = most
        self._heap: list[tuple[tuple[int, str], int]] = []
        for place in range(len(appearances)):
            self._put(place)

    def pop(self) -> str | None:
        """The next of them, once."""
        while self._heap:
            number, place = heappop(self._heap)
            seen = self._put(place)
            if seen is not None and _number(seen) == number:
                return seen.order_id
        return None

    def _put(self, place: int) -> SeenOrder | None:
        """Have the first that is left of an appearance queue again: which one that is may have changed meanwhile."""
        seen = self._appearances[place].first_left(self._most)
        if seen is not None:
            heappush(self._heap, (_number(seen), place))
        return seen


@dataclass(frozen=True, slots=True, kw_only=True)
class _Likeness:
    """What all who wish for the same share: how many fit, the first of them, and those not suggested yet."""

    number: int
    fits: tuple[Match, ...]
    rest: _Queue


class _Crowd:
    """The strangers of one type by what they show, and what was found for each wish."""

    def __init__(self, product: ProductType, orders: Iterable[SeenOrder], countries: Countries, today: date) -> None:
        self._product = product
        self._countries = countries
        self._suggested: set[str] = set()
        appearances: dict[SeenOrder, _Appearance] = {}
        for seen in sorted(orders, key=_number):
            example = self._example(seen, today)
            if example not in appearances:
                appearances[example] = _Appearance(example, self._suggested)
            appearances[example].add(seen)
        self._appearances = list(appearances.values())
        self._by_country: dict[str | None, list[_Appearance]] = defaultdict(list)
        for appearance in self._appearances:
            for country in appearance.example.countries or (None,):
                self._by_country[country].append(appearance)
        self._by_rows: dict[Wish, dict[int, list[_Appearance]]] = {}
        self._answers: dict[Wish, _Likeness] = {}

    def _example(self, seen: SeenOrder, today: date) -> SeenOrder:
        """What is compared of it: the countries of a package are not."""
        is_complete = seen.starts is not None and seen.starts < today - DELIVERED
        return replace(
            seen,
            order_id="",
            numbers=frozenset(),
            receipts=frozenset(),
            rows=seen.rows if is_complete and self._product not in UNCOUNTED else _ANY,
            countries=frozenset() if self._product in PACKAGES else seen.countries,
        )

    def likeness(self, request: OrderRequest) -> Lookalike | None:
        """What could be this order, whatever was bought of it when; the one it suggests is suggested once."""
        sought = Sought(type=request.type, fields=request.fields)
        wish = self._wish(sought, COMPARED)
        if wish not in self._answers:
            self._answers[wish] = self._answer(sought)
        answer = self._answers[wish]
        if not answer.number:
            return None
        suggested = answer.rest.pop()
        if suggested is not None:
            self._suggested.add(suggested)
        return Lookalike(fits=answer.fits, number=answer.number, suggestion=suggested or answer.fits[0].order.order_id)

    def _wish(self, sought: Sought, names: Iterable[str]) -> Wish:
        """Which package is asked for is nothing that rows show."""
        unseen = {"countryId"} if self._product in PACKAGES else frozenset[str]()
        return tuple(sought.fields.get(name) for name in names if name not in unseen)

    def _answer(self, sought: Sought) -> _Likeness:
        quantity = sought.fields.get("quantity")
        most = quantity if isinstance(quantity, int) and self._product not in UNCOUNTED else inf
        appearances = self._appearances_like(sought, quantity)
        everybody = merge(*(appearance.orders for appearance in appearances), key=_number)
        matches = (fit(seen, sought, self._countries) for seen in everybody if seen.rows <= most)
        return _Likeness(
            number=sum(appearance.count(most) for appearance in appearances),
            fits=tuple(islice(filter(None, matches), NAMED)),
            rest=_Queue(appearances, most),
        )

    def _appearances_like(self, sought: Sought, quantity: Scalar | None) -> list[_Appearance]:
        """Those that fit in everything; those of which more will be delivered, whatever their number of proxies.

        Everything but that number is compared once for all quantities.
        """
        wish = self._wish(sought, (name for name in COMPARED if name != "quantity"))
        if wish not in self._by_rows:
            rest = {name: value for name, value in sought.fields.items() if name != "quantity"}
            self._by_rows[wish] = defaultdict(list)
            for appearance in self._of_its_country(sought):
                if fit(appearance.example, replace(sought, fields=rest), self._countries):
                    self._by_rows[wish][appearance.example.rows].append(appearance)
        by_rows = self._by_rows[wish]
        if not isinstance(quantity, int):
            return list(chain.from_iterable(by_rows.values()))
        return [*by_rows.get(_ANY, ()), *by_rows.get(quantity, ())]

    def _of_its_country(self, sought: Sought) -> Sequence[_Appearance]:
        """Those that show it, or none; all of them where countries cannot be compared."""
        country = self._countries.get((self._product, str(sought.fields.get("countryId"))))
        if self._product in PACKAGES or country is None:
            return self._appearances
        return [*self._by_country.get(country.upper(), ()), *self._by_country.get(None, ())]


def _number(seen: SeenOrder) -> tuple[int, str]:
    return len(seen.order_id), seen.order_id
