"""A person renames orders: nothing is bought again, and what only looks renamed is told, or refused."""

from __future__ import annotations

import json
import re
import shlex
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from harness import FIRST_ID, MANIFEST, PRICE, World, ipv4

OLD = (ipv4("a"), ipv4("b"), ipv4("c", quantity=2))
STRICT = {"ORDER_RUNNER_STRICT_ACCOUNT": "1"}
IN_CI = {"CI": "true"}


def bought_as(world: World, *orders: Any, days: float = 0, batch: str = "old") -> None:
    """Buys these orders, so many days ago as far as the ledger knows; their manifest is gone afterwards."""
    world.manifest(*orders, batch=batch)
    assert world.apply().code == 0
    (world.root / MANIFEST).unlink()
    if not days:
        return
    claimed = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="microseconds").replace("+00:00", "Z")
    with closing(sqlite3.connect(world.ledger)) as raw, raw:
        raw.execute("UPDATE orders SET claimed_at = ? WHERE state = 'placed'", (claimed,))


def codes(world: World) -> list[tuple[str, str]]:
    """Code and category of every finding of the report."""
    report = world.report()
    every = [*report["errors"], *(finding for order in report["orders"] for finding in order["errors"])]
    return sorted((finding["code"], finding["category"]) for finding in every)


def status(world: World) -> dict[str, str]:
    return {order["key"]: order["state"] for order in world.run("status", "-f", "json").json["orders"]}


# -- renamed without a word


@pytest.mark.parametrize("days", [0, 2, 29])
@pytest.mark.parametrize("how", [("--strict",), ("--strict-account",), ()])
def test_a_renamed_batch_is_not_bought_again(world: World, days: float, how: tuple[str, ...]) -> None:
    """As long as it runs, with --strict, --strict-account or in CI: exit 5, the old batch and the way out are named."""
    bought_as(world, *OLD, days=days)
    world.manifest(*OLD, batch="new")
    result = world.apply(*how, MANIFEST, env={} if how else IN_CI)
    assert result.code == 5
    assert "all 3 orders of batch new are identical to what was bought as batch old and still runs" in result.output
    assert "`renamed_from: old` beside `batch`" in result.output
    assert codes(world) == [("PSR433", "refused")] * 3 + [("PSR434", "refused")]
    assert len(world.bought) == 3


def test_the_way_out_of_a_renamed_batch_works(world: World) -> None:
    """One line beside `batch`, as the refusal names it: everything is known as bought, and nothing is paid."""
    bought_as(world, *OLD)
    world.manifest(*OLD, batch="new", renamed_from="old")
    result = world.apply("--strict", MANIFEST, env=IN_CI)
    assert (result.code, len(world.bought)) == (0, 3)
    assert [order["renamed_from"] for order in world.report()["orders"]] == ["old/a", "old/b", "old/c"]
    assert status(world) == {f"old/{n}": "renamed" for n in "abc"} | {f"new/{n}": "placed" for n in "abc"}
    assert world.run("ledger", "verify").code == 0


def test_outside_ci_a_renamed_batch_is_a_warning(world: World) -> None:
    """Without --strict it is told, in the plan and in the report, and bought as ever."""
    bought_as(world, *OLD, days=2)
    world.manifest(*OLD, batch="new")
    plan = world.run("plan", MANIFEST)
    assert plan.code == 0
    assert f"{MANIFEST}:2:8: PSR434 warning: all 3 orders of batch new" in plan.out
    assert world.apply().code == 0
    assert codes(world) == [("PSR433", "warning")] * 3 + [("PSR434", "warning")]
    assert len(world.bought) == 6


def test_other_names_in_a_renamed_batch_are_named_one_by_one(world: World) -> None:
    """Where the orders have other names, too, the way out is a line in each, and that line works."""
    bought_as(world, *OLD)
    other = [{**order, "name": f"{order['name']}-x"} for order in OLD]
    world.manifest(*other, batch="new")
    assert "in a-x `renamed_from: old/a`" in world.apply("--strict", MANIFEST).output
    world.manifest(*({**order, "renamed_from": f"old/{order['name'][0]}"} for order in other), batch="new")
    assert world.apply("--strict", MANIFEST).code == 0
    assert len(world.bought) == 3


def test_one_renamed_order_in_ci(world: World) -> None:
    """A single order under a new name beside others that kept theirs is refused in CI, and names `renamed_from`."""
    bought_as(world, *OLD, days=2)
    world.manifest(OLD[0], OLD[1], {**OLD[2], "name": "renamed"}, batch="old")
    result = world.apply(env=IN_CI)
    assert (result.code, codes(world)) == (5, [("PSR433", "refused")])
    assert "`renamed_from: old/c`" in result.output


def test_a_copy_of_an_order_that_is_still_wanted_is_bought_in_ci(world: World) -> None:
    """Beside the order it is a copy of, it is no renaming: a warning, as it is among the manifests themselves."""
    bought_as(world, OLD[0])
    world.manifest(OLD[0], {**OLD[0], "name": "second"}, batch="old")
    assert world.apply(env=IN_CI).code == 0
    assert ("PSR433", "warning") in codes(world)
    assert world.bought == ["a", "a"]


def test_what_no_longer_runs_is_bought_again(world: World) -> None:
    """After its period the same content is a new purchase, without a word."""
    bought_as(world, *OLD, days=32)
    world.manifest(*OLD, batch="new")
    assert world.apply("--strict", MANIFEST, env=IN_CI).code == 0
    assert (codes(world), len(world.bought)) == ([], 6)


@pytest.mark.parametrize(
    ("changes", "options"),
    [({"copies": "meant"}, ()), ({"generation": 2}, ()), ({}, ("--allow-copies",))],
    ids=["copies", "generation", "allow-copies"],
)
def test_what_is_meant_is_bought(world: World, changes: dict[str, Any], options: tuple[str, ...]) -> None:
    """`copies: meant`, a higher generation and --allow-copies each let the same content be bought, --strict or not."""
    bought_as(world, *OLD)
    world.manifest(*({**order, **changes} for order in OLD), batch="new")
    assert world.apply("--strict", *options, MANIFEST, env=IN_CI).code == 0
    assert len(world.bought) == 6
    assert {category for _, category in codes(world)} == ({"warning"} if options else set())


def test_a_renamed_batch_of_second_generations_is_one_too(world: World) -> None:
    """A generation that the old batch had as well is no sign that a purchase is meant."""
    bought_as(world, *({**order, "generation": 2} for order in OLD))
    world.manifest(*({**order, "generation": 2} for order in OLD), batch="new")
    assert world.apply("--strict", MANIFEST).code == 5
    assert len(world.bought) == 3


# -- renamed_from


def test_a_renaming_is_planned_and_costs_nothing(world: World) -> None:
    """plan and dry runs show it and write nothing; apply does it, with nothing to buy; a second run has nothing to do."""
    bought_as(world, OLD[0])
    world.manifest(ipv4("z", customTargetName="a", renamed_from="old/a"), batch="new")
    before = world.ledger.read_bytes()
    for command in (("plan",), ("apply", "--dry-run"), ("apply", "--dry-run=offline")):
        shown = world.run(*command, MANIFEST)
        assert shown.code == 0
        assert "renamed from old/a, costs nothing; bought as order 2426273" in shown.out
        assert "to buy         nothing" in shown.out
    assert world.run("plan", "--expect-nothing", MANIFEST).code == 0
    assert status(world) == {"old/a": "placed"}
    assert world.ledger.read_bytes() == before
    assert world.apply().code == 0
    entry = world.order("z")
    assert (entry["status"], entry["renamed_from"], entry["result"]["order_id"]) == (
        "already_placed",
        "old/a",
        "2426273",
    )
    assert status(world) == {"new/z": "placed", "old/a": "renamed"}
    assert world.apply("--strict", MANIFEST).code == 0
    assert (world.order("z")["renamed_from"], world.order("z")["errors"]) == (None, [])
    assert world.bought == ["a"]


@pytest.mark.parametrize("options", [(), ("--strict",)])
def test_the_old_key_is_never_bought_again(world: World, options: tuple[str, ...]) -> None:
    """A manifest that still has it, with the old content or another, is refused and told its new name; for ever."""
    bought_as(world, OLD[0], days=400)
    world.manifest({**OLD[0], "renamed_from": "old/a"}, batch="new")
    assert world.apply().code == 0
    for changes in ({}, {"quantity": 3}, {"copies": "meant"}):
        world.manifest({**OLD[0], **changes}, batch="old")
        result = world.apply(*options, MANIFEST)
        assert (result.code, codes(world)) == (5, [("PSR435", "refused")])
        assert "it was renamed to new/a, bought as order 2426273" in result.output
    assert world.bought == ["a"]


def test_names_may_change_more_than_once(world: World) -> None:
    """From a to b and from b to c: the purchase follows, both earlier names are told where it is, and none leads back."""
    bought_as(world, OLD[0])
    for before, after in (("old", "middle"), ("middle", "new")):
        world.manifest(OLD[0], batch=after, renamed_from=before)
        assert world.apply().code == 0
    for batch in ("old", "middle"):
        world.manifest(OLD[0], batch=batch, renamed_from="new")
        result = world.apply()
        assert (result.code, codes(world)) == (5, [("PSR435", "refused")])
        assert "it was renamed to new/a, bought as order 2426273" in result.output
    assert world.bought == ["a"]


def test_a_name_that_was_given_away_already(world: World) -> None:
    """A second order that claims the same old key is refused, and told which key it has now."""
    bought_as(world, OLD[0])
    world.manifest(OLD[0], batch="new", renamed_from="old")
    assert world.apply().code == 0
    world.manifest(ipv4("other", renamed_from="old/a"), batch="third")
    result = world.apply()
    assert (result.code, codes(world)) == (5, [("PSR436", "refused")])
    assert "old/a was renamed to new/a, bought as order 2426273, already" in result.output
    assert "`renamed_from: new/a`" in result.output


def test_a_further_generation_after_a_renaming(world: World) -> None:
    """The line may stay when the generation is raised: that buys once more, and moves nothing."""
    bought_as(world, OLD[0])
    world.manifest({**OLD[0], "renamed_from": "old/a"}, batch="new")
    assert world.apply().code == 0
    world.manifest({**OLD[0], "renamed_from": "old/a", "generation": 2}, batch="new")
    assert world.apply("--strict", MANIFEST).code == 0
    assert status(world) == {"new/a": "placed", "new/a#2": "placed", "old/a": "renamed"}
    assert world.bought == ["a", "a"]


def test_a_new_ledger_is_told_and_harmed_by_nothing(world: World) -> None:
    """Where nothing is known of the old key, a warning says so, and the order is bought once; later there is no word."""
    world.make_ledger()
    world.manifest(OLD[0], {**OLD[1], "renamed_from": "elsewhere/b"}, batch="new", renamed_from="old")
    assert world.apply(env=STRICT).code == 0
    assert codes(world) == [("PSR436", "warning")] * 2
    assert world.apply(env=STRICT).code == 0
    assert (codes(world), world.bought) == ([], ["a", "b"])


def test_a_misspelt_old_key_is_caught_by_what_is_alike(world: World) -> None:
    """The warning that nothing moves is not all: in CI the order is refused, because what it was renamed from runs."""
    bought_as(world, OLD[0], days=5)
    world.manifest({**OLD[0], "renamed_from": "odl/a"}, batch="new")
    assert world.apply(env=IN_CI).code == 5
    assert codes(world) == [("PSR433", "refused"), ("PSR434", "refused"), ("PSR436", "warning")]
    assert world.bought == ["a"]


def test_renamed_and_changed_at_once(world: World) -> None:
    """The change is refused like any other, and nothing moves; with the content restored it does, as the hint says."""
    bought_as(world, OLD[0])
    world.manifest({**OLD[0], "quantity": 9}, batch="new", renamed_from="old")
    result = world.apply()
    assert (result.code, codes(world)) == (5, [("PSR401", "refused")])
    assert "quantity 1 → 9" in result.output
    assert "restore it; once the renaming is applied, raise its `generation`" in result.output
    assert status(world) == {"old/a": "placed"}
    world.manifest(OLD[0], batch="new", renamed_from="old")
    assert world.apply().code == 0
    assert status(world) == {"new/a": "placed", "old/a": "renamed"}
    assert world.bought == ["a"]


@pytest.mark.parametrize("how", ["batch", "order"])
def test_a_renamed_order_is_bought_anew_as_the_hint_says(world: World, how: str) -> None:
    """Restored, renamed, then with a higher generation and other content: each step goes through, in CI."""
    bought_as(world, OLD[0])
    head = {"batch": "new"} | ({"renamed_from": "old"} if how == "batch" else {})
    order = {**OLD[0]} | ({"renamed_from": "old/a"} if how == "order" else {})
    world.manifest({**order, "quantity": 9}, **head)
    assert world.run("plan", MANIFEST).code == 5
    world.manifest(order, **head)
    assert world.apply(env=IN_CI).code == 0
    world.manifest({**order, "quantity": 9, "generation": 2}, **head)
    assert world.apply(env=IN_CI).code == 0
    assert status(world) == {"new/a": "placed", "new/a#2": "placed", "old/a": "renamed"}
    assert world.bought == ["a", "a"]


def test_a_run_that_is_refused_renames_nothing(world: World) -> None:
    """Names are given up for ever: not by a run that other content, an approval or a limit stops."""
    bought_as(world, OLD[0], OLD[1])
    world.manifest(OLD[0], OLD[1], ipv4("more"), batch="new", renamed_from="old")
    assert world.run("plan", "--out", "plan.json", MANIFEST).code == 0
    before = status(world)
    swapped = ({**OLD[0], "renamed_from": "old/b"}, {**OLD[1], "renamed_from": "old/a"}, ipv4("more"))
    world.manifest(*swapped, batch="new")
    assert world.run("apply", "plan.json", env=IN_CI).code == 5
    assert status(world) == before
    world.manifest(OLD[0], OLD[1], ipv4("more"), batch="new", renamed_from="old")
    assert world.apply("--max-spend", "1", MANIFEST).code == 5
    assert status(world) == before
    assert world.run("apply", "plan.json", env=IN_CI).code == 0
    assert status(world) == {f"old/{n}": "renamed" for n in "ab"} | {f"new/{n}": "placed" for n in ("a", "b", "more")}
    assert world.bought == ["a", "b", "more"]


@pytest.mark.parametrize("options", [(), ("--only", "c")])
def test_a_copy_beside_the_order_that_is_renamed(world: World, options: tuple[str, ...]) -> None:
    """It is judged as after the renaming: a warning in CI, without the advice to rename the same purchase twice."""
    bought_as(world, OLD[0])
    copy = ipv4("c", customTargetName="a")
    world.manifest({**OLD[0], "renamed_from": "old/a"}, copy, batch="new")
    result = world.apply(*options, MANIFEST, env=IN_CI)
    assert (result.code, world.bought) == (0, ["a", "a"])
    assert ("PSR433", "warning") in codes(world)
    assert "write `renamed_from" not in result.output


def test_a_renaming_beside_a_purchase(world: World) -> None:
    """What is new in the batch is bought, and only that is paid and asked about."""
    bought_as(world, OLD[0])
    world.manifest(OLD[0], ipv4("more"), batch="new", renamed_from="old")
    assert world.apply("--max-spend", str(PRICE), MANIFEST).code == 0
    assert world.bought == ["a", "more"]
    assert world.report()["money"]["spent_confirmed"] == str(PRICE)


def test_what_was_bought_before_counts_against_the_batch(world: World) -> None:
    """The budget of a renamed batch has been spent as far as it was under the old name."""
    bought_as(world, OLD[0])
    world.manifest(OLD[0], ipv4("more"), batch="new", renamed_from="old", budget={"max_total": "3.00"})
    assert world.apply().code == 5
    assert ("PSR405", "refused") in codes(world)
    assert world.bought == ["a"]


def test_what_is_not_selected_is_not_renamed(world: World) -> None:
    """--only leaves every other renaming for another day."""
    bought_as(world, OLD[0], OLD[1])
    world.manifest(OLD[0], OLD[1], batch="new", renamed_from="old")
    assert world.apply("--only", "new/a", MANIFEST).code == 0
    assert status(world) == {"new/a": "placed", "old/a": "renamed", "old/b": "placed"}


def test_an_order_in_doubt_blocks_its_new_name(world: World) -> None:
    """Nothing moves, nothing is bought, exit 7; the plan says which order has to be settled."""
    world.box.add_fault("close-after@1")
    world.manifest(OLD[0], batch="old")
    assert world.apply().code == 7
    world.manifest(OLD[0], batch="new", renamed_from="old")
    plan = world.run("plan", MANIFEST)
    assert plan.code == 7
    assert "old/a, which it was renamed from, may have been charged and is not settled" in plan.out
    assert world.apply().code == 7
    assert status(world)["old/a"] == "unknown"
    assert world.money_requests == 1


def test_what_settles_an_old_name_works_as_it_is_printed(world: World) -> None:
    """Where options named the ledger and the account, the printed commands have them, in plan and report."""
    place = ("--ledger", str(world.root / "team.ledger"), "--account", "team")
    world.box.add_fault("close-after@1")
    world.manifest(OLD[0], batch="old")
    assert world.apply(*place, MANIFEST).code == 7
    world.manifest(OLD[0], batch="new", renamed_from="old")
    plan = world.run("plan", *place, MANIFEST)
    (hint,) = [line for line in plan.out.splitlines() if "settle it first" in line]
    printed = [shlex.split(command)[1:] for command in re.findall("`([^`]*)`", hint)]
    assert printed == [["reconcile", *place], ["resolve", *place]]
    assert "open  old/a" in world.run(*printed[0]).out
    assert world.run(*printed[1], "old/a", "--placed", str(FIRST_ID), "--yes", env={"USER": "ann"}).code == 0
    assert world.apply(*place, MANIFEST).code == 0
    assert world.money_requests == 1


def test_an_order_that_bought_nothing_needs_no_renaming(world: World) -> None:
    """An old key that the vendor refused has nothing to give: the new one is bought."""
    world.box.add_fault("triple@1")
    world.manifest(OLD[0], batch="old")
    assert world.apply().code == 3
    world.manifest(OLD[0], batch="new", renamed_from="old")
    assert world.apply("--strict", MANIFEST).code == 0
    assert status(world) == {"new/a": "placed", "old/a": "rejected"}
    assert world.bought == ["a"]


def test_an_order_bought_under_both_names(world: World) -> None:
    """Somebody bought it again before they wrote the line: both stay, and a warning names the other one."""
    bought_as(world, OLD[0])
    world.manifest(OLD[0], batch="new")
    assert world.apply().code == 0
    world.manifest({**OLD[0], "renamed_from": "old/a"}, batch="new")
    assert world.apply("--strict", MANIFEST).code == 0
    assert codes(world) == [("PSR436", "warning")]
    assert status(world) == {"new/a": "placed", "old/a": "placed"}


@pytest.mark.parametrize(
    ("orders", "words"),
    [
        ((ipv4("a"), ipv4("b", renamed_from="crawl/a")), "`crawl/a` is still an order of its own"),
        ((ipv4("a", renamed_from="crawl/a"),), "`crawl/a` was not renamed: that is its name"),
        (
            (ipv4("a", renamed_from="old/x"), ipv4("b", renamed_from="old/x")),
            "`old/x` was renamed to another order already: `crawl/a`",
        ),
        (
            (ipv4("a", renamed_from="crawl/b"), ipv4("b", renamed_from="crawl/a")),
            "these renamings lead in a circle: crawl/b → crawl/a → crawl/b",
        ),
    ],
    ids=["still-there", "itself", "twice", "circle"],
)
def test_renamings_that_contradict_each_other(world: World, orders: tuple[Any, ...], words: str) -> None:
    """validate, plan and apply refuse them before the ledger or the vendor is asked: exit 4."""
    world.manifest(*orders)
    for command in (("validate",), ("plan",), ("apply", "--yes")):
        result = world.run(*command, MANIFEST)
        assert result.code == 4
        assert "PSR321" in result.output
        assert words in result.output
    assert world.box.requests == ()


def test_an_approved_plan_of_nothing_but_renamings(world: World) -> None:
    """A plan document with a renaming is applied like any other, and does it."""
    bought_as(world, OLD[0])
    world.manifest(OLD[0], batch="new", renamed_from="old")
    assert world.run("plan", "--out", "plan.json", MANIFEST).code == 0
    plan = json.loads((world.root / "plan.json").read_text("utf-8"))
    assert plan["orders"][0]["reason"] == "renamed from old/a, costs nothing; bought as order 2426273"
    assert world.apply("plan.json").code == 0
    assert status(world) == {"new/a": "placed", "old/a": "renamed"}
    assert world.bought == ["a"]


def test_a_key_that_was_given_up_names_the_one_of_today(world: World) -> None:
    """Who settles an order by a key of before is told what it is called now, through every renaming."""
    bought_as(world, OLD[0])
    for new, old in (("new", "old"), ("newest", "new")):
        world.manifest(OLD[0], batch=new, renamed_from=old)
        assert world.apply().code == 0
    for verdict in (("--absent", "--reason", "no"), ("--placed", "7")):
        result = world.run("resolve", "old/a", *verdict, "--yes", env={"USER": "ann"})
        assert result.code == 5
        assert "old/a was renamed to newest/a" in result.err
    result = world.run("reconcile", "old/a")
    assert (result.code, "old/a is settled already: renamed to new/a" in result.out) == (0, True)
