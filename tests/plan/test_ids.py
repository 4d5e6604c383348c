"""Ids and words against the vendor's own lists: what is refused, what is said beside it, and what is asked for that."""

from __future__ import annotations

from typing import Any

import pytest

from runner.core.errors import AccessError, UnknownForm, VendorUnavailable
from runner.core.progress import Notice, Progress, ignore
from runner.core.vendor import Choice, VendorError
from runner.plan.ids import References, add_ways_out, check_ids, nearest_values
from runner.plan.plan import Plan, Step
from tests.make import Shop, order, problem, span, step


def choice(value: int | str, name: str, field: str = "countryId", **more: Any) -> Choice:
    return Choice(**({"type": "ipv4", "field": field, "value": value, "name": name} | more))


FRANCE = choice(561, "France", alpha3="FRA")
SPAIN = choice(562, "Spain", alpha3="ESP")
MONTH = choice("1m", "1 month", "periodId")
LIST = (FRANCE, SPAIN, MONTH)


def references(lists: dict[str, Any], watch: Any = ignore) -> References:
    return References(reader=Shop(lists=lists), watch=watch)


def checked(wanted: Step, **lists: Any) -> Step:
    (after,) = check_ids(Plan(steps=(wanted,)), references(lists)).steps
    return after


def refusal(wanted: Step, **lists: Any) -> tuple[str, str, str]:
    """The code, the message and the hint by which it was refused."""
    after = checked(wanted, **lists)
    assert after.status == "refused"
    assert after.problem is not None
    return after.problem.code, after.problem.message, after.problem.hint or ""


def test_an_id_of_its_own_list_passes() -> None:
    """What the list of the order's type has is left as it is."""
    wanted = step()
    assert checked(wanted, ipv4=LIST) is wanted


def test_a_list_that_is_silent_says_nothing() -> None:
    """Where the list names no country at all, every country may be right."""
    wanted = step(order(fields={"countryId": 9}))
    assert checked(wanted, ipv4=(MONTH,)) is wanted


def test_an_id_that_is_not_listed_is_refused_at_its_line() -> None:
    """The numeric id alone decides what is bought: one that the type does not have is refused, with the nearest."""
    wanted = step(order(fields={"countryId": 563}))
    after = checked(wanted, ipv4=LIST)
    assert after.problem is not None
    assert (after.status, after.problem.code, after.problem.span) == ("refused", "PSR450", span(7))
    assert after.problem.hint == "nearest in the vendor's list for ipv4: 562 (Spain), 561 (France)"


def test_a_country_of_another_type_is_named() -> None:
    """An id copied from another type's list: whose it is, and which id was meant."""
    elsewhere = choice(7, "France", type="isp", alpha3="FRA")
    _, message, hint = refusal(
        step(order(fields={"countryId": 7})), ipv4=LIST, isp=(elsewhere,), mix=VendorUnavailable("no")
    )
    assert message == "`countryId` 7 is not in the vendor's list for ipv4: it is France of isp"
    assert hint == "for ipv4 that is 561 (France)"


def test_an_operator_is_looked_up_under_its_country() -> None:
    """What one country offers is no answer for another."""
    under = (("countryId", 561), ("mobileServiceType", "shared"))
    lists = (
        FRANCE,
        SPAIN,
        choice(3, "Orange", "operatorId", within=under),
        choice(4, "Free", "operatorId", within=under),
    )
    right = {"mobileServiceType": "shared", "operatorId": 3}
    assert checked(step(order(fields=right)), ipv4=lists).to_buy
    assert refusal(step(order(fields=right | {"operatorId": 5})), ipv4=lists)[0] == "PSR450"
    assert checked(step(order(fields=right | {"operatorId": 5, "countryId": 562})), ipv4=lists).to_buy


def test_a_word_that_means_another_id_now_is_refused() -> None:
    """The lockfile has one id, the vendor means another by the word: neither is bought, and the command says the way out."""
    wanted = step(order(words={"country": "Spain"}))
    code, message, hint = refusal(wanted, ipv4=LIST)
    assert (code, hint) == ("PSR451", "`order-runner lock m.yaml --update Spain` locks the new id")
    assert message.endswith("is locked as 561, which is now FRA (France); the word now means 562 (Spain)")
    assert checked(step(order(words={"country": "France"})), ipv4=LIST).to_buy


def test_a_locked_id_that_is_gone_names_its_word() -> None:
    """The message speaks of what the manifest says, and of what the vendor means by it now."""
    code, message, hint = refusal(step(order(fields={"countryId": 8}, words={"country": "France"})), ipv4=LIST)
    assert code == "PSR450"
    assert message.startswith("`country: France` is locked as 8, which is not in the vendor's list for ipv4")
    assert hint == "the word now means 561 (France); `order-runner lock m.yaml --update France` locks the new id"


def test_only_what_is_to_be_bought_is_asked_about() -> None:
    """A skipped order costs no list."""
    lists = references({})
    check_ids(Plan(steps=(step(status="skipped"),)), lists)
    assert lists.reader.asked == []  # type: ignore[attr-defined]


def test_each_list_is_read_once() -> None:
    """Two orders of a type are held against the same list."""
    lists = references({"ipv4": LIST})
    check_ids(Plan(steps=(step(order("a")), step(order("b")), step(order("c", type="isp")))), lists)
    assert lists.reader.asked == ["list of ipv4", "list of isp"]  # type: ignore[attr-defined]


def test_a_list_in_an_unknown_form_is_told_and_refuses_nothing() -> None:
    """The order is bought as it stands; the report says what was not checked, and who watches is told."""
    events: list[Progress] = []
    plan = Plan(steps=(step(),), unchecked=("balance",))
    after = check_ids(plan, references({"ipv4": UnknownForm("a list of lists")}, events.append))
    assert (after.steps, after.unchecked) == (plan.steps, ("balance", "ids of ipv4 orders"))
    assert "the ids of ipv4 orders were not checked: a list of lists" in [
        e.text for e in events if isinstance(e, Notice)
    ]


@pytest.mark.parametrize("error", [VendorUnavailable("down"), AccessError("no")])
def test_a_list_that_cannot_be_had_stops_planning(error: Exception) -> None:
    """Without the list of its own type nothing is priced."""
    with pytest.raises(type(error)):
        checked(step(), ipv4=error)


def test_a_refused_price_gets_the_nearest_values() -> None:
    """Beside what the vendor would not price stands what it has; without the vendor's word, the hint stays."""
    lists = references({"ipv4": LIST})
    lists.of("ipv4")
    named = step(
        order(fields={"countryId": 563}), problem=problem(), vendor=VendorError(message="no", field="countryId")
    )
    ours = step(problem=problem())
    after = add_ways_out(Plan(steps=(named, ours)), lists).steps
    assert [one.problem.hint for one in after if one.problem] == [
        "nearest in the vendor's list for ipv4: 562 (Spain), 561 (France)",
        "did you mean `quantity`?",
    ]


@pytest.mark.parametrize(
    ("written", "offered", "near"),
    [
        ("561", ("561", "562"), ("562",)),
        ("9", ("561", "562"), ("561", "562")),
        ("x", tuple(map(str, range(100, 200))), ()),
        ("1999", tuple(map(str, range(1900, 2000))), ("1998", "1997", "1996")),
    ],
)
def test_the_nearest_values(written: str, offered: tuple[str, ...], near: tuple[str, ...]) -> None:
    """At most three that look alike, never the one written; all where there are few, none where there are many."""
    assert nearest_values(written, offered) == near
