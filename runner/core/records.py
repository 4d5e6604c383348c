"""What a ledger keeps of orders that it may have forgotten: what was wanted, what was adopted, what is not its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from runner.core.orders import OrderKey, ProductType, Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """What a key stood for when a run did not buy it, because it may be at the vendor already.

    `quote_total` is what it was to cost.
    """

    key: OrderKey
    type: ProductType
    fields: Mapping[str, Scalar]
    fingerprint: str
    at: datetime
    quote_total: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """A person's word that an order nobody in the ledger owns is what `want` asked for.

    It becomes the order's next attempt, placed at once. `evidence` says who, when and why.
    """

    want: Want
    order_id: str
    run_id: str
    at: datetime
    reason: str
    evidence: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """An order at the vendor that is not this ledger's: who said so (and what says that it was they), and why."""

    order_id: str
    who: str
    source: str
    reason: str
    at: datetime
