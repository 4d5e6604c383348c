"""What the environment says to a program, in the words that a command line takes."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import click
import pytest

from runner.cli import cli
from runner.core.errors import UsageError
from runner.core.secrets import ApiKey
from runner.core.selection import Selection
from runner.limits.limits import Limits
from runner.run import environment
from runner.run.settings import Settings


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("120", Decimal(120)),
        ("0", Decimal(0)),
        ("0.5", Decimal("0.5")),
        ("999999999999.99", Decimal("999999999999.99")),
    ],
)
def test_an_amount_is_money(text: str, amount: Decimal) -> None:
    """A sum from 0, with two decimals at most."""
    assert environment.amount_of(text) == amount


@pytest.mark.parametrize(
    "text",
    ["", "x", "-1", "1.001", "nan", "inf", "-inf", "1,50", "1e2", "1e999", "1_0", "+1", " 1", "\u0661", "1" * 13],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    """No sum of money is guessed."""
    with pytest.raises(ValueError, match="is not an amount"):
        environment.amount_of(text)


def test_a_variable_is_named_after_its_option() -> None:
    """`--x-y` is `ORDER_RUNNER_X_Y`."""
    assert environment.variable("--max-spend") == "ORDER_RUNNER_MAX_SPEND"


@pytest.mark.parametrize("text", ["", " ", "\t\n"])
@pytest.mark.parametrize("option", sorted(environment.OPTIONS - {"base-url"}))
def test_an_empty_variable_is_an_error(option: str, text: str) -> None:
    """A limit, a place or a yes that is made from a variable which does not exist is never taken for none."""
    name = environment.variable(option)
    with pytest.raises(UsageError, match=f"{name} is set and empty"):
        environment.check({name: text})
    environment.check({name: "anything"})


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("ORDER_RUNNER_MAXSPEND", "ORDER_RUNNER_MAX_SPEND"),
        ("ORDER_RUNNER_MAX_SPENT", "ORDER_RUNNER_MAX_SPEND"),
        ("order_runner_max_spend", "ORDER_RUNNER_MAX_SPEND"),
        ("ORDERRUNNER_POLICY", "ORDER_RUNNER_POLICY"),
        ("ORDER_RUNNER_BASE_URL", "PROXY_SELLER_BASE_URL"),
        ("ORDER_RUNNER_ZZ", "an option's name"),
        ("ORDER_RUNNER_", "an option's name"),
    ],
)
def test_a_mistyped_variable_is_an_error(name: str, meant: str) -> None:
    """A variable of ours that no option has is named, with the nearest that one has: its limit would not hold."""
    with pytest.raises(UsageError, match=f"{name} is no variable") as error:
        environment.check({name: "5.00"})
    assert meant in (error.value.hint or "")


def test_variables_that_are_nobodys_limit_pass() -> None:
    """Kubernetes names the services of a namespace in every pod; the project's tests have variables of their own."""
    environment.check(
        {
            "ORDER_RUNNER_DB_SERVICE_HOST": "10.0.0.7",
            "ORDER_RUNNER_DB_SERVICE_PORT_PG": "5432",
            "ORDER_RUNNER_DB_PORT_5432_TCP_ADDR": "10.0.0.7",
            "ORDER_RUNNER_TEST_COLD": "",
            "ORDERRUNNER": "/opt/order-runner",
        }
    )
    with pytest.raises(UsageError):
        environment.check({"ORDER_RUNNER_DB_PORT": "5432"})


def test_every_option_of_every_command_has_its_variable() -> None:
    """The variables that are known are those of the commands' options, no fewer and no more."""
    assert {variable for command in commands() for variable in variables_of(command)} == environment.variables()


def commands(group: click.Group = cli) -> Iterator[click.Command]:
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        yield from commands(command) if isinstance(command, click.Group) else [command]


def variables_of(command: click.Command) -> set[str]:
    return {str(param.envvar) for param in command.params if param.envvar}


@pytest.mark.parametrize(
    ("text", "yes"), [("1", True), ("Yes", True), (" on ", True), ("0", False), ("f", False), ("OFF", False)]
)
def test_yes_and_no_have_many_words(text: str, yes: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flag is set in the words that click knows."""
    monkeypatch.setenv("ORDER_RUNNER_STRICT", text)
    assert environment.flag("--strict") is yes


@pytest.mark.parametrize("option", ["--max-spend", "--max-orders", "--strict"])
def test_a_variable_that_cannot_be_read_is_named(option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """UsageError for a limit that is none: it is never taken for no limit."""
    monkeypatch.setenv(environment.variable(option), "-3x")
    read = {"--max-spend": environment.amount, "--max-orders": environment.count, "--strict": environment.flag}[option]
    with pytest.raises(UsageError, match=f"^{environment.variable(option)}: '-3x' is "):
        read(option)


def test_limits_of_the_program_count_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a program does not limit, the environment does; each limit is called as it was given."""
    monkeypatch.setenv("ORDER_RUNNER_MAX_SPEND", "5")
    monkeypatch.setenv("ORDER_RUNNER_MAX_ORDERS", "2")
    limits = environment.limits(Limits(max_orders=9))
    assert (limits.max_spend, limits.max_orders) == (Decimal(5), 9)
    names = [limits.name(option) for option in ("--max-spend", "--max-orders", "--large")]
    assert names == ["ORDER_RUNNER_MAX_SPEND", "max_orders", "large"]


def test_a_limit_of_nothing_is_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """0 is said, and not taken for unsaid."""
    monkeypatch.setenv("ORDER_RUNNER_MAX_SPEND", "5")
    monkeypatch.setenv("ORDER_RUNNER_MAX_ORDERS", "5")
    limits = environment.limits(Limits(max_spend=Decimal(0), max_orders=0))
    assert (limits.max_spend, limits.max_orders) == (0, 0)


def test_what_loosens_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program says itself what it allows: the environment can only narrow it."""
    for name, value in (("LARGE", "1000"), ("KEEP_GOING", "1"), ("YES", "1")):
        monkeypatch.setenv(f"ORDER_RUNNER_{name}", value)
    limits = environment.limits(Limits())
    assert (limits.large, limits.keep_going) == (None, False)


def test_origins_are_those_of_limits() -> None:
    """Only limits name themselves, and only those that were given by a name."""
    names = {"max_spend": "ORDER_RUNNER_MAX_SPEND", "ledger": "ORDER_RUNNER_LEDGER"}
    assert environment.origins_of(names) == {"--max-spend": "ORDER_RUNNER_MAX_SPEND"}


def test_settings_are_completed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a program does not say of ledger, account, address, key and pace is the environment's."""
    for name in ("LEDGER", "ACCOUNT", "API_KEY_FILE"):
        monkeypatch.setenv(f"ORDER_RUNNER_{name}", name.lower())
    monkeypatch.setenv("ORDER_RUNNER_RATE", "7")
    monkeypatch.setenv("PROXY_SELLER_BASE_URL", "https://example.test")
    settings = environment.settings(Settings(account="mine", rate=0))
    assert settings == Settings(
        ledger="ledger", account="mine", base_url="https://example.test", api_key_file=Path("api_key_file"), rate=0
    )
    assert environment.settings(Settings()).rate == 7
    monkeypatch.setenv("ORDER_RUNNER_RATE", "auto")
    assert environment.settings(Settings()).rate == "auto"


@pytest.mark.parametrize(
    "named",
    [
        Settings(ledger="l.db"),
        Settings(account="team"),
        Settings(base_url="https://example.test"),
        Settings(api_key=ApiKey("Canary-9fX2mQ7pL0tZ")),
        Settings(api_key_file=Path("key")),
    ],
)
def test_the_sandbox_is_nobody_elses_account(named: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that names an account is not led into the sandbox, nor the other way round."""
    monkeypatch.setenv("ORDER_RUNNER_SANDBOX", "1")
    with pytest.raises(UsageError, match="ORDER_RUNNER_SANDBOX is set"):
        environment.settings(named)
    assert environment.settings(Settings()).sandbox


def test_a_selection_is_of_the_program_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several patterns are separated by blanks; none of them is added to those of a program."""
    monkeypatch.setenv("ORDER_RUNNER_ONLY", "fr-* de-*")
    monkeypatch.setenv("ORDER_RUNNER_EXCLUDE", "fr-9")
    monkeypatch.setenv("ORDER_RUNNER_LABEL", "team=web")
    expected = Selection(only=("fr-*", "de-*"), exclude=("fr-9",), labels=(("team", "web"),))
    assert environment.selection(Selection()) == expected
    assert environment.selection(Selection(exclude=("x",))) == Selection(exclude=("x",))


def test_a_dry_run_buys_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the environment wants no purchase, a program makes none."""
    environment.refuse_dry_run()
    monkeypatch.setenv("ORDER_RUNNER_DRY_RUN", "offline")
    with pytest.raises(UsageError, match="ORDER_RUNNER_DRY_RUN is offline"):
        environment.refuse_dry_run()
