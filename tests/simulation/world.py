"""One seed: a vendor, a ledger, and processes that come, freeze, die and come again; first with faults, then calm.

Real: batch, plan, place, readings, entries, report, verdict, reconcile, judge, fits, worlds, resolve, the v1 adapter, and
the ledger's SQL. Models: the vendor, the network, the clock, and what happens to processes.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from runner.buy.protocol import GUARD_SECONDS, Till
from runner.core.errors import ExitCode
from runner.core.prices import MAX_AGE
from runner.core.progress import ignore
from runner.core.records import Holder
from runner.core.states import OPEN, State
from runner.ledger.sqlite import SqliteConnection
from runner.plan.task import Task
from runner.report.report import STATUSES
from runner.run import batch
from runner.vendors.v1.adapter import V1Buyer
from runner.vendors.wire import Request
from tests.simulation.books import NOTHING, Books
from tests.simulation.flights import AtOnce
from tests.simulation.forgetting import Forgetting
from tests.simulation.moving import Lock, Moving
from tests.simulation.network import IDENTITY, Transport
from tests.simulation.points import LOOKING, POINTS
from tests.simulation.process import Killed, Process, SimClock
from tests.simulation.renaming import Renaming
from tests.simulation.renewing import Renewing
from tests.simulation.settling import Settling, inherit
from tests.simulation.store import ACCOUNT, Emergency, MemoryLedger, emptied, enter_account
from tests.simulation.vendor import DAY, Bought, Vendor, content_of
from tests.simulation.wanted import manifest

WEEK: Final = 8 * 86_400.0
CALM: Final = 6
"""Runs after which all is bought, with a person in between who says whose the orders are that look bought."""


class World(Books):
    """The modelled world of one seed: vendor, network, ledger, time and deaths around the code under test, and its judge."""

    def __init__(self, seed: int, connection: SqliteConnection, say: Callable[[str], None]) -> None:
        self.rng = random.Random(seed)
        self.seed = seed
        self.say = say
        self.counts: Counter[str] = Counter()
        self.violations: list[str] = []
        self.clock = SimClock()
        self.connection = emptied(connection)
        enter_account(self.connection, IDENTITY.entry(ACCOUNT, 1, at=self.clock.now(), who="a person"))
        self._mistakes = random.Random(seed)
        self.emergency = Emergency(self)
        self.holder: Process | None = None
        self.exclusive = self.rng.random() < 0.55
        """Nobody else buys or tops up, and `reconcile` is told so."""
        self.at_once = AtOnce(self)
        self.loaded = self.at_once.enlarge(manifest(self.rng))
        self.keys = [request.key for request in self.loaded.orders]
        self.goals = {str(order.key): str(order.fields["customTargetName"]) for order in self.loaded.orders}
        self.former: dict[str, str] = {}
        self.renewing = Renewing(self)
        self.vendor = self._vendor()
        self.at_once.furnish()
        self.lock = Lock(self)
        self.moving = Moving(self)
        self.settling = Settling(self)
        self.forgetting = Forgetting(self)
        self.renaming = Renaming(self)
        self.runs = 0
        self.failing_commits = 0
        """How many transactions are about to fail, one after the other."""
        self._commit_accidents = 0.0
        self._counted = (0, 0)

    def _vendor(self) -> Vendor:
        rng = self.rng
        vendor = Vendor(
            rng,
            self.clock,
            self.counts,
            self._bought,
            key_of=self.renewing.key_of,
            on_renewal=self.renewing.bought,
            renewable=self._is_settled,
            shared=not self.exclusive,
            late=rng.random() < 0.4,
            numbered=rng.random() > 0.12,
            marked=rng.random() < 0.4,
            filters=rng.choice(("query", "query", "body", "ignored")),
            hides=rng.choice((0.0, 0.0, 1.0, 6.9, 7.0, 40.0)) * DAY,
            restarts=rng.random() < 0.5,
            zone=rng.choice((-8.0, 0.0, 0.0, 9.0)),
            fault_rate=rng.uniform(0.1, 0.9),
        )
        vendor.hides *= vendor.filters != "ignored"  # a list that could not be had at all would be another vendor's
        for _ in range(min(rng.choice((0, 1, 1, 2, 4)), 4 - 3 * self.at_once.happens)):
            vendor.had_before(dict(rng.choice((self.loaded.orders[0], rng.choice(self.loaded.orders))).fields))
        just_enough = sum(vendor.total(dict(order.fields)) for order in self.loaded.orders)
        vendor.balance = Decimal(rng.choice((500, 500, 40, just_enough, just_enough)))
        vendor.read_fault_rate = 0.0
        return vendor

    # What happens

    def live(self) -> None:
        """Both phases."""
        self.counts["exclusive accounts" if self.exclusive else "shared accounts"] += 1
        self._commit_accidents = self.rng.choice((0.03, 0.0))
        self.vendor.read_fault_rate = self.at_once.read_fault_rate(self.rng.choice((0.0, 0.02, 0.15)))
        if self.rng.random() < 0.5 or self.at_once.begins_with_a_run():
            self._runs_and_looks()
        else:
            self._looks()
        self._calm()
        if self.renewing.is_meant and not (self.violations or self.forgetting.restored):
            self.renewing.happen()
        else:
            self.renaming.happen()

    def _runs_and_looks(self) -> None:
        for _ in range(self.rng.randrange(2, 7)):
            if self.rng.random() < 0.3:
                self.vendor.meanwhile()
            self.run(self._some_process((*POINTS, "written")))
            self.clock.advance(self.rng.choice((1.0, 1.0, 30.0, 400.0, 4000.0)))
            if self.rng.random() < 0.8:
                self.settle()
            self._mistake_the_account()
            self.moving.between_runs()
            self.forgetting.between_runs()

    def _mistake_the_account(self) -> None:
        """Now and then a run has another name for the account. What it draws is taken back: it must leave no trace."""
        known = self.ask("SELECT 1 FROM account_keys")
        if self._mistakes.random() < 0.8 or self.holder is not None or self.emergency.saved or not known:
            return
        self.counts["run under another name"] += 1
        drawn = self.rng.getstate()
        self._apply(Process(self), account="default")
        self.rng.setstate(drawn)

    def _looks(self) -> None:
        """Orders are in doubt from the beginning on, some of them at once, and looked for again and again."""
        inherit(self)
        for _ in range(self.rng.randrange(2, 6)):
            self.clock.advance(self.rng.choice((1.0, 1.0, 30.0, 400.0)))
            self.settle()
        self.run(self._some_process(POINTS))
        self.forgetting.between_runs()

    def _some_process(self, points: tuple[str, ...]) -> Process:
        fate = self.rng.choice(("lives", "dies", "dies", "freezes", "is to stop"))
        process = Process(self, fate=fate, point=self.rng.choice(points), nth=self.rng.choice((1, 1, 2, 3)))
        return process if LOOKING in points else self.at_once.befalls(self.moving.befalls(process))

    def settle(self) -> None:
        """`reconcile`, once or for a while; now and then a person loses patience with what it leaves open."""
        if self.holder is not None or not (self.emergency.saved or MemoryLedger(Process(self)).open_records()):
            return
        rng, vendor = self.rng, self.vendor
        if rng.random() < 0.6:
            vendor.meanwhile(self.in_doubt())
        gone_for_a_week = rng.random() < 0.12
        self.counts["settled a week later"] += gone_for_a_week
        self.clock.advance(
            WEEK if gone_for_a_week else rng.choice((0.0, 0.0, 60.0, 700.0, 1300.0, 1300.0, 1300.0, 4000.0, 15000.0))
        )
        usual, vendor.read_fault_rate = vendor.read_fault_rate, rng.choice((0.0, 0.1, 0.25))
        process = self._some_process((LOOKING,)) if rng.random() < 0.3 else Process(self)
        self.settling.reconcile(process, wait=rng.choice((0.0, 0.0, 900.0, 8000.0)))
        vendor.read_fault_rate = usual
        if rng.random() < (0.1 if self.exclusive else 0.25):
            self.settling.person()

    def _calm(self) -> None:
        self.say("  calm")
        self.vendor.faults, self._commit_accidents = False, 0.0
        for n in range(CALM):
            if n >= 2 and self.is_done():
                break
            self.settling.to_the_end()
            self.vendor.balance += 1000
            self.run(Process(self))
            if n < 2:
                self.forgetting.between_runs()
        self.check_end()

    def run(self, process: Process) -> None:
        """One `apply`, as far as the process gets."""
        outcome = self._apply(process)
        if outcome is not None:
            self._check_report(outcome, process)
            self._check_charges(outcome, process)
            self.forgetting.answer(outcome)
        self._check_nothing_forgotten()

    def _apply(self, process: Process, account: str = ACCOUNT) -> batch.Ended | None:
        """What a run came to, None for one that was killed."""
        self.runs += 1
        holder = Holder(host="here", pid=1, since=self.clock.now(), run_id=f"run-{self.runs}")
        flights = process.flights
        flights.begin(holder.run_id)
        task = Task(
            contents=self.loaded,
            limits=self.at_once.limits(holder.run_id),
            holder=holder,
            clock=self.clock,
            watch=ignore,
            ledger_name="memory",
            guard=self.forgetting.guard,
        )
        buyer = V1Buyer(Transport(process), self.clock)  # type: ignore[arg-type] - the same methods
        till = Till(
            confirm=self.at_once.confirm,
            stop=process.stop,
            money_timeout=180.0,
            jobs=flights.jobs,
            lanes=flights.lanes,
            crash_point=process.at,
        )
        fate = f"{process.fate} {process.point}"
        self.say(f"  {holder.run_id} at {self.clock.monotonic():.0f} s, {flights.jobs} at once: {fate}")
        self.counts["runs"] += 1
        outcome = None
        with self.clock.lent_to(flights.baton):
            try:
                outcome = batch.apply(task, till, MemoryLedger(process, account), buyer)
            except Killed:
                self.counts["runs killed"] += 1
            left = flights.baton.finish()
        self.failing_commits = 0
        if left and outcome is not None:
            self.against(f"I12: {holder.run_id} ended with {left} purchases in flight")
        return outcome

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
        if self.rng.random() < 0.8:
            self.settle()
            self.run(Process(self))

    def accident_at_commit(self) -> str:
        if self.failing_commits:
            self.failing_commits -= 1
            return "disk full"
        if self.rng.random() >= self._commit_accidents:
            return ""
        kinds = ("killed before a commit", "killed after a commit", "disk full", "not acknowledged")
        accident = self.rng.choice(kinds)
        if not accident.startswith("killed"):
            self.counts[f"ledger {accident}"] += 1
        return accident

    # What must hold

    def against(self, words: str) -> None:
        self.violations.append(f"seed {self.seed}: {words}")
        self.say(f"    VIOLATION {words}")

    def written(self, process: Process, request: Request) -> None:
        """I8: what is on its way was claimed, durably, and not long before its guard was asked."""
        if request.path.startswith("prolong/"):
            self.renewing.written(process, request)
            return
        body = json.loads(request.body or b"")
        goal = body["customTargetName"]
        self.counts["written"] += 1
        self.say(f"    written {goal}")
        self.forgetting.writes(process, goal)
        process.flights.written(goal)
        self.at_once.written(process, body)
        known = self.states()
        states = [known.get(key, NOTHING)[0] for key, of in self.goals.items() if of == goal]
        if State.SUBMITTED not in states:
            self.against(f"I8: {goal} was written while it was {states}")
        else:
            self.check_claim_age(process, goal)
        self._check_price(process, body)

    def check_claim_age(self, process: Process, what: str) -> None:
        """I8: not long before its guard was asked."""
        if process.own.guarded_at - process.own.claimed_at > GUARD_SECONDS:
            self.against(f"I8: {what} was written long after its claim")

    def _check_price(self, process: Process, body: dict[str, Any]) -> None:
        """I9: the price that is claimed was told for this content, in the last minute; for a coupon, just now."""
        goal, since = body["customTargetName"], process.own.checked_at - ("coupon" not in body) * MAX_AGE
        told = {total for at, content, total in self.vendor.prices if content == content_of(body) and at >= since}
        claimed = [Decimal(total) for total in self.submitted(goal)]
        if not told.issuperset(claimed):
            self.against(f"I9: {goal} was written for {claimed}, and was said to cost {told or 'nothing'}")

    def _bought(self, order: Bought) -> None:
        """I1, at every moment."""
        goal = order.key
        self.at_once.bought(order)
        self.say(f"    bought {goal} at {self.clock.monotonic():.0f} s")
        made, wanted = len(self.vendor.of(goal)), list(self.goals.values()).count(goal)
        if made > max(wanted, self.forgetting.allowed[goal]):
            self.against(f"I1: {goal} was bought {made} times, and is wanted {wanted} times")

    def _check_nothing_forgotten(self) -> None:
        """I2, while it lasts: what the vendor has, the ledger has as placed or open."""
        if self.moving.is_behind:
            return
        self.renewing.check_nothing_forgotten()
        for goal in {order.key for order in self.vendor.bought if order.key}:
            if len(self.vendor.of(goal)) - self.forgetting.gone[goal] > self.room(goal):
                states = {key: str(state) for key, (state, _) in self.states().items() if self.goals.get(key) == goal}
                self.against(f"I2: {goal} was bought and is {states}")

    def _check_report(self, outcome: batch.Ended, process: Process) -> None:
        """I4: every order once, with a status; the exit code says the worst."""
        report = outcome.report
        for found in (*report.errors, *(found for entry in report.orders for found in entry.errors)):
            self.say(f"    {found.problem.code}: {found.problem.message}")
        process.flights.check_named(report.orders)
        bug = outcome.error is not None and outcome.error.hint == batch._BUG_HINT
        if bug and not process.flights.had_bug:
            self.against(f"I4: {outcome.error}: {outcome.error and outcome.error.__cause__!r}")
        self.renewing.check_report(outcome)
        if [entry.request.key for entry in report.orders if not entry.request.key.term] != self.keys:
            self.against("I4: the report does not name every order once")
        if any(entry.status not in STATUSES for entry in report.orders) or report.exit_code is None:
            self.against("I4: an order without a status, or a report without an end")
        states = self.states()
        doubtful = any(entry.status == "unknown" for entry in report.orders)
        if doubtful and report.exit_code is not ExitCode.OUTCOME_UNKNOWN:
            self.against(f"I4: an unknown order and exit code {report.exit_code}")
        bought_for_good = (State.PLACED, State.RENAMED)
        orders = [state for key, (state, _) in states.items() if "@" not in key or state in OPEN]
        if report.exit_code is ExitCode.OK and any(state not in bought_for_good for state in orders):
            self.against("I4: exit code 0 and an order that is not placed")
        for entry in report.orders:
            state, _ = states.get(str(entry.request.key), NOTHING)
            if state is None and entry.request.renamed_from:  # the run stopped before it was renamed
                state, _ = states.get(str(entry.request.renamed_from), NOTHING)
            bought = entry.status in ("placed", "already_placed")
            if bought and state is not State.PLACED and not self.emergency.saved:
                self.against(f"I4: {entry.request.key} is {entry.status} in the report and not in the ledger")

    def _check_charges(self, outcome: batch.Ended, process: Process) -> None:
        """I10: what cost more than its quote is named, and is the last that its run bought if one goes at a time."""
        placed = [entry for entry in outcome.report.orders if entry.status == "placed"]
        for entry in placed:
            if entry.request.key.term:
                self.renewing.check_charge(entry)
                continue
            goal, quote = str(entry.request.fields["customTargetName"]), entry.quote
            order_id = self.states().get(str(entry.request.key), NOTHING)[1]
            made = next((order for order in self.vendor.of(goal) if str(order.order_id) == order_id), None)
            if made is None or quote is None or made.total <= quote.total:
                continue
            self.counts["charged more, told"] += 1
            is_last = entry is placed[-1] or process.flights.jobs > 1
            if not is_last or "PSR505" not in {found.problem.code for found in entry.errors}:
                self.against(f"I10: {entry.request.key} was charged {made.total}, quoted {quote.total}, unnoticed")

    def check_end(self) -> None:
        """I2 and I7: after the calm every order is placed, under the id that the vendor has for it."""
        states = self.states()
        for goal in dict.fromkeys(self.goals.values()):
            truth = sorted(str(order.order_id) for order in self.vendor.of(goal))
            mine = [states.get(key, NOTHING) for key, of in self.goals.items() if of == goal]
            if any(state is not State.PLACED for state, _ in mine):
                self.against(f"I7: {goal} is {[str(state) for state, _ in mine]} after the calm")
            elif self.are_others(truth, sorted(self.first_id(order_id) for _, order_id in mine), goal):
                self.against(f"I2: {goal} is placed as {mine}, the vendor has {truth}")
        if self.emergency.saved:
            self.against("I2: after the calm the emergency file holds an outcome that nobody has entered")
        placed = sum(states.get(str(key), NOTHING)[0] is State.PLACED for key in self.keys)
        self.counts["orders"] += len(self.keys) - self._counted[0]
        self.counts["orders placed"] += placed - self._counted[1]
        self._counted = (len(self.keys), placed)


def run_seed(seed: int, connection: SqliteConnection, say: Callable[[str], None] = lambda _: None) -> World:
    """One world from its beginning to the end of its calm; broken code under test counts as a violation."""
    world = World(seed, connection, say)
    try:
        world.live()
    except Exception as error:  # noqa: BLE001 - whatever it is, the seed is the finding
        world.violations.append(f"seed {seed}: {type(error).__name__}: {error}")
        say(f"    {type(error).__name__}: {error}")
    return world
