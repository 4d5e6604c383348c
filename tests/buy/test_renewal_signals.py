"""The real command, killed at every step of its second renewal and between the steps."""

from __future__ import annotations

import signal
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from runner.core.states import OPEN, State
from tests.buy.conftest import LANES, Stage
from tests.buy.test_signals import BEFORE_THE_CLAIM, EVERYWHERE, NEVER_ARRIVED, SETTLED
from tests.chaos.judge import End
from tests.chaos.points import MEETING, Plan

UNTIL = (datetime.now(UTC) + timedelta(days=400)).date().isoformat()
RENEW = {"until": UNTIL, "periodId": "1m", "within": "5d"}


def buy_and_age(stage: Stage) -> None:
    """Its orders are bought, and are to be renewed: each ends in a few days."""
    world = stage.world
    orders, world.orders = world.orders, []
    world.want([order | {"renew": RENEW} for order in orders])
    assert stage.run(jobs=LANES).status == 0
    for purchase in world.box.purchases:
        world.box.dashboard.age(purchase.order_id, days=28)


def terms(stage: Stage) -> Counter[str]:
    """How many terms the vendor has sold of each order."""
    return Counter(str(term[0]) for extension in stage.world.box.renewals for term in extension.terms)


def judge_terms(stage: Stage) -> dict[str, str]:
    """No term is sold twice, none is forgotten, and nothing else is called bought; the states of renewals by order."""
    sold = terms(stage)
    assert max(sold.values(), default=0) <= 1
    records = [record for record in stage.world.records().values() if record.renews is not None]
    known = {str(record.renews): record.state for record in records}
    assert len(known) == len(records), "an order has one term to buy"
    for order_id in sold:
        assert known[order_id] in (State.PLACED, *OPEN)
    for order_id, state in known.items():
        assert state is not State.PLACED or sold[order_id]
    return {order_id: state.value for order_id, state in known.items()}


def reconcile(stage: Stage) -> End:
    """Until nothing is in doubt, or the waiting time is over."""
    flags = ("--settle-after", "1s", "--wait", "3s", "--base-url", stage.world.server.base_url, "--rate", "0")
    return stage.player.run(stage.world, Plan(), "reconcile", *flags)


@pytest.mark.parametrize(("point", "do"), EVERYWHERE)
def test_a_runner_killed_while_it_renews_forgets_no_term_and_repeats_none(point: str, do: str, stage: Stage) -> None:
    """Dead at a point of the second renewal: a rerun goes on or names it, end dates settle it, every term is paid once."""
    buy_and_age(stage)
    first = stage.run(point=point, n=1 if point in ("1", "closing") else 2, do=do)
    assert first.status == -signal.SIGKILL
    judge_terms(stage)
    sold = sum(terms(stage).values())
    second = stage.run()
    judge_terms(stage)
    if point in (*BEFORE_THE_CLAIM, *SETTLED, "closing"):
        assert (second.status, sum(terms(stage).values())) == (0, 3)
        return
    assert (second.status, sum(terms(stage).values())) == (7, sold)
    assert reconcile(stage).status == 0
    expected = "absent" if point in NEVER_ARRIVED else "placed"
    assert sorted(judge_terms(stage).values()) == sorted(["placed", expected])
    assert stage.run().status == 0
    assert sorted(judge_terms(stage).values()) == ["placed"] * 3
    assert sum(terms(stage).values()) == 3


@pytest.mark.parametrize("point", MEETING)
def test_a_kill_with_eight_renewals_in_flight_is_settled_by_their_end_dates(point: str, crowd: Stage) -> None:
    """Dead with a renewal in every lane: eight are in doubt, no person and no exclusive account is needed."""
    buy_and_age(crowd)
    first = crowd.run(point=point, n=LANES, do="KILL", jobs=LANES, together=True)
    assert first.status == -signal.SIGKILL
    assert sorted(judge_terms(crowd).values()) == ["submitted"] * LANES
    sold = sum(terms(crowd).values())
    assert crowd.run(jobs=LANES).status == 7
    assert sum(terms(crowd).values()) == sold
    assert reconcile(crowd).status == 0
    assert sorted(judge_terms(crowd).values()) == ["absent" if point == "6" else "placed"] * LANES
    assert crowd.run(jobs=LANES).status == 0
    assert sorted(judge_terms(crowd).values()) == ["placed"] * LANES


@pytest.mark.parametrize("do", ["TERM", "INT"])
@pytest.mark.parametrize("point", MEETING)
def test_a_signal_awaits_every_renewal_in_flight(point: str, do: str, crowd: Stage) -> None:
    """Signalled with eight in flight: what was written is settled before the run ends, and nothing is in doubt."""
    buy_and_age(crowd)
    crowd.run(point=point, n=LANES, do=do, jobs=LANES, together=True)
    assert set(judge_terms(crowd).values()) <= {"placed", "planned"}
    assert crowd.run(jobs=LANES).status == 0
    assert sorted(judge_terms(crowd).values()) == ["placed"] * LANES
