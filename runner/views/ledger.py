"""What checking or importing a history came to → a line of text or JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from runner.core.records import Head, Restored
from runner.run.founding import Founding
from runner.views.terminal.console import Channel, Console
from runner.views.terminal.safe import json_text, one_line
from runner.views.wording import plural

LEDGER_VERSION: Final = "1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerCheck:
    """What was checked, and either its head or the first `place` where it is not whole and `what` is wrong there.

    `since` is the event behind which the check began. `is_export`: not a ledger, so that no later check goes on there.
    """

    source: str
    account: str | None = None
    head: Head | None = None
    orders: int | None = None
    place: str | None = None
    what: str | None = None
    since: Head | None = None
    is_export: bool = False

    @property
    def mark(self) -> str | None:
        """What `--since` takes to go on where this check ended."""
        return None if self.head is None or self.is_export else f"{self.head.events}:{self.head.hash}"

    @property
    def whole(self) -> bool:
        """Nothing is wrong."""
        return self.place is None


def render(check: LedgerCheck, *, fmt: str, console: Console) -> None:
    """Write what a check came to in one of `FORMATS` to stdout."""
    FORMATS[fmt](check, console.out)


def render_restored(restored: Restored, *, fmt: str, console: Console) -> None:
    """Write what an import came to in one of `FORMATS` to stdout."""
    if fmt == "json":
        document = {
            "version": LEDGER_VERSION,
            "added": restored.events,
            "orders_added": restored.orders,
            "known": restored.present,
            "beyond": restored.beyond,
        }
        console.out.lines([json_text(document, indent=2)])
        return
    more = f"; the ledger has {plural(restored.beyond, 'event')} more than the file" if restored.beyond else ""
    added = f"{plural(restored.events, 'event')} added, with {plural(restored.orders, 'new order')}"
    console.out.lines([f"{added}; {restored.present:,} already known{more}"])


def render_founding(founding: Founding, *, fmt: str, console: Console) -> None:
    """Write what making a ledger came to, in one of `FORMATS`. With grants to carry out, the text is SQL for `psql`."""
    if fmt == "json":
        document = {
            "version": LEDGER_VERSION,
            "ledger": founding.location,
            "account": founding.account,
            "new": founding.new,
            "entered": founding.entered,
            "granted_to": founding.role,
            "grants": list(founding.grants),
        }
        console.out.lines([json_text(document, indent=2)])
        return
    made = "made" if founding.new else "already there"
    entered = "entered" if founding.entered else "already known to it"
    summary = f"ledger {founding.location}: {made}; account {founding.account}: {entered}"
    if founding.role is not None:
        console.out.lines([one_line(f"{summary}; role {founding.role} can buy")])
    elif founding.grants:
        note = "-- for the role that buys; `order-runner ledger init --grant ROLE` gives them to it:"
        console.out.lines([one_line(f"-- {summary}"), note, *map(one_line, founding.grants)])
    else:
        console.out.lines([one_line(summary)])


def _text(check: LedgerCheck, channel: Channel) -> None:
    source = one_line(check.source)
    if check.head is None:
        channel.lines([channel.paint("error", one_line(f"{source}: broken at {check.place}: {check.what}"))])
        return
    size = f"{plural(check.head.events, 'event')} of {plural(check.orders or 0, 'order')}"
    since = f", checked behind event number {check.since.events:,}" if check.since else ""
    channel.lines([f"{source}: intact, {size} of account {check.account}, head {check.head.hash}{since}"])
    if check.mark is not None:
        channel.lines([f"next time only what follows: --since {check.mark}"])


def _json(check: LedgerCheck, channel: Channel) -> None:
    document = {
        "version": LEDGER_VERSION,
        "whole": check.whole,
        "source": check.source,
        "account": check.account,
        "events": check.head.events if check.head else None,
        "orders": check.orders,
        "head": check.head.hash if check.head else None,
        "since": check.since.events if check.since else None,
        "mark": check.mark,
        "broken": None if check.whole else {"place": check.place, "what": check.what},
    }
    channel.lines([json_text(document, indent=2)])


FORMATS: Final[Mapping[str, Callable[[LedgerCheck, Channel], None]]] = {"text": _text, "json": _json}
