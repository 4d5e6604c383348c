"""What a report says, read from its JSON: the one place that knows its keys for every format but the report itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, Literal

from runner.views.words import what

Document = Mapping[str, Any]
"""A report as parsed JSON, of version 1.1. `Order` and `Finding` are parts of one."""
Order = Mapping[str, Any]
Finding = Mapping[str, Any]

WORST_FIRST: Final = (
    "unknown",
    "access",
    "internal",
    "rejected",
    "not_sent",
    "refused",
    "busy",
    "cancelled",
    "invalid",
    "usage",
    "warning",
)
"""Categories of findings: what may have cost money before what has not."""


def severity(finding: Finding) -> Literal["error", "warning"]:
    return "warning" if finding["category"] == "warning" else "error"


def findings(document: Document) -> Iterator[Finding]:
    """Every finding once, those of orders first; one about an order has its key, and its place if it has no other."""
    orders = {order["key"]: order for order in document["orders"]}
    for order in orders.values():
        for finding in order["errors"]:
            yield {**finding, "key": order["key"]}
    for finding in document["errors"]:
        order = orders.get(finding["key"])
        if order is not None and finding["file"] is None:
            source = order["source"]
            yield {**finding, "file": source["file"], "line": source["line"], "column": source["column"]}
        else:
            yield finding


def worst_first(found: Iterator[Finding]) -> list[Finding]:
    """By what they mean for money; otherwise as they come."""
    return sorted(found, key=lambda finding: WORST_FIRST.index(finding["category"]))


def elsewhere(document: Document) -> list[Finding]:
    """Open orders of the account that are in none of these manifests."""
    listed = {order["key"] for order in document["orders"]}
    return [f for f in document["errors"] if f["category"] == "unknown" and f["key"] and f["key"] not in listed]


def place(finding: Finding) -> str:
    """`file:line:column`, as much of it as is known; empty for none."""
    if finding["file"] is None:
        return ""
    known = (finding["file"], finding["line"], finding["column"])
    return ":".join(str(part) for part in known if part is not None)


def vendor_words(finding: Finding) -> str | None:
    """The vendor's own words, where the message does not have them."""
    vendor = finding["vendor"]
    if vendor is None or vendor["message"] in finding["message"]:
        return None
    code = f" (code {vendor['code']})" if vendor["code"] else ""
    return f"{vendor['message']}{code}"


def what_of(order: Order) -> str:
    """What an order is for, in the words of its manifest."""
    return what(order["type"], order["request"] or {}, order["words"])


def is_to_buy(order: Order) -> bool:
    return bool(order["status"] == "planned")


def to_spend(document: Document) -> Decimal:
    """What is left to buy, by the prices that are known."""
    prices = (order["quote"]["total"] for order in document["orders"] if order["quote"] and is_to_buy(order))
    return sum(map(Decimal, prices), Decimal(0))


def usd(text: str | None, currency: str = "USD") -> str:
    """`12.50 USD`, or `unknown` for an amount nobody told."""
    return "unknown" if text is None else f"{text} {currency}"


def possible_cost(order: Order) -> str:
    """What an order in doubt may have cost."""
    cost = order["quote"]["total"] if order["quote"] else order["possible"]
    return "an unknown amount" if cost is None else usd(cost)


def paid(order: Order) -> str:
    """What an order that is bought has cost, as far as that is told."""
    total = order["result"]["total"]
    return usd(total) if total is not None else f"{possible_cost(order)} (quoted)"


def is_zero(text: str | None) -> bool:
    return text is None or not Decimal(text)
