"""One call on an account, whoever makes it: what holds for the command line and for the library alike."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from runner import manifest
from runner.buy.protocol import Till
from runner.core.errors import (
    Cancelled,
    ExitCode,
    InvalidManifests,
    OutcomeUnknown,
    Refused,
    RunnerError,
    UsageError,
)
from runner.core.orders import OrderKey
from runner.core.progress import Notice, Progress, Watch, ignore
from runner.core.selection import Selection
from runner.core.states import State
from runner.core.stop import Stop
from runner.evidence.judge import Rules
from runner.limits.limits import Limits
from runner.limits.policy import Policy
from runner.plan.plan import Plan
from runner.report.file import ReportFile
from runner.report.report import Report
from runner.run import batch, call, wiring
from runner.run.settings import Settings, locate
from tests.make import order, record

MANIFEST = """\
apiVersion: orders/v1
batch: crawl
defaults: {countryId: 561, periodId: 1m, customTargetName: prices}
orders:
  - {name: one, type: ipv4, quantity: 10}
  - {name: two, type: ipv4, quantity: 2}
"""
HINT = "nothing was bought; name another file"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a manifest, which is no part of CI."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CI", raising=False)
    (tmp_path / ".git").mkdir()
    (tmp_path / "orders.yaml").write_text(MANIFEST, encoding="utf-8")
    return tmp_path


def sandbox(*faults: str) -> Settings:
    """An account of the emulator, which the calls of a test share."""
    return Settings(sandbox=True, sandbox_folder=Path("box"), faults=faults)


def task(settings: Settings, *, selection: Selection | None = None, watch: Watch = ignore, **more: Any) -> Any:
    """A call about the orders of the working folder."""
    loaded, limits = call.under_policies(manifest.load(["orders.yaml"]), Limits(), None)
    consent = call.consent_of(settings, selection=selection or Selection())
    return call.task_of(settings, loaded, limits, consent, watch, **more)


def buy(settings: Settings, confirm: Callable[[Plan], None] = lambda _: None, **more: Any) -> batch.Ended:
    return call.buy(
        settings, task(settings), Till(confirm=confirm, stop=Stop(), money_timeout=settings.money_timeout, **more)
    )


def statuses(outcome: batch.Ended) -> list[str]:
    return [entry.status for entry in outcome.report.orders]


def open_records() -> list[OrderKey]:
    with closing(wiring.open_ledger(locate(sandbox()), read_only=True)) as ledger:
        return [record.key for record in ledger.open_records()]


def test_a_policy_governs_manifests_and_limits(folder: Path) -> None:
    """The policies of a call are among its limits, and what is wrong with them comes before what else is wrong."""
    (folder / "orders.yaml").write_text(MANIFEST.replace("quantity: 2", "quantity: 0"))
    (folder / "order-runner.yaml").write_text("apiVersion: policy/v1\nallow: {types: [ipv4]}\n")
    (folder / "named.yaml").write_text("apiVersion: policy/v1\nallow: {typos: [ipv4]}\n")
    loaded, limits = call.under_policies(manifest.load(["orders.yaml"]), Limits(max_orders=1), "named.yaml")
    assert [problem.path for problem in loaded.problems] == ["named.yaml", "orders.yaml"]
    assert limits.max_orders == 1
    assert {Path(policy.path).name for policy in limits.policies} >= {"order-runner.yaml"}


@pytest.mark.parametrize(("line", "exclusive"), [("exclusive: true", True), ("exclusive: false", False), ("", False)])
def test_policies_say_whether_an_account_is_exclusive(folder: Path, line: str, exclusive: bool) -> None:
    """An account is exclusive where a policy calls it so, and not where none says anything."""
    (folder / "order-runner.yaml").write_text(f"apiVersion: policy/v1\nallow: {{types: [ipv4]}}\n{line}\n")
    assert call.is_exclusive(None) is exclusive


@pytest.mark.parametrize(
    ("settings", "rate"),
    [(Settings(), "auto"), (Settings(rate=7), 7), (Settings(rate=0), 0), (Settings(sandbox=True), None)],
)
def test_a_policy_names_a_rate_where_nobody_else_does(settings: Settings, rate: object) -> None:
    """`rate: auto` holds for calls without a rate; one that is named, and the sandbox, keep theirs."""
    limits = Limits(policies=(Policy(path="p", sha256="", rate="auto"),))
    assert call._pace(settings, limits).rate == rate
    assert call._pace(settings, Limits()).rate == settings.rate


def test_a_wrong_policy_says_nothing_about_an_account(folder: Path) -> None:
    """A policy with a mistake cannot make an account exclusive: its problems are raised."""
    (folder / "p.yaml").write_text("apiVersion: policy/v1\nexclusive: maybe\n")
    with pytest.raises(InvalidManifests) as raised:
        call.is_exclusive("p.yaml")
    assert [problem.path for problem in raised.value.problems] == ["p.yaml"]


def test_a_selection_has_to_fit() -> None:
    """A pattern that names no order stops a call before anything else is done."""
    with pytest.raises(UsageError, match="--only thre matches no order"):
        task(sandbox(), selection=Selection(only=("thre",)))


def test_a_selection_is_not_held_against_broken_manifests(folder: Path) -> None:
    """Where manifests have errors, those are what is told, not that an order with an error is missing."""
    (folder / "orders.yaml").write_text(MANIFEST.replace("quantity: 2", "quantity: 0"))
    assert task(sandbox(), selection=Selection(only=("two",))).contents.errors


@pytest.mark.parametrize(
    ("ci", "named", "strict"), [("true", None, True), ("", None, False), ("true", False, False), ("", True, True)]
)
def test_an_account_is_strict_in_ci(ci: str, named: bool | None, strict: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What looks bought is refused in CI, unless the call says otherwise."""
    monkeypatch.setenv("CI", ci)
    assert task(sandbox(), strict_account=named).guard.strict is strict


def test_whoever_looks_on_ends_nothing() -> None:
    """An exception of the watch is lost; what it missed is not told again."""
    seen = []

    def watch(event: object) -> None:
        seen.append(event)
        raise ZeroDivisionError

    task(sandbox(), watch=watch).watch(Notice(text="x"))
    assert seen == [Notice(text="x")]


def test_a_signal_reaches_through_a_watch() -> None:
    """Only exceptions are lost: what interrupts a program still does."""

    def watch(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        task(sandbox(), watch=watch).watch(Notice(text="x"))


def test_a_consent_is_for_one_account() -> None:
    """The sandbox, whose address changes with every run, is called by its name; other addresses stand for themselves."""
    assert (call.consent_of(sandbox()).account, call.consent_of(sandbox()).api) == ("sandbox", "sandbox")
    team = call.consent_of(Settings(account="team"), nothing=True)
    assert (team.account, team.api, team.nothing, team.digest) == ("team", None, True, None)


def test_a_preview_buys_nothing() -> None:
    """A plan has prices and can be approved; a plan without network has neither, and none of them buys."""
    settings = sandbox()
    plan = call.preview(settings, task(settings), "plan")
    assert [step.ceiling for step in plan.plan.to_buy] == [Decimal("16.2"), Decimal("3.6")]
    document = call.document_of(task(settings), plan)
    assert document is not None
    assert (document.digest, list(document.manifests)) == (plan.terms.digest if plan.terms else "", ["orders.yaml"])
    assert document.prices == {"crawl/one": Decimal("16.2"), "crawl/two": Decimal("3.6")}
    offline = call.preview(settings, task(settings), "dry-run", offline=True)
    assert call.document_of(task(settings), offline) is None
    assert statuses(offline) == ["planned", "planned"]
    assert open_records() == []


def test_a_batch_is_bought_once() -> None:
    """What was bought is bought, a second call buys nothing, and `ended` is called when nothing can be bought any more."""
    ends: list[list[OrderKey]] = []
    assert statuses(buy(sandbox(), at_end=lambda: ends.append(open_records()))) == ["placed", "placed"]
    assert ends == [[]]
    assert statuses(buy(sandbox())) == ["already_placed", "already_placed"]


def test_nothing_is_bought_unconfirmed() -> None:
    """Where confirming raises, the run ends so, and every order is still to be bought."""

    def refuse(_: Plan) -> None:
        raise Cancelled("no")

    outcome = buy(sandbox(), refuse)
    assert outcome.report.exit_code is ExitCode.CANCELLED
    assert statuses(outcome) == ["planned", "planned"]


def test_a_ledger_that_would_be_thrown_away_is_refused_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """In CI nothing is opened, and nothing asked, without a named ledger."""
    monkeypatch.setenv("CI", "true")
    settings = Settings(base_url="http://127.0.0.1:9/")
    with pytest.raises(UsageError, match="no ledger is named"):
        call.buy(settings, None, Till(confirm=lambda _: None, stop=Stop(), money_timeout=180.0))  # type: ignore[arg-type]


def test_a_call_that_does_not_begin_leaves_a_report() -> None:
    """What stops a call early is reported, with the finding, and raised as it was."""
    kept: list[tuple[Report, RunnerError]] = []
    error = Refused("no way", hint="there is one")
    with (
        pytest.raises(Refused) as raised,
        call.report_failure(task(sandbox()), "apply", None, lambda report, error: kept.append((report, error))),
    ):
        raise error
    assert raised.value is error
    [(report, reported)] = kept
    assert reported is error
    assert (report.mode, report.exit_code) == ("apply", ExitCode.REFUSED)
    assert [finding.problem.message for finding in report.errors] == ["no way"]


def test_a_report_that_cannot_be_written_is_named() -> None:
    """An error of the system is the report's: it is named by its file, with the way out that the caller gives."""
    with (
        pytest.raises(UsageError, match=r"^r\.json cannot be written: gone") as raised,
        call.report_failure(task(sandbox()), "apply", ReportFile(Path("r.json")), lambda *_: None, hint=HINT),
    ):
        raise OSError(2, "gone", "other")
    assert raised.value.hint == HINT


def test_whoever_watches_is_told_by_one_thread_at_a_time() -> None:
    """Threads that have something to tell wait for each other, and every event arrives, of those that raise too."""
    inside, most, seen = [0], [0], list[str]()

    def watch(event: Progress) -> None:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        seen.append(str(event))
        time.sleep(0.001)
        inside[0] -= 1
        raise ZeroDivisionError

    tell = task(sandbox(), watch=watch).watch
    threads = [
        threading.Thread(target=lambda lane=lane: [tell(Notice(text=f"{lane} {n}")) for n in range(10)])  # type: ignore[misc]
        for lane in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, len(seen)) == ([1], 80)


def test_doubt_is_settled_or_told_by_the_code() -> None:
    """An order in doubt makes the code 7, and what is settled is not asked about again."""
    assert statuses(buy(sandbox("reset-after@1"))) == ["unknown", "planned"]
    outcome, code = call.reconcile(sandbox(), Rules(), Stop(), ignore)
    assert (code, [verdict.ruling for verdict in outcome.verdicts.values()]) == (ExitCode.OUTCOME_UNKNOWN, ["open"])
    outcome, code = call.reconcile(sandbox(), Rules(exclusive=True), Stop(), ignore)
    assert (code, [verdict.ruling for verdict in outcome.verdicts.values()]) == (ExitCode.OK, ["placed"])
    assert call.reconcile(sandbox(), Rules(), Stop(), ignore)[0].verdicts == {}


def test_a_call_cut_off_tells_of_possible_charges() -> None:
    """A batch that a signal ended while an order is in doubt ends as that, in the report, its file and the code."""
    buy(sandbox("reset-after@1"))
    again, file = task(sandbox()), ReportFile(Path("r.json"))
    error = Cancelled("stopped by a signal")
    stopped = batch.Ended(report=batch.not_begun(again, "apply", error), plan=Plan(), error=error)
    with closing(wiring.open_ledger(locate(sandbox()), read_only=True)) as ledger:
        outcome = call._with_open(stopped, ledger, file)
    assert isinstance(outcome.error, OutcomeUnknown)
    assert outcome.report.exit_code is ExitCode.OUTCOME_UNKNOWN
    assert statuses(outcome) == ["unknown", "planned"]
    assert Path("r.json").read_text(encoding="utf-8") == outcome.report.render()


def test_what_a_signal_left_open_is_named() -> None:
    """However many orders are in doubt when a call is cut off, each is named."""
    records = [record(order(name), State.UNKNOWN) for name in "abcdefgh"]
    told = "of the account may have been charged, and that is not settled:"
    assert str(call.cut_off(records[:1])).endswith(f"; 1 order {told} b/a")
    assert str(call.cut_off(records)).endswith(f"; 8 orders {told} b/a, b/b, b/c, b/d, b/e, b/f, b/g, b/h")


def test_a_call_cut_off_with_nothing_in_doubt_is_cancelled() -> None:
    """Where no order is open, a signal is all that there is to tell."""
    buy(sandbox())
    error = Cancelled("stopped by a signal")
    stopped = batch.Ended(report=batch.not_begun(task(sandbox()), "apply", error), plan=Plan(), error=error)
    with closing(wiring.open_ledger(locate(sandbox()), read_only=True)) as ledger:
        assert call._with_open(stopped, ledger, None) is stopped
