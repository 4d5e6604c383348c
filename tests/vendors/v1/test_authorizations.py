"""What opens proxies, and the lists of resident traffic, in every form that sources show."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runner.core.errors import VendorUnavailable
from runner.core.vendor import Authorization, ResidentList
from runner.vendors.v1.authorizations import decode_authorizations, decode_resident_lists
from runner.vendors.wire import Response

LOGIN = {"id": "666059d7f767480029182987", "active": True, "login": "a:b", "password": "c d", "orderNumber": "1_2"}
LIST = {"id": 7, "title": "shops", "geo": [], "export": {"ports": "100", "ext": "txt"}, "login": "x", "password": "y"}


def response(data: Any) -> Response:
    return Response(status=200, body=json.dumps({"status": "success", "data": data, "errors": []}).encode())


def test_a_login_and_an_address_are_read() -> None:
    address = {"id": "1", "active": True, "ip": "127.0.0.1", "orderNumber": "1_3_e_hash"}
    assert decode_authorizations(response([LOGIN, address])) == (
        Authorization(number="1_2", login="a:b", password="c d"),
        Authorization(number="1_3", ip="127.0.0.1"),
    )


@pytest.mark.parametrize("off", [False, "N", 0])
def test_one_that_is_switched_off_opens_nothing(off: object) -> None:
    assert decode_authorizations(response([LOGIN | {"active": off}])) == ()


def test_one_without_an_order_is_left_out() -> None:
    assert decode_authorizations(response([LOGIN | {"orderNumber": None}, {"id": 1}])) == ()


def test_no_repr_shows_a_login() -> None:
    (authorization,) = decode_authorizations(response([LOGIN]))
    assert "a:b" not in repr(authorization)
    assert "c d" not in repr(authorization)


@pytest.mark.parametrize("form", [lambda rows: rows, lambda rows: {"items": rows}])
def test_lists_are_read_bare_and_under_items(form: Any) -> None:
    assert decode_resident_lists(response(form([LIST]))) == (ResidentList(list_id="7", title="shops", ports=100),)
    assert decode_resident_lists(response(form([]))) == ()


def test_ports_may_be_a_number_or_missing() -> None:
    first, second = decode_resident_lists(response([LIST | {"export": {"ports": 5}}, {"id": "8"}]))
    assert (first.ports, second.ports, second.title) == (5, None, "")


@pytest.mark.parametrize("data", ["maintenance", {"rows": []}, [1], None])
@pytest.mark.parametrize("decode", [decode_authorizations, decode_resident_lists])
def test_what_is_no_list_is_not_believed(decode: Any, data: object) -> None:
    with pytest.raises(VendorUnavailable):
        decode(response(data))
