"""Before anything is bought: does the vendor have orders that the ledger forgot? One list for each type, read once.

Orders that nobody in the ledger owns are named. An order to buy that looks like one of them is refused on a strict
account, and a warning elsewhere.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from runner.core.errors import Problem, VendorUnavailable
from runner.core.orders import OrderKey, ProductType
from runner.core.receipts import NO_KEY, Receipt, digests_of, parse
from runner.core.records import Want
from runner.core.vendor import Look, SeenOrder
from runner.evidence.match import countries_of
from runner.evidence.strangers import NAMED, Lookalike, find_unowned, likenesses, recent_of
from runner.plan.ids import References
from runner.plan.plan import Plan, Step
from runner.plan.sources import Sources
from runner.plan.task import Guard, Task

CODE: Final = "PSR420"
RECEIPT_CODE: Final = "PSR421"


def compare_with_vendor(plan: Plan, task: Task, sources: Sources) -> Plan:
    """The plan after comparing the vendor's orders with the ledger's, with a notice of those that nobody owns.

    Raises `AccessError`; and `VendorUnavailable`, unless nothing is to be bought and the account is not strict.
    """
    today, guard = task.clock.now().date(), task.guard
    looks, notices = _looks(plan, guard, sources)
    plan = _refuse_receipts(plan, looks, task, sources)
    strangers = {product: orders for product, look in looks.items() if (orders := _find_unowned(look, task, sources))}
    if not strangers:
        return replace(plan, notices=(*plan.notices, *notices))
    wanted = [step.request for step in _purchases(plan)]
    alike = likenesses(wanted, strangers, _countries(strangers, sources.references), today)
    steps = tuple(_compare(step, alike.get(step.request.key), guard) for step in plan.steps)
    return replace(plan, steps=steps, notices=(*plan.notices, *notices, _strangers_problem(strangers, guard)))


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
        for step in (*alike, *_purchases(plan))
    ]


def _purchases(plan: Plan) -> list[Step]:
    """What is bought anew: a renewal takes an order that is known."""
    return [step for step in plan.to_buy if step.request.renews is None]


def _looks(plan: Plan, guard: Guard, sources: Sources) -> tuple[dict[ProductType, Look], list[Problem]]:
    """A look for each type that is to be bought and has a list, and a notice for each that could not be had."""
    looks: dict[ProductType, Look] = {}
    notices: list[Problem] = []
    for product in dict.fromkeys(step.request.type for step in _purchases(plan)):
        if product == "resident":  # tops up a package, and is in no list
            continue
        try:
            looks[product] = sources.readings.look(product)
        except VendorUnavailable as error:
            if guard.strict or sources.buying:  # a purchase needs the list as its witness, too
                raise
            notices.append(_not_compared(product, error))
    return looks, notices


def _find_unowned(look: Look, task: Task, sources: Sources) -> list[SeenOrder]:
    """Those that neither the ledger nor anybody known owns. The ledger is asked for few: those that are left."""
    today, ledger = task.clock.now().date(), sources.ledger
    order_ids = [seen.order_id for seen in recent_of(look.orders, today)]
    if not order_ids:
        return []
    owned = set(ledger.owners(order_ids)) | {stranger.order_id for stranger in ledger.strangers()}
    left = find_unowned(look, owned, today)
    owned |= ledger.owned_numbers(number for seen in left for number in seen.numbers)
    return find_unowned(look, owned, today)


def _refuse_receipts(plan: Plan, looks: Mapping[ProductType, Look], task: Task, sources: Sources) -> Plan:
    """The plan without orders of which the vendor shows the receipt, however old: it stops a purchase, and starts none.

    A receipt of another account name says nothing here.
    """
    with_receipt = [seen for look in looks.values() for seen in look.orders if seen.receipts]
    if not with_receipt:
        return plan
    ledger = sources.ledger
    own = digests_of((ledger.account, *ledger.former_accounts()))
    marked = [
        (seen, receipt)
        for seen in with_receipt
        for receipt in map(parse, seen.receipts)
        if receipt is not None and receipt.account in own
    ]
    owned = set(ledger.owners(seen.order_id for seen, _ in marked))
    owned |= {stranger.order_id for stranger in ledger.strangers()}
    owned |= ledger.owned_numbers(number for seen, _ in marked for number in seen.numbers)
    left = [(s, receipt) for s, receipt in marked if s.order_id not in owned and not s.numbers & owned]
    return replace(plan, steps=tuple(_refuse_receipt(step, left, task.guard) for step in plan.steps))


def _refuse_receipt(step: Step, marked: Sequence[tuple[SeenOrder, Receipt]], guard: Guard) -> Step:
    if not step.to_buy:
        return step
    key, content = str(step.request.key), step.request.fingerprint
    for seen, receipt in marked:
        # With its name a receipt means the order, whatever was changed since; without, whatever has the same content.
        if receipt.means(key, content) or (receipt.key != NO_KEY and receipt.names(key)):
            path, order_id = shlex.quote(step.request.source.path), shlex.quote(seen.order_id)
            return step.with_refusal(
                RECEIPT_CODE,
                f"order {seen.order_id} at the vendor has its receipt: it is bought, and the ledger does not know",
                hint=f"enter it: order-runner adopt --from-receipts {path}{guard.flags}; if the receipt was copied: "
                f"order-runner resolve --not-mine {order_id} --reason WHY{guard.flags}",
            )
    return step


def _countries(
    strangers: Mapping[ProductType, list[SeenOrder]], references: References
) -> dict[tuple[ProductType, str], str]:
    """Which country a `countryId` is: the lists of these types have been read to check the ids."""
    countries: dict[tuple[ProductType, str], str] = {}
    for product in sorted(strangers):
        countries |= countries_of(references.of(product), product)
    return countries


def _compare(step: Step, likeness: Lookalike | None, guard: Guard) -> Step:
    if likeness is None or not step.to_buy:
        return step
    message = f"it looks like {_orders(likeness)} at the vendor, which the ledger does not know"
    if guard.strict:
        return step.with_refusal(CODE, message, hint=_way_out(step.request.key, likeness, guard))
    hint = "if it is that one, it would be bought twice; --strict-account refuses such orders"
    problem = replace(step.request.problem(CODE, message, hint=hint), severity="warning")
    return replace(step, problem=problem)


def _orders(likeness: Lookalike) -> str:
    names = []
    for one in likeness.fits:
        doubts = f" ({'; '.join(one.doubts)})" if one.doubts else ""
        names.append(f"order {one.order.order_id}{doubts}")
    return _list_text(names, likeness.number)


def _way_out(key: OrderKey, likeness: Lookalike, guard: Guard) -> str:
    order_id = shlex.quote(likeness.suggestion)
    return (
        f"if it is that one: order-runner resolve {key} --placed {order_id}{guard.flags}; "
        f"if it is somebody else's: order-runner resolve --not-mine {order_id} --reason WHY{guard.flags}"
    )


def _strangers_problem(strangers: Mapping[ProductType, list[SeenOrder]], guard: Guard) -> Problem:
    orders = [f"{seen.order_id} ({product})" for product in sorted(strangers) for seen in strangers[product]]
    many = f"{len(orders)} orders" if len(orders) > 1 else "an order"
    return Problem(
        code="PSR508",
        severity="warning",
        message=f"the vendor shows {many} that the ledger does not know: {_list_text(orders[:NAMED], len(orders))}",
        hint="check that this is the newest ledger, and the right account name; an order that is somebody else's is "
        f"not named again after order-runner resolve --not-mine ORDER_ID --reason WHY{guard.flags}",
    )


def _list_text(names: list[str], number: int) -> str:
    return ", ".join(names) + (f" and {number - len(names)} more" if number > len(names) else "")


def _not_compared(product: ProductType, error: VendorUnavailable) -> Problem:
    return Problem(
        code="PSR509",
        severity="warning",
        message=f"the vendor's {product} orders could not be compared with the ledger: {error}",
        hint="run again; with --strict-account nothing is bought without that comparison",
    )
