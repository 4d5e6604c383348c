"""The API key: held so that nothing prints it by accident, and taken out of every text that could carry it."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

MASK: Final = "***"
KEY_PATTERN: Final = re.compile(r"[A-Za-z0-9_-]{8,128}")
"""A key is a path segment of the URL: nothing in it may need quoting, and a shorter text would mask words."""


class ApiKey:
    """A key whose `repr` and `str` are the mask; `reveal` is for the transport alone."""

    __slots__ = ("__lower", "__pattern", "__value")

    def __init__(self, value: str) -> None:
        if not KEY_PATTERN.fullmatch(value):
            raise ValueError("an API key is 8 to 128 letters, digits, `_` or `-`")
        self.__value = value
        self.__lower = value.lower()
        self.__pattern = re.compile("".join(_spelled(character) for character in value), re.IGNORECASE)

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("an API key is never copied out of its process")

    def reveal(self) -> str:
        """The key as a URL path segment."""
        return quote(self.__value, safe="")

    def redact(self, text: str) -> str:
        """`text` with the key masked: plain, percent-encoded wholly or in part, in any letter case."""
        if "%" not in text and self.__lower not in text.lower():
            return text
        return self.__pattern.sub(MASK, text)

    def redact_bytes(self, data: bytes) -> bytes:
        """The same for bytes; bytes that are no ASCII stay as they are."""
        return self.redact(data.decode("latin-1")).encode("latin-1")


def _spelled(character: str) -> str:
    return f"(?:{re.escape(character)}|%{ord(character):02x})"
