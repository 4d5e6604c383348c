"""A history that was made under another account name, entered under this one as a chain of its own. Pure.

The hashes of a chain cover the account's name, so that none of them can stay. Its first event then says where it comes
from: the name, the number of events and the last hash of the chain as it was. Whoever has the new chain can translate
its first so many events back and must arrive at that hash: `ledger verify` does. So the new chain proves all that the
old one did, and neither an event can be added to the part that was taken over, nor its origin be changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from runner.core.records import Entry, Head, Stranger
from runner.core.vendor import Witness
from runner.ledger.chain import event_hash
from runner.ledger.codec import json_text

MEMBER: Final = "origin"
"""The member of the first event's detail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerChain:
    """Where a chain comes from: the account it was made under, and its end there.

    `before` is where that one came from in its turn, as it is written.
    """

    account: str
    head: Head
    before: Mapping[str, Any] | None = None

    @property
    def text(self) -> str:
        """As it stands at the end of a detail."""
        content: dict[str, Any] = {"account": self.account, "events": self.head.events, "head": self.head.hash}
        if self.before is not None:
            content["before"] = dict(self.before)
        return f',"{MEMBER}":{json_text(content)}}}'


def under(
    account: str, parts: Iterable[Entry | Witness | Stranger], origin_account: str, head: Head
) -> Iterator[Entry | Witness | Stranger]:
    """The same history as one of `account`; `head` is the end of `parts`, which has at least one event."""
    end = Head()
    for part in parts:
        if not isinstance(part, Entry):
            yield part
            continue
        detail = part.detail
        if not end.events:
            older = origin_of(part)
            before = None if older is None else json.loads(part.detail)[MEMBER]
            plain = detail if older is None else _without(detail, older)
            detail = plain.removesuffix("}") + FormerChain(account=origin_account, head=head, before=before).text
        moved = replace(part, account=account, detail=detail, prev_hash=end.hash)
        end = Head(end.events + 1, event_hash(moved.content))
        yield replace(moved, hash=end.hash)


def origin_of(entry: Entry) -> FormerChain | None:
    """Where a chain comes from that begins with this event; None where it began here, or nothing can be made of it."""
    try:
        content = json.loads(entry.detail)[MEMBER]
        origin = FormerChain(
            account=str(content["account"]),
            head=Head(int(content["events"]), str(content["head"])),
            before=content.get("before"),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return origin if entry.detail.endswith(origin.text) else None


def former_names(first: Entry) -> tuple[str, ...]:
    """The names that a chain had which begins with this event, the last one first."""
    names, origin = [], origin_of(first)
    content: Any = None if origin is None else json.loads(first.detail)[MEMBER]
    while isinstance(content, dict):
        names.append(str(content.get("account")))
        content = content.get("before")
    return tuple(names)


class FormerTrail:
    """Translates a chain back, event by event, as far as it was taken over."""

    def __init__(self, origin: FormerChain) -> None:
        self.origin = origin
        self._end = Head()

    def take(self, entry: Entry) -> str | None:
        """The next event of the chain; what is wrong where its end there is not what the chain says."""
        if self._end.events >= self.origin.head.events:
            return None
        detail = entry.detail
        if not self._end.events:
            detail = _without(detail, self.origin)
            if self.origin.before is not None:
                detail = detail.removesuffix("}") + f',"{MEMBER}":{json_text(dict(self.origin.before))}}}'
        there = replace(entry, account=self.origin.account, detail=detail, prev_hash=self._end.hash)
        self._end = Head(self._end.events + 1, event_hash(there.content))
        is_end = self._end.events == self.origin.head.events
        return self._difference() if is_end and self._end != self.origin.head else None

    def missing(self) -> str | None:
        """What is wrong where the chain is over: it has fewer events than it says were taken over."""
        return self._difference() if self._end.events < self.origin.head.events else None

    def _difference(self) -> str:
        origin = self.origin
        return (
            f"the history says that its first {origin.head.events} events are those of account {origin.account}, up to "
            f"{origin.head.hash[:12]}…, but they lead to {self._end.hash[:12]}… after {self._end.events}"
        )


def _without(detail: str, origin: FormerChain) -> str:
    """The detail as it was before it was taken over."""
    return detail.removesuffix(origin.text) + "}"
