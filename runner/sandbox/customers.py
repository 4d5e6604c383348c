"""Who the emulated vendor sells to, what they hold, and what they are asked to pay."""

import hashlib
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from runner.sandbox.shelf import Lot, Shelf

Event = dict[str, Any]


class NoOrderError(KeyError):
    """There is no such order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What an order costs now, in USD; `short` is what the balance lacks, 0 when it suffices or is not asked."""

    quantity: int
    price: Decimal
    total: Decimal
    discount: Decimal
    balance: Decimal
    short: Decimal

    @property
    def warning(self) -> str:
        """The vendor's words for a short balance, where "Total" is the balance; empty if there is enough."""
        if not self.short:
            return ""
        held = f"{self.balance:f}"
        held = held.rstrip("0").rstrip(".") if "." in held else held
        return f"Insufficient funds. Total ${held}. Not enough ${self.short:.2f}"


@dataclass(slots=True, kw_only=True)
class Package:
    """The resident traffic of an account, in bytes; every resident order adds to it."""

    limit: int
    usage: int
    tariff: int
    ends: float


@dataclass(slots=True, kw_only=True)
class Customer:
    """A customer: its balance in USD and what it was delivered or is owed."""

    key: str
    balance: Decimal
    shelves: dict[str, Shelf]
    lots: dict[int, Lot] = field(default_factory=dict)
    residents: list[Lot] = field(default_factory=list)
    traffic_used: int = 0
    lists: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """An order received and not made yet: it will be at `due`, if the money is there then.

    With a `type` it is a renewal of addresses of that type.
    """

    due: float
    account: str
    body: dict[str, Any]
    type: str | None = None


def mark_of(key: str) -> str:
    """The name of an account in events, which must not hold API keys."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def package_of(account: Customer, now: float) -> Package | None:
    """The account's resident traffic as delivered by now; None if there is none."""
    lots = [lot for lot in account.residents if lot.due <= now]
    tariffs = [lot.basket.tariff for lot in lots if lot.basket.tariff]
    if not tariffs:
        return None
    limit = sum(t.traffic for t in tariffs)
    return Package(limit=limit, usage=min(account.traffic_used, limit), tariff=tariffs[-1].id, ends=lots[-1].ends)
