"""Bodies of API v1, whole and spoiled."""

from __future__ import annotations

import json
import random
from typing import Any, Final

from runner.vendors.wire import Response

TRIPLE: Final = [
    {"message": text, "code": 503} for text in ("Error api key", "IP not allowed", "Request limit reached")
]
BAD_READS: Final = ("triple", "throttled", "502", "cut json", "html", "empty", "error", "no data")
BAD_LISTS: Final = ("in pages", "in pages", "in pages", "row without an id")
"""How a read fails; a list may also be a part of itself, in the ways that show it."""

LIES: Final = ("empty by an error",)


def success(data: object) -> Response:
    return Response(status=200, body=json.dumps({"status": "success", "data": data, "errors": []}).encode())


def error(errors: list[dict[str, Any]]) -> Response:
    return Response(status=200, body=json.dumps({"status": "error", "data": None, "errors": errors}).encode())


def bad_read(rng: random.Random, rows: list[dict[str, Any]], *, lies: bool) -> tuple[str, Response]:
    """An answer that tells nothing, and its kind. `rows` are those of a list, if it is one that was asked for."""
    kind = rng.choice((*BAD_READS, *BAD_LISTS * 2 * bool(rows), *LIES * 12 * lies))
    answers = {
        "triple": lambda: error(TRIPLE),
        "throttled": lambda: Response(status=429),
        "502": lambda: Response(status=502),
        "cut json": lambda: Response(status=200, body=b'{"status":"success","data":{"ite'),
        "html": lambda: Response(status=200, body=b"<html>please wait</html>"),
        "empty": lambda: Response(status=200),
        "error": lambda: error([{"message": "Internal error", "code": 0}]),
        "no data": lambda: success(None),
        "in pages": lambda: success({"items": rows[: len(rows) // 2], "metadata": {"total_pages": 2}}),
        "empty by an error": lambda: success({"items": []}),
        "row without an id": lambda: success({"items": [*rows[:-1], {"country": "France"}]}),
    }
    return kind, answers[kind]()
