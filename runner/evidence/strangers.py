"""Orders at the vendor that nobody in the ledger owns, and which of them look like one that is to be bought. Pure.

A ledger that was lost, put back from an old backup, or named wrongly does not know what was bought. The vendor's list
does. What it shows is compared as far as its rows tell, no further: whatever could be the order counts as looking like
it, because buying it again is worse than asking a person.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import OrderedDict, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from heapq import merge
from itertools import chain, islice
from math import inf
from typing import Final

from runner.core.orders import OrderKey, OrderRequest, ProductType, Scalar
from runner.core.vendor import Look, SeenOrder
from runner.evidence.match import COMPARED, Countries, Match, Sought, fit

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
    """What looks like one order: the first `NAMED` by their ids, and of how many; `suggested` to think of first."""

    fits: tuple[Match, ...]
    number: int
    suggested: str


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
    crowds = {product: _Crowd(orders, countries, today) for product, orders in strangers.items()}
    lookalikes: dict[OrderKey, Lookalike] = {}
    for request in requests:
        if request.type in crowds and (likeness := crowds[request.type].likeness(request)):
            lookalikes[request.key] = likeness
    return lookalikes


_ANY: Final = -1
"""In place of a number of proxies that may still grow."""


class _Appearance:
    """Strangers that show the same, lowest id first; while more may be delivered, whatever their number of proxies."""

    def __init__(self, example: SeenOrder) -> None:
        self.example = example
        self.orders: list[SeenOrder] = []
        self._unsuggested: OrderedDict[str, SeenOrder] = OrderedDict()
        self._sizes: list[int] = []

    def add(self, seen: SeenOrder) -> None:
        self.orders.append(seen)
        self._unsuggested[seen.order_id] = seen
        insort(self._sizes, seen.rows)

    def count(self, most: float) -> int:
        """How many have this many proxies at most."""
        return bisect_right(self._sizes, most)

    def first_left(self, most: float) -> SeenOrder | None:
        """The first of them that has not been suggested."""
        return next((seen for seen in self._unsuggested.values() if seen.rows <= most), None)

    def suggest(self, order_id: str) -> None:
        self._unsuggested.pop(order_id, None)


class _Crowd:
    """The strangers of one type by what they show, and what was found for each wish."""

    def __init__(self, orders: Iterable[SeenOrder], countries: Countries, today: date) -> None:
        self._countries = countries
        appearances: dict[SeenOrder, _Appearance] = {}
        for seen in sorted(orders, key=_number):
            is_complete = seen.starts is not None and seen.starts < today - DELIVERED
            example = replace(seen, order_id="", numbers=frozenset(), rows=seen.rows if is_complete else _ANY)
            if example not in appearances:
                appearances[example] = _Appearance(example)
            appearances[example].add(seen)
        self._appearances = list(appearances.values())
        self._by_rows: dict[Wish, dict[int, list[_Appearance]]] = {}
        self._fits: dict[Wish, tuple[int, tuple[Match, ...]]] = {}

    def likeness(self, request: OrderRequest) -> Lookalike | None:
        """What could be this order, whatever was bought of it when; the one it suggests is suggested once."""
        sought = Sought(type=request.type, fields=request.fields)
        quantity = request.fields.get("quantity")
        most = quantity if isinstance(quantity, int) else inf
        appearances = self._appearances_like(sought, quantity)
        number, fits = self._number_and_fits(sought, appearances, most)
        if not number:
            return None
        left = [(_number(seen), appearance) for appearance in appearances if (seen := appearance.first_left(most))]
        (_, suggested), appearance = min(left, key=lambda one: one[0], default=(_number(fits[0].order), None))
        if appearance is not None:
            appearance.suggest(suggested)
        return Lookalike(fits=fits, number=number, suggested=suggested)

    def _number_and_fits(
        self, sought: Sought, appearances: Sequence[_Appearance], most: float
    ) -> tuple[int, tuple[Match, ...]]:
        """How many fit, and the first of them; the same for all who wish for the same."""
        wish = tuple(sought.fields.get(name) for name in COMPARED)
        if wish not in self._fits:
            everybody = merge(*(appearance.orders for appearance in appearances), key=_number)
            matches = (fit(seen, sought, self._countries) for seen in everybody if seen.rows <= most)
            fits = tuple(islice(filter(None, matches), NAMED))
            self._fits[wish] = sum(appearance.count(most) for appearance in appearances), fits
        return self._fits[wish]

    def _appearances_like(self, sought: Sought, quantity: Scalar | None) -> list[_Appearance]:
        """Those that fit in everything; those of which more will be delivered, whatever their number of proxies.

        Everything but that number is compared once for all quantities.
        """
        wish = tuple(sought.fields.get(name) for name in COMPARED if name != "quantity")
        if wish not in self._by_rows:
            rest = {name: value for name, value in sought.fields.items() if name != "quantity"}
            self._by_rows[wish] = defaultdict(list)
            for appearance in self._appearances:
                if fit(appearance.example, replace(sought, fields=rest), self._countries):
                    self._by_rows[wish][appearance.example.rows].append(appearance)
        by_rows = self._by_rows[wish]
        if not isinstance(quantity, int):
            return list(chain.from_iterable(by_rows.values()))
        return [*by_rows.get(_ANY, ()), *by_rows.get(quantity, ())]


def _number(seen: SeenOrder) -> tuple[int, str]:
    return len(seen.order_id), seen.order_id
