"""What receipts say of the vendor's orders: which are ours, which are another installation's, which say nothing.

Pure. A receipt can be copied by anybody who has the account. So what it says only ever counts for less buying: that an
order of ours is there, or that one may be left out of the candidates where nothing was charged (`judge`). A receipt
that is not there says nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from runner.core.orders import OrderRequest
from runner.core.receipts import Receipt, is_same, parse
from runner.core.vendor import ListedProxy, SeenOrder


def receipt_of(seen: SeenOrder) -> Receipt | None:
    """The one receipt of an order; None where it has none, or where its rows have different ones."""
    receipts = {text: parse(text) for text in seen.receipts if text}
    if len(receipts) != 1:
        return None
    return next(iter(receipts.values()))


def others(orders: Iterable[SeenOrder], own: Collection[str]) -> frozenset[str]:
    """The orders that are another installation's by their receipt, by id; `own` are the digests of our account's names.

    Every row has to have it, and no other order the same claim: of two, one has been copied, and nobody knows which.
    """
    receipts = {seen.order_id: (seen, receipt) for seen in orders if (receipt := receipt_of(seen))}
    claims = Counter(receipt.claim for _, receipt in receipts.values())
    return frozenset(
        order_id
        for order_id, (seen, receipt) in receipts.items()
        if receipt.account not in own and "" not in seen.receipts and claims[receipt.claim] == 1
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptReading:
    """What receipts make of orders that nobody owns: whose each is, by order id, and why the others are nobody's."""

    owners: Mapping[str, OrderRequest]
    reasons: Mapping[str, str]


def read_receipts(
    orders: Sequence[SeenOrder], requests: Sequence[OrderRequest], own: Collection[str]
) -> ReceiptReading:
    """Give each order with a receipt of ours the one request that it means; all that is not plain is left.

    `own` as for `others`.
    """
    receipts = {seen.order_id: receipt for seen in orders if (receipt := receipt_of(seen))}
    reasons = {seen.order_id: "its rows have different receipts" for seen in orders if seen.receipts - {""}}
    by_print: dict[str, list[OrderRequest]] = defaultdict(list)
    for request in requests:
        by_print[request.fingerprint.removeprefix("sha256:")[:12]].append(request)
    claims = Counter(receipt.claim for receipt in receipts.values())
    owners: dict[str, OrderRequest] = {}
    for order_id, receipt in receipts.items():
        fits = [one for one in by_print[receipt.fingerprint] if receipt.names(str(one.key))]
        if receipt.account not in own:
            reasons[order_id] = "it has the receipt of another account name"
        elif claims[receipt.claim] > 1:
            reasons[order_id] = f"another order has the receipt of the same claim, {receipt.claim}: one was copied"
        elif len(fits) != 1:
            many = f"{len(fits)} orders of the manifests fit" if fits else "no order of the manifests fits"
            reasons[order_id] = f"{many} its receipt ({receipt.key} {receipt.fingerprint})"
        else:
            owners[order_id] = fits[0]
            del reasons[order_id]
    return ReceiptReading(owners=_once(owners, reasons), reasons=reasons)


def _once(owners: Mapping[str, OrderRequest], reasons: dict[str, str]) -> dict[str, OrderRequest]:
    """Without those requests that the receipts of several orders mean."""
    number = Counter(request.key for request in owners.values())
    for order_id, request in owners.items():
        if number[request.key] > 1:
            reasons[order_id] = f"{number[request.key]} orders have a receipt that means {request.key}"
    return {order_id: request for order_id, request in owners.items() if number[request.key] == 1}


def rows_to_mark(
    rows: Iterable[ListedProxy], receipt: Receipt, own: Collection[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The rows of an order that its receipt is to be written to, and in words what other rows have in its place.

    Never over anything but a receipt of our account's names, `own` as for `others`, or nothing.
    """
    wanted, left = [], Counter[str]()
    for row in rows:
        if is_same(row.comment, receipt.text):
            continue
        there = parse(row.comment)
        if not row.comment.strip() or (there is not None and there.account in own):
            wanted.append(row.row_id)
        else:
            left["a comment of its own" if there is None else "a receipt of another account name"] += 1
    return tuple(wanted), tuple(f"{number} of its rows have {what}" for what, number in left.items())
