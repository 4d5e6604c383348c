"""The end of a run in words: money first, then what is unknown, refused, rejected, bought and skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from runner.report import Finding, OrderEntry, Report
from runner.views.console import Channel, Console
from runner.views.findings import described
from runner.views.safe import one_line
from runner.views.words import STATUS_STYLES, WHAT_TO_DO, counted, money, what

LISTED: Final = 50
"""Orders named under one heading; unknown ones are all named."""

HEADINGS: Final = (
    ("refused", "refused before any money moved"),
    ("rejected", "rejected by the vendor, not bought"),
    ("invalid", "invalid"),
    ("absent", "proved not to have been bought"),
    ("placed", "bought"),
    ("planned", "not bought yet"),
)


def render(report: Report, *, fmt: str, console: Console, report_path: str | None) -> None:
    """Write the summary in one of `FORMATS` to stdout; `report_path` is where the whole report is, if anywhere."""
    FORMATS[fmt](report, console.out, report_path)


def _text(report: Report, channel: Channel, report_path: str | None) -> None:
    channel.lines(summary_lines(report, channel, report_path))


def _json(report: Report, channel: Channel, _: str | None) -> None:
    channel.write(report.render())


def summary_lines(report: Report, channel: Channel, report_path: str | None) -> Iterator[str]:
    """The summary, line by line, each safe to print."""
    yield from _money_lines(report, channel)
    yield from _unknown_lines(report, channel)
    for status, heading in HEADINGS:
        members = [entry for entry in report.orders if entry.status == status]
        yield from _section(members, heading, channel, report_path)
    yield from _skipped_lines(report)
    for finding in report.errors:
        if finding.category != "unknown" or not finding.problem.key:
            yield from _finding_lines(finding, channel)
    yield from (one_line(f"not checked: {text}") for text in report.not_checked)
    yield from _end_lines(report, channel, report_path)


def _money_lines(report: Report, channel: Channel) -> Iterator[str]:
    if report.mode == "apply":
        possible = f"{money(report.spent_possible)} possible"
        marked = channel.paint("error", possible) if report.spent_possible else possible
        yield f"spent        {money(report.spent_confirmed)} confirmed, {marked}"
    else:
        priced = [entry.quote.total for entry in report.orders if entry.quote and entry.status == "planned"]
        yield f"spent        {money(Decimal(0))} ({report.mode}: nothing is bought)"
        yield f"to spend     {money(sum(priced, Decimal(0)))}"
    if report.balance_before is not None:
        after = f", {money(report.balance_after)} after" if report.balance_after is not None else ""
        yield f"balance      {money(report.balance_before)} before{after}"
    if report.unexplained:
        text = f"unexplained  {money(report.unexplained)} of the balance's change belongs to no confirmed purchase"
        yield channel.paint("warning", text)


def _unknown_lines(report: Report, channel: Channel) -> Iterator[str]:
    """Every possible charge by name: the orders of this run, then those the account has beside them."""
    unknown = [entry for entry in report.orders if entry.status == "unknown"]
    elsewhere = _elsewhere(report)
    if not unknown and not elsewhere and not report.possible_elsewhere:
        return
    count = counted(len(unknown) + len(elsewhere), "order")
    yield channel.paint(
        "error", f"unknown: {count} may have been charged; nothing more is bought until that is settled"
    )
    for entry in unknown:
        yield one_line(f"  {entry.request.key}  may have cost {_cost_text(entry)}  {_what(entry)}")
        yield from _why(entry, channel)
    for finding in elsewhere:
        yield one_line(f"  {finding.problem.message}")
    yield "  what to do:"
    yield from (f"  - {text}" for text in WHAT_TO_DO)


def _elsewhere(report: Report) -> list[Finding]:
    """Open orders of the account that are in none of these manifests."""
    listed = {str(entry.request.key) for entry in report.orders}
    return [f for f in report.errors if f.category == "unknown" and f.problem.key and f.problem.key not in listed]


def _section(members: Sequence[OrderEntry], heading: str, channel: Channel, report_path: str | None) -> Iterator[str]:
    if not members:
        return
    yield channel.paint(STATUS_STYLES[members[0].status], f"{heading}: {counted(len(members), 'order')}")
    for entry in members[:LISTED]:
        yield one_line(f"  {entry.request.key}  {_result_text(entry)}{_what(entry)}")
        yield from _why(entry, channel)
    if len(members) > LISTED:
        where = f", all in {report_path}" if report_path else ""
        yield one_line(f"  and {len(members) - LISTED:,} more{where}")


def _why(entry: OrderEntry, channel: Channel) -> Iterator[str]:
    for finding in entry.errors:
        yield from (f"    {line}" for line in _finding_lines(finding, channel))
    if entry.reason and not entry.errors:
        yield one_line(f"    {entry.request.source.path}:{entry.request.source.span.line}: {entry.reason}")


def _finding_lines(finding: Finding, channel: Channel) -> Iterator[str]:
    yield from described(finding.problem, channel)
    vendor = finding.vendor
    if vendor is not None and vendor.message not in finding.problem.message:
        code = f" (code {vendor.code})" if vendor.code else ""
        yield one_line(f"  vendor: {vendor.message}{code}")


def _skipped_lines(report: Report) -> Iterator[str]:
    already = sum(entry.status == "already_placed" for entry in report.orders)
    skipped = sum(entry.status == "skipped" for entry in report.orders)
    parts = [f"{counted(already, 'order')} already bought"] * bool(already)
    parts += [f"{counted(skipped, 'order')} skipped"] * bool(skipped)
    if parts:
        yield f"skipped: {', '.join(parts)}"


def _end_lines(report: Report, channel: Channel, report_path: str | None) -> Iterator[str]:
    if report.exit_code is not None:
        name = report.exit_code.name.lower()
        text = f"exit {int(report.exit_code)} ({name})"
        yield channel.paint("error" if report.exit_code else "good", text)
    if report_path:
        yield one_line(f"report: {report_path}")


def _cost_text(entry: OrderEntry) -> str:
    cost = entry.quote.total if entry.quote else entry.possible
    return "an unknown amount" if cost is None else money(cost)


def _result_text(entry: OrderEntry) -> str:
    if entry.result is None:
        return f"{money(entry.quote.total)}  " if entry.quote and entry.status == "planned" else ""
    total = entry.result.total
    paid = money(total) if total is not None else f"{_cost_text(entry)} (quoted)"
    return f"order {entry.result.order_id}  {paid}  "


def _what(entry: OrderEntry) -> str:
    return what(entry.request.type, entry.request.fields, entry.request.words)


FORMATS: Final[Mapping[str, Callable[[Report, Channel, str | None], None]]] = {"text": _text, "json": _json}
