"""What the account has at the vendor → text, JSON, a line of JSON a fact, Markdown, GitHub's annotations.

All formats but text are made from the JSON document alone. Vendors' words are data: they go through `one_line`,
`json_text` and, in Markdown, stand in code spans.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from runner.core.clock import rfc3339
from runner.core.states import OPEN, State
from runner.core.vendor import ResidentPackage
from runner.evidence.rentals import FactKind, Rental, ShownOrder
from runner.settle.survey import Survey
from runner.views.formats.annotations import Annotation, Kind, limit
from runner.views.formats.markdown_text import code, size, table
from runner.views.terminal.console import Channel, Console
from runner.views.terminal.grid import Column, Grid, Row, show
from runner.views.terminal.safe import json_text, one_line
from runner.views.wording import plural

SURVEY_VERSION: Final = "1.0"
MAX_BYTES: Final = 60_000
"""Of Markdown: it fits beside other text into a comment and into a job's summary."""

GIB: Final = 1 << 30
LABELS: Final[Mapping[FactKind, str]] = {
    FactKind.UNKNOWN: "in doubt",
    FactKind.ENDED: "ended",
    FactKind.ENDS: "ends soon",
    FactKind.SHORT: "too few",
    FactKind.SURPLUS: "too many",
    FactKind.RENEWED_OUTSIDE: "renewed outside",
    FactKind.ENDS_EARLY: "ends early",
    FactKind.REPLACED: "addresses replaced",
    FactKind.AUTO_RENEWED: "auto-renew armed",
}
STYLES: Final[Mapping[FactKind, str]] = {FactKind.UNKNOWN: "error", FactKind.ENDED: "error"}
ERRORS: Final = frozenset({FactKind.UNKNOWN.value, FactKind.NOT_READ.value})
COLUMNS: Final = (
    Column(name="order"),
    Column(name="type"),
    Column(name="delivered"),
    Column(name="ends"),
    Column(name="left", right=True),
    Column(name="to know", folds=True),
)
ENOUGH: Final = "… and {} more: see the JSON"
Document = Mapping[str, Any]


def render(survey: Survey, *, fmt: str, console: Console, flags: str = "") -> None:
    """Write a survey in one of `FORMATS` to stdout; `flags` belong behind the commands that settle something."""
    if fmt == "text":
        _text(survey, console.out, flags)
    else:
        console.out.lines(FORMATS[fmt](as_json(survey, flags)))


def _text(survey: Survey, channel: Channel, flags: str) -> None:
    document = as_json(survey, flags)
    orders: Sequence[Document] = document["orders"]
    show(Grid(columns=COLUMNS, rows=[_row(order) for order in orders]), channel)
    for fact in document["facts"]:
        if fact["fact"] in (FactKind.UNKNOWN, FactKind.NOT_READ, FactKind.UNOWNED):
            style = "error" if fact["fact"] in ERRORS else "warning"
            channel.lines([channel.paint(style, one_line(fact["text"])), *_hint(fact)])
    channel.lines(map(one_line, _closing(document)))


def _row(order: Document) -> Row:
    kinds = [FactKind(name) for name in order["facts"]]
    style = next((STYLES.get(kind, "warning") for kind in kinds), None)
    return Row(cells=(order["key"], order["type"], *_words(order)), style=style)


def _words(order: Document) -> tuple[str, str, str, str]:
    """The columns behind order and type."""
    return delivered_words(order), order["ends"] or "", _days_left(order), _to_know(order)


def _to_know(order: Document) -> str:
    """What the other columns do not say."""
    kinds = [FactKind(name) for name in order["facts"] if name not in (FactKind.ENDS, FactKind.ENDED)]
    words = {**LABELS, FactKind.REPLACED: replaced_words(order["replaced"])}
    return ", ".join(words[kind] for kind in kinds)


def _days_left(order: Document) -> str:
    days = order["days_left"]
    if days is None:
        return ""
    return "over" if days < 0 else "today" if days == 0 else plural(days, "day")


def delivered_words(order: Document) -> str:
    """`2 of 3`, the traffic that is left, or why there is neither."""
    if order["package"]:
        return traffic_words(order["package"])
    if order["state"] != State.PLACED:
        return str(order["state"])
    if not order["read"]:
        return "not read"
    return f"{order['delivered']:,}" + (f" of {order['ordered']:,}" if order["ordered"] is not None else "")


def traffic_words(package: Document) -> str:
    """`0.93 of 1.00 GB left`."""
    left, most = (_gigabytes(package[name]) for name in ("traffic_left", "traffic_limit"))
    return f"{left} of {most} GB left"


def _gigabytes(number: int | None) -> str:
    return "?" if number is None else f"{number / GIB:,.2f}"


def replaced_words(number: int) -> str:
    return f"{number:,} address{'' if number == 1 else 'es'} replaced"


def _closing(document: Document) -> Iterator[str]:
    counts, near, facts = document["summary"], document["near"], len(document["facts"])
    orders = plural(counts["orders"], "order")
    ends = f"{counts['ending']:,} of them end{'s' if counts['ending'] == 1 else ''} by {near}"
    shown = f"{orders} in doubt or with an end by {near}" if document["only_ending"] else f"{orders}, {ends}"
    yield f"{shown}; {plural(facts, 'thing') if facts else 'nothing'} to act on"
    if document["unowned"]:
        yield f"{plural(len(document['unowned']), 'order')} at the vendor that nobody owns"
    package = document["package"]
    if package and not any(order["package"] for order in document["orders"]):
        yield f"resident package: {traffic_words(package)}, until {package['ends'] or 'an unknown day'}"


def _hint(fact: Document) -> Iterator[str]:
    yield from (one_line(f"  {command}") for command in fact["settled_by"])


def as_json(survey: Survey, flags: str = "") -> dict[str, Any]:
    """The survey as one document: what every format shows, and nothing that opens a proxy."""
    orders = [_order(rental) for rental in survey.rentals]
    facts = list(_facts(survey, flags))
    return {
        "version": SURVEY_VERSION,
        "at": rfc3339(survey.when.at),
        "near": survey.when.near.isoformat(),
        "only_ending": survey.only_ending,
        "types": list(survey.types),
        "summary": {
            "orders": len(orders),
            "ending": sum(FactKind.ENDS in rental.facts for rental in survey.rentals),
            "unowned": len(survey.strangers),
            "facts": len(facts),
        },
        "orders": orders,
        "unowned": [_stranger_json(order) for order in survey.strangers],
        "package": _package(survey.package),
        "not_read": [
            {"type": product, "error": str(error), "hint": error.hint} for product, error in survey.failures.items()
        ],
        "facts": facts,
    }


def _order(rental: Rental) -> dict[str, Any]:
    listing, record = rental.listing, rental.record
    return {
        "key": str(rental.key),
        "type": rental.type,
        "state": rental.state.value,
        "open": rental.open,
        "order_id": record.order_id if record else None,
        "read": rental.is_read,
        "ordered": rental.quantity,
        "delivered": listing.rows if listing else 0 if rental.is_read and rental.type != "resident" else None,
        "countries": sorted(listing.countries) if listing else [],
        "ends": _day(rental.ends),
        "last_end": _day(listing.last_end if listing else None),
        "days_left": rental.days_left,
        "auto_renew": FactKind.AUTO_RENEWED in rental.facts,
        "replaced": rental.replacements,
        "replaced_at": rfc3339(rental.replaced_at) if rental.replaced_at else None,
        "renewals": [{"key": str(one.key), "state": one.state.value} for one in rental.renewals],
        "package": _package(rental.package if rental.is_read else None),
        "facts": [kind.value for kind in rental.facts],
    }


def _stranger_json(order: ShownOrder) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "type": order.type,
        "delivered": order.rows,
        "countries": sorted(order.countries),
        "starts": _day(order.starts),
        "ends": _day(order.first_end),
    }


def _package(package: ResidentPackage | None) -> dict[str, Any] | None:
    if package is None:
        return None
    return {
        "traffic_limit": package.limit,
        "traffic_used": package.usage,
        "traffic_left": package.rest,
        "ends": _day(package.ends),
        "active": package.active,
        "auto_renew": package.auto_renewed,
    }


def _facts(survey: Survey, flags: str) -> Iterator[dict[str, Any]]:
    """One thing to act on each: what is in doubt and what could not be read, ends by their day, the rest, strangers."""
    facts = [(kind, rental) for rental in survey.rentals for kind in rental.facts]
    order = list(FactKind)
    facts.sort(key=lambda pair: order.index(pair[0]))
    for kind, rental in facts:
        if kind is FactKind.UNKNOWN:
            yield _fact(kind, rental, flags)
    for product, error in survey.failures.items():
        text = f"{product}: not read, so nothing is said of its orders: {error}"
        yield _bare(FactKind.NOT_READ, text, type=product, hint=error.hint)
    for kind, rental in facts:
        if kind is not FactKind.UNKNOWN:
            yield _fact(kind, rental, flags)
    for stranger in survey.strangers:
        countries = f" in {', '.join(sorted(stranger.countries))}" if stranger.countries else ""
        ends = f", until {stranger.first_end}" if stranger.first_end else ""
        proxies = "1 proxy" if stranger.rows == 1 else f"{stranger.rows:,} proxies"
        what = f"{stranger.type}, {proxies}{countries}{ends}"
        yield _bare(
            FactKind.UNOWNED,
            f"order {stranger.order_id} belongs to no order of this ledger: {what}",
            type=stranger.type,
            order_id=stranger.order_id,
            ends=_day(stranger.first_end),
            settled_by=[
                f"order-runner adopt PATH{flags}",
                f"order-runner resolve --not-mine {stranger.order_id} --reason TEXT{flags}",
            ],
        )


def _fact(kind: FactKind, rental: Rental, flags: str) -> dict[str, Any]:
    settled_by = [f"order-runner reconcile{flags}"] if kind is FactKind.UNKNOWN else []
    return _bare(
        kind,
        f"{rental.key}: {fact_text(kind, rental)}",
        key=str(rental.key),
        type=rental.type,
        order_id=rental.record.order_id if rental.record else None,
        ends=_day(rental.ends),
        days_left=rental.days_left,
        settled_by=settled_by,
    )


def _bare(kind: FactKind, text: str, **more: Any) -> dict[str, Any]:
    usual = {"key": None, "type": None, "order_id": None, "ends": None, "days_left": None, "hint": None}
    return {"fact": kind.value, "text": one_line(text), **usual, "settled_by": [], **more}


def fact_text(kind: FactKind, rental: Rental) -> str:
    """One thing to act on, in words."""
    rows = rental.listing.rows if rental.listing else 0
    ordered = "" if rental.quantity is None else f" of {rental.quantity:,}"
    last_end = rental.listing.last_end if rental.listing else None
    texts = {
        FactKind.UNKNOWN: f"{_in_doubt(rental)} may have been charged, and that is not settled",
        FactKind.ENDED: f"ended {plural(-(rental.days_left or 0), 'day')} ago, on {rental.ends}",
        FactKind.ENDS: f"ends {_when(rental.days_left or 0)}, on {rental.ends}",
        FactKind.SHORT: f"{rows:,}{ordered} delivered",
        FactKind.SURPLUS: f"{rows:,}{ordered} delivered: some may be another order's",
        FactKind.RENEWED_OUTSIDE: f"renewed outside: it ends on {last_end}, later than what this ledger bought",
        FactKind.ENDS_EARLY: f"ends on {rental.ends}, earlier than what was bought: ask the vendor",
        FactKind.REPLACED: f"{replaced_words(rental.replacements)}: whoever uses them needs the new ones",
        FactKind.AUTO_RENEWED: "the vendor's own renewal is armed: it will charge the account by itself",
    }
    return texts[kind]


def _in_doubt(rental: Rental) -> str:
    renewal = next((one for one in rental.renewals if one.state in OPEN), None)
    return f"its renewal {renewal.key}" if renewal and rental.state not in OPEN else "it"


def _when(days: int) -> str:
    return "today" if days == 0 else f"in {plural(days, 'day')}"


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _json(document: Document) -> Iterator[str]:
    yield json_text(document, indent=2)


def _ndjson(document: Document) -> Iterator[str]:
    """One fact a line, each with its text: nothing for nothing to act on."""
    yield from (json_text({"at": document["at"], **fact}) for fact in document["facts"])


def _github(document: Document) -> Iterator[str]:
    facts = document["facts"]
    annotations = [_annotation(fact) for fact in facts]
    lines = [one_line(line) for line in _closing(document)]
    notice = Annotation(kind="notice", place={"title": "order-runner"}, lines=lines)
    yield from limit([*annotations, notice], "the rest is in the JSON")


def _annotation(fact: Document) -> Annotation:
    kind: Kind = "error" if fact["fact"] in ERRORS else "warning"
    hints = [one_line(text) for text in (fact["hint"], *fact["settled_by"]) if text]
    return Annotation(kind=kind, place={"title": fact["fact"].replace("_", " ")}, lines=[fact["text"], *hints])


def _markdown(document: Document) -> Iterator[str]:
    yield from markdown_lines(document, MAX_BYTES)


def markdown_lines(document: Document, room: int) -> Iterator[str]:
    """What there is to act on, then every order, in at most so many bytes."""
    facts = document["facts"]
    count = f"{plural(len(facts), 'thing')} to act on" if facts else "nothing to act on"
    head = [f"**What ends, what changed: {count}**", "", *(f"- {one_line(line)}" for line in _closing(document)), ""]
    listed = table(("what", "order", "fact"), [_fact_row(fact) for fact in facts], (room - size(head)) // 2, ENOUGH)
    names = ("order", "type", "delivered", "ends", "left", "to know")
    left = room - size(head) - size(listed)
    yield from head
    yield from listed
    yield from table(names, [_order_row(order) for order in document["orders"]], left, ENOUGH)


def _fact_row(fact: Document) -> tuple[str, ...]:
    return (
        fact["fact"].replace("_", " "),
        code(fact["key"] or fact["order_id"] or fact["type"] or ""),
        code(fact["text"]),
    )


def _order_row(order: Document) -> tuple[str, ...]:
    return code(order["key"]), order["type"], *_words(order)


def summary(document: Document, room: int) -> str:
    """Markdown of at most so many bytes, for the summary of a job."""
    return "".join(f"{line}\n" for line in markdown_lines(document, min(room, MAX_BYTES)))


def job_outputs(document: Document) -> dict[str, str]:
    """What later steps of a job may want to know, as `steps.ID.outputs.NAME`."""
    counts = document["summary"]
    return {name: str(counts[name]) for name in ("orders", "ending", "unowned", "facts")}


FORMATS: Final[Mapping[str, Callable[[Document], Iterator[str]]]] = {
    "json": _json,
    "ndjson": _ndjson,
    "markdown": _markdown,
    "github": _github,
}
