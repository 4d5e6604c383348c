"""Everything that can go wrong with `prolong/make`: no term is paid twice, none is lost, and every doubt is named."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from harness import CANARY, World, ipv4
from test_acceptance_purchase_faults import IMPATIENT, MADE, NOT_MADE, SILENT

UNTIL = (datetime.now(UTC) + timedelta(days=400)).date().isoformat()
RENEW = {"until": UNTIL, "periodId": "1m", "within": "5d"}
PERSON = {"USER": "alice"}
SURE = frozenset({"no-id"})
"""Faults that hide nothing of a renewal: it is known by its term."""


def due(world: World, *names: str) -> str:
    """A manifest of orders that are bought, and end in a few days."""
    path = world.manifest(*(ipv4(name, renew=RENEW) for name in names))
    assert world.apply(path).code == 0
    for sale in world.purchases:
        world.box.dashboard.age(sale.order_id, days=28)
    return path


def terms(world: World) -> Counter[str]:
    """How many terms the vendor has sold of each order, by the order's name."""
    names = {sale.order_id: str(sale.body["customTargetName"]) for sale in world.purchases}
    return Counter(names[term[0]] for extension in world.box.renewals for term in extension.terms)


def statuses(world: World) -> dict[str, str]:
    """Of renewals, by the order's name."""
    return {entry["name"]: entry["status"] for entry in world.report()["orders"] if "@" in entry["key"]}


@pytest.mark.parametrize("fault", [*NOT_MADE, *MADE, "busy"])
def test_a_lost_answer_to_a_renewal_is_settled_by_its_end_date_alone(world: World, fault: str) -> None:
    """Whatever hides it, and whether it was made: it blocks, `reconcile` finds out, and every term is paid once."""
    path = due(world, "a", "b", "c")
    world.box.add_fault(f"renew-{fault}@2")
    result = world.apply(*(IMPATIENT if fault in SILENT else ()), path)
    if fault in SURE:
        assert (result.code, statuses(world)) == (0, dict.fromkeys("abc", "placed"))
        assert terms(world) == Counter("abc")
        return
    made = fault in MADE
    assert (result.code, statuses(world)) == (7, {"a": "placed", "b": "unknown", "c": "planned"})
    assert terms(world) == Counter("ab" if made else "a")
    assert world.apply(path).code == 7, "in doubt nothing is repeated, and nothing else is bought"
    assert terms(world) == Counter("ab" if made else "a")
    status = world.run("status")
    assert status.code == 7
    assert "order-runner resolve crawl/b@" in status.out
    settled = world.run("reconcile", "--settle-after", "0s")
    assert (settled.code, ("1 placed" if made else "1 absent") in settled.out) == (0, True)
    assert world.apply(path).code == 0
    assert terms(world) == Counter("abc")
    assert world.apply(path).code == 0
    assert terms(world) == Counter("abc")
    world.find_no_key_in_files()


def test_eight_lost_renewals_are_each_settled_by_their_own_end_date(world: World) -> None:
    """Half of eight in flight are made, half are not, all answers are lost, and a purchase with them: all is found out."""
    names = [f"o{n}" for n in range(8)]
    path = due(world, *names)
    for number in range(1, 9):
        world.box.add_fault(f"renew-slow@{number}:1")
        world.box.add_fault(f"renew-close-{'after' if number % 2 else 'before'}@{number}")
    result = world.apply(path, "--jobs", "8")
    lost = [name for name, status in statuses(world).items() if status == "unknown"]
    made = sorted(terms(world))
    assert result.code == 7
    assert len(lost) > 4
    assert 1 < len(made) < len(lost)
    for name in lost:
        assert f"crawl/{name}@" in result.out
    assert world.run("reconcile", "--settle-after", "0s").code == 0
    assert world.apply(path, "--jobs", "8").code == 0
    assert terms(world) == Counter(names)
    assert CANARY not in result.output


def test_a_renewal_that_is_answered_but_not_made_is_a_question_and_not_a_second_payment(world: World) -> None:
    """The vendor took the money and said yes, but no end has moved: no run pays again."""
    path = due(world, "a")
    world.box.add_fault("renew-unmoved")
    assert world.apply(path).code == 0
    world.apply(path)
    assert terms(world) == Counter("a")


def test_a_person_settles_what_end_dates_leave_open(world: World) -> None:
    """Half of an order was renewed and the answer lost: evidence leaves it open, a person says so, no id is needed."""
    path = world.manifest(ipv4("a", renew=RENEW, quantity=4))
    assert world.apply(path).code == 0
    world.box.dashboard.age(world.purchases[0].order_id, days=28)
    world.box.add_fault("renew-half")
    world.box.add_fault("renew-close-after")
    assert world.apply(path).code == 7
    settled = world.run("reconcile", "--settle-after", "0s", "--exclusive")
    assert settled.code == 7
    assert "2 of its 4 proxies have the new end, the others the old one" in settled.out
    (key,) = [entry["key"] for entry in world.report()["orders"] if "@" in entry["key"]]
    assert world.run("resolve", key, "--placed", "--yes", env=PERSON).code == 0
    world.apply(path)
    assert terms(world) == Counter("a")


def test_a_refusal_that_shows_the_rows_leaves_no_login_behind(world: World) -> None:
    """An older server refuses with a quote, its rows and their logins: neither ledger, report nor output keeps them."""
    world.serve(renewal_refusal="data")
    path = due(world, "a")
    world.box.add_fault("renew-no-funds")
    result = world.apply(path, "-v")
    assert (result.code, terms(world)) == (7, Counter())
    for run in (result, world.run("status", "-v"), world.run("reconcile", "-v"), world.run("ledger", "export")):
        world.find_no_login(run.output.encode(), "an output")
    world.find_no_key_in_files()
