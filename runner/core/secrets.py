"""The API key: held so that nothing prints it by accident, and taken out of every text that could carry it."""

from __future__ import annotations

import hmac
import re
from typing import Final, NoReturn
from urllib.parse import quote

MASK: Final = "***"
KEY_PATTERN: Final = re.compile(r"[A-Za-z0-9_-]{8,128}")
"""A key is a path segment of the URL: nothing in it may need quoting, and a shorter text would mask words."""

_TELLING: Final = 4
"""Characters of a cut-off key that are worth masking."""
_ESCAPED: Final = re.compile(r"(?:%(?:25)*|\\u00)([0-9a-f]{2})", re.IGNORECASE)
_HALF_ESCAPED: Final = re.compile(r"(?:%(?:25)*[0-9a-f]?|\\u?0{0,2}[0-9a-f]?)\Z", re.IGNORECASE)
_LONGEST: Final = len("%252561")

_NAME: Final = r"[^\"\\]{0,40}(?:login|user|pass|pwd|reboot|rotat|secret)[^\"\\]{0,40}"
_CREDENTIAL: Final = re.compile(
    rf"(\"{_NAME}\"\s*:\s*)(?:\"(?:[^\"\\]|\\.)*(?:\"|\\?\Z)|\[[^\]]*(?:\]|\Z)|[^\"\s,\[\]{{}}]+)",
    re.IGNORECASE | re.DOTALL,
)
_CREDENTIAL_INSIDE: Final = re.compile(rf"(\\+\"{_NAME}\\+\"\s*:).*", re.IGNORECASE | re.DOTALL)


def without_credentials(text: str) -> str:
    """An answer of the vendor, whole or cut off, with the values masked of every field that by its name may open a
    proxy: its login, its password, its link. What is JSON inside of a JSON text ends where the first of them stands.

    Quotes of renewals show the rows with their credentials (docs/vendor/api-v1.md#renewals).
    """
    return _CREDENTIAL_INSIDE.sub(rf"\1{MASK}", _CREDENTIAL.sub(rf'\1"{MASK}"', text))


class ApiKey:
    """A key whose `repr` and `str` are the mask; `reveal` is for the transport alone."""

    __slots__ = ("__lower", "__pattern", "__value")

    def __init__(self, value: str) -> None:
        if not KEY_PATTERN.fullmatch(value):
            raise ValueError("an API key is 8 to 128 letters, digits, `_` or `-`")
        self.__value = value
        self.__lower = value.lower()
        self.__pattern = re.compile("".join(_spelling(character) for character in value), re.IGNORECASE)

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("an API key is never copied out of its process")

    def reveal(self) -> str:
        """The key as a URL path segment."""
        return quote(self.__value, safe="")

    def digest(self, salt: str, address: str) -> str:
        """What a ledger may keep of the key: HMAC-SHA256 in hex, keyed with `salt`, of address, line feed and key.

        The key counts in lower case: should the vendor ignore case, two spellings are still one account.
        """
        return hmac.digest(salt.encode(), f"{address}\n{self.__lower}".encode(), "sha256").hex()

    def redact(self, text: str) -> str:
        """`text` with the key masked: plain, escaped wholly or in part as in URLs or JSON, in any letter case."""
        if "%" not in text and "\\" not in text and self.__lower not in text.lower():
            return text
        return self.__pattern.sub(MASK, text)

    def redact_bytes(self, data: bytes) -> bytes:
        """`data` with the key masked, however it is escaped; bytes that are no ASCII stay as they are."""
        return self.redact(data.decode("latin-1")).encode("latin-1")

    def redact_cut(self, data: bytes) -> bytes:
        """`data` that breaks off, with the key masked, and the beginning of one at its end as well."""
        text = self.redact(data.decode("latin-1"))
        for start in range(max(0, len(text) - _LONGEST * len(self.__value)), len(text)):
            tail = _unescape(text[start:])
            if len(tail) >= _TELLING and self.__lower.startswith(tail):
                text = text[:start] + MASK
                break
        return text.encode("latin-1")


def _spelling(character: str) -> str:
    codes = "|".join(f"{ord(case):02x}" for case in {character.lower(), character.upper()})
    return rf"(?:{re.escape(character)}|%(?:25)*(?:{codes})|\\u00(?:{codes}))"


def _unescape(text: str) -> str:
    """Lower-case, escapes resolved, half an escape at the end dropped."""
    whole = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    return _HALF_ESCAPED.sub("", whole).lower()
