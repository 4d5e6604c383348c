"""Where requests may go: https anywhere, http on loopback only, and nothing that hides a second host."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

from runner.core.errors import UsageError

_PRINTABLE: Final = re.compile(r"[!-~]+")
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME: Final = re.compile(rf"(?!(?:.*\.)?xn--){_LABEL}(?:\.{_LABEL})*")
_NUMBER_LIKE: Final = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
_SEGMENTS: Final = re.compile(r"(?:/(?!\.\.?(?:/|$))[A-Za-z0-9._~-]+)*")
MAX_NAME: Final = 253


def check_base_url(text: str) -> str:
    """`text` in its plain spelling, without a final slash; UsageError where the key must not be sent there.

    The error never repeats the text: what was pasted there by mistake may be a secret.
    """
    if not _PRINTABLE.fullmatch(text):
        raise _refusal("it has blanks or characters beyond ASCII" if text else "it is empty")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _refusal("its host or port cannot be read") from None
    if parts.scheme not in ("http", "https"):
        raise _refusal("it does not start with https://")
    if "@" in text:
        raise _refusal("it names a user or a password")
    if "?" in text or "#" in text:
        raise _refusal("it has a query or a fragment")
    if not is_plain_host(host) or port == 0 or ("[" in parts.netloc) != (":" in host):
        raise _refusal("its host is not a plain name or address, or its port is invalid")
    path = parts.path.removesuffix("/")
    if not _SEGMENTS.fullmatch(path):
        raise _refusal("its path has parts that do not belong there")
    if parts.scheme == "http" and not is_loopback(host):
        raise _refusal("only https is allowed, or http on a loopback address")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}{'' if port is None else f':{port}'}{path}"


def address_of(base_url: str) -> str:
    """Host and path of a checked base URL in one spelling, to tell by it whether two calls went to one vendor.

    Lower case, without scheme, port of the scheme and final slash. All of loopback is `localhost` without any port:
    what listens there has another one with every start.
    """
    parts = urlsplit(base_url)
    host, port = parts.hostname or "", parts.port
    if is_loopback(host):
        host, port = "localhost", None
    named = f"[{host}]" if ":" in host else host
    usual = port in (None, 443 if parts.scheme == "https" else 80)
    return (named if usual else f"{named}:{port}") + parts.path.rstrip("/").lower()


def is_plain_host(host: str) -> bool:
    """A DNS name or an IP address that reads as what it is: no `0x7f.1`, no `xn--`, no `::ffff:127.0.0.1`."""
    if ":" in host or _NUMBER_LIKE.fullmatch(host):
        return _address(host) is not None
    return len(host) <= MAX_NAME and _NAME.fullmatch(host) is not None


def is_loopback(host: str) -> bool:
    """`localhost`, 127.0.0.0/8 and ::1 in their plain spelling."""
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and (address.ipv4_mapped or address.scope_id):
        return None
    return address


def _refusal(reason: str) -> UsageError:
    return UsageError(
        f"the base URL is not accepted: {reason}",
        hint="write it like https://proxy-seller.com/personal/api/v1, without the key",
    )
