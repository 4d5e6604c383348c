"""Several orders at once, on real parts: what lanes share is shared, and what ends one never hides another."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from runner.buy.lanes import Lanes
from runner.core.clock import SystemClock
from runner.core.errors import ExitCode, LedgerUnusable
from runner.core.ledger import Hold, Ledger
from runner.core.progress import Buying, Sent, Settled
from runner.core.records import Attempt, Claim, Holder, Record, Settlement
from runner.core.stop import Stop
from runner.limits.limits import Limits
from runner.plan.plan import Plan
from tests.buy.desk import World, statuses, world

NAMES = tuple(f"o{n}" for n in range(8))
MANIFEST = "apiVersion: orders/v1\nbatch: b\ndefaults: {periodId: 1m, customTargetName: prices}\norders:\n" + "".join(
    f"  - {{name: {name}, type: ipv4, countryId: 561, quantity: {n + 1}}}\n" for n, name in enumerate(NAMES)
)
ALIKE = MANIFEST.replace("quantity: 2", "quantity: 1").replace("quantity: 3", "quantity: 1")
TOGETHER = 10.0
"""Seconds within which lanes that can meet have met."""


def at(step: str, do: Callable[[], object]) -> Callable[[str], None]:
    def crash_point(reached: str) -> None:
        if reached == step:
            do()

    return crash_point


def meeting(lanes: int, step: str = "6") -> Callable[[str], None]:
    """The first so many lanes that reach a step go on together; later ones at once."""
    barrier, seats = threading.Barrier(lanes, timeout=TOGETHER), threading.Semaphore(lanes)

    def meet() -> None:
        if seats.acquire(blocking=False):
            barrier.wait()

    return at(step, meet)


def bought(w: World) -> Counter[int]:
    return Counter(int(purchase.body["quantity"]) for purchase in w.box.purchases)


def test_as_many_as_there_are_jobs_are_in_flight(tmp_path: Path) -> None:
    """Four lanes all stand claimed before any of them is written, twice; each order is bought once, in the right place."""
    with world(tmp_path) as w:
        ended = w.apply(MANIFEST, jobs=4, crash_point=meeting(4))
        assert ended.report.exit_code is ExitCode.OK
        assert [entry.request.key.name for entry in ended.report.orders] == list(NAMES)
        assert bought(w) == Counter(range(1, 9))
        assert set(w.states(*NAMES)) == {"placed"}
        for kind in (Buying, Sent, Settled):
            assert sorted(str(e.key) for e in w.events if isinstance(e, kind)) == [f"b/{name}" for name in NAMES]


def test_never_more_than_jobs_are_in_flight(tmp_path: Path) -> None:
    """Of eight orders with three lanes no fourth one is claimed while three are open."""
    with world(tmp_path) as w:
        w.apply(MANIFEST, jobs=3)
        open_now, most = 0, 0
        for event in w.events:
            open_now += isinstance(event, Sent) - isinstance(event, Settled)
            most = max(most, open_now)
        assert 1 <= most <= 3


def test_one_unknown_stops_new_claims_and_the_others_are_awaited(tmp_path: Path) -> None:
    """The second of four in flight is lost: the other three are settled, nothing new is claimed, all of it is named."""
    with world(tmp_path, faults=["reset-after@2"]) as w:
        ended = w.apply(MANIFEST, jobs=4, crash_point=meeting(4))
        counts = Counter(statuses(ended))
        assert counts["unknown"] == 1
        assert counts["placed"] >= 3
        assert counts["planned"] == 7 - counts["placed"] > 0
        assert ended.report.exit_code is ExitCode.OUTCOME_UNKNOWN
        made = len(w.box.purchases)
        assert made == counts["placed"] + 1
        assert w.apply(MANIFEST, jobs=4).report.exit_code is ExitCode.OUTCOME_UNKNOWN
        assert len(w.box.purchases) == made


def test_all_that_are_lost_are_named(tmp_path: Path) -> None:
    """Four in flight whose connections all end: four unknown orders in report and ledger, and never a fifth."""
    with world(tmp_path, faults=["close-after@1x4"]) as w:
        ended = w.apply(MANIFEST, jobs=4, crash_point=meeting(4))
        assert statuses(ended) == ["unknown"] * 4 + ["planned"] * 4
        assert w.states(*NAMES) == ["unknown"] * 4 + [None] * 4


def test_two_overcharges_at_once_are_both_told(tmp_path: Path) -> None:
    """Each has its finding; the batch stops after them."""
    with world(tmp_path, faults=["overcharge@1x2"]) as w:
        ended = w.apply(MANIFEST, jobs=2, crash_point=meeting(2))
        codes = [[finding.problem.code for finding in entry.errors] for entry in ended.report.orders]
        assert [one for one in codes if "PSR505" in one] == [["PSR505"], ["PSR505"]]
        assert statuses(ended) == ["placed"] * 2 + ["planned"] * 6
        assert ended.report.exit_code is ExitCode.REFUSED


def test_answers_out_of_order_find_their_orders(tmp_path: Path) -> None:
    """The first of three is answered last: every order has the id the vendor has for it."""
    with world(tmp_path, faults=["slow@1:0.5"]) as w:
        ended = w.apply(MANIFEST, jobs=3)
        ids = {int(p.body["quantity"]): str(p.order_id) for p in w.box.purchases}
        results = [entry.result for entry in ended.report.orders]
        assert [result.order_id for result in results if result] == [ids[n] for n in range(1, 9)]


def test_a_signal_awaits_what_is_in_flight(tmp_path: Path) -> None:
    """Asked to stop with three written: all three are settled, the rest is untouched, the exit code is that of a signal."""
    meet, stop = meeting(3), Stop()
    with world(tmp_path, faults=["slow@1x3:0.3"]) as w:

        def reach(step: str) -> None:
            meet(step)
            if step == "7":
                stop.request()

        ended = w.apply(MANIFEST, jobs=3, stop=stop, crash_point=reach)
        assert statuses(ended) == ["placed"] * 3 + ["planned"] * 5
        assert ended.report.exit_code is ExitCode.CANCELLED
        assert len(w.box.purchases) == 3


class Jumpy(SystemClock):
    """A clock that a test moves on."""

    ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


def test_lanes_cannot_pass_a_limit_together(tmp_path: Path) -> None:
    """Prices rise once the plan was agreed to; each order still fits under the limit, all in flight together do not."""
    clock = Jumpy()
    text = MANIFEST.replace("orders:", 'budget: {price_tolerance: "0.9"}\norders:', 1)
    with world(tmp_path, faults=["price-up-quote@8:60"]) as w:

        def agree_slowly(plan: Plan) -> None:
            clock.ahead = 61.0
            self_limit.append(plan.total)

        self_limit: list[Decimal] = []
        limits = Limits(max_spend=Decimal("64.80"))
        ended = w.apply(text, jobs=8, limits=limits, confirm=agree_slowly, clock=clock, crash_point=slow_lanes())
        assert self_limit == [Decimal("64.80")]
        spent = sum((entry.result.total or 0 for entry in ended.report.orders if entry.result), Decimal(0))
        assert 0 < spent <= Decimal("64.80")
        assert "PSR406" in {f.problem.code for entry in ended.report.orders for f in entry.errors}


def slow_lanes() -> Callable[[str], None]:
    """No lane goes on to its claim until every order that may start has started."""
    started = threading.Event()

    def reach(step: str) -> None:
        if step == "4":
            started.wait(0.3)

    return reach


def test_what_is_set_aside_and_not_spent_serves_the_next_one(tmp_path: Path) -> None:
    """An order that only fits if one in flight comes to nothing waits for it, and is bought then; nothing is refused early."""
    text = MANIFEST.replace("orders:", 'budget: {price_tolerance: "0.9"}\norders:', 1)
    clock = Jumpy()
    with world(tmp_path, faults=["price-up-quote@8:10"]) as w:

        def agree_slowly(plan: Plan) -> None:
            clock.ahead = 61.0

        limits = Limits(max_spend=Decimal("68.00"))
        ended = w.apply(text, jobs=8, limits=limits, confirm=agree_slowly, clock=clock, crash_point=slow_lanes())
        refused = [entry for entry in ended.report.orders if entry.status == "refused"]
        spent = sum((entry.result.total or 0 for entry in ended.report.orders if entry.result), Decimal(0))
        assert spent <= Decimal("68.00")
        assert all(spent + (entry.quote.total if entry.quote else 0) > Decimal("68.00") for entry in refused)


class Failing:
    """A ledger whose hold fails at one settlement."""

    def __init__(self, ledger: Ledger, at: int) -> None:
        self._ledger = ledger
        self._at = at

    def __getattr__(self, name: str) -> object:
        return getattr(self._ledger, name)

    @contextmanager
    def hold(self, holder: Holder, *, timeout: float) -> Iterator[Hold]:
        with self._ledger.hold(holder, timeout=timeout) as hold:
            yield FailingHold(hold, self._at)  # type: ignore[misc] - the same methods


class FailingHold:
    def __init__(self, hold: Hold, at: int) -> None:
        self._hold = hold
        self._left = at
        self._threads: set[int] = set()

    def __getattr__(self, name: str) -> object:
        return getattr(self._hold, name)

    def claim(self, claim: Claim) -> Attempt:
        return self._hold.claim(claim)

    def settle(self, attempt: Attempt, settlement: Settlement) -> Record:
        self._left -= 1
        if self._left == 0:
            raise LedgerUnusable("the disk is full")
        return self._hold.settle(attempt, settlement)


def test_a_ledger_that_fails_in_the_middle_keeps_every_answer(tmp_path: Path) -> None:
    """One of four settlements is not taken: it is in the emergency file, the others in the ledger, nothing new is claimed."""
    with world(tmp_path) as w:
        wrap = lambda ledger: Failing(ledger, 2)  # noqa: E731 - shorter than a function of its own
        ended = w.apply(MANIFEST, jobs=4, wrap=wrap, crash_point=meeting(4))
        assert ended.report.exit_code is ExitCode.OUTCOME_UNKNOWN
        states = Counter(w.states(*NAMES))
        assert states["submitted"] == 1
        assert states["placed"] >= 3
        assert states["placed"] + states[None] + states["planned"] == 7
        assert any(finding.problem.code == "PSR602" for finding in ended.report.errors)
        again = w.apply(MANIFEST, jobs=4)
        assert again.report.exit_code is ExitCode.OK
        assert bought(w) == Counter(range(1, 9))


def test_a_lane_that_dies_is_a_possible_charge(tmp_path: Path) -> None:
    """A bug in one lane after its claim: that order is unknown, the others are settled, and the run says bug."""
    meet, dies = meeting(3), threading.Lock()

    def reach(step: str) -> None:
        meet(step)
        if step == "6" and dies.acquire(blocking=False):
            raise ZeroDivisionError

    with world(tmp_path) as w:
        ended = w.apply(MANIFEST, jobs=3, crash_point=reach)
        states = Counter(w.states(*NAMES))
        assert states["unknown"] == 1
        assert states["placed"] >= 2
        assert ended.report.exit_code is ExitCode.OUTCOME_UNKNOWN
        assert "bug" in str(ended.error)


def start_and_wait(lanes: Lanes[int]) -> int:
    lanes.start(lambda: 1 // 0)
    return lanes.wait()


def test_a_lane_that_cannot_start_loses_nothing() -> None:
    """Work that raises at once, with one lane or several, comes out where it is waited for, and takes no lane."""
    for jobs in (1, 2):
        lanes = Lanes[int](jobs)
        with pytest.raises(ZeroDivisionError):
            start_and_wait(lanes)
        lanes.start(lambda: 7)
        assert (lanes.wait(), lanes.busy) == (7, 0)


def test_a_throttled_lane_is_tried_again(tmp_path: Path) -> None:
    """HTTP 429 for one of four at once: it is bought after the pause, and nothing else is bought twice."""
    with world(tmp_path, faults=["429@2:0"]) as w:
        ended = w.apply(MANIFEST, jobs=4)
        assert ended.report.exit_code is ExitCode.OK
        assert bought(w) == Counter(range(1, 9))


def test_witness_and_balance_are_from_before_anything_was_in_flight(tmp_path: Path) -> None:
    """Each claim names one list and one balance, and how many events of ours came between: the judge takes them off."""
    with world(tmp_path, faults=["reset-after@8"]) as w:
        w.apply(MANIFEST, jobs=8)
        from runner.ledger.sqlite import open_sqlite

        ledger = open_sqlite(w.ledger_path, "default", read_only=True)
        try:
            (claim,) = ledger.open_claims()
            first = min(entry.seq for entry in ledger.history())
        finally:
            ledger.close()
        assert claim.balance == 1000
        assert claim.read_seq < first
        assert claim.claimed_seq > claim.read_seq
