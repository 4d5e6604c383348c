"""Wanted × ledger × quotes → what would be bought, and every reason not to. A plan can refuse itself."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final, Protocol

from runner.core.errors import Problem, Refused
from runner.core.orders import UNSHOWN, OrderKey, OrderRequest, ProductType, Quote, Scalar, decimal_text
from runner.core.progress import Quoting, Watch
from runner.core.readings import Readings
from runner.core.records import Record
from runner.core.states import CLAIMABLE, OPEN, State
from runner.core.vendor import QuoteRefused, VendorError
from runner.limits.budgets import Past, Purse
from runner.limits.limits import (
    Limits,
    Standing,
    against,
    alike,
    ceiling,
    object_to_copy,
    objections,
    place_note,
    too_dear,
    too_large,
)
from runner.limits.policy import Objection
from runner.manifest import Batch
from runner.plan.former_keys import (
    Memory,
    object_to_old_key,
    object_to_second_purchase,
    predecessor,
    wanted_keys,
)

UNLIMITED: Final = Limits()
UNASKED: Final = Standing()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a plan makes of one order.

    `status` is the report's word: `planned` (to buy), `already_placed`, `skipped`, `refused` or `unknown`. A planned
    step that was quoted has a `ceiling`: the most its purchase may cost. `evidence` is what an earlier run settled it
    by. `renamed_from` is the key that its purchase moves from, None where nothing moves. `terms` are the order's
    renewals that the ledger knows, the earliest first, where anything asks for them.
    """

    request: OrderRequest
    status: str
    reason: str | None = None
    record: Record | None = None
    quote: Quote | None = None
    ceiling: Decimal | None = None
    problem: Problem | None = None
    warning: Problem | None = None
    vendor: VendorError | None = None
    evidence: Mapping[str, object] | None = None
    renamed_from: OrderKey | None = None
    terms: tuple[Record, ...] = ()

    @property
    def to_buy(self) -> bool:
        return self.status == "planned"

    def with_refusal(self, code: str, message: str, *, hint: str, field: str | None = None) -> Step:
        """The same step, not to be bought, pointing at its line."""
        problem = self.request.problem(code, message, hint=hint, field=field)
        return replace(self, status="refused", reason=message, problem=problem, ceiling=None)

    def with_warning(self, objection: Objection) -> Step:
        """The same step, with that as a warning."""
        problem = self.request.problem(objection.code, objection.message, hint=objection.hint, field=objection.field)
        return replace(self, warning=replace(problem, severity="warning"))

    def with_objection(self, objection: Objection) -> Step:
        """The same step, not to be bought for that reason."""
        return self.with_refusal(objection.code, objection.message, hint=objection.hint, field=objection.field)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Every order once, in manifest order, and what concerns the batch as a whole.

    `notices` are warnings, `objections` each speak against the purchase; `refusal` is raised in place of the first
    objection where there is more to say. `unchecked` names what could not be checked, in words for a report.
    """

    steps: tuple[Step, ...] = ()
    balance: Decimal | None = None
    notices: tuple[Problem, ...] = ()
    objections: tuple[Problem, ...] = ()
    refusal: Refused | None = None
    unchecked: tuple[str, ...] = ()

    @property
    def to_buy(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.to_buy)

    @property
    def to_rename(self) -> tuple[Step, ...]:
        """Orders that are bought by another key, which is given up for good."""
        return tuple(s for s in self.steps if s.renamed_from is not None and s.status == "already_placed")

    @property
    def findings(self) -> tuple[Problem, ...]:
        """Everything that concerns the batch as a whole, in the order in which it was noticed."""
        return (*self.notices, *self.objections)

    def with_refusal(self, refusal: Refused, objections: Iterable[Problem] = ()) -> Plan:
        """The same plan, not to be bought for that reason, with these objections beside those it has."""
        return replace(self, refusal=refusal, objections=(*self.objections, *objections))

    @property
    def total(self) -> Decimal:
        """The quoted price of everything to buy."""
        return sum((step.quote.total for step in self.to_buy if step.quote), Decimal(0))

    @property
    def from_balance(self) -> Decimal:
        """The part of `total` that the balance pays."""
        return sum((s.quote.total for s in self.to_buy if s.quote and not s.request.pays_by_card), Decimal(0))

    @property
    def balance_after(self) -> Decimal | None:
        return None if self.balance is None else self.balance - self.from_balance

    def refuse(self, limits: Limits) -> None:
        """Raise `Refused` where this plan must not be bought as it stands."""
        if self.refusal is not None:
            raise self.refusal
        if self.objections:
            first = self.objections[0]
            raise Refused(first.message, hint=first.hint)
        refused = [step for step in self.steps if step.status == "refused"]
        if refused and not limits.keep_going:
            first_step = refused[0]
            more = f", and {len(refused) - 1} more" if len(refused) > 1 else ""
            raise Refused(
                f"{first_step.request.key}: {first_step.reason}{more}; nothing was bought",
                hint="correct or disable these orders, or buy the others with --keep-going",
            )


def compare_with_ledger(
    requests: Iterable[OrderRequest],
    batches: Mapping[str, Batch],
    memory: Memory,
    *,
    today: date,
    limits: Limits = UNLIMITED,
    standing: Standing = UNASKED,
    strict: bool = False,
) -> tuple[Step, ...]:
    """Wanted × ledger: what is left to buy, before any price is asked.

    `strict`: what is identical to a purchase whose key nobody wants any more is refused, as a renaming would be.
    """
    requests = tuple(requests)
    wanted = wanted_keys(requests)
    steps = (_compare(request, memory, batches.get(request.key.batch), today) for request in requests)
    return tuple(_permit(step, limits, standing, wanted, strict) if step.to_buy else step for step in steps)


def _permit(step: Step, limits: Limits, standing: Standing, wanted: Collection[OrderKey], strict: bool) -> Step:
    """The step, refused where a policy forbids it; warned of, or refused, where it looks like a copy."""
    if objection := against(limits.policies, step.request):
        return step.with_objection(objection)
    copies = tuple(alike(step.request, standing))
    if not copies:
        return step
    former = next((copy for copy in copies if copy.record.key not in wanted), None)
    objection = object_to_copy(former or copies[0], is_wanted=former is None)
    if (limits.strict or (strict and former)) and not limits.allow_copies:
        return step.with_objection(objection)
    return step.with_warning(objection)


def _compare(request: OrderRequest, memory: Memory, batch: Batch | None, today: date) -> Step:
    record = memory.records.get(request.key)
    step = Step(request=request, status="planned", record=record)
    if record is not None and record.state not in CLAIMABLE:
        return _compare_settled(step, record, memory)
    before = predecessor(request, memory)
    if isinstance(before, Objection):
        return step.with_objection(before)
    if before is not None:
        return _as_bought(replace(step, record=replace(before, key=request.key), renamed_from=before.key), before)
    return _compare_wanted(step, batch, today)


def _compare_settled(step: Step, record: Record, memory: Memory) -> Step:
    """The step of an order that is bought, or may be, or was until its purchase got another key."""
    if record.state is State.RENAMED:
        return step.with_objection(object_to_old_key(record.key, memory))
    if record.state in OPEN:
        return replace(step, status="unknown", reason=record.reason or "an earlier attempt may have been charged")
    twice = object_to_second_purchase(step.request, memory)
    return _as_bought(step.with_warning(twice) if twice else step, record)


def _compare_wanted(step: Step, batch: Batch | None, today: date) -> Step:
    if not step.request.enabled:
        return replace(step, status="skipped", reason="disabled in the manifest")
    if batch is not None and batch.buy_by is not None and today > batch.buy_by:
        return step.with_refusal(
            "PSR402",
            f"its batch should have been bought by {batch.buy_by.isoformat()}{place_note(batch, 'buy_by')}",
            hint="move `buy_by` if the order is still wanted",
        )
    if step.request.fields.get("customTargetName") == UNSHOWN:
        return step.with_refusal(
            "PSR437",
            "what it is for was never known: it was written down from what the vendor shows",
            hint="write what it is for in `customTargetName`",
            field="customTargetName",
        )
    return step


_ONCE_MORE: Final = "an order is bought only once: restore it, or raise its `generation` to buy it again"
_ONCE_RENAMED: Final = (
    "an order is bought only once: restore it; once the renaming is applied, raise its `generation` to buy it again"
)


def _as_bought(step: Step, record: Record) -> Step:
    """The step of an order that is bought, by this key or the one in `record`."""
    changes = changes_of(record, step.request)
    other = f"renamed from {step.renamed_from}, costs nothing; " if step.renamed_from else ""
    if record.fingerprint == step.request.fingerprint:
        return replace(step, status="already_placed", reason=f"{other}bought as order {record.order_id}")
    return step.with_refusal(
        "PSR401",
        f"{other}changed after it was bought as order {record.order_id}: {in_words(changes)}",
        hint=_ONCE_MORE if step.renamed_from is None else _ONCE_RENAMED,
        field=next((name for name, _, _ in changes if name != "type"), None),
    )


class Content(Protocol):
    """What an order is, whoever remembers it: its type and its fields."""

    @property
    def type(self) -> ProductType: ...
    @property
    def fields(self) -> Mapping[str, Scalar]: ...


Change = tuple[str, Scalar | None, Scalar | None]
"""A field, or `type`; what it was and what it is, None for a field that is not there."""


def changes_of(before: Content, now: Content) -> list[Change]:
    """What differs between what was bought, or approved, and what is wanted: the type first."""
    types: list[Change] = [("type", before.type, now.type)]
    names = dict.fromkeys((*now.fields, *before.fields))
    fields = [(name, before.fields.get(name), now.fields.get(name)) for name in names]
    return [change for change in (*types, *fields) if change[1] != change[2]]


def in_words(changes: Iterable[Change]) -> str:
    """`quantity 10 → 12, coupon added (SAVE)`."""
    return ", ".join(_in_words(*change) for change in changes)


def _in_words(name: str, was: Scalar | None, here: Scalar | None) -> str:
    if was is None:
        return f"{name} added ({here})"
    return f"{name} removed (was {was})" if here is None else f"{name} {was} → {here}"


def ask_prices(
    plan: Plan,
    batches: Mapping[str, Batch],
    readings: Readings,
    limits: Limits,
    watch: Watch,
    standing: Standing = UNASKED,
) -> Plan:
    """The plan with every price asked, and held against what one order may cost. With nothing to buy, nothing is asked.

    Raises what a `Reader` raises.
    """
    total = len(plan.to_buy)
    if not total:
        return plan
    steps: list[Step] = []
    done = 0
    for step in plan.steps:
        if not step.to_buy:
            steps.append(step)
            continue
        # A plan has one price for a content, however long its asking takes; its purchases check again.
        answer = readings.quote(step.request, max_age=math.inf)
        steps.append(_price(step, answer, batches.get(step.request.key.batch), limits, standing))
        done += 1
        watch(Quoting(done=done, total=total))
    return replace(plan, steps=tuple(steps), balance=readings.reader.balance())


def check_limits(plan: Plan, batches: Mapping[str, Batch], limits: Limits, standing: Standing = UNASKED) -> Plan:
    """The plan with the balance, and every limit on a sum, held against what is left to buy of what was quoted."""
    if plan.balance is None:
        return plan
    objections = _objections(plan, purse_for(plan, batches, limits, standing), limits, standing)
    return replace(plan, objections=(*plan.objections, *objections))


def _price(step: Step, answer: Quote | QuoteRefused, batch: Batch | None, limits: Limits, standing: Standing) -> Step:
    if isinstance(answer, QuoteRefused):
        error = answer.errors[0]
        refused = step.with_refusal(
            "PSR403",
            f"the vendor refused to price it: {error.message}",
            hint=step.request.price_hint,
            field=error.field,
        )
        return replace(refused, quote=answer.quote, vendor=error)
    step = replace(step, quote=answer)
    objection = too_dear(step.request, answer, batch) or too_large(answer, limits, standing.dearest)
    return step.with_objection(objection) if objection else replace(step, ceiling=ceiling(step.request, answer, batch))


def purse_for(plan: Plan, batches: Mapping[str, Batch], limits: Limits, standing: Standing) -> Purse:
    """Every limit on a sum, and what counts against each before this run buys anything."""
    bought: defaultdict[str, Decimal] = defaultdict(Decimal)
    for step in plan.steps:
        own = () if step.record is None or step.request.renews is not None else (step.record,)
        for record in (*own, *step.terms):
            if record.state in (State.PLACED, *OPEN):
                bought[step.request.key.batch] += record.total or record.quote_total or Decimal(0)
    return Purse(limits.caps(batches), Past(days=standing.days, batches=bought))


def _objections(plan: Plan, purse: Purse, limits: Limits, standing: Standing) -> tuple[Problem, ...]:
    costs = {step.request.key: step.quote.total if step.quote else Decimal(0) for step in plan.to_buy}
    against_all = objections(costs, len(plan.to_buy), limits, purse, standing.at)
    if plan.balance is not None and plan.from_balance > plan.balance:
        missing = decimal_text(plan.from_balance - plan.balance)
        message = (
            f"the orders cost {decimal_text(plan.from_balance)} but the balance is "
            f"{decimal_text(plan.balance)}: {missing} short"
        )
        against_all.append(Problem(code="PSR407", message=message, hint="top up the account, or buy fewer orders"))
    return tuple(against_all)
