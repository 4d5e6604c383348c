"""Every kind of fault: what the client sees, and whether the order was made all the same."""

import http.client
import json
import time
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from runner.sandbox import KINDS
from runner.sandbox.options import SANDBOX_KEY, Options

BODIES: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "bodies.json").read_text())
ORDER = BODIES["ipv4"]
Staging = Callable[..., Any]


def seen(ask: Callable[[], Any]) -> str:
    """What a client sees of an answer, in a few words."""
    try:
        reply = ask()
    except http.client.RemoteDisconnected:
        return "closed"
    except ConnectionResetError:
        return "reset"
    except TimeoutError:
        return "nothing"
    except http.client.IncompleteRead:
        return "cut"
    if not reply.body:
        return f"{reply.status} empty"
    if reply.headers["Content-Type"].startswith("text/html"):
        return f"{reply.status} html"
    envelope = reply.json
    data = "none" if envelope["data"] is None else "id" if "orderId" in envelope["data"] else "no id"
    return f"{reply.status} {envelope['status']} {data} {len(envelope['errors'])}"


MONEY_FAULTS = [
    ("reset-before", "reset", False),
    ("reset-after", "reset", True),
    ("close-before", "closed", False),
    ("close-after", "closed", True),
    ("silent-before", "nothing", False),
    ("silent-after", "nothing", True),
    ("silent-later:3600", "nothing", False),
    ("500-before", "500 html", False),
    ("500-after", "500 html", True),
    ("502-before", "502 html", False),
    ("502-after", "502 html", True),
    ("html-before", "200 html", False),
    ("html-after", "200 html", True),
    ("empty-before", "200 empty", False),
    ("empty-after", "200 empty", True),
    ("cut-body", "cut", True),
    ("drip:3600", "nothing", True),
    ("no-id", "200 success no id 0", True),
    ("error-with-data", "200 error id 1", True),
    ("error-with-data-before", "200 error no id 0", False),
    ("429", "429 html", False),
    ("triple", "200 error none 3", False),
    ("no-funds", "200 error none 1", False),
    ("price-up", "200 success id 0", True),
    ("overcharge", "200 success id 0", True),
    ("slow:0", "200 success id 0", True),
    ("down", "closed", False),
]
READ_FAULTS = [
    ("calc-error:Sold out", "order/calc", "200 error none 1"),
    ("calc-html", "order/calc", "200 html"),
    ("calc-slow:0", "order/calc", "200 success no id 0"),
    ("price-up-quote", "order/calc", "200 success no id 0"),
    ("list-500", "proxy/list/ipv4", "500 html"),
    ("list-html", "proxy/list", "200 html"),
    ("list-empty", "proxy/list/ipv4", "200 success no id 0"),
    ("list-blank", "proxy/list/ipv4", "200 empty"),
    ("balance-500", "balance/get", "500 html"),
    ("comment-500", "proxy/comment/set", "500 html"),
    ("comment-429", "proxy/comment/set", "429 html"),
    ("comment-error:No", "proxy/comment/set", "200 error none 1"),
    ("comment-close", "proxy/comment/set", "closed"),
    ("auth-500", "auth/list", "500 html"),
    ("auth-empty", "auth/list", "200 success no id 0"),
    ("package-500", "resident/package", "500 html"),
    ("lists-500", "resident/lists", "500 html"),
    ("list-add-500", "resident/list/add", "500 html"),
    ("list-add-close", "resident/list/add", "closed"),
    ("download-500", "proxy/download/scraper", "500 html"),
    ("download-html", "proxy/download/scraper", "200 html"),
    ("down", "system/ping", "closed"),
]
POSTS = ("order/calc", "proxy/comment/set", "resident/list/add")
REFUSED = ("proxy/comment/set", "resident/list/add", "resident/package", "proxy/download/scraper")
"""What answers the order above with a refusal when no fault is met."""


RICH = {"renew-no-funds": "no id 1"}
"""What a refused renewal has beside its error: the quote."""
RENEWAL_FAULTS = [
    *((f"renew-{spec}", sight, made) for spec, sight, made in MONEY_FAULTS if spec != "down"),
    ("renew-half", "200 success id 0", True),
    ("renew-unmoved", "200 success id 0", True),
    ("renew-replaced", "200 success id 0", True),
    ("renew-busy", "200 error none 1", False),
]
RENEWAL_QUOTE_FAULTS = [(f"renew-{spec}", sight) for spec, endpoint, sight in READ_FAULTS if endpoint == "order/calc"]


@pytest.mark.parametrize(("spec", "sight", "made"), MONEY_FAULTS)
def test_a_money_fault_does_what_its_name_says(stage: Staging, spec: str, sight: str, made: bool) -> None:
    """The second purchase meets the fault: its answer is spoiled, and it exists exactly if the fault says so."""
    kind = spec.partition(":")[0]
    at = 3 if kind == "down" else 2  # `down` counts every request, the first quote too
    s = stage(faults=[spec.replace(kind, f"{kind}@{at}", 1)])
    assert s.calc(ORDER).status == 200
    assert seen(lambda: s.make(ORDER, customTargetName="one")) == "200 success id 0"
    make = s.unanswered if sight == "nothing" else s.make
    assert seen(partial(make, ORDER, customTargetName="two")) == sight
    assert [p.body["customTargetName"] for p in s.box.purchases] == ["one", "two"][: 1 + made]
    assert s.box.fault_counts == {kind: 1}
    begun = {"cut": 200, "reset": None, "closed": None, "nothing": 200 if kind == "drip" else None}
    assert s.box.requests[2].status == (begun[sight] if sight in begun else int(sight[:3]))
    s.box.set_balance(Decimal(1000))
    assert seen(lambda: s.make(ORDER, customTargetName="three")) == "200 success id 0"


def _renewal(s: Any) -> dict[str, Any]:
    """The body that renews every ipv4 row."""
    return {"ids": [row["id"] for row in s.get("proxy/list/ipv4").data["items"]], "periodId": "1m"}


@pytest.mark.parametrize(("spec", "sight", "made"), RENEWAL_FAULTS)
def test_a_money_fault_does_the_same_to_a_renewal(stage: Staging, spec: str, sight: str, made: bool) -> None:
    """The second renewal meets the fault: its answer is spoiled, and it exists exactly if the fault says so."""
    kind = spec.partition(":")[0]
    s = stage(faults=[spec.replace(kind, f"{kind}@2", 1)])
    s.make(ORDER)
    assert seen(lambda: s.ask("POST", "prolong/make/ipv4", _renewal(s))) == "200 success id 0"
    body = _renewal(s)
    if sight == "nothing":
        with pytest.raises(TimeoutError):
            s.unanswered(body, endpoint="prolong/make/ipv4")
    else:
        assert seen(lambda: s.ask("POST", "prolong/make/ipv4", body)) == sight.replace(
            "none 1", RICH.get(kind, "none 1")
        )
    assert len(s.box.renewals) == 1 + made
    assert s.box.balances[SANDBOX_KEY] == s.box.renewals[-1].balance or kind == "renew-no-funds"
    assert s.box.fault_counts == {kind: 1}
    s.box.set_balance(Decimal(1000))
    third = s.ask("POST", "prolong/make/ipv4", _renewal(s)).json
    assert third["status"] == "success" or (kind == "renew-silent-later" and third["errors"][0]["code"] == 57)
    assert len(s.box.purchases) == 1


@pytest.mark.parametrize(("spec", "sight"), RENEWAL_QUOTE_FAULTS)
def test_a_quote_fault_does_the_same_to_the_quote_of_a_renewal(stage: Staging, spec: str, sight: str) -> None:
    """The next quote meets it, the one after does not."""
    s = stage(faults=[spec])
    s.make(ORDER)
    assert seen(lambda: s.ask("POST", "prolong/calc/ipv4", _renewal(s))) == sight
    assert seen(lambda: s.ask("POST", "prolong/calc/ipv4", _renewal(s))) == "200 success no id 0"
    assert s.box.fault_counts == {spec.partition(":")[0]: 1}


@pytest.mark.parametrize(("spec", "endpoint", "sight"), READ_FAULTS)
def test_a_read_fault_spoils_one_answer(stage: Staging, spec: str, endpoint: str, sight: str) -> None:
    """The next request to the endpoint meets it, the one after does not."""
    s = stage(faults=[spec])
    method = "POST" if endpoint in POSTS else "GET"
    assert seen(lambda: s.ask(method, endpoint, ORDER)) == sight
    usual = "200 error none 1" if endpoint in REFUSED else "200 success no id 0"
    assert seen(lambda: s.ask(method, endpoint, ORDER)) == usual
    assert s.box.fault_counts == {spec.partition(":")[0]: 1}
    assert s.box.purchases == ()


def test_every_kind_is_proved_here() -> None:
    """No kind of fault is without its case above."""
    specs = [case[0] for case in (*MONEY_FAULTS, *READ_FAULTS, *RENEWAL_FAULTS, *RENEWAL_QUOTE_FAULTS)]
    assert {spec.partition(":")[0] for spec in specs} == set(KINDS)


def test_a_silent_order_is_made_later(stage: Staging, clock: Any) -> None:
    """Not before its time, once, at its time, and in its place among the others."""
    s = stage(faults=["silent-later:30"], clock=clock)
    with pytest.raises(TimeoutError):
        s.unanswered(ORDER, customTargetName="late")
    start = clock.now
    s.make(ORDER, customTargetName="early")
    clock.now += 29
    assert [p.body["customTargetName"] for p in s.box.purchases] == ["early"]
    clock.now += 1
    assert [p.body["customTargetName"] for p in s.box.purchases] == ["early", "late"]
    assert s.box.purchases[1].at == start + 30
    assert s.get("balance/get").data["summ"] == 9967.6
    assert len(s.get("proxy/list/ipv4").data["items"]) == 20


def test_a_late_order_without_funds_is_never_made(stage: Staging, clock: Any) -> None:
    """The money has to be there when it is made."""
    s = stage(faults=["silent-later"], clock=clock)
    with pytest.raises(TimeoutError):
        s.unanswered(ORDER)
    s.box.set_balance(Decimal(0))
    clock.now += 2
    assert s.box.purchases == ()
    s.box.set_balance(Decimal(100))
    assert s.box.purchases == ()


def test_prices_rise_between_quote_and_purchase_and_stay(stage: Staging) -> None:
    """`price-up` is charged to the order that meets it and to all later ones, quotes included."""
    s = stage(faults=["price-up@2:50"])
    assert s.calc(ORDER).data["total"] == 16.2
    assert [s.make(ORDER).data["total"] for _ in range(3)] == [16.2, 24.3, 24.3]
    assert s.calc(ORDER).data["total"] == 24.3
    assert s.calc({"tarifId": 6929}).data["total"] == 5.25


def test_prices_rise_right_after_a_quote(stage: Staging) -> None:
    """`price-up-quote` leaves the quote itself alone."""
    s = stage(faults=["price-up-quote@2"])
    assert [s.calc(ORDER).data["price"] for _ in range(3)] == [1.62, 1.62, 1.79]
    assert s.make(ORDER).data["total"] == 17.9


def test_an_overcharge_is_for_one_order(stage: Staging) -> None:
    """It is charged more than its price, says so, and prices stay."""
    s = stage(faults=["overcharge:100"])
    assert [s.make(ORDER).data["total"] for _ in range(2)] == [32.4, 16.2]
    assert [p.total for p in s.box.purchases] == [Decimal("32.40"), Decimal("16.20")]


def test_funds_are_gone(stage: Staging) -> None:
    """The refusal names the empty balance, which stays empty."""
    s = stage(faults=["no-funds"])
    assert s.make(ORDER).error == "Insufficient funds. Total $0. Not enough $16.20"
    assert s.get("balance/get").data["summ"] == 0


def test_a_refused_order_is_not_made_by_an_after_fault(stage: Staging) -> None:
    """`after` means that the vendor has worked on it, not that it must succeed."""
    s = stage(faults=["500-after", "no-id", "error-with-data"])
    assert s.make(ORDER, countryId=1).status == 500
    assert s.make(ORDER, countryId=1).error == "Country not exists"
    assert s.make(ORDER, countryId=1).error == "Country not exists"
    assert s.box.purchases == ()


def test_slow_answers_wait_after_the_work_is_done(stage: Staging) -> None:
    """The order is made when the wait begins; latency is added to every answer."""
    s = stage(faults=["slow:7", "calc-slow:5"], options=Options(latency=0.5))
    raw = json.dumps(ORDER).encode()
    root = f"{s.root}/{s.server.api_key}"
    pauses = [s.box.respond("POST", f"{root}/order/{name}", raw).pause for name in ("make", "make", "calc", "calc")]
    assert pauses == [7.5, 0.5, 5.5, 0.5]
    assert len(s.box.purchases) == 2


def test_a_dripping_answer_is_whole_in_the_end(stage: Staging) -> None:
    """Its head comes at once, its body byte by byte."""
    s = stage(faults=["drip:0"])
    assert s.make(ORDER).data["orderId"] == s.box.purchases[0].order_id


def test_retry_after_comes_only_if_asked_for(stage: Staging) -> None:
    """HTTP 429 is made with and without it."""
    s = stage(faults=["429", "429:3"])
    first, second = s.make(ORDER), s.make(ORDER)
    assert "Retry-After" not in first.headers
    assert second.headers["Retry-After"] == "3"


def test_an_empty_list_hides_what_is_there(stage: Staging) -> None:
    """`list-empty` is a success without rows, typed or not."""
    s = stage(faults=["list-emptyx2"])
    s.make(ORDER)
    assert s.get("proxy/list/ipv4").data == {"items": []}
    assert s.get("proxy/list").data == stage().get("proxy/list").data
    assert len(s.get("proxy/list/ipv4").data["items"]) == 10


def test_down_is_down_for_everything(stage: Staging) -> None:
    """Every request is closed on while it lasts, and nothing is done."""
    s = stage(faults=["downx*"])
    assert [seen(partial(s.get, e)) for e in ("system/ping", "balance/get", "reference/list")] == ["closed"] * 3
    assert seen(lambda: s.make(ORDER)) == "closed"
    assert s.box.purchases == ()
    assert s.box.fault_counts == {"down": 4}


def test_faults_are_aimed_by_number_by_name_and_by_turn(stage: Staging) -> None:
    """@N counts purchases from the start, @name the customTargetName, without either it is the next one."""
    s = stage(faults=["500-before@3", "502-before@name=b", "html-before"])
    sights = [seen(partial(s.make, ORDER, customTargetName=n)) for n in ("a", "b", "c", "b", "d")]
    assert sights == ["200 html", "502 html", "500 html", "200 success id 0", "200 success id 0"]
    s.box.add_fault("500-before@3")
    s.box.add_fault("500-before@6")
    assert [seen(lambda: s.make(ORDER)) for _ in range(2)] == ["500 html", "200 success id 0"]


def test_faults_repeat_as_often_as_asked(stage: Staging) -> None:
    """xCOUNT goes on from where it began, x* for ever."""
    s = stage(faults=["500-before@2x2", "502-before@5x*"])
    sights = [seen(lambda: s.make(ORDER))[:3] for _ in range(7)]
    assert sights == ["200", "500", "500", "200", "502", "502", "502"]
    assert s.box.fault_counts == {"500-before": 2, "502-before": 3}


def test_preparing_faults_meet_together_and_only_one_replaces_the_answer(stage: Staging) -> None:
    """A price rise and a reset hit one order; a second replacement waits for the next."""
    s = stage(faults=["price-up:50", "reset-after", "500-before"])
    assert seen(lambda: s.make(ORDER)) == "reset"
    assert s.box.purchases[0].total == Decimal("24.30")
    assert seen(lambda: s.make(ORDER)) == "500 html"


def test_closing_the_server_frees_a_silent_client(stage: Staging) -> None:
    """A connection kept open by a fault ends with the server."""
    s = stage(faults=["silent-before"])
    s.connection.request("POST", f"{s.root}/{s.server.api_key}/order/make", json.dumps(ORDER))
    while not s.box.fault_counts:
        time.sleep(0.001)
    s.server.close()
    with pytest.raises(http.client.RemoteDisconnected):
        s.connection.getresponse()
