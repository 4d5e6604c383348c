"""Whose a row is, and what an order has come to: what is another's, or may be, is named and never handed out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from runner.core.orders import OrderKey
from runner.core.states import State
from runner.core.vendor import Authorization, ListedProxy, ResidentList
from runner.deliver.joining import (
    PATIENCE,
    DeliveryState,
    OrderDelivery,
    Resident,
    VendorView,
    WantedOrder,
    join,
)
from tests import make

NUMBER = "2000096_20240080"
ENDS = date(2026, 12, 23)


def row(index: int = 0, **changes: Any) -> ListedProxy:
    """A row of order 77, ours."""
    usual = ListedProxy(
        type="ipv4",
        order_id="77",
        row_id=str(index),
        ip=f"192.0.2.{index}",
        port_http=50100,
        port_socks=50101,
        login=f"login{index}",
        password=f"password{index}",
        protocol="HTTP",
        country="FRA",
        number=NUMBER,
        own_number=NUMBER,
        ends=ENDS,
    )
    return replace(usual, **changes)


def rows(number: int, /, **changes: Any) -> list[ListedProxy]:
    return [row(index, **changes) for index in range(number)]


def wanted(quantity: int = 2, **changes: Any) -> WantedOrder:
    request = make.order(fields={"quantity": quantity} | changes.pop("fields", {}))
    record = make.record(request, **({"base_order_numbers": (NUMBER,)} | changes))
    return WantedOrder(key=record.key, record=record)


def delivery(order: WantedOrder, listed: Sequence[ListedProxy] = (), **changes: Any) -> OrderDelivery:
    """What has come of one order, a minute after its purchase unless `after` is another time."""
    product = order.record.type if order.record else "ipv4"
    at = make.AT + changes.pop("after", timedelta(minutes=1))
    (joined,) = join([order], VendorView(**({"at": at, "rows": {product: listed}} | changes)))
    return joined


def test_an_order_is_delivered_when_as_many_rows_are_there_as_were_bought() -> None:
    joined = delivery(wanted(2), rows(2))
    assert joined.state is DeliveryState.DELIVERED
    assert [proxy.login for proxy in joined.proxies] == ["login0", "login1"]
    assert (joined.rows, joined.quantity, joined.ends) == (2, 2, ENDS)


@pytest.mark.parametrize(
    ("number", "after", "state"),
    [
        (0, timedelta(minutes=1), DeliveryState.WAITING),
        (0, PATIENCE, DeliveryState.SHORT),
        (0, timedelta(days=60), DeliveryState.ENDED),
        (1, timedelta(minutes=1), DeliveryState.IN_PART),
        (1, PATIENCE, DeliveryState.SHORT),
        (1, timedelta(days=60), DeliveryState.SHORT),
        (2, timedelta(days=60), DeliveryState.DELIVERED),
        (3, timedelta(minutes=1), DeliveryState.SURPLUS),
    ],
)
def test_a_state_follows_from_number_and_time(number: int, after: timedelta, state: DeliveryState) -> None:
    assert delivery(wanted(2), rows(number), after=after).state is state


def test_more_rows_than_were_bought_are_handed_out_to_nobody() -> None:
    joined = delivery(wanted(2), rows(3))
    assert joined.proxies == ()
    assert "3 proxies are shown for 2" in joined.reason


def test_one_mobile_row_with_two_ports_is_one_proxy() -> None:
    listed = [row(0, type="mobile")]
    assert delivery(wanted(1, type="mobile"), listed).state is DeliveryState.DELIVERED


def test_ipv6_in_fewer_rows_is_not_called_whole() -> None:
    joined = delivery(wanted(20, type="ipv6"), [row(0, type="ipv6")])
    assert joined.state is DeliveryState.IN_PART
    assert "is not known" in joined.reason
    assert joined.proxies


def test_ipv6_in_more_rows_is_handed_out() -> None:
    assert delivery(wanted(1, type="ipv6"), rows(3, type="ipv6")).state is DeliveryState.DELIVERED


# -- whose a row is


def test_a_renewed_number_is_ours_by_its_base() -> None:
    assert delivery(wanted(1), [row(0, number=NUMBER, own_number=NUMBER, row_id="999")]).whole


def test_rows_without_numbers_are_ours_by_the_order_id() -> None:
    assert delivery(wanted(2), rows(2, number=None, own_number=None)).whole


def test_numbers_of_another_form_do_not_take_our_rows_away() -> None:
    assert delivery(wanted(2), rows(2, number="NS_1-uc", own_number="NS_1-uc")).whole


def test_a_renewed_order_is_ours_under_its_new_id() -> None:
    joined = delivery(wanted(2), rows(2, order_id="99"))
    assert joined.whole
    assert joined.foreign == ()


def test_another_order_s_rows_under_our_number_are_named() -> None:
    theirs = rows(2, order_id="99")
    joined = delivery(wanted(2), [*rows(2), *theirs])
    assert joined.whole
    (foreign,) = joined.foreign
    assert (foreign.order_id, foreign.rows, foreign.reason) == ("99", 2, "our own order is shown beside them")


def test_rows_that_belong_to_another_of_our_orders_are_named_after_it() -> None:
    joined = delivery(wanted(2), rows(2, order_id="99"), owners={"99": OrderKey("b", "other")})
    assert joined.proxies == ()
    assert joined.foreign[0].reason == "they belong to b/other"


def test_rows_of_a_stranger_are_not_ours_whatever_their_number() -> None:
    joined = delivery(wanted(2), rows(2, order_id="99"), strangers=frozenset({"99"}))
    assert joined.proxies == ()


def test_a_number_that_several_orders_carry_names_none_of_them() -> None:
    joined = delivery(wanted(1), [row(0, order_id="98"), row(1, order_id="99")])
    assert joined.proxies == ()
    assert joined.state is DeliveryState.WAITING
    assert [foreign.order_id for foreign in joined.foreign] == ["98", "99"]


def test_another_number_under_our_order_id_is_another_order_s() -> None:
    joined = delivery(wanted(2), [*rows(2), row(5, number="1_1", own_number="1_1")])
    assert joined.whole
    assert joined.foreign[0].rows == 1


def test_an_order_number_that_belies_its_base_is_another_order_s() -> None:
    joined = delivery(wanted(2), [*rows(2), row(5, own_number="1_1")])
    assert joined.whole
    assert joined.foreign[0].rows == 1


def test_two_orders_with_rows_each_keep_them_apart() -> None:
    ours, other = wanted(1), wanted(1)
    assert other.record is not None
    other = WantedOrder(
        key=OrderKey("b", "x"), record=replace(other.record, order_id="78", base_order_numbers=("1_1",))
    )
    listed = [row(0), row(1, order_id="78", number="1_1", own_number="1_1")]
    both = join([ours, other], VendorView(at=make.AT, rows={"ipv4": listed}))
    assert [[proxy.ip for proxy in each.proxies] for each in both] == [["192.0.2.0"], ["192.0.2.1"]]


# -- what opens a row


def closed(**changes: Any) -> ListedProxy:
    return row(0, login="", password="", **changes)


def test_a_row_without_a_login_is_opened_by_its_order_number() -> None:
    opener = Authorization(number=NUMBER, login="made", password="secret")
    joined = delivery(wanted(1), [closed()], authorizations=[opener])
    assert joined.whole
    assert (joined.proxies[0].login, joined.proxies[0].password) == ("made", "secret")


def test_the_login_of_another_order_opens_nothing() -> None:
    joined = delivery(wanted(1), [closed()], authorizations=[Authorization(number="1_1", login="a", password="b")])
    assert joined.state is DeliveryState.NO_LOGIN
    assert joined.pending


def test_an_address_that_is_let_in_needs_no_login() -> None:
    assert delivery(wanted(1), [closed(authorized_ip="198.51.100.7")]).whole
    opened = delivery(wanted(1), [closed()], authorizations=[Authorization(number=NUMBER, ip="198.51.100.7")])
    assert opened.whole
    assert opened.proxies[0].auth_ip == "198.51.100.7"


def test_the_protocol_is_the_one_that_was_asked_for() -> None:
    order = wanted(1, type="ipv6", fields={"protocol": "SOCKS5"})
    assert delivery(order, [row(0, type="ipv6")]).proxies[0].protocol == "socks5"


# -- what is no delivery


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (State.SUBMITTED, DeliveryState.UNKNOWN),
        (State.UNKNOWN, DeliveryState.UNKNOWN),
        (State.REJECTED, DeliveryState.NOT_BOUGHT),
        (State.ABSENT, DeliveryState.NOT_BOUGHT),
        (State.PLANNED, DeliveryState.NOT_BOUGHT),
    ],
)
def test_an_order_that_is_not_placed_says_so(state: State, expected: DeliveryState) -> None:
    joined = delivery(wanted(1, state=state, order_id=None), rows(1))
    assert joined.state is expected
    assert joined.missing
    assert not joined.pending
    assert joined.proxies == ()


def test_an_order_that_the_ledger_does_not_know_is_not_bought() -> None:
    assert delivery(WantedOrder(key=OrderKey("b", "a"))).state is DeliveryState.NOT_BOUGHT


def test_a_list_that_was_not_read_says_nothing() -> None:
    joined = delivery(wanted(1), rows={})
    assert joined.state is DeliveryState.UNREAD
    assert joined.pending


def resident(**changes: Any) -> OrderDelivery:
    request = make.order(only={"tarifId": 6929, "paymentId": 1}, type="resident")
    order = WantedOrder(key=request.key, record=make.record(request))
    return delivery(order, **changes)


def test_resident_traffic_is_there_with_its_package_and_names_its_lists() -> None:
    lists = (ResidentList(list_id="7", title="shops", ports=100), ResidentList(list_id="8", title=""))
    joined = resident(resident=Resident(package={"expired_at": "23.12.2026"}, lists=lists))
    assert joined.state is DeliveryState.DELIVERED
    assert "until 23.12.2026; its lists are shops (100 ports), 8" in joined.reason


def test_resident_traffic_without_a_list_says_how_one_is_made() -> None:
    assert "make a list" in resident(resident=Resident(package={}, lists=())).reason
    assert "could not be read" in resident(resident=Resident(package={}, lists=None)).reason


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"resident": None}, DeliveryState.UNREAD),
        ({"resident": Resident(package=None, lists=())}, DeliveryState.WAITING),
        ({"resident": Resident(package=None, lists=()), "after": PATIENCE}, DeliveryState.SHORT),
    ],
)
def test_resident_traffic_that_is_not_there_says_so(changes: dict[str, Any], state: DeliveryState) -> None:
    assert resident(**changes).state is state


def test_no_repr_shows_what_opens_a_proxy() -> None:
    joined = delivery(wanted(1), [row(0)])
    assert "password0" not in repr(joined) + repr(joined.proxies)
