"""A ledger's history as JSON lines, and the check that nothing in it was changed, lost, added or moved.

The first line is a header: account, number of events, hash of the last. Then one line an event, oldest first; a claim
whose witness is not that of the claim of its type before it has that on the line above. Each line is canonical JSON.
So every line is bound to its place: events by the chain, a witness by its digest and the claim below it, the header by
a hash of its own, the end by the header. Memory does not grow with the history, written or read.

Behind the events stand the orders that are somebody else's. They are no events: each has a hash of its own, and nothing
tells how many there are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final, TextIO, TypeVar

from runner.core.clock import rfc3339
from runner.core.ledger import Ledger
from runner.core.progress import Comparing, Watch, ignore, report_followed
from runner.core.records import Contradiction, Entry, Head, Stranger
from runner.core.states import Event, State
from runner.core.vendor import Witness
from runner.ledger.chain import BrokenChain, follow
from runner.ledger.codec import record_of
from runner.ledger.lines import entry_content, line_of, stranger_content, with_hash, witness_content, witness_of
from runner.ledger.takeover import FormerTrail, origin_of

T = TypeVar("T")

FORMAT: Final = "order-runner/ledger/1"
LONGEST: Final = 64 * 1024 * 1024
"""Characters of a line; a longer one is none of ours."""

NOT_OURS: Final = "is not in the form that `ledger export` writes"

KEYS: Final = 500
"""Orders compared at a time."""

_OTHER: Final = (
    "it is not the history that was checked then: look whether this is the right ledger and its newest copy, "
    "then check all of it without --since"
)

_MEMBERS: Final[Mapping[str, frozenset[str]]] = {
    "header": frozenset(("kind", "format", "tool", "account", "ledger", "at", "events", "head", "hash")),
    "witness": frozenset(("kind", "digest", "type", "order_ids", "at", "package")),
    "event": frozenset(("kind", *(field.name for field in fields(Entry)))) - {"seq"},
    "stranger": frozenset(("kind", "hash", *(field.name for field in fields(Stranger)))),
}
_OPTIONAL: Final[Mapping[str, frozenset[str]]] = {"witness": frozenset({"numbers"})}
"""What only some lines of a kind have: a witness is without numbers where an order has none, or they were not kept."""


class BrokenHistory(ValueError):
    """The first place at which a history is not whole: `place` is where, `str()` what is wrong there."""

    def __init__(self, place: str, what: str) -> None:
        super().__init__(what)
        self.place = place


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What an export says of itself; `ledger` is where it was taken from, for people."""

    account: str
    ledger: str
    tool: str
    at: datetime
    head: Head


class Chain:
    """One account's history as far as it was followed: where it ends, and how many orders it has."""

    def __init__(self, account: str, head: Head | None = None) -> None:
        """`head` is where it was followed to before; `orders` counts from there."""
        self.account = account
        self.head = head or Head()
        self.orders = 0
        self.trail: FormerTrail | None = None
        self._witnesses: dict[str, str] = {}

    def take(self, entry: Entry, place: str) -> str | None:
        """Follow the next event. The digest of the witness that belongs before it, if any; raises `BrokenHistory`."""
        try:
            head = follow(self.head, entry)
        except BrokenChain as error:
            raise BrokenHistory(place, str(error)) from None
        if entry.account != self.account:
            raise BrokenHistory(place, f"it belongs to account {entry.account}, not {self.account}")
        if head.events == 1 and (origin := origin_of(entry)):
            self.trail = FormerTrail(origin)
        if self.trail is not None and (difference := self.trail.take(entry)):
            raise BrokenHistory(place, difference)
        self.head = head
        unclaimed = entry.event in (Event.RESOLVED, Event.RENAMED)
        self.orders += unclaimed and entry.before == State.PLANNED and entry.attempt == 1
        return self._witness(entry, place) if entry.event == Event.CLAIMED else None

    def refuse_short(self, place: str) -> None:
        """`BrokenHistory` where this is the end, and less than what was taken over from another account."""
        if self.trail is not None and (difference := self.trail.missing()):
            raise BrokenHistory(place, difference)

    def _witness(self, entry: Entry, place: str) -> str | None:
        try:
            detail = json.loads(entry.detail)
            product, digest = str(detail["type"]), str(detail["witness"])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise BrokenHistory(place, "its detail is not that of a claim") from None
        self.orders += entry.attempt == 1
        if self._witnesses.get(product) == digest:
            return None
        self._witnesses[product] = digest
        return digest


def parts(
    ledger: Ledger, chain: Chain, total: int = 0, watch: Watch = ignore, after: int = 0
) -> Iterator[Entry | Witness]:
    """A history in the order of an export, followed by `chain`, told to `watch` as part of `total`.

    From the first event whose `seq` is above `after`. Raises `BrokenHistory`.
    """
    for done, entry in enumerate(ledger.history(after), 1):
        place = f"event {entry.seq} ({entry.event} of {entry.key})"
        digest = chain.take(entry, place)
        if digest is not None:
            yield _kept_witness(ledger, digest, place)
        yield entry
        report_followed(watch, done, total)


def _kept_witness(ledger: Ledger, digest: str, place: str) -> Witness:
    try:
        witness = ledger.kept_witness(digest)
    except Contradiction as error:
        raise BrokenHistory(place, str(error)) from None
    if witness is None:
        raise BrokenHistory(place, f"its witness {digest[:12]}… is missing")
    if witness.digest != digest:
        raise BrokenHistory(place, f"its witness {digest[:12]}… was changed")
    return witness


def check_ledger(ledger: Ledger, watch: Watch = ignore) -> Chain:
    """Follow a ledger to its end and hold its orders against it; others may go on writing. Raises `BrokenHistory`."""
    chain = Chain(ledger.account)
    for _ in _follow_to_end(ledger, chain, watch):
        pass
    chain.refuse_short("the end")
    watch(Comparing())
    _refuse_misfit("the orders", ledger.misfit())
    _refuse_misfit("the sums by day", ledger.misfit_of_days())
    return chain


def check_since(ledger: Ledger, mark: Head, watch: Watch = ignore) -> Chain:
    """The same from the event on that was the last of an earlier check. Its `orders` are those of the whole ledger.

    Orders that have not moved since are held against the sums by day, not against their events.
    """
    after = _seq_of(ledger, mark)
    chain, moved = Chain(ledger.account, mark), dict[str, None]()

    def compare(keys: dict[str, None]) -> None:
        _refuse_misfit("the orders", ledger.misfit_among(list(keys)))
        keys.clear()

    for entry in _follow_to_end(ledger, chain, watch, after):
        moved[entry.key] = None
        if len(moved) == KEYS:
            compare(moved)
    compare(moved)
    watch(Comparing())
    _refuse_misfit("the sums by day", ledger.misfit_of_days())
    chain.orders = sum(ledger.counts().values())
    return chain


def _follow_to_end(ledger: Ledger, chain: Chain, watch: Watch, after: int = 0) -> Iterator[Entry]:
    """Each event from the first one after `seq` `after` up to the end, once it is known to be in its place."""
    start, begun = ledger.head(), chain.head.events
    for part in parts(ledger, chain, start.events - begun, watch, after):
        if isinstance(part, Entry):
            yield part
        if chain.head.events == start.events and chain.head.hash != start.hash:
            break
    end, reached = ledger.head(), chain.head
    if reached.events < start.events or end.events < reached.events:
        kept = start if reached.events < start.events else end
        raise BrokenHistory("the end", f"the ledger has {reached.events} events, but its head counts {kept.events}")
    if reached.hash != {start.events: start.hash, end.events: end.hash}.get(reached.events, reached.hash):
        raise BrokenHistory("the end", "the last event does not match the ledger's head")


def _seq_of(ledger: Ledger, mark: Head) -> int:
    """The `seq` of the event that was the last when it was marked; `BrokenHistory` where it is not there."""
    if mark == Head():
        return 0
    event = ledger.event_number(mark.events)
    place = f"event number {mark.events}"
    if event is None:
        raise BrokenHistory(place, f"the ledger ends before it, with {ledger.head().events} events; {_OTHER}")
    if event[1] != mark.hash:
        raise BrokenHistory(place, f"its hash is {event[1]}, but the last check ended with {mark.hash}; {_OTHER}")
    return event[0]


def _refuse_misfit(place: str, misfit: str | None) -> None:
    if misfit is not None:
        raise BrokenHistory(place, misfit)


def lines(ledger: Ledger, header: Header, watch: Watch = ignore) -> Iterator[str]:
    """An export up to the head that `header` names, line by line. Raises `BrokenHistory` where the ledger is."""
    yield line_of(_header_content(header))
    chain = Chain(ledger.account)
    if header.head.events:
        for part in parts(ledger, chain, header.head.events, watch):
            yield line_of(witness_content(part) if isinstance(part, Witness) else entry_content(part))
            if isinstance(part, Entry) and chain.head.events == header.head.events:
                break
    if chain.head != header.head:
        raise BrokenHistory(
            "the end", f"the ledger's head counts {header.head.events} events, which its events do not lead to"
        )
    yield from (line_of(stranger_content(stranger)) for stranger in ledger.strangers())


class Export:
    """An export as it is read: `header`, then every part that continues it. Reading raises `BrokenHistory`."""

    def __init__(self, stream: TextIO, watch: Watch = ignore) -> None:
        self._stream = stream
        self._watch = watch
        self.line = 0
        self.header = self._header()
        self.chain = Chain(self.header.account)

    @property
    def place(self) -> str:
        """The line that was read last."""
        return f"line {self.line}"

    def parts(self) -> Iterator[Entry | Witness | Stranger]:
        """What follows the header, each part once it is known to be in its place."""
        waiting: tuple[str, Witness] | None = None
        while (content := self._content()) is not None:
            if content["kind"] == "witness":
                _refuse_stray(waiting)
                waiting = self.place, self._exact_part(content, witness_of, witness_content)
                continue
            if content["kind"] == "stranger" and waiting is None and self.chain.head == self.header.head:
                yield self._exact_part(content, _stranger_of, stranger_content)
                continue
            entry = self._entry(content)
            wanted = self.chain.take(entry, self.place)
            if waiting is not None and waiting[1].digest != wanted:
                _refuse_stray(waiting)
            if waiting is None and wanted is not None:
                raise BrokenHistory(self.place, f"the line of its witness {wanted[:12]}… is missing before it")
            if waiting is not None:
                yield waiting[1]
            waiting = None
            yield entry
            report_followed(self._watch, self.chain.head.events, self.header.head.events)
        _refuse_stray(waiting)
        if self.chain.head != self.header.head:
            told, found = self.header.head.events, self.chain.head.events
            raise BrokenHistory(f"line {self.line + 1}", f"the header announces {told} events, but there are {found}")
        self.chain.refuse_short(f"line {self.line + 1}")

    def _header(self) -> Header:
        content = self._content(first=True)
        if content is None or content["kind"] != "header":
            raise BrokenHistory("line 1", "it is not the header of an export")
        if content["format"] != FORMAT:
            raise BrokenHistory("line 1", f"its format is {content['format']}, which this version does not know")
        return self._exact_part(content, _header_of, _header_content)

    def _entry(self, content: Mapping[str, Any]) -> Entry:
        if content["kind"] != "event":
            raise BrokenHistory(self.place, f"a {content['kind']} is not allowed here")
        entry = Entry(**{name: value for name, value in content.items() if name != "kind"})
        if not _is_typed(entry):
            raise BrokenHistory(self.place, NOT_OURS)
        return entry

    def _exact_part(
        self, content: dict[str, Any], read: Callable[[dict[str, Any]], T], write: Callable[[T], Mapping[str, Any]]
    ) -> T:
        """The part that is written as this very content."""
        with suppress(ValueError, TypeError, AttributeError):
            part = read(content)
            if content == write(part):
                return part
        raise BrokenHistory(self.place, NOT_OURS)

    def _content(self, *, first: bool = False) -> dict[str, Any] | None:
        """The next line as what it holds, None after the last; only what encodes to the very same line is believed."""
        text = self._stream.readline(LONGEST)
        if not text and not first:
            return None
        self.line += 1
        try:
            content = json.loads(text)
            known = content.keys() - _OPTIONAL.get(content["kind"], frozenset()) == _MEMBERS[content["kind"]]
            whole = known and line_of(content) == text
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            whole = False
        if not whole:
            raise BrokenHistory(self.place, NOT_OURS)
        return dict(content)


def check_export(stream: TextIO, watch: Watch = ignore) -> Export:
    """Read an export to its end. Raises `BrokenHistory`."""
    export = Export(stream, watch)
    for _ in export.parts():
        pass
    return export


def _refuse_stray(waiting: tuple[str, Witness] | None) -> None:
    if waiting is not None:
        raise BrokenHistory(waiting[0], "the claim below it does not need this witness")


def _is_typed(entry: Entry) -> bool:
    texts = (entry.account, entry.key, entry.event, entry.before, entry.at, entry.detail, entry.prev_hash, entry.hash)
    maybe = (entry.after, entry.run_id, entry.reason)
    right = all(isinstance(text, str) for text in texts) and all(isinstance(text, str | None) for text in maybe)
    return right and type(entry.attempt) is int


def _stranger_of(content: Mapping[str, Any]) -> Stranger:
    if not all(isinstance(text, str) for text in content.values()):
        raise TypeError
    return record_of(Stranger, content)


def _header_of(content: Mapping[str, Any]) -> Header:
    return Header(
        account=content["account"],
        ledger=content["ledger"],
        tool=content["tool"],
        at=datetime.fromisoformat(content["at"]),
        head=Head(content["events"], content["head"]),
    )


def _header_content(header: Header) -> dict[str, Any]:
    content = {
        "kind": "header",
        "format": FORMAT,
        "tool": header.tool,
        "account": header.account,
        "ledger": header.ledger,
        "at": rfc3339(header.at),
        "events": header.head.events,
        "head": header.head.hash,
    }
    return with_hash(content)
