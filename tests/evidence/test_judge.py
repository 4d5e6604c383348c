"""What became of an order in doubt, by example: one file in `judge_cases/` is one promise; a file more is a case more."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from runner.core.orders import OrderKey, fingerprint
from runner.core.records import Bought, OpenClaim, Record
from runner.core.renewals import Term, TermLook
from runner.core.states import State
from runner.core.vendor import Look, SeenOrder, Witness
from runner.evidence.judge import Facts, Rules, Verdict, judge

Case = dict[str, Any]

CASES = sorted(Path(__file__).with_name("judge_cases").glob("*.json"))
DAY = date(2026, 11, 23)
ENDS = [[2, 2]]
START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
FIELDS = {"countryId": 561, "periodId": "1m", "quantity": 2, "paymentId": 1}
COUNTRIES = {("ipv4", "561"): "FRA", ("ipv4", "562"): "DEU", ("isp", "561"): "FRA", ("ipv6", "561"): "FRA"}


def minute(number: float) -> datetime:
    return START + timedelta(minutes=number)


def place(number: float) -> int:
    """Where in the ledger an event of that minute stands."""
    return int(number * 1000)


def day(offset: int) -> date:
    return DAY + timedelta(days=offset)


def ends(case: Any) -> tuple[tuple[date, int], ...]:
    """Pairs of a day, counted from today, and how many proxies end on it."""
    return tuple((day(offset), count) for offset, count in case)


def key(case: Case) -> OrderKey:
    purchase = OrderKey("b", case["name"])
    return purchase.renewal(ends(case.get("ends", ENDS))[0][0]) if "renews" in case else purchase


def record(case: Case, state: State, **more: Any) -> Record:
    """With `renews`, the renewal of that order for a month; else an order."""
    usual = {"periodId": "1m", "paymentId": 1, "renews": case.get("renews"), "ends": key(case).term}
    fields = {**(usual if "renews" in case else FIELDS), **case.get("fields", {})}
    fields = {name: value for name, value in fields.items() if value is not None}
    product = case.get("type", "ipv4")
    quote = case.get("quote", "5.00")
    return Record(
        key=key(case),
        type=product,
        fields=fields,
        fingerprint=fingerprint(product, fields),
        state=state,
        attempt=1,
        updated_at=minute(case.get("settled", case.get("claimed", 0))),
        quote_total=None if quote is None else Decimal(quote),
        **more,
    )


def claim(case: Case) -> OpenClaim:
    """Minutes are from the start; without more an order of 2 French IPv4 for 5.00 out of 100.00, nothing shown before.

    `read` is when the balance was read, right before the claim without more. Of a renewal `ends` are the days on which
    its order ended before: without more two proxies in two days.
    """
    at = minute(case.get("claimed", 0))
    claimed = case.get("claimed_place", case.get("claimed", 0))
    product = case.get("type", "ipv4")
    before = frozenset(case.get("before", []))
    numbers = case.get("before_numbers", [f"{order_id}_1" for order_id in before])
    witness = Witness(type=product, order_ids=before, at=at, package=case.get("package"))
    return OpenClaim(
        record=record(case, State.UNKNOWN),
        claimed_at=at,
        balance=Decimal(case.get("balance", "100.00")),
        witness=replace(witness, numbers=None if numbers is None else frozenset(numbers)),
        leaning_placed=case.get("leaning", False),
        claimed_seq=place(claimed),
        read_seq=place(case.get("read", claimed)),
        ends=ends(case.get("ends", ENDS)) if "renews" in case else (),
    )


def bought(case: Case) -> Bought:
    total = case.get("total")
    purchase = record(case, State.PLACED, order_id=case["order_id"], total=None if total is None else Decimal(total))
    claimed = case.get("claimed", 0)
    return Bought(
        record=purchase,
        claimed_at=minute(claimed),
        claimed_seq=place(claimed),
        settled_seq=place(case.get("settled", claimed)),
    )


def seen(case: Case) -> SeenOrder:
    """Without more: 2 French rows that began today, for a month, with a number of their own."""
    starts = None if case.get("starts", 0) is None else DAY + timedelta(days=case.get("starts", 0))
    ends = None if case.get("ends", 30) is None else DAY + timedelta(days=case.get("ends", 30))
    return SeenOrder(
        order_id=case["id"],
        rows=case.get("rows", 2),
        numbers=frozenset(case.get("numbers", [f"{case['id']}_1"])),
        countries=frozenset(case.get("countries", ["FRA"])),
        protocols=frozenset(case.get("protocols", ["HTTP"])),
        starts=starts,
        ends=ends,
    )


def look(case: Case, product: Any, answer: Any) -> Look:
    at = minute(case.get("at", 30))
    if product == "resident":
        return Look(type=product, at=at, package=answer)
    return Look(type=product, at=at, orders=tuple(map(seen, answer)))


def terms(case: Case, shown: Any) -> TermLook:
    """What the lists show of orders to renew: by id, the days on which their proxies end."""
    listed = {
        order_id: Term(order_id=order_id, row_ids=("1",) * sum(rows for _, rows in days), ends=ends(days))
        for order_id, days in shown.items()
    }
    return TermLook(at=minute(case.get("at", 30)), terms=listed)


def ruled(case: Case) -> list[Verdict]:
    balance = case.get("balance", "100.00")
    facts = Facts(
        looks={product: look(case, product, shown) for product, shown in case.get("looks", {}).items()},
        terms={product: terms(case, shown) for product, shown in case.get("terms", {}).items()},
        balance=None if balance is None else Decimal(balance),
        own_ids=frozenset(case.get("owned", [])),
        over_ids=frozenset(case.get("ended", [])),
        other_ids=frozenset(case.get("others", [])),
        purchases=[bought(one) for one in case.get("bought", [])],
        countries={} if case.get("no_countries") else COUNTRIES,  # type: ignore[dict-item]
    )
    waits = case.get("settle_after")
    policy = Rules(
        settle_after=None if waits is None else timedelta(minutes=waits), exclusive=case.get("exclusive", False)
    )
    return judge([claim(one) for one in case["unknowns"]], facts, policy)


def spell(verdict: Verdict) -> str:
    return f"placed {verdict.order_id}" if verdict.order_id else verdict.ruling


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    """Each reading of the account means what its case file says, for the reason it says, and nothing more."""
    case = json.loads(path.read_text(encoding="utf-8"))
    verdicts = ruled(case)
    assert {verdict.key.name: spell(verdict) for verdict in verdicts} == case["expect"], case["what"]
    for verdict in verdicts:
        assert case.get("because", "") in verdict.reason
        assert (
            verdict.ruling != "open"
            or "candidates" not in case
            or {found.order.order_id for found in verdict.candidates} == set(case["candidates"])
        )


def test_cases_say_what() -> None:
    """Every case names its promise, and there is one for every ruling with and without an exclusive account."""
    cases = [json.loads(path.read_text(encoding="utf-8")) for path in CASES]
    assert len(cases) >= 60
    assert all(case["what"].endswith(".") for case in cases)
    purchases = [case for case in cases if not any("renews" in one for one in case["unknowns"])]
    rulings = {
        (case.get("exclusive", False), text.split()[0]) for case in purchases for text in case["expect"].values()
    }
    assert rulings == {(True, "placed"), (True, "absent"), (True, "open"), (False, "absent"), (False, "open")}


def test_nothing_in_doubt() -> None:
    """Without orders in doubt there is nothing to rule on."""
    assert judge([], Facts(looks={}, balance=None), Rules(exclusive=True)) == []


def test_the_waiting_time_is_that_of_the_design() -> None:
    """20 minutes, 4 hours for mobile, unless another time is asked for."""
    assert Rules().waits("ipv4") == timedelta(minutes=20)
    assert Rules().waits("mobile") == timedelta(hours=4)
    assert Rules(settle_after=timedelta(0)).waits("mobile") == timedelta(0)
