"""Renewals over HTTP: what is renewed, what it costs, what is refused, and what becomes of the rows."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from runner.sandbox.options import SANDBOX_KEY, Options

HERE = Path(__file__).parent
BODIES: dict[str, dict[str, Any]] = json.loads((HERE / "bodies.json").read_text())
RENEWABLE = [type_ for type_ in BODIES if type_ != "resident"]
EACH_TYPE = pytest.mark.parametrize("type_", RENEWABLE)
WHOLE_TYPES = pytest.mark.parametrize("type_", ["ipv6", "mix", "mix_isp"])
Staging = Callable[..., Any]
DAY = 86_400.0


def rows(s: Any, type_: str = "ipv4", query: str = "") -> list[dict[str, Any]]:
    return list(s.get(f"proxy/list/{type_}{query}").data["items"])


def renewal(s: Any, type_: str = "ipv4", **changes: Any) -> dict[str, Any]:
    """The body that renews all rows of a type for a month."""
    return {"ids": [row["id"] for row in rows(s, type_)], "periodId": "1m", "coupon": "", "paymentId": "1", **changes}


def calc(s: Any, type_: str = "ipv4", **changes: Any) -> Any:
    return s.ask("POST", f"prolong/calc/{type_}", renewal(s, type_, **changes))


def make(s: Any, type_: str = "ipv4", **changes: Any) -> Any:
    return s.ask("POST", f"prolong/make/{type_}", renewal(s, type_, **changes))


def ends(s: Any, type_: str = "ipv4") -> set[str]:
    return {row["date_end"] for row in rows(s, type_)}


def refusal(text: str, code: int = 0) -> dict[str, Any]:
    return {"status": "error", "data": None, "errors": [{"message": text, "code": code, "customData": None}]}


@EACH_TYPE
def test_a_renewal_costs_what_calc_said_and_moves_the_end_by_thirty_days(
    stage: Staging, clock: Any, type_: str
) -> None:
    """The term of a month begins at the end of today and has 30 days; row ids change; ip, order and base stay."""
    s = stage(clock=clock)
    bought = s.make(BODIES[type_], periodId="1m").data
    before = rows(s, type_)
    clock.now += 3 * DAY
    quote, made = calc(s, type_).data, make(s, type_).data
    after = rows(s, type_)
    assert made["total"] == quote["total"] == bought["total"]
    assert Decimal(str(made["balance"])) == Decimal(str(bought["balance"])) - Decimal(str(made["total"]))
    assert s.box.balances[SANDBOX_KEY] == Decimal(str(made["balance"]))
    assert ends(s, type_) == {"20.11.2026"}
    for same in ("ip", "order_id", "base_order_number", "login", "password", "date_start"):
        assert [row[same] for row in after] == [row[same] for row in before]
    assert {row["id"] for row in before}.isdisjoint(row["id"] for row in after)
    assert made["listBaseOrderNumbers"] == bought["listBaseOrderNumbers"]
    assert made["orderId"] not in (bought["orderId"], s.make(BODIES["isp"]).data["orderId"])
    (extension,) = s.box.renewals
    assert (extension.type, extension.period, extension.by) == (type_, "1m", "client")
    assert extension.rows == extension.moves == len(before)
    assert extension.terms == ((bought["orderId"], clock.now - 3 * DAY + 30 * DAY, clock.now + 57 * DAY),)


def test_two_renewals_stack(stage: Staging, clock: Any) -> None:
    """Nothing keeps a term from being bought twice: the second begins where the first ends."""
    s = stage(clock=clock)
    s.make(BODIES["ipv4"])
    assert [make(s).json["status"] for _ in range(2)] == ["success", "success"]
    assert ends(s) == {"20.12.2026"}
    assert s.box.balances[SANDBOX_KEY] == Decimal(10000) - 3 * Decimal("16.20")


@pytest.mark.parametrize(("period", "end"), [("1w", "28.10.2026"), ("3m", "19.01.2027"), ("12m", "16.10.2027")])
def test_a_term_is_as_long_as_its_period(stage: Staging, clock: Any, period: str, end: str) -> None:
    """Weeks have 7 days and months 30, however many there are."""
    s = stage(clock=clock)
    s.make(BODIES["ipv4"])
    assert make(s, periodId=period).json["status"] == "success"
    assert ends(s) == {end}


def test_a_month_may_be_one_of_the_calendar(stage: Staging, clock: Any) -> None:
    """With the switch, 21 October and a month are 21 November."""
    s = stage(clock=clock, options=Options(renewal_month="calendar"))
    s.make(BODIES["ipv4"])
    make(s)
    assert ends(s) == {"21.11.2026"}


def test_a_quote_has_the_documented_items_and_changes_nothing(stage: Staging) -> None:
    """Every documented key, credentials included; dates with their seconds; no price of one item."""
    s = stage()
    s.make(BODIES["ipv4"])
    sample = json.loads((HERE / "examples" / "v1-prolong-calc-success.json").read_text())["data"]
    first, second = calc(s), calc(s)
    assert first.body == second.body
    assert list(first.data) == list(sample)
    assert list(first.data["items"][0]) == list(sample["items"][0])
    assert (first.data["quantity"], first.data["orders"], len(first.data["items"])) == (10, 1, 10)
    assert first.data["items"][0]["date_end"][-9:].count(":") == 2
    assert s.box.renewals == ()
    assert s.box.balances == {SANDBOX_KEY: Decimal("9983.80")}


def test_the_items_of_a_quote_spell_ids_as_rows_do(stage: Staging) -> None:
    """As numbers, or by the switch as text."""
    for ids, kind in (("int", int), ("string", str)):
        s = stage(options=Options(ids=ids))
        s.make(BODIES["ipv4"])
        items = calc(s).data["items"]
        assert [item["id"] for item in items] == [row["id"] for row in rows(s)]
        assert {type(item[name]) for item in items for name in ("id", "order_id")} == {kind}


def test_the_vendors_answer_to_a_renewal_has_its_keys(stage: Staging) -> None:
    """`prolong/make` answers the four documented fields, or three where base numbers are switched off."""
    sample = json.loads((HERE / "examples" / "v1-prolong-make-success.json").read_text())["data"]
    for options, missing in ((Options(), set()), (Options(base_order_numbers=False), {"listBaseOrderNumbers"})):
        s = stage(options=options)
        s.make(BODIES["ipv4"])
        assert set(make(s).data) == set(sample) - missing


def test_some_rows_of_an_order_may_be_renewed(stage: Staging, clock: Any) -> None:
    """Of ipv4, isp and mobile a single id is enough, as a number or as text; the other rows stay as they are."""
    s = stage(clock=clock)
    s.make(BODIES["ipv4"], quantity=3)
    first, second, third = rows(s)
    assert make(s, ids=first["id"]).data["total"] == 1.8
    assert make(s, ids=[str(second["id"]), second["id"]]).data["total"] == 1.8
    assert [row["date_end"] for row in rows(s)] == ["20.11.2026", "20.11.2026", "21.10.2026"]
    assert rows(s)[2] == third | {"order_number": rows(s)[2]["order_number"]}


def test_rows_of_several_orders_are_renewed_together(stage: Staging) -> None:
    """One request, one price, one new number, and the base number of each order."""
    s = stage()
    bases = [s.make(BODIES["ipv4"], quantity=2).data["listBaseOrderNumbers"][0] for _ in range(2)]
    quote, made = calc(s).data, make(s).data
    assert (quote["orders"], quote["quantity"], quote["total"]) == (2, 4, 7.2)
    assert made["listBaseOrderNumbers"] == bases
    assert [order for order, _, _ in s.box.renewals[0].terms] == [sale.order_id for sale in s.box.purchases]


@pytest.mark.parametrize("call", [calc, make])
@pytest.mark.parametrize("ids", [[], None, [1], "x", [True], [{}]])
def test_unknown_ids_refuse_everything(stage: Staging, call: Any, ids: Any) -> None:
    """Code 29 for the whole request, also where other ids in it are good."""
    s = stage()
    s.make(BODIES["ipv4"], quantity=1)
    good = [row["id"] for row in rows(s)]
    assert call(s, ids=ids).json == refusal("Incorrect orderIds", 29)
    if isinstance(ids, list) and ids:
        assert call(s, ids=[*good, *ids]).json == refusal("Incorrect orderIds", 29)
    assert s.box.renewals == ()


def test_ids_of_others_of_another_type_and_of_the_past_are_unknown(stage: Staging, clock: Any) -> None:
    """Foreign, of another type, replaced by a renewal, not delivered yet, ended: all the same refusal."""
    s = stage(clock=clock, options=Options(accounts={"other": Decimal(100)}))
    s.make(BODIES["ipv4"], quantity=1)
    body = renewal(s)
    for key, type_ in (("other", "ipv4"), (SANDBOX_KEY, "isp")):
        assert s.ask("POST", f"prolong/make/{type_}", body, key=key).json == refusal("Incorrect orderIds", 29)
    assert s.ask("POST", "prolong/make/ipv4", body).json["status"] == "success"
    assert s.ask("POST", "prolong/make/ipv4", body).json == refusal("Incorrect orderIds", 29)
    today = renewal(s)
    clock.now += 60 * DAY
    assert s.ask("POST", "prolong/make/ipv4", today).json == refusal("Incorrect orderIds", 29)
    late = stage(options=Options(provisioning_delay=60))
    late.make(BODIES["ipv4"], quantity=1)
    assert make(late, ids=[body["ids"][0]]).json == refusal("Incorrect orderIds", 29)


@WHOLE_TYPES
def test_some_types_are_renewed_as_whole_orders(stage: Staging, type_: str) -> None:
    """A part of an ipv6, mix or mix_isp order is refused, or renewed and charged in full, by the switch."""
    s, lenient = stage(), stage(options=Options(renewal_part="whole"))
    for one in (s, lenient):
        one.make(BODIES[type_], periodId="1m")
    part = [rows(s, type_)[0]["id"]]
    assert make(s, type_, ids=part).json == refusal("Incorrect orderIds", 29)
    assert make(lenient, type_, ids=part).data["total"] == float(lenient.box.purchases[0].total)
    assert lenient.box.renewals[0].moves == BODIES[type_]["quantity"]


@pytest.mark.parametrize("call", ["calc", "make"])
@pytest.mark.parametrize(
    ("type_", "changes", "text"),
    [
        ("resident", {}, "Create new order to add traffic, prolong options not available"),
        ("scraper", {}, "Set existed [type] from reference"),
        ("ipv4", {"periodId": "5y"}, "Set existed [periodId] from reference"),
        ("ipv4", {"periodId": None}, "Set existed [periodId] from reference"),
        ("ipv4", {"paymentId": "29"}, "Set existed [paymentId]"),
    ],
)
def test_a_bad_renewal_is_refused_in_the_vendors_pattern(
    stage: Staging, call: str, type_: str, changes: dict[str, Any], text: str
) -> None:
    """Under HTTP 200 with code 0, and nothing is renewed."""
    s = stage()
    s.make(BODIES["ipv4"])
    body = renewal(s) | changes
    assert s.ask("POST", f"prolong/{call}/{type_}", body).json == refusal(text)
    assert s.box.renewals == ()


def test_a_get_never_renews(stage: Staging) -> None:
    """The old pages say GET; here it is HTTP 405."""
    s = stage()
    s.make(BODIES["ipv4"])
    assert s.ask("GET", "prolong/make/ipv4", renewal(s)).status == 405
    assert s.box.renewals == ()


def test_the_payment_may_be_left_out_or_be_the_card(stage: Staging) -> None:
    """Without one the balance pays; the card takes nothing from it."""
    s = stage()
    s.make(BODIES["ipv4"])
    assert make(s, paymentId=None).data["balance"] == 9967.6
    assert make(s, paymentId=43).data["balance"] == 9967.6
    assert [one.total for one in s.box.renewals] == [Decimal("16.20")] * 2


@pytest.mark.parametrize("status", ["error", "success"])
def test_a_quote_warns_of_a_short_balance_with_its_data(stage: Staging, status: Any) -> None:
    """Status error, filled data and no errors, as documented; or a success, by the switch."""
    s = stage(options=Options(renewal_warning=status))
    s.make(BODIES["ipv4"])
    s.box.set_balance(Decimal(2))
    envelope = calc(s).json
    assert (envelope["status"], envelope["errors"]) == (status, [])
    assert envelope["data"]["warning"] == "Insufficient funds. Total $2. Not enough $14.20"
    assert len(envelope["data"]["items"]) == 10


@pytest.mark.parametrize("form", ["code", "data", "text"])
def test_a_short_balance_refuses_a_renewal_in_three_shapes(stage: Staging, form: Any) -> None:
    """Code 16 with the quote, the older status error with the quote and no errors, or the words of `order/make`."""
    s = stage(options=Options(renewal_refusal=form))
    s.make(BODIES["ipv4"])
    s.box.set_balance(Decimal(2))
    quote, envelope = calc(s).data, make(s).json
    text = "Insufficient funds. Total $2. Not enough $14.20"
    sample = json.loads((HERE / "examples" / "v1-prolong-make-insufficient-funds.json").read_text())["errors"]
    expected = {
        "code": {"status": "error", "data": quote, "errors": sample},
        "data": {"status": "error", "data": quote, "errors": []},
        "text": refusal(text),
    }
    assert envelope == expected[form]
    assert s.box.renewals == ()
    assert s.box.balances[SANDBOX_KEY] == 2


@pytest.mark.parametrize("form", ["new", "empty", "same"])
def test_the_answered_order_id_may_be_new_empty_or_the_same(stage: Staging, form: Any) -> None:
    """Whatever is answered, the rows keep their order id, and a new number finds them."""
    s = stage(options=Options(renewal_id=form))
    order_id = s.make(BODIES["ipv4"]).data["orderId"]
    answered = make(s).data["orderId"]
    assert {row["order_id"] for row in rows(s)} == {order_id}
    assert answered == {"new": order_id + 1, "empty": "", "same": order_id}[form]
    if answered:
        assert len(rows(s, query=f"?orderId={answered}")) == 10


@pytest.mark.parametrize("form", ["new", "same"])
def test_the_order_number_may_change_or_stay(stage: Staging, form: Any) -> None:
    """What follows `_e_` is another one, or the number stays; an earlier number finds the order all the same."""
    s = stage(options=Options(renewal_number=form, order_numbers="marked"))
    s.make(BODIES["ipv4"])
    before = rows(s)[0]["order_number"]
    make(s)
    assert (rows(s)[0]["order_number"] == before) == (form == "same")
    assert len(rows(s, query=f"?orderId={before}")) == 10


def test_a_renewal_may_show_late(stage: Staging, clock: Any) -> None:
    """With the delay the list has the old rows for a while; the money is gone at once."""
    s = stage(clock=clock, options=Options(renewal_delay=60))
    s.make(BODIES["ipv4"])
    before = rows(s)
    made = make(s).data
    clock.now += 59
    assert [row["id"] for row in rows(s)] == [row["id"] for row in before]
    assert ends(s) == {"21.10.2026"}
    assert s.get("balance/get").data["summ"] == made["balance"]
    clock.now += 1
    assert ends(s) == {"20.11.2026"}


def test_a_second_renewal_at_once_is_in_progress(stage: Staging, clock: Any) -> None:
    """With the switch code 57 comes while the first may still run, for its order only."""
    s = stage(clock=clock, options=Options(renewal_busy=30))
    sample = json.loads((HERE / "examples" / "v1-prolong-in-progress.json").read_text())
    s.make(BODIES["ipv4"], quantity=1)
    s.make(BODIES["isp"])
    make(s)
    assert make(s).json == sample
    assert make(s, "isp").json["status"] == "success"
    clock.now += 30
    assert make(s).json["status"] == "success"


def test_a_late_renewal_is_made_once_at_its_time_and_is_in_progress_until_then(stage: Staging, clock: Any) -> None:
    """Not before its time; a second request meanwhile gets code 57; afterwards the old ids are unknown."""
    s = stage(clock=clock, faults=["renew-silent-later:30"])
    s.make(BODIES["ipv4"])
    body = renewal(s)
    with pytest.raises(TimeoutError):
        s.unanswered(body, endpoint="prolong/make/ipv4")
    assert s.ask("POST", "prolong/make/ipv4", body).json["errors"][0]["code"] == 57
    clock.now += 29
    assert s.box.renewals == ()
    clock.now += 1
    (extension,) = s.box.renewals
    assert (extension.at, extension.by, extension.moves) == (clock.now, "client", 10)
    assert s.ask("POST", "prolong/make/ipv4", body).json == refusal("Incorrect orderIds", 29)


def test_half_of_the_rows_may_be_moved(stage: Staging, clock: Any) -> None:
    """The whole price is taken and success is answered; the first half has a new end and new ids."""
    s = stage(clock=clock, faults=["renew-half"])
    s.make(BODIES["ipv4"], quantity=5)
    before = rows(s)
    assert make(s).data["total"] == 9
    assert [row["date_end"] for row in rows(s)] == ["20.11.2026"] * 3 + ["21.10.2026"] * 2
    assert [row["id"] for row in rows(s)][3:] == [row["id"] for row in before][3:]
    assert (s.box.renewals[0].rows, s.box.renewals[0].moves) == (5, 3)
    clock.now += 31 * DAY
    assert len(rows(s)) == 3


def test_a_renewal_may_move_nothing(stage: Staging) -> None:
    """The price is taken, success is answered, and every row is as before."""
    s = stage(faults=["renew-unmoved"])
    s.make(BODIES["ipv4"])
    before = rows(s)
    assert make(s).json["status"] == "success"
    assert rows(s) == before
    assert (s.box.renewals[0].total, s.box.renewals[0].moves) == (Decimal("16.20"), 0)


def test_addresses_may_be_replaced_by_a_renewal(stage: Staging, clock: Any) -> None:
    """Other addresses with the new end, under the same order."""
    s = stage(clock=clock, faults=["renew-replaced"])
    s.make(BODIES["ipv4"])
    before = rows(s)
    make(s)
    assert {row["ip"] for row in before}.isdisjoint(row["ip"] for row in rows(s))
    assert ends(s) == {"20.11.2026"}
    assert {row["order_id"] for row in rows(s)} == {row["order_id"] for row in before}


def test_the_price_may_rise_between_quote_and_renewal(stage: Staging) -> None:
    """`renew-price-up-quote` after a quote, `renew-price-up` before the charge; both stay."""
    s = stage(faults=["renew-price-up-quote:50", "renew-price-up@2:100"])
    s.make(BODIES["ipv4"])
    assert calc(s).data["total"] == 16.2
    assert [make(s).data["total"] for _ in range(3)] == [24.3, 48.6, 48.6]


def test_a_fault_of_a_renewal_is_aimed_at_the_goal_of_its_order(stage: Staging) -> None:
    """`@name` is the `customTargetName` of the order that the first id belongs to."""
    s = stage(faults=["renew-500-before@name=b"])
    for name in ("a", "b"):
        s.make(BODIES["ipv4"], quantity=1, customTargetName=name)
    (a, b) = rows(s)
    assert [make(s, ids=[row["id"]]).status for row in (a, b)] == [200, 500]
    assert s.box.fault_counts == {"renew-500-before": 1}


def test_a_fault_of_a_purchase_leaves_renewals_alone(stage: Staging) -> None:
    """And the other way round: each kind counts its own endpoint."""
    s = stage(faults=["500-before@2", "renew-500-before@2"])
    assert [s.make(BODIES["ipv4"], quantity=1).status for _ in range(3)] == [200, 500, 200]
    assert [make(s).status for _ in range(3)] == [200, 500, 200]


def test_ten_thousand_rows_are_renewed_in_a_moment(stage: Staging) -> None:
    """A large order is looked up and moved without going through the list for every row."""
    s = stage(options=Options(accounts={SANDBOX_KEY: Decimal(1_000_000)}))
    s.make(BODIES["ipv4"], quantity=10_000)
    assert make(s).json["status"] == "success"
    assert s.box.renewals[0].moves == 10_000
