"""What stands between a plan and a purchase: limits of the call, of its manifests, of policies, and of experience."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_DOWN, Decimal
from operator import itemgetter
from typing import Any, Final, Literal

from runner.core.clock import rfc3339
from runner.core.errors import Problem, Span, UsageError
from runner.core.ledger import Ledger
from runner.core.orders import ENDS, OrderKey, OrderRequest, Quote, decimal_text
from runner.core.periods import end_of
from runner.core.records import Bought, Record
from runner.core.states import CLAIMABLE
from runner.limits.budgets import Cap, Purse, earliest
from runner.limits.policy import Objection, Policy, breaches, receipts_of
from runner.manifest import Batch, Budget

FACTOR: Final = Decimal(10)
"""How much dearer than anything bought before an order may be without being asked about."""

_MONTHS_APART: Final = timedelta(days=4)
"""By how much the same number of months may be longer elsewhere in the calendar, and a bit."""

_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)

_DAY: Final = timedelta(days=1)
"""A day that is the last one ends with it."""

CENT: Final = Decimal("0.01")
_AMOUNTS: Final = ("max_total", "max_order", "price_tolerance")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a caller allows for one run; it can only tighten what manifests and policies say.

    `large` is the price up to which an unusually dear order is meant. `strict`: a warning refuses. `require_policy`:
    without any policy nothing is bought. `allow_copies`: an order that looks like a copy is warned of, and never
    refused for that. `origins` has the names by which the limits were given, where that was not by their options.
    """

    max_spend: Decimal | None = None
    max_orders: int | None = None
    large: Decimal | None = None
    keep_going: bool = False
    strict: bool = False
    allow_copies: bool = False
    policies: tuple[Policy, ...] = ()
    require_policy: bool = False
    origins: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("max_spend", "max_orders", "large"):
            limit = getattr(self, name)
            if limit is not None and not (math.isfinite(limit) and limit >= 0):
                raise UsageError(f"{name}={limit} is no limit", hint="give a number from 0, or leave it out")

    @property
    def lacks_policy(self) -> bool:
        """Whether a policy has to hold, and none does."""
        return self.require_policy and not self.policies

    @property
    def shares_quotes(self) -> bool:
        """Whether orders of the same content may share a quote: unless a policy says no."""
        return all(policy.share_quotes is not False for policy in self.policies)

    @property
    def receipts(self) -> Literal["full", "id-only"] | None:
        """What receipts may say under these policies, None for none."""
        return receipts_of(self.policies)

    @property
    def rate_climbs(self) -> bool:
        """Whether every policy says so; like an exclusive account, a further file takes that away."""
        return bool(self.policies) and all(policy.rate == "auto" for policy in self.policies)

    def bound_jobs(self, jobs: int) -> tuple[int, str | None]:
        """How many of `jobs` purchases may be in flight at once, and the rule that lowers them, with its place."""
        lowest = min((policy for policy in self.policies if policy.jobs), key=lambda p: p.jobs or jobs, default=None)
        if lowest is None or lowest.jobs is None or lowest.jobs >= jobs:
            return jobs, None
        return lowest.jobs, lowest.place_of("jobs")

    def name(self, option: str) -> str:
        """How a limit was given: its option or its environment variable."""
        return self.origins.get(option, option)

    def caps(self, batches: Mapping[str, Batch]) -> list[Cap]:
        """Every limit on a sum that holds for this run."""
        limits = [cap for batch in batches.values() if (cap := _cap(batch))]
        if self.max_spend is not None:
            limits.append(Cap(name=self.name("--max-spend"), amount=self.max_spend))
        return [*limits, *(cap for policy in self.policies for cap in policy.caps)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the ledger has to say to limits, at one moment: nothing where it was not asked."""

    at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    days: Mapping[date, Decimal] = field(default_factory=dict)
    dearest: Decimal | None = None
    alike: Mapping[str, tuple[Bought, ...]] = field(default_factory=dict)


def standing_of(ledger: Ledger, requests: Iterable[OrderRequest], at: datetime) -> Standing:
    """Ask the ledger; under the hold nothing of it can change but by this run."""
    alike: defaultdict[str, list[Bought]] = defaultdict(list)
    for bought in _bought_alike(ledger, [request for request in requests if request.enabled], at):
        if _runs_until(bought) > at:
            alike[bought.record.fingerprint].append(bought)
    return Standing(
        at=at,
        days=ledger.spent_since(earliest(at)),
        dearest=ledger.dearest(),
        alike={fingerprint: tuple(found) for fingerprint, found in alike.items()},
    )


def _bought_alike(ledger: Ledger, requests: Sequence[OrderRequest], at: datetime) -> list[Bought]:
    """What was bought of the same content and may still run, with the end that renewals gave it, oldest first.

    Only of what is perhaps to be bought: a renewed order may have been bought at any time.
    """
    lately = ledger.bought_alike({request.fingerprint for request in requests}, _earliest(requests, at))
    there = {bought.record.key for bought in lately}
    missing = {request.fingerprint for request in requests if request.key not in there}
    if not missing:
        return lately
    ever = ledger.bought_alike(missing, _EVER)
    renewals = ledger.renewals([bought.record.key for bought in ever]) if ever else {}
    rest = [bought for bought in lately if bought.record.fingerprint not in missing]
    both = [*rest, *(_with_renewals(bought, renewals.get(bought.record.key, ())) for bought in ever)]
    return sorted(both, key=lambda bought: bought.claimed_at)


def _with_renewals(bought: Bought, renewals: Iterable[Record]) -> Bought:
    """With the last end that a renewal of it brings, which is bought or in doubt."""
    ends = [_end_after(one) for one in renewals if one.state not in CLAIMABLE and one.renews == bought.record.order_id]
    return replace(bought, renewed_until=max(ends, default=None))


def _end_after(renewal: Record) -> datetime:
    before = datetime.combine(date.fromisoformat(str(renewal.fields[ENDS])), time(), UTC)
    return end_of(renewal.type, renewal.fields, before) + _DAY


def _runs_until(bought: Bought) -> datetime:
    """When a purchase is over: after its period from its claim on, or after its last renewal."""
    end = end_of(bought.record.type, bought.record.fields, bought.claimed_at)
    return end if bought.renewed_until is None else max(end, bought.renewed_until)


def _earliest(requests: Iterable[OrderRequest], at: datetime) -> datetime:
    """Before this, nothing of the same content was bought that still runs."""
    longest = max((end_of(request.type, request.fields, at) - at for request in requests), default=timedelta())
    return at - longest - _MONTHS_APART


def strictest(documents: Iterable[Batch]) -> dict[str, Batch]:
    """One batch a name: where several documents belong to it, the tightest of their limits holds."""
    tightest: dict[str, Batch] = {}
    for batch in documents:
        other = tightest.get(batch.name)
        tightest[batch.name] = batch if other is None else _tighten(other, batch)
    return tightest


def _tighten(one: Batch, other: Batch) -> Batch:
    """The tighter of each limit of two documents, and where that one stands."""
    least: dict[str, Any] = {}
    places: dict[str, tuple[str, Span]] = {}
    for name in _AMOUNTS:
        amounts = [
            (amount, batch)
            for batch in (one, other)
            if batch.budget and (amount := getattr(batch.budget, name)) is not None
        ]
        if amounts:
            least[name], batch = min(amounts, key=itemgetter(0))
            places |= {name: batch.places[name]} if name in batch.places else {}
    days = [(batch.buy_by, batch) for batch in (one, other) if batch.buy_by]
    buy_by, batch = min(days, key=itemgetter(0), default=(None, one))
    places |= {"buy_by": batch.places["buy_by"]} if buy_by and "buy_by" in batch.places else {}
    budget = replace(Budget(), **least) if least else None
    return replace(one, budget=budget, buy_by=buy_by, places=places)


def place_note(batch: Batch, name: str) -> str:
    """Where a limit of a batch stands, in brackets after a blank; nothing where that is not known."""
    if name not in batch.places:
        return ""
    path, span = batch.places[name]
    return f" ({path}:{span.line}:{span.column})"


def _cap(batch: Batch) -> Cap | None:
    amount = batch.budget.max_total if batch.budget else None
    if amount is None:
        return None
    path, span = batch.places.get("max_total", (batch.path, None))
    return Cap(name="budget.max_total", amount=amount, batch=batch.name, path=path, span=span)


def ceiling(request: OrderRequest, quote: Quote, batch: Batch | None) -> Decimal:
    """The quote and the tolerance on it, in whole cents, within the limits on one order."""
    budget = batch.budget if batch else None
    tolerance = (budget.price_tolerance if budget else None) or Decimal(0)
    tolerated = max(quote.total, (quote.total * (1 + tolerance)).quantize(CENT, rounding=ROUND_DOWN))
    bounds = [tolerated, request.max_total, budget.max_order if budget else None]
    return min(bound for bound in bounds if bound is not None)


def too_dear(request: OrderRequest, quote: Quote, batch: Batch | None) -> Objection | None:
    """The limit on one order that its price breaks."""
    budget = batch.budget if batch else None
    for name, limit, where in (
        ("max_total", request.max_total, ""),
        ("budget.max_order", budget.max_order if budget else None, place_note(batch, "max_order") if batch else ""),
    ):
        if limit is not None and quote.total > limit:
            return Objection(
                code="PSR404",
                message=f"its price is {decimal_text(quote.total)}, above {name} {decimal_text(limit)}{where}",
                hint=f"raise {name} if that price is right",
                field="max_total" if name == "max_total" else None,
            )
    return None


def too_large(quote: Quote, limits: Limits, dearest: Decimal | None) -> Objection | None:
    """An order far dearer than anything the account ever paid for, and not named by `--large`."""
    if not dearest or quote.total <= FACTOR * dearest or quote.total <= (limits.large or Decimal(0)):
        return None
    total = decimal_text(quote.total)
    named = f", and {limits.name('--large')} is only {decimal_text(limits.large)}" if limits.large else ""
    return Objection(
        code="PSR432",
        message=f"its price is {total}, more than ten times that of the most expensive order this account ever bought "
        f"({decimal_text(dearest)}, according to the ledger){named}",
        hint=f"if that is intended, pass --large {total}",
    )


def against(policies: Iterable[Policy], request: OrderRequest) -> Objection | None:
    """What policies do not allow about an order: the first as it is, the others in its words."""
    broken = breaches(policies, request)
    if not broken:
        return None
    return replace(broken[0], message="; ".join(breach.message for breach in broken))


def alike(request: OrderRequest, standing: Standing) -> Iterator[Bought]:
    """Purchases of the same content that still run; what is said to be meant, or raised in its generation, has none."""
    if request.copies_meant:
        return iter(())
    key, same = request.key, standing.alike.get(request.fingerprint, ())
    return (b for b in same if b.record.key != key and b.record.key.generation >= key.generation)


def object_to_copy(bought: Bought, *, is_wanted: bool = False) -> Objection:
    """What is said of an order that is alike to that one, which no other order of the call wants, or one does."""
    record = bought.record
    state = f"bought as order {record.order_id}" if record.order_id else f"{record.state}"
    end = _runs_until(bought)
    return Objection(
        code="PSR433",
        message=f"identical but for the name: {record.key}, claimed at {rfc3339(bought.claimed_at)} and {state}, "
        f"which runs until {end.date().isoformat()}",
        hint=("" if is_wanted else f"if it was renamed, write `renamed_from: {record.key}`; ")
        + "if both are wanted, `copies: meant`, or pass --allow-copies; if it was copied by mistake, remove it",
    )


def objections(
    costs: Mapping[OrderKey, Decimal], orders: int, limits: Limits, purse: Purse, at: datetime
) -> list[Problem]:
    """What speaks against a batch as a whole: its costs, by order, and the number of its orders."""
    problems = purse.objections(costs, at)
    if limits.max_orders is not None and orders > limits.max_orders:
        name = limits.name("--max-orders")
        message = f"{orders} orders would be bought, above {name} {limits.max_orders}"
        problems.append(Problem(code="PSR431", message=message, hint=f"raise {name}, or buy fewer orders"))
    return problems
