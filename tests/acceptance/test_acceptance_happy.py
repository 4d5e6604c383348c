"""The main road: check, quote, buy, report; and again, and nothing is bought twice."""

import json
from decimal import Decimal

import pytest
from harness import CANARY, FIRST_ID, MANIFEST, REPO, SECOND, SEVEN, World, checked_report, ipv4


def test_every_type_is_bought_once_and_reported(world: World) -> None:
    """`apply` buys one order of each type, in manifest order, for what was quoted, and says so in full."""
    world.manifest(*SEVEN)
    result = world.apply()
    assert result.code == 0
    assert [purchase.type for purchase in world.purchases] == [order["type"] for order in SEVEN]
    report = world.report()
    assert report["summary"] | {"total": 7, "placed": 7} == report["summary"]
    total = sum(purchase.total for purchase in world.purchases)
    assert world.balance == 1000 - total
    money = report["money"]
    assert Decimal(money["spent_confirmed"]) == Decimal(money["quoted_total"]) == total
    assert (Decimal(money["spent_possible"]), Decimal(money["unexplained"])) == (0, 0)
    assert (Decimal(money["balance_before"]), Decimal(money["balance_after"])) == (1000, world.balance)
    assert (report["errors"], report["not_checked"]) == ([], [])


def test_each_order_is_reported_with_body_price_and_number(world: World) -> None:
    """An order's entry has the exact body that was sent, its price, the vendor's id and the one attempt."""
    world.manifest(*SEVEN)
    assert world.apply().code == 0
    report = world.report()
    for entry, purchase, order in zip(report["orders"], world.purchases, SEVEN, strict=True):
        assert entry["key"] == f"crawl/{order['name']}"
        assert entry["request"] == purchase.body
        assert entry["result"]["order_id"] == str(purchase.order_id)
        assert entry["result"]["base_order_numbers"] == list(purchase.base_order_numbers)
        assert Decimal(entry["result"]["total"]) == Decimal(entry["quote"]["total"]) == purchase.total
        source = {"file": MANIFEST, "line": world.line_of(f'name: "{order["name"]}"'), "column": 11}
        lines = [f"{name}: {json.dumps(value)}" for name, value in order.items()]
        assert entry["source"] == source | {"snippet": "  - " + "\n    ".join(lines)}
        (attempt,) = entry["attempts"]
        assert (attempt["n"], attempt["http_status"], attempt["outcome"]) == (1, 200, "placed")


def test_an_order_is_found_by_its_name(world: World) -> None:
    """Report and `status` point at the name, wherever in the entry it is written."""
    order = ipv4("a")
    del order["name"]
    world.manifest(order | {"name": "a"})
    assert world.apply().code == 0
    place = {"file": MANIFEST, "line": world.line_of('name: "a"'), "column": 11}
    assert world.order("a")["source"].items() >= place.items()
    assert world.run("status", "-f", "json", MANIFEST).json["orders"][0]["source"] == place


def test_the_report_says_what_it_was_made_from(world: World) -> None:
    """Paths are relative, the key is ***, the manifest is named with its digest."""
    import hashlib

    world.manifest(ipv4("a"), name="sub/one.yaml")
    result = world.apply(str(world.root / "sub"))
    assert result.code == 0
    inputs = world.report()["inputs"]
    digest = hashlib.sha256((world.root / "sub/one.yaml").read_bytes()).hexdigest()
    assert inputs["manifests"] == [{"path": "sub/one.yaml", "sha256": digest}]
    assert inputs["api"] == {"base_url": f"{world.server.base_url}/***", "version": "v1"}
    assert world.order("a")["source"]["file"] == "sub/one.yaml"


def test_a_second_run_buys_nothing_and_asks_nobody(world: World) -> None:
    """Everything bought stays bought: the next run needs no vendor at all."""
    world.manifest(*SEVEN)
    assert world.apply().code == 0
    asked = len(world.box.requests)
    result = world.apply()
    assert result.code == 0
    assert (len(world.purchases), len(world.box.requests)) == (7, asked)
    report = world.report()
    assert report["summary"]["already_placed"] == 7
    assert [entry["result"]["order_id"] for entry in report["orders"]] == [str(FIRST_ID + n) for n in range(7)]
    assert Decimal(report["money"]["spent_confirmed"]) == 0


def test_with_nothing_to_buy_the_vendor_may_be_down(world: World) -> None:
    """A batch that is bought already ends well without network."""
    world.manifest(ipv4("a"))
    assert world.apply().code == 0
    world.server.close()
    assert world.apply().code == 0
    assert world.run("plan", MANIFEST).code == 0
    assert world.run("apply", "--dry-run", MANIFEST).code == 0


def test_only_what_is_new_is_bought(world: World) -> None:
    """A manifest that grows by an order costs that order."""
    world.manifest(ipv4("a"), ipv4("b"))
    assert world.apply().code == 0
    world.manifest(ipv4("c"), ipv4("b"), ipv4("a"))
    assert world.apply().code == 0
    assert world.bought == ["a", "b", "c"]
    assert [entry["status"] for entry in world.report()["orders"]] == ["placed", "already_placed", "already_placed"]


def test_the_summary_begins_with_money(world: World) -> None:
    """stdout ends a run with what was spent, then what was bought with its vendor's number."""
    world.manifest(ipv4("a"), ipv4("b"))
    result = world.apply()
    spent = result.out.index("3.60 USD confirmed")
    assert spent < result.out.index(f"crawl/a  order {FIRST_ID}") < result.out.index(f"crawl/b  order {FIRST_ID + 1}")
    assert "crawl/a: placed" in result.err


def test_apply_prints_its_report_on_request(world: World) -> None:
    """`--report -` and `-f json` both make stdout exactly the report."""
    world.manifest(ipv4("a"))
    result = world.apply("--report", "-", MANIFEST)
    assert checked_report(result.out.encode())["summary"]["placed"] == 1
    assert not (world.root / "report.json").exists()
    result = world.apply("-f", "json", MANIFEST)
    assert checked_report(result.out.encode()) == world.report()


def test_status_shows_bought_and_wanted(world: World) -> None:
    """`status` sets the ledger against manifests, or shows the whole ledger, without key and network."""
    world.manifest(ipv4("a"))
    assert world.apply().code == 0
    world.manifest(ipv4("a"), ipv4("b"))
    world.server.close()
    result = world.run("status", "-f", "json", MANIFEST, env={"PROXY_SELLER_API_KEY": None})
    assert result.code == 0
    rows = {row["key"]: row for row in result.json["orders"]}
    assert (rows["crawl/a"]["state"], rows["crawl/a"]["order_id"]) == ("placed", str(FIRST_ID))
    assert (rows["crawl/b"]["state"], rows["crawl/b"]["order_id"]) == ("planned", None)
    whole = world.run("status", env={"PROXY_SELLER_API_KEY": None})
    assert whole.code == 0
    assert "crawl/a" in whole.out
    assert "crawl/b" not in whole.out


def test_status_without_a_ledger_makes_none(world: World) -> None:
    """Looking leaves nothing behind."""
    world.manifest(ipv4("a"))
    assert world.run("status").code == 0
    assert world.run("status", MANIFEST).code == 0
    assert world.run("plan", MANIFEST).code == 0
    assert not list(world.root.glob("orders.ledger*"))


def test_reference_shows_the_ids_to_write(world: World) -> None:
    """Every id of the orders of this suite is among what `reference` offers, as text and as JSON, by type or for all."""
    everything = world.run("reference", "-f", "json")
    assert everything.code == 0
    offered = [(choice["type"], choice["field"], choice["value"]) for choice in everything.json["choices"]]
    text = world.run("reference").out
    for order in SEVEN:
        for name in ("countryId", "tarifId", "operatorId", "rotationId", "periodId"):
            if name in order:
                assert (order["type"], name, order[name]) in offered
                assert str(order[name]) in text
    mobile = world.run("reference", "mobile", "-f", "json")
    assert [choice for choice in everything.json["choices"] if choice["type"] == "mobile"] == mobile.json["choices"]


def test_reference_reads_both_shapes_of_the_vendors_lists(world: World) -> None:
    """`items` as an object or as a list of one makes no difference."""
    one = world.run("reference", "-f", "json")
    world.serve(items_shape="list")
    assert world.run("reference", "-f", "json", "--refresh").json["choices"] == one.json["choices"]


def test_plan_shows_price_total_and_balance_after(world: World) -> None:
    """`plan` quotes what is not bought yet and buys nothing; text and JSON agree."""
    world.manifest(ipv4("a"), ipv4("b", quantity=10))
    text = world.run("plan", MANIFEST)
    assert text.code == 0
    for shown in ("crawl/a", "1.80", "16.20", "18.00 USD for 2 orders", "982.00 USD"):
        assert shown in text.out
    data = world.run("plan", "-f", "json", MANIFEST)
    assert data.code == 0
    assert "18.00" in json.dumps(data.json)
    assert world.bought == []


def test_plan_writes_a_report_where_it_is_told(world: World) -> None:
    """`plan --report` leaves a report of what would be, and none without it."""
    world.manifest(ipv4("a"))
    assert world.run("plan", MANIFEST).code == 0
    assert not (world.root / "report.json").exists()
    assert world.run("plan", "--report", "plan.json", MANIFEST, reported=True).code == 0
    report = world.report("plan.json")
    assert (report["run"]["mode"], report["summary"]["planned"]) == ("plan", 1)
    assert Decimal(report["money"]["quoted_total"]) == Decimal("1.80")
    assert Decimal(report["money"]["spent_confirmed"]) == 0


def test_a_dry_run_shows_the_very_bodies_that_apply_sends(world: World) -> None:
    """Offline, without a key and with the vendor down, the bodies are those the vendor gets later, byte for value."""
    world.manifest(*SEVEN, defaults={"paymentId": 1})
    base_url = world.server.base_url
    silent = {"PROXY_SELLER_API_KEY": None, "PROXY_SELLER_BASE_URL": "http://127.0.0.1:9/none"}
    dry = world.run("apply", "--dry-run=offline", MANIFEST, env=silent)
    assert dry.code == 0
    assert world.box.requests == ()
    offline = world.report()
    assert offline["run"]["mode"] == "dry-run"
    assert "prices" in offline["not_checked"]
    online = world.run("apply", "--dry-run", MANIFEST)
    assert online.code == 0
    assert world.report()["not_checked"]
    assert [order["request"] for order in world.report()["orders"]] == [o["request"] for o in offline["orders"]]
    assert world.purchases == ()
    assert world.apply(env={"PROXY_SELLER_BASE_URL": base_url}).code == 0
    sent = [purchase.body for purchase in world.purchases]
    assert [order["request"] for order in offline["orders"]] == sent
    for body in sent:
        assert json.dumps(body["paymentId"]) in dry.out
    assert [list(body) for body in sent] == [list(order["request"]) for order in offline["orders"]]


def test_an_online_dry_run_prices_without_buying(world: World) -> None:
    """Quotes and balance are in its report and on stdout, and the money stays where it is."""
    world.manifest(ipv4("a"))
    result = world.run("apply", "--dry-run=online", MANIFEST)
    assert result.code == 0
    report = world.report()
    assert Decimal(report["orders"][0]["quote"]["total"]) == Decimal("1.80")
    assert Decimal(report["money"]["balance_before"]) == 1000
    assert (world.bought, world.balance, world.money_requests) == ([], 1000, 0)
    assert "1.80" in result.out


def test_no_command_but_apply_spends(world: World) -> None:
    """Every other command, with every option that changes what it does, makes no request that could cost money."""
    world.manifest(*SEVEN, budget={"max_total": "900.00"})
    calls = [
        ("validate", MANIFEST),
        ("validate", "--strict", "-f", "json", MANIFEST),
        ("plan", MANIFEST),
        ("plan", "--keep-going", "--max-spend", "900", "--strict", "-f", "json", MANIFEST),
        ("plan", "--report", "plan.json", "-q", MANIFEST),
        ("apply", "--dry-run", MANIFEST),
        ("apply", "--dry-run=online", "--yes", "--keep-going", MANIFEST),
        ("apply", "--dry-run=offline", "--yes", "--fail-fast", MANIFEST),
        ("apply", "--yes", "--dry-run", "--report", "-", MANIFEST),
        ("status",),
        ("status", "-f", "json", MANIFEST),
        ("reference",),
        ("reference", "ipv4", "-v"),
        ("schema", "report"),
        ("--help",),
        ("--version",),
    ]
    for call in calls:
        assert world.run(*call).code == 0, call
    assert (world.money_requests, world.purchases, world.balance) == (0, (), 1000)
    assert any(request.endpoint == "order/calc" for request in world.box.requests)


def test_environment_variables_stand_for_options(world: World) -> None:
    """`ORDER_RUNNER_<OPTION>` sets an option, and an option on the command line wins over it."""
    world.manifest(ipv4("a"))
    spend = {"ORDER_RUNNER_MAX_SPEND": "1.00", "ORDER_RUNNER_YES": "1"}
    assert world.run("apply", MANIFEST, env=spend).code == 5
    assert world.run("apply", "--max-spend", "2.00", MANIFEST, env=spend).code == 0
    assert world.bought == ["a"]


def test_accounts_of_one_ledger_are_strangers(world: World) -> None:
    """What one account has bought is not bought for the other."""
    world.serve(accounts={CANARY: Decimal(1000), SECOND: Decimal(1000)})
    world.manifest(ipv4("a"))
    for account, key in (("one", CANARY), ("two", SECOND), ("one", CANARY)):
        env = {"PROXY_SELLER_API_KEY": key}
        assert world.apply("--account", account, "--new-account", MANIFEST, env=env).code == 0
    assert world.bought == ["a", "a"]


def test_the_samples_are_bought_from_the_sandbox(world: World) -> None:
    """`apply --sandbox` needs no key and no account, buys every sample, and a second time nothing."""
    env = {"PROXY_SELLER_API_KEY": None, "PROXY_SELLER_BASE_URL": None, "ORDER_RUNNER_LEDGER": None, "CI": "true"}
    samples = str(REPO / "samples")
    first = world.run("apply", "--sandbox", "--yes", samples, env=env)
    assert first.code == 0
    count = world.report()["summary"]["placed"]
    assert count == world.report()["summary"]["total"] >= 14
    again = world.run("apply", "--sandbox", "--yes", samples, env=env)
    assert again.code == 0
    assert world.report()["summary"]["already_placed"] == count
    assert world.run("status", "--sandbox", samples, env=env).code == 0
    assert world.run("plan", "--sandbox", samples, env=env).code == 0
    assert world.run("reference", "--sandbox", env=env).code == 0
    assert world.box.requests == ()


def test_reset_forgets_the_sandbox(world: World) -> None:
    """`sandbox --reset` takes account and ledger back to the start, together."""
    env = {"PROXY_SELLER_API_KEY": None, "ORDER_RUNNER_LEDGER": None}
    world.manifest(ipv4("a"))
    for _ in range(2):
        assert world.run("apply", "--sandbox", "--yes", MANIFEST, env=env).code == 0
        assert world.order("a")["status"] == "placed"
        assert world.order("a")["result"]["order_id"] == str(FIRST_ID)
        assert world.run("sandbox", "--reset", env=env).code == 0


def test_a_sandbox_may_be_served_by_a_process_of_its_own(world: World) -> None:
    """`sandbox --port 0` tells its address and key in one JSON line, serves until a signal, and keeps its state."""
    import os
    import signal
    import subprocess

    world.manifest(ipv4("a"), ipv4("b"))
    with world.start(
        "sandbox", "--port", "0", "--state", "box.jsonl", "--fault", "no-funds@2", "--balance", "50", bufsize=0
    ) as served:
        try:
            assert isinstance(served, subprocess.Popen)
            assert served.stdout is not None
            address = json.loads(served.stdout.readline())
            assert sorted(address) == ["api_key", "base_url"]
            env = {"PROXY_SELLER_BASE_URL": address["base_url"], "PROXY_SELLER_API_KEY": address["api_key"]}
            result = world.apply(env=env)
            assert result.code == 6
            assert address["api_key"] not in result.output
            assert address["api_key"] != CANARY
            assert [entry["status"] for entry in world.report()["orders"]] == ["placed", "rejected"]
        finally:
            os.kill(served.pid, signal.SIGTERM)
        assert served.wait(10) == 0
    assert (world.root / "box.jsonl").stat().st_size > 0


@pytest.mark.parametrize("quiet", ["-q", "-v", "--no-color"])
def test_talking_more_or_less_changes_nothing_that_counts(world: World, quiet: str) -> None:
    """`-q` leaves stderr empty, `-v` says more; the purchase, the report and the summary are the same."""
    world.manifest(ipv4("a"))
    result = world.apply(quiet, MANIFEST)
    assert (result.code, world.bought) == (0, ["a"])
    assert "1.80 USD confirmed" in result.out
    assert bool(result.err) is (quiet != "-q")


def test_switches_of_the_vendor_change_nothing(world: World) -> None:
    """Amounts and ids as text, a warning under error, nested lists: every shape the vendor is known for is read."""
    world.serve(money="string", ids="string", untyped_list="nested", resident_package="live", calc_warning="error")
    world.manifest(*SEVEN)
    assert world.apply().code == 0
    assert len(world.purchases) == 7
    assert Decimal(world.report()["money"]["unexplained"]) == 0
