"""The ledger against manifests → table, aligned lines or JSON; open orders first, with what to do about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal
from textwrap import indent
from typing import Final

from runner.core.clock import rfc3339
from runner.core.orders import CURRENCY, OrderKey, decimal_text
from runner.core.records import OpenClaim, Record
from runner.core.states import State
from runner.settle.status import Overview, StatusRow
from runner.views.reconcile import adoption, commands, disputed_lines, identities, open_lines
from runner.views.terminal.console import Channel, Console
from runner.views.terminal.grid import MANY, Column, Grid, Row, show
from runner.views.terminal.safe import json_text
from runner.views.wording import STATUS_STYLES, WHAT_TO_DO, amount, money, plural

STATUS_VERSION: Final = "1.1"
COLUMNS: Final = (
    Column(name="order"),
    Column(name="state"),
    Column(name="order id"),
    Column(name=f"total {CURRENCY}", right=True),
    Column(name="since"),
    Column(name="reason", folds=True),
)


def render(
    overview: Overview,
    *,
    fmt: str,
    console: Console,
    claims: Sequence[OpenClaim] = (),
    disputed: Sequence[Record] = (),
    flags: str = "",
) -> None:
    """Write an overview in one of `FORMATS` to stdout: open orders first. Memory does not grow with its settled ones.

    `claims` are those of the open orders, `disputed` those that are not open though the vendor answered them with
    an order id; `flags` belong behind the commands that settle them.
    """
    page = StatusPage(
        overview=overview,
        claims={claim.record.key: claim for claim in claims},
        disputes={record.key: record for record in disputed},
        flags=flags,
    )
    FORMATS[fmt](page, console.out)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusPage:
    """All that is to be shown."""

    overview: Overview
    claims: Mapping[OrderKey, OpenClaim]
    disputes: Mapping[OrderKey, Record]
    flags: str

    def __len__(self) -> int:
        """How many rows are shown."""
        return self.overview.total - self.overview.more

    def rows(self) -> Iterator[StatusRow]:
        """All that are shown."""
        yield from self.overview.open
        yield from self.overview.rest()

    def __iter__(self) -> Iterator[Row]:
        """The rows of a grid, made anew each time: that of a large account is gone through twice, and never kept."""
        return map(_row, self.rows())


def _text(page: StatusPage, channel: Channel) -> None:
    show(Grid(columns=COLUMNS, rows=page if len(page) > MANY else tuple(page)), channel)
    channel.lines(_closing(page.overview, channel))
    channel.lines(line for claim in page.claims.values() for line in open_lines(claim, page.flags))
    channel.lines(line for record in page.disputes.values() for line in disputed_lines(record, page.flags))


def _row(row: StatusRow) -> Row:
    record = row.record
    reasons = [record.reason if record and record.reason else ""]
    reasons += [] if row.wanted else ["not in these manifests"]
    cells = (
        str(row.key),
        row.state.value,
        (record.order_id if record else None) or "",
        amount(row.total if record and row.state is not State.PLANNED else None),
        record.updated_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ") if record else "",
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
    channel.lines(_document_lines(document, (_row_json(row) | _claim_json(row, page) for row in page.rows())))


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
