"""What was bought elsewhere is entered under the keys of manifests: proposed, agreed to, at once, and never bought."""

from __future__ import annotations

import json
from typing import Any

from harness import CANARY, MANIFEST, World, ipv4

from runner.sandbox.box import PREFIX

PERSON = {"USER": "alice"}


def by_hand(world: World, **changes: Any) -> str:
    """An order on our account that no ledger has; its id."""
    body = ipv4("theirs", **changes) | {"paymentId": 1}
    wanted = {name: value for name, value in body.items() if name not in ("name", "type")}
    world.box.respond("POST", f"{PREFIX}{CANARY}/order/make", json.dumps(wanted).encode())
    return str(world.purchases[-1].order_id)


def adopt(world: World, *arguments: str, **more: Any) -> Any:
    return world.run("adopt", MANIFEST, *arguments, env=PERSON, **more)


def test_orders_bought_by_hand_are_entered_and_never_bought(world: World) -> None:
    """Pairs are shown with what speaks for them, entered in one go under a name, and `apply` has nothing to do."""
    first, second = by_hand(world), by_hand(world, countryId=562, quantity=2)
    world.manifest(ipv4("fr"), ipv4("de", countryId=562, quantity=2))
    result = adopt(world, "--yes")
    assert (result.code, result.out.splitlines()[-1]) == (0, "2 orders adopted")
    assert f"adopt  crawl/fr  order {first}" in result.out
    assert f"adopt  crawl/de  order {second}" in result.out
    assert "for: it has 2 of 2 proxies" in result.out
    assert world.apply().code == 0
    assert [world.order(name)["status"] for name in ("fr", "de")] == ["already_placed"] * 2
    assert len(world.purchases) == 2
    assert world.run("ledger", "verify").code == 0
    events = [json.loads(line) for line in world.run("ledger", "export").out.splitlines()[1:]]
    assert [(one["event"], one["reason"]) for one in events] == [
        ("resolved", f"alice adopted order {first}"),
        ("resolved", f"alice adopted order {second}"),
    ]


def test_dry_run_writes_nothing_and_makes_no_ledger(world: World) -> None:
    """It shows the same as JSON, and leaves no ledger behind."""
    order_id = by_hand(world)
    world.manifest(ipv4("fr"))
    result = adopt(world, "--dry-run", "-f", "json")
    assert result.code == 0
    (pair,) = result.json["pairs"]
    assert (pair["key"], pair["order"]["order_id"], pair["against"], result.json["entered"]) == (
        "crawl/fr",
        order_id,
        [],
        False,
    )
    assert not world.ledger.exists()


def test_what_could_be_several_is_left_with_the_command_that_decides(world: World) -> None:
    """Two that are alike are no pair; the printed command adopts the one that a person means."""
    one, other = by_hand(world), by_hand(world)
    world.manifest(ipv4("fr"))
    result = adopt(world, "--yes")
    assert (result.code, result.out.splitlines()[-1]) == (0, "nothing to adopt, 1 left")
    assert "2 orders could be it" in result.out
    assert f"order-runner resolve crawl/fr --placed {one}" in result.out
    assert f"order-runner resolve crawl/fr --placed {other}" in result.out
    assert world.run("resolve", "crawl/fr", "--placed", other, "--yes", env=PERSON).code == 0
    assert world.apply().code == 0
    assert len(world.purchases) == 2


def test_only_enters_a_part_and_the_others_still_count(world: World) -> None:
    """`--only` never makes a pair of what could be another's."""
    by_hand(world), by_hand(world, countryId=562)
    world.manifest(ipv4("fr"), ipv4("twin"), ipv4("de", countryId=562))
    result = adopt(world, "--yes", "--only", "fr")
    assert result.out.splitlines()[-1] == "nothing to adopt, 1 left"
    assert "but also crawl/twin" in result.out
    assert adopt(world, "--yes", "--only", "de").out.splitlines()[-1] == "1 order adopted"


def test_nobody_to_ask_is_an_error_and_nothing_is_entered(world: World) -> None:
    """Without a terminal and without --yes nothing is read or written; so is a person without a name."""
    by_hand(world)
    world.manifest(ipv4("fr"))
    before = len(world.box.requests)
    assert adopt(world).code == 2
    assert world.run("adopt", MANIFEST, "--yes", env={"USER": None, "LOGNAME": None}).code in (0, 2)
    assert adopt(world, "--yes", "--only", "nothing").code == 2
    assert len(world.box.requests) == before or world.ledger.exists()


def test_renewals_are_not_adopted(world: World) -> None:
    """A key with a term is refused in words, by `adopt` and by `resolve`."""
    by_hand(world)
    world.manifest(ipv4("fr"))
    refused = adopt(world, "--yes", "--only", "crawl/fr@2026-12-31")
    assert (refused.code, "is a renewal" in refused.err, "adopt the order it renews, crawl/fr" in refused.err) == (
        2,
        True,
        True,
    )
    assert adopt(world, "--yes").code == 0
    resolved = world.run("resolve", "crawl/fr@2026-12-31", "--placed", "77", "--yes", env=PERSON)
    assert (resolved.code, "is a renewal" in resolved.err) == (2, True)


def test_an_order_in_doubt_is_never_taken_from(world: World) -> None:
    """What an unanswered purchase may have bought is proposed for no other key."""
    world.box.add_fault("reset-after@1")
    world.manifest(ipv4("fr"))
    assert world.apply().code == 7
    world.manifest(ipv4("fr"), ipv4("new"))
    result = adopt(world, "--yes")
    assert result.out.splitlines()[-1] == "nothing to adopt, 2 left"
    assert "may have been charged and is not settled" in result.out
    assert "but also crawl/fr" in result.out


def test_another_accounts_key_enters_nothing(world: World) -> None:
    """What another account shows is nobody's of ours."""
    world.manifest(ipv4("fr"))
    assert world.apply().code == 0
    world.manifest(ipv4("fr"), ipv4("two", quantity=2))
    result = world.run("adopt", MANIFEST, "--yes", "--account", "other", env=PERSON)
    assert (result.code, "PSR60" in result.err or "account" in result.err) == (5, True)


def test_history_of_another_name_is_taken_over(world: World) -> None:
    """A laptop's history becomes CI's: bought there is bought here, once is enough, and no second way in is open."""
    world.manifest(ipv4("fr"))
    assert world.apply("--account", "laptop", MANIFEST).code == 0
    assert world.run("ledger", "export", "--account", "laptop", "-o", "laptop.jsonl").code == 0
    ci = ("--ledger", "ci.sqlite3")
    refused = world.run("ledger", "import", "laptop.jsonl", *ci, "--account", "ci")
    assert (refused.code, "--as ci" in refused.err) == (5, True)
    taken = world.run("ledger", "import", "laptop.jsonl", *ci, "--as", "ci")
    assert (taken.code, "1 new order" in taken.out) == (0, True)
    again = world.run("ledger", "import", "laptop.jsonl", *ci, "--as", "ci")
    assert (again.code, "0 events added" in again.out) == (0, True)
    assert world.run("ledger", "verify", *ci, "--account", "ci").code == 0
    assert world.apply(*ci, "--account", "ci", MANIFEST).code == 0
    assert (world.order("fr")["status"], len(world.purchases)) == ("already_placed", 1)
    beside = world.run("ledger", "import", "laptop.jsonl", "--as", "ci")
    assert (beside.code, "which this ledger has itself" in beside.err) == (5, True)
    world.manifest(ipv4("fr"), ipv4("more"))
    assert world.apply("--account", "laptop", MANIFEST).code == 0
    assert world.run("ledger", "export", "--account", "laptop", "-o", "later.jsonl").code == 0
    later = world.run("ledger", "import", "later.jsonl", *ci, "--as", "ci")
    assert (later.code, "has a history of its own" in later.err) == (5, True)
    two = world.run("ledger", "import", "laptop.jsonl", *ci, "--as", "ci", "--account", "other")
    assert (two.code, "name two accounts" in two.err) == (2, True)


def test_orders_that_no_manifest_wants_are_written_and_bought_already(world: World) -> None:
    """The file is valid, in words, in the ledger under its keys; a rename by hand moves it, and it is never bought."""
    first, second = by_hand(world), by_hand(world, countryId=562, quantity=3, periodId="1w")
    world.manifest(ipv4("fr"))
    result = world.run("adopt", MANIFEST, "--yes", "--write", "found.yaml", env=PERSON)
    assert (result.code, result.out.splitlines()[-1]) == (0, "1 order adopted, 1 order written to found.yaml")
    text = (world.root / "found.yaml").read_text()
    assert "country: DEU\n    period: 1 week\n    quantity: 3\n    customTargetName: not shown by the vendor" in text
    assert world.run("validate", "--strict", "found.yaml").code == 0
    assert world.apply("found.yaml", MANIFEST).code == 0
    reasons = [world.order(name)["reason"] for name in (f"ipv4-deu-{second}", "fr")]
    assert reasons == [f"bought as order {second}", f"bought as order {first}"]
    assert {order["status"] for order in world.report()["orders"]} == {"already_placed"}
    again = world.run("adopt", "--yes", "--write", "found.yaml", env=PERSON)
    assert (again.code, "is there already" in again.err) == (2, True)
    nothing = world.run("adopt", "--yes", "--write", "more.yaml", env=PERSON)
    assert (nothing.code, (world.root / "more.yaml").exists()) == (0, False)
    renamed = text.replace(
        f"name: ipv4-deu-{second}", f"name: search-de\n    renamed_from: found/ipv4-deu-{second}\n    enabled: true"
    )
    world.write("found.yaml", renamed)
    assert world.apply("found.yaml").code == 0
    assert world.order("search-de")["status"] == "already_placed"
    assert len(world.purchases) == 2


def test_what_was_never_known_is_never_bought(world: World) -> None:
    """Bought again, an order needs a purpose that a person wrote; so it does with a ledger that has forgotten it."""
    by_hand(world)
    assert world.run("adopt", "--yes", "--write", "found.yaml", env=PERSON).code == 0
    text = (world.root / "found.yaml").read_text()
    world.write("found.yaml", text + "    generation: 2\n")
    assert world.apply("found.yaml").code == 5
    (order,) = world.report()["orders"]
    assert [one["code"] for one in order["errors"]] == ["PSR437"]
    world.write("found.yaml", text.replace("not shown by the vendor\n", "prices\n    generation: 2\n", 2))
    assert len(world.purchases) == 1


def test_what_rows_do_not_prove_is_left_by_hand(world: World) -> None:
    """A mix package is named with the reason, and is in no file."""
    from harness import SEVEN

    mix = next(order for order in SEVEN if order["type"] == "mix")
    world.buy_as_stranger(mix)
    result = world.run("adopt", "--dry-run", "--write", "found.yaml", "-f", "json")
    assert result.code == 0
    (left,) = result.json["unwanted"]
    assert (left["type"], left["reason"]) == ("mix", "rows do not show which package it is")
    assert not (world.root / "found.yaml").exists()
