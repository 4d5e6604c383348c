"""Take over what was bought elsewhere: what manifests want and nobody bought, against orders that nobody owns.

Only ever given a `Reader`: nothing here can buy. Who holds the account reads, has a person agree, and enters all pairs
in one transaction; what is not entered is noted, so that `resolve KEY --placed` can be asked for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Final

from runner.core.clock import Clock, rfc3339
from runner.core.ledger import Ledger
from runner.core.orders import PRODUCT_TYPES, OrderKey, OrderRequest, ProductType
from runner.core.readings import Readings, has_bought
from runner.core.receipts import digests_of
from runner.core.records import Adoption, Record, Want
from runner.core.selection import EVERYTHING, Selection
from runner.core.states import CLAIMABLE, OPEN
from runner.core.vendor import Reader, SeenOrder
from runner.evidence.deduce import Description, describe
from runner.evidence.marks import read_receipts
from runner.evidence.match import Countries, Sought, countries_of, fit, grounds
from runner.evidence.pairs import Leftover, Pair, Pairing, Rival, pair
from runner.limits.policy import Objection
from runner.manifest.draft import manifest_text
from runner.plan.former_keys import Memory, predecessor, recall
from runner.plan.ids import References
from runner.settle.resolve import Person

NO_RECEIPT: Final = "no order at the vendor has its receipt"
IN_DOUBT: Final = "it may have been charged and is not settled: `order-runner reconcile` looks what became of it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Takeover:
    """One call. `orders` are all that manifests want: one that is not selected can still make a pair ambiguous.

    `batch` is that of a manifest for what nothing here wants: then every list is read, else those of orders that nobody
    bought. `from_receipts`: only what a receipt says is proposed.
    """

    orders: Sequence[OrderRequest]
    ledger: Ledger
    reader: Reader
    references: References
    clock: Clock
    selection: Selection = EVERYTHING
    batch: str | None = None
    from_receipts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What would be entered, what is left for a person, and orders that nothing here wants.

    `descriptions` are what a manifest can say of the latter, `omissions` why it cannot, by order id; `remarks` are
    orders with a receipt that is not plain, and why nothing is made of it. `number` counts the orders of the manifests
    that are bought already; `is_read`: the vendor has shown a list.
    """

    pairs: tuple[Pair, ...] = ()
    leftovers: tuple[Leftover, ...] = ()
    strays: Mapping[ProductType, tuple[SeenOrder, ...]] = field(default_factory=dict)
    descriptions: tuple[Description, ...] = ()
    omissions: Mapping[str, str] = field(default_factory=dict)
    remarks: Mapping[str, str] = field(default_factory=dict)
    batch: str | None = None
    number: int = 0
    is_read: bool = False


def propose(takeover: Takeover) -> Proposal:
    """Read, compare, propose. Raises what a `Reader` raises."""
    ledger = takeover.ledger
    memory = recall(ledger, takeover.orders, "")
    unbought, doubtful = [], []
    for request in takeover.orders:
        record = memory.records.get(request.key)
        if record is not None and record.state in OPEN:
            doubtful.append(Leftover(request=request, reason=IN_DOUBT))
        elif _is_unbought(request, record, memory):
            unbought.append(request)
    seen = _find_unowned(takeover, unbought)
    countries = _countries(takeover.references, seen)
    answers = {str(record.stray_order_id): record.key for record in ledger.stray_records()}
    pairing, remarks = _pair(unbought, seen, answers, takeover, countries)
    chosen = [one for one in pairing.pairs if takeover.selection.left_out(one.request) is None]
    left = [one for one in (*pairing.leftovers, *doubtful) if takeover.selection.left_out(one.request) is None]
    strays = {product: orders for product, orders in pairing.strays.items() if orders}
    descriptions, omissions = _describe(strays, takeover) if takeover.batch else ((), {})
    return Proposal(
        pairs=tuple(chosen),
        leftovers=tuple(left),
        strays=strays,
        descriptions=descriptions,
        omissions=omissions,
        remarks=remarks,
        batch=takeover.batch,
        number=len(takeover.orders) - len(unbought) - len(doubtful),
        is_read=bool(seen),
    )


def adoptions(pairs: Iterable[Pair], person: Person, run_id: str, at: datetime) -> Iterator[Adoption]:
    """What is entered of these pairs, with who agreed to them and what spoke for and against."""
    for one in pairs:
        yield Adoption(
            want=want_of(one.request, at),
            order_id=one.order.order_id,
            run_id=run_id,
            at=at,
            reason=f"{person.name} adopted order {one.order.order_id}",
            base_order_numbers=tuple(sorted(one.order.numbers)),
            labels=one.request.labels,
            evidence={
                "by": person.name,
                "by_source": person.source,
                "at": rfc3339(at),
                "for": list(one.grounds),
                "against": list(one.doubts),
            },
        )


def notes(proposal: Proposal, at: datetime) -> list[Want]:
    """What those stand for that a person may give an order to."""
    return [want_of(one.request, at) for one in proposal.leftovers if one.candidates]


def want_of(request: OrderRequest, at: datetime) -> Want:
    """What a manifest says now; what it cost is not known."""
    return Want(key=request.key, type=request.type, fields=request.fields, fingerprint=request.fingerprint, at=at)


def draft_of(proposal: Proposal, takeover: Takeover) -> str:
    """The text of the manifest with these descriptions."""
    orders = ((one.name, {"type": one.type, **one.fields}, _remark(one)) for one in proposal.descriptions)
    return manifest_text(takeover.batch or "", orders, takeover.clock.now().date())


def pairs_of(descriptions: Sequence[Description], requests: Iterable[OrderRequest]) -> Iterator[Pair]:
    """Each order of a manifest that was written with the one at the vendor that it describes."""
    by_name = {one.name: one for one in descriptions}
    for request in requests:
        yield Pair(
            request=request,
            order=by_name[request.key.name].order,
            grounds=("its manifest was written from what the vendor shows",),
            doubts=("what it is for is not shown",),
        )


def _remark(description: Description) -> str:
    seen = description.order
    more = f"; {description.remark}" if description.remark else ""
    return f"order {seen.order_id}, {seen.starts} to {seen.ends}{more}"


def _describe(
    strays: Mapping[ProductType, Sequence[SeenOrder]], takeover: Takeover
) -> tuple[tuple[Description, ...], dict[str, str]]:
    """What a manifest can say of each, and why it can say nothing of the others."""
    today, descriptions, omissions = takeover.clock.now().date(), [], {}
    for product, orders in strays.items():
        for seen in orders:
            one = describe(seen, product, takeover.references.of(product), today)
            if isinstance(one, str):
                omissions[seen.order_id] = one
            else:
                descriptions.append(one)
    return tuple(descriptions), omissions


def _is_unbought(request: OrderRequest, record: Record | None, memory: Memory) -> bool:
    """Whether nothing was bought under its key, or under the one it had before."""
    if record is not None and record.state not in CLAIMABLE:
        return False
    before = predecessor(request, memory)
    return before is None or isinstance(before, Objection)


def _find_unowned(takeover: Takeover, unbought: Iterable[OrderRequest]) -> dict[ProductType, list[SeenOrder]]:
    """The orders of each type that neither the ledger nor anybody known owns, however old."""
    ledger = takeover.ledger
    products = PRODUCT_TYPES if takeover.batch else tuple(dict.fromkeys(request.type for request in unbought))
    readings = Readings(takeover.reader, takeover.clock, was_bought=partial(has_bought, ledger))
    looks = [readings.look(product) for product in products if product != "resident"]
    everything = [seen for look in looks for seen in look.orders]
    owned = set(ledger.owners(seen.order_id for seen in everything))
    owned |= {stranger.order_id for stranger in ledger.strangers()}
    owned |= ledger.owned_numbers(number for seen in everything for number in seen.numbers)
    return {
        look.type: [seen for seen in look.orders if seen.order_id not in owned and not seen.numbers & owned]
        for look in looks
    }


def _countries(references: References, seen: Mapping[ProductType, Sequence[SeenOrder]]) -> Countries:
    countries: dict[tuple[ProductType, str], str] = {}
    for product, orders in seen.items():
        if orders:
            countries |= countries_of(references.of(product), product)
    return countries


def _pair(
    unbought: Sequence[OrderRequest],
    seen: Mapping[ProductType, Sequence[SeenOrder]],
    answers: Mapping[str, OrderKey],
    takeover: Takeover,
    countries: Countries,
) -> tuple[Pairing, Mapping[str, str]]:
    """First what the vendor itself answered with, and what receipts say, then what looks alike.

    And the orders that their receipts leave to nobody, by id, with the reason.
    """
    rivals = [
        Rival(key=claim.record.key, sought=_sought_of(claim.record, claim.claimed_at))
        for claim in takeover.ledger.open_claims()
        if claim.record.renews is None
    ]
    by_key = {request.key: request for request in unbought}
    own = digests_of((takeover.ledger.account, *takeover.ledger.former_accounts()))
    reading = read_receipts([one for orders in seen.values() for one in orders], unbought, own)
    sure: list[Pair] = []
    rest: dict[ProductType, list[SeenOrder]] = {}
    for product, orders in seen.items():
        for one in orders:
            key, owner = answers.get(one.order_id), reading.owners.get(one.order_id)
            if key is None and owner is not None and owner.type == product:
                sure.append(_pair_by_receipt(owner, one, countries))
            elif key is None and one.order_id in reading.reasons:
                continue
            elif key is None:
                rest.setdefault(product, []).append(one)
            elif key in by_key:
                sure.append(_pair_by_answer(by_key[key], one, countries))
        rest.setdefault(product, [])
    settled = {one.key for one in sure}
    waiting = {key: order_id for order_id, key in answers.items() if key in by_key and key not in settled}
    open_for = [request for request in unbought if request.key not in settled | waiting.keys()]
    if takeover.from_receipts:
        nothing = tuple(Leftover(request=request, reason=NO_RECEIPT) for request in open_for)
        pairing = Pairing(leftovers=nothing, strays={})
    else:
        pairing = pair(open_for, rest, rivals, countries, takeover.clock.now().date())
    unseen = [
        Leftover(request=by_key[key], reason=f"the vendor answered it with order {order_id}, which no list shows now")
        for key, order_id in waiting.items()
    ]
    remarks = {order_id: reason for order_id, reason in reading.reasons.items() if order_id not in answers}
    return replace(pairing, pairs=(*sure, *pairing.pairs), leftovers=(*pairing.leftovers, *unseen)), remarks


def _sought_of(record: Record, begins: datetime) -> Sought:
    return Sought(type=record.type, fields=record.fields, begins=begins)


def _pair_by_receipt(request: OrderRequest, seen: SeenOrder, countries: Countries) -> Pair:
    """An order and the one that has its receipt."""
    sought = Sought(type=request.type, fields=request.fields)
    match = fit(seen, sought, countries)
    doubts = ("it shows something else than is asked for",) if match is None else match.doubts
    some = ("only some of its rows have the receipt",) if "" in seen.receipts else ()
    speaks = ("its comment is the receipt of this very order", *grounds(seen, sought, countries))
    return Pair(request=request, order=seen, grounds=speaks, doubts=(*doubts, *some))


def _pair_by_answer(request: OrderRequest, seen: SeenOrder, countries: Countries) -> Pair:
    """An order and what the vendor answered it with, when that could not become its own."""
    sought = Sought(type=request.type, fields=request.fields)
    match = fit(seen, sought, countries)
    doubts = ("it shows something else than is asked for",) if match is None else match.doubts
    answered = "the vendor answered this very order with it"
    return Pair(request=request, order=seen, grounds=(answered, *grounds(seen, sought, countries)), doubts=doubts)
