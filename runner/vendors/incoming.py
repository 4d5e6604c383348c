"""An envelope read while it comes in: the rows of its lists are handed on one by one, and no body is kept.

As strict as `wire.parse_json`, with yajl for the grammar and checks of our own for what it lets through.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Protocol, cast

from ijson.backends import yajl2_c  # type: ignore[import-untyped] # by name: the other backends are not as strict
from ijson.common import JSONError  # type: ignore[import-untyped]
from ijson.utils import sendable_list  # type: ignore[import-untyped]

from runner.vendors.failures import TooLarge
from runner.vendors.wire import (
    BOM,
    MAX_DEPTH,
    MAX_EXPONENT,
    MAX_INTEGER,
    MAX_NUMBER,
    Envelope,
    Malformed,
    Redact,
    envelope_from,
)

TOTAL_LIMIT: Final = 1 << 30
"""Bytes of an answer, some two million proxies; more than can be read before the deadline in most places."""
UNBROKEN_LIMIT: Final = 64 << 20
"""Bytes in which no row ends: what has to be held at once."""

Path = tuple[str, ...]


class RowSink(Protocol):
    """Stands in the envelope's data where the vendor has a list, and is given its items as they come."""

    def add(self, row: object) -> None: ...


class IncomingEnvelope:
    """One answer. The arrays at `lists`, paths of keys from the outermost object, become what `rows` makes.

    What it refuses it still takes to the end, as an answer that is read whole would be: only then is it known whether
    all of it came. Nothing is to be believed of the rows before `close` has given an envelope.
    """

    def __init__(self, lists: Collection[Path], rows: Callable[[], RowSink], redact: Redact) -> None:
        self._redact = redact
        self._events: list[tuple[str, object]] = sendable_list()
        self._parser = yajl2_c.basic_parse_coro(self._events)
        self._builder = _EnvelopeBuilder(lists, rows)
        self._guard = _ByteCheck()
        self._start = b""
        self._refusal: Malformed | JSONError | None = None
        self._size = self._unbroken = 0

    def take(self, chunk: bytes) -> None:
        """The next bytes. Raises TooLarge."""
        self._size += len(chunk)
        self._unbroken += len(chunk)
        if len(self._start) < len(BOM):
            self._start = (self._start + chunk).lstrip(b" \t\r\n")[: len(BOM)]
        if self._refusal is None and self._read(chunk):
            self._unbroken = 0
        for size, limit in ((self._size, TOTAL_LIMIT), (self._unbroken, UNBROKEN_LIMIT)):
            if size > limit:
                raise TooLarge(limit)

    def close(self) -> Envelope | Malformed:
        """The envelope, its errors redacted, once everything has come; or why there is none."""
        if self._refusal is None:
            self._try(self._end)
        if isinstance(self._refusal, JSONError):
            return Malformed(_in_words(str(self._refusal), self._start))
        if self._refusal is not None:
            return self._refusal
        try:
            envelope = envelope_from(self._builder.value)
        except Malformed as refusal:
            return refusal
        return replace(envelope, errors=tuple(map(self._redact_texts, envelope.errors)))

    def _read(self, chunk: bytes) -> bool:
        """Whether a row ended."""
        rows = self._builder.rows_ended
        self._try(lambda: self._parse(chunk))
        return self._builder.rows_ended > rows

    def _parse(self, chunk: bytes) -> None:
        self._guard.take(chunk)
        self._parser.send(chunk)
        self._builder.build(self._events)
        self._events.clear()

    def _end(self) -> None:
        self._guard.close()
        self._parser.close()
        self._builder.build(self._events)  # a number without brackets ends with the answer

    def _try(self, step: Callable[[], object]) -> None:
        try:
            step()
        except (Malformed, JSONError) as refusal:
            self._refusal = refusal
        except UnicodeDecodeError:
            self._refusal = self._guard.refuse_text()
        except InvalidOperation:
            self._refusal = Malformed("the answer holds an absurdly large number")
        if self._refusal is not None:
            self._events.clear()

    def _redact_texts(self, item: Any) -> dict[str, object]:
        return {name: self._redact(value) if isinstance(value, str) else value for name, value in item.items()}


def _in_words(error: str, start: bytes) -> str:
    """What yajl's words mean, given how the answer starts, in those of `parse_json`."""
    if start == BOM:
        return "the answer starts with a byte order mark"
    if not start:
        return "the answer is empty"
    if start[:1] == b"<":
        return "the answer is HTML, not JSON"
    if "invalid bytes in UTF8" in error:
        return "the answer is not UTF-8"
    if start[:1] not in (b"{", b"["):
        return "the answer is not JSON"
    extra = "trailing garbage" in error
    return "the answer has text after its JSON" if extra else "the answer is broken or cut-off JSON"


class _ByteCheck:
    """Refuses by the bytes what yajl lets through: half surrogate pairs, overlong numbers, odd blanks."""

    _NUMERIC: Final = bytes(ord("0") if byte in b"0123456789+-.eE" else ord(" ") for byte in range(256))
    _OVERLONG: Final = b"0" * (MAX_NUMBER + 1)
    _NUMBER: Final = re.compile(rb"[\s:,\[](-?[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]*)?)")
    _PAIR: Final = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
    _HALF: Final = re.compile(rb"\\u[dD][89a-fA-F]")
    _PAIR_SIZE: Final = len(r"\ud83d\ude00")

    def __init__(self) -> None:
        self._numeric, self._escapes = b" ", b""

    def take(self, chunk: bytes) -> None:
        if b"\v" in chunk or b"\f" in chunk:
            raise Malformed("the answer is broken or cut-off JSON")
        self._check_numbers(chunk)
        if b"\\" in chunk or self._escapes:
            self._check_escapes(chunk)

    def close(self) -> None:
        self._check_escapes(b" " * self._PAIR_SIZE)

    def refuse_text(self) -> Malformed:
        """Why a text could not be decoded: yajl tries that before a second half that is to follow may have come."""
        try:
            self.close()
        except Malformed as refusal:
            return refusal
        return Malformed("the answer is not UTF-8")

    def _check_numbers(self, chunk: bytes) -> None:
        """A text that looks like such a number counts as one: no proxy is described by a hundred digits."""
        text = self._numeric + chunk
        suspect = self._OVERLONG in text.translate(self._NUMERIC)
        if suspect and any(len(match[1]) > MAX_NUMBER for match in self._NUMBER.finditer(text)):
            raise Malformed("the answer holds an absurdly large number")
        self._numeric = text[-MAX_NUMBER - 1 :]

    def _check_escapes(self, chunk: bytes) -> None:
        """What may be the start of a pair waits for the next bytes."""
        text = self._PAIR.sub(b" ", (self._escapes + chunk).replace(rb"\\", b"  "))
        if self._HALF.search(text, 0, max(0, len(text) - self._PAIR_SIZE + len(rb"\ud8"))):
            raise Malformed("the answer holds half a surrogate pair")
        self._escapes = text[1 - self._PAIR_SIZE :] if b"\\" in text[1 - self._PAIR_SIZE :] else b""


class _EnvelopeBuilder:
    """Values from yajl's events: keys once, nested no deeper and numbers no larger than `parse_json` has them."""

    def __init__(self, lists: Collection[Path], rows: Callable[[], RowSink]) -> None:
        self.value: object = None
        self.rows_ended = 0
        self._lists = lists
        self._rows = rows
        self._open: list[Any] = []
        self._keys: list[str | None] = []
        """Of each open object the key that waits for its value, of each open array None."""

    def build(self, events: Iterable[tuple[str, Any]]) -> None:
        keys = self._keys
        top: Any = self._open[-1] if self._open else None
        for event, value in events:
            if event == "map_key":
                if value in top:
                    raise Malformed("the answer holds a key twice")
                keys[-1] = value
            elif event == "string" and type(top) is dict:
                top[keys[-1]] = value
            elif event in _OPENING:
                top = self._enter({} if event == "start_map" else self._array())
            elif event in _CLOSING:
                top = self._leave()
            else:
                self._put(_refuse_absurd(value) if event == "number" else value)

    def _array(self) -> list[object] | RowSink:
        return self._rows() if tuple(self._keys) in self._lists else []

    def _enter(self, container: Any) -> Any:
        if len(self._open) == MAX_DEPTH:
            raise Malformed("the answer is nested too deep")
        self._open.append(container)
        self._keys.append(None)
        return container

    def _leave(self) -> Any:
        value = self._open.pop()
        self._keys.pop()
        self._put(value)
        return self._open[-1] if self._open else None

    def _put(self, value: object) -> None:
        top = self._open[-1] if self._open else None
        if top is None:
            self.value = value
        elif isinstance(top, dict):
            top[self._keys[-1]] = value
        elif isinstance(top, list):
            top.append(value)
        else:
            top.add(value)
            self.rows_ended += 1


_OPENING: Final = frozenset({"start_map", "start_array"})
_CLOSING: Final = frozenset({"end_map", "end_array"})
_LEAST_INTEGER: Final = -(10 ** (MAX_INTEGER - 1))
_MOST_INTEGER: Final = 10**MAX_INTEGER


def _refuse_absurd(number: int | Decimal) -> int | Decimal:
    """Lengths of numbers as they were written are the guard's business; these are the rest of `parse_json`'s limits."""
    if isinstance(number, int):
        is_sane = _LEAST_INTEGER < number < _MOST_INTEGER
    else:
        is_sane = abs(cast("int", number.as_tuple().exponent)) <= MAX_EXPONENT
    if not is_sane:
        raise Malformed("the answer holds an absurdly large number")
    return number
