"""What stopped a run and how it ends: findings of the batch as a whole, and the exit code they come to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from runner.core.errors import (
    AccessError,
    Busy,
    Cancelled,
    ExitCode,
    LedgerMissing,
    LedgerOutdated,
    LedgerReplaced,
    LedgerUnusable,
    OutcomeUnknown,
    Problem,
    RunnerError,
    UnknownForm,
    UsageError,
    VendorUnavailable,
    worst,
)
from runner.core.orders import decimal_text
from runner.core.records import Record
from runner.report.report import Category, Finding, Report

PENNY: Final = Decimal("0.01")

NAMED: Final = 32
"""Orders that one sentence names: as many as can be in doubt after a single run."""

_EXIT_OF: Final[dict[Category, ExitCode]] = {
    "unknown": ExitCode.OUTCOME_UNKNOWN,
    "access": ExitCode.ACCESS,
    "rejected": ExitCode.ORDERS_FAILED,
    "not_sent": ExitCode.ORDERS_FAILED,
    "cancelled": ExitCode.CANCELLED,
    "refused": ExitCode.REFUSED,
    "busy": ExitCode.BUSY,
    "invalid": ExitCode.INVALID,
    "usage": ExitCode.USAGE,
    "internal": ExitCode.INTERNAL,
    "warning": ExitCode.OK,
}
_CATEGORY_OF: Final[dict[ExitCode, Category]] = {
    code: category for category, code in _EXIT_OF.items() if category != "not_sent"
}
_CODE_OF: Final[dict[type[RunnerError], str]] = {
    AccessError: "PSR502",
    VendorUnavailable: "PSR506",
    UnknownForm: "PSR506",
    LedgerUnusable: "PSR601",
    LedgerMissing: "PSR601",
    LedgerOutdated: "PSR601",
    LedgerReplaced: "PSR606",
    Busy: "PSR603",
    Cancelled: "PSR604",
    UsageError: "PSR605",
    RunnerError: "PSR999",
}


def finding_of(problem: Problem) -> Finding:
    """A manifest's problem, as a finding of a run."""
    return Finding(problem=problem, category="warning" if problem.severity == "warning" else "invalid")


def note_open(report: Report, open_records: Iterable[Record]) -> None:
    """Name every order of the account that may have been charged, in these manifests or not."""
    listed = {entry.request.key for entry in report.orders if entry.status == "unknown"}
    for record in open_records:
        if record.key not in listed:
            report.possible_elsewhere += record.quote_total or Decimal(0)
        report.errors.append(Finding(problem=_open_problem(record), category="unknown"))


def _open_problem(record: Record) -> Problem:
    cost = decimal_text(record.quote_total) if record.quote_total is not None else "an unknown amount"
    return Problem(
        code="PSR409",
        message=f"{record.key} may have been bought for {cost} and is not settled: {record.reason or record.state}",
        hint="`order-runner reconcile` settles it by evidence, `order-runner resolve` by your decision; "
        "nothing is bought on this account until then",
        key=str(record.key),
    )


def refuse_open(report: Report) -> None:
    """Raise `OutcomeUnknown` where an order that may have been charged stands in the way."""
    problems = [finding.problem for finding in report.errors if finding.category == "unknown"]
    if problems:
        others = and_others(problem.key for problem in problems[1:])
        raise OutcomeUnknown(problems[0].message + others, hint=problems[0].hint)


def and_others(keys: Iterable[str | None]) -> str:
    """` (and 2 more: crawl/a, crawl/b)`, behind a sentence that is about the first of several orders."""
    others = list(dict.fromkeys(key for key in keys if key is not None))
    return f" (and {len(others)} more: {names(others)})" if others else ""


def names(keys: Sequence[str]) -> str:
    """`crawl/a, crawl/b`; of more than `NAMED` the first and how many there are beside them."""
    rest = len(keys) - NAMED
    return ", ".join(keys[:NAMED]) + (f" and {rest} others" if rest > 0 else "")


def note(report: Report, raised: RunnerError | KeyboardInterrupt) -> RunnerError:
    """Put what stopped the run into the report, unless a finding of its kind is there already."""
    error = raised if isinstance(raised, RunnerError) else Cancelled("stopped by a signal before anything was bought")
    category = _CATEGORY_OF[error.exit_code]
    if not any(finding.category == category for finding in findings(report)):
        problem = Problem(
            code=error.finding or _CODE_OF.get(type(error), "PSR412"), message=str(error), hint=error.hint
        )
        report.errors.append(Finding(problem=problem, category=category))
    return error


def note_unexplained(report: Report) -> None:
    """Warn of a balance that moved by more than this run bought."""
    change = report.unexplained_change
    if change is None or abs(change) < PENNY or report.spent_possible:
        return
    way = "fell" if change > 0 else "rose"
    problem = Problem(
        code="PSR507",
        severity="warning",
        message=f"the balance {way} by {decimal_text(abs(change))}, which no order of this run explains",
        hint="somebody else bought or topped up, or the vendor charged something else in the meantime",
    )
    report.errors.append(Finding(problem=problem, category="warning"))


def finish(report: Report, at: datetime, error: RunnerError | None) -> None:
    """The run is over; its exit code is the worst of all that was found, and of what stopped it."""
    codes = {_EXIT_OF[finding.category] for finding in findings(report)}
    if any(entry.status == "unknown" for entry in report.orders):
        codes.add(ExitCode.OUTCOME_UNKNOWN)
    if error is not None:
        codes.add(error.exit_code)
    report.finish(at, worst(*codes))


def in_doubt(report: Report) -> list[str]:
    """The key of every order that may have been charged: those of the report in its order, then any beside them."""
    orders = [str(entry.request.key) for entry in report.orders if entry.status == "unknown"]
    others = [finding.problem.key for finding in report.errors if finding.category == "unknown"]
    return list(dict.fromkeys(orders + [key for key in others if key is not None]))


def leading(report: Report, code: ExitCode) -> Problem | None:
    """The first finding of a report that ends in this exit code."""
    return next((finding.problem for finding in findings(report) if _EXIT_OF[finding.category] is code), None)


def findings(report: Report) -> Iterable[Finding]:
    """Every finding of a report, those of its orders included."""
    yield from report.errors
    for entry in report.orders:
        yield from entry.errors
