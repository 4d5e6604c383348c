"""The top of the HTML report: money, what may have been charged and how to settle it, and how the run ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from runner.views.formats.html.findings import folded
from runner.views.formats.html.text import Document, amount, code, facts, section, text, ticked
from runner.views.formats.html.words import EXITS, said, wanted
from runner.views.words import WHAT_TO_DO, counted

NAMED: Final = 5
"""Orders in doubt that are named with their commands; more of them are counted."""

NAMED_FILES: Final = 3


def money(document: Document) -> str:
    """What was spent, what may have been, and the balance; the first thing on the page."""
    cards = "".join(_cards(document))
    return (
        f'<section aria-labelledby="money"><h2 id="money" class="sr">Money</h2><dl class="money">{cards}</dl></section>'
    )


def _cards(document: Document) -> Iterator[str]:
    sums, bought = document["money"], document["run"]["mode"] == "apply"
    if bought:
        yield _card("Spent, confirmed", sums["spent_confirmed"], sums, "what the purchases of this run cost", "main")
    else:
        yield _card(
            "Spent", sums["spent_confirmed"], sums, f"{text(document['run']['mode'])}: nothing is bought", "main"
        )
    possible = sums["spent_possible"]
    told = "charged perhaps, and not settled" if _counts(possible) else "nothing is in doubt"
    yield _card("Possibly spent", possible, sums, told, "alarm" if _counts(possible) or _in_doubt(document) else "")
    yield _card("Quoted", sums["quoted_total"], sums, "the vendor's prices, orders bought before left out")
    yield _balance(sums, bought)
    if sums["unexplained"] is None and not bought:
        return
    odd = _counts(sums["unexplained"])
    told = "of the balance's change belongs to no confirmed purchase" if odd else "of the balance's change"
    yield _card("Unexplained", sums["unexplained"], sums, told, "warn" if odd else "")


def _card(name: str, value: str | None, sums: Document, told: str, style: str = "") -> str:
    shown = _figure(value, sums) if value is not None else '<span class="figure none">not known</span>'
    return f'<div class="card {style}"><dt>{name}</dt><dd>{shown}<span class="told">{told}</span></dd></div>'


def _balance(sums: Document, bought: bool) -> str:
    before, after = sums["balance_before"], sums["balance_after"]
    if before is None and after is None:
        return _card("Balance", None, sums, "it was not read")
    if not bought:
        return _card("Balance", before, sums, "nothing is taken from it")
    if after is None:
        return _card("Balance", before, sums, "before; it was not read after a purchase")
    return _card("Balance after", after, sums, f"before: {amount(before)}")


def _figure(value: str, sums: Document) -> str:
    return f'<span class="figure">{amount(value)} <span class="unit">{text(sums["currency"])}</span></span>'


def _counts(value: str | None) -> bool:
    return value is not None and value.strip("-0.") != ""


def _in_doubt(document: Document) -> bool:
    return bool(_unknown(document) or elsewhere(document))


def _unknown(document: Document) -> list[Document]:
    return [order for order in document["orders"] if order["status"] == "unknown"]


def elsewhere(document: Document) -> list[Document]:
    """What is in doubt beside the orders of this report, as findings of no order."""
    listed = tuple(f"{order['key']} " for order in _unknown(document))
    found = [one for one in document["errors"] if one["category"] == "unknown"]
    return [one for one in found if not one["message"].startswith(listed)]


def alarm(document: Document) -> str:
    """What may have been charged, by name, with the commands that settle it; empty where nothing is in doubt."""
    unknown, others = _unknown(document), elsewhere(document)
    if not (unknown or others or _counts(document["money"]["spent_possible"])):
        return ""
    rows = "".join(map(_doubt, unknown[:NAMED]))
    more = f"<p>And {len(unknown) - NAMED:,} more: filter the orders by “unknown”.</p>" if len(unknown) > NAMED else ""
    todo = "".join(f"<li>{ticked(step)}</li>" for step in WHAT_TO_DO)
    named = len(unknown) + len(others)
    return section(
        "alarm",
        f"{counted(named, 'order')} may have been charged" if named else "Something may have been charged",
        "<p>Nothing more is bought on this account until that is settled.</p>"
        f'<ul class="doubts">{rows}</ul>{more}{folded(others)}'
        f'<h3>What to do</h3><ul class="todo">{todo}</ul>{_ledger(document)}',
        "alarm",
    )


def _doubt(order: Document) -> str:
    key = order["key"]
    quote = order["quote"]
    cost = f"may have cost {amount(quote['total'])} {text(quote['currency'])}" if quote else "of unknown cost"
    reason = f": {text(order['reason'])}" if order["reason"] else ""
    commands = (
        f"order-runner reconcile {key}",
        f"order-runner resolve {key} --placed ORDER_ID",
        f"order-runner resolve {key} --absent --reason WHY",
    )
    typed = "".join(f"<li><code>{text(command)}</code></li>" for command in commands)
    bought = text(wanted(order))
    return (
        f'<li><p><a class="key" href="#order-{link(key)}">{text(key)}</a> {cost}{reason}</p>'
        f'<p class="told">{bought}</p><ul class="commands">{typed}</ul></li>'
    )


def _ledger(document: Document) -> str:
    ledger = document["inputs"]["ledger"]
    if ledger is None:
        return ""
    told = f"The commands need the ledger of this run, {code(ledger)}: give the same options as the run."
    return f'<p class="told">{told}</p>'


def link(key: str) -> str:
    """An order's key in the fragment of an address: the one character of a key that would end it is `#`."""
    return text(key.replace("#", "%23"))


def ending(document: Document) -> str:
    """Exit code and name, what they mean, and what to do."""
    run = document["run"]
    if run["exit"] is None:
        state = '<p class="exit bad"><b>Not finished</b></p>'
        told = (
            "This report was written while the run went on. If it stays like this, the run was killed: "
            "<code>order-runner status</code> knows more."
        )
        return _ended(f"{state}<p>{told}</p>")
    number, name = run["exit"]["code"], run["exit"]["name"]
    meaning, todo = EXITS[number]
    style = "good" if number == 0 else "bad" if number in (1, 3, 7) else "note" if number == 10 else "warn"
    todo = "" if number == 0 else f"<p><b>What to do:</b> {ticked(todo)}</p>"
    return _ended(
        f'<p class="exit {style}"><span class="number">{number}</span> <b>{text(said(name))}</b></p>'
        f"<p>{ticked(meaning)}</p>{todo}{_behind(document)}"
    )


def _behind(document: Document) -> str:
    """The files this is about; all of them stand at the end of the page."""
    paths = [code(one["path"]) for one in document["inputs"]["manifests"]]
    more = f" and {len(paths) - NAMED_FILES:,} more" if len(paths) > NAMED_FILES else ""
    ledger = document["inputs"]["ledger"]
    rows = [("Manifests", f"{', '.join(paths[:NAMED_FILES])}{more}")] if paths else []
    return facts([*rows, ("Ledger", code(ledger))] if ledger else rows)


def _ended(inside: str) -> str:
    return section("ended", "How the run ended", inside, "panel ending")
