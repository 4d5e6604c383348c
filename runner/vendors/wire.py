"""What travels: requests and responses as plain values, strict JSON, and the vendor's envelope."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal, InvalidOperation
from typing import Final, Literal, NoReturn, Protocol, cast

BOM: Final = b"\xef\xbb\xbf"
MAX_DEPTH: Final = 64
MAX_NUMBER: Final = 100
MAX_EXPONENT: Final = 100
MAX_INTEGER: Final = 40
MAX_TEXT: Final = 500
"""Limits of one answer: nesting, length of a number, its exponent, digits of an integer, length kept of a text."""

# The text of an unclosed string runs to the end, so that every quote is looked at once, whatever the input.
_STRING_OR_BRACKET: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[][{}]', re.DOTALL)
_AMOUNT: Final = re.compile(r"\$?(-?[0-9]{1,18}(?:\.[0-9]{1,60})?)")
_CENT: Final = Decimal("0.01")
_NOISE: Final = Decimal("0.00001")
"""A thousandth of a cent: what a binary float is off by, and no price."""
_EXACT: Final = Context(prec=MAX_NUMBER + MAX_EXPONENT + 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call, without base URL and key. `path` is like `order/make`, `query` like `ends=Y`; `body` is JSON bytes."""

    method: Literal["GET", "POST"]
    path: str
    query: str = ""
    body: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A complete answer, redacted. Header names are lower-case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Malformed(ValueError):
    """What came is not what the vendor documents; `str()` says why in a few words of ours, none of the vendor's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """`{"status", "data", "errors"}` (docs/vendor/api-v1.md#envelope).

    Absent `data` is None, absent or null `errors` is empty. `beside` is all that stands beside these three.
    """

    status: Literal["success", "error"]
    data: object = None
    errors: tuple[Mapping[str, object], ...] = ()
    beside: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed(Response):
    """A complete answer whose body was read as it came and not kept: its envelope, or why there is none."""

    envelope: Envelope | Malformed


class Parser(Protocol):
    """Reads a body as it comes, so that none has to be kept."""

    def take(self, chunk: bytes) -> None:
        """Raises TooLarge."""

    def close(self) -> Envelope | Malformed:
        """Of a body that is all there."""


Redact = Callable[[str], str]
"""Takes the API key out of a text."""

Begin = Callable[[Redact], Parser]
"""Makes the parser of one try."""


def parse_envelope(response: Response) -> Envelope:
    """The envelope of an answer, whatever the HTTP status; Malformed where there is none."""
    if not isinstance(response, Streamed):
        return envelope_from(parse_json(response.body))
    if isinstance(response.envelope, Malformed):
        raise response.envelope
    return response.envelope


def envelope_from(value: object) -> Envelope:
    """The envelope that a JSON value is; Malformed where it is none."""
    if not isinstance(value, dict):
        raise Malformed("the answer is JSON, but not an envelope")
    status, errors = value.get("status"), value.get("errors")
    if status not in ("success", "error"):
        raise Malformed("the answer's status is neither success nor error")
    if errors is not None and not (isinstance(errors, list) and all(isinstance(item, dict) for item in errors)):
        raise Malformed("the answer's errors are not a list of objects")
    beside = {name: part for name, part in value.items() if name not in ("status", "data", "errors")}
    return Envelope(status=status, data=value.get("data"), errors=tuple(errors or ()), beside=beside)


def parse_json(body: bytes) -> object:
    """Strict JSON: UTF-8 without a mark, keys once, finite numbers of a sane size, nothing before or after.

    Integers are int, other numbers Decimal; no float is ever made. Malformed for anything else.
    """
    text = _text(body)
    _check_depth(text)
    try:
        value: object = json.loads(
            text,
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object,
        )
    except json.JSONDecodeError as error:
        raise Malformed(_syntax(text, error)) from None
    _check_surrogates(text, value)
    return value


def amount(value: object) -> Decimal | None:
    """Money from a JSON number or a plain decimal text, with a dollar sign or without; None for anything else.

    The vendor sends all of these (docs/vendor/api-v1.md#price-quotes, docs/vendor/api-v2.md#list-of-orders). What is
    off from whole cents by less than a thousandth of one, as a sum of binary floats is, is taken to the cent;
    everything else is kept digit by digit.
    """
    if isinstance(value, Decimal):
        return _without_noise(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    match = _AMOUNT.fullmatch(value) if isinstance(value, str) else None
    return None if match is None else _without_noise(Decimal(match[1]))


def _without_noise(value: Decimal) -> Decimal:
    if cast("int", value.as_tuple().exponent) >= -2:
        return value
    cents = value.quantize(_CENT, context=_EXACT)
    is_noise = abs(_EXACT.subtract(value, cents)) < _NOISE
    return _EXACT.add(cents, 0) if is_noise else value  # the sum, because a quantized -0.001 is minus zero


def clean_text(value: str) -> str:
    """A vendor's text as it can be stored anywhere: NUL replaced (PostgreSQL has none), cut at `MAX_TEXT`."""
    return value[:MAX_TEXT].replace("\0", "\N{REPLACEMENT CHARACTER}").strip()


def _text(body: bytes) -> str:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("the answer is not UTF-8") from None
    if text.startswith("\N{ZERO WIDTH NO-BREAK SPACE}"):
        raise Malformed("the answer starts with a byte order mark")
    start = text.lstrip(" \t\r\n")[:1]
    if start in ("", "<"):
        raise Malformed("the answer is HTML, not JSON" if start else "the answer is empty")
    return text


def _syntax(text: str, error: json.JSONDecodeError) -> str:
    if not text.lstrip().startswith(("{", "[")):
        return "the answer is not JSON"
    extra = error.msg.startswith("Extra data")
    return "the answer has text after its JSON" if extra else "the answer is broken or cut-off JSON"


def _check_depth(text: str) -> None:
    """Before the parser, which would recurse."""
    depth = 0
    for token in _STRING_OR_BRACKET.finditer(text):
        match text[token.start()]:
            case "[" | "{":
                depth += 1
            case "]" | "}":
                depth -= 1
        if depth > MAX_DEPTH:
            raise Malformed("the answer is nested too deep")


def _check_surrogates(text: str, value: object) -> None:
    """Half a character can be written as `\\ud800` in JSON, but then never be encoded again."""
    if "\\ud" not in text.lower():
        return
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        raise Malformed("the answer holds half a surrogate pair") from None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise Malformed("the answer holds a key twice")
    return result


def _decimal(literal: str) -> Decimal:
    """`1e999999` is a valid Decimal, but a megabyte once written out."""
    try:
        value = Decimal(literal) if len(literal) <= MAX_NUMBER else Decimal("NaN")
    except InvalidOperation:  # an exponent beyond what Decimal can hold
        value = Decimal("NaN")
    exponent = value.as_tuple().exponent
    if not value.is_finite() or abs(cast("int", exponent)) > MAX_EXPONENT:
        raise Malformed("the answer holds an absurdly large number")
    return value


def _integer(literal: str) -> int:
    if len(literal) > MAX_INTEGER:
        raise Malformed("the answer holds an absurdly large number")
    return int(literal)


def _refuse_constant(_literal: str) -> NoReturn:
    raise Malformed("the answer holds NaN or Infinity")
