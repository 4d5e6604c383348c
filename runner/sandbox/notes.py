"""Comments on addresses (docs/vendor/api-v1.md#comments)."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from runner.sandbox.basket import RefusedError
from runner.sandbox.customers import Customer, Event, mark_of
from runner.sandbox.prolong import ids_of

if TYPE_CHECKING:
    from runner.sandbox.accounts import Vendor

LONGEST = 256
_TAG = re.compile(r"<[^<>]*>")


def event_of(vendor: "Vendor", account: Customer, body: Mapping[str, Any], now: float) -> Event:
    """The event of a comment set now; `updated` is how many addresses it is set on.

    Raises RefusedError for a comment that is none or too long, and for ids without an address.
    """
    comment = body.get("comment")
    if not isinstance(comment, str):
        raise RefusedError("Set [comment]")
    if len(comment) > LONGEST:
        raise RefusedError(f"Set [comment <= {LONGEST}]")
    places = vendor.addresses(account, dict.fromkeys(ids_of(body)), now)
    rows = [[lot.purchase.order_id, index] for lot, index in filter(None, places)]
    if not rows or (len(rows) < len(places) and vendor.options.comments_unknown == "refused"):
        raise RefusedError("IP not found")
    return {"event": "comment", "account": mark_of(account.key), "rows": rows, "comment": _filter(vendor, comment)}


def _filter(vendor: "Vendor", comment: str) -> str | None:
    """What becomes of a comment on its way into the row; None if nothing does."""
    match vendor.options.comments:
        case "lost":
            return None
        case "plain":
            return "".join(letter for letter in comment if letter.isalnum() or letter == " ")
        case "kept":
            return _TAG.sub("", comment)


def apply(account: Customer, event: Event) -> None:
    """Sets the comment of a recorded event."""
    if event["comment"] is None:
        return
    for order_id, index in event["rows"]:
        lot = account.lots[order_id]
        lot.slots[index] = replace(lot.slot(index), comment=event["comment"])
        if index in lot.veils:
            until, slot = lot.veils[index]
            lot.veils[index] = (until, replace(slot, comment=event["comment"]))
    for lot in {order_id: account.lots[order_id] for order_id, _ in event["rows"]}.values():
        account.shelves[lot.basket.type].stale(lot)
