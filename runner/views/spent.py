"""What was spent → aligned lines, CSV or JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Final

from runner.core.orders import CURRENCY, decimal_text
from runner.settle.sums import Spent, Sum
from runner.views.terminal.console import Channel, Console
from runner.views.terminal.grid import Column, Grid, Row, show
from runner.views.terminal.safe import json_text, one_line
from runner.views.wording import money, plural

SPENT_VERSION: Final = "1.0"
_NUMBERS: Final = ("orders", "spent", "in_doubt")
_ACTING: Final = ("=", "+", "-", "@", "\t")
"""What makes a spreadsheet take a text for a formula (owasp.org, "CSV Injection")."""


def render(spent: Spent, account: str, *, fmt: str, console: Console) -> None:
    """Write it in one of `FORMATS` to stdout."""
    FORMATS[fmt](spent, account, console.out)


def _text(spent: Spent, _: str, channel: Channel) -> None:
    numbers = ("orders", f"spent {CURRENCY}", f"of that in doubt {CURRENCY}")
    columns = tuple(Column(name=name) for name in spent.by) + tuple(Column(name=n, right=True) for n in numbers)
    rows = tuple(Row(cells=(*group, *_cells(one))) for group, one in spent.groups.items())
    show(Grid(columns=columns, rows=rows), channel)
    total = spent.total
    doubt = f", of that {money(total.in_doubt)} in doubt" if total.in_doubt else ""
    channel.lines([f"{plural(total.orders, 'order')}{_days(spent)}: {money(total.spent)}{doubt}"])


def _cells(one: Sum) -> tuple[str, str, str]:
    return f"{one.orders:,}", decimal_text(one.spent), decimal_text(one.in_doubt) if one.in_doubt else ""


def _days(spent: Spent) -> str:
    since = f" from {spent.since}" if spent.since else ""
    return since + (f" to {spent.until}" if spent.until else "")


def _csv(spent: Spent, _: str, channel: Channel) -> None:
    channel.lines(_csv_lines(spent))


def _csv_lines(spent: Spent) -> Iterator[str]:
    """RFC 4180, one line a group and no total; amounts as plain decimals."""
    yield _csv_line((*spent.by, *_NUMBERS, "currency"))
    for group, one in spent.groups.items():
        amounts = (decimal_text(one.spent), decimal_text(one.in_doubt))
        yield _csv_line((*map(_inert, group), str(one.orders), *amounts, CURRENCY))


def _csv_line(cells: tuple[str, ...]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(map(one_line, cells))
    return line.getvalue()


def _inert(text: str) -> str:
    return f"'{text}" if text.startswith(_ACTING) else text


def _json(spent: Spent, account: str, channel: Channel) -> None:
    document = {
        "version": SPENT_VERSION,
        "account": account,
        "since": _day(spent.since),
        "until": _day(spent.until),
        "by": list(spent.by),
        "currency": CURRENCY,
        "total": _sum_json(spent.total),
        "groups": [
            {"group": dict(zip(spent.by, group, strict=True)), **_sum_json(one)} for group, one in spent.groups.items()
        ],
    }
    channel.lines([json_text(document, indent=2)])


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _sum_json(one: Sum) -> dict[str, object]:
    return {"orders": one.orders, "spent": decimal_text(one.spent), "in_doubt": decimal_text(one.in_doubt)}


FORMATS: Final[Mapping[str, Callable[[Spent, str, Channel], None]]] = {"text": _text, "csv": _csv, "json": _json}
