"""Canonical JSON, and digests over it: the same value has the same bytes wherever it is written."""

from __future__ import annotations

import hashlib
import json
from typing import Final

_STRICT: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
_LENIENT: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str)


def canonical_json(value: object, *, lenient: bool = False) -> str:
    """JSON in ASCII, keys sorted, no blanks. What is no JSON is a TypeError or, if `lenient`, written as its text."""
    return (_LENIENT if lenient else _STRICT).encode(value)


def digest(value: object) -> str:
    """`sha256:…` over the canonical JSON of a value."""
    return "sha256:" + hashlib.sha256(canonical_json(value).encode("ascii")).hexdigest()
