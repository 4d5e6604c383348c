"""How long a price serves a purchase, and which orders it serves, on real parts."""

from __future__ import annotations

from pathlib import Path

from runner.core.clock import SystemClock
from runner.limits.limits import Limits
from runner.limits.policy import Policy
from runner.plan.plan import Plan
from tests.buy.desk import World, statuses, world


class LaterClock(SystemClock):
    """A clock that a test puts forward."""

    later = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.later


def test_a_price_above_the_ceiling_is_not_paid(tmp_path: Path) -> None:
    """The price rose while a person thought for a minute, beyond what the plan allows: refused, and nothing is sent."""
    clock = LaterClock()

    def think(_: Plan) -> None:
        clock.later = 60.0

    with world(tmp_path, faults=["price-up-quote@3"]) as w:
        outcome = w.apply(clock=clock, confirm=think)
    assert "PSR408" in {f.problem.code for entry in outcome.report.orders for f in entry.errors}
    assert statuses(outcome) == ["refused"] * 3
    assert not w.box.purchases


def test_a_price_that_rose_within_a_minute_is_paid_once(tmp_path: Path) -> None:
    """What the answer says was charged is held against the price that served: the first overcharge is the last."""
    with world(tmp_path, faults=["price-up-quote@3"]) as w:
        outcome = w.apply()
    assert statuses(outcome) == ["placed", "planned", "planned"]
    assert [f.problem.code for f in outcome.report.orders[0].errors] == ["PSR505"]
    assert len(w.box.purchases) == 1


ALIKE = """\
apiVersion: orders/v1
batch: b
defaults: {periodId: 1m}
orders:
  - {name: one, type: ipv4, countryId: 561, quantity: 2, customTargetName: prices}
  - {name: two, type: ipv4, countryId: 561, quantity: 2, customTargetName: weather}
  - {name: three, type: ipv4, countryId: 561, quantity: 2, customTargetName: tickets}
"""


def _quotes(w: World) -> int:
    return sum(request.endpoint == "order/calc" for request in w.box.requests)


def test_orders_of_the_same_content_share_a_quote(tmp_path: Path) -> None:
    """Three orders that differ only in what they are for are planned and bought by one question for the price."""
    with world(tmp_path) as w:
        assert statuses(w.apply(ALIKE)) == ["placed"] * 3
        assert _quotes(w) == 1


def test_a_policy_has_each_order_quoted_by_itself(tmp_path: Path) -> None:
    """With `share_quotes: false` no order rests on the price of another."""
    policy = Policy(path="order-runner.yaml", sha256="0" * 64, share_quotes=False)
    with world(tmp_path) as w:
        w.apply(ALIKE, limits=Limits(policies=(policy, Policy(path="other.yaml", sha256="1" * 64))))
        assert _quotes(w) == 3


def test_a_refused_quote_names_every_order_that_shares_it(tmp_path: Path) -> None:
    """One refusal, asked for once; each order has its finding, at its own line."""
    with world(tmp_path, faults=["calc-errorx*:Country not exists"]) as w:
        outcome = w.apply(ALIKE)
        assert _quotes(w) == 1
    problems = [entry.errors[0].problem for entry in outcome.report.orders]
    assert [problem.code for problem in problems] == ["PSR403"] * 3
    assert [problem.key for problem in problems] == ["b/one", "b/two", "b/three"]
    assert len({problem.span for problem in problems if problem.span}) == 3
