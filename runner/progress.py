"""What happens during a run, as values for whoever shows it. Nothing here decides anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from runner.orders import OrderKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoting:
    """`done` of `total` orders have a price."""

    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Buying:
    """The `n`-th of `total` purchases begins; `price` is its last quote."""

    key: OrderKey
    n: int
    total: int
    price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The order is on its way: up to `deadline` seconds until the answer counts as lost."""

    key: OrderKey
    deadline: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The order ended as `status` (a word of the report); `detail` may be vendor text."""

    key: OrderKey
    status: str
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Nothing moves for `seconds`, because of `why`."""

    seconds: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something a person should read now."""

    text: str


Progress = Quoting | Buying | Sent | Settled | Waiting | Notice
Watch = Callable[[Progress], None]


def unwatched(_: Progress) -> None:
    """For callers that show nothing."""
