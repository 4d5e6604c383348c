"""A ledger is made on purpose: in CI by `ledger init` alone, at a desk by the first purchase as well."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness import MANIFEST, World, ipv4

PERSON = {"USER": "ann"}
CI = {"TF_BUILD": "True", **PERSON}


def files(world: World) -> set[str]:
    """What lies beside the ledger, reports apart."""
    return {path.name for path in world.root.iterdir() if "report" not in path.name}


@pytest.mark.parametrize("command", [("apply", "--yes"), ("apply", "--dry-run"), ("apply", "--dry-run=offline")])
def test_a_purchase_in_ci_makes_no_ledger(world: World, command: tuple[str, ...]) -> None:
    """Where none is, a purchase and its dry run end in 5 with the command that makes one, and leave nothing."""
    world.manifest(ipv4("a"))
    before = files(world)
    result = world.run(*command, "--account", "acme", MANIFEST, env=CI)
    assert result.code == 5
    assert f"there is no ledger at {world.ledger}" in result.err
    assert "order-runner ledger init --account acme" in result.err
    assert files(world) == before
    assert world.box.requests == ()
    world.ledger.touch()
    assert "only an empty file" in world.run(*command, MANIFEST, env=CI).err
    assert world.ledger.read_bytes() == b""


def test_a_purchase_in_ci_makes_no_account(world: World) -> None:
    """Neither in an empty ledger nor in one that has others; entered on purpose, the account buys."""
    world.manifest(ipv4("a"))
    assert world.run("ledger", "init", "--account", "main", env=CI).code == 0
    assert world.apply("--account", "mian", MANIFEST, env=CI).code == 5
    assert world.report()["errors"][0]["code"] == "PSR609"
    assert world.bought == []
    assert world.run("ledger", "init", "--account", "second", env=CI).code == 0
    assert world.apply("--account", "main", MANIFEST, env=CI).code == 0
    assert world.bought == ["a"]


def test_a_ledger_without_any_account(world: World) -> None:
    """Tables that a refused first run left are no account: in CI the next run is refused as well, with the command."""
    world.manifest(ipv4("a"))
    assert world.apply("--max-spend", "1", MANIFEST, env={"PROXY_SELLER_API_KEY": "another-key-altogether"}).code == 3
    result = world.apply(env=CI)
    assert result.code == 5
    assert "order-runner ledger init --account default" in result.output
    assert world.bought == []


def test_a_relative_path_in_ci(world: World) -> None:
    """A ledger in the job's working folder is exit code 2: for buying, a dry run, doctor, and making one."""
    world.manifest(ipv4("a"))
    for text in ("orders.ledger", "./orders.ledger", "sqlite:///orders.ledger"):
        for command in (("apply", "--yes", MANIFEST), ("apply", "--dry-run", MANIFEST), ("ledger", "init")):
            result = world.run(*command, "--ledger", text, env=CI)
            assert (result.code, "TF_BUILD is set" in result.err) == (2, True)
    assert world.run("doctor", "--offline", "--ledger", "orders.ledger", env=CI).code == 2
    assert not world.ledger.exists()


def test_init_is_harmless(world: World) -> None:
    """Made and entered once, said as text and JSON; again, and beside purchases, it changes nothing."""
    first = world.run("ledger", "init", "-f", "json", env=PERSON).json
    assert (first["new"], first["entered"], first["account"]) == (True, True, "default")
    assert (first["grants"], first["granted_to"], first["ledger"]) == ([], None, str(world.ledger))
    world.manifest(ipv4("a"))
    assert world.apply(env=CI).code == 0
    again = world.run("ledger", "init", env=PERSON)
    assert "already there" in again.out
    assert "already known" in again.out
    assert world.apply(env=CI).code == 0
    assert world.bought == ["a"]
    assert world.run("ledger", "verify").code == 0


def test_init_beside_a_file_has_no_roles(world: World) -> None:
    """`--grant` is for a database: with a file it is exit code 2, and nothing is made."""
    result = world.run("ledger", "init", "--grant", "ci", env=PERSON)
    assert (result.code, "PostgreSQL" in result.err) == (2, True)
    assert not world.ledger.exists()


def test_init_makes_no_second_memory(world: World) -> None:
    """Where a ledger was in use and is gone, `ledger init` is refused like a purchase: its lock is still there."""
    world.manifest(ipv4("a"))
    assert world.apply().code == 0
    for path in world.root.glob("orders.ledger*"):
        if not path.name.endswith(".lock"):
            path.unlink()
    assert world.run("ledger", "init", env=PERSON).code == 5
    assert not world.ledger.exists()


def test_at_a_desk_the_first_purchase_makes_it(world: World) -> None:
    """Outside CI nothing has to be made first, in a named ledger, in the one of the user, and in the sandbox."""
    world.manifest(ipv4("a"))
    assert world.apply().code == 0
    assert world.apply("--ledger", "other.ledger", "--no-strict-account", MANIFEST).code == 0
    sandbox = {"ORDER_RUNNER_LEDGER": None, "PROXY_SELLER_API_KEY": None}
    assert world.apply("--sandbox", MANIFEST, env=CI | sandbox).code == 0
    assert world.run("plan", "--sandbox", MANIFEST, env=CI | sandbox).code == 0


def test_a_plan_without_a_ledger_says_so(world: World) -> None:
    """In CI, a plan that could read no ledger is labelled in every format, and is no failure: forks have none."""
    world.manifest(ipv4("a"))
    for env in (CI | {"ORDER_RUNNER_LEDGER": None}, CI | {"ORDER_RUNNER_LEDGER": str(world.root / "mistyped.ledger")}):
        forms = ("text", "json", "markdown", "junit", "sarif", "github", "ndjson", "html")
        wanted = [word for fmt in forms[1:] for word in ("-f", f"{fmt}=plan.{fmt}")]
        result = world.run("plan", "-f", "text", *wanted, "--report", "r.json", "--out", "plan.out", MANIFEST, env=env)
        assert result.code == 0
        assert "PSR610 warning: no ledger was read" in result.out
        for name in (*(f"plan.{fmt}" for fmt in forms[1:]), "r.json", "plan.out"):
            assert "PSR610" in (world.root / name).read_text(), name
        (finding,) = json.loads((world.root / "r.json").read_text())["errors"]
        assert (finding["code"], finding["category"]) == ("PSR610", "warning")
        assert world.run("plan", "--detailed-exitcode", MANIFEST, env=env).code == 10
        status = world.run("status", MANIFEST, env=env)
        assert (status.code, "PSR610" in status.err) == (0, True)
    assert "PSR610" not in world.run("plan", MANIFEST).output
    assert world.run("ledger", "init", env=PERSON).code == 0
    assert "PSR610" not in world.run("plan", MANIFEST, env=CI).output
    assert "PSR610" not in world.run("status", MANIFEST, env=CI).output


@pytest.mark.parametrize("command", [("reconcile",), ("resolve", "crawl/a", "--placed", "1", "--yes")])
def test_settling_without_a_ledger(world: World, command: tuple[str, ...]) -> None:
    """Where there is none, `reconcile` and `resolve` end in 5 and make none; in a new one nothing is in doubt."""
    result = world.run(*command, env=PERSON)
    assert (result.code, f"there is no ledger at {world.ledger}" in result.err) == (5, True)
    assert not Path(world.ledger).exists()
    assert world.run("ledger", "init", env=PERSON).code == 0
    assert world.run(*command, env=PERSON).code == (0 if command == ("reconcile",) else 2)


def test_doctor_knows_that_ci_makes_none(world: World) -> None:
    """In CI a missing ledger is a failure with the command that makes it; at a desk it is none."""

    def ledger(env: dict[str, str]) -> dict[str, str]:
        checks = world.run("doctor", "--offline", "-f", "json", env=env).json["checks"]
        (check,) = [check for check in checks if check["name"] == "ledger"]
        return {"state": check["state"], "hint": check["hint"] or ""}

    assert ledger(CI)["state"] == "failed"
    assert "order-runner ledger init" in ledger(CI)["hint"]
    assert ledger({})["state"] != "failed"
    assert world.run("ledger", "init", env=PERSON).code == 0
    assert ledger(CI)["state"] != "failed"


def test_no_ledger_outside_ci(world: World) -> None:
    """A first plan needs no ledger; one of 0 bytes, as a failed recovery leaves it, is told, and `status` tells both."""
    world.manifest(ipv4("a"))
    assert "PSR610" not in world.run("plan", MANIFEST).output
    assert "PSR610 no ledger was read" in world.run("status").err
    world.ledger.touch()
    for command in (("plan", MANIFEST), ("apply", "--dry-run", MANIFEST), ("status",), ("status", MANIFEST)):
        result = world.run(*command, reported=None)
        assert (result.code, "PSR610" in result.output, "only an empty file" in result.output) == (0, True, True)
