"""Orders at the vendor that nobody in the ledger owns, and which of them look like one that is to be bought. Pure.

A ledger that was lost, put back from an old backup, or named wrongly does not know what was bought. The vendor's list
does. What it shows is compared as far as its rows tell, no further: whatever could be the order counts as looking like
it, because buying it again is worse than asking a person.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from runner.core.orders import OrderKey, OrderRequest, ProductType
from runner.core.vendor import Look, SeenOrder
from runner.evidence.match import Countries, Match, Sought, fit

RECENT: Final = timedelta(days=31)
"""An order that began longer ago is not named: what was forgotten is noticed by the next run, not a month later."""

DELIVERED: Final = timedelta(days=2)
"""An order that has begun longer ago has all the proxies it will have: with fewer than asked for it is another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookalike:
    """What looks like one order, in the order of their ids; `suggested` is the one to think of first."""

    fits: tuple[Match, ...]
    suggested: str


def recent_of(orders: Iterable[SeenOrder], today: date) -> list[SeenOrder]:
    """Those that began lately, or say nothing of when, and are no renewals."""
    return [seen for seen in orders if not seen.renewed and (seen.starts is None or seen.starts >= today - RECENT)]


def find_unowned(look: Look, owned: Collection[str], today: date) -> list[SeenOrder]:
    """The recent orders of a look that have neither an id nor a base order number among `owned`."""
    return [
        seen
        for seen in recent_of(look.orders, today)
        if seen.order_id not in owned and not any(number in owned for number in seen.numbers)
    ]


def likenesses(
    requests: Sequence[OrderRequest],
    strangers: Mapping[ProductType, Sequence[SeenOrder]],
    countries: Countries,
    today: date,
) -> dict[OrderKey, Lookalike]:
    """Which of these orders look like which of those found.

    One that looks like several is told of all; to each another one is suggested, as long as there are enough, oldest to
    first, because they were bought in this order.
    """
    lookalikes: dict[OrderKey, Lookalike] = {}
    suggested: set[str] = set()
    for request in requests:
        fits = looks_like(request, strangers.get(request.type, ()), countries, today)
        if not fits:
            continue
        ids = [one.order.order_id for one in fits]
        first = next((order_id for order_id in ids if order_id not in suggested), ids[0])
        suggested.add(first)
        lookalikes[request.key] = Lookalike(fits=fits, suggested=first)
    return lookalikes


def looks_like(
    request: OrderRequest, strangers: Iterable[SeenOrder], countries: Countries, today: date
) -> tuple[Match, ...]:
    """Those that could be this order, whatever was bought of it when."""
    sought = Sought(type=request.type, fields=request.fields)
    fits = (fit(seen, sought, countries) for seen in strangers if not _is_short(seen, request, today))
    return tuple(sorted(filter(None, fits), key=lambda one: _number(one.order)))


def _is_short(seen: SeenOrder, request: OrderRequest, today: date) -> bool:
    """Whether it has fewer proxies than the order asks for, and will not get more."""
    quantity = request.fields.get("quantity")
    late = seen.starts is not None and seen.starts < today - DELIVERED
    return late and isinstance(quantity, int) and seen.rows < quantity


def _number(seen: SeenOrder) -> tuple[int, str]:
    return len(seen.order_id), seen.order_id
