"""Delivery, filters, renewals, other buyers: what `proxy/list` shows and when."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from runner.sandbox.options import SANDBOX_KEY, Options

BODIES: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "bodies.json").read_text())
Staging = Callable[..., Any]
DAY = 86_400.0


def rows(s: Any, type_: str = "ipv4", query: str = "", body: Any = None) -> list[dict[str, Any]]:
    return list(s.get(f"proxy/list/{type_}{query}", body).data["items"])


@pytest.mark.parametrize("type_", [type_ for type_ in BODIES if type_ != "resident"])
def test_an_order_is_delivered_in_full(stage: Staging, clock: Any, type_: str) -> None:
    """Each address is a row with an id of its own, the order's id and number, and the dates of its period."""
    s = stage(clock=clock)
    made = s.make(BODIES[type_]).data
    delivery = rows(s, type_)
    assert len(delivery) == len({row["id"] for row in delivery}) == len({row["ip"] for row in delivery})
    assert len(delivery) == BODIES[type_]["quantity"]
    assert {row["order_id"] for row in delivery} == {made["orderId"]}
    assert {row["base_order_number"] for row in delivery} == set(made["listBaseOrderNumbers"])
    assert s.get("proxy/list").data[type_] == delivery
    ends = {"1w": "28.09.2026", "2w": "05.10.2026", "1m": "21.10.2026", "3m": "21.12.2026"}
    assert {(row["date_start"], row["date_end"]) for row in delivery} == {
        ("21.09.2026", ends[BODIES[type_]["periodId"]])
    }


def test_rows_say_where_and_how(stage: Staging) -> None:
    """Country, protocol, rotation and allowed address follow from the order."""
    s = stage()
    for type_ in ("ipv4", "mix", "ipv6", "mobile"):
        s.make(BODIES[type_])
    s.make(BODIES["isp"], authorization="192.0.2.1")
    assert {(r["country"], r["country_alpha3"], r["protocol"]) for r in rows(s)} == {("France", "FRA", "HTTP")}
    assert len({r["country_alpha3"] for r in rows(s, "mix")}) == 4
    assert {r["protocol"] for r in rows(s, "ipv6")} == {"SOCKS"}
    assert {r["rotation"] for r in rows(s, "mobile")} == {"5 minutes"}
    assert {(r["auth_ip"], r["login"]) for r in rows(s, "isp")} == {("192.0.2.1", "")}


def test_addresses_come_after_the_provisioning_delay(stage: Staging, clock: Any) -> None:
    """Until then an order shows nowhere but in the balance; mobile may take its own time."""
    s = stage(clock=clock, options=Options(provisioning_delay=60, mobile_delay=7200))
    for body in BODIES.values():
        s.make(body, generateAuth="Y")
    clock.now += 59
    assert s.get("proxy/list").data == {type_: [] for type_ in BODIES}
    assert s.get("auth/list").data == []
    assert s.get("resident/package").error == "Tarif not found"
    clock.now += 1
    assert {type_ for type_, found in s.get("proxy/list").data.items() if not found} == {"mobile", "resident"}
    assert len(s.get("auth/list").data) == 5
    assert s.get("resident/package").data["tarif_id"] == 6929
    clock.now += 7140
    assert len(rows(s, "mobile")) == 1


def test_half_an_order_may_be_all_that_comes(stage: Staging) -> None:
    """Partial delivery charges everything and shows half, rounded up."""
    s = stage(options=Options(partial_delivery=True))
    s.make(BODIES["ipv4"], quantity=3)
    assert len(rows(s)) == 2
    assert s.box.purchases[0].total == Decimal("5.40")


def test_an_order_may_come_in_parts(stage: Staging, clock: Any) -> None:
    """So many rows when it is due, as many more after each interval, the same rows in the same order."""
    s = stage(clock=clock, options=Options(provisioning_delay=10, delivery_rows=2, delivery_interval=60))
    order = s.make(BODIES["ipv4"], quantity=5).data["orderId"]
    counts = []
    for wait in (9, 1, 59, 1, 59, 1, 60):
        clock.now += wait
        counts.append(len(rows(s)))
    assert counts == [0, 2, 2, 4, 4, 5, 5]
    assert len({row["id"] for row in rows(s)}) == 5
    assert {row["order_id"] for row in rows(s)} == {order}
    assert len(rows(s, query=f"?orderId={order}")) == 5


def test_what_is_not_delivered_cannot_be_renewed(stage: Staging, clock: Any) -> None:
    """The rest of a MIX that comes in parts belongs to the whole order once it is there."""
    s = stage(clock=clock, options=Options(delivery_rows=15))
    s.make(BODIES["mix"])
    part = {"ids": [row["id"] for row in rows(s, "mix")], "periodId": "1m"}
    clock.now += 60
    assert s.ask("POST", "prolong/make/mix", part).json["errors"][0]["code"] == 29
    whole = {"ids": [row["id"] for row in rows(s, "mix")], "periodId": "1m"}
    assert s.ask("POST", "prolong/make/mix", whole).json["status"] == "success"


def test_dates_are_spelled_in_three_ways(stage: Staging, clock: Any) -> None:
    """The switches reach the rows, and the resident package of the documentation."""
    for options, text in (
        (Options(), "21.10.2026"),
        (Options(dates="second", zone=3), "21.10.2026 17:13:20"),
        (Options(dates="iso"), "2026-10-21T14:13:20+00:00"),
    ):
        s = stage(clock=clock, options=options)
        s.make(BODIES["ipv4"])
        s.make(BODIES["resident"])
        assert {row["date_end"] for row in rows(s)} == {text}
        assert s.get("resident/package").data["expired_at"] == text


def test_mobile_rows_may_hold_their_ports_and_have_a_secret_link(stage: Staging) -> None:
    """`ip` with the switch, `ip_only` never; rows by link have a link of their own, the others `#`."""
    s = stage(options=Options(mobile_ip="ports"))
    s.make(BODIES["mobile"])
    s.make(BODIES["mobile"], mobileServiceType="dedicated", operatorId="31", rotationId=0)
    timed, by_link = rows(s, "mobile")
    assert timed["ip"] == f"{timed['ip_only']}:{timed['port_http']}:{timed['port_socks']}"
    assert timed["link_reboot"] == "#"
    assert by_link["link_reboot"].startswith("https://sandbox.invalid/")


@pytest.mark.parametrize("kind", ["hostile", "colon", "unicode", "control"])
def test_credentials_may_be_hostile(stage: Staging, kind: Any) -> None:
    """Each row has its own, none is plain; `auth/list` has them as well, for orders that leave the rows empty."""
    s = stage(options=Options(credentials=kind))
    s.make(BODIES["ipv4"], quantity=3)
    s.make(BODIES["isp"], generateAuth="Y")
    pairs = [(row["login"], row["password"]) for row in rows(s)]
    pairs += [(auth["login"], auth["password"]) for auth in s.get("auth/list").data]
    assert len({login for login, _ in pairs}) == len({password for _, password in pairs}) == 4
    assert not any(login.isalnum() and login.isascii() for login, _ in pairs)
    assert {"hostile": "%", "colon": ":", "unicode": "é", "control": "\t"}[kind] in pairs[0][0]
    assert (":" in pairs[0][0]) == (kind == "colon")


def test_an_authorised_address_is_in_the_list_of_authorisations(stage: Staging) -> None:
    """`ip` in place of login and password, by order number."""
    s = stage()
    number = s.make(BODIES["isp"], authorization="192.0.2.1").data["listBaseOrderNumbers"][0]
    (auth,) = s.get("auth/list").data
    assert {name: auth[name] for name in ("active", "ip", "orderNumber")} == {
        "active": True,
        "ip": "192.0.2.1",
        "orderNumber": number,
    }
    assert "login" not in auth


def test_a_login_may_come_later_than_the_rows(stage: Staging, clock: Any) -> None:
    """With the switch the rows are there, with empty credentials, and `auth/list` is not yet."""
    s = stage(clock=clock, options=Options(provisioning_delay=10, auth_delay=60))
    s.make(BODIES["isp"], generateAuth="Y")
    clock.now += 69
    assert [row["login"] for row in rows(s, "isp")] == ["", ""]
    assert s.get("auth/list").data == []
    clock.now += 1
    assert len(s.get("auth/list").data) == 1


@pytest.mark.parametrize("form", ["current", "base"])
def test_authorisations_have_the_number_of_today_or_the_base(stage: Staging, form: Any) -> None:
    """After a renewal the two differ."""
    s = stage(options=Options(auth_numbers=form, order_numbers="marked"))
    s.make(BODIES["isp"], generateAuth="Y")
    s.box.renew(s.box.purchases[0].order_id)
    row, auth = rows(s, "isp")[0], s.get("auth/list").data[0]
    assert auth["orderNumber"] == row[{"current": "order_number", "base": "base_order_number"}[form]]
    assert row["order_number"] != row["base_order_number"]


def test_ended_addresses_leave_the_list(stage: Staging, clock: Any) -> None:
    """Only active addresses are listed."""
    s = stage(clock=clock)
    s.make(BODIES["isp"])
    s.make(BODIES["isp"], periodId="1w")
    assert len(rows(s, "isp")) == 4
    clock.now += 8 * DAY
    assert {row["order_id"] for row in rows(s, "isp")} == {s.box.purchases[0].order_id}
    s.make(BODIES["isp"])
    assert len(rows(s, "isp")) == 4


def three_orders(s: Any) -> tuple[Any, Any, Any]:
    orders: list[dict[str, Any]] = [{"periodId": "1m"}, {"countryId": 562, "periodId": "1w"}, {"periodId": "2m"}]
    first, second, third = (s.make(BODIES["ipv4"], quantity=1, **order).data for order in orders)
    return first, second, third


def test_filters_choose_rows(stage: Staging) -> None:
    """`latest`, `orderId` by either number, `country` and `ends` in the query string."""
    s = stage()
    first, second, third = three_orders(s)

    def ids(query: str) -> list[int]:
        return [row["order_id"] for row in rows(s, query=query)]

    everything = [first["orderId"], second["orderId"], third["orderId"]]
    assert ids("") == ids("?latest=N&orderId=&ends=N&unknown=1") == everything
    assert ids("?latest=Y") == [third["orderId"]]
    assert ids(f"?orderId={first['orderId']}") == [first["orderId"]]
    assert ids(f"?orderId={second['listBaseOrderNumbers'][0]}") == [second["orderId"]]
    assert ids("?orderId=1") == []
    assert ids("?country=FRA") == [first["orderId"], third["orderId"]]
    assert ids("?ends=Y") == [second["orderId"]]
    assert ids(f"?country=DEU&orderId={first['orderId']}") == []


@pytest.mark.parametrize(("where", "by_query", "by_body"), [("query", 1, 3), ("body", 3, 1), ("ignored", 3, 3)])
def test_filters_are_read_where_the_switch_says(stage: Staging, where: Any, by_query: int, by_body: int) -> None:
    """A filter in the wrong place is ignored and the whole list comes back."""
    s = stage(options=Options(filters=where))
    order = three_orders(s)[0]["orderId"]
    assert len(rows(s, query=f"?orderId={order}")) == by_query
    assert len(rows(s, body={"orderId": order})) == by_body


def test_resident_orders_add_up_in_one_package(stage: Staging) -> None:
    """Traffic adds up, the last tariff shows, and no row ever appears."""
    s = stage(options=Options(resident_package="live"))
    s.make({"tarifId": 6929})
    s.make({"tarifId": 6930})
    package = s.get("resident/package").data
    assert (package["traffic_limit"], package["tarif_id"]) == (4 * 2**30, 6930)
    assert rows(s, "resident") == []


def test_a_stranger_buys_on_the_same_account(stage: Staging) -> None:
    """Somebody else's order takes from the balance and shows in the lists, and is marked as theirs only here."""
    s = stage()
    mine = s.make(BODIES["ipv4"]).data
    theirs = s.box.buy_as_stranger(type="ipv4", countryId=561, quantity=2)
    assert [p.stranger for p in s.box.purchases] == [False, True]
    assert theirs.balance == Decimal(str(mine["balance"])) - theirs.total == s.box.balances[SANDBOX_KEY]
    assert [row["order_id"] for row in rows(s)] == [mine["orderId"]] * 10 + [theirs.order_id] * 2
    for type_ in BODIES:
        assert s.box.buy_as_stranger(type=type_).type == type_
    assert [r.endpoint for r in s.box.requests].count("order/make") == 1
    with pytest.raises(ValueError, match="Country not exists"):
        s.box.buy_as_stranger(countryId=1)
    with pytest.raises(ValueError, match="legal types: ipv4"):
        s.box.buy_as_stranger(type="ipv5")


def test_a_renewal_changes_ids_and_numbers_but_is_no_order(stage: Staging, clock: Any) -> None:
    """Row ids are new, the number gets a tail, the base number and the order id stay, the price is taken again."""
    s = stage(clock=clock)
    made = s.make(BODIES["ipv4"]).data
    before = rows(s)
    s.box.renew(made["orderId"])
    after = rows(s)
    assert {row["id"] for row in before}.isdisjoint(row["id"] for row in after)
    base = made["listBaseOrderNumbers"][0]
    assert {row["base_order_number"] for row in after} == {base}
    assert {row["order_id"] for row in after} == {made["orderId"]}
    assert {row["order_number"][: len(base) + 3] for row in after} == {f"{base}_e_"}
    assert {row["date_end"] for row in after} == {"20.11.2026"}
    assert len(s.box.purchases) == 1
    assert s.box.balances[SANDBOX_KEY] == Decimal(10000) - 2 * Decimal("16.20")


def test_numbers_may_have_their_mark_from_the_first_purchase_on(stage: Staging) -> None:
    """With the switch an order's number has a hash at once, another one after a renewal, and the base stays."""
    s = stage(options=Options(order_numbers="marked"))
    made = s.make(BODIES["ipv4"]).data
    (base,) = made["listBaseOrderNumbers"]
    assert base.startswith("NS_")
    assert base not in s.make(BODIES["ipv4"]).data["listBaseOrderNumbers"]
    numbers = {rows(s)[0]["order_number"]}
    s.box.renew(made["orderId"])
    numbers.add(rows(s)[0]["order_number"])
    assert {number.partition("_e_")[0] for number in numbers} == {base}
    assert len(numbers) == 2


def test_rows_that_end_soon_may_be_hidden(stage: Staging, clock: Any) -> None:
    """With the switch, rows in their last days are in the list of ending ones and in no other, untyped or by order."""
    s = stage(clock=clock, options=Options(ends_hidden=10))
    long, short = (s.make(BODIES["ipv4"] | {"periodId": period}).data["orderId"] for period in ("1m", "1w"))
    assert {row["order_id"] for row in rows(s)} == {long}
    assert {(row["order_id"], row["status"]) for row in rows(s, query="?ends=Y")} == {(short, "Ends")}
    assert rows(s, query=f"?orderId={short}") == []
    assert {row["order_id"] for row in s.get("proxy/list").data["ipv4"]} == {long}
    clock.now += 20.5 * 86_400
    assert rows(s) == []
    assert {row["order_id"] for row in rows(s, query="?ends=Y")} == {long}


def test_nothing_is_hidden_where_filters_are_ignored(stage: Staging) -> None:
    """A list that could be had in no way at all would be another vendor's."""
    s = stage(options=Options(ends_hidden=90, filters="ignored"))
    s.make(BODIES["ipv4"])
    assert len(rows(s)) == len(rows(s, query="?ends=Y")) == 10


def test_a_renewal_may_show_under_a_new_order_id(stage: Staging) -> None:
    """The id is one that no later order gets."""
    s = stage()
    first = s.make(BODIES["ipv4"]).data["orderId"]
    s.box.renew(first, new_id=True, charge=False)
    ids = {row["order_id"] for row in rows(s)}
    second = s.make(BODIES["ipv4"]).data["orderId"]
    assert first not in ids
    assert second not in ids
    assert s.box.balances[SANDBOX_KEY] == Decimal(10000) - 2 * Decimal("16.20")


def test_a_renewal_needs_an_order_and_funds(stage: Staging) -> None:
    """What cannot be renewed is said so, and nothing changes."""
    s = stage()
    made = s.make(BODIES["ipv4"]).data["orderId"]
    s.box.set_balance(Decimal(0))
    with pytest.raises(KeyError, match="no order 1"):
        s.box.renew(1)
    with pytest.raises(ValueError, match="Insufficient funds"):
        s.box.renew(made)


def test_base_numbers_start_with_their_own_number_or_with_the_order_id(stage: Staging) -> None:
    """The sources disagree; the switch gives the second reading."""
    own = stage().make(BODIES["ipv4"]).data
    order = stage(options=Options(number_prefix="order")).make(BODIES["ipv4"]).data
    assert not own["listBaseOrderNumbers"][0].startswith(f"{own['orderId']}_")
    assert order["listBaseOrderNumbers"][0].startswith(f"{order['orderId']}_")


def test_a_limit_is_kept_per_key_and_calendar_minute(stage: Staging, clock: Any) -> None:
    """Over the limit comes HTTP 429 with the seconds to the next minute, or the access triple; then it goes on."""
    clock.now -= clock.now % 60
    s = stage(clock=clock, options=Options(limit_form="429", limit_per_minute=2, accounts={"other": Decimal(1)}))
    clock.now += 20
    assert [s.get("system/ping").status for _ in range(3)] == [200, 200, 429]
    over = s.make(BODIES["ipv4"])
    assert (over.status, over.headers["Retry-After"]) == (429, "40")
    assert s.ask("GET", "system/ping", key="other").status == 200
    assert s.box.purchases == ()
    clock.now += 40
    assert s.make(BODIES["ipv4"]).status == 200
    triple = stage(clock=clock, options=Options(limit_form="triple", limit_per_minute=0)).get("system/ping")
    assert (triple.status, len(triple.json["errors"])) == (200, 3)


def test_open_rules_can_be_switched(stage: Staging) -> None:
    """The goal can be optional, and ipv6 can have a minimum."""
    s = stage(options=Options(require_target=False, ipv6_minimum=10))
    assert s.calc(BODIES["ipv4"], customTargetName=None).json["status"] == "success"
    assert s.calc(BODIES["ipv6"], quantity=9).error == "Set [quantity > 9]"
    assert s.calc(BODIES["ipv6"], quantity=10).json["status"] == "success"
