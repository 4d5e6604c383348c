"""Rows of the vendor's lists as proxies, each with what opens it."""

from __future__ import annotations

import json
from datetime import date
from functools import partial

import pytest

from runner.core.errors import VendorUnavailable
from runner.core.vendor import ListedProxy
from runner.vendors.v1.listed import decode_proxies
from runner.vendors.wire import Begin, Response, Streamed

ROW = {
    "id": "37479404",
    "order_id": 4742113,
    "order_number": "2000096_20240080",
    "base_order_number": "2000096_20240080",
    "ip": "192.0.2.10",
    "ip_only": "192.0.2.10",
    "protocol": "HTTP",
    "port_http": 50100,
    "port_socks": 50101,
    "login": "user:@/",
    "password": "pa ss%",
    "country_alpha3": "FRA",
    "date_start": "29.11.2026",
    "date_end": "29.12.2026",
    "can_prolong": 1,
    "auto_renew": "N",
    "comment": "mine",
    "link_reboot": "https://example.invalid/reboot/secret",
}


def answer(*rows: object, data: object = None, **more: object) -> bytes:
    envelope = {"status": "success", "data": {"items": list(rows)} | more if data is None else data, "errors": []}
    return json.dumps(envelope).encode()


def read(body: bytes, begin: Begin) -> Response:
    parser = begin(lambda text: text.replace("SECRETKEY", "***"))
    parser.take(body)
    return Streamed(status=200, envelope=parser.close())


def proxies(*bodies: bytes, order_ids: frozenset[str] | None = None) -> tuple[ListedProxy, ...]:
    return decode_proxies([partial(read, body) for body in bodies], "ipv4", order_ids)


def test_a_row_has_all_that_a_client_needs_and_shows_none_of_its_secrets_in_its_repr() -> None:
    (proxy,) = proxies(answer(ROW))
    assert (proxy.order_id, proxy.row_id, proxy.number) == ("4742113", "37479404", "2000096_20240080")
    assert (proxy.ip, proxy.port_http, proxy.port_socks) == ("192.0.2.10", 50100, 50101)
    assert (proxy.login, proxy.password) == ("user:@/", "pa ss%")
    assert (proxy.starts, proxy.ends) == (date(2026, 11, 29), date(2026, 12, 29))
    assert (proxy.auto_renewed, proxy.renewable, proxy.comment) == (False, True, "mine")
    assert not any(secret in repr(proxy) for secret in ("user:@/", "pa ss%", "reboot"))


def test_a_filter_that_the_vendor_ignores_lets_no_other_order_through() -> None:
    others = [ROW | {"order_id": number, "id": number} for number in (1, 2, 47421130)]
    assert [p.order_id for p in proxies(answer(*others, ROW), order_ids=frozenset({"4742113"}))] == ["4742113"]


def test_a_row_in_both_lists_is_one_though_a_renewal_between_them_changed_its_id() -> None:
    renewed = ROW | {"id": "38598894", "date_end": "28.01.2027"}
    (proxy,) = proxies(answer(ROW), answer(renewed))
    assert (proxy.row_id, proxy.ends) == ("38598894", date(2027, 1, 28))


def test_a_mobile_address_is_told_from_the_ports_behind_it() -> None:
    mobile = {key: value for key, value in ROW.items() if key != "ip_only"} | {"ip": "192.0.2.10:50100:50101"}
    assert proxies(answer(mobile))[0].ip == "192.0.2.10"
    assert proxies(answer(ROW | {"ip_only": "2001:db8::1"}))[0].ip == "2001:db8::1"


@pytest.mark.parametrize("port", [0, 65536, "x", True, None, "", -1])
def test_what_is_no_port_is_none(port: object) -> None:
    assert proxies(answer(ROW | {"port_http": port}))[0].port_http is None


def test_the_key_in_a_row_is_redacted() -> None:
    assert proxies(answer(ROW | {"comment": "SECRETKEY"}))[0].comment == "***"


@pytest.mark.parametrize(
    "body",
    [answer({"ip": "192.0.2.1"}), answer(ROW, total_pages=2), b'{"status":"success","data":', answer(data="text")],
    ids=["a row without an order id", "a page of two", "cut", "no list"],
)
def test_a_list_that_is_not_whole_shows_nothing(body: bytes) -> None:
    with pytest.raises(VendorUnavailable):
        proxies(answer(ROW), body)
