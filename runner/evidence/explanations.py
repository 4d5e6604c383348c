"""Every way in which orders in doubt could explain what is to be seen: pure counting, no vendor and no ledger.

In a world each group of identical orders has some that were bought. Together they cost what left the balance, and every
new order is one of them, but for one that may be the renewal of an older order; a bought one need not be shown yet.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import Final

MOST: Final = 20_000
"""Combinations that are looked through before there is too much in doubt."""

HALF_A_CENT: Final = Decimal("0.005")
"""A balance is told in cents, a price may have more digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """`size` identical orders in doubt at `price` each, and the new orders that each of them could be."""

    size: int
    price: Decimal
    could_be: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One group's part of a world: how many were bought, and which new orders they are."""

    purchases: int
    orders: frozenset[str]


def worlds(
    groups: Sequence[Group], drop: Decimal, renewals: Collection[str] = ()
) -> list[tuple[Explanation, ...]] | None:
    """All worlds in which the balance fell by `drop`, one `Explanation` a group; None where they are too many to see.

    `renewals` are those of the new orders that may be none of ours.
    """
    new = sorted(frozenset[str]().union(*(group.could_be for group in groups)))
    homes = {order: _homes(groups, order) + [None] * (order in renewals) for order in new}
    ways = 1
    for size in (*(group.size + 1 for group in groups), *map(len, homes.values())):
        ways *= size
        if ways > MOST:
            return None
    return [world for counts in _counts(groups, drop) for world in _assignments(counts, homes)]


def _homes(groups: Sequence[Group], order: str) -> list[int | None]:
    return [place for place, group in enumerate(groups) if order in group.could_be]


def _counts(groups: Sequence[Group], drop: Decimal) -> Iterator[tuple[int, ...]]:
    for counts in product(*(range(group.size + 1) for group in groups)):
        cost = sum((group.price * count for group, count in zip(groups, counts, strict=True)), Decimal(0))
        if abs(cost - drop) <= HALF_A_CENT:
            yield counts


def _assignments(
    counts: tuple[int, ...], homes: Mapping[str, Sequence[int | None]]
) -> Iterator[tuple[Explanation, ...]]:
    """Each new order to one of the groups it could belong to, or to none; no group gets more than it bought."""
    for choice in product(*homes.values()):
        if all(choice.count(place) <= count for place, count in enumerate(counts)):
            yield tuple(
                Explanation(
                    purchases=count,
                    orders=frozenset(order for order, home in zip(homes, choice, strict=True) if home == place),
                )
                for place, count in enumerate(counts)
            )
