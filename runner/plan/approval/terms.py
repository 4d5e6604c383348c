"""What somebody approved, and the digest over what would be bought at what ceiling.

The digest covers the account, the address and version of the API, the limits of the batches, and of every order to buy
its key, type, fields and ceiling; of every order that was bought under another key, both keys. It does not cover times,
balances, paths, the order of files, labels or other orders that were bought already. docs/decisions/0015-approval.md
tells why.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Final

from runner.core.canonical import digest
from runner.core.orders import ProductType, Scalar
from runner.manifest import Batch
from runner.plan.plan import Plan, Step

FORMAT: Final = "order-runner/approval/1"
DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
MAX_AGE: Final = timedelta(hours=24)
LIMITS: Final = ("max_total", "max_order", "price_tolerance", "buy_by")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovedOrder:
    """One order that was approved: what it asks for, and the most it may cost."""

    type: ProductType
    fields: Mapping[str, Scalar]
    ceiling: Decimal


@dataclass(frozen=True, kw_only=True)
class Terms:
    """All that a digest covers. `base_url` is without the key; `limits` has those of each batch, by name, as text.

    `renames` has the keys that purchases move to, or have moved to, each with the one they move from.
    """

    account: str
    base_url: str | None
    api_version: str
    limits: Mapping[str, Mapping[str, str | None]]
    lines: Mapping[str, ApprovedOrder]
    renames: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """`sha256:…` over canonical JSON: sorted keys, no blanks, ASCII; orders sorted by key."""
        content = {
            "format": FORMAT,
            "account": self.account,
            "api": {"base_url": self.base_url, "version": self.api_version},
            "limits": self.limits,
            "orders": [_line_json(key, self.lines[key]) for key in sorted(self.lines)],
        }
        return digest(content | ({"renames": dict(self.renames)} if self.renames else {}))

    @property
    def most(self) -> Decimal:
        """What all of it may cost at most."""
        return sum((line.ceiling for line in self.lines.values()), Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDocument:
    """A plan as it was written down: its terms, the digest beside them, when it was made, and what it was made from.

    `standing` has the status and the reason of every order it names. `prices` are the quotes that were shown.
    `manifests` has the SHA-256 of each file, `lockfile` that of the lockfile, if there was one.
    """

    terms: Terms
    digest: str
    made_at: datetime
    standing: Mapping[str, tuple[str, str | None]]
    prices: Mapping[str, Decimal]
    manifests: Mapping[str, str]
    lockfile: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What a call may buy: exactly what `digest` covers; with a document, what moved can be named."""

    digest: str
    document: PlanDocument | None = None
    max_age: timedelta = MAX_AGE


def amount_text(amount: Decimal) -> str:
    """One text for one amount, however the vendor spelled it: no zeros behind the cents."""
    whole, _, fraction = f"{amount:f}".partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"


def limits_of(plan: Plan, batches: Mapping[str, Batch]) -> dict[str, dict[str, str | None]]:
    """The limits, as text, of every batch that the plan buys of; `batches` has the tightest of each."""
    names = sorted({step.request.key.batch for step in plan.to_buy})
    return {name: limits_of_batch(batches[name]) for name in names if name in batches}


def limits_of_batch(batch: Batch) -> dict[str, str | None]:
    budget = batch.budget
    amounts = (budget.max_total, budget.max_order, budget.price_tolerance) if budget else (None, None, None)
    texts = [None if amount is None else amount_text(amount) for amount in amounts]
    return dict(zip(LIMITS, (*texts, batch.buy_by.isoformat() if batch.buy_by else None), strict=True))


def lines_of(plan: Plan) -> dict[str, ApprovedOrder] | None:
    """A line an order to buy; None while any of them has no price."""
    lines = {
        str(step.request.key): ApprovedOrder(type=step.request.type, fields=step.request.fields, ceiling=step.ceiling)
        for step in plan.to_buy
        if step.ceiling is not None
    }
    return lines if len(lines) == len(plan.to_buy) else None


def renames_of(plan: Plan) -> dict[str, str]:
    """What goes by another key since it was bought, whether it moves now or an earlier run has moved it."""
    return {
        str(step.request.key): str(before)
        for step in plan.steps
        if step.status == "already_placed" and (before := step.request.renamed_from) is not None
        if step.renamed_from is not None or (step.record is not None and step.record.moved_from(before))
    }


def _line_json(key: str, line: ApprovedOrder) -> Mapping[str, object]:
    return {"key": key, "type": line.type, "fields": dict(line.fields), "ceiling": amount_text(line.ceiling)}


def bound(plan: Plan, approval: Approval) -> Plan:
    """The plan with the approved ceilings, within what an order's own `max_total` has become.

    Without a document, the plan as it is: a digest names no ceiling to take over.
    """
    if approval.document is None:
        return plan
    lines = approval.document.terms.lines
    return replace(plan, steps=tuple(_bound(step, lines) if step.to_buy else step for step in plan.steps))


def _bound(step: Step, lines: Mapping[str, ApprovedOrder]) -> Step:
    ceiling, limit = lines[str(step.request.key)].ceiling, step.request.max_total
    return replace(step, ceiling=ceiling if limit is None else min(ceiling, limit))
