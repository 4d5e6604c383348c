"""What checking or importing a history came to → a line of text or JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from runner.core.records import Head, Restored
from runner.views.terminal.console import Channel, Console
from runner.views.terminal.safe import json_text, one_line
from runner.views.words import counted

LEDGER_VERSION: Final = "1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was checked, and either its head or the first `place` where it is not whole and `what` is wrong there."""

    source: str
    account: str | None = None
    head: Head | None = None
    orders: int | None = None
    place: str | None = None
    what: str | None = None

    @property
    def whole(self) -> bool:
        """Nothing is wrong."""
        return self.place is None


def render(verdict: Verdict, *, fmt: str, console: Console) -> None:
    """Write a verdict in one of `FORMATS` to stdout."""
    FORMATS[fmt](verdict, console.out)


def render_restored(restored: Restored, *, fmt: str, console: Console) -> None:
    """Write what an import came to in one of `FORMATS` to stdout."""
    if fmt == "json":
        document = {
            "version": LEDGER_VERSION,
            "added": restored.added,
            "orders_added": restored.orders,
            "known": restored.present,
            "beyond": restored.beyond,
        }
        console.out.lines([json_text(document, indent=2)])
        return
    more = f"; the ledger has {counted(restored.beyond, 'event')} more than the file" if restored.beyond else ""
    added = f"{counted(restored.added, 'event')} added, with {counted(restored.orders, 'new order')}"
    console.out.lines([f"{added}; {restored.present:,} known already{more}"])


def _text(verdict: Verdict, channel: Channel) -> None:
    source = one_line(verdict.source)
    if verdict.head is None:
        told = f"{source}: broken at {verdict.place}: {verdict.what}"
        channel.lines([channel.paint("error", one_line(told))])
        return
    told = f"{counted(verdict.head.events, 'event')} of {counted(verdict.orders or 0, 'order')}"
    channel.lines([f"{source}: whole, {told} of account {verdict.account}, head {verdict.head.hash}"])


def _json(verdict: Verdict, channel: Channel) -> None:
    document = {
        "version": LEDGER_VERSION,
        "whole": verdict.whole,
        "source": verdict.source,
        "account": verdict.account,
        "events": verdict.head.events if verdict.head else None,
        "orders": verdict.orders,
        "head": verdict.head.hash if verdict.head else None,
        "broken": None if verdict.whole else {"place": verdict.place, "what": verdict.what},
    }
    channel.lines([json_text(document, indent=2)])


FORMATS: Final[Mapping[str, Callable[[Verdict, Channel], None]]] = {"text": _text, "json": _json}
