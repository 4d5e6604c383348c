"""Policies, budgets over runs, copies and unusual prices: each refused by the command, by name, number and place."""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from harness import ASKED_EACH_TIME, CANARY, MANIFEST, PRICE, Process, World, ipv4

from tests.pgserver import NoServer, server

POLICY = "order-runner.yaml"


def policy(world: World, text: str, name: str = POLICY) -> str:
    return world.write(name, f"apiVersion: policy/v1\n{text}")


def findings(world: World, report: str = "report.json") -> list[Any]:
    told = world.report(report)
    return [*told["errors"], *(error for entry in told["orders"] for error in entry["errors"])]


# -- budgets over runs


def test_a_budget_holds_over_runs_and_manifests(world: World) -> None:
    """What other runs spent today counts: exit 5, nothing bought, and budget, sums, day and place are named."""
    policy(world, 'budgets: {day: "3.60"}\n')
    for name in "ab":
        world.manifest(ipv4(name), name=f"{name}.yaml", batch=name)
        assert world.apply(f"{name}.yaml").code == 0
    world.manifest(ipv4("c"), name="c.yaml", batch="c")
    result = world.apply("c.yaml")
    assert result.code == 5
    assert world.bought == ["a", "b"]
    (finding,) = findings(world)
    assert (finding["code"], finding["file"], finding["line"]) == ("PSR430", POLICY, 2)
    for words in ("1.80 to spend", "3.60 spent", "make 5.40", "above budgets.day 3.60 (order-runner.yaml:2:16)"):
        assert words in finding["message"]
        assert words in result.out
    assert world.run("plan", "c.yaml").code == 5
    assert world.run("plan", "a.yaml").code == 0


def test_what_may_have_been_spent_is_spent(world: World) -> None:
    """An order in doubt counts with its quote, also once a person has said that it was placed."""
    policy(world, 'budgets: {week: "3.59"}\n')
    world.box.add_fault("reset-after@1")
    world.manifest(ipv4("a"), name="a.yaml", batch="a")
    world.manifest(ipv4("b"), name="b.yaml", batch="b")
    assert world.apply("a.yaml").code == 7
    assert {finding["code"] for finding in findings_of_plan(world, "b.yaml")} == {"PSR430"}
    assert (
        world.run("resolve", "a/a", "--placed", "2426273", "--reason", "seen", "--yes", env={"USER": "alice"}).code == 0
    )
    assert world.apply("b.yaml").code == 5
    assert world.bought == ["a"]


def findings_of_plan(world: World, path: str) -> list[Any]:
    return list(world.run("plan", path, "-f", "json").json["objections"])


def test_no_option_loosens_a_budget(world: World) -> None:
    """Neither a greater --max-spend, nor another policy, nor its variable lifts the budget of the policy that is found."""
    policy(world, 'budgets: {month: "1.79"}\n')
    other = policy(world, 'budgets: {month: "1000.00"}\n', name="elsewhere/wide.yaml")
    world.manifest(ipv4("a"))
    assert world.apply("--max-spend", "100", MANIFEST).code == 5
    assert world.apply("--policy", other, MANIFEST).code == 5
    assert world.apply(MANIFEST, env={"ORDER_RUNNER_POLICY": other}).code == 5
    assert [held["path"] for held in world.report()["inputs"]["policies"]] == [other, POLICY]
    assert world.bought == []


def test_a_policy_holds_without_git(world: World) -> None:
    """In an unpacked archive, from a subfolder, the policy at the top holds: found by owner, or by CI's workspace."""
    top = world.root.parent
    policy(world, 'budgets: {month: "1.79"}\n', name="../order-runner.yaml")
    world.manifest(ipv4("a"))
    assert world.apply().code == 5
    top.chmod(0o777)
    assert world.apply(env={"BUILD_SOURCESDIRECTORY": str(top)}).code == 5
    assert world.bought == []
    assert world.apply(env={"BUILD_SOURCESDIRECTORY": str(world.root)}).code == 0


def test_a_second_file_name_does_not_make_an_account_exclusive(world: World) -> None:
    """`order-runner.yml` beside `order-runner.yaml` cannot say what that does not say; both together can."""
    policy(world, 'budgets: {month: "100.00"}\n')
    policy(world, "exclusive: true\n", name="order-runner.yml")
    assert exclusive(world) is False
    policy(world, "exclusive: true\n")
    assert exclusive(world) is True


def exclusive(world: World) -> bool:
    checks = world.run("doctor", "--offline", "-f", "json").json["checks"]
    return next(bool(check["facts"]["exclusive"]) for check in checks if check["name"] == "policies")


@pytest.mark.parametrize("how", [("--require-policy",), ("env",)])
def test_a_required_policy_that_is_missing_refuses(world: World, how: tuple[str, ...]) -> None:
    """With --require-policy, or its variable, a checkout without its policy buys nothing: PSR712; with one it does."""
    flags, env = ((), {"ORDER_RUNNER_REQUIRE_POLICY": "1"}) if how == ("env",) else (how, {})
    world.manifest(ipv4("a"))
    assert world.apply(*flags, MANIFEST, env=env).code == 5
    assert [finding["code"] for finding in findings(world)] == ["PSR712"]
    assert world.run("plan", *flags, MANIFEST, env=env).code == 5
    checked = world.run("validate", *flags, MANIFEST, env=env)
    assert (checked.code, "PSR712" in checked.out) == (4, True)
    assert world.bought == []
    policy(world, 'budgets: {month: "100.00"}\n')
    assert world.run("validate", *flags, MANIFEST, env=env).code == 0
    assert world.apply(*flags, MANIFEST, env=env).code == 0


@pytest.mark.parametrize("fmt", ["text", "markdown"])
def test_plan_and_report_name_the_policies_that_held(world: World, fmt: str) -> None:
    """So that nobody believes in a limit that was not there: by path, or none."""
    world.manifest(ipv4("a"))
    for paths in ("none", POLICY):
        if paths == POLICY:
            policy(world, 'budgets: {month: "100.00"}\n')
        for command in (("plan",), ("apply", "--yes"), ("apply", "--dry-run")):
            lines = world.run(*command, MANIFEST, "-f", fmt).out.splitlines()
            named = [line for line in lines if "policies" in line]
            assert named
            assert all(re.fullmatch(r"(- )?policies:? +`?" + re.escape(paths) + "`?", line) for line in named)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("ORDER_RUNNER_MAX_SPEND", "", "is set and empty"),
        ("ORDER_RUNNER_MAX_SPEND", " ", "empty"),
        ("ORDER_RUNNER_POLICY", "", "is set and empty"),
        ("ORDER_RUNNER_ACCOUNT", "", "is set and empty"),
        ("ORDER_RUNNER_DRY_RUN", "", "is set and empty"),
        ("PROXY_SELLER_BASE_URL", "", "is set and empty"),
        ("ORDER_RUNNER_MAX_SPENT", "1.00", "did you mean ORDER_RUNNER_MAX_SPEND?"),
        ("ORDER_RUNNER_MAXORDERS", "1", "did you mean ORDER_RUNNER_MAX_ORDERS?"),
        ("ORDER_RUNER_MAX_SPEND", "1.00", "did you mean ORDER_RUNNER_MAX_SPEND?"),
        ("ODRERRUNNER_MAX_SPEND", "1.00", "did you mean ORDER_RUNNER_MAX_SPEND?"),
        ("ORDERS_RUNNER_MAX_ORDERS", "1", "did you mean ORDER_RUNNER_MAX_ORDERS?"),
        ("ORDER__RUNNER_POLICY", "p.yaml", "did you mean ORDER_RUNNER_POLICY?"),
        ("order-runner.max-spend", "1.00", "did you mean ORDER_RUNNER_MAX_SPEND?"),
        ("PROXY_SELLER_BASEURL", "http://127.0.0.1:1", "did you mean PROXY_SELLER_BASE_URL?"),
        ("ORDER_RUNNER_MAX_SPEND", "nan", "is not an amount"),
        ("ORDER_RUNNER_MAX_ORDERS", "inf", "is not a whole number"),
        ("ORDER_RUNNER_TIMEOUT", "nan", "is not a number of seconds"),
    ],
)
def test_a_variable_that_sets_no_limit_is_an_error(world: World, name: str, text: str, words: str) -> None:
    """Empty, mistyped or no number: exit 2, the variable named, by every command, and nothing is bought."""
    world.manifest(ipv4("a"))
    for command in (("apply", "--yes", MANIFEST), ("plan", MANIFEST)):
        result = world.run(*command, env={name: text}, reported=False)
        assert result.code == 2
        assert words in result.err
        assert name in result.err
    assert world.bought == []


def test_variables_of_others_are_none_of_ours(world: World) -> None:
    """What only looks a little like one of ours stops nothing: a runner's, a work order's, another tool's for the vendor."""
    world.manifest(ipv4("a"))
    others = (
        "RUNNER_OS RUNNER_LABEL ORDER_ID ORDER_TIMEOUT REORDER_RUNNERS_X WORK_ORDER_RUNNER_POLICY PROXY_SELLER_LOGIN"
    )
    assert world.run("plan", MANIFEST, env=dict.fromkeys(others.split(), "x")).code == 0


NUMBERS = ("nan", "inf", "-inf", "1e999", "-1", "1_0", "", "9" * 30)


@pytest.mark.parametrize(
    "option",
    ["--timeout", "--money-timeout", "--lock-timeout", "--rate", "--max-orders", "--max-spend", "--large", "--max-age"],
)
def test_what_is_no_number_is_exit_2(world: World, option: str) -> None:
    """In every option that takes a number: nothing is claimed, nothing is sent."""
    world.manifest(ipv4("a"))
    for number in NUMBERS:
        assert world.apply(f"{option}={number}", MANIFEST, reported=False).code == 2, number
    assert world.bought == []
    assert world.run("status").code == 0


@pytest.mark.parametrize("option", ["--balance=", "--port=", "--switch=latency="])
def test_the_sandbox_takes_no_such_number_either(world: World, option: str) -> None:
    """Exit 2, without a trace; it would have served an account with `NaN` in it."""
    for number in NUMBERS:
        assert world.run("sandbox", f"{option}{number}").code == 2, number


def test_another_policy_tightens(world: World) -> None:
    """A policy named by the environment, from a place that no pull request can change, holds beside the one found."""
    policy(world, 'budgets: {day: "100.00"}\n')
    other = policy(world, "allow: {types: [isp]}\n", name="elsewhere/narrow.yaml")
    world.manifest(ipv4("a"))
    result = world.apply(env={"ORDER_RUNNER_POLICY": other})
    assert result.code == 5
    assert "allow.types (elsewhere/narrow.yaml:2:16)" in result.out
    assert world.bought == []


def test_a_policy_holds_wherever_the_command_is_run(world: World) -> None:
    """A manifest takes its repository's policies with it; starting elsewhere is no way around them."""
    policy(world, 'budgets: {day: "1.00"}\n', name="repository/order-runner.yaml")
    (world.root / "repository/.git").mkdir()
    world.manifest(ipv4("a"), name="repository/orders/a.yaml")
    result = world.apply("repository/orders")
    assert result.code == 5
    assert "repository/order-runner.yaml:2:16" in result.out
    assert world.bought == []


def test_v_names_the_policies(world: World) -> None:
    """Which files held is told with -v, and always in the report; a run without one says so."""
    world.manifest(ipv4("a"))
    assert "policy: none" in world.run("plan", "-v", MANIFEST).err
    policy(world, "exclusive: true\n")
    assert f"policy: {POLICY}" in world.run("plan", "-v", MANIFEST).err
    assert f"policy: {POLICY}" in world.run("validate", "-v", MANIFEST).err


# -- races


@pytest.fixture(params=["sqlite", "postgres"])
def ledger(request: pytest.FixtureRequest, world: World) -> Iterator[str]:
    """A ledger that several processes can share."""
    if request.param == "sqlite":
        yield str(world.ledger)
        return
    try:
        with server() as running:
            yield running.create()
    except NoServer as error:
        pytest.skip(f"no PostgreSQL to test with: {error}")


def test_racing_runs_do_not_pass_a_budget_together(world: World, ledger: str) -> None:
    """Four processes at once, each with an order of its own, and a budget for two of them: two are bought, two refused."""
    policy(world, 'budgets: {day: "3.60"}\n')
    calls = []
    for name in "abcd":
        world.manifest(ipv4(name), name=f"{name}.yaml", batch=name)
        calls.append(("apply", "--yes", "--report", f"{name}.json", "--lock-timeout", "100", f"{name}.yaml"))
    env = {"ORDER_RUNNER_LEDGER": ledger}
    processes = [world.start(*call, env=env) for call in calls]
    codes = [world.finish(process, *call).code for process, call in zip(processes, calls, strict=True)]
    assert sorted(codes) == [0, 0, 5, 5]
    assert len(world.bought) == 2
    assert 1000 - world.balance == 2 * PRICE


def test_a_waiting_run_counts_what_was_bought_meanwhile(world: World) -> None:
    """A run that waits for the account decides by what it finds when it has it, not by what it saw before."""
    policy(world, 'budgets: {day: "1.80"}\n')
    world.manifest(ipv4("a"), name="a.yaml", batch="a")
    world.manifest(ipv4("b"), name="b.yaml", batch="b")
    world.hold_answer(1)
    first = ("apply", "--yes", "--report", "a.json", "a.yaml")
    process: Process = world.start(*first)
    world.wait_for(lambda: len(world.purchases) == 1, process)
    second = ("apply", "--yes", "--lock-timeout", "100", "b.yaml")
    waiting = world.start(*second)
    world.release()
    assert world.finish(process, *first).code == 0
    assert world.finish(waiting, *second).code == 5
    assert world.bought == ["a"]


def test_a_limit_is_checked_again_right_before_each_purchase(world: World) -> None:
    """Prices that rise within their tolerance do not carry the sum above a limit: what fits is bought, the rest refused."""
    world.box.add_fault("price-up-quote@2:10")
    orders = (ipv4(name, **ASKED_EACH_TIME) for name in "ab")
    world.manifest(*orders, budget={"price_tolerance": "0.5", "max_total": "3.60"})
    result = world.apply()
    assert result.code == 5
    assert world.bought == ["a"]
    (finding,) = world.order("b")["errors"]
    assert (finding["code"], finding["line"]) == ("PSR405", world.line_of('name: "b"'))
    for words in ("costs 3.96, 1.98 of it spent already", f"above budget.max_total 3.60 ({MANIFEST}:"):
        assert words in finding["message"]


# -- what may be ordered at all


def test_a_policy_is_checked_offline(world: World) -> None:
    """`validate` holds orders against the policy: exit 4, each breach at its field, no question to the vendor."""
    policy(
        world,
        "allow: {types: [ipv4], periods: [1w], payments: [balance], max_quantity: {any: 1}}\nrequire_labels: [team]\n",
    )
    world.manifest(ipv4("a", quantity=2, paymentId=43), ipv4("b", periodId="1w", labels={"team": "x"}))
    result = world.run("validate", MANIFEST)
    assert result.code == 4
    for words in ('periodId: "1m"', "quantity: 2", "paymentId: 43"):
        assert f"{MANIFEST}:{world.line_of(words)}:" in result.out
    assert [line.split()[1] for line in result.out.splitlines() if "PSR7" in line].count("PSR710") == 3
    assert "PSR711" in result.out
    assert "/b" not in result.out
    assert world.box.requests == ()


def test_a_forbidden_order_is_refused_and_the_others_can_go_on(world: World) -> None:
    """`apply` refuses it at its line, exit 5; with --keep-going the allowed one is bought."""
    policy(world, "allow: {countries: [561]}\n")
    world.manifest(ipv4("a", countryId=4480), ipv4("b"))
    assert world.apply().code == 5
    assert world.bought == []
    assert world.apply("--keep-going", MANIFEST).code == 5
    assert world.bought == ["b"]
    (finding,) = world.order("a")["errors"]
    assert (finding["code"], finding["field"], finding["line"]) == ("PSR710", "countryId", world.line_of("4480"))
    assert finding["message"] == f"country or package 4480 is not allowed: allow.countries ({POLICY}:2:20) has 561"


def test_an_order_bought_before_a_policy_is_left_in_peace(world: World) -> None:
    """What was bought stays bought: a policy that came later does not stop the runs after it."""
    world.manifest(ipv4("a"))
    assert world.apply().code == 0
    policy(world, "allow: {types: [isp]}\n")
    assert world.apply().code == 0
    assert world.report()["summary"]["already_placed"] == 1


@pytest.mark.parametrize("command", [("validate",), ("plan",), ("apply", "--yes")])
def test_a_wrong_policy_stops_everything(world: World, command: tuple[str, ...]) -> None:
    """A policy that cannot be understood is exit 4 with its place; it never counts as no policy."""
    policy(world, 'budget: {day: "1.00"}\n')
    world.manifest(ipv4("a"))
    result = world.run(*command, MANIFEST)
    assert result.code == 4
    assert "order-runner.yaml:2:1: PSR703 unknown field `budget`, did you mean `budgets`?" in result.output
    assert (world.box.requests, world.bought) == ((), [])


def test_a_policy_that_is_not_there_is_exit_2(world: World) -> None:
    """A policy that is named has to be there."""
    world.manifest(ipv4("a"))
    assert world.apply("--policy", "nowhere.yaml", MANIFEST).code == 2
    assert world.bought == []


# -- numbers, copies, unusual prices


def test_max_orders(world: World) -> None:
    """More orders than said are refused; those already bought do not count."""
    world.manifest(ipv4("a"), ipv4("b"))
    result = world.apply("--max-orders", "1", MANIFEST)
    assert result.code == 5
    assert [finding["code"] for finding in findings(world)] == ["PSR431"]
    assert "2 orders would be bought, above --max-orders 1" in result.out
    assert "ORDER_RUNNER_MAX_ORDERS 1" in world.apply(env={"ORDER_RUNNER_MAX_ORDERS": "1"}).out
    assert world.bought == []
    assert world.apply("--max-orders", "2", MANIFEST).code == 0
    assert world.apply("--max-orders", "0", MANIFEST).code == 0
    assert world.bought == ["a", "b"]


def test_copies_in_the_manifests_are_a_warning(world: World) -> None:
    """Two orders alike but for their names: told at the second with the place of the first, bought; --strict is exit 4."""
    world.manifest(ipv4("a"), ipv4("b", customTargetName="a"))
    for command in (("validate",), ("plan",), ("apply", "--yes")):
        result = world.run(*command, "--strict", MANIFEST)
        assert result.code == 4
        second = world.line_of('name: "b"')
        assert (
            f"{MANIFEST}:{second}:11: PSR320 identical but for the name to the order at {MANIFEST}:4:11"
            in result.output
        )
    assert world.bought == []
    assert world.run("validate", MANIFEST).code == 0
    assert world.apply().code == 0
    assert world.bought == ["a", "a"]
    assert [(f["code"], f["category"]) for f in world.report()["errors"]] == [("PSR320", "warning")]


def test_a_copy_of_what_was_bought_today_is_a_warning(world: World) -> None:
    """It names the order, its id and when; with --strict it is refused, exit 5."""
    world.manifest(ipv4("a"), name="a.yaml")
    assert world.apply("a.yaml").code == 0
    world.manifest(ipv4("b", customTargetName="a"), name="b.yaml")
    result = world.apply("--strict", "b.yaml")
    assert result.code == 5
    (finding,) = world.order("b")["errors"]
    assert (finding["code"], finding["category"], finding["line"]) == ("PSR433", "refused", 4)
    assert "crawl/a, claimed at" in finding["message"]
    assert "bought as order 2426273" in finding["message"]
    plan = world.run("plan", "b.yaml")
    assert plan.code == 0
    assert "b.yaml:4:11: PSR433 warning:" in plan.out
    assert world.apply("b.yaml").code == 0
    assert [(f["code"], f["category"]) for f in world.order("b")["errors"]] == [("PSR433", "warning")]
    assert world.bought == ["a", "a"]


def test_the_next_generation_is_meant(world: World) -> None:
    """Raising a generation buys the same again without a word, --strict or not."""
    world.manifest(ipv4("a"))
    assert world.apply().code == 0
    world.manifest(ipv4("a"), ipv4("a", generation=2))
    assert world.apply("--strict", MANIFEST).code == 0
    assert world.bought == ["a", "a"]
    assert findings(world) == []


def test_an_order_far_dearer_than_ever_asks_for_large(world: World) -> None:
    """More than ten times the dearest before: exit 5 with the exact option, which then lets it pass."""
    world.manifest(ipv4("a", quantity=1), ipv4("b", quantity=20))
    assert world.apply("--max-spend", "100", MANIFEST).code == 0, "an account without history has no such guard"
    world.manifest(ipv4("c", quantity=400), name="c.yaml")
    result = world.apply("c.yaml")
    assert result.code == 5
    (finding,) = world.order("c")["errors"]
    assert finding["code"] == "PSR432"
    total = world.order("c")["quote"]["total"]
    assert f"pass --large {total}" in finding["hint"]
    assert total in finding["message"]
    less = str(Decimal(total) - Decimal("0.01"))
    assert f"--large is only {less}" in world.apply("--large", less, "c.yaml").out
    assert world.bought == ["a", "b"]
    assert world.apply("--large", total, "c.yaml").code == 0
    assert world.bought == ["a", "b", "c"]


def test_a_warning_of_the_vendor_right_before_a_purchase_means_stop(world: World) -> None:
    """The second quote comes with a warning: that order is not sent, whatever the first quote said."""
    world.box.add_fault("no-funds@1")
    world.manifest(ipv4("a"), ipv4("b"))
    result = world.apply()
    assert result.code == 6
    (finding,) = world.order("b")["errors"]
    assert (finding["code"], finding["category"]) == ("PSR403", "refused")
    assert "no longer prices it" in finding["message"]
    assert (world.money_requests, world.bought) == (1, [])


def test_a_warning_of_the_vendor_in_the_plan_means_stop(world: World) -> None:
    """A quote with a warning is no price: exit 5 before anything is bought."""
    world.box.set_balance(Decimal("1.00"), CANARY)
    world.manifest(ipv4("a"))
    result = world.apply()
    assert result.code == 5
    assert "PSR403" in {finding["code"] for finding in findings(world)}
    assert world.money_requests == 0


def test_policies_are_completed_by_editors(world: World) -> None:
    """`schema policy` prints the published schema."""
    published = Path(__file__).resolve().parents[2] / "schemas/policy.schema.json"
    assert world.run("schema", "policy").out == published.read_text(encoding="utf-8")
