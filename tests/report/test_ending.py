"""How a run ends: which findings it has as a whole, and the exit code that they come to."""

from __future__ import annotations

from decimal import Decimal
from typing import get_args

import pytest

from runner.core.errors import (
    AccessError,
    Busy,
    Cancelled,
    ExitCode,
    LedgerOutdated,
    LedgerUnusable,
    OutcomeUnknown,
    Refused,
    RunnerError,
    UsageError,
    VendorUnavailable,
)
from runner.core.states import State
from runner.core.vendor import Placed
from runner.report import ending
from runner.report.report import Category, Finding, OrderEntry, Report
from tests.make import AT, entry, order, problem, quote, record, report

EXIT_OF = {
    "invalid": 4,
    "usage": 2,
    "refused": 5,
    "busy": 9,
    "rejected": 6,
    "access": 3,
    "not_sent": 6,
    "unknown": 7,
    "cancelled": 8,
    "internal": 1,
    "warning": 0,
}


def of(category: Category, code: str = "PSR999") -> Finding:
    return Finding(problem=problem(code=code), category=category)


def ended(value: Report, error: RunnerError | None = None) -> ExitCode | None:
    ending.finish(value, AT, error)
    return value.exit_code


@pytest.mark.parametrize("category", get_args(Category))
def test_every_category_has_its_exit_code(category: Category) -> None:
    """A finding of the batch and one of an order end a run in the same code."""
    assert ended(report(errors=[of(category)])) == EXIT_OF[category]
    assert ended(report(entry(errors=(of(category),)))) == EXIT_OF[category]


def test_the_worst_of_all_wins() -> None:
    """A possible charge is above everything, whatever else was found and whatever stopped the run."""
    value = report(entry(errors=(of("rejected"),)), entry("unknown"), errors=[of("invalid"), of("warning")])
    assert ended(value, Busy("held")) is ExitCode.OUTCOME_UNKNOWN


def test_an_unknown_order_is_enough() -> None:
    """An order that stands as `unknown` ends a run in 7 though no finding says so."""
    assert ended(report(entry("unknown"))) is ExitCode.OUTCOME_UNKNOWN
    assert ended(report(entry("placed"))) is ExitCode.OK


@pytest.mark.parametrize(
    ("error", "code", "category"),
    [
        (AccessError("no"), "PSR502", "access"),
        (VendorUnavailable("no"), "PSR506", "refused"),
        (LedgerUnusable("no"), "PSR601", "refused"),
        (LedgerOutdated("no"), "PSR601", "refused"),
        (Busy("no"), "PSR603", "busy"),
        (Cancelled("no"), "PSR604", "cancelled"),
        (KeyboardInterrupt(), "PSR604", "cancelled"),
        (UsageError("no"), "PSR605", "usage"),
        (Refused("no"), "PSR412", "refused"),
        (RunnerError("no"), "PSR999", "internal"),
    ],
)
def test_what_stopped_a_run_is_in_its_report(
    error: RunnerError | KeyboardInterrupt, code: str, category: Category
) -> None:
    """Each has its code and category; a signal before anything was bought is a cancelled run."""
    value = report()
    assert ending.note(value, error).exit_code == EXIT_OF[category]
    assert [(one.problem.code, one.category) for one in value.errors] == [(code, category)]


def test_what_is_said_already_is_not_said_again() -> None:
    """Where an order has a finding of the kind, what it raised is no second one."""
    value = report(entry(errors=(of("refused"),)))
    ending.note(value, Refused("no"))
    assert value.errors == []


def test_every_open_order_is_named_and_counted_once() -> None:
    """Orders in doubt are named whether or not the manifests have them; what is listed anyway is not counted twice."""
    listed, elsewhere = order("a"), order("z")
    value = report(entry("unknown", listed, possible=Decimal(3)))
    ending.note_open(value, [record(listed, State.UNKNOWN), record(elsewhere, State.SUBMITTED, quote_total=Decimal(8))])
    assert [(one.problem.code, one.problem.key, one.category) for one in value.errors] == [
        ("PSR409", "b/a", "unknown"),
        ("PSR409", "b/z", "unknown"),
    ]
    assert (value.possible_elsewhere, value.spent_possible) == (Decimal(8), Decimal(11))
    assert "may have been bought for 8.00" in value.errors[1].problem.message


def test_open_orders_refuse_a_purchase() -> None:
    """With one in doubt nothing is bought, and the refusal names the others; without any it passes."""
    ending.refuse_open(report(errors=[of("refused")]))
    value = report()
    ending.note_open(value, [record(order(name), State.UNKNOWN) for name in "abcdefgh"])
    with pytest.raises(OutcomeUnknown, match=r"^b/a may .* \(and 7 more: b/b, b/c, b/d, b/e, b/f, b/g, b/h\)$"):
        ending.refuse_open(value)


def test_one_sentence_names_as_many_as_one_run_can_leave_in_doubt() -> None:
    """Thirty-two orders by name; of an account with more the rest is counted."""
    assert ending.names([f"b/{n}" for n in range(32)]).endswith(", b/30, b/31")
    assert ending.names([f"b/{n}" for n in range(40)]).endswith(", b/30, b/31 and 8 others")


def test_orders_in_doubt_are_those_of_the_report_and_those_beside_it() -> None:
    """Each once, in the order of the report, whichever of them was answered first."""
    value = report(entry("unknown", order("b")), entry("placed", order("c")), entry("unknown", order("a")))
    ending.note_open(value, [record(order("z"), State.UNKNOWN), record(order("a"), State.UNKNOWN)])
    assert ending.in_doubt(value) == ["b/b", "b/a", "b/z"]


def moved(by: str, *more: OrderEntry) -> Report:
    """A run that bought one order for 10 while the balance fell by that and so much more."""
    bought = entry("placed", quote=quote("10"), result=Placed(order_id="7"))
    value = report(bought, *more, balance_before=Decimal(100), balance_after=Decimal(90) - Decimal(by))
    ending.note_unexplained(value)
    return value


@pytest.mark.parametrize(
    ("by", "words"), [("0", None), ("0.009", None), ("0.01", "fell by 0.01"), ("-5", "rose by 5.00")]
)
def test_a_cent_that_nothing_explains_is_a_warning(by: str, words: str | None) -> None:
    """Either way of a balance that this run does not explain is told, from one cent on."""
    value = moved(by)
    assert [(one.problem.code, one.category) for one in value.errors] == [("PSR507", "warning")] * (words is not None)
    assert words is None or words in value.errors[0].problem.message


def test_a_possible_charge_explains_the_balance() -> None:
    """With an order in doubt, a balance that moved is what one would expect."""
    assert moved("5", entry("unknown", order("u"), quote=quote("5"))).errors == []


def test_the_leading_finding_is_of_the_exit_code() -> None:
    """What is said first is the first finding that the exit code stands for, be it of the batch or of an order."""
    first = of("rejected", "PSR501")
    value = report(entry(errors=(first, of("rejected"))), errors=[of("warning")])
    assert ending.leading(value, ExitCode.ORDERS_FAILED) == first.problem
    assert ending.leading(value, ExitCode.OUTCOME_UNKNOWN) is None
