"""What `reconcile` says."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal

import pytest

from runner.core.records import OpenClaim
from runner.core.states import State
from runner.core.vendor import SeenOrder, Witness
from runner.evidence.judge import Rules, Ruling, Verdict
from runner.evidence.match import Match
from runner.settle.reconcile import Settlements
from runner.views import reconcile as view
from tests.views.conftest import Make, Plain

HOSTILE = "\x1b[31m::error::##[x]\nFRA"


def verdict(make: Make, ruling: Ruling, country: str = "FRA") -> Verdict:
    record = make.record("lost", State.UNKNOWN, reason="no answer")
    at = record.updated_at
    order = SeenOrder(
        order_id="77", rows=2, countries=frozenset({country}), starts=date(2026, 11, 23), ends=date(2026, 12, 23)
    )
    return Verdict(
        claim=OpenClaim(
            record=record,
            claimed_at=at,
            balance=Decimal(100),
            witness=Witness(type="ipv4", order_ids=frozenset(), at=at),
        ),
        ruling=ruling,
        reason=f"because of {country}",
        decidable_at=at + timedelta(minutes=20),
        order=order if ruling == "placed" else None,
        candidates=(Match(order=order, doubts=("it has 2 of 10 proxies",)),),
        moved=Decimal("12.5"),
    )


def outcome(make: Make, *verdicts: Verdict) -> Settlements:
    return Settlements(rules=Rules(), verdicts={one.key: one for one in verdicts}, earlier=(make.record(),))


def test_an_open_order_has_its_commands(make: Make, plain: Plain) -> None:
    """An order that stays open is shown with its candidates, the time it can be decided, and the exact commands."""
    view.render(outcome(make, verdict(make, "open")), fmt="text", console=plain.console, flags=" --sandbox")
    assert plain.out.splitlines()[1:] == [
        "open  crawl/lost  12.50 USD  ipv4, 10 × country 561, 1m",
        "  because of FRA",
        "  candidate order 77, 2 rows, FRA, 2026-11-23 to 2026-12-23: it has 2 of 10 proxies",
        "  it may be declared absent from 2026-11-23 12:20:00Z on, not before",
        "  order-runner reconcile crawl/lost --sandbox",
        "  order-runner resolve crawl/lost --placed 77 --sandbox",
        "  order-runner resolve crawl/lost --absent --reason WHY --sandbox",
        "1 open",
    ]
    assert plain.out.splitlines()[0] == "crawl/fr-prices is settled already: placed as order 1000501"


@pytest.mark.parametrize("ruling", ["placed", "absent"])
def test_a_settled_order_is_said_in_two_lines(make: Make, plain: Plain, ruling: Ruling) -> None:
    """What is settled says as what, and why."""
    view.render(outcome(make, verdict(make, ruling)), fmt="text", console=plain.console)
    number = "  order 77" if ruling == "placed" else ""
    assert plain.out.splitlines()[1:] == [
        f"{ruling}  crawl/lost{number}  12.50 USD  ipv4, 10 × country 561, 1m",
        "  because of FRA",
        f"1 {ruling}",
    ]


def test_json_has_the_evidence(make: Make, plain: Plain) -> None:
    """`-f json` is one document with every verdict, its evidence, and what was settled before."""
    view.render(outcome(make, verdict(make, "placed")), fmt="json", console=plain.console)
    document = json.loads(plain.out)
    (order,) = document["orders"]
    assert document["summary"] == {"placed": 1, "absent": 0, "open": 0}
    assert (order["key"], order["ruling"], order["order_id"]) == ("crawl/lost", "placed", "77")
    assert order["evidence"]["balance_moved"] == "12.50"
    assert order["evidence"]["candidates"][0]["doubts"] == ["it has 2 of 10 proxies"]
    assert document["settled_before"][0]["order_id"] == "1000501"


@pytest.mark.parametrize("fmt", ["text", "json"])
def test_vendor_text_is_inert(make: Make, plain: Plain, fmt: str) -> None:
    """What the vendor calls a country is no command to a terminal or a CI log."""
    view.render(outcome(make, verdict(make, "open", HOSTILE)), fmt=fmt, console=plain.console)
    assert "\x1b" not in plain.out
    assert "##" not in plain.out
    assert not any(line.lstrip().startswith("::") for line in plain.out.splitlines())
