"""What a plain (unquoted) scalar means: decimal integers, `true`, `false`, nothing, or text.

YAML 1.1 and 1.2 read many plain scalars differently (`010` is 8 or 10, `NO` is false or text). Every spelling that
either of them would turn into something other than what stands there is a `Trap`: refused, with what YAML would have
made of it (yaml.org/type, YAML 1.2 section 10.3.2).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

Scalar = str | int | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trap:
    """A scalar that must not be guessed at. `instead` is a plain spelling that is safe, where there is one."""

    code: str
    text: str
    message: str
    instead: str | None = None

    @property
    def hint(self) -> str:
        """The way out for a value: the plain spelling that is safe, and the quoted text."""
        return f'write {self.instead} or "{self.text}"' if self.instead else f'quote it: "{self.text}"'


NUMBER, WORD, FRACTION, DATE, SIGN = "PSR020", "PSR021", "PSR022", "PSR023", "PSR024"

_EXACT: Final = 2**53

MAX_DIGITS: Final = 1000
"""Longer integers are refused: CPython will not print what has more than 4,300 digits."""

_BOOLEANS: Final = {"true": "true", "yes": "true", "on": "true", "false": "false", "no": "false", "off": "false"}
_LONGEST_WORD: Final = 5
_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]*")
_OCTAL: Final = re.compile(r"[-+]?0[0-7_]+")
_OCTAL_12: Final = re.compile(r"0o[0-7]+")
_HEXADECIMAL: Final = re.compile(r"[-+]?0x[0-9a-fA-F_]+")
_BINARY: Final = re.compile(r"[-+]?0b[01_]+")
_DECIMAL: Final = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)")
_PADDED: Final = re.compile(r"[-+]?0[0-9]+")
_SIXTIES: Final = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_FRACTION: Final = re.compile(r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?")
_SPECIAL: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
    r"(?:(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::?[0-9]{2})?))?)?"
)


def plain(text: str) -> Scalar | Trap:
    """The value of a plain scalar, or the `Trap` it is. Bare `Y`, `y`, `N` and `n` are text."""
    if not text:
        return None
    if text[0].isalpha():
        return _word(text) if len(text) <= _LONGEST_WORD else text
    if _INTEGER.fullmatch(text):
        return int(text) if len(text) <= MAX_DIGITS else _too_long(text)
    return _odd(text)


def _word(text: str) -> Scalar | Trap:
    lower = text.lower()
    if lower == "null":
        return None if text == lower else _trap(WORD, text, "nothing (null) in YAML 1.1", "null")
    meaning = _BOOLEANS.get(lower)
    if meaning is None or text not in (lower, lower.title(), lower.upper()):
        return text
    if text == meaning:
        return text == "true"
    return _trap(WORD, text, f"a boolean in YAML 1.1 and would have been read as {meaning}", meaning)


def _odd(text: str) -> Scalar | Trap:
    """What starts with no letter and is no decimal integer: text, unless a version of YAML would change it."""
    if text == "~":
        return None
    if text == "=":
        return _trap(SIGN, text, "the default-value sign in YAML 1.1")
    if text == "<<":
        return _trap(SIGN, text, "the merge key in YAML 1.1, not a value")
    if len(text) > MAX_DIGITS:
        return text
    return next((trap(text) for form, trap in _FORMS if form.fullmatch(text)), text)


def _trap(code: str, text: str, what: str, instead: str | None = None) -> Trap:
    return Trap(code=code, text=text, message=f"`{text}` is {what}", instead=instead)


def _too_long(text: str) -> Trap:
    return Trap(code=NUMBER, text="…", message=f"a number of {len(text)} digits cannot be intended")


def _octal(text: str) -> Trap:
    digits = text.replace("_", "")
    value = int(digits, 8)
    meant = digits.lstrip("-+0")  # who writes 010 means ten
    instead = digits[0].strip("+0123456789") + meant if meant else "0"
    return _trap(NUMBER, text, f"octal in YAML 1.1 and would have been read as {value}", instead)


def _based_number(name: str, base: int) -> Callable[[str], Trap]:
    def trap(text: str) -> Trap:
        try:
            value = int(text.replace("_", ""), base)
        except ValueError:  # no digit but underscores
            return _trap(NUMBER, text, name)
        return _trap(NUMBER, text, f"{name} and would have been read as {value}", str(value))

    return trap


def _spelled_number(text: str) -> Trap:
    value = int(text.replace("_", ""))
    how = "a number with underscores" if "_" in text else "a number with a sign"
    return _trap(NUMBER, text, f"{how} in YAML 1.1 and would have been read as {value}", str(value))


def _padded_number(text: str) -> Trap:
    value = int(text)
    return _trap(NUMBER, text, f"text in YAML 1.1 and would have been read as {value} in YAML 1.2", str(value))


def _sixties(text: str) -> Trap:
    whole, dot, part = text.replace("_", "").lstrip("+-").partition(".")
    value = 0
    for digits in whole.split(":"):
        value = value * 60 + int(digits)
    sign = "-" if text.startswith("-") else ""
    meant = f"{sign}{value}{dot}{part}"
    return _trap(NUMBER, text, f"a base 60 number in YAML 1.1 and would have been read as {meant}")


def _fraction(text: str) -> Trap:
    value = float(text.replace("_", ""))
    whole = str(int(value)) if value.is_integer() and abs(value) < _EXACT else None
    return _trap(FRACTION, text, f"a floating point number in YAML and would have been read as {value!r}", whole)


def _moment(text: str) -> Trap:
    return _trap(DATE, text, "a date in YAML 1.1" if len(text) <= len("2026-01-01") else "a time in YAML 1.1")


_FORMS: Final[tuple[tuple[re.Pattern[str], Callable[[str], Trap]], ...]] = (
    (_OCTAL, _octal),
    (_OCTAL_12, _based_number("octal in YAML 1.2", 8)),
    (_HEXADECIMAL, _based_number("hexadecimal in YAML 1.1", 16)),
    (_BINARY, _based_number("binary in YAML 1.1", 2)),
    (_DECIMAL, _spelled_number),
    (_PADDED, _padded_number),
    (_SIXTIES, _sixties),
    (_MOMENT, _moment),
    (_FRACTION, _fraction),
    (_SPECIAL, lambda text: _trap(FRACTION, text, "a floating point number in YAML: not a number, or infinite")),
)
