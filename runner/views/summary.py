"""The end of a run in words: money first, then what is unknown, refused, rejected, bought and skipped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from runner.views.findings import sentence
from runner.views.formats import facts
from runner.views.terminal.console import Channel
from runner.views.terminal.safe import one_line
from runner.views.wording import STATUS_STYLES, WHAT_TO_DO, money, plural

LISTED: Final = 50
"""Orders named under one heading; unknown ones are all named."""

HEADINGS: Final[Mapping[str, str]] = {
    "rejected": "rejected by the vendor, not bought",
    "refused": "refused before any money moved",
    "invalid": "invalid",
    "absent": "shown not to have been bought",
    "placed": "bought",
    "planned": "not bought yet",
}
"""What stands above the orders of a status; those in doubt, and what was not to be bought, have lines of their own."""


def render(document: facts.Document, channel: Channel, report_path: str | None) -> None:
    """Write the summary of a report; `report_path` is where the whole report is, if in a file."""
    channel.lines(summary_lines(document, channel, report_path))


def summary_lines(document: facts.Document, channel: Channel, report_path: str | None) -> Iterator[str]:
    """The summary, line by line, each safe to print."""
    yield from _money_lines(document, channel)
    yield from _unknown_lines(document, channel)
    for status in facts.STATUSES:
        if heading := HEADINGS.get(status):
            members = [order for order in document["orders"] if order["status"] == status]
            yield from _section(members, heading, channel, report_path)
    yield from _skipped_lines(document)
    yield from _warning_lines(document, channel)
    yield one_line(f"policies: {', '.join(policy['path'] for policy in document['inputs']['policies']) or 'none'}")
    for finding in document["errors"]:
        if finding["category"] != "unknown":
            yield from _finding_lines(finding, channel)
    yield from (one_line(f"not checked: {text}") for text in document["not_checked"])
    yield from _end_lines(document, channel, report_path)


def _money_lines(document: facts.Document, channel: Channel) -> Iterator[str]:
    sums, mode = document["money"], document["run"]["mode"]
    if mode == "apply":
        possible = f"{facts.usd(sums['spent_possible'])} possible"
        marked = possible if facts.is_zero(sums["spent_possible"]) else channel.paint("error", possible)
        yield f"spent        {facts.usd(sums['spent_confirmed'])} confirmed, {marked}"
    else:
        yield f"spent        {money(Decimal(0))} ({mode}: nothing is bought)"
        yield f"to spend     {facts.to_spend(document)}"
    if words := facts.balance(document):
        yield f"balance      {words}"
    if words := facts.unexplained_change(document):
        yield channel.paint("warning", f"unexplained  {words}")


def _unknown_lines(document: facts.Document, channel: Channel) -> Iterator[str]:
    """Every possible charge by name: the orders of this run, then those the account has beside them."""
    orders, others = facts.doubts(document), facts.elsewhere(document)
    if not orders and not others:
        return
    count = plural(len(orders) + len(others), "order")
    yield channel.paint(
        "error", f"unknown: {count} may have been charged; nothing more is bought until that is settled"
    )
    for doubt in orders:
        order = doubt.order
        yield one_line(f"  {order['key']}  may have cost {facts.possible_cost(order)}  {facts.what_of(order)}")
        if doubt.loss:
            yield from (f"    {line}" for line in _finding_lines(doubt.loss, channel))
        yield from _why(order, channel)
    for finding in others:
        yield one_line(f"  {finding['message']}")
        if finding["code"] == facts.UNRECORDED:
            yield one_line(f"    hint: {finding['hint']}")
    yield "  what to do:"
    yield from (f"  - {text}" for text in WHAT_TO_DO)


def _section(members: Sequence[facts.Order], heading: str, channel: Channel, report_path: str | None) -> Iterator[str]:
    if not members:
        return
    yield channel.paint(STATUS_STYLES[members[0]["status"]], f"{heading}: {plural(len(members), 'order')}")
    for order in members[:LISTED]:
        yield one_line(f"  {order['key']}  {_result_text(order)}{facts.what_of(order)}")
        yield from _why(order, channel)
    if len(members) > LISTED:
        where = f", all in {report_path}" if report_path else ""
        yield one_line(f"  and {len(members) - LISTED:,} more{where}")


def _why(order: facts.Order, channel: Channel) -> Iterator[str]:
    for finding in order["errors"]:
        yield from (f"    {line}" for line in _finding_lines(finding, channel))
    if order["reason"] and not order["errors"]:
        yield one_line(f"    {order['source']['file']}:{order['source']['line']}: {order['reason']}")


def _finding_lines(finding: facts.Finding, channel: Channel) -> Iterator[str]:
    yield sentence(facts.place(finding), finding["code"], facts.severity(finding), finding["message"], channel)
    yield from (f"  {line}" for line in facts.notes(finding))


def _skipped_lines(document: facts.Document) -> Iterator[str]:
    already, skipped = document["summary"]["already_placed"], document["summary"]["skipped"]
    parts = [f"{plural(already, 'order')} already bought"] * bool(already)
    parts += [f"{plural(skipped, 'order')} skipped"] * bool(skipped)
    if parts:
        yield f"skipped: {', '.join(parts)}"


def _warning_lines(document: facts.Document, channel: Channel) -> Iterator[str]:
    """What is said of orders that are bought already, which are not listed."""
    orders = [order for order in document["orders"] if order["status"] == "already_placed" and order["errors"]]
    for order in orders[:LISTED]:
        yield from (line for finding in order["errors"] for line in _finding_lines(finding, channel))


def _end_lines(document: facts.Document, channel: Channel, report_path: str | None) -> Iterator[str]:
    if text := facts.ending(document):
        yield channel.paint("error" if document["run"]["exit"]["code"] else "good", text)
    if report_path:
        yield one_line(f"report: {report_path}")


def _result_text(order: facts.Order) -> str:
    if order["result"] is None:
        return f"{facts.usd(order['quote']['total'])}  " if order["quote"] and order["status"] == "planned" else ""
    return f"order {order['result']['order_id']}  {facts.price_paid(order)}  "
