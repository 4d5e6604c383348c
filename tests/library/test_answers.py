"""What calls of the library answer with, and what they raise in place of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import runner
from runner.core.errors import ExitCode, Problem, RunnerError
from runner.library import answers
from runner.library.answers import Planned
from runner.plan.inputs import Inputs
from runner.plan.plan import Plan
from runner.report.report import Finding, Report
from runner.run.batch import Ended
from tests.library.conftest import MANIFEST

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DIGEST = "sha256:" + "0" * 64
CATEGORIES = {
    ExitCode.OUTCOME_UNKNOWN: runner.OutcomeUnknown,
    ExitCode.ACCESS: runner.AccessError,
    ExitCode.ORDERS_FAILED: runner.OrdersFailed,
    ExitCode.CANCELLED: runner.Cancelled,
    ExitCode.REFUSED: runner.Refused,
    ExitCode.BUSY: runner.Busy,
    ExitCode.USAGE: runner.UsageError,
    ExitCode.INTERNAL: runner.RunnerError,
}


def report(code: ExitCode | None, *findings: Finding) -> Report:
    inputs = Inputs(manifests=(), lockfile=None, ledger="l.db", base_url=None, policies=())
    made = Report(run_id="r", mode="apply", started_at=NOW, inputs=inputs, orders=[], errors=list(findings))
    made.exit_code, made.finished_at = code, NOW
    return made


def raised(outcome: Ended, *, keep_going: bool = False) -> RunnerError:
    with pytest.raises(RunnerError) as caught:
        answers.raise_for(outcome, keep_going=keep_going)
    return caught.value


def outcome(code: ExitCode | None, *findings: Finding, error: RunnerError | None = None) -> Ended:
    return Ended(report=report(code, *findings), plan=Plan(steps=()), error=error)


@pytest.mark.parametrize(("code", "kind"), CATEGORIES.items())
def test_every_exit_code_is_an_exception_of_its_own(code: ExitCode, kind: type[RunnerError]) -> None:
    """What a command line ends with is what a program catches, with the report."""
    error = raised(outcome(code))
    assert type(error) is kind
    assert error.report is not None
    assert error.report["run"]["exit"]["code"] == int(code)


def test_a_run_without_a_code_is_a_bug() -> None:
    """A report that does not say how the run ended is never taken for success."""
    assert type(raised(outcome(None))) is RunnerError


def test_a_good_run_raises_nothing() -> None:
    """Nothing is raised where everything is as it was wanted."""
    answers.raise_for(outcome(ExitCode.OK), keep_going=False)


def test_refused_orders_are_wanted_where_the_others_are_bought() -> None:
    """`keep_going` accepts orders that were refused, and nothing else."""
    answers.raise_for(outcome(ExitCode.REFUSED), keep_going=True)
    assert isinstance(raised(outcome(ExitCode.REFUSED)), runner.Refused)
    for code in CATEGORIES.keys() - {ExitCode.REFUSED}:
        assert raised(outcome(code), keep_going=True).exit_code is code


def test_a_batch_that_was_refused_is_raised_all_the_same() -> None:
    """`keep_going` is about orders: what stopped the batch is raised as it is."""
    error = runner.Refused("above --max-spend", hint="raise it")
    assert raised(outcome(ExitCode.REFUSED, error=error), keep_going=True) is error


def test_what_outranks_an_error_is_raised_in_its_place() -> None:
    """An order that may have been charged is what is raised, although a signal ended the run; that is its cause."""
    signal = runner.Cancelled("stopped by a signal")
    error = raised(outcome(ExitCode.OUTCOME_UNKNOWN, error=signal))
    assert isinstance(error, runner.OutcomeUnknown)
    assert error.__cause__ is signal


def test_an_error_names_every_order_in_doubt() -> None:
    """Where several may have been charged the error is about the first, and names the others."""
    findings = [
        Finding(problem=Problem(code="PSR409", message="may have been bought", key=f"crawl/{name}"), category="unknown")
        for name in "abcdefgh"
    ]
    others = "crawl/b, crawl/c, crawl/d, crawl/e, crawl/f, crawl/g, crawl/h"
    error = raised(outcome(ExitCode.OUTCOME_UNKNOWN, *findings))
    assert str(error) == f"crawl/a: may have been bought (and 7 more: {others})"


def test_an_error_is_told_in_the_words_of_its_finding() -> None:
    """The finding that led to the code says what is wrong, of which order, and the way out."""
    problem = Problem(code="PSR404", message="its price is 9", hint="raise max_total", key="crawl/one")
    error = raised(outcome(ExitCode.REFUSED, Finding(problem=problem, category="refused")))
    assert (str(error), error.hint) == ("crawl/one: its price is 9", "raise max_total")
    error = raised(outcome(ExitCode.REFUSED, Finding(problem=replace(problem, key=None), category="refused")))
    assert str(error) == "its price is 9"


def test_a_plan_approves_itself() -> None:
    """A plan with prices stands for exactly what its digest covers."""
    document: Any = SimpleNamespace(digest=DIGEST)
    approval = Planned(plan=Plan(steps=()), digest=DIGEST, report={}, document=document).approval
    assert (approval.digest, approval.document) == (DIGEST, document)


@pytest.mark.parametrize(("digest", "document"), [(None, SimpleNamespace()), (DIGEST, None), (None, None)])
def test_a_plan_without_prices_approves_nothing(digest: str | None, document: Any) -> None:
    """Where an order has no price, nobody knows what would be approved."""
    with pytest.raises(runner.UsageError, match="the plan cannot be approved"):
        _ = Planned(plan=Plan(steps=()), digest=digest, report={}, document=document).approval


def test_an_answer_is_what_the_report_says(desk: Path) -> None:
    """Every order with its status, id and price, and the money, as in the report beside them."""
    account = runner.Account.sandbox(desk / "box")
    done = account.apply(runner.load("orders"), confirm=lambda _: True)
    [order], [entry] = done.orders, done.report["orders"]
    assert (str(order.key), order.status) == (entry["key"], entry["status"])
    assert order.order_id == entry["result"]["order_id"]
    assert order.base_order_numbers == tuple(entry["result"]["base_order_numbers"])
    assert (order.total, done.spent) == (Decimal("16.2"), Decimal("16.2"))
    assert done.balance_before is not None
    assert done.balance_after == done.balance_before - done.spent


def test_an_answer_has_no_result_for_what_was_not_bought(desk: Path) -> None:
    """An order that was left out has a status and a reason, and neither id nor price."""
    (desk / "orders" / "crawl.yaml").write_text(MANIFEST.replace("{name: fr", "{enabled: false, name: fr"))
    done = runner.Account.sandbox(desk / "box").apply(runner.load("orders"), confirm=lambda _: True)
    [order] = done.orders
    assert (order.status, order.reason) == ("skipped", "disabled in the manifest")
    assert (order.order_id, order.base_order_numbers, order.total, order.problems) == (None, (), None, ())
    assert done.spent == Decimal(0)
