"""What became of the orders: a bar, and the same in a table, so that colour is never the only sign."""

from __future__ import annotations

from runner.views.formats.html.text import Document, section, text, ticked, total
from runner.views.formats.html.words import STATUSES, said


def outcome(document: Document) -> str:
    """A bar of what became of the orders, and the same in a table: status, orders, share, amount, meaning."""
    summary = document["summary"]
    found = [(status, meaning) for status, meaning in STATUSES.items() if summary[status]]
    every = summary["total"]
    if not every:
        return _became("<p>No orders.</p>")
    sums = _sums(document)
    rows = "".join(
        f'<tr><th scope="row"><span class="swatch f-{status}"></span>{said(status)}'
        f'<span class="told">{ticked(meaning)}</span></th>'
        f'<td class="n">{summary[status]:,}</td><td class="n">{_share(summary[status], every)}</td>'
        f'<td class="n">{total(sums.get(status, ()))}</td></tr>'
        for status, meaning in found
    )
    head = (
        '<tr><th scope="col">Status</th><th scope="col" class="n">Orders</th><th scope="col" class="n">Share</th>'
        f'<th scope="col" class="n">{text(document["money"]["currency"])}</th></tr>'
    )
    foot = f'<tr><th scope="row">all</th><td class="n">{every:,}</td><td class="n">100 %</td><td></td></tr>'
    return _became(
        f"{_bar([(status, summary[status]) for status, _ in found], every)}"
        f'<table class="outcome"><thead>{head}</thead><tbody>{rows}</tbody><tfoot>{foot}</tfoot></table>'
        '<p class="told">Amounts are what the vendor charged, or its quote where it did not tell or nothing was '
        "bought.</p>"
    )


def _became(inside: str) -> str:
    return section("became", "What became of the orders", inside, "panel became")


def _sums(document: Document) -> dict[str, list[str]]:
    sums: dict[str, list[str]] = {}
    for order in document["orders"]:
        cost = cost_of(order)
        if cost is not None:
            sums.setdefault(order["status"], []).append(cost)
    return sums


def cost_of(order: Document) -> str | None:
    """What was charged, or else quoted."""
    result, quote = order["result"], order["quote"]
    if result and result["total"] is not None:
        charged: str = result["total"]
        return charged
    quoted: str | None = quote["total"] if quote else None
    return quoted


def _share(count: int, every: int) -> str:
    share = 100 * count / every
    return "&lt; 1 %" if 0 < share < 1 else "&gt; 99 %" if 99 < share < 100 else f"{share:.0f} %"


def _bar(parts: list[tuple[str, int]], every: int) -> str:
    """A stripe a status, each wide enough to be seen."""
    least = 8
    widths = [max(least, 1000 * count / every) for _, count in parts]
    scale, left, stripes = 1000 / sum(widths), 0.0, []
    for (status, count), width in zip(parts, widths, strict=True):
        stripes.append(
            f'<rect class="f-{status}" x="{left:.1f}" y="0" width="{width * scale:.1f}" height="10">'
            f"<title>{said(status)}: {count:,}</title></rect>"
        )
        left += width * scale
    told = ", ".join(f"{count:,} {said(status)}" for status, count in parts)
    shape = 'viewBox="0 0 1000 10" preserveAspectRatio="none"'
    return f'<svg class="bar" {shape} role="img" aria-label="{told}">{"".join(stripes)}</svg>'
