"""Orders that are renewed: after the calm some of them are to go on, others are new, and weeks pass.

Plans, purchases, verdicts and people are the real ones, as before. What a term is, is told from the vendor's truth: it
has to be due when it is sent, and is bought once. Its dice are its own: worlds without renewals stay what they were.
"""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from runner.core.orders import NO_ORDER_ID, PAY_BY_CARD, OrderKey, OrderRequest
from runner.core.prices import MAX_AGE
from runner.core.records import OpenClaim
from runner.core.renewals import RenewalRule
from runner.core.states import OPEN, State
from runner.manifest import Loaded
from runner.plan import due
from runner.report.report import OrderEntry
from runner.run import batch
from runner.vendors.wire import Request
from tests.simulation.points import POINTS
from tests.simulation.process import AT, Process
from tests.simulation.terms import DAY, content
from tests.simulation.wanted import further_orders

if TYPE_CHECKING:
    from tests.simulation.terms import Term
    from tests.simulation.vendor import Bought
    from tests.simulation.world import World

SHARE: Final = 0.2
"""How many of the worlds go on after their calm."""
ALL: Final = 6 * 3600.0
"""Seconds after which everything that shows ever, shows."""
MOST_RUNS: Final = 8
WINDOWS: Final = {"1w": 4, "1m": 12}
"""Days of a window, at most."""
LENGTHS: Final = {"1w": 7, "1m": 30}
RENEWAL_KINDS: Final = {
    "nobody knows when its proxies ended": "no end before",
    "do not show its order any more": "order not shown",
    "proxies had an end before": "other rows than before",
    "have the new end, the others the old one": "half of the rows moved",
    "which its period does not make of the days before": "moved by something else",
    "was paid for, but its proxies end as they did before": "renewal paid and not shown",
    "but its proxies end as they did before": "balance moved, ends did not",
    "is in doubt as well, and may have moved the balance": "beside a renewal in doubt",
}
"""Words of an open verdict's reason that only is where renewals are, and what the counters call it."""
RENEWAL_CLASSES: Final = (
    *("renewal by card", "renewal over by now", "renewal of half of the rows", "renewal with other rows"),
    *("renewal hinted at, not bought", "renewal that others bought as well"),
)
"""What evidence cannot settle of a renewal although nobody else buys: `undecidable` says why."""


class Renewing:
    """The renewals of one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.dice = random.Random(f"renewing {world.seed}")
        self.is_meant = self.dice.random() < SHARE
        self.rules: dict[str, RenewalRule] = {}
        """By order key; those that a person removed again as well."""
        self._active: set[str] = set()
        self._sent: dict[str, float] = {}
        """When which renewal was written last, by key."""

    # What happens

    def happen(self) -> None:
        """Weeks, in which orders come to their ends."""
        world = self.world
        self._want()
        if not self.rules:
            return
        world.counts["worlds with renewals"] += 1
        world.vendor.terms.begin()
        world.vendor.faults, world._commit_accidents = True, self.dice.choice((0.03, 0.0))
        world.vendor.read_fault_rate = self.dice.choice((0.0, 0.0, 0.02))
        world.vendor.balance = self.dice.choice((Decimal(500), self.cost(), self.cost() * 2))
        for _ in range(self.dice.randrange(3, MOST_RUNS)):
            self._wait()
            if self.dice.random() < 0.3:
                world.vendor.meanwhile()
            for _ in range(self.dice.choice((1, 1, 2))):
                world.run(world._some_process((*POINTS, "written")))
            world.clock.advance(self.dice.choice((1.0, 1.0, 30.0, 400.0, 4000.0)))
            if self.dice.random() < 0.8:
                if self.dice.random() < 0.3 and (order := self._in_doubt()):
                    world.vendor.terms.renew_by_hand(order)
                world.settle()
            world.moving.between_runs()
        self._calm()

    def _want(self) -> None:
        """Some of what is bought is to go on, and there are new orders, of which some are."""
        world, dice = self.world, self.dice
        old = world.loaded.orders
        new = tuple(
            replace(order, key=key, fields={**order.fields, "customTargetName": str(key)})
            for n, order in enumerate(further_orders(dice, old, dice.randrange(1, 4), alike=0.4))
            for key in [OrderKey("b", f"later{n}")]
        )
        orders = tuple(map(self._with_rule, (*old, *new)))
        if not self.rules:
            return
        batches = world.loaded.batches
        world.loaded = Loaded(count=len(orders), batches=batches, files=(), problems=(), orders=orders)
        world.keys = [order.key for order in orders]
        world.goals |= {str(order.key): str(order.key) for order in new}
        world.counts["orders to renew"] += len(self.rules)

    def _with_rule(self, order: OrderRequest) -> OrderRequest:
        """The order, which is to go on in seven cases of ten; one of before only where the vendor still shows it."""
        bought = self._as_bought(order)
        is_new = str(order.key) not in self.world.goals
        if order.type == "resident" or self.dice.random() > 0.7 or not (is_new or bought):
            return order
        rule = self.rules[str(order.key)] = self._rule(order, bought)
        self._active.add(str(order.key))
        return replace(order, renew=rule)

    def _as_bought(self, order: OrderRequest) -> Bought | None:
        """What an order is at the vendor, if it runs, under the id that the ledger has."""
        _, order_id = self.world.states().get(str(order.key), (None, None))
        now = self.world.clock.monotonic()
        return next(
            (
                one
                for one in self.world.vendor.bought
                if one.key and str(one.order_id) == order_id == str(one.lot.shown_id) and one.lot.ends_at > now + DAY
            ),
            None,
        )

    def _rule(self, order: OrderRequest, bought: Bought | None) -> RenewalRule:
        """One to three terms, of the order's own length or another."""
        own = str(order.fields["periodId"])
        period = self.dice.choice((own, own, own, "1w", "1m"))
        first = bought.lot.ends if bought else self.world.clock.now().date() + timedelta(days=LENGTHS[own])
        terms = self.dice.choice((1, 2, 3, 3))
        return RenewalRule(
            until=first + timedelta(days=LENGTHS[period] * terms - 3),
            period_id=period,
            within=self.dice.randrange(1, WINDOWS[period] + 1),
        )

    def _wait(self) -> None:
        """Until one of the orders is due, most of the time."""
        world, now = self.world, self.world.clock.monotonic()
        moments = [
            order.lot.ends_at - self.dice.uniform(0, rule.within) * DAY
            for key, rule in self.rules.items()
            for order in self._owned(key)
            if key in self._active and order.lot.ends < rule.until and order.lot.ends_at > now
        ]
        later = [moment for moment in moments if moment > now]
        if later and self.dice.random() < 0.8:
            soon = min(later)
            world.clock.advance(self.dice.choice((soon, soon, soon, self.dice.choice(later))) - now)
        world.vendor.catch_up()

    def _calm(self) -> None:
        world = self.world
        world.say("  calm again")
        world.vendor.faults, world._commit_accidents, world.vendor.terms.shifts = False, 0.0, (0,)
        for n in range(MOST_RUNS):
            if n >= 2 and world.is_done() and not self._open() and not self._left():
                break
            world.settling.to_the_end()
            world.clock.advance(ALL)
            world.vendor.catch_up()
            world.vendor.balance += 1000
            world.run(Process(world))
        world.check_end()
        self._check_end()

    def cost(self) -> Decimal:
        """What a term of each order to renew costs, and each order that is not bought."""
        world = self.world
        known = world.states()
        return sum(
            (
                world.vendor.total(dict(order.fields))
                for order in world.loaded.orders
                if str(order.key) in self.rules or known.get(str(order.key), (None,))[0] is not State.PLACED
            ),
            Decimal(0),
        )

    # What is so

    def key_of(self, first_id: int) -> str:
        """Under which key the renewal of an order was sent last, by the id that it was bought under."""
        sent = [key for key in self._sent if self._order_of(key).order_id == first_id]
        return max(sent, key=self._sent.__getitem__, default="?")

    def may_move(self, goal: str) -> bool:
        """Whether others may renew an order now.

        One whose renewal is in doubt, as long as nobody was told that nobody else does, and the list is not late: by
        the end alone nobody can tell who moved it, and what is not shown then passes for not bought.
        """
        if not any(self.world.goals.get(str(key.purchase)) == goal for key in self._open()):
            return True
        return self.world.vendor.shared and not self.world.vendor.late

    def _owned(self, key: str) -> list[Bought]:
        """What an order was bought as, by what the ledger has."""
        _, order_id = self.world.states().get(key, (None, None))
        return [order for order in self.world.vendor.bought if str(order.order_id) == order_id]

    def _open(self) -> list[OrderKey]:
        rows = self.world.ask("SELECT key, state FROM orders WHERE key LIKE '%@%'")
        return [OrderKey.parse(key) for key, state in rows if State(state) in OPEN]

    def _in_doubt(self) -> Bought | None:
        """An order whose renewal is in doubt."""
        keys = self._open()
        return self._order_of(str(self.dice.choice(keys))) if keys else None

    def _order_of(self, key: str) -> Bought:
        """What a renewal renews, by what the ledger has of it."""
        ((fields,),) = self.world.ask("SELECT fields FROM orders WHERE key = ?", key)
        order_id = json.loads(fields)["renews"]
        return next(order for order in self.world.vendor.bought if str(order.order_id) == order_id)

    def _others(self, order: Bought, since: float) -> list[Term]:
        """What others bought of an order, and what of it was not shown before that second."""
        return [
            term
            for term in self.world.vendor.terms.sold
            if term.order is order and not term.key and max(term.at, term.shown_from) >= since
        ]

    def is_bought(self, key: OrderKey) -> str | None:
        """What a person sees in the dashboard."""
        return NO_ORDER_ID if self.world.vendor.terms.of(str(key)) else None

    # What must hold

    def written(self, process: Process, request: Request) -> None:
        """I8, I9 and I14: claimed before, for a price that was told, due by the truth, with rows that a list had."""
        world, body = self.world, json.loads(request.body or b"")
        order = world.vendor.terms.order_of(int(body["ids"][0]))
        rows = world.ask("SELECT key, fields FROM orders WHERE state = 'submitted' AND key LIKE '%@%'")
        keys = [key for key, fields in rows if order and json.loads(fields)["renews"] == str(order.order_id)]
        world.counts["written"] += 1
        if order is None or len(keys) != 1:
            world.against(f"I8: a renewal was written, and {keys} are claimed for it")
            return
        (key,) = keys
        world.say(f"    written {key}")
        self._sent[key] = world.clock.monotonic()
        process.flights.written(key)
        world.at_once.sent(process, key, by_card=int(body["paymentId"]) == PAY_BY_CARD)
        world.check_claim_age(process, key)
        self._check_price(process, key, body)
        self._check_due(key, order)
        seen = min(world.vendor.terms.last_listed.get(int(row), 0.0) for row in body["ids"])
        if seen < process.own.checked_at - MAX_AGE - 5:
            world.against(f"I14: {key} was written with rows that no list had shown for a minute")

    def _check_price(self, process: Process, key: str, body: dict[str, Any]) -> None:
        since = process.own.checked_at - MAX_AGE
        told = {total for at, what, total in self.world.vendor.prices if what == content(body) and at >= since}
        claimed = [Decimal(total) for total in self.world.submitted(key)]
        if not told.issuperset(claimed):
            self.world.against(f"I9: {key} was written for {claimed}, and was said to cost {told or 'nothing'}")

    def _check_due(self, key: str, order: Bought) -> None:
        """The order ends within its window; but for who renewed it by hand so lately that nobody could see it."""
        world = self.world
        rule = self.rules[str(OrderKey.parse(key).purchase)]
        now = world.clock.monotonic()
        end, today = order.lot.first_end(now), world.clock.now().date()
        if end <= today + timedelta(days=rule.within + 2):
            return
        if self._others(order, now - MAX_AGE * 2 - 200):
            world.counts["renewed behind what somebody had just bought"] += 1
        else:
            world.against(f"I14: {key} was sent {(end - today).days} days before the end, its window is {rule.within}")

    def bought(self, term: Term) -> None:
        """I1, at every moment: under one key one term, and none without a key."""
        world, key = self.world, term.key
        world.say(f"    renewed {key} at {world.clock.monotonic():.0f} s, behind {term.before}")
        world.at_once.bought(term)
        number = len(world.vendor.terms.of(key))
        if number > 1 or key == "?":
            world.against(f"I1: {key} was bought {number} times")
        mine = sum(one.order is term.order and bool(one.key) for one in world.vendor.terms.sold)
        world.counts[f"term {mine} of an order"] += 1

    def check_nothing_forgotten(self) -> None:
        """I2: a term that was sold to us is placed or in doubt."""
        known = self.world.states()
        for term in self.world.vendor.terms.sold:
            state, _ = known.get(term.key, (None, None))
            if term.key and state is not State.PLACED and state not in OPEN:
                self.world.against(f"I2: {term.key} was bought and is {state}")

    def check_verdict(self, key: str, after: str) -> None:
        """I2: what `reconcile` says of a renewal is so; a term that somebody else bought counts as it."""
        world = self.world
        made = len(world.vendor.terms.of(key)) + world.vendor.terms.coming(key)
        if after == "absent" and made:
            world.against(f"I2: reconcile called {key} absent, and it was bought")
        elif after == "placed" and not world.vendor.terms.of(key):
            if self._others(self._order_of(key), self._sent.get(key, 0.0) - ALL):
                world.counts["renewal placed: somebody else bought that term"] += 1
            else:
                world.against(f"I2: reconcile took {key} for bought, and nobody bought that term")

    def check_report(self, outcome: batch.Ended) -> None:
        """I4: a report names each renewal once, and each that is in doubt."""
        world, report = self.world, outcome.report
        named = [str(entry.request.key) for entry in report.orders if entry.request.key.term]
        if len(set(named)) < len(named) or any(str(OrderKey.parse(key).purchase) not in self.rules for key in named):
            world.against(f"I4: the report names the renewals {named}")
        claimed = [key for (key,) in world.ask("SELECT key FROM orders WHERE run_id = ?", report.run_id)]
        silent = [key for key in claimed if "@" in key and key not in named]
        if silent:
            world.against(f"I4: {silent} were claimed by a run, and its report does not name them")
        for entry in report.orders:
            if entry.request.key.term:
                codes = {found.problem.code for found in entry.errors}
                world.counts[f"renewal {entry.status} in a report"] += 1
                world.counts.update(f"renewal {entry.status}: {code}" for code in codes)
                if entry.status == "refused" and codes & {due.IMPOSSIBLE, due.UNCLEAR}:
                    self._give_up(entry.request)

    def _give_up(self, renewal: OrderRequest) -> None:
        """A person does what is suggested, now or later: turns the vendor's own renewal off, or removes `renew`."""
        world = self.world
        if world.vendor.faults and self.dice.random() < 0.4:
            return
        order = next((one for one in world.vendor.bought if str(one.order_id) == renewal.renews), None)
        if order is not None and order.lot.armed and self.dice.random() < 0.7:
            order.lot.armed = False
            world.counts["auto-renewal turned off by a person"] += 1
            return
        key = renewal.key.purchase
        orders = tuple(replace(one, renew=None) if one.key == key else one for one in world.loaded.orders)
        world.loaded = replace(world.loaded, orders=orders)
        self._active.discard(str(key))
        world.counts["renew removed by a person"] += 1

    def check_charge(self, entry: OrderEntry) -> None:
        """I10: a renewal that cost more than its quote is named."""
        made = self.world.vendor.terms.of(str(entry.request.key))
        if made and entry.quote and made[0].total > entry.quote.total:
            self.world.counts["renewal charged more, told"] += 1
            if "PSR505" not in {found.problem.code for found in entry.errors}:
                self.world.against(f"I10: {entry.request.key} was charged {made[0].total}, unnoticed")

    def _left(self) -> list[str]:
        """The orders that are due by the truth, with a day to spare at each side, and could be renewed."""
        world, now = self.world, self.world.clock.monotonic()
        today, day = world.clock.now().date(), timedelta(days=1)
        left = []
        for key in self._active:
            rule = self.rules[key]
            for order in self._owned(key):
                lot, end = order.lot, order.lot.first_end(now)
                is_due = end - timedelta(days=rule.within) + day <= today < end - day and end + day < rule.until
                shows = lot.shows(now) and now >= lot.whole_at and lot.ends_at > now
                if is_due and shows and not lot.armed and end == lot.ends:
                    left.append(key)
        return left

    def _check_end(self) -> None:
        """I2 and I7: after the calm what is due is bought, what was bought is placed, and nothing else is."""
        world = self.world
        self.check_nothing_forgotten()
        if self._open():
            world.against(f"I7: {[str(key) for key in self._open()]} are open after the calm")
        for key in self._left():
            world.against(f"I7: {key} ends, and is not renewed")
        for key, (state, order_id) in world.states().items():
            if "@" not in key or state is not State.PLACED:
                continue
            order, made = self._order_of(key), world.vendor.terms.of(key)
            if not str(order_id).startswith(f"{order.order_id}@"):
                world.against(f"I2: {key} is placed as {order_id}, and renews {order.order_id}")
            if not made and not any(term.order is order and not term.key for term in world.vendor.terms.sold):
                world.against(f"I2: {key} is placed, and nobody bought it")
        for key, rule in self.rules.items():
            for order in self._owned(key):
                world.counts["window missed"] += order.lot.ends < min(rule.until, world.clock.now().date())
        world.counts["terms placed"] += sum(
            "@" in key and state is State.PLACED for key, (state, _) in world.states().items()
        )

    def undecidable(self, claim: OpenClaim) -> str | None:
        """Why the rules cannot settle a renewal although nobody else buys, told from the truth."""
        key, order = str(claim.record.key), self._order_of(str(claim.record.key))
        since, now = (claim.claimed_at - AT).total_seconds(), self.world.clock.monotonic()
        made = self.world.vendor.terms.of(key)
        reasons = {
            "renewal by card": claim.record.fields["paymentId"] == PAY_BY_CARD and not made,
            "renewal of half of the rows": order.lot.behind is not None,
            "renewal over by now": order.lot.seen(now).ends_at <= now or order.lot.first_end(now) != order.lot.ends,
            "renewal with other rows": order.lot.whole_at > since - 2 * MAX_AGE,
            "renewal hinted at, not bought": claim.leaning_placed and not made,
            "renewal that others bought as well": bool(self._others(order, since)),
        }
        return next((name for name, holds in reasons.items() if holds), None)

    def is_charged_oddly(self, moment: datetime) -> bool:
        """Whether a renewal since then cost another amount than it was quoted at, or may be a stranger's."""
        since = (moment - AT).total_seconds() - 2 * MAX_AGE
        rows = self.world.ask("SELECT key, quote_total FROM orders WHERE state = 'placed' AND key LIKE '%@%'")
        quotes = {key: Decimal(total) for key, total in rows if total is not None}
        return any(
            term.key and term.at >= since and term.total != quotes.get(term.key)
            for term in self.world.vendor.terms.sold
        )
