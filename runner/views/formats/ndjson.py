"""`ndjson`: a run as a stream of events, one line of JSON each, in the order they happen.

The lines depend on the report alone, so a stream that is written while the run goes on and one that is rendered from
the finished report are the same bytes. An order's event comes once it, and every order before it, is decided: nothing
changes it any more. Findings come when all is known, `run_finished` last. schemas/event.schema.json describes a line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import Any, Final

from runner.views.formats.facts import Document, Finding, Order
from runner.views.terminal.safe import json_text

STREAM_VERSION: Final = "1.1"


def render(document: Mapping[str, Any]) -> str:
    """The stream up to where the report is: that of a run that was killed ends without `run_finished`."""
    return "".join(f"{line}\n" for line in lines(document))


def lines(document: Document) -> Iterator[str]:
    """Each event as a line without its end."""
    yield start_line(document)
    complete = document["run"]["complete"]
    orders = document["orders"] if complete else takewhile(is_decided, document["orders"])
    yield from map(order_line, orders)
    if complete:
        yield from end_lines(document)


def start_line(head: Document) -> str:
    """The run begins; `head` is a report or the part of it before `orders`."""
    run = head["run"]
    return _line(
        "run_started",
        stream_version=STREAM_VERSION,
        tool=head["tool"],
        run={name: run[name] for name in ("id", "mode", "started_at", "actor", "commit", "ref", "job")},
        inputs=head["inputs"],
    )


def is_decided(order: Order) -> bool:
    """Whether nothing can happen to an order any more while the run goes on."""
    in_flight = bool(order["attempts"]) and order["attempts"][-1]["outcome"] == "submitted"
    return order["status"] != "planned" and not in_flight


def order_line(order: Order) -> str:
    """What became of an order; its findings come later, with its key."""
    return _line("order", order={name: value for name, value in order.items() if name != "errors"})


def end_lines(document: Document) -> Iterator[str]:
    """Every finding, those of orders first, and the end."""
    for order in document["orders"]:
        yield from (_finding(finding, order["key"]) for finding in order["errors"])
    yield from (_finding(finding, finding["key"]) for finding in document["errors"])
    run = document["run"]
    yield _line(
        "run_finished",
        run={name: run[name] for name in ("id", "finished_at", "exit")},
        money=document["money"],
        summary=document["summary"],
        not_checked=document["not_checked"],
    )


def _finding(finding: Finding, key: str | None) -> str:
    return _line("finding", finding={**finding, "key": key})


def _line(event: str, **content: object) -> str:
    return json_text({"event": event, **content})
