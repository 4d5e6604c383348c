"""The library keeps the promises of the command line: nothing is bought unasked, twice, or over a limit."""

from __future__ import annotations

import doctest
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import runner
from runner.cli import run
from runner.library import account as api
from runner.plan.plan import Plan
from runner.sandbox.box import Sandbox
from runner.sandbox.options import Options
from runner.sandbox.server import SandboxServer
from tests.library.conftest import MANIFEST

KEY = "Canary-9fX2mQ7pL0tZ_4vB8nR6wKd3Y"


@pytest.fixture
def box() -> Iterator[tuple[Sandbox, SandboxServer]]:
    """A vendor on loopback with an account of its own."""
    box = Sandbox(options=Options(accounts={KEY: Decimal("100.00")}))
    with box.serve() as server:
        yield box, server


@pytest.fixture
def account(desk: Path, box: tuple[Sandbox, SandboxServer]) -> runner.Account:
    return runner.Account(ledger=desk / "l.db", base_url=box[1].base_url, api_key=runner.ApiKey(KEY), rate=0)


def test_every_example_of_the_docstrings_is_true(desk: Path) -> None:
    """The examples in the docstrings run as they stand, one after the other, against the sandbox."""
    found = doctest.DocTestFinder(exclude_empty=True).find(api, globs=vars(api).copy())
    order = ("load", "sandbox", "plan", "apply", "status", "spent", "proxies", "reconcile")
    examples = {test.name.rpartition(".")[2]: test for test in found if test.examples}
    assert tuple(sorted(examples)) == tuple(sorted(order))
    running = doctest.DocTestRunner()
    for name in order:
        running.run(examples[name])
    assert running.summarize(verbose=False).failed == 0


def test_a_plan_is_bought_once_and_exactly(account: runner.Account, box: tuple[Sandbox, SandboxServer]) -> None:
    """What was planned is bought, the answer says for how much, and a second call buys nothing."""
    orders = runner.load("orders")
    planned = account.plan(orders)
    assert planned.total == Decimal("16.2")
    assert planned.balance_after == Decimal("83.8")
    done = account.apply(orders, approve=planned, report="report.json")
    assert [(str(order.key), order.status, order.total) for order in done.orders] == [
        ("crawl/fr-prices", "placed", Decimal("16.2"))
    ]
    assert (done.spent, done.balance_after) == (Decimal("16.2"), Decimal("83.8"))
    assert Path("report.json").exists()
    again = account.apply(orders, confirm=lambda _: True)
    assert [order.status for order in again.orders] == ["already_placed"]
    assert [row.state.value for row in account.status(orders)] == ["placed"]
    assert len(box[0].purchases) == 1


@pytest.mark.parametrize("words", [{}, {"approve": "sha256:" + "0" * 64, "confirm": lambda _: True}])
def test_nothing_is_bought_without_one_yes(
    words: dict[str, Any], account: runner.Account, box: tuple[Sandbox, SandboxServer]
) -> None:
    """Neither no yes at all nor two of them start a purchase: no request is made."""
    with pytest.raises(runner.UsageError):
        account.apply(runner.load("orders"), **words)
    assert box[0].requests == ()


@pytest.mark.parametrize("answer", [False, None, 1, "yes"])
def test_only_true_is_a_yes(answer: Any, account: runner.Account, box: tuple[Sandbox, SandboxServer]) -> None:
    """A `confirm` that returns anything but True buys nothing, and was shown the priced plan."""
    plans: list[Plan] = []

    def confirm(plan: Plan) -> bool:
        plans.append(plan)
        return answer  # type: ignore[no-any-return]

    with pytest.raises(runner.Cancelled, match="not confirmed"):
        account.apply(runner.load("orders"), confirm=confirm)
    assert [plan.total for plan in plans] == [Decimal("16.2")]
    assert box[0].purchases == ()


def test_a_declined_purchase_renames_nothing(account: runner.Account, desk: Path) -> None:
    """A no is one to all that the plan shows: names are given up for ever, and only by a run that goes on."""
    account.apply(runner.load("orders"), confirm=lambda _: True)
    new = MANIFEST.replace("batch: crawl", "batch: new\nrenamed_from: crawl")
    more = new.splitlines()[-1].replace("fr-prices", "more").replace("quantity: 10", "quantity: 1")
    (desk / "orders" / "crawl.yaml").write_text(new + more)
    with pytest.raises(runner.Cancelled, match="not confirmed"):
        account.apply(runner.load("orders"), confirm=lambda _: False)
    assert [str(row.key) for row in account.status()] == ["crawl/fr-prices"]
    account.apply(runner.load("orders"), confirm=lambda _: True)
    assert {str(row.key): row.state.value for row in account.status()} == {
        "crawl/fr-prices": "renamed",
        "new/fr-prices": "placed",
        "new/more": "placed",
    }


def test_a_plan_that_moved_is_not_bought(
    account: runner.Account, desk: Path, box: tuple[Sandbox, SandboxServer]
) -> None:
    """A changed manifest is refused under the old plan, by name; so is a digest of something else."""
    planned = account.plan(runner.load("orders"))
    (desk / "orders" / "crawl.yaml").write_text(MANIFEST.replace("quantity: 10", "quantity: 20"))
    with pytest.raises(runner.Refused, match="quantity 10 → 20") as moved:
        account.apply(runner.load("orders"), approve=planned)
    assert moved.value.report is not None
    assert moved.value.report["errors"][0]["code"].startswith("PSR4")
    with pytest.raises(runner.Refused):
        account.apply(runner.load("orders"), approve=planned.digest)
    with pytest.raises(runner.UsageError, match="not a digest"):
        account.apply(runner.load("orders"), approve="yes")
    assert box[0].purchases == ()


def test_limits_and_policies_hold(
    account: runner.Account, desk: Path, box: tuple[Sandbox, SandboxServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Limits of the call, of the environment and of a policy refuse as they do on the command line."""
    orders = runner.load("orders")
    with pytest.raises(runner.Refused, match="max_spend"):
        account.apply(orders, confirm=lambda _: True, limits=runner.Limits(max_spend=Decimal(16)))
    with monkeypatch.context() as patch:
        patch.setenv("ORDER_RUNNER_MAX_SPEND", "16")
        with pytest.raises(runner.Refused, match="ORDER_RUNNER_MAX_SPEND"):
            account.apply(orders, confirm=lambda _: True)
        patch.setenv("ORDER_RUNNER_MAX_SPEND", "plenty")
        with pytest.raises(runner.UsageError, match="ORDER_RUNNER_MAX_SPEND: 'plenty' is not an amount"):
            account.plan(orders)
    (desk / "order-runner.yaml").write_text("apiVersion: policy/v1\nallow: {types: [isp]}\n")
    with pytest.raises(runner.Refused, match=r"allow\.types"):
        account.apply(runner.load("orders"), confirm=lambda _: True)
    assert box[0].purchases == ()


def test_a_purchase_in_ci_needs_a_named_ledger(
    account: runner.Account, box: tuple[Sandbox, SandboxServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With CI set, a ledger that nobody named or made is refused before anything is asked; the variable names one."""
    monkeypatch.setenv("CI", "true")
    unnamed = runner.Account(base_url=box[1].base_url, api_key=runner.ApiKey(KEY))
    with pytest.raises(runner.UsageError, match="no ledger is named"):
        unnamed.apply(runner.load("orders"), confirm=lambda _: True)
    assert box[0].requests == ()
    monkeypatch.setenv("ORDER_RUNNER_LEDGER", str(Path("team.db").absolute()))
    with pytest.raises(runner.LedgerUnusable, match="there is no ledger"):
        unnamed.apply(runner.load("orders"), confirm=lambda _: True)
    planned = unnamed.plan(runner.load("orders"))
    assert [finding["code"] for finding in planned.report["errors"]] == ["PSR610"]
    assert not Path("team.db").exists()
    monkeypatch.setenv("USER", "alice")
    assert run(["ledger", "init"]) == 0
    unnamed.apply(runner.load("orders"), confirm=lambda _: True)
    assert box[0].purchases


@pytest.mark.parametrize(
    ("variable", "value", "error", "match"),
    [
        ("DRY_RUN", "online", runner.UsageError, "ORDER_RUNNER_DRY_RUN is online"),
        ("SANDBOX", "1", runner.UsageError, "names another account"),
        ("ONLY", "de-*", runner.UsageError, "matches no order"),
        ("MAX_ORDERS", "0", runner.Refused, "ORDER_RUNNER_MAX_ORDERS"),
        ("MAX_ORDERS", "-1", runner.UsageError, "not a whole number"),
        ("STRICT_ACCOUNT", "maybe", runner.UsageError, "neither yes nor no"),
    ],
)
def test_what_narrows_a_command_narrows_a_program(
    variable: str,
    value: str,
    error: type[Exception],
    match: str,
    account: runner.Account,
    box: tuple[Sandbox, SandboxServer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A variable that keeps the command line from buying keeps a program from it, and is named."""
    monkeypatch.setenv(f"ORDER_RUNNER_{variable}", value)
    with pytest.raises(error, match=match):
        account.apply(runner.load("orders"), confirm=lambda _: True)
    assert box[0].purchases == ()


def test_the_sandbox_of_the_environment_is_used(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With ORDER_RUNNER_SANDBOX a program that names nothing spends nothing, key or no key."""
    monkeypatch.setenv("ORDER_RUNNER_SANDBOX", "1")
    monkeypatch.setenv("PROXY_SELLER_API_KEY", KEY)
    assert runner.Account().plan(runner.load("orders")).balance_after == Decimal("9983.8")
    assert {path.name for path in (desk.parent / "home").rglob("*.jsonl")} <= {"account.jsonl"}


def test_whoever_looks_on_ends_nothing(account: runner.Account, box: tuple[Sandbox, SandboxServer]) -> None:
    """An exception of `watch` ends no purchase half way; one of `confirm` buys nothing and is the error's cause."""

    def watch(_: object) -> None:
        raise ValueError("the screen is gone")

    def confirm(_: Plan) -> bool:
        raise ValueError("nobody is there")

    orders = runner.load("orders")
    with pytest.raises(runner.Cancelled, match="confirm raised ValueError") as cancelled:
        account.apply(orders, confirm=confirm, watch=watch)
    assert isinstance(cancelled.value.__cause__, ValueError)
    assert box[0].purchases == ()
    assert account.apply(orders, approve=account.plan(orders, watch=watch), watch=watch).spent == Decimal("16.2")


def test_a_plan_stands_for_its_own_orders(
    account: runner.Account, desk: Path, box: tuple[Sandbox, SandboxServer]
) -> None:
    """A plan of some orders buys those, without naming them again; the others are skipped."""
    other = "  - {name: de-prices, type: ipv4, countryId: 561, periodId: 1m, quantity: 1, customTargetName: other}\n"
    (desk / "orders" / "crawl.yaml").write_text(MANIFEST + other)
    orders = runner.load("orders")
    planned = account.plan(orders, selection=runner.Selection(only=("fr-*",)))
    done = account.apply(orders, approve=planned)
    assert [order.status for order in done.orders] == ["placed", "skipped"]


def test_a_lost_answer_is_raised_and_blocks(account: runner.Account, box: tuple[Sandbox, SandboxServer]) -> None:
    """An order that may have been charged raises OutcomeUnknown, in that call and in the next; its report names it."""
    box[0].add_fault("reset-after@1")
    orders = runner.load("orders")
    with pytest.raises(runner.OutcomeUnknown, match="crawl/fr-prices") as lost:
        account.apply(orders, confirm=lambda _: True)
    assert lost.value.report is not None
    assert lost.value.report["orders"][0]["status"] == "unknown"
    with pytest.raises(runner.OutcomeUnknown):
        account.plan(orders)
    with pytest.raises(runner.OutcomeUnknown):
        account.apply(orders, confirm=lambda _: True)
    assert [verdict.ruling for verdict in account.reconcile().open] == ["open"]
    settled = account.reconcile(runner.OrderKey("crawl", "fr-prices"), exclusive=True)
    assert [verdict.ruling for verdict in settled.verdicts] == ["placed"]
    assert [row.state.value for row in account.status()] == ["placed"]
    assert len(box[0].purchases) == 1


def test_a_refusal_of_the_vendor_is_raised(account: runner.Account, box: tuple[Sandbox, SandboxServer]) -> None:
    """An order that the vendor refuses raises OrdersFailed with the vendor's words."""
    box[0].add_fault("no-funds@1")
    with pytest.raises(runner.OrdersFailed, match="crawl/fr-prices") as refused:
        account.apply(runner.load("orders"), confirm=lambda _: True)
    assert refused.value.report is not None
    assert refused.value.report["summary"]["rejected"] == 1


def test_invalid_manifests_are_told_and_not_used(account: runner.Account, desk: Path) -> None:
    """`load` collects every problem with its place; neither a plan nor a purchase is made of them."""
    (desk / "orders" / "crawl.yaml").write_text(MANIFEST.replace("quantity: 10", "quantity: 0"))
    orders = runner.load("orders")
    assert [problem.place for problem in orders.problems] == ["orders/crawl.yaml:4:75"]
    for call in (account.plan, account.status, lambda found: account.apply(found, confirm=lambda _: True)):
        with pytest.raises(runner.InvalidManifests):
            call(orders)
    with pytest.raises(runner.UsageError):
        runner.load("nowhere")
    with pytest.raises(runner.UsageError):
        runner.load()


def test_the_account_is_held(account: runner.Account, box: tuple[Sandbox, SandboxServer]) -> None:
    """While one call holds the account another one is refused as Busy; both work from threads that take no signals."""
    asked, go_on = threading.Event(), threading.Event()
    spent: list[Decimal] = []

    def confirm(_: Plan) -> bool:
        asked.set()
        return go_on.wait(30)

    def first() -> None:
        spent.append(account.apply(runner.load("orders"), confirm=confirm).spent)

    thread = threading.Thread(target=first)
    thread.start()
    assert asked.wait(30)
    with pytest.raises(runner.Busy):
        account.apply(runner.load("orders"), confirm=lambda _: True)
    go_on.set()
    thread.join(30)
    assert spent == [Decimal("16.2")]
    assert len(box[0].purchases) == 1


def test_a_stop_from_another_thread_stops(account: runner.Account, box: tuple[Sandbox, SandboxServer]) -> None:
    """A `Stop` that was requested before the first order is sent leaves it unbought, and says so."""
    stop = runner.Stop()

    def confirm(_: Plan) -> bool:
        stop.request()
        return True

    with pytest.raises(runner.Cancelled):
        account.apply(runner.load("orders"), confirm=confirm, stop=stop)
    assert box[0].purchases == ()


def test_the_key_is_in_nothing_that_a_call_gives(
    account: runner.Account, box: tuple[Sandbox, SandboxServer], capfd: pytest.CaptureFixture[str]
) -> None:
    """Values, errors, reports and the ledger's URL keep key and password out of their texts; nothing is printed."""
    orders = runner.load("orders")
    planned = account.plan(orders)
    done = account.apply(orders, approve=planned, report="report.json")
    texts = [repr(value) for value in (account, account._settings(), orders, planned, done, account.status())]
    texts += [str(done.report), Path("report.json").read_text(), repr(planned.document)]
    wrong = runner.Account(base_url=box[1].base_url, api_key=runner.ApiKey("Canary-wrong-key"), ledger="m.db", rate=0)
    with pytest.raises(runner.AccessError) as refused:
        wrong.plan(orders)
    texts += [repr(refused.value), str(refused.value.report), repr(wrong)]
    assert [text for text in texts if KEY in text or "Canary" in text] == []
    assert "secret" not in repr(runner.Account(ledger="postgresql://me:secret@db/orders"))
    with pytest.raises(TypeError) as mistaken:
        runner.Account(api_key=KEY)  # type: ignore[arg-type]
    assert KEY not in str(mistaken.value)
    assert capfd.readouterr() == ("", "")


def test_a_short_money_timeout_is_refused() -> None:
    """A program cannot wait so little for the answer to a purchase that good ones become unknown."""
    with pytest.raises(runner.UsageError, match="two minutes"):
        runner.Account(money_timeout=30)


def test_every_exported_name_is_there() -> None:
    """`runner.__all__` holds, `dir` lists it, and what is not in it is no attribute."""
    assert [name for name in runner.__all__ if not hasattr(runner, name)] == []
    assert set(runner.__all__) <= set(dir(runner))
    with pytest.raises(AttributeError, match="no attribute 'sell'"):
        runner.sell  # noqa: B018


def test_importing_the_package_is_quick() -> None:
    """`import runner` imports nothing of the package; `runner.Account` neither network, database nor terminal."""
    probe = (
        "import sys; before = set(sys.modules); import runner; now = set(sys.modules) - before; "
        "print(sorted(name for name in now if name.startswith('runner')));"
        "runner.Account; print(sorted({'click', 'httpx', 'sqlalchemy', 'jsonschema'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["['runner']", "[]"]


PROGRAM = """\
from decimal import Decimal

import runner
from runner import Account, ApiKey, Limits, Planned, load


def buy(key: str) -> Decimal:
    account = Account(ledger="ledger.db", api_key=ApiKey(key))
    orders = load("orders")
    planned: Planned = account.plan(orders, limits=Limits(max_spend=Decimal("50")))
    try:
        done = account.apply(orders, approve=planned)
    except runner.OutcomeUnknown as error:
        raise SystemExit(f"{error}: {error.hint}") from None
    reveal_type(planned.digest)
    reveal_type(done.orders[0].total)
    return done.spent


Account().apply(load("orders"), approve=1)
"""


def test_a_program_is_checked_against_the_types(tmp_path: Path) -> None:
    """mypy --strict knows every type of a user's program, and finds the one mistake in it."""
    pytest.importorskip("mypy", reason="mypy is not installed")
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "mypy.ini").write_text("[mypy]\nstrict = true\nfollow_imports = silent\n")
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(root / ".mypy_cache"), "program.py"]
    env = {**os.environ, "MYPYPATH": str(root)}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    errors = [line.partition("program.py:")[2] for line in done.stdout.splitlines()]
    types = [line.partition("Revealed type is ")[2].replace("builtins.", "") for line in errors if "Revealed" in line]
    assert types == ['"str | None"', '"decimal.Decimal | None"'], done.stdout
    assert [line.split(":")[0] for line in errors if "error:" in line] == ["20"], done.stdout


@pytest.mark.parametrize(("name", "text"), [("ORDER_RUNNER_MAX_SPEND", ""), ("ORDER_RUNNER_MAX_SPENT", "1.00")])
def test_a_variable_that_sets_no_limit_stops_a_program(
    name: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty or mistyped variable is an error for reading manifests and for every question to an account."""
    monkeypatch.setenv(name, text)
    with pytest.raises(runner.UsageError, match=name):
        runner.load(tmp_path)
    with pytest.raises(runner.UsageError, match=name):
        runner.Account.sandbox(tmp_path).status()


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -1.0, 1e9])
@pytest.mark.parametrize("name", ["timeout", "money_timeout"])
def test_a_wait_that_nobody_can_mean_is_refused(name: str, number: float) -> None:
    """`nan` is within every range, and an endless wait is none."""
    wrong: dict[str, Any] = {name: number}
    with pytest.raises(runner.UsageError, match=name):
        runner.Account(**wrong)


@pytest.mark.parametrize("number", [Decimal("NaN"), Decimal("Infinity"), Decimal(-1)])
@pytest.mark.parametrize("name", ["max_spend", "max_orders", "large"])
def test_a_limit_that_is_none_is_refused(name: str, number: Decimal) -> None:
    """A limit that no number is above would be no limit."""
    wrong: dict[str, Any] = {name: number}
    with pytest.raises(runner.UsageError, match=name):
        runner.Limits(**wrong)


def test_who_buys_is_on_record(desk: Path, box: tuple[Path, Any]) -> None:
    """`actor` is who bought, in the report and in what was spent; a name that is none is refused at once."""
    account = runner.Account(
        ledger=desk / "who.db", base_url=box[1].base_url, api_key=runner.ApiKey(KEY), rate=0, actor="shop, tenant 7"
    )
    done = account.apply(runner.load("orders"), confirm=lambda plan: True)
    assert done.report["run"]["actor"] == "shop, tenant 7"
    assert list(account.spent("actor").groups) == [("shop, tenant 7",)]
    with pytest.raises(runner.UsageError, match="actor=: that is no name"):
        runner.Account(actor="a\nb\x1b")


def test_what_was_delivered_is_handed_to_the_program_and_shown_by_nothing(account: runner.Account) -> None:
    orders = runner.load("orders")
    assert [order.state.value for order in account_of_nothing(account, orders)] == ["not_bought"]
    account.apply(orders, confirm=lambda plan: True)
    delivered = account.proxies(manifests=orders)
    (order,) = delivered.orders
    assert order.whole
    assert {proxy.password for proxy in order.proxies} == {f"password{number}" for number in range(10)}
    assert "password" not in repr(delivered)
    assert account.proxies("crawl/fr-prices").orders == delivered.orders == account.proxies().orders
    with pytest.raises(runner.UsageError):
        account.proxies("crawl/other")


def account_of_nothing(account: runner.Account, orders: runner.Manifests) -> tuple[Any, ...]:
    """What an account that has a ledger and has bought nothing says of these orders."""
    with pytest.raises(runner.LedgerUnusable):
        account.proxies()
    with pytest.raises(runner.Cancelled):
        account.apply(orders, confirm=lambda plan: False)
    return account.proxies(manifests=orders).orders
