"""What goes back to the client: envelopes, and the ways in which an answer can fail to arrive.

The envelope is that of docs/vendor/api-v1.md#envelope.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any, Literal


class How(Enum):
    """What happens to the answer on its way."""

    WHOLE = "sent whole"
    RESET = "TCP reset, nothing sent"
    CLOSE = "closed, nothing sent"
    SILENT = "nothing sent, kept open until the client goes"
    CUT = "half of the body, then closed"
    DRIP = "one byte at a time"


UNANSWERED = frozenset({How.RESET, How.CLOSE, How.SILENT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One HTTP answer; `pause` is the wait before it, `step` that between two bytes of a dripping one, in s."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    how: How = How.WHOLE
    pause: float = 0.0
    step: float = 0.0


def to_json(value: Any, *, default: Callable[[Any], Any] | None = None) -> bytes:
    """Compact JSON in UTF-8; what is no JSON as `default` makes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=default).encode()


def success(data: Any) -> Reply:
    """HTTP 200 with a success envelope."""
    return Reply(body=to_json({"status": "success", "data": data, "errors": []}))


def wrap(data: bytes) -> Reply:
    """HTTP 200 with a success envelope, around data that is JSON already."""
    return Reply(body=b'{"status":"success","data":' + data + b',"errors":[]}')


def refusal(message: str, code: int = 0) -> Reply:
    """HTTP 200 with an error envelope of one message."""
    return _errors([message], code, None)


def warning(data: Any) -> Reply:
    """HTTP 200, status error, filled data and no errors: the documented shape of a short balance on `prolong/calc`."""
    return Reply(body=to_json({"status": "error", "data": data, "errors": []}))


def error_with_data(data: Any, message: str, code: int = 0) -> Reply:
    """HTTP 200, status error, with data and an error message at once."""
    return _errors([message], code, data)


def access_refusal(items: Literal[1, 2, 3]) -> Reply:
    """The one answer for a wrong key, a foreign address and a limit hit (docs/vendor/api-v1.md#access)."""
    texts = ["Error api key", "IP not allowed", "Request limit reached"]
    return _errors(["IP not allowed"] if items == 1 else texts[:items], 503, None)


def html(status: int, title: str, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """A page such as a proxy in front of the API would show."""
    page = f"<html>\r\n<head><title>{title}</title></head>\r\n<body><h1>{title}</h1></body>\r\n</html>\r\n"
    return Reply(
        status=status,
        body=page.encode(),
        content_type="text/html; charset=utf-8",
        headers=headers,
    )


def too_many(retry_after: str | None) -> Reply:
    """HTTP 429 as the edge gives it, with or without `Retry-After`."""
    headers = (("Retry-After", retry_after),) if retry_after is not None else ()
    return html(429, "429 Too Many Requests", headers)


def amount(value: Decimal, form: Literal["number", "string"]) -> int | float | str:
    """Money for JSON: 9, 16.2, or with two decimals as text."""
    if form == "string":
        return f"{value:.2f}"
    return int(value) if value == value.to_integral_value() else float(value)


def _errors(messages: list[str], code: int, data: Any) -> Reply:
    errors = [{"message": message, "code": code, "customData": None} for message in messages]
    return Reply(body=to_json({"status": "error", "data": data, "errors": errors}))
