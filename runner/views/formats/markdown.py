"""`markdown`: a run for a pull request, a job's summary or a mail: money first, then findings, then every order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from runner.views.formats import facts
from runner.views.formats.markdown_text import code, enumeration, size, table
from runner.views.wording import WHAT_TO_DO, plural

MAX_BYTES: Final = 1_000_000
"""GitHub takes a job's summary up to 1 MiB; some is left for other text in it."""

FINDINGS_SHARE: Final = 4
"""Findings take at most this part of the room: the orders are what one looks for."""

ENOUGH: Final = "… and {} more: see the JSON report"
ORDERS: Final = ("order", "status", "what", "cost", "vendor's id", "why")


def render(document: Mapping[str, Any]) -> str:
    """The whole run, below `MAX_BYTES`."""
    return cut(document, MAX_BYTES)


def cut(document: facts.Document, most: int) -> str:
    """The run in at most so many bytes; what does not fit is counted, and is in the JSON report."""
    head, end = list(_money(document)) + list(_doubts(document, most // FINDINGS_SHARE)), list(_end(document))
    room = most - size(head) - size(end)
    listed = findings_list(facts.worst_first(facts.findings(document)), room // FINDINGS_SHARE)
    by_need = {status: place for place, status in enumerate(facts.STATUSES)}
    orders = sorted(document["orders"], key=lambda order: by_need[order["status"]])
    rows = table(ORDERS, [_row(order) for order in orders], room - size(listed), ENOUGH)
    return "".join(f"{line}\n" for line in (*head, *listed, *rows, *end))


def _money(document: facts.Document) -> Iterator[str]:
    sums, mode = document["money"], document["run"]["mode"]
    if mode != "apply":
        count = plural(sum(order["status"] == "planned" for order in document["orders"]), "order")
        yield f"**{facts.to_spend(document)} to spend for {count}** ({mode}: nothing is bought)"
    elif facts.is_zero(sums["spent_possible"]) and not document["summary"]["unknown"]:
        yield f"**{facts.usd(sums['spent_confirmed'])} spent**"
    else:
        yield f"**{facts.usd(sums['spent_confirmed'])} spent, {facts.usd(sums['spent_possible'])} more possible**"
    yield ""
    if words := facts.balance(document):
        yield f"- balance: {words}"
    if words := facts.unexplained_change(document):
        yield f"- unexplained: {words}"
    yield f"- orders: {_counts(document)}"
    yield f"- policies: {enumeration(policy['path'] for policy in document['inputs']['policies'])}"
    yield f"- {facts.ending(document) or 'not finished when this report was written'}"
    yield ""


def _counts(document: facts.Document) -> str:
    counts = document["summary"]
    parts = ", ".join(f"{counts[status]:,} {facts.phrase(status)}" for status in facts.STATUSES if counts[status])
    return f"{counts['total']:,}" + (f" ({parts})" if parts else "")


def _doubts(document: facts.Document, room: int) -> Iterator[str]:
    """Every possible charge by name, and what to do about it."""
    lines = [_doubt(doubt) for doubt in facts.doubts(document)]
    lines += [f"- {code(finding['message'], 400)}" for finding in facts.elsewhere(document)]
    if not lines:
        return
    yield f"**{plural(len(lines), 'order')} may have been charged.** Nothing more is bought until that is settled."
    yield ""
    yield from _within(lines, room)
    yield ""
    yield "What to do:"
    yield ""
    yield from (f"- {text}" for text in WHAT_TO_DO)
    yield ""


def _doubt(doubt: facts.Doubt) -> str:
    order, lost = doubt.order, doubt.loss
    why = f": {code(lost['message'], 400)} ({code(lost['hint'], 400)})" if lost else ""
    return f"- {code(order['key'])} may have cost {facts.possible_cost(order)}{why}"


def findings_list(findings: list[facts.Finding], room: int) -> list[str]:
    """Findings as a list, as many as there is room for."""
    lines = list(_within([f"- {_finding(finding)}" for finding in findings], room))
    return ["Findings:", "", *lines, ""] if lines else []


def _within(lines: list[str], room: int) -> Iterator[str]:
    used = len(ENOUGH) + 16
    for number, line in enumerate(lines):
        used += len(line.encode()) + 1
        if used > room:
            yield f"- {ENOUGH.format(f'{len(lines) - number:,}')}"
            return
        yield line


def _finding(finding: facts.Finding) -> str:
    where = f"{code(facts.place(finding))} " if facts.place(finding) else ""
    hint = f" ({code(finding['hint'], 400)})" if finding["hint"] else ""
    words = facts.vendor_words(finding)
    vendor = f", vendor: {code(words, 400)}" if words else ""
    return f"**{facts.severity(finding)}** {where}{code(finding['code'])} {code(finding['message'], 400)}{vendor}{hint}"


def _row(order: facts.Order) -> tuple[str, ...]:
    reason = order["reason"] or (order["errors"][0]["message"] if order["errors"] else "")
    return (
        code(order["key"]),
        facts.phrase(order["status"]),
        code(facts.what_of(order)),
        _cost(order),
        code(order["result"]["order_id"]) if order["result"] else "",
        code(reason),
    )


def _cost(order: facts.Order) -> str:
    if order["result"]:
        return facts.price_paid(order)
    if order["status"] == "unknown":
        return f"perhaps {facts.possible_cost(order)}"
    return facts.usd(order["quote"]["total"]) if order["quote"] else ""


def _end(document: facts.Document) -> Iterator[str]:
    yield from (f"- not checked: {code(text)}" for text in document["not_checked"])
    if document["not_checked"]:
        yield ""
    tool, run = document["tool"], document["run"]
    yield f"{code(tool['name'] + ' ' + tool['version'])} {run['mode']} {code(run['id'])}, {code(run['started_at'])}"
