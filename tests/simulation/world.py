"""One seed: a vendor, a ledger, and processes that come, freeze, die and come again; first with faults, then calm.

Real: batch, plan, place, readings, entries, report, verdict, the v1 adapter, and the ledger's SQL. Models: the vendor,
the network, the clock, and what happens to processes.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Final

from sqlalchemy import Connection

from runner import batch
from runner.errors import Busy, ExitCode, LedgerUnusable, Refused, Span
from runner.ledger.interface import Attempt, Holder, Record, Settlement
from runner.manifest import Batch, Loaded
from runner.orders import PAY_BY_BALANCE, PAY_BY_CARD, OrderKey, OrderRequest, ProductType, Source
from runner.place import GUARD_SECONDS
from runner.plan import Limits
from runner.progress import unwatched
from runner.report import STATUSES
from runner.states import OPEN, Event, State
from runner.vendors.account_v1 import V1Buyer
from runner.vendors.wire import Request
from tests.simulation.network import Transport
from tests.simulation.process import POINTS, Killed, Process, SimClock
from tests.simulation.store import Emergency, MemoryLedger, emptied, raw
from tests.simulation.vendor import Vendor

SETTLE_AFTER: Final = 1200.0
"""Seconds after an attempt before anything is said to be absent."""
PLACE: Final = Source(path="orders.yaml", span=Span(line=1, column=1, end_line=1, end_column=2))
TYPES: Final[tuple[ProductType, ...]] = ("ipv4", "ipv4", "ipv6", "mobile", "resident")
NOTHING: Final = (None, None)


class World:
    """Everything outside the code under test, and the judge of it."""

    patience = SETTLE_AFTER
    """A mutant's switch: what the person who settles unknown orders waits for."""

    def __init__(self, seed: int, connection: Connection, say: Callable[[str], None]) -> None:
        self.rng = random.Random(seed)
        self.seed = seed
        self.say = say
        self.counts: Counter[str] = Counter()
        self.violations: list[str] = []
        self.clock = SimClock()
        self.connection = emptied(connection)
        self.emergency = Emergency(self.counts)
        self.holder: Process | None = None
        self.vendor = Vendor(self.rng, self.clock, self.counts, self._bought, fault_rate=self.rng.uniform(0.1, 0.9))
        self.vendor.balance = Decimal(self.rng.choice((500, 500, 40, 15)))
        self.vendor.read_fault_rate = self.rng.choice((0.0, 0.0, 0.01, 0.08))
        self.loaded = self._manifest()
        self.keys = [request.key for request in self.loaded.orders]
        self._runs = 0
        self._commit_accidents = 0.03 if self.rng.random() < 0.5 else 0.0

    def _manifest(self) -> Loaded:
        orders = tuple(self._order(n) for n in range(self.rng.randrange(1, 6)))
        names = (Batch(name="b", path="orders.yaml"),)
        return Loaded(count=len(orders), batches=names, files=(), problems=(), orders=orders)

    def _order(self, n: int) -> OrderRequest:
        product = self.rng.choice(TYPES)
        key = OrderKey("b", f"o{n}")
        fields = {
            "quantity": self.rng.randrange(1, 4),
            "paymentId": PAY_BY_CARD if self.rng.random() < 0.2 else PAY_BY_BALANCE,
            "customTargetName": str(key),
            "coupon": product,  # so that the model knows the type, which the vendor tells from the country
        }
        return OrderRequest(key=key, type=product, fields=fields, source=PLACE)

    # What happens

    def live(self) -> None:
        """Both phases."""
        for _ in range(self.rng.randrange(2, 7)):
            if self.rng.random() < 0.3:
                self.vendor.stranger()
            self.run(self._some_process())
            self.clock.advance(self.rng.choice((1.0, 30.0, 400.0, 4000.0)))
            if self.rng.random() < 0.6:
                self.settle()
        self._calm()

    def _some_process(self) -> Process:
        fate = self.rng.choice(("lives", "dies", "dies", "freezes", "is to stop"))
        return Process(self, fate=fate, point=self.rng.choice(POINTS), nth=self.rng.choice((1, 1, 2, 3)))

    def _calm(self) -> None:
        self.say("  calm")
        self.vendor.faults, self._commit_accidents = False, 0.0
        self.vendor.balance += 1000
        for _ in range(2):
            self.settle()
            self.run(Process(self))
        self._check_end()

    def run(self, process: Process) -> None:
        """One `apply`, as far as the process gets."""
        self._runs += 1
        holder = Holder(host="here", pid=1, since=self.clock.now(), run_id=f"run-{self._runs}")
        job = batch.Job(
            loaded=self.loaded, limits=Limits(), holder=holder, clock=self.clock, watch=unwatched, ledger_name="memory"
        )
        purchase = batch.Purchase(
            ledger=MemoryLedger(process),
            buyer=V1Buyer(Transport(process), self.clock),  # type: ignore[arg-type] - the same methods
            file=None,
            confirm=lambda plan: None,
            stop=process.stop,
            money_timeout=180.0,
            crash_point=process.at,
        )
        self.say(f"  {holder.run_id} at {self.clock.monotonic():.0f} s: {process.fate} {process._point}")
        self.counts["runs"] += 1
        try:
            outcome = batch.apply(job, purchase)
        except Killed:
            self.counts["runs killed"] += 1
        else:
            self._check_report(outcome)
        self._check_nothing_forgotten()

    def while_frozen(self, process: Process) -> None:
        """Time passes; after long, its hold is gone, and others run."""
        seconds = self.rng.choice((3.0, 20.0, 90.0, 200.0, 4000.0))
        self.clock.advance(seconds)
        self.vendor.catch_up()
        if seconds < 100 or self.holder is not process:
            return
        self.counts["hold lost while frozen"] += 1
        self.say(f"    frozen {seconds:.0f} s, and overtaken")
        self.holder = None
        if self.rng.random() < 0.8:
            self.run(Process(self))
        if seconds > SETTLE_AFTER:
            self.settle()
            self.run(Process(self))

    def settle(self) -> None:
        """Stands for `reconcile` and `resolve`: once the waiting time is over, every open order gets its truth."""
        process = Process(self)
        ledger = MemoryLedger(process)
        if self.holder is not None or (not ledger.open_records() and not self.emergency.saved):
            return
        self.clock.advance(self.patience)
        self.vendor.catch_up()
        holder = Holder(host="here", pid=2, since=self.clock.now(), run_id=f"settle-{self._runs}")
        with suppress(LedgerUnusable, Refused, Busy, Killed), ledger.hold(holder, timeout=0) as hold:
            hold.abandon_submitted(self.clock.now())
            for record in ledger.open_records():
                hold.settle(_attempt(record), self._truth(record))
                self.counts["settled by truth"] += 1

    def _truth(self, record: Record) -> Settlement:
        bought = self.vendor.of(str(record.key))
        after = State.PLACED if bought else State.ABSENT
        order_id = str(bought[0].order_id) if bought else None
        return Settlement(event=Event.RESOLVED, after=after, at=self.clock.now(), reason="looked", order_id=order_id)

    def accident_at_commit(self) -> str:
        if self.rng.random() >= self._commit_accidents:
            return ""
        kinds = ("killed before a commit", "killed after a commit", "disk full", "not acknowledged")
        accident = self.rng.choice(kinds)
        if not accident.startswith("killed"):
            self.counts[f"ledger {accident}"] += 1
        return accident

    # What must hold

    def _against(self, words: str) -> None:
        self.violations.append(f"seed {self.seed}: {words}")
        self.say(f"    VIOLATION {words}")

    def states(self) -> dict[str, tuple[State, str | None]]:
        """What stands in the ledger's rows, read past the code under test: per key its state and order id."""
        rows = raw(self.connection).execute("SELECT key, state, order_id FROM orders")
        return {key: (State(state), order_id) for key, state, order_id in rows}

    def written(self, process: Process, request: Request) -> None:
        """I8: what is on its way was claimed, durably, and not long before its guard was asked."""
        key = json.loads(request.body or b"")["customTargetName"]
        self.counts["written"] += 1
        self.say(f"    written {key}")
        state, _ = self.states().get(key, NOTHING)
        if state is not State.SUBMITTED:
            self._against(f"I8: {key} was written while it was {state}")
        elif process.guarded_at - process.claimed_at > GUARD_SECONDS:
            self._against(f"I8: {key} was written long after its claim")

    def _bought(self, key: str) -> None:
        """I1, at every moment."""
        self.say(f"    bought {key}")
        if len(self.vendor.of(key)) > 1:
            self._against(f"I1: {key} was bought {len(self.vendor.of(key))} times")

    def _check_nothing_forgotten(self) -> None:
        """I2, while it lasts: what the vendor has, the ledger has as placed or open."""
        known = self.states()
        for key in {order.key for order in self.vendor.bought if order.key}:
            state, _ = known.get(key, NOTHING)
            if state not in (*OPEN, State.PLACED):
                self._against(f"I2: {key} was bought and is {state}")

    def _check_report(self, outcome: batch.Outcome) -> None:
        """I4: every order once, with a status; the exit code says the worst."""
        report = outcome.report
        if [entry.request.key for entry in report.orders] != self.keys:
            self._against("I4: the report does not name every order once")
        if any(entry.status not in STATUSES for entry in report.orders) or report.exit_code is None:
            self._against("I4: an order without a status, or a report without an end")
        known = self.states()
        doubtful = any(entry.status == "unknown" for entry in report.orders)
        if doubtful and report.exit_code is not ExitCode.OUTCOME_UNKNOWN:
            self._against(f"I4: an unknown order and exit code {report.exit_code}")
        if report.exit_code is ExitCode.OK and any(state is not State.PLACED for state, _ in known.values()):
            self._against("I4: exit code 0 and an order that is not placed")
        for entry in report.orders:
            state, _ = known.get(str(entry.request.key), NOTHING)
            bought = entry.status in ("placed", "already_placed")
            if bought and state is not State.PLACED and not self.emergency.saved:
                self._against(f"I4: {entry.request.key} is {entry.status} in the report and not in the ledger")

    def _check_end(self) -> None:
        """I2 and I7: after the calm every order is placed, under the id that the vendor has for it."""
        known = self.states()
        for key in map(str, self.keys):
            truth = [str(order.order_id) for order in self.vendor.of(key)]
            state, order_id = known.get(key, NOTHING)
            if state is not State.PLACED:
                self._against(f"I7: {key} is {state} after the calm")
            elif truth != [order_id]:
                self._against(f"I2: {key} is placed as {order_id}, the vendor has {truth}")
        self.counts["orders"] += len(self.keys)
        self.counts["orders placed"] += sum(state is State.PLACED for state, _ in known.values())


def _attempt(record: Record) -> Attempt:
    return Attempt(key=record.key, n=record.attempt, run_id=record.run_id or "", claimed_at=record.updated_at)


def run_seed(seed: int, connection: Connection, say: Callable[[str], None] = lambda _: None) -> World:
    """One world from its beginning to the end of its calm; broken code under test counts as a violation."""
    world = World(seed, connection, say)
    try:
        world.live()
    except Exception as error:  # noqa: BLE001 - whatever it is, the seed is the finding
        world.violations.append(f"seed {seed}: {type(error).__name__}: {error}")
        if say is not _silent:
            say(f"    {type(error).__name__}: {error}")
    return world


def _silent(_: str) -> None:
    """For seeds that nobody watches."""
