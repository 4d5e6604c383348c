"""Every exit code by a real cause, and which one wins where two apply."""

import signal
from decimal import Decimal

import pytest
from harness import CANARY, MANIFEST, World, ipv4


def ended(world: World) -> tuple[int, str]:
    """Code and name that the report tells; the harness has held the code against the process."""
    found = world.report()["run"]["exit"]
    return found["code"], found["name"]


def test_0_everything_wanted_is_bought(world: World) -> None:
    """0 for a batch that was bought, and for one with nothing left to buy."""
    world.manifest(ipv4("a"), ipv4("off", enabled=False))
    for _ in range(2):
        assert world.apply().code == 0
        assert ended(world) == (0, "ok")


@pytest.mark.parametrize(
    "arguments",
    [
        ("apply", "--nonsense", MANIFEST),
        ("apply", "--yes"),
        ("apply", "--dry-run=sometimes", MANIFEST),
        ("apply", "--yes", "--max-spend", "many", MANIFEST),
        ("apply", "--yes", "--max-spend", "-1", MANIFEST),
        ("apply", "--yes", "--money-timeout", "5", MANIFEST),
        ("apply", "--yes", "-f", "yaml", MANIFEST),
        ("apply", "--yes", "-f", "json", "-f", "text", MANIFEST),
        ("apply", "--yes", "--report", "-", "-f", "json", MANIFEST),
        ("apply", "--yes", "--sandbox", "--ledger", "x", MANIFEST),
        ("apply", "--yes", "--account", "../x", MANIFEST),
        ("apply", "--yes", "--ledger", "mysql://host/db", MANIFEST),
        ("plan", "--rate", "-1", MANIFEST),
        ("reference", "ipv5"),
        ("schema", "nothing"),
        ("sandbox", "--fault", "nonsense"),
        ("sandbox", "--switch", "nonsense=1"),
        ("nonsense",),
    ],
)
def test_2_a_call_that_makes_no_sense(world: World, arguments: tuple[str, ...]) -> None:
    """2 for a bad option, value or combination, said on stderr in one line and a hint, before anything is asked."""
    world.manifest(ipv4("a"))
    result = world.run(*arguments)
    assert result.code == 2
    assert result.err.startswith("error: ")
    assert result.out == ""
    assert world.box.requests == ()


@pytest.mark.parametrize(
    "system",
    [{"TF_BUILD": "True"}, {"TEAMCITY_VERSION": "2025.03"}, {"CI": "false", "JENKINS_URL": "https://ci.example"}],
)
def test_2_no_named_ledger_in_a_system_without_ci(world: World, system: dict[str, str]) -> None:
    """2 in a job of a system that does not set CI, or that somebody told `CI=false`: its disk is thrown away as well."""
    world.manifest(ipv4("a"))
    result = world.apply(env={**system, "ORDER_RUNNER_LEDGER": None})
    assert result.code == 2
    assert f"error: {list(system)[-1]} is set and no ledger is named" in result.err
    assert world.box.requests == ()
    doctor = world.run("doctor", "--offline", "-f", "json", env=system).json["checks"]
    assert [check["facts"]["ci"] for check in doctor if check["name"] == "terminal"] == [True]


@pytest.mark.parametrize("command", [("apply", "--yes"), ("apply", "--dry-run=offline")])
def test_2_no_named_ledger_in_ci(world: World, command: tuple[str, ...]) -> None:
    """2 with CI set and no ledger named: what is bought would be forgotten, and bought again."""
    world.manifest(ipv4("a"))
    result = world.run(*command, MANIFEST, env={"CI": "1", "ORDER_RUNNER_LEDGER": None})
    assert result.code == 2
    assert "--ledger" in result.err
    assert world.box.requests == ()
    world.make_ledger()
    assert world.apply(env={"CI": "1"}).code == 0
    assert world.apply(MANIFEST, env={"CI": "false", "ORDER_RUNNER_LEDGER": None}).code == 0


@pytest.mark.parametrize(
    "command",
    [
        ("apply", "--yes", MANIFEST),
        ("apply", "--dry-run=offline", MANIFEST),
        ("plan", MANIFEST),
        ("status",),
        ("status", MANIFEST),
        ("reconcile",),
        ("resolve", "crawl/a", "--placed", "1", "--yes"),
        ("ledger", "export"),
        ("ledger", "verify"),
        ("ledger", "verify", "export.jsonl"),
        ("ledger", "import", "export.jsonl"),
        ("doctor", "--offline"),
    ],
)
def test_2_a_ledger_that_nobody_can_have_meant(world: World, command: tuple[str, ...]) -> None:
    """2 for a ledger named by an unfilled variable, by option or environment, and nothing is made or asked."""
    world.manifest(ipv4("a"))
    (world.root / "export.jsonl").write_text("")
    before = sorted(world.root.iterdir())
    for text in ("${LEDGER}", "host=db password=s3cret", "postgresql:/db/orders"):
        for result in (
            world.run(*command, env={"USER": "ann", "ORDER_RUNNER_LEDGER": text}),
            world.run(*command, "--ledger", text, env={"USER": "ann", "ORDER_RUNNER_LEDGER": None}),
        ):
            assert result.code == 2
            assert "sqlite:////" in result.output
            assert "s3cret" not in result.output
    assert world.run(*command, env={"ORDER_RUNNER_LEDGER": ""}).code == 2
    assert {path for path in world.root.iterdir() if "report" not in path.name} == set(before)
    assert world.box.requests == ()


def test_3_access_refused(world: World) -> None:
    """3 where the vendor refuses the key at the first question."""
    world.manifest(ipv4("a"))
    assert world.apply(env={"PROXY_SELLER_API_KEY": "another-key-altogether"}).code == 3
    assert ended(world) == (3, "access")


def test_4_invalid_manifest(world: World) -> None:
    """4 for findings."""
    world.manifest(ipv4("a", quantity=0))
    assert world.apply().code == 4
    assert ended(world) == (4, "invalid")


def test_5_refused_by_a_guard(world: World) -> None:
    """5 where a limit is above what is allowed, and no money moved."""
    world.manifest(ipv4("a"))
    assert world.apply("--max-spend", "1", MANIFEST).code == 5
    assert ended(world) == (5, "refused")


def test_6_refused_by_the_vendor(world: World) -> None:
    """6 where the vendor said no to an order itself."""
    world.manifest(ipv4("a"))
    world.box.add_fault("no-funds@1")
    assert world.apply().code == 6
    assert ended(world) == (6, "orders_failed")


def test_7_outcome_unknown(world: World) -> None:
    """7 where a charge is possible, in this run and in the next."""
    world.manifest(ipv4("a"))
    world.box.add_fault("reset-after@1")
    for _ in range(2):
        assert world.apply().code == 7
        assert ended(world) == (7, "outcome_unknown")


def test_9_busy(world: World) -> None:
    """9 while another run holds the account."""
    world.manifest(ipv4("a"))
    world.hold_answer(1)
    first = world.start("apply", "--yes", "--report", "first.json", MANIFEST)
    world.wait_for(lambda: world.bought == ["a"], first)
    assert world.apply().code == 9
    assert ended(world) == (9, "busy")
    world.release()
    assert world.finish(first, "apply", "--yes", "--report", "first.json", MANIFEST).code == 0


def test_unknown_wins_over_refused(world: World) -> None:
    """7 before 5: one order has no price, another may have been charged."""
    world.manifest(ipv4("a", countryId=9), ipv4("b"))
    world.box.add_fault("close-after@1")
    assert world.apply("--keep-going", MANIFEST).code == 7
    assert [entry["status"] for entry in world.report()["orders"]] == ["refused", "unknown"]


def test_unknown_wins_over_access(world: World) -> None:
    """7 before 3: an order is open, and the key does not work any more."""
    world.manifest(ipv4("a"), ipv4("b"))
    world.box.add_fault("close-after@1")
    assert world.apply().code == 7
    assert world.apply(env={"PROXY_SELLER_API_KEY": "another-key-altogether"}).code == 7
    assert world.run("plan", MANIFEST, env={"PROXY_SELLER_API_KEY": "another-key-altogether"}).code == 7


def test_unknown_wins_over_rejected(world: World) -> None:
    """7 before 6: one order was refused by the vendor, the next one may have been charged."""
    world.manifest(ipv4("a"), ipv4("b"))
    world.box.add_fault("no-funds@1")
    world.box.add_fault("close-after@2")
    world.hold_answer(1)
    process = world.start("apply", "--yes", MANIFEST)
    world.wait_for(lambda: world.money_requests == 1, process)
    world.box.set_balance(Decimal(500), CANARY)
    world.release()
    assert world.finish(process, "apply", "--yes", MANIFEST).code == 7
    assert [entry["status"] for entry in world.report()["orders"]] == ["rejected", "unknown"]


def test_access_wins_over_refused(world: World) -> None:
    """3 before 5: one order has no price, and the vendor refuses the key at the next."""
    world.manifest(ipv4("a", countryId=9), ipv4("b"))
    world.box.add_fault("triple@1")
    assert world.apply("--keep-going", MANIFEST).code == 3


def test_rejected_wins_over_refused(world: World) -> None:
    """6 before 5: one order has no price, another was refused at the purchase."""
    world.manifest(ipv4("a", countryId=9), ipv4("b"))
    world.box.add_fault("no-funds@1")
    assert world.apply("--keep-going", MANIFEST).code == 6
    assert [entry["status"] for entry in world.report()["orders"]] == ["refused", "rejected"]


@pytest.mark.parametrize(("fault", "code"), [("close-after@1", 7), ("no-funds@1", 6), ("triple@1", 3)])
def test_a_signal_hides_no_worse_outcome(world: World, fault: str, code: int) -> None:
    """7, 3 and 6 before 8: the order in flight when the signal came ended worse than that."""
    world.manifest(ipv4("a"), ipv4("b"))
    world.box.add_fault(fault)
    world.hold_answer(1)
    process = world.start("apply", "--yes", MANIFEST)
    world.wait_for(lambda: world.money_requests == 1, process)
    world.signal(process, signal.SIGTERM)
    world.release()
    assert world.finish(process, "apply", "--yes", MANIFEST).code == code
    assert world.money_requests == 1


def test_cancelled_wins_over_refused(world: World) -> None:
    """8 before 5: one order has no price, and a signal stopped the rest."""
    world.manifest(ipv4("a", countryId=9), ipv4("b"), ipv4("c"))
    world.hold_answer(1)
    process = world.start("apply", "--yes", "--keep-going", MANIFEST)
    world.wait_for(lambda: world.money_requests == 1, process)
    world.signal(process, signal.SIGTERM)
    world.release()
    assert world.finish(process, "apply", "--yes", "--keep-going", MANIFEST).code == 8
    assert ended(world) == (8, "cancelled")
    assert [entry["status"] for entry in world.report()["orders"]] == ["refused", "placed", "planned"]
