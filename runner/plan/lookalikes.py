"""Before anything is bought: does the vendor have orders that the ledger forgot? One list for each type, read once.

Orders that nobody in the ledger owns are named. An order to buy that looks like one of them is refused on a strict
account, and a warning elsewhere.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from runner.core.clock import Clock
from runner.core.errors import Problem, VendorUnavailable
from runner.core.ledger import Ledger
from runner.core.orders import OrderKey, OrderRequest, ProductType
from runner.core.readings import Readings
from runner.core.records import Want
from runner.core.vendor import Look, SeenOrder
from runner.evidence.match import countries_of
from runner.evidence.strangers import RECENT, Likeness, likenesses, looks_like, recent, unowned
from runner.plan.ids import References
from runner.plan.plan import Plan, Step
from runner.report.report import Finding, Report

NAMED: Final = 20
"""So many order ids are named; more are counted."""

CODE: Final = "PSR420"

_SETTLING: Final = timedelta(days=2)
"""How long after its beginning an order of ours may have been settled before, by the vendor's days and ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """`strict`: what looks bought is refused. `flags` lead a suggested command to the same ledger and account."""

    strict: bool = False
    flags: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where to look, and where to say what was found."""

    guard: Guard
    ledger: Ledger
    readings: Readings
    references: References
    report: Report
    clock: Clock


def compared(plan: Plan, desk: Desk) -> Plan:
    """The plan after comparing the vendor's orders with the ledger's; findings of no order go into the report.

    Raises `AccessError`; and `VendorUnavailable`, unless nothing is to be bought and the account is not strict.
    """
    today = desk.clock.now().date()
    found = {product: _unowned(look, desk, today) for product, look in _looks(plan, desk).items()}
    found = {product: orders for product, orders in found.items() if orders}
    if not found:
        return plan
    desk.report.errors.append(Finding(problem=_named(found, desk.guard), category="warning"))
    wanted = [step.request for step in plan.to_buy]
    alike = likenesses(wanted, found, _countries(wanted, found, desk, today), today)
    steps = tuple(_told(step, alike.get(step.request.key), desk.guard) for step in plan.steps)
    return replace(plan, steps=steps)


def wants(plan: Plan, at: datetime) -> list[Want]:
    """What the orders of a batch refused here stand for, so that `resolve KEY --placed` can adopt what is shown.

    Not only those that look bought: what looks like one order may be another of the batch, renewed since.
    """
    alike = [step for step in plan.steps if step.status == "refused" and step.problem and step.problem.code == CODE]
    if not alike:
        return []
    return [
        Want(
            key=step.request.key,
            type=step.request.type,
            fields=step.request.fields,
            fingerprint=step.request.fingerprint,
            quote_total=step.quote.total if step.quote else None,
            at=at,
        )
        for step in (*alike, *plan.to_buy)
    ]


def _looks(plan: Plan, desk: Desk) -> dict[ProductType, Look]:
    """A look for each type that is to be bought and has a list."""
    looks: dict[ProductType, Look] = {}
    for product in dict.fromkeys(step.request.type for step in plan.to_buy):
        if product == "resident":  # tops up a package, and is in no list
            continue
        try:
            looks[product] = desk.readings.look(product)
        except VendorUnavailable as error:
            if desk.guard.strict or desk.report.mode == "apply":  # a purchase needs the list as its witness, too
                raise
            desk.report.errors.append(Finding(problem=_not_compared(product, error), category="warning"))
    return looks


def _unowned(look: Look, desk: Desk, today: date) -> list[SeenOrder]:
    """Those that neither the ledger nor anybody known owns. The ledger is asked for few: those that are left."""
    shown = [seen.order_id for seen in recent(look.orders, today)]
    if not shown:
        return []
    known = set(desk.ledger.owners(shown)) | {stranger.order_id for stranger in desk.ledger.strangers()}
    left = unowned(look, known, today)
    if not any(seen.numbers for seen in left):
        return left
    since = desk.clock.now() - RECENT - _SETTLING
    known |= {number for bought in desk.ledger.bought_since(since) for number in bought.record.base_order_numbers}
    return unowned(look, known, today)


def _countries(
    wanted: Iterable[OrderRequest], found: Mapping[ProductType, list[SeenOrder]], desk: Desk, today: date
) -> dict[tuple[ProductType, str], str]:
    """Which country a `countryId` is; asked only for types where that can still tell two orders apart."""
    undecided = {
        request.type
        for request in wanted
        if "countryId" in request.fields and looks_like(request, found.get(request.type, ()), {}, today)
    }
    countries: dict[tuple[ProductType, str], str] = {}
    for product in sorted(undecided):
        countries |= countries_of(desk.references.of(product), product)
    return countries


def _told(step: Step, likeness: Likeness | None, guard: Guard) -> Step:
    if likeness is None or not step.to_buy:
        return step
    message = f"it looks like {_orders(likeness)} at the vendor, which the ledger does not know"
    if guard.strict:
        return step.refused(CODE, message, hint=_way_out(step.request.key, likeness, guard))
    hint = "if it is that one, it would be bought twice; --strict-account refuses such orders"
    problem = replace(step.request.problem(CODE, message, hint=hint), severity="warning")
    return replace(step, problem=problem)


def _orders(likeness: Likeness) -> str:
    told = []
    for one in likeness.fits[:NAMED]:
        doubts = f" ({'; '.join(one.doubts)})" if one.doubts else ""
        told.append(f"order {one.order.order_id}{doubts}")
    return _listed(told, len(likeness.fits))


def _way_out(key: OrderKey, likeness: Likeness, guard: Guard) -> str:
    order_id = shlex.quote(likeness.suggested)
    return (
        f"if it is that one: order-runner resolve {key} --placed {order_id}{guard.flags}; "
        f"if it is somebody else's: order-runner resolve --not-mine {order_id} --reason WHY{guard.flags}"
    )


def _named(found: Mapping[ProductType, list[SeenOrder]], guard: Guard) -> Problem:
    orders = [f"{seen.order_id} ({product})" for product in sorted(found) for seen in found[product]]
    many = f"{len(orders)} orders" if len(orders) > 1 else "an order"
    return Problem(
        code="PSR508",
        severity="warning",
        message=f"the vendor shows {many} that nobody in the ledger owns: {_listed(orders[:NAMED], len(orders))}",
        hint="is this the newest ledger, and the right account name? what is somebody else's is not named again after "
        f"order-runner resolve --not-mine ORDER_ID --reason WHY{guard.flags}",
    )


def _listed(told: list[str], number: int) -> str:
    return ", ".join(told) + (f" and {number - len(told)} more" if number > len(told) else "")


def _not_compared(product: ProductType, error: VendorUnavailable) -> Problem:
    return Problem(
        code="PSR509",
        severity="warning",
        message=f"the vendor's {product} orders could not be compared with the ledger: {error}",
        hint="run again; with --strict-account nothing is bought then",
    )
