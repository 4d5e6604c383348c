"""What calls of the library answer with, and what they raise in place of it. Values; text is for whoever calls."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from runner.core.errors import (
    AccessError,
    Busy,
    Cancelled,
    ExitCode,
    InvalidManifests,
    OrdersFailed,
    OutcomeUnknown,
    Problem,
    Refused,
    RunnerError,
    UsageError,
)
from runner.core.orders import OrderKey, OrderRequest
from runner.core.records import Record
from runner.core.selection import EVERYTHING, Selection
from runner.evidence.judge import Verdict
from runner.limits.policy import Policy
from runner.manifest import Loaded
from runner.manifest.lock import Lockfile
from runner.plan.approval.terms import Approval, PlanDocument
from runner.plan.plan import Plan, Step
from runner.report import ending
from runner.report.report import OrderEntry, Report
from runner.run import batch

_RAISED: Final[Mapping[ExitCode, type[RunnerError]]] = {
    error.exit_code: error
    for error in (OutcomeUnknown, AccessError, OrdersFailed, Cancelled, Refused, Busy, UsageError)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifests:
    """Manifests as they were read, with ids in place of words, and the policies that hold for them."""

    contents: Loaded = field(repr=False)
    lockfile: Lockfile | None = field(default=None, repr=False)
    policies: tuple[Policy, ...] = field(default=(), repr=False)
    strict: bool = False

    @property
    def orders(self) -> tuple[OrderRequest, ...]:
        """The orders without errors, in the order they are written."""
        return self.contents.orders

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that was found, warnings too, each with its code, file, line and column."""
        return self.contents.problems

    def raise_for_errors(self) -> None:
        """InvalidManifests, which carries every problem, where one of them is an error."""
        if self.contents.errors:
            raise InvalidManifests(self.problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan with prices. `digest` covers what would be bought at what ceiling; None while an order has no price.

    `report` is the run as docs/report.md has it. Hand the plan to `Account.apply` to have exactly it bought.
    """

    plan: Plan = field(repr=False)
    digest: str | None
    report: Mapping[str, Any] = field(repr=False)
    document: PlanDocument | None = field(default=None, repr=False)
    selection: Selection = EVERYTHING

    @property
    def to_buy(self) -> tuple[Step, ...]:
        """What would be bought: each `request`, its `quote`, and the `ceiling` above which it is not bought."""
        return self.plan.to_buy

    @property
    def total(self) -> Decimal:
        """The quoted price of everything to buy, in USD."""
        return self.plan.total

    @property
    def balance_after(self) -> Decimal | None:
        """What would be left on the account; None where the balance was not asked, as nothing is to be bought."""
        return self.plan.balance_after

    @property
    def approval(self) -> Approval:
        """The plan as something approved. UsageError for a plan in which not every order has a price."""
        if self.document is None or self.digest is None:
            raise UsageError("the plan cannot be approved: not every order has a price", hint="plan again")
        return Approval(digest=self.digest, document=self.document)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """What became of one order. `status` is a word of the report: `placed`, `already_placed`, `skipped`, `refused`, …

    `total` is what it cost, in this run or when it was bought.
    """

    key: OrderKey
    status: str
    reason: str | None
    order_id: str | None
    base_order_numbers: tuple[str, ...]
    total: Decimal | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A batch that was bought: every order in manifest order, and the money, in USD. `report` as docs/report.md."""

    orders: tuple[Ordered, ...]
    spent: Decimal
    balance_before: Decimal | None
    balance_after: Decimal | None
    report: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What evidence came to: the last verdict on each order that was in doubt, those `open` still being so, the orders
    that were settled before, and what could not be read."""

    verdicts: tuple[Verdict, ...]
    settled: tuple[Record, ...]
    failures: tuple[RunnerError, ...]

    @property
    def open(self) -> tuple[Verdict, ...]:
        return tuple(ending for ending in self.verdicts if ending.ruling == "open")


def raise_for(ended: batch.Ended, *, keep_going: bool) -> None:
    """Raise what the run came to, unless that is what was wanted: refused orders are, where the others are bought."""
    report, error = ended.report, ended.error
    code = report.exit_code if report.exit_code is not None else ExitCode.INTERNAL
    if code is ExitCode.OK or (code is ExitCode.REFUSED and error is None and keep_going):
        return
    if error is None or error.exit_code is not code:
        error = _error_of(report, code, error)
    error.report = as_json(report)
    raise error


def _error_of(report: Report, code: ExitCode, cause: RunnerError | None) -> RunnerError:
    """The exception of an exit code, in the words of the finding that led to it."""
    finding = ending.leading(report, code)
    message = finding.message if finding else code.name
    if finding and finding.key:
        message = f"{finding.key}: {message}"
    if code is ExitCode.OUTCOME_UNKNOWN:
        message += ending.and_others(key for key in ending.in_doubt(report) if finding and key != finding.key)
    error = _RAISED.get(code, RunnerError)(message, hint=finding.hint if finding else None)
    error.__cause__ = cause
    return error


def as_json(report: Report) -> Mapping[str, Any]:
    """A report as docs/report.md has it."""
    document: Mapping[str, Any] = json.loads(report.render())
    return document


def as_applied(report: Report) -> Applied:
    """A finished report of a purchase, as the library answers with it."""
    return Applied(
        orders=tuple(map(_as_ordered, report.orders)),
        spent=report.spent_confirmed,
        balance_before=report.balance_before,
        balance_after=report.balance_after,
        report=as_json(report),
    )


def _as_ordered(entry: OrderEntry) -> Ordered:
    result = entry.result
    return Ordered(
        key=entry.request.key,
        status=entry.status,
        reason=entry.reason,
        order_id=result.order_id if result else None,
        base_order_numbers=result.base_order_numbers if result else (),
        total=result.total if result else None,
        problems=tuple(finding.problem for finding in entry.errors),
    )
