"""What became of receipts → a line an order, or JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from runner.settle.annotate import ReceiptNote
from runner.views.terminal.console import Channel, Console
from runner.views.terminal.safe import json_text, one_line
from runner.views.wording import plural

RECEIPTS_VERSION: Final = "1.0"
_WORDS: Final[Mapping[str, str]] = {
    "written": "written",
    "there": "there already",
    "left": "left alone",
    "not_delivered": "not delivered",
    "failed": "failed",
}
_STYLES: Final = {"written": "good", "there": "faint", "left": "warning", "not_delivered": "faint", "failed": "error"}


def render(annotations: Sequence[ReceiptNote], *, fmt: str, console: Console) -> None:
    """Write them in one of `FORMATS` to stdout."""
    console.out.lines(FORMATS[fmt](annotations, console.out))


def annotation_text(one: ReceiptNote) -> str:
    """One order's, on one line."""
    rows = f", {plural(one.rows, 'row')}" if one.rows else ""
    reason = f": {one.reason}" if one.reason else ""
    return one_line(f"{one.key}  order {one.order_id}{rows}{reason}")


def _text(annotations: Sequence[ReceiptNote], channel: Channel) -> Iterator[str]:
    for one in annotations:
        yield channel.paint(_STYLES[one.result], _WORDS[one.result]) + "  " + annotation_text(one)
    counts = Counter[str](one.result for one in annotations)
    yield ", ".join(f"{counts[name]} {words}" for name, words in _WORDS.items() if counts[name]) or "no order is bought"


def _json(annotations: Sequence[ReceiptNote], _channel: Channel) -> Iterator[str]:
    document = {
        "version": RECEIPTS_VERSION,
        "receipts": [
            {
                "key": str(one.key),
                "order_id": one.order_id,
                "result": one.result,
                "rows": one.rows,
                "reason": one.reason or None,
            }
            for one in annotations
        ],
    }
    yield json_text(document, indent=2)


FORMATS: Final[Mapping[str, Callable[[Sequence[ReceiptNote], Channel], Iterator[str]]]] = {"text": _text, "json": _json}
