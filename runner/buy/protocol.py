"""The purchase protocol. Step numbers are those of docs/explanation/life-of-an-order.md and of the crash tests.

1  hold the account; what an earlier run left `submitted` is unknown; anything unknown refuses the run (batch.py)
2  quote again, check ceiling, limits on sums, and balance; of a renewal, the rows it is for first
3  have the before witness, read while nothing was in flight: the vendor's orders of the type, and the balance
4  connect: a connection of its own; failure here is `not_sent`
5  claim: one durable transaction; not acknowledged means not sent
6  guard, then the POST is written once, on that connection
7  the answer is read under one total deadline
8  settle: one durable transaction, or the emergency file
9  refresh the report
10 an unknown stops the batch; SIGINT and SIGTERM let 6 to 9 finish

Steps 2 and 3 are taken one order at a time, 4 to 9 in as many lanes as there are jobs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from threading import Event as Flag
from threading import RLock
from typing import Final

from runner.buy.lanes import Lanes
from runner.core.clock import Clock
from runner.core.errors import LedgerUnusable, RunnerError
from runner.core.ledger import Hold
from runner.core.orders import OrderKey, Quote
from runner.core.progress import Buying, Notice, Sent, Settled, Waiting, Watch
from runner.core.readings import BalanceReading, Readings
from runner.core.records import Attempt, Claim, Settlement
from runner.core.renewals import change_of
from runner.core.states import Event, State
from runner.core.stop import Stop
from runner.core.vendor import Answer, Buyer, NotSent, Outcome, Placed, QuoteRefused, Rejected, Unknown, Witness
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
HALTED: Final = "the batch was stopped by another order"

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
    nothing can be bought any more. Up to `jobs` purchases are in flight at once, in the lanes that `lanes` makes.
    `crash_point` is called with the number of each step that was just reached.
    """

    confirm: Callable[[Plan], None]
    stop: Stop
    money_timeout: float
    file: ReportFile | None = None
    lock_timeout: float = 0.0
    fail_fast: bool = False
    jobs: int = 1
    at_end: Callable[[], None] = lambda: None
    pauses: tuple[float, ...] = PAUSES
    crash_point: Callable[[str], None] = no_crash
    lanes: Callable[[int], Lanes[Result]] = Lanes


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where one batch is bought, under the hold. `approval` is the digest it is bought under, if any.

    Lanes share ledger, report and watch: each takes `lock` for them, one at a time. `halt` is set once nothing more
    may be claimed.
    """

    till: Till
    hold: Hold
    buyer: Buyer
    readings: Readings
    report: Report
    clock: Clock
    watch: Watch
    purse: Purse = field(default_factory=Purse)
    approval: str | None = None
    lock: RLock = field(default_factory=RLock)
    halt: Flag = field(default_factory=Flag)


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What was read before an order is claimed: its price now, and both witnesses."""

    quote: Quote
    witness: Witness
    balance: BalanceReading


@dataclass(frozen=True, slots=True)
class Result:
    """How one try of a purchase ended; no outcome where it ended before anything was claimed."""

    purchase: Purchase
    outcome: Outcome | None


def place_all(steps: Sequence[Step], entries_of: Mapping[OrderKey, OrderEntry], desk: Desk) -> None:
    """Buy every step in order, until something says stop. What happened is in the ledger and the report.

    Nothing more is started then; what is in flight is awaited. One that raises does not keep the others from that.
    """
    purchases = deque(Purchase(step, entries_of[step.request.key], desk, n) for n, step in enumerate(steps, 1))
    lanes = desk.till.lanes(desk.till.jobs)
    failure: BaseException | None = None
    is_told = False
    while purchases or lanes.busy:
        is_over = failure is not None or desk.halt.is_set() or desk.till.stop.requested
        if is_over and lanes.busy > 1 and not (is_told or desk.till.stop.requested):
            desk.watch(Notice(text="no further order is begun: waiting for the purchases in flight", stops=True))
            is_told = True
        try:
            if lanes.busy and (is_over or not purchases or lanes.is_full or purchases[0].must_wait()):
                ended = lanes.wait()
                if ended.purchase.conclude(ended.outcome):
                    purchases.appendleft(ended.purchase)
            elif is_over:
                break
            elif _start(purchases[0], lanes, len(steps)):
                purchases.popleft()
        except Exception as error:  # noqa: BLE001 - what is in flight is awaited before it is raised
            failure = failure or error
    if failure is not None:
        raise failure


def _start(purchase: Purchase, lanes: Lanes[Result], total: int) -> bool:
    """Steps 2 and 3 here, where nothing is read twice at once; the others in a lane. False for one that has to wait."""
    purchase.announce(total)
    terms = purchase.prepare()
    if terms is not None:
        lanes.start(lambda: purchase.carry_out(terms))
    return terms is not None or not purchase.waits


class Purchase:
    """One order on its way through steps 2 to 9."""

    def __init__(self, step: Step, entry: OrderEntry, desk: Desk, n: int = 1) -> None:
        self.step = step
        self.request = step.request
        self.entry = entry
        self.desk = desk
        self.waits = False
        """Whether it could be bought if what is in flight comes to nothing."""
        self._n = n
        self._tries = 0
        self._claimed = self._answered = 0.0
        self._attempt: Attempt | None = None
        self._line_down = False

    def must_wait(self) -> bool:
        """Whether nothing may be in flight when this one starts."""
        readings = self.desk.readings
        return self.waits or readings.is_due(self.request.type) or readings.is_term_due(self.request)

    def announce(self, total: int) -> None:
        """Tell whoever looks on that it begins."""
        if self._tries == 0 and not self.waits:
            price = self.step.quote.total if self.step.quote else Decimal(0)
            self.desk.watch(Buying(key=self.request.key, n=self._n, total=total, price=price))

    def prepare(self) -> Basis | None:
        """Steps 2 and 3, and what the order may cost is set aside; None where it ended here, or `waits`."""
        self.waits = False
        try:
            quote = self._check_again()
            if quote is not None:
                return self._terms(quote)
            if self.waits:
                return None
            self._goes_on(not self.desk.till.fail_fast)
        except RunnerError as error:
            self._note_stop(error)
        self._close()
        return None

    def _check_again(self) -> Quote | None:
        """Step 2: the price that may be paid now; None where the order is refused, or has to wait."""
        self.desk.till.crash_point("2")
        if self.request.renews is not None and not self._has_term(self.request.renews):
            return None
        quote = self.desk.readings.quote(self.request)
        if isinstance(quote, QuoteRefused):
            with self.desk.lock:
                entries.refuse_unpriced(self.entry, quote)
            return None
        available = self.desk.readings.available()
        with self.desk.lock:
            self.entry.update(quote=quote)
            return quote if self._may_cost(quote, available) else None

    def _has_term(self, order_id: str) -> bool:
        """Of a renewal: its rows as they are now are those to be paid for; False where its term is not as planned."""
        now = self.desk.readings.terms(self.request.type, [order_id]).get(order_id)
        change = change_of(self.step.request.term, now)
        with self.desk.lock:
            if change is not None:
                entries.refuse_term(self.entry, change)
                return False
            self.request = replace(self.request, term=now)
            self.entry.update(body=self.desk.buyer.preview(self.request))
        return True

    def _may_cost(self, quote: Quote, available: Decimal) -> bool:
        broken = self.desk.purse.objections({self.request.key: quote.total}, self.desk.clock.now())
        is_short = quote.total > available and not self.request.pays_by_card
        if quote.total > self._ceiling(quote):
            entries.refuse_too_dear(self.entry, quote, self._ceiling(quote))
        elif (broken or is_short) and self.desk.readings.in_flight:
            self.waits = True
        elif broken:
            entries.refuse_over_limit(self.entry, broken[0])
        elif is_short:
            entries.refuse_too_poor(self.entry, quote, available)
        else:
            return True
        return False

    def _ceiling(self, quote: Quote) -> Decimal:
        return quote.total if self.step.ceiling is None else self.step.ceiling

    def _terms(self, quote: Quote) -> Basis:
        """Step 3. From here on the price counts against every limit and against the balance."""
        desk = self.desk
        desk.till.crash_point("3")
        terms = Basis(quote=quote, witness=desk.readings.witness(self.request.type), balance=desk.readings.balance())
        desk.readings.reserve(self.request, quote.total)
        with desk.lock:
            desk.purse.note_claim(self.request.key, quote.total, desk.clock.now())
        return terms

    def carry_out(self, terms: Basis) -> Result:
        """Steps 4 to 9, in a lane of its own; no outcome where it was not claimed for a reason that ends the batch."""
        outcome: Outcome | None = None
        try:
            outcome = self._try_once(terms)
        except RunnerError as error:
            if self.entry.status == "unknown":  # claimed: nothing may call this unbought any more
                raise
            self._note_stop(error)
        finally:
            if not isinstance(outcome, NotSent):
                self._goes_on(outcome is not None)
                self._close()
        return Result(self, outcome)

    def _try_once(self, terms: Basis) -> Outcome:
        """Steps 4 to 8."""
        desk = self.desk
        desk.till.crash_point("4")
        with desk.buyer.connect() as line:
            if isinstance(line, NotSent):
                return line
            if not self._claim(terms):
                return NotSent(reason=HALTED)
            try:
                answer = line.send(self.request, self._guard)
            except BaseException as error:
                reason = f"a bug in order-runner while it was sent ({type(error).__name__})"
                self._settle(Answer(outcome=Unknown(reason=reason)), terms.quote)
                raise
        return self._settle(answer, terms.quote)

    def _claim(self, terms: Basis) -> bool:
        """Step 5; False where another order has stopped the batch by now."""
        desk = self.desk
        claim = Claim(
            request=self.request,
            quote=terms.quote,
            ceiling=self._ceiling(terms.quote),
            witness=terms.witness,
            balance=terms.balance.amount,
            events_read=terms.balance.events,
            run_id=desk.report.run_id,
            at=desk.clock.now(),
            approval=desk.approval,
        )
        with desk.lock:
            if desk.halt.is_set():
                return False
            self._attempt = desk.hold.claim(claim)
            self._claimed = desk.clock.monotonic()
            entries.note_sent(self.entry, self._attempt)
            desk.till.crash_point("5")
            desk.watch(Sent(key=self.request.key, deadline=desk.till.money_timeout))
        return True

    def _guard(self) -> str | None:
        """Step 6: the last reason not to send."""
        desk = self.desk
        desk.till.crash_point("6")
        if desk.till.stop.requested:
            return "the run was asked to stop"
        if desk.halt.is_set():
            return HALTED
        if desk.clock.monotonic() - self._claimed > GUARD_SECONDS:
            return f"more than {GUARD_SECONDS:g} s have passed since it was claimed"
        with desk.lock:
            return desk.hold.objection()

    def _settle(self, answer: Answer, quote: Quote) -> Outcome:
        """Steps 8 and 10: on record first, then in the report. What the ledger did not take as placed is unknown.

        A stop is said before the lock is given up, so that no lane claims while an unknown outcome is on record.
        """
        desk = self.desk
        self._answered = desk.clock.monotonic()
        desk.till.crash_point("7")
        assert self._attempt is not None  # noqa: S101 - nothing is settled that was not claimed
        settlement = _settlement(answer, desk)
        outcome = answer.outcome
        with desk.lock:
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
            entries.note_outcome(self.entry, answer, outcome, desk.clock.monotonic() - self._claimed)
            self._goes_on(self._may_go_on(outcome, quote))
        return outcome

    def _may_go_on(self, outcome: Outcome, quote: Quote) -> bool:
        """Whether another order may be claimed after this: step 10."""
        if isinstance(outcome, Placed):
            overcharged = entries.warn_of_overcharge(self.entry, outcome, quote)
            return not (overcharged or self._line_down)
        if isinstance(outcome, Rejected):
            return not (outcome.access or self.desk.till.fail_fast or self._line_down)
        return isinstance(outcome, NotSent) and not self._line_down

    def conclude(self, outcome: Outcome | None) -> bool:
        """What an ended try leaves: what was set aside is counted as what it came to. Whether to try again."""
        readings, request, quote = self.desk.readings, self.request, self.entry.quote
        with self.desk.lock:
            self.desk.purse.note_settlement(request.key, _spending(outcome, self.entry))
        if isinstance(outcome, Placed) and quote is not None:
            readings.count_purchase(request, outcome, quote.total, self._answered)
            return False
        readings.release(request)
        if isinstance(outcome, Rejected | Unknown):
            readings.distrust()
        return isinstance(outcome, NotSent) and self._tries_again(outcome)

    def _tries_again(self, outcome: NotSent) -> bool:
        """Pause before another try; False where there will be none, and the batch ends."""
        desk, pauses = self.desk, self.desk.till.pauses
        if self._tries < len(pauses) and not (desk.till.stop.requested or desk.halt.is_set()):
            pause = pauses[self._tries]
            self._tries += 1
            self._wait_after(outcome, pause)
            if not desk.till.stop.requested:
                return True
        with desk.lock:
            entries.give_up(self.entry, outcome, stopped=desk.till.stop.requested or outcome.reason == HALTED)
        self._goes_on(False)
        self._close()
        return False

    def _wait_after(self, outcome: NotSent, pause: float) -> None:
        asked = THROTTLE_PAUSE if outcome.retry_after is None else outcome.retry_after
        seconds = min(asked, THROTTLE_CAP) if outcome.throttled else pause
        self.desk.watch(
            Waiting(seconds=seconds, why=f"{self.request.key} was not sent: {outcome.reason}", key=self.request.key)
        )
        self.desk.till.stop.wait(seconds)

    def _goes_on(self, may: bool) -> None:
        if not may:
            self.desk.halt.set()

    def _note_stop(self, error: RunnerError) -> None:
        with self.desk.lock:
            entries.note_stop(self.entry, error)
        self.desk.halt.set()

    def _close(self) -> None:
        """Step 9, and the end of the order is told."""
        desk = self.desk
        with desk.lock:
            desk.till.crash_point("9")
            if desk.till.file is not None:
                desk.till.file.refresh(desk.report)
            desk.watch(Settled(key=self.request.key, status=self.entry.status, detail=self.entry.reason))


def _spending(outcome: Outcome | None, entry: OrderEntry) -> Decimal | None:
    """What an attempt spent, or may have; None where that is proved to be nothing."""
    if outcome is None or isinstance(outcome, NotSent | Rejected):
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
