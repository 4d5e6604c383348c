"""What was spent, added up by day, month, batch, type, label or actor. Pure: of any number of orders, in one pass.

The sum over all days is that of `Ledger.spent_since`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Final

from runner.core.errors import UsageError
from runner.core.records import Spending

NONE: Final = "(none)"
"""Where an order has no such label, or nobody is on record: an earlier version kept neither."""

LABEL: Final = "label"


def _actor(spending: Spending) -> str:
    by = spending.origin.by if spending.origin else None
    return by.actor if by else NONE


def _labels(spending: Spending) -> str:
    labels = spending.origin.labels if spending.origin else {}
    return " ".join(f"{name}={labels[name]}" for name in sorted(labels)) or NONE


def _label(name: str, spending: Spending) -> str:
    return spending.origin.labels.get(name, NONE) if spending.origin else NONE


GROUPINGS: Final[Mapping[str, Callable[[Spending], str]]] = {
    "day": lambda spending: spending.day.isoformat(),
    "month": lambda spending: spending.day.isoformat()[:7],
    "batch": lambda spending: spending.batch,
    "type": lambda spending: spending.type,
    LABEL: _labels,
    "actor": _actor,
}
"""What `--by` takes, beside `label=NAME`; `label` alone is all of an order's labels together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """What a number of orders cost, or may have, in `CURRENCY`; `in_doubt` is the part of it that is not settled."""

    orders: int = 0
    spent: Decimal = Decimal(0)
    in_doubt: Decimal = Decimal(0)

    def plus(self, spending: Spending) -> Sum:
        doubt = spending.amount if spending.in_doubt else Decimal(0)
        return Sum(orders=self.orders + 1, spent=self.spent + spending.amount, in_doubt=self.in_doubt + doubt)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Sums by what they are grouped `by`, in the order of their texts, and that of all. The days are both included."""

    by: tuple[str, ...]
    since: date | None
    until: date | None
    groups: Mapping[tuple[str, ...], Sum]
    total: Sum


def groupings_of(by: Iterable[str]) -> tuple[str, ...]:
    """These groupings, each once; by month where there are none. UsageError for what is no grouping."""
    names = tuple(dict.fromkeys(by)) or ("month",)
    for name in names:
        if name not in GROUPINGS and not _label_name(name):
            raise UsageError(f"{name!r} is nothing to group by", hint=f"one of {', '.join(GROUPINGS)}, or label=NAME")
    return names


def _label_name(grouping: str) -> str:
    """`team` of `label=team`; empty for any other grouping."""
    kind, _, name = grouping.partition("=")
    return name if kind == LABEL else ""


def reads_origins(by: Iterable[str]) -> bool:
    """Whether these groupings need to know who, and labels."""
    return any(name == "actor" or name.startswith(LABEL) for name in by)


def add_up(
    spendings: Iterable[Spending], by: tuple[str, ...], since: date | None = None, until: date | None = None
) -> Spent:
    """One sum for each combination of what they are grouped by; memory grows with those, not with the orders."""
    reads = [GROUPINGS.get(name) or partial(_label, _label_name(name)) for name in by]
    groups: dict[tuple[str, ...], Sum] = {}
    total = Sum()
    for spending in spendings:
        group = tuple(read(spending) for read in reads)
        groups[group] = groups.get(group, Sum()).plus(spending)
        total = total.plus(spending)
    return Spent(by=by, since=since, until=until, groups=dict(sorted(groups.items())), total=total)
