"""What a report says, read from its JSON: the one reader of every format but the report itself.

What is in doubt, what an order cost or may have cost, where a finding belongs: all of it is decided here, so that no
two formats of one run can disagree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

from runner.core.orders import WORDS
from runner.views.terminal.safe import one_line
from runner.views.wording import money, renewal, what

Document = Mapping[str, Any]
"""A report as parsed JSON, of version 1.3. `Order` and `Finding` are parts of one."""
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

STATUSES: Final[Mapping[str, str]] = {
    "unknown": "It may have been charged, and is not settled.",
    "rejected": "The vendor refused it. Nothing was bought.",
    "refused": "A check stopped it before money moved.",
    "invalid": "The manifest entry is wrong.",
    "absent": "Settled as not bought.",
    "placed": "Bought in this run.",
    "planned": "Wanted, and not bought in this run: a plan, a dry run, or the run stopped before it.",
    "already_placed": "Bought by an earlier run, with the same content.",
    "skipped": "Disabled in the manifest, or not selected by `--only`, `--exclude` or `--label`.",
}
"""Every status in the words of docs/report.md, in the order in which people see them: what needs somebody first."""

UNRECORDED: Final = "PSR602"
"""The code of a result that the ledger did not take: until it does, the order is as open as an unanswered one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """An order of a report that may have been charged; `loss` is the finding that the ledger lacks its result."""

    order: Order
    loss: Finding | None


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
        yield finding if order is None else _placed_at(order, _with_cost(order, finding))


def _placed_at(order: Order, finding: Finding) -> Finding:
    source = order["source"]
    at = {"file": source["file"], "line": source["line"], "column": source["column"]}
    return {**finding, **at} if finding["file"] is None else finding


def _with_cost(order: Order, finding: Finding) -> Finding:
    """A lost result is told with the money that it is about."""
    return {**finding, "message": charge(order, finding["message"])} if finding["code"] == UNRECORDED else finding


def worst_first(findings: Iterator[Finding]) -> list[Finding]:
    """By what they mean for money; otherwise as they come."""
    return sorted(findings, key=lambda finding: WORST_FIRST.index(finding["category"]))


def doubts(document: Document) -> list[Doubt]:
    """Every order of this report that may have been charged and is not settled, in the order of the report."""
    lost = {finding["key"]: finding for finding in document["errors"] if finding["code"] == UNRECORDED}
    orders = (order for order in document["orders"] if order["status"] == "unknown" or order["key"] in lost)
    return [Doubt(order=order, loss=lost.get(order["key"])) for order in orders]


def elsewhere(document: Document) -> list[Finding]:
    """Findings of a possible charge that are about none of the `doubts`: open orders that no manifest here has."""
    keys = {doubt.order["key"] for doubt in doubts(document)}
    return [one for one in document["errors"] if one["category"] == "unknown" and one["key"] not in keys]


def place(part: Mapping[str, Any]) -> str:
    """`file:line:column` of a finding or an order's source, as much of it as there is; empty without a file."""
    if part["file"] is None:
        return ""
    return ":".join(str(part[name]) for name in ("file", "line", "column") if part[name] is not None)


def vendor_words(finding: Finding) -> str | None:
    """The vendor's own words, where the message does not have them."""
    vendor = finding["vendor"]
    if vendor is None or vendor["message"] in finding["message"]:
        return None
    code = f" (code {vendor['code']})" if vendor["code"] else ""
    return f"{vendor['message']}{code}"


def notes(finding: Finding) -> Iterator[str]:
    """What goes below a finding, a safe line each: the way out, and the vendor's own words."""
    if finding["hint"]:
        yield one_line(f"hint: {finding['hint']}")
    if words := vendor_words(finding):
        yield one_line(f"vendor: {words}")


def what_of(order: Order) -> str:
    """What an order is for, as its manifest says it; a word that this version does not have is passed over."""
    if term := order["renews"]:
        return renewal(order["type"], term["order_id"], term["ends"], term["new_end"])
    words = {word: text for word, text in order["words"].items() if word in WORDS}
    return what(order["type"], order["request"] or {}, words)


def phrase(word: str) -> str:
    """A word of the format as one reads it: `already placed`."""
    return word.replace("_", " ")


def ending(document: Document) -> str | None:
    """`exit 7 (outcome_unknown)`; None for a run that is not over."""
    exit_ = document["run"]["exit"]
    return f"exit {exit_['code']} ({exit_['name']})" if exit_ else None


def balance(document: Document) -> str | None:
    """`100.00 USD before, 87.50 USD after`; None where it was not read."""
    before, after = document["money"]["balance_before"], document["money"]["balance_after"]
    if before is None:
        return None
    return f"{usd(before)} before" + (f", {usd(after)} after" if after is not None else "")


def unexplained_change(document: Document) -> str | None:
    """The part of the balance's change that nothing explains, in words; None for none."""
    amount = document["money"]["unexplained"]
    return (
        None
        if is_zero(amount)
        else f"{usd(amount)} of the change in the balance is not explained by any confirmed purchase"
    )


def to_spend(document: Document) -> str:
    """What is left to buy, by the prices that are known."""
    orders = (order for order in document["orders"] if order["status"] == "planned" and order["quote"])
    return money(sum((Decimal(order["quote"]["total"]) for order in orders), Decimal(0)))


def usd(text: str | None) -> str:
    """`12.50 USD`, or `unknown` for an amount nobody told."""
    return "unknown" if text is None else f"{text} USD"


def cost(order: Order) -> str | None:
    """What an order was charged, else quoted, else may have cost in an earlier run; None where nobody knows."""
    result, quote = order["result"], order["quote"]
    if result and result["total"] is not None:
        return str(result["total"])
    amount: str | None = quote["total"] if quote else order["possible"]
    return amount


def possible_cost(order: Order) -> str:
    """What an order in doubt may have cost."""
    amount = cost(order)
    return "an unknown amount" if amount is None else usd(amount)


def charge(order: Order, reason: str) -> str:
    """Why an order is in doubt, behind what that may have cost."""
    return f"it may have been charged, {possible_cost(order)}: {reason}"


def price_paid(order: Order) -> str:
    """What an order that is bought has cost, as far as that is told."""
    return possible_cost(order) + ("" if order["result"]["total"] is not None else " (quoted)")


def is_zero(text: str | None) -> bool:
    return text is None or not Decimal(text)
