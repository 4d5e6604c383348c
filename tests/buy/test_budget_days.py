"""A run that goes on past midnight: each purchase belongs to the day of its claim."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from runner.core.clock import SystemClock
from runner.core.errors import Span
from runner.ledger.sqlite import open_sqlite
from runner.limits.budgets import Cap
from runner.limits.limits import Limits
from runner.limits.policy import Policy
from tests.buy.desk import World, statuses, world

FIRST, SECOND = date(2026, 11, 24), date(2026, 11, 25)
ONE_MORE = """\
apiVersion: orders/v1
batch: b
orders:
  - {name: four, type: ipv4, countryId: 561, quantity: %d, periodId: 1m, customTargetName: more}
"""


class Watch(SystemClock):
    """Wall clock set to a minute before midnight, and put on by a day's end when told."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 24, 23, 59, 30, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def after_first(self, step: str) -> None:
        if step == "9" and self.at.date() == FIRST:
            self.at += timedelta(minutes=1)


def of_a_day(amount: str) -> Limits:
    span = Span(line=2, column=1, end_line=2, end_column=2)
    cap = Cap(name="budgets.day", amount=Decimal(amount), period="day", path="order-runner.yaml", span=span)
    return Limits(policies=(Policy(path="order-runner.yaml", sha256="", caps=(cap,)),))


def spent(w: World) -> dict[date, Decimal]:
    with closing(open_sqlite(w.ledger_path, "default", read_only=True)) as ledger:
        return ledger.spent_since(datetime(2026, 11, 1, tzinfo=UTC))


def test_a_run_past_midnight_spends_from_two_days(tmp_path: Path) -> None:
    """What is claimed after midnight counts for the new day, for this run and for those after it."""
    with world(tmp_path) as w:
        watch = Watch()
        outcome = w.apply(clock=watch, crash_point=watch.after_first, limits=of_a_day("16.20"))
        assert statuses(outcome) == ["placed"] * 3
        assert spent(w) == {FIRST: Decimal("3.60"), SECOND: Decimal("12.60")}
        too_much = w.apply(ONE_MORE % 3, clock=watch, limits=of_a_day("16.20"))
        assert [finding.problem.code for finding in too_much.report.errors] == ["PSR430"]
        assert "12.60 spent or possibly spent since 2026-11-25" in too_much.report.errors[0].problem.message
        assert statuses(w.apply(ONE_MORE % 2, clock=watch, limits=of_a_day("16.20"))) == ["placed"]


def test_a_plan_has_to_fit_into_the_day_it_is_made_on(tmp_path: Path) -> None:
    """Before midnight the whole batch is held against the day that ends: what would be claimed later is not guessed."""
    with world(tmp_path) as w:
        outcome = w.apply(clock=Watch(), limits=of_a_day("16.19"))
        assert statuses(outcome) == ["planned"] * 3
        assert [finding.problem.code for finding in outcome.report.errors] == ["PSR430"]


def test_a_charge_above_the_quote_counts(tmp_path: Path) -> None:
    """What was really taken is what the day has spent: the next run finds less left."""
    with world(tmp_path, ["overcharge@1:50"]) as w:
        watch = Watch()
        w.apply(ONE_MORE % 2, clock=watch, limits=of_a_day("100"))
        assert spent(w) == {FIRST: Decimal("5.40")}
