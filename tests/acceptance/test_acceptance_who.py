"""Who bought what and why, as whole commands: kept from claim to renewal, counted once, and no way in for anybody."""

from __future__ import annotations

import json

import pytest
from harness import CANARY, MANIFEST, World, ipv4

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_ACTOR": "ann",
    "GITHUB_SHA": "c0ffee",
    "GITHUB_REF": "refs/heads/main",
    "GITHUB_SERVER_URL": "https://x:hunter2-hunter2@github.com",
    "GITHUB_REPOSITORY": "acme/orders",
    "GITHUB_RUN_ID": "7",
}
JOB = "https://github.com/acme/orders/actions/runs/7"


def bought_in_ci(world: World, **environment: str) -> None:
    """Two orders of two teams, one of which is renewed at once, for its term is longer than what is left."""
    world.make_ledger()
    renew = {"until": "2099-12-31", "within": "40d", "periodId": "3m"}
    world.manifest(ipv4("a", labels={"team": "data"}, renew=renew), ipv4("b", quantity=2, labels={"team": "web"}))
    result = world.apply(env=GITHUB | environment)
    assert result.code == 0, result.output


def test_a_purchase_a_renewal_and_what_they_came_to(world: World) -> None:
    """The run of the job names who and why; a renewal is its own purchase by whoever made it, with the order's labels."""
    bought_in_ci(world)
    run = world.report()["run"]
    assert [run[name] for name in ("actor", "commit", "ref", "job")] == ["ann", "c0ffee", "refs/heads/main", JOB]
    assert [order["labels"] for order in world.report()["orders"]] == [{"team": "data"}, {"team": "web"}]
    assert world.apply("--as", "Bob B.", MANIFEST).code == 0
    every = {order["key"]: order for order in world.run("status", "-f", "json").json["orders"]}
    (renewal,) = set(every) - {"crawl/a", "crawl/b"}
    assert renewal.startswith("crawl/a@")
    assert every["crawl/b"]["by"] == {
        "actor": "ann",
        "source": "GITHUB_ACTOR",
        "commit": "c0ffee",
        "ref": "refs/heads/main",
        "job": JOB,
    }
    assert (every[renewal]["by"], every[renewal]["labels"]) == ({"actor": "Bob B.", "source": "--as"}, {"team": "data"})
    spent = world.run("ledger", "spent", "--by", "label=team", "--by", "actor", "-f", "json").json
    groups = {tuple(one["group"].values()): one["orders"] for one in spent["groups"]}
    assert groups == {("data", "Bob B."): 1, ("data", "ann"): 1, ("web", "ann"): 1}
    assert world.run("ledger", "verify").code == 0


@pytest.mark.parametrize("name", ["GITHUB_ACTOR", "GITHUB_REF", "GITHUB_REPOSITORY"])
def test_no_secret_comes_in_with_a_name(name: str, world: World) -> None:
    """A key, a token or a password in what the CI system sets is in no report, ledger, export or table."""
    token = "ghp_" + "0123456789abcdef0123456789"
    bought_in_ci(world, **{name: f"x {CANARY} {token}", "DEPLOY_PASSWORD": "hunter2-hunter2"})
    exported = world.run("ledger", "export")
    status = world.run("status", "-v", env={"COLUMNS": "400"})
    texts = (json.dumps(world.report()), exported.output, status.output)
    for text in (*texts, world.ledger.read_bytes().decode("latin-1")):
        assert token not in text
        assert "hunter2" not in text
        assert CANARY not in text


def test_nobody_needs_a_name(world: World) -> None:
    """Without any variable of a user one buys, and settles, as the user that the system knows."""
    world.manifest(ipv4("a"))
    nobody = dict.fromkeys(("USER", "LOGNAME", "USERNAME"), "")
    assert world.apply(env=nobody).code == 0
    assert world.report()["run"]["actor"]
    assert world.run("resolve", "--not-mine", "999", "--reason", "Bo's", "--yes", env=nobody).code == 0


@pytest.mark.parametrize("command", [("apply", "--yes", MANIFEST), ("plan", MANIFEST), ("reconcile",)])
def test_a_name_that_is_none_stops_everything(command: tuple[str, ...], world: World) -> None:
    """`--as` with a control character is exit 2, before anything is bought."""
    world.manifest(ipv4("a"))
    world.make_ledger()
    result = world.run(*command, "--as", "ann\x1b[2J")
    assert (result.code, world.purchases) == (2, ())
    assert "that is no name" in result.output
