"""The real `reconcile` between runs, as a CI would call it, and a person with the dashboard for what it leaves open.

Every verdict is held against the truth as soon as it is on record. What may stay open after the calm although nobody
else buys on the account is named here, class by class (`undecidable`); anything else that stays open is a violation.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from runner.core.errors import RunnerError
from runner.core.orders import PAY_BY_CARD, OrderKey, Quote
from runner.core.progress import Progress, Waiting
from runner.core.records import Claim, Holder, OpenClaim
from runner.core.states import OPEN
from runner.evidence.judge import Rules, Verdict
from runner.evidence.match import PACKAGES
from runner.settle import reconcile
from runner.settle.resolve import Person, Ruling, resolve
from runner.vendors.v1.adapter import V1Reader
from tests.simulation.network import Transport
from tests.simulation.process import Killed, Process
from tests.simulation.renewing import RENEWAL_KINDS
from tests.simulation.store import MemoryLedger

if TYPE_CHECKING:
    from tests.simulation.vendor import Bought
    from tests.simulation.world import World

INHERITED: Final = "lost"
"""The run of what was in doubt when the world began."""
MANY: Final = 6
"""So many orders in doubt may have more explanations than the judge goes through."""
PERSON: Final = Person(name="alice", source="USER")
PAUSES: Final = (60.0, 600.0, 3600.0)
ALL: Final = 6 * 3600.0
"""Seconds after which everything that shows ever, shows."""

KINDS: Final = {
    "could not be read completely": "list unread",
    "the package has changed": "package changed",
    "would have ended by now": "over by now",
    "it may be incomplete, or these": "orders gone from the list",
    "others may be buying on this account": "candidates on a shared account",
    "matches none of the orders in doubt": "a stranger on an exclusive account",
    "but the list has no order that could be it": "balance moved, nothing shown",
    "paid by card": "by card",
    "quoted at less than a cent": "free of charge",
    "an answer hinted": "an answer hinted",
    "the balance could not be compared": "balance unread",
    "may still appear": "waiting time",
    "could be it, but the balance fell by": "charge and quote differ",
    "more than one explanation": "several explanations",
    "too many orders are in doubt": "too many to tell apart",
    "the balance does not show what it costs": "blind balance on an exclusive account",
    "but the vendor does not list it yet": "paid and not shown",
    "more may still be delivered": "half delivered",
    "it cannot be told from a renewal": "rows without order numbers",
    "its country cannot be compared": "country not read",
    "as if it had been renewed": "ends later than asked for",
}
"""Words of an open verdict's reason, and what the counters call it."""
CLASSES: Final = (
    *(
        "by card",
        "free of charge",
        "resident, package moved",
        "an answer hinted, not bought",
        "charge and quote differ",
    ),
    *("rows without order numbers", "over by now", "an order ended meanwhile", "alike, not identical"),
    *(
        "beside one of these",
        "beside a renewal charged otherwise",
        "another was settled since its claim",
        "too many to tell apart",
    ),
)
"""What evidence cannot settle although nobody else buys: `undecidable` says why."""


def kind(verdict: Verdict) -> str:
    """The verdict's name among the counters; LookupError for a reason that nobody has named here."""
    if verdict.ruling != "open":
        return f"verdict {verdict.ruling}"
    for words, name in (KINDS | RENEWAL_KINDS).items():
        if words in verdict.reason:
            return f"verdict open: {name}"
    raise LookupError(f"no kind of verdict is known that says: {verdict.reason}")


class Settling:
    """The settling side of one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._seen = 0
        self._calls = 0

    def begin_again(self) -> None:
        """The ledger is another one: what it has was judged before."""
        ((self._seen,),) = self.world.ask("SELECT COALESCE(MAX(seq), 0) FROM order_events")

    def holder(self) -> Holder:
        self._calls += 1
        return Holder(host="here", pid=2, since=self.world.clock.now(), run_id=f"settle-{self._calls}")

    def reconcile(self, process: Process, wait: float) -> None:
        """One call of the command, as far as its process gets."""
        world, clock = self.world, self.world.clock
        process.looks = world.vendor.lies = True
        task = reconcile.Reconciliation(
            ledger=MemoryLedger(process),
            reader=V1Reader(Transport(process), clock),  # type: ignore[arg-type] - the same methods
            holder=self.holder(),
            clock=clock,
            stop=process.stop,
            watch=self._waiting,
            rules=Rules(exclusive=world.exclusive),
            wait=wait,
            pauses=PAUSES,
        )
        world.counts["reconciles"] += 1
        several = sum(world.claimed_by(key) != INHERITED for key, (state, _) in world.states().items() if state in OPEN)
        world.say(f"  reconcile at {clock.monotonic():.0f} s for {wait:.0f} s: {process.fate} {process.point}")
        try:
            outcome = reconcile.reconcile(task)
        except Killed:
            world.counts["reconciles killed"] += 1
        except RunnerError as error:
            world.counts[f"reconcile stopped by {type(error).__name__}"] += 1
            world.say(f"    {type(error).__name__}: {error}")
        else:
            for verdict in outcome.verdicts.values():
                world.counts[kind(verdict)] += 1
                world.counts[f"renewal verdict {verdict.ruling}"] += bool(verdict.key.term)
                account = "exclusive" if world.exclusive else "shared"
                world.counts[f"settled as a set: {verdict.ruling}, {account}"] += several > 1
                world.say(f"    {verdict.key} {verdict.ruling}: {verdict.reason}")
        world.vendor.lies = False
        self._check_verdicts()

    def _waiting(self, progress: Progress) -> None:
        """Life goes on between two looks."""
        world = self.world
        if isinstance(progress, Waiting) and world.vendor.faults and world.rng.random() < 0.25:
            world.vendor.meanwhile(world.in_doubt())

    def _check_verdicts(self) -> None:
        """What `reconcile` put on record since the last look, against the truth."""
        world = self.world
        for seq, key, after in world.ask(
            "SELECT seq, key, after FROM order_events WHERE event = 'reconciled' AND seq > ? ORDER BY seq", self._seen
        ):
            self._seen = seq
            if "@" in key:
                world.renewing.check_verdict(key, after)
                continue
            goal = world.goals[key]
            if after == "placed":
                _, order_id = world.states()[key]
                if not any(order_id in order.ids for order in world.vendor.of(goal)):
                    world.against(f"I2: reconcile took order {order_id} for {key}")
            elif after == "absent" and self._at_vendor(goal) > world.room(goal):
                world.against(f"I2: reconcile called {key} absent, and it was bought")

    def _at_vendor(self, goal: str) -> int:
        """How many purchases of a goal are made or coming, but for those that an old ledger forgot."""
        vendor = self.world.vendor
        return vendor.coming(goal) + len(vendor.of(goal)) - self.world.forgetting.gone[goal]

    def person(self) -> None:
        """Waits until the truth is out, and tells it of every open order, by the real `resolve`."""
        world, process = self.world, Process(self.world)
        ledger = MemoryLedger(process)
        if world.holder is not None or not ledger.open_records():
            return
        moment = max(claim.claimed_at + Rules().waits(claim.record.type) for claim in ledger.open_claims())
        world.clock.advance(max(0.0, (moment - world.clock.now()).total_seconds()))
        world.vendor.catch_up()
        holder = self.holder()
        try:
            with ledger.hold(holder, timeout=0) as hold:
                for record in ledger.open_records():
                    order_id = self._truth(record.key)
                    ruling = Ruling(
                        key=record.key, order_id=order_id, reason="seen", person=PERSON, at=world.clock.now()
                    )
                    resolve(ruling, ledger, hold, holder.run_id)
                    what = "renewal " * bool(record.key.term) + ("placed" if order_id else "absent")
                    world.counts[f"settled by a person, {what}"] += 1
                    world.say(f"    {record.key} is {order_id}, says a person")
        except (RunnerError, Killed) as error:
            world.say(f"    a person was stopped by {type(error).__name__}: {error}")

    def _truth(self, key: OrderKey) -> str | None:
        if key.term:
            return self.world.renewing.is_bought(key)
        free = self._unclaimed(self.world.goals[str(key)])
        return str(free[0].order_id) if free else None

    def _unclaimed(self, goal: str) -> list[Bought]:
        owned = {order_id for _, order_id in self.world.states().values()}
        return [order for order in self.world.vendor.of(goal) if not order.ids & owned]

    def to_the_end(self) -> None:
        """The calm: evidence first, for as long as anything may take; then a person, for what had better be a class."""
        world = self.world
        ledger = MemoryLedger(Process(world))
        if not ledger.open_records():
            return
        self.reconcile(Process(world), wait=ALL)
        left = ledger.open_claims()
        for claim in left:
            key = str(claim.record.key)
            if not world.exclusive:
                world.counts["shared: left to a person"] += 1
                continue
            name = self._undecidable(claim, left)
            world.counts[f"exclusive: left to a person: {name}"] += 1
            if name is None:
                world.against(f"I7: {key} is open after the calm, and it is no case that evidence cannot settle")
        self.person()

    def _undecidable(self, claim: OpenClaim, left: Sequence[OpenClaim]) -> str | None:
        own = self._alone(claim, left)
        if own is not None:
            return own
        others = (self._alone(other, left) for other in left if other is not claim)
        return "beside one of these" if any(others) else None

    def _alone(self, claim: OpenClaim, left: Sequence[OpenClaim]) -> str | None:
        """Why the rules cannot settle it, told from the truth and not from what the judge says."""
        world, record = self.world, claim.record
        if record.renews is not None:
            return world.renewing.undecidable(claim)
        goal = world.goals[str(record.key)]
        bought = self._unclaimed(goal)
        alike = [
            other
            for other in left
            if _shape(other) == _shape(claim) and world.goals.get(str(other.record.key), goal) != goal
        ]
        # What `apply` claims rests on a reading with nothing of ours in flight: there is no across.
        inherited = world.claimed_by(str(record.key)) == INHERITED
        settled = world.settled_across(claim.claimed_at) if inherited else world.was_tried_before()
        reasons = {
            "by card": record.fields["paymentId"] == PAY_BY_CARD,
            "free of charge": not record.quote_total,
            "resident, package moved": record.type == "resident" and world.package_moved(claim.claimed_at),
            "an answer hinted, not bought": claim.leaning_placed and not bought,
            "charge and quote differ": any(order.total != record.quote_total for order in bought),
            "rows without order numbers": not world.vendor.numbered and bool(bought or world.renewals),
            "over by now": world.clock.now() >= claim.claimed_at + timedelta(days=6),
            "an order ended meanwhile": world.ended_since(record.type, claim.claimed_at),
            "alike, not identical": bool(alike),
            "another was settled since its claim": settled,
            "too many to tell apart": len(left) >= MANY,
            "beside a renewal charged otherwise": world.renewing.is_charged_oddly(claim.claimed_at),
        }
        return next((name for name, holds in reasons.items() if holds), None)


def _shape(claim: OpenClaim) -> tuple[object, ...]:
    """All that rows tell of an order: which package it is, they do not."""
    fields = claim.record.fields
    country = None if claim.record.type in PACKAGES else fields.get("countryId")
    return claim.record.type, country, *(fields.get(name) for name in ("quantity", "periodId", "protocol"))


def inherit(world: World) -> None:
    """Orders in doubt, of which the protocol itself never leaves two at once: claimed, sent, and nobody listened."""
    rng, process = world.rng, Process(world)
    reader = V1Reader(Transport(process), world.clock)  # type: ignore[arg-type] - the same methods
    wanted = world.loaded.orders
    requests = wanted[: rng.choice((1, 2, 2, 3))] if rng.random() < 0.7 else rng.sample(wanted, 1)
    holder = Holder(host="here", pid=3, since=world.clock.now(), run_id=INHERITED)
    with suppress(RunnerError, Killed), MemoryLedger(process).hold(holder, timeout=0) as hold:
        for request in requests:
            quote = reader.quote(request)
            if not isinstance(quote, Quote) or quote.total > world.vendor.balance:
                continue
            claim = Claim(
                request=request,
                quote=quote,
                ceiling=quote.total,
                witness=reader.witness(request.type),
                balance=reader.balance(),
                run_id=INHERITED,
                at=world.clock.now(),
            )
            hold.claim(claim)
            world.counts["inherited in doubt"] += 1
            world.vendor.noted = world.vendor.balance
            world.vendor.lose(dict(request.fields))
            world.clock.advance(rng.choice((1.0, 100.0, 400.0)))
