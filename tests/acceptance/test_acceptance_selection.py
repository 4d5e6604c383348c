"""Part of the orders: by name, key, pattern and label; and whether there is anything to buy, as an exit code."""

from typing import Any

import pytest
from harness import MANIFEST, World, ipv4


def three(world: World) -> None:
    world.manifest(
        ipv4("fr-prices", labels={"team": "data"}), ipv4("fr-shops", labels={"team": "web"}), ipv4("us-prices")
    )


def statuses(report: Any) -> list[str]:
    return [order["status"] for order in report["orders"]]


def test_only_what_is_selected_is_priced_and_bought(world: World) -> None:
    """The others stand in the report as skipped, in their place, with the reason; the vendor is not asked of them."""
    three(world)
    assert world.apply("--only", "fr-*", "--exclude", "fr-shops", MANIFEST).code == 0
    assert world.bought == ["fr-prices"]
    report = world.report()
    assert statuses(report) == ["placed", "skipped", "skipped"]
    assert [order["reason"] for order in report["orders"]][1:] == [
        "not selected: --exclude fr-shops",
        "not selected: no --only matches it",
    ]
    assert sum(request.endpoint == "order/calc" for request in world.box.requests) == 1
    assert world.apply("--label", "team=web", MANIFEST).code == 0
    assert world.apply().code == 0
    assert world.bought == ["fr-prices", "fr-shops", "us-prices"]


def test_what_is_not_selected_stops_nothing(world: World) -> None:
    """An order that was changed after its purchase is refused where it is selected, and only there."""
    three(world)
    assert world.apply("--only", "us-prices", MANIFEST).code == 0
    world.manifest(ipv4("fr-prices"), ipv4("us-prices", quantity=2))
    assert world.run("plan", MANIFEST).code == 5
    assert world.run("plan", "--only", "crawl/fr-prices", MANIFEST).code == 0


def test_a_possible_charge_is_everybodys_business(world: World) -> None:
    """An order in doubt stays unknown and blocks, selected or not."""
    three(world)
    world.box.add_fault("reset-after@1")
    assert world.apply("--only", "us-prices", MANIFEST).code == 7
    assert world.apply("--only", "fr-prices", MANIFEST).code == 7
    assert statuses(world.report()) == ["planned", "skipped", "unknown"]
    assert world.money_requests == 1


@pytest.mark.parametrize("command", [("plan",), ("apply", "--yes"), ("apply", "--dry-run"), ("status",)])
@pytest.mark.parametrize(
    ("option", "hint"),
    [
        (("--only", "fr-price"), "did you mean fr-prices"),
        (("--exclude", "crawl/us-price"), "did you mean crawl/us-prices"),
        (("--label", "team=dat"), "did you mean team=data"),
        (("--label", "team"), "write it as in"),
        (("--only", "us-prices", "--label", "team=web"), "are combined"),
    ],
)
def test_a_name_that_is_not_there_is_exit_2(
    world: World, command: tuple[str, ...], option: tuple[str, ...], hint: str
) -> None:
    """A misspelled selection asks and buys nothing, and says what there is."""
    three(world)
    result = world.run(*command, *option, MANIFEST)
    assert (result.code, world.box.requests) == (2, ())
    assert hint in result.err


def test_a_broken_manifest_comes_before_the_selection(world: World) -> None:
    """Errors of the manifest are told first, in orders that are not selected, too."""
    world.manifest(ipv4("a"), ipv4("b", quantity=0))
    assert world.apply("--only", "nothing", MANIFEST).code == 4


def test_status_of_a_part(world: World) -> None:
    """`status` shows the selected orders of its manifests, and every open order all the same; it needs a PATH."""
    three(world)
    rows = world.run("status", "--only", "fr-*", "-f", "json", MANIFEST).json["orders"]
    assert [row["key"] for row in rows] == ["crawl/fr-prices", "crawl/fr-shops"]
    world.box.add_fault("reset-after@1")
    assert world.apply("--only", "us-prices", MANIFEST).code == 7
    result = world.run("status", "--only", "fr-shops", "-f", "json", MANIFEST)
    assert result.code == 7
    assert {row["key"] for row in result.json["orders"]} == {"crawl/us-prices", "crawl/fr-shops"}
    assert world.run("status", "--only", "fr-shops").code == 2


def test_a_plan_of_a_part_is_approved_as_a_part(world: World) -> None:
    """The document keeps its selection; the digest covers only what is selected; another selection is exit 2."""
    three(world)
    assert world.run("plan", "--only", "fr-*", "--out", "plan.json", MANIFEST).code == 0
    assert world.run("apply", "--only", "us-prices", "plan.json").code == 2
    assert world.run("apply", "--only", "fr-*", "plan.json").code == 0
    assert world.run("apply", "plan.json").code == 0
    assert world.bought == ["fr-prices", "fr-shops"]


def test_the_exit_code_tells_whether_there_is_something_to_buy(world: World) -> None:
    """`--detailed-exitcode` is 10 with and 0 without; a plan that is refused is still refused."""
    three(world)
    result = world.run("plan", "--detailed-exitcode", "--report", "r.json", MANIFEST)
    assert (result.code, world.report("r.json")["run"]["exit"]["name"]) == (10, "changes")
    assert world.run("plan", "--detailed-exitcode", "--max-spend", "1", MANIFEST).code == 5
    assert world.apply().code == 0
    assert world.run("plan", "--detailed-exitcode", MANIFEST).code == 0


def test_expecting_nothing_names_what_would_be_bought(world: World) -> None:
    """`--expect-nothing` is a check for drift: exit 5 with every order and its line, 0 where all is bought."""
    three(world)
    assert world.apply("--only", "fr-*", MANIFEST).code == 0
    result = world.run("plan", "--expect-nothing", "--detailed-exitcode", "--report", "r.json", MANIFEST)
    assert result.code == 5
    (finding,) = world.report("r.json")["errors"]
    assert (finding["code"], finding["line"]) == ("PSR442", world.line_of("us-prices"))
    assert "crawl/us-prices is not bought" in result.out
    assert world.apply().code == 0
    assert world.run("plan", "--expect-nothing", MANIFEST).code == 0
