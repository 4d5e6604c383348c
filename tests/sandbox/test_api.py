"""Answers beside the collected samples of the real API."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from runner.sandbox.options import SANDBOX_KEY, Options

HERE = Path(__file__).parent
BODIES: dict[str, dict[str, Any]] = json.loads((HERE / "bodies.json").read_text())
Staging = Callable[..., Any]


def example(name: str) -> Any:
    return json.loads((HERE / "examples" / f"v1-{name}.json").read_text())


def shape(value: Any) -> Any:
    """The value with every leaf replaced by its JSON type; a list by the shape of its first item."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value[:1]]
    if value is None or isinstance(value, bool):
        return type(value).__name__
    return "number" if isinstance(value, int | float) else "text"


def with_balance(balance: str) -> Options:
    return Options(accounts={SANDBOX_KEY: Decimal(balance)})


def test_the_vendors_purchase_is_reproduced_exactly(stage: Staging) -> None:
    """The first order of ten French addresses answers the documented sample, value for value."""
    s = stage(options=with_balance("1793.08"))
    assert s.make(BODIES["ipv4"]).json == example("order-make-success")


def test_the_answer_of_2024_has_no_base_numbers(stage: Staging) -> None:
    """The switch gives the older answer of the same call."""
    s = stage(options=Options(base_order_numbers=False))
    assert shape(s.make(BODIES["ipv4"]).json) == shape(example("order-make-success-2024"))


def test_the_vendors_quotes_are_reproduced_exactly(stage: Staging) -> None:
    """Five French addresses and the smallest tariff answer the documented samples."""
    s = stage(options=with_balance("2000"))
    assert s.calc(BODIES["ipv4"], quantity=5).json == example("order-calc-success")
    s.box.set_balance(Decimal("4.42"))
    assert s.calc({"tarifId": 6928}).json == example("order-calc-resident")


def test_the_vendors_refusals_are_reproduced_exactly(stage: Staging) -> None:
    """The documented error answers come word for word."""
    s = stage(options=with_balance("2"))
    assert s.make(BODIES["ipv4"], countryId=570, quantity=9).json == example("order-make-insufficient-funds")
    assert s.make(BODIES["ipv4"], countryId=1).json == example("order-make-wrong-country")
    assert s.make(BODIES["ipv4"], periodId="9y").json == example("order-make-wrong-period")
    assert s.get("resident/package").json == example("resident-no-package")
    assert s.ask("GET", "balance/get", key="wrong").json == example("access-triple")
    missing = s.make(BODIES["ipv4"], customTargetName=None)
    assert missing.error == example("order-make-missing-target")["errors"][0]["message"]


@pytest.mark.parametrize("form", ["success", "error"])
def test_a_quote_warns_of_a_short_balance_in_both_envelopes(stage: Staging, form: Any) -> None:
    """The data is that of the sample; the status is the switch's."""
    s = stage(options=Options(calc_warning=form, accounts={SANDBOX_KEY: Decimal(2)}))
    envelope = s.calc(BODIES["ipv4"], countryId=570, quantity=9).json
    sample = example("order-calc-warning-data")
    assert envelope == {
        "status": form,
        "data": {**sample, "quantity": 9, "discount": 0, "price": 3.9},
        "errors": [],
    }
    assert s.make(BODIES["ipv4"], countryId=562, quantity=1).json["status"] == "success"


def test_money_may_be_text(stage: Staging) -> None:
    """The switch turns every amount, and no other number, into text with two decimals."""
    s = stage(options=Options(money="string", accounts={SANDBOX_KEY: Decimal(2000)}))
    assert s.calc(BODIES["ipv4"], quantity=5).data == {
        **example("order-calc-success")["data"],
        "balance": "2000.00",
        "total": "9.00",
        "price": "1.80",
        "discount": "0.00",
    }
    made = s.make(BODIES["ipv4"], quantity=5).data
    assert (made["total"], made["balance"], type(made["orderId"])) == ("9.00", "1991.00", int)
    assert s.get("balance/get").data == {"summ": "1991.00"}


def test_small_reads_have_the_documented_shape(stage: Staging) -> None:
    """Balance, payment systems, ping."""
    s = stage(options=with_balance("10"))
    assert s.get("balance/get").json == example("balance-get")
    assert s.get("balance/payments/list").json == example("balance-payments-list")
    ping = s.get("system/ping").json
    assert isinstance(ping["data"].pop("pong"), int)
    assert ping == {"status": "success", "data": {}, "errors": []}


@pytest.mark.parametrize(
    ("type_", "sample"), [("isp", "isp-object"), ("mix", "mix"), ("mobile", "mobile"), ("resident", "resident")]
)
def test_reference_lists_have_the_shape_seen_live(stage: Staging, type_: str, sample: str) -> None:
    """Keys and types of the reference lists are those that integrators read; `<...>` stands for a number there."""
    text = (HERE / "examples" / f"v1-reference-list-{sample}.json").read_text()
    for placeholder in ('"<int>"', '"<int package id>"', '"<int, same package id>"', '"6928"'):
        text = text.replace(placeholder, "1")
    s = stage()
    assert shape(s.get(f"reference/list/{type_}").json) == shape(json.loads(text))


def test_reference_items_may_be_a_list_as_documented(stage: Staging) -> None:
    """The switch wraps the section in a list of one; the documented country is in it."""
    s = stage(options=Options(items_shape="list"))
    (section,) = s.get("reference/list/ipv4").data["items"]
    (sample,) = example("reference-list-typed-docs")["data"]["items"]
    assert sample["country"][0] in section["country"]
    assert sample["period"][0] in section["period"]


def test_the_whole_reference_is_keyed_by_type(stage: Staging) -> None:
    """Without a type every section comes at once, without `items`."""
    s = stage()
    everything = s.get("reference/list").data
    assert sorted(everything) == ["ipv4", "ipv6", "isp", "mix", "mix_isp", "mobile", "resident"]
    for type_, section in everything.items():
        assert s.get(f"reference/list/{type_}").data["items"] == section
    assert s.get("reference/list/ipv5").json["status"] == "error"


def test_rows_have_every_documented_key_in_both_id_forms(stage: Staging) -> None:
    """A row of `proxy/list` is the documented one with text ids, and the one seen live with integers."""
    documented = stage(options=Options(ids="string"))
    documented.make(BODIES["ipv4"])
    assert shape(documented.get("proxy/list/ipv4").json) == shape(example("proxy-list-typed"))
    live = stage()
    live.make(BODIES["ipv4"])
    row = live.get("proxy/list/ipv4").data["items"][0]
    sample = example("proxy-list-row-1.0.4")
    assert {name: shape(row[name]) for name in sample} == shape(sample)
    assert documented.get("reference/list/resident").data["items"]["tarifs"][0]["id"] == "6928"


def test_untyped_lists_are_bare_or_nested(stage: Staging) -> None:
    """An empty account answers the documented sample; the switch puts `items` under each type."""
    sample = example("proxy-list-all")
    assert stage().get("proxy/list").json == sample
    nested = stage(options=Options(untyped_list="nested")).get("proxy/list").data
    assert nested == {type_: {"items": rows} for type_, rows in sample["data"].items()}
    assert stage().get("proxy/list/isp").json == example("proxy-list-typed-empty")


def test_resident_packages_have_the_shape_of_the_docs_or_of_live_answers(stage: Staging) -> None:
    """Traffic as text and a date, or integers, nulls and a date object."""
    docs, live = Options(resident_package="docs"), Options(resident_package="live")
    for options, sample in ((docs, "resident-package"), (live, "resident-package-live-2025")):
        s = stage(options=options)
        s.make(BODIES["resident"])
        expected = shape(example(sample)["data"])
        given = shape(s.get("resident/package").data)
        assert {name: given[name] for name in expected} == expected


def test_generated_authorisations_have_the_documented_shape(stage: Staging) -> None:
    """An order with `generateAuth=Y` shows in `auth/list`, and its rows carry no credentials."""
    s = stage()
    s.make(BODIES["ipv4"])
    assert s.get("auth/list").data == []
    number = s.make(BODIES["isp"], generateAuth="Y").data["listBaseOrderNumbers"][0]
    auths = s.get("auth/list").json
    assert shape(auths) == shape(example("auth-list"))
    assert auths["data"][0]["orderNumber"] == number
    assert len(auths["data"][0]["id"]) == 24
    rows = s.get("proxy/list/isp").data["items"]
    assert {(row["login"], row["password"]) for row in rows} == {("", "")}
    assert all(row["login"] and row["password"] for row in s.get("proxy/list/ipv4").data["items"])


@pytest.mark.parametrize(("items", "texts"), [(1, ["IP not allowed"]), (2, ["Error api key", "IP not allowed"])])
def test_the_access_refusal_may_have_fewer_messages(stage: Staging, items: Any, texts: list[str]) -> None:
    """The switch shortens it; one message is the documented variant."""
    s = stage(options=Options(triple_items=items))
    errors = s.ask("GET", "balance/get", key="wrong").json["errors"]
    assert [error["message"] for error in errors] == texts
    assert errors[:1] == example("access-ip-single")["errors"] or items == 2
