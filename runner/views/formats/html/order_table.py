"""The table of orders: one row each, and below it everything the report knows of the order.

What belongs to an order stands in `<noscript>`: without JavaScript it is part of the page; with it a browser keeps it
as one piece of text, and makes a tree of it only for the orders that are opened. Thousands of orders stay light.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from runner.core.orders import WORDS
from runner.views.formats.facts import STATUSES, Document, Order, phrase, what_of
from runner.views.formats.html.pieces import (
    NOTHING,
    amount,
    at,
    clock,
    code,
    duration,
    finding_list,
    instant,
    lines,
    link,
    moment,
    pairs,
    text,
    total,
)

Attempt = Mapping[str, Any]
"""One of the `attempts` of an order."""

COLUMNS: Final = (
    ("Order", "key", "text"),
    ("Type", "type", "text"),
    ("Status", "status", "text"),
    ("Quoted", "quoted n", "number"),
    ("Charged", "charged n", "number"),
    ("Vendor's order", "vendor n", "text"),
    ("Tried", "tried n", "text"),
)
"""Heading, class, and how it is sorted."""

STYLES: Final = tuple(style for _, style, _ in COLUMNS[1:])
COLGROUP: Final = f"<colgroup>{'<col>' * len(COLUMNS)}</colgroup>"
CALM: Final = frozenset(("placed", "already_placed", "planned", "skipped"))
"""Statuses that need nobody."""


def table(document: Document) -> str:
    """The section with search, filters, table and totals."""
    orders: Sequence[Order] = document["orders"]
    rows = "".join([_row(order) for order in orders])
    head, foot = _head(), _foot(orders, document["money"])
    return (
        '<section class="orders" aria-labelledby="orders"><h2 id="orders" tabindex="-1">Orders</h2>'
        f"{_controls(document['summary'])}"
        '<table id="table" role="table"><caption class="sr">The orders, as the manifests have them</caption>'
        f'{COLGROUP}<thead role="rowgroup">{head}</thead>{rows}<tfoot role="rowgroup">{foot}</tfoot></table>'
        '<p id="none" hidden>No order matches. <button type="button" id="clear">Show all orders</button></p></section>'
    )


def _controls(summary: Document) -> str:
    every = summary["total"]
    present = [status for status in STATUSES if summary[status]]
    chips = "".join(
        f'<button type="button" aria-pressed="false" data-status="{status}"><span class="swatch f-{status}"></span>'
        f'{phrase(status)} <span class="count">{summary[status]:,}</span></button>'
        for status in present
    )
    return (
        '<div class="controls" role="search" aria-label="Orders" hidden>'
        '<label class="search"><span>Search</span><input type="search" id="search" autocomplete="off" '
        'spellcheck="false" placeholder="name, id, country, message …"></label>'
        f'<div class="chips" role="group" aria-label="Filter by status">{chips}</div></div>'
        f'<p id="count" role="status">{every:,} of {every:,} orders</p>'
    )


def _head() -> str:
    cells = "".join(
        f'<th role="columnheader" scope="col" class="{style}" data-name="{name}">'
        f'<button type="button" data-sort="{kind}" disabled>{name}</button></th>'
        for name, style, kind in COLUMNS
    )
    return f'<tr role="row">{cells}</tr>'


def _foot(orders: Sequence[Order], sums: Document) -> str:
    quoted = total(order["quote"]["total"] for order in orders if order["quote"])
    charged = total(order["result"]["total"] for order in orders if order["result"] and order["result"]["total"])
    cells = ("", "", quoted, charged, "", "")
    return _cells(f"Sum of the orders shown, {text(sums['currency'])}", cells)


def _cells(first: str, rest: Sequence[str]) -> str:
    """A row. The roles are those that the elements have; they keep them where the style makes blocks of rows."""
    cells = [f'<td role="cell" class="{style}">{cell}</td>' for style, cell in zip(STYLES, rest, strict=True)]
    return f'<tr role="row"><th role="rowheader" scope="row" class="key">{first}</th>{"".join(cells)}</tr>'


def _row(order: Order) -> str:
    key, status, quote, result = text(order["key"]), text(order["status"]), order["quote"], order["result"]
    name = (
        f'<button type="button" class="toggle" aria-expanded="false" aria-label="Details of {key}" disabled></button>'
        f'<a href="#order-{link(order["key"])}">{key.replace("/", "/<wbr>")}</a>{_note(order)}'
    )
    cells = (
        text(order["type"]),
        f'<span class="badge b-{status}">{phrase(status)}</span>',
        amount(quote["total"]) if quote else NOTHING,
        amount(result["total"]) if result else NOTHING,
        text(result["order_id"]) if result else NOTHING,
        clock(order["attempts"][0]["started_at"]) if order["attempts"] else NOTHING,
    )
    more = f'<td role="cell" colspan="{len(COLUMNS)}"><noscript>{details(order)}</noscript></td>'
    return (
        f'<tbody role="rowgroup" id="order-{key}" data-status="{status}">{_cells(name, cells)}'
        f'<tr role="row" class="more">{more}</tr></tbody>'
    )


def _note(order: Order) -> str:
    """What is bought, and why nothing was, where that is so."""
    short = what_of(order).removeprefix(order["type"]).removeprefix(", ")
    note = f'<span class="told">{text(short)}</span>' if short else ""
    if order["status"] in CALM or not order["reason"]:
        return note
    return f'{note}<span class="why">{text(order["reason"])}</span>'


def details(order: Order) -> str:
    """Findings first, then what was asked for, what it cost, each attempt, the evidence, and the manifest's lines."""
    return f'<div class="detail">{"".join(_parts(order))}</div>'


def _parts(order: Order) -> Iterator[str]:
    if order["errors"]:
        yield _part("Findings", finding_list(order["errors"]), "wide")
    yield _part("Order", pairs(_about(order)))
    yield _part("Quote and result", pairs(_costs(order)))
    yield _part("Request to the vendor", _request(order))
    if order["attempts"]:
        yield _part("Attempts of this run", _attempts(order))
    if order["evidence"]:
        yield _part("Evidence", pairs((text(name), _value(value)) for name, value in order["evidence"].items()))
    if order["source"]["snippet"]:
        where = f'<span class="told">{at(order["source"])}</span>'
        yield _part("In the manifest", f"{where}<pre>{lines(order['source']['snippet'])}</pre>")


def _part(name: str, inside: str, style: str = "") -> str:
    return f'<div class="part {style}"><h3>{name}</h3>{inside}</div>'


def _about(order: Order) -> Iterator[tuple[str, str]]:
    if order["reason"] is not None:
        yield "Reason", text(order["reason"])
    yield "Name", code(order["name"])
    if order["labels"]:
        yield "Labels", ", ".join(code(f"{name}={value}") for name, value in order["labels"].items())
    yield "Written at", at(order["source"])
    yield "Fingerprint", code(order["fingerprint"])


def _costs(order: Order) -> Iterator[tuple[str, str]]:
    quote, result = order["quote"], order["result"]
    if quote is None:
        yield "Quoted", '<span class="none">no price was requested</span>'
    else:
        yield "Quoted", f"{amount(quote['total'])} {text(quote['currency'])}"
        yield "Quoted at", moment(quote["at"])
    if result is None:
        return
    yield "Charged", amount(result["total"])
    yield "Balance after", amount(result["balance"])
    yield "Vendor's order", code(result["order_id"])
    if result["base_order_numbers"]:
        yield "Its parts", ", ".join(map(code, result["base_order_numbers"]))


def _request(order: Order) -> str:
    """The exact body, with the manifest's words beside the ids they stand for."""
    written = {WORDS.get(word, word): words for word, words in order["words"].items()}
    body = order["request"] or {}
    rows = [(text(name), code(value) + _wording(written.pop(name, None))) for name, value in body.items()]
    rows += [(text(name), _wording(words)) for name, words in written.items()]
    return pairs(rows) if rows else '<p class="none">none was made</p>'


def _wording(words: str | None) -> str:
    return "" if words is None else f' <span class="told">written as {text(words)}</span>'


def _attempts(order: Order) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in ("No.", "Started, UTC", "Took", "HTTP", "Outcome"))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(map(_attempt, order['attempts']))}</tbody></table>"


def _attempt(one: Attempt) -> str:
    took = (
        NOTHING
        if one["duration_ms"] is None
        else f'<span title="{one["duration_ms"]} ms">{duration(one["duration_ms"])}</span>'
    )
    status = NOTHING if one["http_status"] is None else text(one["http_status"])
    outcome = f'<span class="badge b-{text(one["outcome"])}">{text(phrase(one["outcome"]))}</span>'
    cells = (f'<th scope="row">{text(one["n"])}</th>', instant(one["started_at"]), took, status, outcome)
    return f"<tr>{cells[0]}{''.join(f'<td>{cell}</td>' for cell in cells[1:])}</tr>"


def _value(value: object) -> str:
    """Evidence has no fixed form: text as it is, anything deeper as JSON."""
    if value is None:
        return NOTHING
    if isinstance(value, str):
        return f"<pre>{lines(value)}</pre>" if "\n" in value else code(value)
    if isinstance(value, (list, dict)):
        return f"<pre>{lines(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"
    return code(json.dumps(value))
