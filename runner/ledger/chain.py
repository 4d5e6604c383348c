"""The hash chain over an account's events: what makes a changed, lost or moved event show. Pure.

An event's hash is SHA-256 over its canonical JSON, which holds the hash of the event before it. The number of an event
in its store (`seq`) is not part of it: the same history has the same hashes wherever it is kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from runner.core.canonical import canonical_json
from runner.core.records import COLUMNS, Entry, Head


class BrokenChain(ValueError):
    """An event is not what the chain says; `str()` says how."""


def event_hash(values: Mapping[str, Any]) -> str:
    """The hash of an event with these `COLUMNS` and this `prev_hash`; what else `values` has does not count."""
    content = {name: values[name] for name in (*COLUMNS, "prev_hash")}
    return hashlib.sha256(canonical_json(content).encode("ascii")).hexdigest()


def follow(head: Head, entry: Entry) -> Head:
    """The head after `entry`; `BrokenChain` where it is not the next event, unchanged."""
    if entry.prev_hash != head.hash:
        raise BrokenChain(f"it follows {_short(entry.prev_hash)}, but the event before it is {_short(head.hash)}")
    digest = event_hash(entry.content)
    if entry.hash != digest:
        raise BrokenChain(f"its content has hash {_short(digest)}, but it is recorded with {_short(entry.hash)}")
    return Head(head.events + 1, digest)


def _short(digest: object) -> str:
    return f"{str(digest)[:12]}…" if digest else "nothing"
