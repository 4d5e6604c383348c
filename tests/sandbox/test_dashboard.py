"""What people do to an account outside the API, in this process and over HTTP."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from runner.sandbox.dashboard import CHANGES
from runner.sandbox.options import SANDBOX_KEY, Options

BODIES: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "bodies.json").read_text())
Staging = Callable[..., Any]
DAY = 86_400.0


def rows(s: Any, type_: str = "ipv4", query: str = "") -> list[dict[str, Any]]:
    return list(s.get(f"proxy/list/{type_}{query}").data["items"])


def buy(s: Any, type_: str = "ipv4", **changes: Any) -> int:
    return int(s.make(BODIES[type_], **changes).data["orderId"])


def test_an_order_ages(stage: Staging, clock: Any) -> None:
    """It began and ends earlier, is in the list of ending ones, and is gone when its end has passed."""
    s = stage(clock=clock)
    order = buy(s)
    s.box.dashboard.age(order, days=28)
    assert {(row["date_start"], row["date_end"]) for row in rows(s)} == {("24.08.2026", "23.09.2026")}
    assert len(rows(s, query="?ends=Y")) == 10
    s.box.dashboard.age(order, days=2)
    assert rows(s) == []
    with pytest.raises(ValueError, match="days from 0"):
        s.box.dashboard.age(order, days=-1)


def test_an_aged_order_is_renewed_from_its_end(stage: Staging, clock: Any) -> None:
    """What was moved ages too: a renewal, then days, then another renewal."""
    s = stage(clock=clock)
    order = buy(s, quantity=1)
    for _ in range(2):
        s.box.dashboard.age(order, days=29)
        s.box.dashboard.renew(order, charge=False)
    assert {row["date_end"] for row in rows(s)} == {"23.10.2026"}


def test_time_passes_when_it_is_told_to(stage: Staging) -> None:
    """Addresses end, late orders are made, and no time passes backwards."""
    s = stage(faults=["silent-later:60"])
    buy_late = {**BODIES["isp"], "quantity": 1}
    with pytest.raises(TimeoutError):
        s.unanswered(buy_late)
    buy(s)
    before = s.get("system/ping").data["pong"]
    s.box.advance(seconds=61)
    assert [sale.type for sale in s.box.purchases] == ["ipv4", "isp"]
    s.box.advance(days=32)
    assert s.get("system/ping").data["pong"] >= before + 32 * 86_400
    assert rows(s) == []
    with pytest.raises(ValueError, match="forward only"):
        s.box.advance(days=-1)


def test_a_person_renews(stage: Staging, clock: Any) -> None:
    """For the order's own period or another one, for its price or as a gift, and it is on record as theirs."""
    s = stage(clock=clock)
    order = buy(s, quantity=1)
    s.box.dashboard.renew(order)
    s.box.dashboard.renew(order, period="1w", charge=False)
    assert {row["date_end"] for row in rows(s)} == {"27.11.2026"}
    assert [(one.by, one.period, one.total) for one in s.box.renewals] == [
        ("hand", "1m", Decimal("1.80")),
        ("hand", "1w", Decimal(0)),
    ]
    assert s.box.balances[SANDBOX_KEY] == Decimal("9996.40")
    with pytest.raises(ValueError, match="legal periods: 1w"):
        s.box.dashboard.renew(order, period="1y")


def test_the_vendor_renews_what_is_armed(stage: Staging, clock: Any) -> None:
    """The rows say so; a day before the end it is renewed by itself, again and again, until it is disarmed."""
    s = stage(clock=clock)
    order = buy(s, quantity=1)
    assert {(row["auto_renew"], row["auto_renew_period"]) for row in rows(s)} == {("N", "")}
    s.box.dashboard.arm(order, period="1m")
    assert {(row["auto_renew"], row["auto_renew_period"]) for row in rows(s)} == {("Y", "1m")}
    clock.now += 29 * DAY - 1
    assert s.box.renewals == ()
    clock.now += 1
    assert {row["date_end"] for row in rows(s)} == {"20.11.2026"}
    clock.now += 60 * DAY
    assert [one.by for one in s.box.renewals] == ["vendor"] * 3
    assert s.box.balances[SANDBOX_KEY] == Decimal("9992.80")
    s.box.dashboard.arm(order, period="")
    clock.now += 60 * DAY
    assert rows(s) == []
    assert len(s.box.renewals) == 3


def test_an_armed_order_ends_without_money(stage: Staging, clock: Any) -> None:
    """The vendor renews nothing that the balance cannot pay."""
    s = stage(clock=clock)
    s.box.dashboard.arm(buy(s, quantity=1), period="1m")
    s.box.set_balance(Decimal(0))
    clock.now += 31 * DAY
    assert rows(s) == []
    assert s.box.renewals == ()


def test_support_replaces_addresses(stage: Staging) -> None:
    """All of them or the first few; the rest of the row stays, its id unless asked otherwise."""
    s = stage()
    order = buy(s, quantity=3)
    before = rows(s)
    s.box.dashboard.replace(order, rows=2)
    after = rows(s)
    assert [old["ip"] == new["ip"] for old, new in zip(before, after, strict=True)] == [False, False, True]
    assert [row | {"ip": "", "ip_only": ""} for row in after] == [row | {"ip": "", "ip_only": ""} for row in before]
    s.box.dashboard.replace(order, new_ids=True)
    assert {row["id"] for row in rows(s)}.isdisjoint(row["id"] for row in after)


def test_an_address_may_be_that_of_a_proxy_of_ones_own(stage: Staging) -> None:
    """Given addresses are used in turn, with the given ports, and outlive a renewal."""
    s = stage()
    order = buy(s, quantity=3)
    s.box.dashboard.replace(order, addresses=["127.0.0.1", "127.0.0.2"], port_http=18080, port_socks=11080)
    s.box.renew(order)
    assert [(row["ip"], row["port_http"], row["port_socks"]) for row in rows(s)] == [
        ("127.0.0.1", 18080, 11080),
        ("127.0.0.2", 18080, 11080),
        ("127.0.0.1", 18080, 11080),
    ]


def test_rows_may_stay_away_for_ever_or_for_a_while(stage: Staging) -> None:
    """An order has only so many rows, whatever was paid for, until more of them are let through."""
    s = stage()
    order = buy(s, quantity=3)
    for count in (1, 0, 3):
        s.box.dashboard.withhold(order, rows=count)
        assert len(rows(s)) == count
    with pytest.raises(ValueError, match="rows from 0"):
        s.box.dashboard.withhold(order, rows=-1)
    s.box.dashboard.withhold(order, rows=0)
    with pytest.raises(KeyError, match="no rows of order"):
        s.box.renew(order)


def test_rows_may_come_under_the_number_of_another_order(stage: Staging) -> None:
    """Id and base number are those of the other order, in the list and in its filters."""
    s = stage()
    ours, theirs = buy(s, quantity=2), buy(s, countryId=562, quantity=3)
    s.box.dashboard.relabel(theirs, like=ours)
    assert {row["order_id"] for row in rows(s)} == {ours}
    assert len({row["base_order_number"] for row in rows(s)}) == 1
    assert len(rows(s, query=f"?orderId={ours}")) == 5
    with pytest.raises(KeyError, match="no order 1 "):
        s.box.dashboard.relabel(theirs, like=1)


def test_a_person_comments(stage: Staging) -> None:
    """The comment of a person is kept as it is, on every row of the order."""
    s = stage()
    order = buy(s, quantity=2)
    s.box.dashboard.comment(order, comment="<b>mine</b>")
    assert [row["comment"] for row in rows(s)] == ["<b>mine</b>"] * 2


def test_traffic_is_used_up(stage: Staging) -> None:
    """Used and left add up to the limit, and no more is used than there is."""
    s = stage(options=Options(resident_package="live"))
    s.make(BODIES["resident"])
    for used, left in ((2**20, 2**30 - 2**20), (2**40, 0)):
        s.box.use_traffic(used)
        package = s.get("resident/package").data
        assert (package["traffic_left"], package["traffic_usage"]) == (left, 2**30 - left)
    with pytest.raises(ValueError, match="bytes from 0"):
        s.box.use_traffic(-1)


def test_everything_can_be_done_from_another_process(stage: Staging, clock: Any) -> None:
    """Each name is an endpoint that takes the arguments as JSON."""
    s = stage(clock=clock)
    order, other = buy(s, quantity=2), buy(s, quantity=1)
    asked: dict[str, dict[str, Any]] = {
        "renew": {"order_id": order, "charge": False},
        "arm": {"order_id": order, "period": "1m"},
        "age": {"order_id": order, "days": 1},
        "replace": {"order_id": order, "addresses": ["127.0.0.1"], "port_http": 8080},
        "withhold": {"order_id": order, "rows": 1},
        "relabel": {"order_id": order, "like": other},
        "comment": {"order_id": order, "comment": "mine"},
        "clock": {"days": 2},
        "traffic": {"used": 1},
    }
    assert set(CHANGES) | {"renew"} <= set(asked)
    for name, arguments in asked.items():
        assert s.send("POST", f"/_sandbox/{name}", arguments).status == 200, name
    (row, _) = rows(s)
    assert (row["ip"], row["port_http"], row["comment"], row["auto_renew"]) == ("127.0.0.1", 8080, "mine", "Y")
    assert (row["order_id"], row["date_end"]) == (other, "19.11.2026")
    state = s.send("GET", "/_sandbox/state").json
    assert [(one["by"], one["moves"]) for one in state["renewals"]] == [("hand", 2)]


@pytest.mark.parametrize(
    ("name", "arguments", "error"),
    [
        ("age", {"order_id": 1, "days": 1}, "no order 1 with addresses"),
        ("age", {"days": 1}, "missing 1 required positional argument: 'order_id'"),
        ("age", {"order_id": 1, "hours": 1}, "unexpected keyword argument 'hours'"),
        ("clock", {"days": -1}, "time passes forward only"),
        ("faults", {}, "missing 'spec'"),
        ("nothing", {}, "GET state, POST faults"),
    ],
)
def test_a_wrong_request_of_a_test_is_explained(
    stage: Staging, name: str, arguments: dict[str, Any], error: str
) -> None:
    """HTTP 400, or 404 for a name that is none, with a sentence."""
    reply = stage().send("POST", f"/_sandbox/{name}", arguments)
    assert reply.status == (404 if name == "nothing" else 400)
    assert error in reply.json["error"]


def test_what_was_done_by_hand_outlives_a_restart(stage: Staging, clock: Any, tmp_path: Path) -> None:
    """Every change, the clock and renewals are read from the state file again, and shared by processes."""
    first = stage(state=tmp_path / "state.jsonl", clock=clock)
    order, other = buy(first, quantity=3), buy(first, quantity=2)
    board = first.box.dashboard
    board.renew(order)
    board.replace(order, rows=1, addresses=["127.0.0.1"])
    board.age(order, days=3)
    board.withhold(other, rows=1)
    board.comment(order, comment="mine")
    board.arm(other, period="1w")
    board.relabel(other, like=order)
    first.box.advance(days=29)
    ids = [row["id"] for row in rows(first) if row["comment"]]
    first.ask("POST", "prolong/make/ipv4", {"ids": ids, "periodId": "1m"})
    second = stage(state=tmp_path / "state.jsonl", clock=clock)
    for endpoint in ("proxy/list", "balance/get", "system/ping"):
        assert second.get(endpoint).body == first.get(endpoint).body
    assert second.box.renewals == first.box.renewals
    assert [one.by for one in second.box.renewals] == ["hand", "vendor", "client"]


def test_a_renewal_recorded_by_an_older_emulator_is_read(stage: Staging, clock: Any, tmp_path: Path) -> None:
    """A state file from before this kind of event: the whole order, for its own period."""
    path = tmp_path / "state.jsonl"
    s = stage(state=path, clock=clock)
    order = buy(s, quantity=2)
    old = {"event": "renewal", "order_id": order, "balance": "9000.00", "at": clock.now, "new_id": False}
    with path.open("a") as file:
        file.write(json.dumps(old) + "\n")
    assert {row["date_end"] for row in rows(s)} == {"20.11.2026"}
    assert s.get("balance/get").data["summ"] == 9000


def test_two_emulators_of_one_state_file_see_what_is_done_at_either(stage: Staging, clock: Any, tmp_path: Path) -> None:
    """The account that another process serves can be changed while it runs, its clock included."""
    first, second = (stage(state=tmp_path / "state.jsonl", clock=clock) for _ in range(2))
    order = buy(first, quantity=2)
    assert second.send("POST", "/_sandbox/age", {"order_id": order, "days": 20}).status == 200
    assert {row["date_end"] for row in rows(first)} == {"01.10.2026"}
    second.box.advance(days=11)
    assert rows(first) == []
