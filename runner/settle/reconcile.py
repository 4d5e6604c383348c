"""Settle unknown outcomes by evidence: read, judge, settle under the hold, and look again as long as one may wait.

Only ever given a `Reader`: nothing here can buy. The account is held while a look is taken and settled, so that nothing
of ours is in flight; it is let go between two looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from functools import partial
from typing import Final

from runner.core.clock import Clock, rfc3339
from runner.core.errors import (
    AccessError,
    Busy,
    NotThisAccount,
    RunnerError,
    UnknownForm,
    UsageError,
    VendorUnavailable,
)
from runner.core.ledger import Hold, Ledger
from runner.core.orders import OrderKey, ProductType, decimal_text
from runner.core.periods import end_of
from runner.core.progress import Looked, Notice, Waiting, Watch
from runner.core.readings import has_bought, nothing_yet
from runner.core.receipts import digests_of
from runner.core.records import Attempt, Holder, OpenClaim, Record, Settlement
from runner.core.renewals import TermLook
from runner.core.states import OPEN, Event, State
from runner.core.stop import Stop
from runner.core.vendor import Look, Reader, SeenOrder, terms_of_rows
from runner.evidence.judge import Facts, Rules, Verdict, judge
from runner.evidence.marks import others
from runner.evidence.match import DAY, Match, countries_of, shown_until
from runner.limits.admission import admit, check_key

LEAST: Final = 0.001
"""A rest of seconds that is no time: added to a clock that counts in floating numbers it may change nothing."""

PAUSES: Final = (5.0, 10.0, 20.0, 40.0, 60.0)
"""Seconds between looks; the last one goes on."""

_AFTER: Final = {"placed": State.PLACED, "absent": State.ABSENT, "open": State.UNKNOWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """One call. `keys`: only these are settled, none for all. `wait` is in seconds; 0 is one look."""

    ledger: Ledger
    reader: Reader
    holder: Holder
    clock: Clock
    stop: Stop
    watch: Watch
    rules: Rules
    keys: tuple[OrderKey, ...] = ()
    wait: float = 0.0
    lock_timeout: float = 0.0
    pauses: tuple[float, ...] = PAUSES


@dataclass(slots=True, kw_only=True)
class Settlements:
    """The last verdict on each order, oldest claim first; what was settled before; what could not be read."""

    rules: Rules
    verdicts: dict[OrderKey, Verdict] = field(default_factory=dict)
    earlier: tuple[Record, ...] = ()
    failures: tuple[RunnerError, ...] = ()

    @property
    def open(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts.values() if verdict.ruling == "open"]


def reconcile(task: Reconciliation) -> Settlements:
    """Look, and look again until nothing is open or the time is over.

    Raises `Busy` where another run holds the account at the first look, `UsageError` for a key that no order has.
    """
    settlements = Settlements(rules=task.rules, earlier=_settled_before(task))
    begun, pauses = task.clock.monotonic(), iter(task.pauses)
    pause, looks = 0.0, 0
    while True:
        try:
            _look_once(task, settlements)
        except Busy as busy:
            if not settlements.verdicts:
                raise
            task.watch(Notice(text=f"{busy}: skipped this time"))
        looks += 1
        left = task.wait - (task.clock.monotonic() - begun)
        pause = min(next(pauses, pause), left)
        if not settlements.open or pause < LEAST or task.stop.requested:
            return settlements
        looked = Looked(open=len(settlements.open), total=len(settlements.verdicts), looks=looks, left=left)
        task.watch(looked)
        task.watch(Waiting(seconds=pause, why=_waits_for(settlements)))
        task.stop.wait(pause)
        task.watch(replace(looked, left=left - pause))


def _settled_before(task: Reconciliation) -> tuple[Record, ...]:
    """Those of the named orders that are settled already."""
    records = task.ledger.records(task.keys)
    missing = [str(key) for key in task.keys if key not in records]
    if missing:
        raise UsageError(
            f"the ledger has no order {', '.join(missing)}", hint="`order-runner status` lists every order it has"
        )
    return tuple(record for record in records.values() if record.state not in OPEN)


def _look_once(task: Reconciliation, settlements: Settlements) -> None:
    with task.ledger.hold(task.holder, timeout=task.lock_timeout) as hold:
        hold.abandon_submitted(task.clock.now())
        claims = task.ledger.open_claims()
        facts, settlements.failures = _read(task, hold, claims)
        for verdict in judge(claims, facts, task.rules):
            if not task.keys or verdict.key in task.keys:
                _settle(task, hold, verdict)
                settlements.verdicts[verdict.key] = verdict
    still_open = {claim.record.key for claim in claims}
    for key, before in list(settlements.verdicts.items()):
        if before.ruling == "open" and key not in still_open:  # settled by somebody else between two looks
            del settlements.verdicts[key]
            settlements.earlier += tuple(task.ledger.records([key]).values())


def _read(task: Reconciliation, hold: Hold, claims: Sequence[OpenClaim]) -> tuple[Facts, tuple[RunnerError, ...]]:
    """What the vendor shows, and what could not be read: with another account's key nothing is.

    What that one shows is no evidence: every order of ours would look absent. Raises `NotThisAccount` where nothing is
    in doubt that would have to be told.
    """
    nothing, identity = Facts(looks={}, balance=None), task.reader.identity
    try:
        is_known = check_key(task.ledger.account, task.ledger.register(), identity)
        facts, failures = _facts(task, claims) if claims else (nothing, ())
        if not is_known and facts.balance is not None:
            who = f"run {task.holder.run_id}"
            admit(task.ledger, hold, identity, at=task.clock.now(), who=who, watch=task.watch)
    except NotThisAccount as refused:
        if not claims:
            raise
        task.watch(Notice(text=f"nothing was read: {refused.finding} {refused}"))
        return nothing, (refused,)
    return facts, failures


def _facts(task: Reconciliation, claims: Sequence[OpenClaim]) -> tuple[Facts, tuple[RunnerError, ...]]:
    """All that can be read; what cannot is left out and told. The balance is read last."""
    failures: list[RunnerError] = []
    looks: dict[ProductType, Look] = {}
    countries: dict[tuple[ProductType, str], str] = {}
    terms: dict[ProductType, TermLook] = {}
    for product in dict.fromkeys(claim.record.type for claim in claims if claim.record.renews is not None):
        try:
            terms[product] = _terms(task, product, claims)
        except (AccessError, VendorUnavailable) as error:
            failures.append(error)
    for product in dict.fromkeys(claim.record.type for claim in claims if claim.record.renews is None):
        try:
            looks[product] = _look(task, product)
            if any(claim.record.type == product and "countryId" in claim.record.fields for claim in claims):
                countries |= countries_of(task.reader.reference(product), product)
        except (AccessError, VendorUnavailable) as error:
            failures.append(error)
    balance = None
    try:
        balance = task.reader.balance()
    except (AccessError, VendorUnavailable) as error:
        failures.append(error)
    for failure in failures:
        task.watch(Notice(text=f"could not be read: {failure}"))
    bought = task.ledger.bought_since(min(claim.witness.at for claim in claims))
    seen = {order.order_id for look in looks.values() for order in look.orders}
    before = {order_id for claim in claims for order_id in claim.witness.order_ids}
    # However long ago they were bought: a list may show an order of ours late, and by then under the id of its renewal.
    numbers = task.ledger.owned_numbers(n for look in looks.values() for order in look.orders for n in order.numbers)
    facts = Facts(
        looks=looks,
        balance=balance,
        own_ids=frozenset(task.ledger.owners(seen)) | numbers | _strangers(task.ledger),
        over_ids=_ids_over(task, before - seen),
        other_ids=_other_ids(task.ledger, [order for look in looks.values() for order in look.orders]),
        purchases=bought,
        countries=countries,
        terms=terms,
    )
    return facts, tuple(failures)


def _terms(task: Reconciliation, product: ProductType, claims: Sequence[OpenClaim]) -> TermLook:
    """The terms, as they are now, of the orders of a type whose renewal is in doubt."""
    renewals = [claim.record for claim in claims if claim.record.type == product]
    order_ids = {record.renews for record in renewals if record.renews is not None}
    at = task.clock.now()
    return TermLook(at=at, terms=terms_of_rows(task.reader.proxies(product, order_ids)))


def _look(task: Reconciliation, product: ProductType) -> Look:
    try:
        return task.reader.look(product)
    except UnknownForm as error:
        return nothing_yet(error, product, task.clock, partial(has_bought, task.ledger))


def _other_ids(ledger: Ledger, orders: Iterable[SeenOrder]) -> frozenset[str]:
    """The orders that have the receipt of another account name."""
    marked = [order for order in orders if order.receipts]
    return others(marked, digests_of((ledger.account, *ledger.former_accounts()))) if marked else frozenset()


def _strangers(ledger: Ledger) -> frozenset[str]:
    """Orders of which a person has said that they are somebody else's. Their charges stay unexplained."""
    return frozenset(stranger.order_id for stranger in ledger.strangers())


def _ids_over(task: Reconciliation, order_ids: Iterable[str]) -> frozenset[str]:
    """Those of our own orders that are not shown because their period, and every term after it, is over."""
    owners = task.ledger.owners(order_ids)
    records = task.ledger.records(owners.values())
    renewals, now = task.ledger.renewals(owners.values()), task.clock.now()
    over = {
        key
        for key, record in records.items()
        if now >= max([shown_until(record.fields, record.updated_at), *map(_shown_until, renewals.get(key, ()))])
    }
    return frozenset(order_id for order_id, key in owners.items() if key in over)


def _shown_until(renewal: Record) -> datetime:
    """Until when the list would show the order that was renewed; one that was not bought extends nothing."""
    before = datetime.combine(date.fromisoformat(renewal.key.term), time(), UTC)
    is_bought = renewal.state in OPEN or renewal.state is State.PLACED
    return (end_of(renewal.type, renewal.fields, before) if is_bought else before) - DAY


def _settle(task: Reconciliation, hold: Hold, verdict: Verdict) -> None:
    """Put a verdict on record with its evidence; an order that stays open only if there is something new to tell."""
    claim, facts = verdict.claim, evidence(verdict, task.rules)
    if verdict.ruling == "open" and _same(claim.evidence, facts):
        return
    record, order = claim.record, verdict.order
    attempt = Attempt(key=record.key, n=record.attempt, run_id=task.holder.run_id, claimed_at=claim.claimed_at)
    settlement = Settlement(
        event=Event.RECONCILED,
        after=_AFTER[verdict.ruling],
        at=task.clock.now(),
        reason=record.reason if verdict.ruling == "open" else verdict.reason,
        order_id=verdict.order_id,
        base_order_numbers=tuple(sorted(order.numbers)) if order else (),
        total=record.quote_total if verdict.ruling == "placed" else None,
        evidence=facts,
    )
    hold.settle(attempt, settlement)


def _same(before: Mapping[str, object], now: Mapping[str, object]) -> bool:
    return all(before.get(name) == now[name] for name in ("ruling", "why", "candidates", "balance_moved"))


def evidence(verdict: Verdict, rules: Rules) -> dict[str, object]:
    """What a verdict rests on, for the ledger and for people."""
    claim, record = verdict.claim, verdict.claim.record
    return {
        "ruling": verdict.ruling,
        "why": verdict.reason,
        "candidates": [_candidate(one) for one in verdict.candidates],
        "balance_before": decimal_text(claim.balance),
        "balance_moved": None if verdict.moved is None else decimal_text(verdict.moved),
        "quote_total": None if record.quote_total is None else decimal_text(record.quote_total),
        "claimed_at": rfc3339(claim.claimed_at),
        "decidable_at": rfc3339(verdict.decidable_at),
        "exclusive": rules.exclusive,
        "leaning_placed": claim.leaning_placed,
    }


def _candidate(match: Match) -> dict[str, object]:
    order = match.order
    return {
        "order_id": order.order_id,
        "proxies": order.rows,
        "countries": sorted(order.countries),
        "starts": order.starts.isoformat() if order.starts else None,
        "ends": order.ends.isoformat() if order.ends else None,
        "doubts": list(match.doubts),
    }


def _waits_for(settlements: Settlements) -> str:
    first = settlements.open[0]
    more = f" (and {len(settlements.open) - 1} more)" if len(settlements.open) > 1 else ""
    return f"{first.key} is open{more}: {first.reason}"
