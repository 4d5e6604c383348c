"""The top of the HTML report: money, what may have been charged, how the run ended, what became of the orders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from runner.explain.page_tables import exit_codes
from runner.views.formats.facts import STATUSES, Document, Doubt, cost, doubts, elsewhere, is_zero, phrase, what_of
from runner.views.formats.html.pieces import (
    amount,
    code,
    finding_fold,
    finding_list,
    link,
    pairs,
    section,
    sentence,
    text,
    total,
)
from runner.views.wording import WHAT_TO_DO, plural

NAMED: Final = 5
"""Orders in doubt that are named with their commands."""

LISTED: Final = 100
"""So many more have their names listed; where there are even more, the table of orders is the better place."""

NAMED_FILES: Final = 3


def money(document: Document) -> str:
    """What was spent, what may have been, and the balance; the first thing on the page."""
    cards = "".join(_cards(document))
    return (
        f'<section aria-labelledby="money"><h2 id="money" class="sr">Money</h2><dl class="money">{cards}</dl></section>'
    )


def _cards(document: Document) -> Iterator[str]:
    sums, mode = document["money"], document["run"]["mode"]
    bought = mode == "apply"
    name, note = ("Spent, confirmed", "what the purchases of this run cost")
    if not bought:
        name, note = "Spent", f"{text(mode)}: nothing is bought"
    yield _card(name, sums["spent_confirmed"], sums, note, "main")
    possible = sums["spent_possible"]
    note = "nothing is in doubt" if is_zero(possible) else "possibly charged, and not settled"
    alarming = not is_zero(possible) or doubts(document) or elsewhere(document)
    yield _card("Possibly spent", possible, sums, note, "alarm" if alarming else "")
    yield _card("Quoted", sums["quoted_total"], sums, "the vendor's prices, without orders bought before")
    yield _balance(sums, bought)
    if sums["unexplained"] is None and not bought:
        return
    odd = not is_zero(sums["unexplained"])
    note = "of the balance's change" + (" belongs to no confirmed purchase" if odd else "")
    yield _card("Unexplained", sums["unexplained"], sums, note, "warn" if odd else "")


def _card(name: str, value: str | None, sums: Document, note: str, style: str = "") -> str:
    figure = '<span class="figure none">not known</span>'
    if value is not None:
        figure = f'<span class="figure">{amount(value)} <span class="unit">{text(sums["currency"])}</span></span>'
    return f'<div class="card {style}"><dt>{name}</dt><dd>{figure}<span class="told">{note}</span></dd></div>'


def _balance(sums: Document, bought: bool) -> str:
    before, after = sums["balance_before"], sums["balance_after"]
    if before is None and after is None:
        return _card("Balance", None, sums, "it was not read")
    if not bought:
        return _card("Balance", before, sums, "it is not charged")
    if after is None:
        return _card("Balance", before, sums, "before; it was not read after a purchase")
    return _card("Balance after", after, sums, f"before: {amount(before)}")


def alarm(document: Document) -> str:
    """What may have been charged, by name, with the commands that settle it; empty where nothing is in doubt."""
    orders, others = doubts(document), elsewhere(document)
    if not (orders or others) and is_zero(document["money"]["spent_possible"]):
        return ""
    rows = "".join(map(_doubt, orders[:NAMED]))
    more = f"<p>And {len(orders) - NAMED:,} more{_others(orders[NAMED:])}</p>" if len(orders) > NAMED else ""
    todo = "".join(f"<li>{sentence(step)}</li>" for step in WHAT_TO_DO)
    count = len(orders) + len(others)
    return section(
        "alarm",
        f"{plural(count, 'order')} may have been charged" if count else "Something may have been charged",
        "<p>Nothing more is bought on this account until that is settled.</p>"
        f'<ul class="doubts">{rows}</ul>{more}{finding_fold(others)}'
        f'<h3>What to do</h3><ul class="todo">{todo}</ul>{_ledger(document)}',
        "alarm",
    )


def _doubt(doubt: Doubt) -> str:
    order, key, value = doubt.order, doubt.order["key"], cost(doubt.order)
    charge = f"may have cost {amount(value)} USD" if value is not None else "of unknown cost"
    reason = f": {text(order['reason'])}" if order["reason"] else ""
    commands = (
        f"order-runner reconcile {key}",
        f"order-runner resolve {key} --placed ORDER_ID",
        f"order-runner resolve {key} --absent --reason WHY",
    )
    typed = "".join(f"<li><code>{text(command)}</code></li>" for command in commands)
    return (
        f'<li><p><a class="key" href="#order-{link(key)}">{text(key)}</a> {charge}{reason}</p>'
        f'<p class="told">{text(what_of(order))}</p>'
        f'{finding_list([doubt.loss] if doubt.loss else [])}<ul class="commands">{typed}</ul></li>'
    )


def _others(rest: Sequence[Doubt]) -> str:
    if len(rest) > LISTED:
        return ": filter the orders by “unknown”."
    keys = (doubt.order["key"] for doubt in rest)
    links = ", ".join(f'<a class="key" href="#order-{link(key)}">{text(key)}</a>' for key in keys)
    return f", with the same commands: {links}."


def _ledger(document: Document) -> str:
    ledger = document["inputs"]["ledger"]
    if ledger is None:
        return ""
    need = f"The commands need the ledger of this run, {code(ledger)}: use the same options as the run."
    return f'<p class="told">{need}</p>'


def ending(document: Document) -> str:
    """Exit code and name, what they mean, and what to do, in the words of docs/exit-codes.md."""
    exit_ = document["run"]["exit"]
    if exit_ is None:
        return _ending_section(
            '<p class="exit bad"><b>Not finished</b></p><p>This report was written while the run went on. If it stays '
            "like this, the run was killed: <code>order-runner status</code> shows more.</p>"
        )
    number, name = exit_["code"], exit_["name"]
    _, meaning, way_out = exit_codes()[name]
    style = "good" if number == 0 else "bad" if number in (1, 3, 7) else "note" if number == 10 else "warn"
    todo = "" if number == 0 else f"<p><b>What to do:</b> {sentence(way_out)}</p>"
    return _ending_section(
        f'<p class="exit {style}"><span class="number">{number}</span> <b>{text(phrase(name))}</b></p>'
        f"<p>{sentence(meaning)}</p>{todo}{_behind(document)}"
    )


def _behind(document: Document) -> str:
    """The files this is about; all of them stand at the end of the page."""
    paths = [code(one["path"]) for one in document["inputs"]["manifests"]]
    more = f" and {len(paths) - NAMED_FILES:,} more" if len(paths) > NAMED_FILES else ""
    ledger = document["inputs"]["ledger"]
    rows = [("Manifests", f"{', '.join(paths[:NAMED_FILES])}{more}")] if paths else []
    return pairs([*rows, ("Ledger", code(ledger))] if ledger else rows)


def _ending_section(inside: str) -> str:
    return section("ended", "How the run ended", inside, "panel ending")


def outcome(document: Document) -> str:
    """A bar of what became of the orders, and the same in a table, so that colour is never the only sign."""
    summary, every = document["summary"], document["summary"]["total"]
    if not every:
        return _became("<p>No orders.</p>")
    counts = {status: summary[status] for status in STATUSES if summary[status]}
    sums = _sums(document)
    rows = "".join(
        f'<tr><th scope="row"><span class="swatch f-{status}"></span>{phrase(status)}'
        f'<span class="told">{sentence(STATUSES[status])}</span></th>'
        f'<td class="n">{count:,}</td><td class="n">{_share(count, every)}</td>'
        f'<td class="n">{total(sums.get(status, ()))}</td></tr>'
        for status, count in counts.items()
    )
    head = (
        '<tr><th scope="col">Status</th><th scope="col" class="n">Orders</th><th scope="col" class="n">Share</th>'
        f'<th scope="col" class="n">{text(document["money"]["currency"])}</th></tr>'
    )
    foot = f'<tr><th scope="row">all</th><td class="n">{every:,}</td><td class="n">100 %</td><td></td></tr>'
    return _became(
        f"{_bar(counts, every)}"
        f'<table class="outcome"><thead>{head}</thead><tbody>{rows}</tbody><tfoot>{foot}</tfoot></table>'
        '<p class="told">Amounts are what the vendor charged, or its quote where it did not say or nothing was '
        "bought.</p>"
    )


def _became(inside: str) -> str:
    return section("became", "Outcome of the orders", inside, "panel became")


def _sums(document: Document) -> dict[str, list[str]]:
    sums: dict[str, list[str]] = {}
    for order in document["orders"]:
        if (value := cost(order)) is not None:
            sums.setdefault(order["status"], []).append(value)
    return sums


def _share(count: int, every: int) -> str:
    share = 100 * count / every
    return "&lt; 1 %" if 0 < share < 1 else "&gt; 99 %" if 99 < share < 100 else f"{share:.0f} %"


def _bar(counts: Mapping[str, int], every: int) -> str:
    """A stripe a status, each wide enough to be seen."""
    widths = [max(8, 1000 * count / every) for count in counts.values()]
    scale, left, stripes = 1000 / sum(widths), 0.0, []
    for (status, count), width in zip(counts.items(), widths, strict=True):
        stripes.append(
            f'<rect class="f-{status}" x="{left:.1f}" y="0" width="{width * scale:.1f}" height="10">'
            f"<title>{phrase(status)}: {count:,}</title></rect>"
        )
        left += width * scale
    label = ", ".join(f"{count:,} {phrase(status)}" for status, count in counts.items())
    shape = 'viewBox="0 0 1000 10" preserveAspectRatio="none"'
    return f'<svg class="bar" {shape} role="img" aria-label="{label}">{"".join(stripes)}</svg>'
