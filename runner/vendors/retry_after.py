"""How long the vendor's edge asks to wait: the `Retry-After` of HTTP 429 (RFC 9110 section 10.2.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

CAP: Final = 60.0
"""Seconds; the vendor counts its limit by the minute (docs/vendor/api-v1.md#limits)."""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from now, by the vendor's own clock where it names a date, at most `CAP`; None where it makes no sense.

    `headers` have lower-case names.
    """
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,18}", text):
        return min(float(text), CAP)
    until, now = _http_date(text), _http_date(headers.get("date", ""))
    if until is None or now is None:
        return None
    return min(max((until - now).total_seconds(), 0.0), CAP)


def _http_date(text: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
