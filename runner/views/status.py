"""The ledger against manifests → table, aligned lines or JSON; open orders first, with what to do about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal
from itertools import islice
from textwrap import indent
from typing import Final

from runner.core.clock import rfc3339
from runner.core.orders import CURRENCY, OrderKey, decimal_text
from runner.core.records import OpenClaim, Origin, Record
from runner.core.states import State
from runner.settle.status import Overview, StatusRow
from runner.views.reconcile import adoption, commands, disputed_lines, identities, open_lines
from runner.views.terminal.console import Channel, Console
from runner.views.terminal.grid import MANY, Column, Grid, Row, show
from runner.views.terminal.safe import json_text
from runner.views.wording import STATUS_STYLES, WHAT_TO_DO, amount, money, plural, what

STATUS_VERSION: Final = "1.2"
COLUMNS: Final = (
    Column(name="order"),
    Column(name="state"),
    Column(name="order id"),
    Column(name=f"total {CURRENCY}", right=True),
    Column(name="since"),
    Column(name="reason", folds=True),
)
ORIGIN_COLUMNS: Final = (
    Column(name="what"),
    Column(name="claimed"),
    Column(name="by"),
    Column(name="commit"),
    Column(name="job"),
)
"""What `-v` adds, before the reason."""

OriginsOf = Callable[[Iterable[OrderKey]], Mapping[OrderKey, Origin]]
"""Who began the last attempt of each of these orders, as `Ledger.origins` tells it."""

_AT_ONCE: Final = 1000
"""Orders whose origins are read together."""


def _no_origins(_: Iterable[OrderKey]) -> Mapping[OrderKey, Origin]:
    return {}


def render(
    overview: Overview,
    *,
    fmt: str,
    console: Console,
    claims: Sequence[OpenClaim] = (),
    disputed: Sequence[Record] = (),
    flags: str = "",
    origins: OriginsOf = _no_origins,
    verbose: bool = False,
) -> None:
    """Write an overview in one of `FORMATS` to stdout: open orders first. Memory does not grow with its settled ones.

    `claims` are those of the open orders, `disputed` those that are not open though the vendor answered them with
    an order id; `flags` belong behind the commands that settle them. A text that is `verbose` says who bought what
    when, as JSON always does.
    """
    page = StatusPage(
        overview=overview,
        claims={claim.record.key: claim for claim in claims},
        disputes={record.key: record for record in disputed},
        flags=flags,
        origins=origins,
        verbose=verbose,
    )
    FORMATS[fmt](page, console.out)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusPage:
    """All that is to be shown."""

    overview: Overview
    claims: Mapping[OrderKey, OpenClaim]
    disputes: Mapping[OrderKey, Record]
    flags: str
    origins: OriginsOf = _no_origins
    verbose: bool = False

    def __len__(self) -> int:
        """How many rows are shown."""
        return self.overview.total - self.overview.more

    def rows(self) -> Iterator[StatusRow]:
        """All that are shown."""
        yield from self.overview.open
        yield from self.overview.rest()

    def rows_and_origins(self) -> Iterator[tuple[StatusRow, Origin | None]]:
        """All that are shown, each with its origin, read for many at a time."""
        rows = self.rows()
        while some := list(islice(rows, _AT_ONCE)):
            known = self.origins(row.key for row in some if row.record)
            yield from ((row, known.get(row.key)) for row in some)

    def __iter__(self) -> Iterator[Row]:
        """The rows of a grid, made anew each time: that of a large account is gone through twice, and never kept."""
        if not self.verbose:
            return map(_row, self.rows())
        return (_row(row, *_origin_cells(row, origin)) for row, origin in self.rows_and_origins())


def _text(page: StatusPage, channel: Channel) -> None:
    columns = (*COLUMNS[:-1], *ORIGIN_COLUMNS, COLUMNS[-1]) if page.verbose else COLUMNS
    show(Grid(columns=columns, rows=page if len(page) > MANY else tuple(page)), channel)
    channel.lines(_closing(page.overview, channel))
    channel.lines(line for claim in page.claims.values() for line in open_lines(claim, page.flags))
    channel.lines(line for record in page.disputes.values() for line in disputed_lines(record, page.flags))


def _origin_cells(row: StatusRow, origin: Origin | None) -> tuple[str, ...]:
    """What stands in `ORIGIN_COLUMNS`."""
    by = origin.by if origin else None
    asked = what(row.record.type, row.record.fields) if row.record else ""
    at = origin.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ") if origin else ""
    return (asked, at, by.actor if by else "", (by and by.commit) or "", (by and by.job) or "")


def _row(row: StatusRow, *more: str) -> Row:
    record = row.record
    reasons = [record.reason if record and record.reason else ""]
    reasons += [] if row.wanted else ["not in these manifests"]
    cells = (
        str(row.key),
        row.state.value,
        (record.order_id if record else None) or "",
        amount(row.total if record and row.state is not State.PLANNED else None),
        record.updated_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ") if record else "",
        *more,
        "; ".join(filter(None, reasons)),
    )
    return Row(cells=cells, style=STATUS_STYLES.get(row.state.value))


def _closing(overview: Overview, channel: Channel) -> Iterator[str]:
    counts = ", ".join(f"{number:,} {state}" for state, number in overview.counts.items())
    yield counts or "the ledger has no orders"
    if overview.more:
        yield f"not shown: {plural(overview.more, 'older order')}; `order-runner status --all` lists every order"
    if not overview.open:
        return
    totals = [row.total for row in overview.open if row.total is not None]
    more = " and more" if 0 < len(totals) < len(overview.open) else ""
    cost = money(sum(totals, Decimal(0))) if totals else "an unknown amount"
    orders = plural(len(overview.open), "open order")
    yield channel.paint("error", f"{orders} may have cost {cost}{more}; nothing is bought until that is settled:")
    yield from (f"  - {text}" for text in WHAT_TO_DO)


def _json(page: StatusPage, channel: Channel) -> None:
    counts = page.overview.counts
    document = {
        "version": STATUS_VERSION,
        "summary": {"total": page.overview.total} | {state.value: counts.get(state, 0) for state in State},
        "orders": [],
    }
    pairs = page.rows_and_origins()
    orders = (_row_json(row) | _origin_json(origin) | _claim_json(row, page) for row, origin in pairs)
    channel.lines(_document_lines(document, orders))


def _document_lines(document: Mapping[str, object], orders: Iterator[Mapping[str, object]]) -> Iterator[str]:
    """A document whose last member is `orders`, as `json_text` would write it, an order at a time."""
    head, tail = json_text(document, indent=2).rsplit("[]", 1)
    order = next(orders, None)
    if order is None:
        yield f"{head}[]{tail}"
        return
    yield f"{head}["
    while order is not None:
        following = next(orders, None)
        yield indent(json_text(order, indent=2), "    ") + ("," if following else "")
        order = following
    yield f"  ]{tail}"


def _row_json(row: StatusRow) -> dict[str, object]:
    record, source = row.record, row.source
    span = source.span if source else None
    return {
        "key": str(row.key),
        "state": row.state.value,
        "open": row.open,
        "wanted": row.wanted,
        "source": source and span and {"file": source.path, "line": span.line, "column": span.column},
        "type": record.type if record else None,
        "fingerprint": record.fingerprint if record else None,
        "attempt": record.attempt if record else 0,
        "order_id": record.order_id if record else None,
        "base_order_numbers": list(record.base_order_numbers) if record else [],
        "total": _money(record.total if record else None),
        "quote_total": _money(record.quote_total if record else None),
        "balance": _money(record.balance if record else None),
        "updated_at": rfc3339(record.updated_at) if record else None,
        "reason": record.reason if record else None,
        "run_id": record.run_id if record else None,
        "stray_order_id": record.stray_order_id if record else None,
    }


def _origin_json(origin: Origin | None) -> dict[str, object]:
    """Who began its last attempt, when, and the labels it had."""
    return {
        "claimed_at": rfc3339(origin.at) if origin else None,
        "by": origin.by.as_json() if origin and origin.by else None,
        "labels": dict(origin.labels) if origin else {},
    }


def _claim_json(row: StatusRow, page: StatusPage) -> dict[str, object]:
    """What is known of the claim of an open order, and the commands that settle whatever is to be settled."""
    claim, disputed = page.claims.get(row.key), page.disputes.get(row.key)
    settled_by = list(commands(row.key, page.flags, identities(claim.evidence))) if claim else []
    if disputed is not None:
        settled_by = [adoption(disputed, page.flags)]
    return {
        "claim": claim
        and {
            "at": rfc3339(claim.claimed_at),
            "balance": decimal_text(claim.balance),
            "evidence": dict(claim.evidence) or None,
        },
        "settled_by": settled_by,
    }


def _money(value: Decimal | None) -> str | None:
    return None if value is None else decimal_text(value)


FORMATS: Final[Mapping[str, Callable[[StatusPage, Channel], None]]] = {"text": _text, "json": _json}
