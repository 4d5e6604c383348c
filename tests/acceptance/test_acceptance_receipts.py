"""Receipts: written as a policy allows, never over a person's comment, and a lost ledger made anew from them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from harness import CANARY, MANIFEST, Order, World, ipv4

from runner.sandbox.box import PREFIX

PERSON = {"USER": "alice"}


def allow(world: World, receipts: str = "true") -> None:
    world.write("order-runner.yaml", f"apiVersion: policy/v1\nreceipts: {receipts}\n")


def comments(world: World) -> list[str]:
    """The comments of the vendor's rows, as its lists have them."""
    listed = world.box.respond("GET", f"{PREFIX}{CANARY}/proxy/list/ipv4", b"")
    data = json.loads(listed.body)["data"]
    rows = data if isinstance(data, list) else data.get("items", data.get("ipv4", []))
    return [row.get("comment", "") for row in rows]


def writes(world: World) -> int:
    return sum(request.endpoint == "proxy/comment/set" for request in world.box.requests)


def lose_ledger(world: World) -> None:
    for path in world.root.glob("orders.ledger*"):
        path.unlink()


def bought(world: World, *orders: Order) -> None:
    world.manifest(*(orders or (ipv4("fr", quantity=2),)))
    assert world.apply().code == 0


def test_apply_writes_them_where_a_policy_says_so_and_once(world: World) -> None:
    """One call an order, one line on every row; what is there is not written again."""
    allow(world)
    bought(world)
    (line,) = set(comments(world))
    assert line.startswith("order-runner receipt or1 ")
    assert " crawl/fr " in line
    assert writes(world) == 1
    result = world.run("receipts")
    assert (result.code, result.out.splitlines()[-1]) == (0, "1 there already")
    assert writes(world) == 1


def test_without_a_policy_nothing_is_written(world: World) -> None:
    """Names of orders are nobody's business until a policy says otherwise; one that says no wins."""
    bought(world)
    refused = world.run("receipts")
    assert (refused.code, "no policy allows receipts" in refused.err) == (5, True)
    allow(world)
    world.write("strict.yaml", "apiVersion: policy/v1\nreceipts: false\n")
    assert world.run("receipts", "--policy", "strict.yaml").code == 5
    assert (writes(world), set(comments(world))) == (0, {""})


def test_private_names_stay_private(world: World) -> None:
    """`id-only`, of any policy, leaves the key out."""
    allow(world)
    world.write("private.yaml", "apiVersion: policy/v1\nreceipts: id-only\n")
    bought(world)
    result = world.run("receipts", "crawl/fr", MANIFEST, "--policy", "private.yaml", "-f", "json")
    assert (result.code, [one["result"] for one in result.json["receipts"]]) == (0, ["written"])
    (line,) = set(comments(world))
    assert " - " in line
    assert "crawl" not in line


def test_a_persons_comment_is_never_overwritten(world: World) -> None:
    """It is left alone, and said."""
    bought(world)
    allow(world)
    world.box.dashboard.comment(int(world.purchases[0].order_id or 0), comment="for the demo")
    result = world.run("receipts")
    assert (result.code, "2 of its rows have a comment of its own" in result.out) == (0, True)
    assert (writes(world), set(comments(world))) == (0, {"for the demo"})


@pytest.mark.parametrize("fault", ["comment-500", "comment-error:IP not found", "comment-close"])
def test_a_failure_is_a_note_and_changes_no_purchase(world: World, fault: str) -> None:
    """The order is placed and the exit code 0; the next time it is written."""
    allow(world)
    name, _, argument = fault.partition(":")
    for _ in range(3):
        world.box.add_fault(f"{name}:{argument}" if argument else name)
    bought(world)
    assert world.order("fr")["status"] == "placed"
    assert world.run("receipts").code == 0
    assert world.run("ledger", "verify").code == 0


def test_a_lost_ledger_is_made_anew_from_receipts(world: World) -> None:
    """Even alike orders are told apart; without the ledger `apply` buys none of them, whatever the account is."""
    allow(world)
    bought(world, ipv4("a"), ipv4("b", customTargetName="a", copies="meant"), ipv4("c", countryId=562))
    ids = [str(sale.order_id) for sale in world.purchases]
    lose_ledger(world)
    assert world.apply().code == 5
    codes = {one["code"] for order in world.report()["orders"] for one in order["errors"]}
    assert "PSR421" in codes
    assert len(world.purchases) == 3
    result = world.run("adopt", MANIFEST, "--from-receipts", "--yes", env=PERSON)
    assert (result.code, result.out.splitlines()[-1]) == (0, "3 orders adopted")
    assert world.apply().code == 0
    reasons = [world.order(name)["reason"] for name in "abc"]
    assert reasons == [f"bought as order {order_id}" for order_id in ids]
    assert len(world.purchases) == 3
    assert "3 written" in world.run("receipts").out
    assert world.run("ledger", "verify").code == 0


def test_a_copied_receipt_adopts_nothing(world: World) -> None:
    """Two orders with one claim: both are left, with the reason."""
    allow(world)
    bought(world, ipv4("a"))
    (line,) = set(comments(world))
    world.buy_as_stranger(ipv4("theirs"))
    world.box.dashboard.comment(int(world.purchases[-1].order_id or 0), comment=line)
    lose_ledger(world)
    result = world.run("adopt", MANIFEST, "--from-receipts", "--yes", env=PERSON)
    assert (result.code, result.out.splitlines()[-1]) == (0, "nothing to adopt, 1 left")
    assert result.out.count("one was copied") == 2


def test_another_installations_order_is_never_adopted(world: World) -> None:
    """Its receipt says so, although it looks exactly like what is wanted; and it stops no purchase here."""
    allow(world)
    world.manifest(ipv4("fr"))
    assert world.apply("--account", "theirs", "--ledger", "theirs.ledger", MANIFEST).code == 0
    result = world.run("adopt", MANIFEST, "--yes", env=PERSON)
    assert "it has the receipt of another account name" in result.out
    assert result.out.splitlines()[-1] == "nothing to adopt, 1 left"
    assert world.apply().code == 0
    assert len(world.purchases) == 2


def test_a_taken_over_history_keeps_its_receipts(world: World) -> None:
    """Under the new name an earlier receipt is still our own: it is replaced, and never taken for another's."""
    allow(world)
    world.manifest(ipv4("fr"))
    ci = ("--ledger", "ci.sqlite3", "--account", "ci")
    assert world.apply("--account", "laptop", MANIFEST).code == 0
    (before,) = set(comments(world))
    assert world.run("ledger", "export", "--account", "laptop", "-o", "laptop.jsonl").code == 0
    assert world.run("ledger", "import", "laptop.jsonl", "--ledger", "ci.sqlite3", "--as", "ci").code == 0
    result: Any = world.run("receipts", *ci)
    assert (result.code, result.out.splitlines()[-1]) == (0, "1 written")
    assert set(comments(world)) != {before}


def test_receipts_of_what_is_not_there(world: World) -> None:
    """A key that no order has is a usage error; an order without rows is said, and is no error."""
    allow(world)
    bought(world)
    assert world.run("receipts", "crawl/nobody").code == 2
    assert world.run("receipts", "nothing.yaml").code == 2


def test_a_delivery_writes_receipts_too(world: World) -> None:
    """`proxies` writes what a policy allows once it has shown what there is, and its own exit code stays."""
    bought(world)
    assert world.run("proxies").code == 0
    assert set(comments(world)) == {""}
    allow(world)
    assert world.run("proxies", MANIFEST).code == 0
    (line,) = set(comments(world))
    assert " crawl/fr " in line
    assert writes(world) == 1
