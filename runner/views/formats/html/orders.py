"""The table of orders: one row each, and below it everything the report knows of the order.

What belongs to an order stands in `<noscript>`: without JavaScript it is part of the page; with it a browser keeps it
as one piece of text, and makes a tree of it only for the orders that are opened. Thousands of orders stay light.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from runner.views.formats.html.order import details
from runner.views.formats.html.text import NOTHING, Document, amount, clock, text, total
from runner.views.formats.html.top import link
from runner.views.formats.html.words import STATUSES, said, wanted

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
    orders: Sequence[Document] = document["orders"]
    rows = "".join([_row(order) for order in orders])
    head, foot = _head(), _foot(orders, document["money"])
    return (
        '<section class="orders" aria-labelledby="orders"><h2 id="orders" tabindex="-1">Orders</h2>'
        f"{_controls(document['summary'])}"
        '<table id="table" role="table"><caption class="sr">The orders, as the manifests have them</caption>'
        f'{COLGROUP}<thead role="rowgroup">{head}</thead>{rows}<tfoot role="rowgroup">{foot}</tfoot></table>'
        '<p id="none" hidden>No order fits. <button type="button" id="clear">Show all orders</button></p></section>'
    )


def _controls(summary: Document) -> str:
    every = summary["total"]
    present = [status for status in STATUSES if summary[status]]
    chips = "".join(
        f'<button type="button" aria-pressed="false" data-status="{status}"><span class="swatch f-{status}"></span>'
        f'{said(status)} <span class="count">{summary[status]:,}</span></button>'
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


def _foot(orders: Sequence[Document], sums: Document) -> str:
    quoted = total(order["quote"]["total"] for order in orders if order["quote"])
    charged = total(order["result"]["total"] for order in orders if order["result"] and order["result"]["total"])
    cells = ("", "", quoted, charged, "", "")
    return _cells(f"Sum of the orders shown, {text(sums['currency'])}", cells)


def _cells(first: str, rest: Sequence[str]) -> str:
    """A row. The roles are those that the elements have; they keep them where the style makes blocks of rows."""
    told = [f'<td role="cell" class="{style}">{cell}</td>' for style, cell in zip(STYLES, rest, strict=True)]
    return f'<tr role="row"><th role="rowheader" scope="row" class="key">{first}</th>{"".join(told)}</tr>'


def _row(order: Document) -> str:
    key, status, quote, result = text(order["key"]), text(order["status"]), order["quote"], order["result"]
    name = (
        f'<button type="button" class="toggle" aria-expanded="false" aria-label="Details of {key}" disabled></button>'
        f'<a href="#order-{link(order["key"])}">{key.replace("/", "/<wbr>")}</a>{_told(order)}'
    )
    cells = (
        text(order["type"]),
        f'<span class="badge b-{status}">{said(status)}</span>',
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


def _told(order: Document) -> str:
    """What is bought, and why nothing was, where that is so."""
    short = wanted(order).removeprefix(order["type"]).removeprefix(", ")
    told = f'<span class="told">{text(short)}</span>' if short else ""
    if order["status"] in CALM or not order["reason"]:
        return told
    return f'{told}<span class="why">{text(order["reason"])}</span>'
