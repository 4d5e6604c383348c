"""The purchase protocol. Step numbers are those of docs/explanation/life-of-an-order.md and of the crash tests.

1  hold the account; what an earlier run left `submitted` is unknown; anything unknown refuses the run (batch.py)
2  quote again, check ceiling, limits on sums, and balance
3  have the before witness: the vendor's orders of the type, and the balance
4  connect: a connection of its own; failure here is `not_sent`
5  claim: one durable transaction; not acknowledged means not sent
6  guard, then the POST is written once, on that connection
7  the answer is read under one total deadline
8  settle: one durable transaction, or the emergency file
9  refresh the report
10 an unknown stops the batch; SIGINT and SIGTERM let 6 to 9 finish
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from runner.core.clock import Clock
from runner.core.errors import LedgerUnusable, RunnerError
from runner.core.ledger import Hold
from runner.core.orders import OrderKey, Quote
from runner.core.progress import Buying, Notice, Sent, Settled, Waiting, Watch
from runner.core.readings import Readings
from runner.core.records import Attempt, Claim, Settlement
from runner.core.states import Event, State
from runner.core.stop import Stop
from runner.core.vendor import Answer, Buyer, NotSent, Outcome, Placed, QuoteRefused, Rejected, Unknown
from runner.limits.budgets import Purse
from runner.plan.plan import Plan, Step
from runner.report import entries
from runner.report.file import ReportFile
from runner.report.report import OrderEntry, Report

GUARD_SECONDS: Final = 5.0
"""A claim older than this is not sent: the world may have moved on while this process was frozen."""
PAUSES: Final = (1.0, 4.0)
"""Seconds between tries of what provably was never sent."""
THROTTLE_PAUSE: Final = 2.0
THROTTLE_CAP: Final = 60.0

_MOVES: Final[Mapping[type[Outcome], tuple[Event, State]]] = {
    Placed: (Event.PLACED, State.PLACED),
    Rejected: (Event.REJECTED, State.REJECTED),
    NotSent: (Event.NOT_SENT, State.PLANNED),
    Unknown: (Event.UNKNOWN, State.UNKNOWN),
}


def no_crash(_: str) -> None:
    """What a crash point does outside of tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Till:
    """How a call buys: what the faces say, from the confirmation to the last report. Times are seconds.

    `confirm` is shown the plan and raises where a person says no; `at_end` is called, the ledger still open, once
    nothing can be bought any more. `crash_point` is called with the number of each step that was just reached.
    """

    confirm: Callable[[Plan], None]
    stop: Stop
    money_timeout: float
    file: ReportFile | None = None
    lock_timeout: float = 0.0
    fail_fast: bool = False
    at_end: Callable[[], None] = lambda: None
    pauses: tuple[float, ...] = PAUSES
    crash_point: Callable[[str], None] = no_crash


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where one batch is bought, under the hold. `approval` is the digest it is bought under, if any."""

    till: Till
    hold: Hold
    buyer: Buyer
    readings: Readings
    report: Report
    clock: Clock
    watch: Watch
    purse: Purse = field(default_factory=Purse)
    approval: str | None = None


def place_all(steps: Sequence[Step], entries_of: Mapping[OrderKey, OrderEntry], desk: Desk) -> None:
    """Buy every step in order, until something says stop. What happened is in the ledger and the report."""
    for n, step in enumerate(steps, 1):
        if desk.till.stop.requested:
            return
        price = step.quote.total if step.quote else Decimal(0)
        desk.watch(Buying(key=step.request.key, n=n, total=len(steps), price=price))
        purchase = Purchase(step, entries_of[step.request.key], desk)
        try:
            go_on = purchase.run()
        finally:
            desk.till.crash_point("9")
            if desk.till.file is not None:
                desk.till.file.refresh(desk.report)
        desk.watch(Settled(key=step.request.key, status=purchase.entry.status, detail=purchase.entry.reason))
        if not go_on:  # step 10
            return


class Purchase:
    """One order on its way through steps 2 to 8."""

    def __init__(self, step: Step, entry: OrderEntry, desk: Desk) -> None:
        self.step = step
        self.request = step.request
        self.entry = entry
        self.desk = desk
        self._claimed = 0.0
        self._attempt: Attempt | None = None
        self._line_down = False

    def run(self) -> bool:
        """Whether the next order may be begun. Only what provably was never sent is tried again."""
        try:
            for pause in (*self.desk.till.pauses, None):
                quote = self._check_again()
                if quote is None:
                    return not self.desk.till.fail_fast
                outcome = self._try_once(quote)
                if not isinstance(outcome, NotSent):
                    return self._goes_on(outcome, quote)
                if pause is None or not self._wait_after(outcome, pause):
                    entries.give_up(self.entry, outcome, stopped=self.desk.till.stop.requested)
                    return False
        except RunnerError as error:
            if self.entry.status == "unknown":  # claimed: nothing may call this unbought any more
                raise
            entries.note_stop(self.entry, error)
        return False

    def _check_again(self) -> Quote | None:
        """Step 2: the price that may be paid now; None where the order is refused."""
        self.desk.till.crash_point("2")
        quote = self.desk.readings.quote(self.request)
        if isinstance(quote, QuoteRefused):
            entries.refuse_unpriced(self.entry, quote)
            return None
        self.entry.update(quote=quote)
        if quote.total > self._ceiling(quote):
            entries.refuse_too_dear(self.entry, quote, self._ceiling(quote))
            return None
        costs = {self.request.key.batch: quote.total}
        if broken := self.desk.purse.objections(costs, self.desk.clock.now()):
            entries.refuse_over_limit(self.entry, broken[0])
            return None
        balance = self.desk.readings.balance()
        if quote.total > balance and not self.request.pays_by_card:
            entries.refuse_too_poor(self.entry, quote, balance)
            return None
        return quote

    def _ceiling(self, quote: Quote) -> Decimal:
        return quote.total if self.step.ceiling is None else self.step.ceiling

    def _try_once(self, quote: Quote) -> Outcome:
        """Steps 3 to 8."""
        desk = self.desk
        desk.till.crash_point("3")
        claim = Claim(
            request=self.request,
            quote=quote,
            ceiling=self._ceiling(quote),
            witness=desk.readings.witness(self.request.type),
            balance=desk.readings.balance(),
            run_id=desk.report.run_id,
            at=desk.clock.now(),
            approval=desk.approval,
        )
        desk.till.crash_point("4")
        with desk.buyer.connect() as line:
            if isinstance(line, NotSent):
                return line
            self._claim(claim)
            try:
                answer = line.send(self.request, self._guard)
            except BaseException as error:
                reason = f"a bug in order-runner while it was sent ({type(error).__name__})"
                self._settle(Answer(outcome=Unknown(reason=reason)))
                raise
        return self._settle(answer)

    def _claim(self, claim: Claim) -> None:
        """Step 5."""
        desk = self.desk
        self._attempt = desk.hold.claim(claim)
        desk.purse.note_claim(self.request.key, claim.quote.total, claim.at)
        self._claimed = desk.clock.monotonic()
        entries.note_sent(self.entry, self._attempt)
        desk.till.crash_point("5")
        desk.watch(Sent(key=self.request.key, deadline=desk.till.money_timeout))

    def _guard(self) -> str | None:
        """Step 6: the last reason not to send."""
        self.desk.till.crash_point("6")
        if self.desk.till.stop.requested:
            return "the run was asked to stop"
        if self.desk.clock.monotonic() - self._claimed > GUARD_SECONDS:
            return f"more than {GUARD_SECONDS:g} s have passed since it was claimed"
        return self.desk.hold.objection()

    def _settle(self, answer: Answer) -> Outcome:
        """Step 8: on record first, then in the report. What the ledger did not take as placed is unknown."""
        desk = self.desk
        desk.till.crash_point("7")
        assert self._attempt is not None  # noqa: S101 - nothing is settled that was not claimed
        settlement = _settlement(answer, desk)
        outcome = answer.outcome
        try:
            record = desk.hold.settle(self._attempt, settlement)
        except LedgerUnusable as error:
            self._line_down = True
            words = _emergency(desk.hold, self._attempt, settlement, error)
            desk.watch(Notice(text=words))
            desk.report.errors.append(entries.finding_of_unrecorded(self.entry, words, error))
        else:
            if isinstance(outcome, Placed) and record.state is not State.PLACED:
                outcome = Unknown(reason=record.reason or "the ledger could not record it", leaning_placed=True)
        desk.till.crash_point("8")
        desk.purse.note_settlement(self.request.key, _spending(outcome, self.entry))
        entries.note_outcome(self.entry, answer, outcome, desk.clock.monotonic() - self._claimed)
        return outcome

    def _wait_after(self, outcome: NotSent, pause: float) -> bool:
        """Pause before another try; False where there will be none."""
        if self._line_down or self.desk.till.stop.requested:
            return False
        asked = THROTTLE_PAUSE if outcome.retry_after is None else outcome.retry_after
        seconds = min(asked, THROTTLE_CAP) if outcome.throttled else pause
        self.desk.watch(Waiting(seconds=seconds, why=f"{self.request.key} was not sent: {outcome.reason}"))
        self.desk.till.stop.wait(seconds)
        return not self.desk.till.stop.requested

    def _goes_on(self, outcome: Outcome, quote: Quote) -> bool:
        """Whether the batch may go on after this."""
        if isinstance(outcome, Placed):
            self.desk.readings.count_purchase(self.request, outcome, quote.total)
            return not (entries.warn_of_overcharge(self.entry, outcome, quote) or self._line_down)
        self.desk.readings.distrust()
        if isinstance(outcome, Rejected):
            return not (outcome.access or self.desk.till.fail_fast or self._line_down)
        return False


def _spending(outcome: Outcome, entry: OrderEntry) -> Decimal | None:
    """What an attempt spent, or may have; None where that is proved to be nothing."""
    if isinstance(outcome, NotSent | Rejected):
        return None
    total = outcome.total if isinstance(outcome, Placed) else None
    return total if total is not None or entry.quote is None else entry.quote.total


def _settlement(answer: Answer, desk: Desk) -> Settlement:
    outcome = answer.outcome
    event, after = _MOVES[type(outcome)]
    placed = outcome if isinstance(outcome, Placed) else None
    return Settlement(
        event=event,
        after=after,
        at=desk.clock.now(),
        reason=entries.in_words(outcome),
        order_id=placed.order_id if placed else None,
        base_order_numbers=placed.base_order_numbers if placed else (),
        total=placed.total if placed else None,
        balance=placed.balance if placed else None,
        evidence=entries.evidence(answer),
    )


def _emergency(hold: Hold, attempt: Attempt, settlement: Settlement, error: LedgerUnusable) -> str:
    """Keep a result that the ledger did not take; the words for whoever watches."""
    fact = f"order id {settlement.order_id}" if settlement.order_id else f"outcome {settlement.event}"
    try:
        path = hold.save_emergency(attempt, settlement)
    except OSError as failure:
        lost = f"{attempt.key}: {error}; the emergency file could not take it either ({failure})"
        return f"{lost}. Write this down: {attempt.key} has {fact}"
    return f"{attempt.key}: {error}. Its {fact} is kept in {path}, which the next run reads first"
