"""What went wrong on the way to the vendor, in words: from the kind of error, never from its text.

The text of an error may carry a URL, and a URL carries the API key.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import httpcore


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """Something was, or may have been, written, and no complete answer came back.

    `status` and `body` are what did come, redacted; nothing but a hint may be read from them. `again` is whether the
    same call could end better.
    """

    reason: str
    status: int | None = None
    body: bytes = b""
    again: bool = True


class TooLarge(Exception):
    """An answer above its limit, in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the answer is larger than {limit >> 20} MiB")


def in_words(error: Exception, seconds: float) -> str:
    """What happened to a call that had `seconds`."""
    for cause in _chain(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the vendor's certificate was not accepted: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError) and cause.reason and not isinstance(error, httpcore.TimeoutException):
            return f"TLS with the vendor failed: {cause.reason.replace('_', ' ').lower()}"
    if isinstance(error, TooLarge):
        return str(error)
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return words.format(seconds=seconds, system=_system_words(error))
    return f"a bug in order-runner while waiting for the answer ({type(error).__name__})"


def may_heal(error: Exception) -> bool:
    """False where the same call would end the same: the certificate is wrong, or the answer too large."""
    permanent = (ssl.SSLCertVerificationError, TooLarge)
    return not any(isinstance(cause, permanent) for cause in _chain(error))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _system_words(error: BaseException) -> str:
    """What the operating system said: `: Connection refused`, or nothing."""
    for cause in _chain(error):
        if isinstance(cause, OSError) and cause.strerror:
            return f": {cause.strerror}"
    return ""


_WORDS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (httpcore.ConnectTimeout, "no connection within {seconds:g} s"),
    (httpcore.ConnectError, "no connection could be made{system}"),
    (httpcore.TimeoutException, "no complete answer within {seconds:g} s"),
    (httpcore.ReadError, "the connection was reset while the answer was awaited"),
    (httpcore.WriteError, "the connection broke while the request was written"),
    (httpcore.ProtocolError, "the connection ended without a complete, readable answer"),
    (OSError, "the network failed{system}"),
)
