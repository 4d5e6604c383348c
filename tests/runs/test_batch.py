"""A whole batch on plain values: what is asked, claimed and entered in which order, and how each way of ending is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from runner.buy.protocol import Till
from runner.core.errors import AccessError, Busy, Cancelled, ExitCode, LedgerUnusable, Refused, VendorUnavailable
from runner.core.orders import OrderRequest, Scalar
from runner.core.records import Attempt, Claim, Holder, Record, Run, Settlement, Want
from runner.core.states import State
from runner.core.stop import Stop
from runner.core.vendor import Answer, Choice, Placed
from runner.limits.limits import Limits
from runner.plan.approval.terms import Approval
from runner.plan.plan import Plan
from runner.plan.task import Consent, Guard, Task
from runner.report.report import Report
from runner.run import batch
from tests.make import Books, Shop, attempt, look, order, record, seen, task

FRANCE = Choice(type="ipv4", field="countryId", value=561, name="France", alpha3="FRA")


class Account(Books):
    """A ledger that can be held, and what was written into it, in order."""

    def __init__(self, *records: Record, **facts: Any) -> None:
        super().__init__(*records, **facts)
        self.written: list[str] = []
        self.wants: list[Want] = []
        self.busy: Exception | None = None
        self.full = False

    @property
    def events(self) -> int:
        return len(self.written)

    @contextmanager
    def hold(self, holder: Holder, *, timeout: float) -> Iterator[Account]:
        if self.busy:
            raise self.busy
        self.written.append("hold")
        yield self
        self.written.append("let go")

    def start_run(self, run: Run) -> None:
        self.written.append(f"start {run.id}")

    def abandon_submitted(self, at: datetime) -> list[Record]:
        self.written.append("abandon")
        return []

    def note_wants(self, wants: Iterable[Want]) -> None:
        self.wants.extend(wants)

    def claim(self, claim: Claim) -> Attempt:
        self.written.append(f"claim {claim.request.key.name}")
        return attempt(claim.request)

    def objection(self) -> str | None:
        return None

    def settle(self, tried: Attempt, settlement: Settlement) -> Record:
        self.written.append(f"settle {tried.key.name} {settlement.after}")
        return record(order(tried.key.name), settlement.after)

    def finish_run(self, run_id: str, at: datetime, exit_code: int) -> None:
        if self.full:
            raise LedgerUnusable("disk full")
        self.written.append(f"finish {exit_code}")


class Seller(Shop):
    """A vendor that sells at its own prices; `sold` are the orders, `before` is called as each is sent."""

    def __init__(self, *names: str, prices: Mapping[str, str | None] | None = None, **shows: Any) -> None:
        super().__init__(prices or dict.fromkeys(names, "10.00"), **shows)
        self.sold: list[str] = []
        self.before: Callable[[OrderRequest], object] = lambda _: None
        self.charges = Decimal(10)

    def connect(self) -> Any:
        return nullcontext(self)

    def send(self, request: OrderRequest, guard: Callable[[], str | None]) -> Answer:
        self.before(request)
        assert guard() is None
        self.sold.append(request.key.name)
        self.funds -= self.charges
        return Answer(outcome=Placed(order_id=f"9{len(self.sold)}", total=self.charges), http_status=200)


class Offline:
    """What is known of a vendor without a network."""

    base_url = None
    api_version = "v1"

    def preview(self, request: OrderRequest) -> Mapping[str, Scalar]:
        return request.fields


def previewed(call: Task, vendor: Any, ledger: Account | None = None) -> batch.Ended:
    return batch.preview(call, "plan", ledger or Account(), vendor)  # type: ignore[arg-type]


def applied(call: Task, vendor: Any, ledger: Account, **changes: Any) -> batch.Ended:
    till = Till(**({"confirm": lambda _: None, "stop": Stop(), "money_timeout": 1.0} | changes))
    return batch.apply(call, till, ledger, vendor)  # type: ignore[arg-type]


def statuses(report: Report) -> list[str]:
    return [entry.status for entry in report.orders]


def codes(report: Report) -> list[str]:
    return [finding.problem.code for finding in report.errors]


# -- preview


def test_offline_nothing_is_asked_and_that_is_said() -> None:
    """Without a vendor a plan has no prices, and the report names what was not checked for that."""
    ended = previewed(task(order()), Offline())
    assert (ended.error, ended.terms, ended.report.exit_code) == (None, None, ExitCode.OK)
    assert ended.report.not_checked == batch.NOT_CHECKED_OFFLINE
    assert (statuses(ended.report), ended.report.orders[0].quote) == (["planned"], None)


def test_a_preview_has_prices_and_a_digest_and_writes_nothing() -> None:
    """What it would cost, and what an approval would cover; the ledger is only read."""
    ledger, seller = Account(), Seller("a")
    ended = previewed(task(order()), seller, ledger)
    assert ended.report.orders[0].quote is not None
    assert ended.terms is not None
    assert ended.report.not_checked == batch.NOT_CHECKED_ONLINE
    assert (ledger.written, seller.sold) == ([], [])


def test_a_preview_goes_on_beside_an_open_order() -> None:
    """An order in doubt is named and decides the exit code, and the prices of the others are asked all the same."""
    ended = previewed(task(order("a"), order("open")), Seller("a"), Account(record(order("open"), State.UNKNOWN)))
    assert (ended.report.exit_code, ended.error) == (ExitCode.OUTCOME_UNKNOWN, None)
    assert (statuses(ended.report), codes(ended.report)) == (["planned", "unknown"], ["PSR409"])
    assert ended.report.orders[0].quote is not None


def test_a_stage_that_fails_leaves_no_price_in_the_report() -> None:
    """Prices that were not held against every limit are no part of it; what was noticed up to there is."""
    seller = Seller("a", "b", shows=AccessError("no"), lists={"ipv4": (FRANCE,)})
    ended = previewed(task(order("a"), order("b", fields={"countryId": 9})), seller)
    assert (type(ended.error), ended.report.exit_code) == (AccessError, ExitCode.ACCESS)
    assert statuses(ended.report) == ["planned", "planned"]
    assert [entry.quote for entry in ended.report.orders] == [None, None]
    assert ended.report.balance_before == Decimal(100)
    assert codes(ended.report) == ["PSR502"]


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (task(order(), detailed_exit=True), ExitCode.CHANGES),
        (task(order(enabled=False), detailed_exit=True), ExitCode.OK),
        (task(order()), ExitCode.OK),
        (task(order(), detailed_exit=True, limits=Limits(max_spend=Decimal(1))), ExitCode.REFUSED),
    ],
    ids=["changes", "none", "not-asked", "refused"],
)
def test_the_exit_code_says_whether_there_is_something_to_buy(call: Task, code: ExitCode) -> None:
    """Only where that was asked for, and never over a worse one."""
    assert previewed(call, Seller("a")).report.exit_code is code


def test_nothing_expected_and_something_to_buy_refuses() -> None:
    """`--expect-nothing` holds for a preview, with and without prices."""
    call = task(order(), consent=Consent(account="default", nothing=True))
    for vendor in (Seller("a"), Offline()):
        assert codes(previewed(call, vendor).report) == ["PSR442"]


# -- apply


def test_a_purchase_from_the_hold_to_the_last_row() -> None:
    """The account is held, the run entered, each order claimed and settled, and the run closed before the hold ends."""
    ledger = Account()
    seller = Seller("a", "b")
    ended = applied(task(order("a"), order("b")), seller, ledger)
    assert ledger.written == [
        "hold",
        "start r1",
        "abandon",
        "claim a",
        "settle a placed",
        "claim b",
        "settle b placed",
        "finish 0",
        "let go",
    ]
    assert (statuses(ended.report), ended.report.exit_code) == (["placed", "placed"], ExitCode.OK)
    assert (ended.report.balance_before, ended.report.balance_after) == (Decimal(100), Decimal(80))
    assert ended.report.finished_at is not None


def test_an_open_order_refuses_before_anything_is_asked() -> None:
    """With one in doubt, whoever's it is, the vendor is not even asked for a price."""
    ledger, seller = Account(record(order("elsewhere"), State.UNKNOWN)), Seller("a")
    ended = applied(task(order("a")), seller, ledger)
    assert (seller.asked, ended.report.exit_code) == ([], ExitCode.OUTCOME_UNKNOWN)
    assert ledger.written == ["hold", "start r1", "abandon", "finish 7", "let go"]


def test_a_held_account_is_busy() -> None:
    """Who does not get the account asks nobody anything, and the report says that another run has it."""
    ledger, seller = Account(), Seller("a")
    ledger.busy = Busy("held by pid 1")
    ended = applied(task(order()), seller, ledger)
    assert (seller.asked, ledger.written, ended.report.exit_code) == ([], [], ExitCode.BUSY)
    assert codes(ended.report) == ["PSR603"]


def no(_: Plan) -> None:
    raise Cancelled("not confirmed")


def test_without_a_yes_nothing_is_claimed() -> None:
    """A person who says no ends the run; the report has the prices."""
    ledger = Account()
    ended = applied(task(order()), Seller("a"), ledger, confirm=no)
    assert ledger.written == ["hold", "start r1", "abandon", "finish 8", "let go"]
    assert ended.report.orders[0].quote is not None


def test_nothing_to_buy_asks_nobody() -> None:
    """Where everything is bought, neither the vendor nor a person is asked."""
    ledger, seller = Account(record(order())), Seller("a")
    ended = applied(task(order()), seller, ledger, confirm=no)
    assert (seller.asked, ended.error, ended.report.exit_code) == ([], None, ExitCode.OK)
    assert statuses(ended.report) == ["already_placed"]


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (task(order(), limits=Limits(max_spend=Decimal(1))), "PSR406"),
        (task(order(), consent=Consent(account="default", approval=Approval(digest="sha256:" + "0" * 64))), "PSR440"),
    ],
    ids=["limit", "approval"],
)
def test_a_plan_that_is_refused_is_not_shown_for_a_yes(call: Task, code: str) -> None:
    """A limit or an approval that does not cover it refuses before a person is asked."""
    ledger = Account()
    ended = applied(call, Seller("a"), ledger, confirm=lambda _: pytest.fail("asked"))
    assert (codes(ended.report), ended.report.exit_code) == ([code], ExitCode.REFUSED)
    assert "claim a" not in ledger.written


def test_a_list_that_cannot_be_had_stops_a_purchase() -> None:
    """For a plan it is a warning; who buys needs the list as a witness."""
    down = VendorUnavailable("down")
    assert codes(previewed(task(order()), Seller("a", shows=down)).report) == ["PSR509"]
    ended = applied(task(order()), Seller("a", shows=down), Account())
    assert (codes(ended.report), ended.report.exit_code) == (["PSR506"], ExitCode.REFUSED)


def test_the_wishes_of_a_batch_that_looks_bought_are_kept() -> None:
    """So that `resolve` can adopt what the vendor shows, the ledger is told what the refused orders stood for."""
    ledger = Account()
    call = task(order(fields={"quantity": 2}), guard=Guard(strict=True))
    ended = applied(call, Seller("a", shows=look(seen()), lists={"ipv4": (FRANCE,)}), ledger)
    assert [want.key.name for want in ledger.wants] == ["a"]
    assert statuses(ended.report) == ["refused"]


def test_a_signal_between_two_orders_names_what_is_left() -> None:
    """The order under way is finished, the next is not begun, and the run is told as cancelled."""
    stop, ledger, seller = Stop(), Account(), Seller("a", "b")
    settle = ledger.settle

    def settle_and_stop(tried: Attempt, settlement: Settlement) -> Record:
        stop.request()
        return settle(tried, settlement)

    ledger.settle = settle_and_stop  # type: ignore[method-assign]
    ended = applied(task(order("a"), order("b")), seller, ledger, stop=stop)
    assert (statuses(ended.report), ended.report.exit_code) == (["placed", "planned"], ExitCode.CANCELLED)
    assert isinstance(ended.error, Cancelled)
    assert "with 1 order not started" in str(ended.error)


def test_an_overcharge_stops_the_batch() -> None:
    """More than the quote was taken: what is left is not begun, and that is why."""
    seller = Seller("a", "b")
    seller.charges = Decimal(11)
    ended = applied(task(order("a"), order("b")), seller, Account())
    assert (seller.sold, ended.report.exit_code) == (["a"], ExitCode.REFUSED)
    assert isinstance(ended.error, Refused)
    assert "after a charge that was not as quoted, with 1 order not started" in str(ended.error)


def test_a_bug_of_ours_does_not_hide_what_was_bought() -> None:
    """Something that nobody thought of ends in 1 with its cause, and the report still has the purchase before it."""
    seller = Seller("a", "b")

    def fail(request: OrderRequest) -> None:
        if request.key.name == "b":
            raise ZeroDivisionError

    seller.before = fail
    ended = applied(task(order("a"), order("b")), seller, Account())
    assert statuses(ended.report) == ["placed", "unknown"]
    assert ended.report.exit_code is ExitCode.OUTCOME_UNKNOWN
    assert ended.error is not None
    assert isinstance(ended.error.__cause__, ZeroDivisionError)
    assert codes(ended.report) == ["PSR999"]


def test_the_runs_own_row_may_be_lost() -> None:
    """That the ledger does not take the end of the run changes nothing: the orders are on record."""
    ledger = Account()
    ledger.full = True
    ended = applied(task(order()), Seller("a"), ledger)
    assert (ended.report.exit_code, ended.error) == (ExitCode.OK, None)


def test_what_never_began_has_a_report_of_its_own() -> None:
    """A call that ended before its batch: every order is planned, and the reason is the finding."""
    report = batch.not_begun(task(order()), "apply", Refused("no"))
    assert (statuses(report), codes(report), report.exit_code) == (["planned"], ["PSR412"], ExitCode.REFUSED)
    assert batch.not_begun(task(order()), "apply", None).exit_code is ExitCode.OK


def test_each_batch_is_bought_under_what_was_approved() -> None:
    """The digest of the approval is in every claim."""
    claims: list[Claim] = []
    ledger, call = Account(), task(order())
    terms = previewed(call, Seller("a")).terms
    assert terms is not None
    claim = ledger.claim

    def claim_and_keep(one: Claim) -> Attempt:
        claims.append(one)
        return claim(one)

    ledger.claim = claim_and_keep  # type: ignore[method-assign]
    consent = Consent(account="default", approval=Approval(digest=terms.digest))
    ended = applied(replace(call, consent=consent), Seller("a"), ledger)
    assert (ended.error, [one.approval for one in claims]) == (None, [terms.digest])
