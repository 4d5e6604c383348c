"""Where requests may go: https anywhere, http on loopback only, and nothing that hides a second host."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

from runner.errors import UsageError

_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|[0-9a-f:.]+", re.IGNORECASE)
_PATH: Final = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")


def checked_base_url(text: str) -> str:
    """`text` without a final slash; UsageError where the key must not be sent there."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise _refused(text, str(error)) from None
    if "@" in parts.netloc:
        raise _refused("(not shown)", "it names a user or a password")
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise _refused(text, "it has a query or a fragment")
    if not _HOST.fullmatch(host):
        raise _refused(text, "its host is not a plain name or address")
    path = parts.path.rstrip("/")
    if not _PATH.fullmatch(path) or ".." in path.split("/"):
        raise _refused(text, "its path has characters that do not belong there")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise _refused(text, "only https is allowed, or http on a loopback address")
    return f"{parts.scheme}://{parts.netloc.lower()}{path}"


def is_loopback(host: str) -> bool:
    """`localhost`, 127.0.0.0/8 and ::1 in their plain spelling."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refused(text: str, reason: str) -> UsageError:
    return UsageError(
        f"the base URL {text} is refused: {reason}",
        hint="give it like https://proxy-seller.com/personal/api/v1, without the key",
    )
