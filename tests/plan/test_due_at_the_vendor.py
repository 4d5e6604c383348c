"""Renewals planned and bought against a served sandbox, with a ledger of their own, as a person would."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.settle.conftest import IPV4, Desk, desk, open_desk

__all__ = ["desk", "open_desk"]

UNTIL = datetime.now(UTC).date() + timedelta(days=400)


def renewed(period: str = "1m", within: str = "5d", more: str = "") -> str:
    return f'{IPV4}, renew: {{until: "{UNTIL}", periodId: {period}, within: {within}{more}}}'


def bought(desk: Desk, order: str = "", days: float = 28) -> int:
    """Buys the order `n0`, which is that many days old now, and gives its id at the vendor."""
    assert desk.apply(order or renewed()) == 0
    order_id = int(desk.box.purchases[0].order_id)
    desk.box.dashboard.age(order_id, days=days)
    return order_id


def plan(desk: Desk, *options: object) -> tuple[int, dict[str, Any]]:
    """The exit code of a plan, and its document."""
    code, text = desk.run("plan", "-q", "-f", "json", *options, desk.folder / "orders.yaml")
    return code, json.loads(text)


def renewal_in(document: dict[str, Any]) -> dict[str, Any] | None:
    found = [order for order in document["orders"] if "@" in order["key"]]
    assert len(found) <= 1
    return found[0] if found else None


def test_what_is_due_is_bought_once(desk: Desk) -> None:
    """However often the command is repeated; every proxy ends a month later, and a plan has nothing more to renew."""
    bought(desk)
    for _ in range(3):
        assert desk.apply(renewed()) == 0
    assert [one.moves for one in desk.box.renewals] == [2]
    assert renewal_in(plan(desk)[1]) is None
    assert len(desk.box.purchases) == 1


def test_an_end_that_is_earlier_than_the_last_renewal_promised_is_a_question(desk: Desk) -> None:
    """Two weeks of the new term are gone at the vendor, for whatever reason: nothing is bought."""
    order_id = bought(desk)
    assert desk.apply(renewed()) == 0
    desk.box.dashboard.age(order_id, days=14)
    assert desk.apply(renewed(within="29d")) == 5
    assert "but it was renewed until" in (desk.folder / "report.json").read_text()
    assert len(desk.box.renewals) == 1


def test_a_plan_says_what_a_renewal_would_send_and_cost(desk: Desk) -> None:
    order_id = bought(desk)
    code, document = plan(desk, "--detailed-exitcode")
    step = renewal_in(document)
    assert code == 10
    assert step is not None
    assert (step["status"], step["fields"]["renews"], step["fields"]["periodId"]) == ("planned", str(order_id), "1m")
    assert (len(step["request"]["ids"]), step["request"]["periodId"]) == (2, "1m")
    assert step["quote"]["total"] == step["ceiling"] == document["money"]["total"]
    assert not desk.box.renewals


def test_removing_renew_ends_it(desk: Desk) -> None:
    bought(desk)
    assert desk.apply(IPV4) == 0
    assert not desk.box.renewals


def test_a_plan_approved_before_the_end_moved_is_refused_with_the_difference(desk: Desk) -> None:
    """The vendor renewed the order meanwhile, by somebody's hand: the document names both ends, and nothing is bought."""
    order_id = bought(desk)
    document = desk.folder / "approved.json"
    assert desk.run("plan", "-q", "--out", document, desk.folder / "orders.yaml")[0] == 0
    desk.box.dashboard.renew(order_id)
    by_hand = len(desk.box.renewals)
    code, text = desk.run("apply", "-q", "--yes", document)
    end = renewal_in(json.loads(document.read_text()))
    assert end is not None
    assert code == 5
    assert f"term: b/n0 was to be renewed when it ends on {end['fields']['ends']}, but it is not due" in text
    assert len(desk.box.renewals) == by_hand


def test_an_approved_plan_renews_what_it_says_once(desk: Desk) -> None:
    """Applied again, it buys nothing and is covered still."""
    bought(desk)
    document = desk.folder / "approved.json"
    assert desk.run("plan", "-q", "--out", document, desk.folder / "orders.yaml")[0] == 0
    for _ in range(2):
        assert desk.run("apply", "-q", "--yes", document)[0] == 0
    assert len(desk.box.renewals) == 1


def test_a_list_that_lags_renews_nothing_twice(open_desk: Callable[..., Desk]) -> None:
    """The old end is shown for an hour: the term is known by it, and a warning says so."""
    desk = open_desk(renewal_delay=3600)
    bought(desk)
    assert desk.apply(renewed()) == 0
    assert desk.apply(renewed()) == 0
    report = json.loads((desk.folder / "report.json").read_text())
    step = renewal_in(report)
    assert step is not None
    assert (step["status"], [finding["code"] for finding in step["errors"]]) == ("already_placed", ["PSR462"])
    assert "PSR462 warning" in desk.run("plan", "-q", desk.folder / "orders.yaml")[1]
    assert len(desk.box.renewals) == 1


def test_what_the_vendor_renews_by_itself_is_refused_at_its_line(desk: Desk) -> None:
    desk.box.dashboard.arm(bought(desk, days=26), period="1m")
    assert desk.apply(renewed()) == 5
    report = json.loads((desk.folder / "report.json").read_text())
    (finding,) = next(order for order in report["orders"] if "@" in order["key"])["errors"]
    assert (finding["code"], finding["line"]) == ("PSR460", 4)
    assert "its own auto-renewal is on" in finding["message"]
    assert not desk.box.renewals


def test_a_half_renewed_order_is_a_question(desk: Desk) -> None:
    """One of two proxies has a new end: which term is next, only a person can say."""
    bought(desk)
    desk.apply(renewed(), fault="renew-half")
    first = len(desk.box.renewals)
    desk.apply(renewed())
    assert len(desk.box.renewals) == first


def test_a_policy_forbids_renewals_and_bounds_those_of_a_run(desk: Desk) -> None:
    bought(desk)
    desk.monkeypatch.chdir(desk.folder)
    policy = desk.folder / "order-runner.yaml"
    policy.write_text("apiVersion: policy/v1\nrenewals: {allowed: false}\n")
    code, text = desk.run("apply", "--yes", "-q", "orders.yaml")
    assert (code, "renewals.allowed (order-runner.yaml:2:21) is false" in text) == (5, True)
    policy.write_text('apiVersion: policy/v1\nrenewals: {max_total: "0.50"}\n')
    code, text = desk.run("apply", "--yes", "-q", "orders.yaml")
    assert (code, "above renewals.max_total 0.50 (order-runner.yaml:2:23)" in text) == (5, True)
    assert not desk.box.renewals
    policy.unlink()
    assert desk.run("apply", "--yes", "-q", "orders.yaml")[0] == 0
    assert len(desk.box.renewals) == 1


def test_a_renamed_order_goes_on_under_its_new_name(desk: Desk) -> None:
    """Renamed and renewed in one run, and never for the same term again."""
    bought(desk)
    path = desk.folder / "orders.yaml"
    path.write_text(path.read_text().replace("name: n0,", "name: new, renamed_from: b/n0,"))
    for _ in range(2):
        assert desk.run("apply", "--yes", "-q", path)[0] == 0
    assert len(desk.box.renewals) == 1
    text = desk.run("status", "-v")[1]
    assert "b/new@" in text


def test_a_renewal_in_doubt_blocks_and_is_told(desk: Desk) -> None:
    bought(desk)
    assert desk.apply(renewed(), fault="renew-reset-after") == 7
    step = renewal_in(plan(desk)[1])
    assert step is not None
    assert step["status"] == "unknown"
    assert desk.apply(renewed()) == 7
    assert len(desk.box.renewals) == 1
