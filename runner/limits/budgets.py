"""Limits on sums: what a run, a batch or an account may spend, in all or in a calendar period. Pure.

A period is a day, an ISO week (from Monday) or a month of UTC. A purchase belongs to the day of its claim, so a run
that goes on past midnight spends from the next day's budget. Amounts are in `CURRENCY`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

from runner.core.errors import Problem, Span
from runner.core.orders import OrderKey, decimal_text

Period = Literal["day", "week", "month"]
PERIODS: Final[tuple[Period, ...]] = ("day", "week", "month")

_CODES: Final = {"run": "PSR406", "batch": "PSR405", "period": "PSR430", "renewals": "PSR430"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """One limit on a sum: of the account in a `period`, else of a `batch`, else of this run, or its `renewals` alone.

    `name` is as the user wrote it; `path` and `span` are where, None for an option or an environment variable.
    """

    name: str
    amount: Decimal
    period: Period | None = None
    batch: str | None = None
    renewals: bool = False
    path: str | None = None
    span: Span | None = None

    @property
    def covers(self) -> Literal["run", "batch", "period", "renewals"]:
        return "period" if self.period else "batch" if self.batch else "renewals" if self.renewals else "run"

    def covers_order(self, key: OrderKey) -> bool:
        """Whether what this order costs counts against it."""
        return key.batch == self.batch if self.batch else bool(key.term) or not self.renewals

    @property
    def wording(self) -> str:
        """The limit in words: its name, its amount, and where it stands."""
        where = f" ({self.path}:{self.span.line}:{self.span.column})" if self.path and self.span else ""
        return f"{self.name} {decimal_text(self.amount)}{where}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What was spent, or may have been, before this run: by the UTC day of the claim, and by batch."""

    days: Mapping[date, Decimal]
    batches: Mapping[str, Decimal]


NOTHING: Final = Past(days={}, batches={})


def begin(period: Period, day: date) -> date:
    """The first day of the period that `day` is in."""
    if period == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if period == "month" else day


def earliest(at: datetime) -> datetime:
    """The moment at which the longest period around `at` began."""
    day = min(begin(period, at.astimezone(UTC).date()) for period in PERIODS)
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


class Purse:
    """What limits on sums leave to spend. Knows what was spent before, and is told of every claim of this run."""

    def __init__(self, caps: Iterable[Cap] = (), past: Past = NOTHING) -> None:
        self.caps: Sequence[Cap] = tuple(caps)
        self._days = defaultdict(Decimal, past.days)
        self._batches = defaultdict(Decimal, past.batches)
        self._run = Decimal(0)
        self._renewals = Decimal(0)
        self._claims: dict[OrderKey, tuple[date, Decimal]] = {}

    def note_claim(self, key: OrderKey, amount: Decimal, at: datetime) -> None:
        """Count a claim: from here on it may have been spent."""
        self._claims[key] = (at.astimezone(UTC).date(), amount)
        self._add(key, amount)

    def note_settlement(self, key: OrderKey, amount: Decimal | None) -> None:
        """Correct a claim by what it came to; None where nothing was bought."""
        self._add(key, (amount or Decimal(0)) - self._claims[key][1])

    def _add(self, key: OrderKey, amount: Decimal) -> None:
        self._days[self._claims[key][0]] += amount
        self._batches[key.batch] += amount
        self._run += amount
        self._renewals += amount if key.term else Decimal(0)

    def spending(self, cap: Cap, at: datetime) -> Decimal:
        """What counts against a limit so far."""
        if cap.period:
            first = begin(cap.period, at.astimezone(UTC).date())
            # Days to come count as well: another machine's clock may be ahead of ours.
            return sum((amount for day, amount in self._days.items() if day >= first), Decimal(0))
        return self._batches[cap.batch] if cap.batch else self._renewals if cap.renewals else self._run

    def objections(self, costs: Mapping[OrderKey, Decimal], at: datetime) -> list[Problem]:
        """The limits that a purchase of these `costs`, by order, would break."""
        problems = []
        for cap in self.caps:
            amount = sum((cost for key, cost in costs.items() if cap.covers_order(key)), Decimal(0))
            spent = self.spending(cap, at)
            if amount and spent + amount > cap.amount:
                problems.append(_objection(cap, amount, spent, at))
        return problems


def _objection(cap: Cap, amount: Decimal, spent: Decimal, at: datetime) -> Problem:
    total = decimal_text(spent + amount)
    before = f", {decimal_text(spent)} of it spent already" if spent else ""
    if cap.period:
        first = begin(cap.period, at.astimezone(UTC).date())
        message = (
            f"{decimal_text(amount)} to spend, and {decimal_text(spent)} spent or possibly spent "
            f"since {first.isoformat()} (UTC), make {total}, above {cap.wording}"
        )
        hint = f"wait for the next {cap.period}, or buy fewer orders; only the policy itself can raise its budgets"
    elif cap.batch:
        message = f"batch {cap.batch} costs {total}{before}, above {cap.wording}"
        hint = "raise the budget in the manifest, or buy fewer orders"
    elif cap.renewals:
        message = f"the renewals of one run cost {total}{before}, above {cap.wording}"
        hint = "renew fewer orders in one run; only the policy itself can raise its limits"
    else:
        message = f"the orders cost {total}{before}, above {cap.wording}"
        hint = f"raise {cap.name}, or buy fewer orders"
    return Problem(code=_CODES[cap.covers], message=message, hint=hint, path=cap.path, span=cap.span)
