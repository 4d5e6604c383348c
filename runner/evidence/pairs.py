"""Which orders at the vendor that nobody owns are which of those that manifests want: a pair is proposed where exactly
one fits, both ways. Pure.

Whatever could be another order's is nobody's pair: what is wanted by two, or may be an order in doubt, is for a person.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from typing import Final

from runner.core.orders import OrderKey, OrderRequest, ProductType
from runner.core.vendor import SeenOrder
from runner.evidence.match import COMPARED, PACKAGES, UNCOUNTED, Countries, Match, Sought, fit, grounds
from runner.evidence.strangers import DELIVERED, NAMED


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """An order that is wanted and one at the vendor that is likely to be it.

    `grounds` is what speaks for it, `doubts` what speaks against it.
    """

    request: OrderRequest
    order: SeenOrder
    grounds: tuple[str, ...]
    doubts: tuple[str, ...] = ()

    @property
    def key(self) -> OrderKey:
        return self.request.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """An order that is wanted and has no pair, why, and the first `NAMED` that could be it."""

    request: OrderRequest
    reason: str
    candidates: tuple[Match, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """An order in doubt: what could be it is no other order's pair."""

    key: OrderKey
    sought: Sought


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """What came of a comparison. `strays` are orders that could be nothing that is left, by type."""

    pairs: tuple[Pair, ...] = ()
    leftovers: tuple[Leftover, ...] = ()
    strays: Mapping[ProductType, tuple[SeenOrder, ...]]


NOTHING_FITS: Final = "the vendor shows no order that could be it, among those that nobody owns"
NOT_LISTED: Final = "no list of the vendor shows resident orders"
_SHOWN: Final = 3
"""Others that a reason or a doubt names."""


def pair(
    requests: Sequence[OrderRequest],
    orders: Mapping[ProductType, Iterable[SeenOrder]],
    rivals: Iterable[Rival],
    countries: Countries,
    today: date,
) -> Pairing:
    """Compare what is wanted with what nobody owns, type by type, and propose what fits nothing else.

    First orders that fit in everything, each the only one to do so, whatever else could be it with a doubt, which is
    told; then, of what is left, the only one that could be it. Alike ones are compared once, however many there are.
    """
    tables = {product: _Table(product, seen, countries, today) for product, seen in orders.items()}
    for rival in rivals:
        if rival.sought.type in tables:
            tables[rival.sought.type].add_rival(rival)
    for request in requests:
        if request.type in tables:
            tables[request.type].add(request)
    for whole in (True, False):
        for table in tables.values():
            table.propose(whole=whole)
    pairs = {one.key: one for table in tables.values() for one in table.pairs}
    leftovers = [
        tables[request.type].explain(request)
        if request.type in tables
        else Leftover(request=request, reason=NOT_LISTED)
        for request in requests
        if request.key not in pairs
    ]
    return Pairing(
        pairs=tuple(pairs[request.key] for request in requests if request.key in pairs),
        leftovers=tuple(leftovers),
        strays={product: tuple(table.strays()) for product, table in tables.items()},
    )


class _Demand:
    """Orders that ask for the same, as far as rows show it, and what could be them. Those that have a pair are gone."""

    def __init__(self, sought: Sought) -> None:
        self.sought = sought
        self.requests: list[OrderRequest] = []
        self.options: list[tuple[_Looks, Match]] = []

    @property
    def number(self) -> int:
        """How many orders could be it."""
        return sum(len(looks.orders) for looks, _ in self.options)


class _Looks:
    """Orders that show the same, lowest id first, and what they could be. Those that have a pair are gone."""

    def __init__(self, example: SeenOrder) -> None:
        self.example = example
        self.orders: list[SeenOrder] = []
        self.demands: list[tuple[_Demand, Match]] = []
        self.rivals: list[OrderKey] = []

    def demand(self, *, whole: bool) -> int:
        """How many orders they could be; only where they fit in everything, if `whole`."""
        return sum(len(demand.requests) for demand, match in self.demands if match.whole or not whole)


class _Table:
    """Everything of one type: what is wanted beside what is there."""

    def __init__(self, product: ProductType, orders: Iterable[SeenOrder], countries: Countries, today: date) -> None:
        self.pairs: list[Pair] = []
        self._product = product
        self._countries = countries
        self._today = today
        self._demands: dict[object, _Demand] = {}
        looks: dict[SeenOrder, _Looks] = {}
        for seen in sorted(orders, key=lambda one: (len(one.order_id), one.order_id)):
            example = replace(seen, order_id="", numbers=frozenset(), receipts=frozenset())
            looks.setdefault(example, _Looks(example)).orders.append(seen)
        self._looks = list(looks.values())
        self._by_country: dict[str | None, list[_Looks]] = defaultdict(list)
        for one in self._looks:
            for country in one.example.countries or (None,):
                self._by_country[country].append(one)

    def add_rival(self, rival: Rival) -> None:
        """An order in doubt: what could be it is not proposed for anything."""
        for looks in self._likely(rival.sought):
            if fit(looks.example, rival.sought, self._countries):
                looks.rivals.append(rival.key)

    def add(self, request: OrderRequest) -> None:
        """One more order that may be there."""
        name = tuple(request.fields.get(part) for part in COMPARED)
        demand = self._demands.get(name)
        if demand is None:
            demand = self._demands[name] = _Demand(Sought(type=request.type, fields=request.fields))
            for looks in self._likely(demand.sought):
                if match := self._fit(looks.example, demand.sought):
                    demand.options.append((looks, match))
                    looks.demands.append((demand, match))
        demand.requests.append(request)

    def propose(self, *, whole: bool) -> None:
        """Make pairs of those of which exactly one fits the other."""
        chosen = [(demand, looks, match) for demand in self._demands.values() for looks, match in _only(demand, whole)]
        others = [(*self._other_orders(demand, looks), *_other_demands(demand, looks)) for demand, looks, _ in chosen]
        for (demand, looks, match), doubts in zip(chosen, others, strict=True):
            seen, request = looks.orders.pop(), demand.requests.pop()
            speaks = grounds(seen, demand.sought, self._countries)
            self.pairs.append(Pair(request=request, order=seen, grounds=speaks, doubts=(*match.doubts, *doubts)))

    def explain(self, request: OrderRequest) -> Leftover:
        """Why an order that was added has no pair."""
        demand = self._demands[tuple(request.fields.get(part) for part in COMPARED)]
        number = demand.number
        if not number:
            return Leftover(request=request, reason=NOTHING_FITS)
        candidates = tuple(self._candidates(demand))
        if number > 1:
            return Leftover(request=request, reason=f"{number} orders could be it", candidates=candidates)
        looks = next(looks for looks, _ in demand.options if looks.orders)
        others = [one.key for other, _ in looks.demands for one in other.requests if one.key != request.key]
        reason = f"order {candidates[0].order.order_id} could be it, but also {_list_text([*looks.rivals, *others])}"
        return Leftover(request=request, reason=reason, candidates=candidates)

    def strays(self) -> Iterator[SeenOrder]:
        """Those that could be nothing that is left of what was added."""
        free = (looks for looks in self._looks if not looks.rivals and not looks.demand(whole=False))
        return (seen for looks in free for seen in looks.orders)

    def _other_orders(self, demand: _Demand, chosen: _Looks) -> Iterator[str]:
        """Doubts: what else could be the order."""
        for looks, match in demand.options:
            if looks is not chosen and looks.orders:
                names = _list_text([f"order {seen.order_id}" for seen in looks.orders])
                yield f"{names} could be it, too, but {'; '.join(match.doubts)}"

    def _candidates(self, demand: _Demand) -> Iterator[Match]:
        orders = ((seen, match) for looks, match in demand.options for seen in looks.orders)
        return (replace(match, order=seen) for seen, match in islice(orders, NAMED))

    def _likely(self, sought: Sought) -> Iterable[_Looks]:
        """Those that show its country, or none; all of them where countries cannot be compared."""
        country = self._countries.get((self._product, str(sought.fields.get("countryId"))))
        if self._product in PACKAGES or country is None:
            return self._looks
        return (*self._by_country.get(country.upper(), ()), *self._by_country.get(None, ()))

    def _fit(self, seen: SeenOrder, sought: Sought) -> Match | None:
        """As `fit`; an order that has begun days ago has all the proxies it will have."""
        match, quantity = fit(seen, sought, self._countries), sought.fields.get("quantity")
        is_complete = seen.starts is not None and seen.starts < self._today - DELIVERED
        if is_complete and isinstance(quantity, int) and seen.rows < quantity and self._product not in UNCOUNTED:
            return None
        return match


def _only(demand: _Demand, whole: bool) -> Iterator[tuple[_Looks, Match]]:
    """The one that could be it, where it could be nothing else; only what fits in everything counts, if `whole`."""
    options = [(looks, match) for looks, match in demand.options if looks.orders and (match.whole or not whole)]
    if len(demand.requests) == 1 and len(options) == 1:
        looks, _ = options[0]
        if len(looks.orders) == 1 and not looks.rivals and looks.demand(whole=whole) == 1:
            yield options[0]


def _other_demands(chosen: _Demand, looks: _Looks) -> Iterator[str]:
    """Doubts: what else the order could be."""
    for demand, match in looks.demands:
        if demand is not chosen and demand.requests:
            yield f"it could be {_list_text([one.key for one in demand.requests])}, too, but {'; '.join(match.doubts)}"


def _list_text(names: Sequence[object]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(str, names[:_SHOWN])) + more
