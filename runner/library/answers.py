"""What calls of the library answer with, and what they raise in place of it. Values; text is for whoever calls."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
from runner.evidence.judge import Verdict
from runner.limits.policy import Policy
from runner.manifest import Loaded
from runner.manifest.lock import Lockfile
from runner.manifest.selection import EVERYTHING, Selection
from runner.plan.approval.terms import PlanDocument
from runner.plan.plan import Plan, Step
from runner.plan.task import Task
from runner.report import ending
from runner.report.file import ReportFile
from runner.report.report import Mode, OrderEntry, Report
from runner.run import batch

_RAISED: Final[Mapping[ExitCode, type[RunnerError]]] = {
    ExitCode.OUTCOME_UNKNOWN: OutcomeUnknown,
    ExitCode.ACCESS: AccessError,
    ExitCode.ORDERS_FAILED: OrdersFailed,
    ExitCode.CANCELLED: Cancelled,
    ExitCode.REFUSED: Refused,
    ExitCode.BUSY: Busy,
    ExitCode.USAGE: UsageError,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifests:
    """Manifests as they were read, with ids in place of words, and the policies that hold for them."""

    loaded: Loaded = field(repr=False)
    lockfile: Lockfile | None = field(default=None, repr=False)
    policies: tuple[Policy, ...] = field(default=(), repr=False)
    strict: bool = False

    @property
    def orders(self) -> tuple[OrderRequest, ...]:
        """The orders without errors, in the order they are written."""
        return self.loaded.orders

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that was found, warnings too, each with its code, file, line and column."""
        return self.loaded.problems

    def raise_for_errors(self) -> None:
        """InvalidManifests, which carries every problem, where one of them is an error."""
        if self.loaded.errors:
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


@contextmanager
def reported(task: Task, mode: Mode, file: ReportFile | None) -> Iterator[None]:
    """A report, in the error and in the file, of what stops a call before its batch begins."""
    try:
        yield
    except OSError as error:
        where = file.path if file else error.filename
        raise UsageError(f"{where} cannot be written: {error.strerror or error}") from error
    except RunnerError as error:
        report = batch.not_begun(task, mode, error)
        error.report = as_json(report)
        if file is not None:
            try:
                file.write(report)
            except OSError as failure:
                file.failure = failure
        raise


def raise_for(outcome: batch.Ended, *, keep_going: bool) -> None:
    """Raise what the run came to, unless that is what was wanted: refused orders are, where the others are bought."""
    report, error = outcome.report, outcome.error
    code = report.exit_code if report.exit_code is not None else ExitCode.INTERNAL
    if code is ExitCode.OK or (code is ExitCode.REFUSED and error is None and keep_going):
        return
    if error is None or error.exit_code is not code:
        found = ending.leading(report, code)
        message = f"{found.key}: {found.message}" if found and found.key else found.message if found else code.name
        raised = _RAISED.get(code, RunnerError)(message, hint=found.hint if found else None)
        raised.__cause__ = error
        error = raised
    error.report = as_json(report)
    raise error


def as_json(report: Report) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(report.render())
    return found


def applied(report: Report) -> Applied:
    return Applied(
        orders=tuple(map(_ordered, report.orders)),
        spent=report.spent_confirmed,
        balance_before=report.balance_before,
        balance_after=report.balance_after,
        report=as_json(report),
    )


def _ordered(entry: OrderEntry) -> Ordered:
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
