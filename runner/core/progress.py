"""What happens during a run, as values for whoever shows it. Nothing here decides anything."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from runner.core.orders import OrderKey, ProductType

FOLLOWED_AT_ONCE: Final = 256
"""Events of a ledger between two words to a watch."""


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
    """Nothing moves for `seconds`, because of `why`; `key` is the order that waits, None where no order does alone."""

    seconds: float
    why: str
    key: OrderKey | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something a person should read now; with `stops` no order is begun any more, and what is in flight is awaited."""

    text: str
    stops: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """`done` of `total` manifests are read, with `orders` orders; `part` of all their bytes, from 0 to 1."""

    done: int
    total: int
    orders: int
    part: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The vendor's list of `type` is asked; None: no list is asked any more."""

    type: ProductType | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """`done` of the `total` events of a ledger are followed."""

    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparing:
    """The orders of a ledger are held against their events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """After `looks` looks `open` of `total` orders are in doubt; looking ends in `left` seconds at the latest."""

    open: int
    total: int
    looks: int
    left: float


Progress = Quoting | Buying | Sent | Settled | Waiting | Notice | Reading | Listing | Following | Comparing | Looked
Watch = Callable[[Progress], None]


def report_followed(watch: Watch, done: int, total: int) -> None:
    """One more event is followed; told now and then."""
    if done % FOLLOWED_AT_ONCE == 0 or done == total:
        watch(Following(done=done, total=total))


@contextmanager
def listing(watch: Watch, product: ProductType) -> Iterator[None]:
    """The vendor's list of a type is asked in the `with`."""
    watch(Listing(type=product))
    try:
        yield
    finally:
        watch(Listing(type=None))


def ignore(_: Progress) -> None:
    """For callers that show nothing."""


def harmless(watch: Watch, instead: Watch = ignore) -> Watch:
    """A watch whose exceptions are lost, for whoever looks on must not end a purchase half way.

    What it failed to take goes to `instead`.
    """

    def guard(event: Progress) -> None:
        try:
            watch(event)
        except Exception:  # noqa: BLE001 - whatever it is, the purchase goes on
            instead(event)

    return guard


def in_turn(watch: Watch) -> Watch:
    """A watch that is called by one thread at a time, whichever have something to tell.

    A signal handler that interrupts a call in its own thread is let through.
    """
    lock = threading.RLock()

    def take(event: Progress) -> None:
        with lock:
            watch(event)

    return take
