"""What the emulator remembers of its visitors: the ground truth for tests."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """An order made and charged, whatever its buyer was told. Money in USD, `at` in seconds since the epoch."""

    order_id: int
    key: str
    type: str
    body: dict[str, Any]
    total: Decimal
    balance: Decimal
    base_order_numbers: tuple[str, ...]
    at: float
    stranger: bool = False
    """True for an order somebody else made on the same account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """A renewal made and charged, whatever its buyer was told. Money in USD, times in seconds since the epoch.

    `moves` of the `rows` that it was charged for got a later end. `terms` has the id of every order, with the first end
    of its rows before and after.
    """

    account: str
    type: str
    period: str
    rows: int
    moves: int
    total: Decimal
    balance: Decimal
    at: float
    by: Literal["client", "hand", "vendor"]
    terms: tuple[tuple[int, float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRequest:
    """A request as it arrived; `status` is None while no answer was begun, and for ever if none ever was."""

    method: str
    endpoint: str
    status: int | None
    at: float
