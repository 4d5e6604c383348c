"""Findings of a report as HTML: what is wrong, where, the vendor's own words, and the way out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from runner.views.formats.html.text import Document, place, text, ticked
from runner.views.formats.html.words import said
from runner.views.words import counted

SHOWN: Final = 5
"""Findings of no order that are shown at once; more are a click away."""


def folded(found: Sequence[Document]) -> str:
    """The worst first, as warnings can be many; what is beyond `SHOWN` waits to be unfolded."""
    ranked = sorted(found, key=lambda one: one["category"] == "warning")
    first, rest = ranked[:SHOWN], ranked[SHOWN:]
    more = f"<details><summary>{counted(len(rest), 'more finding')}</summary>{findings(rest)}</details>" if rest else ""
    return findings(first) + more


def findings(found: Sequence[Document]) -> str:
    """A list, in the order of the report; empty for none."""
    return f'<ul class="findings">{"".join(map(_finding, found))}</ul>' if found else ""


def _finding(found: Document) -> str:
    where = place(found)
    field = f" <span>field <code>{text(found['field'])}</code></span>" if found["field"] is not None else ""
    head = f'<span class="code">{text(found["code"])}</span> <span class="tag">{text(said(found["category"]))}</span>'
    at = f' <span class="at">{where}</span>' if where else ""
    hint = f'<p class="hint"><b>Way out:</b> {ticked(found["hint"])}</p>' if found["hint"] is not None else ""
    return (
        f'<li class="finding c-{text(found["category"])}"><p class="meta">{head}{at}{field}</p>'
        f"<p>{ticked(found['message'])}</p>{_vendor(found['vendor'])}{hint}</li>"
    )


def _vendor(vendor: Document | None) -> str:
    if vendor is None:
        return ""
    number = f" (code {text(vendor['code'])})" if vendor["code"] is not None else ""
    return f'<p class="vendor"><b>The vendor said{number}:</b> <q>{text(vendor["message"])}</q></p>'
