"""The vendor's own Python client for API v1, unchanged, against the served emulator."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from proxy_seller_user_api import Api  # type: ignore[import-untyped]

BODIES: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "bodies.json").read_text())
Staging = Callable[..., Any]

PLAIN = {"authorization": None, "coupon": None}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "Ipv4": {"countryId": 561, "periodId": "1m", "quantity": 10, "customTargetName": "prices", **PLAIN},
    "Isp": {"countryId": 3758, "periodId": "2w", "quantity": 2, "customTargetName": "prices", **PLAIN},
    "Mix": {"countryId": 1370, "periodId": "1m", "quantity": 20, "customTargetName": None, **PLAIN},
    "Ipv6": {
        "countryId": 2101,
        "periodId": "1w",
        "quantity": 10,
        "customTargetName": "prices",
        "protocol": "HTTPS",
        **PLAIN,
    },
    "Mobile": {"countryId": 4401, "periodId": "1m", "quantity": 1, "operatorId": "31", "rotationId": 0, **PLAIN},
    "Resident": {"tarifId": 6929, "coupon": None},
}
"""Arguments for `orderCalc...` and `orderMake...`, by the last part of their names."""


@pytest.fixture
def vendor(stage: Staging, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, Any]]:
    """The stage and the vendor's client, which is told nothing but another URL."""
    s = stage()
    monkeypatch.setattr(Api, "URL", s.server.base_url + "/")
    client = Api({"key": s.server.api_key})
    client.session.trust_env = False
    yield s, client
    client.session.close()


def test_every_order_method_of_the_client_is_driven_here() -> None:
    """No calc or make method is left out."""
    methods = {name for name in dir(Api) if name.startswith(("orderCalc", "orderMake"))}
    assert methods == {f"order{what}{type_}" for what in ("Calc", "Make") for type_ in ("", *ARGUMENTS)}


@pytest.mark.parametrize("name", ARGUMENTS)
@pytest.mark.parametrize("generate_auth", ["N", "Y"])
def test_the_client_quotes_and_buys_every_type(vendor: tuple[Any, Any], name: str, generate_auth: str) -> None:
    """Its calc and make methods return what its docstrings say, and the order exists."""
    s, client = vendor
    client.setGenerateAuth(generate_auth)
    quote = getattr(client, f"orderCalc{name}")(**ARGUMENTS[name])
    made = getattr(client, f"orderMake{name}")(**ARGUMENTS[name])
    assert sorted(quote) == ["balance", "currency", "discount", "price", "quantity", "total", "warning"]
    assert quote["total"] == made["total"]
    assert [(p.order_id, p.type) for p in s.box.purchases] == [(made["orderId"], name.lower())]
    assert client.balance() == made["balance"]
    rows = client.proxyList(name.lower())["items"]
    assert [row["order_id"] for row in rows] == [made["orderId"]] * ARGUMENTS[name].get("quantity", 0)
    assert len(client.authList()) == (generate_auth == "Y" and name != "Resident")


@pytest.mark.parametrize("type_", BODIES)
def test_the_client_sends_free_bodies(vendor: tuple[Any, Any], type_: str) -> None:
    """`orderCalc` and `orderMake` with a body of one's own, mix_isp included."""
    s, client = vendor
    assert client.orderCalc(BODIES[type_])["total"] == client.orderMake(BODIES[type_])["total"]
    assert [p.body for p in s.box.purchases] == [BODIES[type_]]


def test_the_client_reads_the_lists(vendor: tuple[Any, Any]) -> None:
    """References, proxies, payment systems, ping and package, with and without a type."""
    _, client = vendor
    everything = client.referenceList()
    for type_ in BODIES:
        assert client.referenceList(type_) == {"items": everything[type_]}
        assert client.proxyList(type_) == {"items": []}
    assert sorted(client.proxyList()) == sorted(BODIES)
    assert client.ping() > 1_700_000_000
    assert [item["name"] for item in client.balancePaymentsList()] == ["PayPal", "Visa / MasterCard"]
    client.orderMakeResident(6929, None)
    assert client.residentPackage()["tarif_id"] == 6929


def test_the_client_reports_refusals_in_the_vendors_words(vendor: tuple[Any, Any]) -> None:
    """Errors come as the ValueError that it makes of the first message."""
    _, client = vendor
    with pytest.raises(ValueError, match=r"^Country not exists$"):
        client.orderMakeIpv4(**{**ARGUMENTS["Ipv4"], "countryId": 1})
    client.base_uri = client.base_uri.replace("SANDBOX", "x")
    with pytest.raises(ValueError, match=r"^Error api key$"):
        client.balance()


@pytest.mark.parametrize("type_", [type_ for type_ in BODIES if type_ != "resident"])
def test_the_client_renews_every_type(vendor: tuple[Any, Any], type_: str) -> None:
    """`prolongCalc` and `prolongMake` with the ids of the list and without a payment, as it sends them."""
    s, client = vendor
    client.orderMake({**BODIES[type_], "periodId": "1m"})
    ids = [row["id"] for row in client.proxyList(type_)["items"]]
    quote = client.prolongCalc(type_, ids, "1m")
    made = client.prolongMake(type_, ids, "1m")
    assert quote["total"] == made["total"]
    assert [(one.type, one.moves) for one in s.box.renewals] == [(type_, len(ids))]
    assert client.balance() == made["balance"]


def test_the_client_comments_and_downloads(vendor: tuple[Any, Any]) -> None:
    """Comments by row ids of any type, and lines of text, which are no JSON."""
    s, client = vendor
    client.orderMake(BODIES["ipv4"])
    client.orderMakeResident(6929, None)
    rows = client.proxyList("ipv4")["items"]
    assert client.proxyCommentSet([row["id"] for row in rows], "mine") == 10
    assert {row["comment"] for row in client.proxyList("ipv4")["items"]} == {"mine"}
    lines = client.proxyDownload("ipv4", proto="socks5").decode().splitlines()
    assert lines[0] == f"{rows[0]['login']}:{rows[0]['password']}@{rows[0]['ip']}:{rows[0]['port_socks']}"
    made = s.ask("POST", "resident/list/add", {"title": "x", "export": {"ports": 2}}).data
    assert [one["id"] for one in client.residentList()] == [made["id"]]
    assert len(client.proxyDownload("resident", listId=made["id"]).splitlines()) == 2
