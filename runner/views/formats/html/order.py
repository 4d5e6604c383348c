"""Everything a report knows of one order, as HTML."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from runner.core.orders import WORDS
from runner.views.formats.html.findings import findings
from runner.views.formats.html.text import (
    NOTHING,
    Document,
    amount,
    code,
    duration,
    facts,
    instant,
    lines,
    moment,
    place,
    text,
)


def details(order: Document) -> str:
    """Findings first, then what was asked for, what it cost, each attempt, the evidence, and the manifest's lines."""
    return f'<div class="detail">{"".join(_parts(order))}</div>'


def _parts(order: Document) -> Iterator[str]:
    if order["errors"]:
        yield _part("Findings", findings(order["errors"]), "wide")
    yield _part("Order", facts(_about(order)))
    yield _part("Quote and result", facts(_money(order)))
    yield _part("Request to the vendor", _request(order))
    if order["attempts"]:
        yield _part("Attempts of this run", _attempts(order))
    if order["evidence"]:
        yield _part("Evidence", facts((text(name), _value(value)) for name, value in order["evidence"].items()))
    if order["source"].get("snippet"):
        where = f'<span class="told">{place(order["source"])}</span>'
        yield _part("In the manifest", f"{where}<pre>{lines(order['source']['snippet'])}</pre>")


def _part(name: str, inside: str, style: str = "") -> str:
    return f'<div class="part {style}"><h3>{name}</h3>{inside}</div>'


def _about(order: Document) -> Iterator[tuple[str, str]]:
    if order["reason"] is not None:
        yield "Reason", text(order["reason"])
    yield "Name", code(order["name"])
    yield "Written at", place(order["source"])
    yield "Fingerprint", code(order["fingerprint"])


def _money(order: Document) -> Iterator[tuple[str, str]]:
    quote, result = order["quote"], order["result"]
    if quote is None:
        yield "Quoted", '<span class="none">no price was asked</span>'
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


def _request(order: Document) -> str:
    """The exact body, with the manifest's words beside the ids they stand for."""
    words: Mapping[str, str] = order.get("words") or {}
    written = {WORDS.get(word, word): said for word, said in words.items()}
    body = order["request"] or {}
    rows = [(text(name), code(value) + _written(written.pop(name, None))) for name, value in body.items()]
    rows += [(text(name), _written(said)) for name, said in written.items()]
    return facts(rows) if rows else '<p class="none">none was made</p>'


def _written(said: str | None) -> str:
    return "" if said is None else f' <span class="told">written as {text(said)}</span>'


def _attempts(order: Document) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in ("No.", "Started, UTC", "Took", "HTTP", "Outcome"))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(map(_attempt, order['attempts']))}</tbody></table>"


def _attempt(one: Document) -> str:
    took = (
        NOTHING
        if one["duration_ms"] is None
        else f'<span title="{one["duration_ms"]} ms">{duration(one["duration_ms"])}</span>'
    )
    status = NOTHING if one["http_status"] is None else text(one["http_status"])
    outcome = f'<span class="badge b-{text(one["outcome"])}">{text(one["outcome"]).replace("_", " ")}</span>'
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
