"""What stands on a line of an export."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from runner.core.canonical import canonical_json
from runner.core.records import Entry, Stranger
from runner.core.vendor import Witness
from runner.ledger.codec import record_of, values_of


def line_of(content: Mapping[str, Any]) -> str:
    """Canonical JSON, with its end."""
    return canonical_json(content) + "\n"


def with_hash(content: dict[str, Any]) -> dict[str, Any]:
    """The content and the hash of it."""
    return content | {"hash": hashlib.sha256(canonical_json(content).encode("ascii")).hexdigest()}


def entry_content(entry: Entry) -> dict[str, Any]:
    """An event, bound to its place by the chain."""
    return entry.content | {"kind": "event", "hash": entry.hash}


def witness_content(witness: Witness) -> dict[str, Any]:
    """A witness, bound by its digest to the claim below it. One without numbers is written as before they were kept."""
    values = {name: value for name, value in values_of(witness).items() if (name, value) != ("numbers", None)}
    return {"kind": "witness", "digest": witness.digest, **values}


def witness_of(content: Mapping[str, Any]) -> Witness:
    """The witness that `witness_content` wrote."""
    return record_of(Witness, {"numbers": None} | dict(content))


def stranger_content(stranger: Stranger) -> dict[str, Any]:
    """An order that is somebody else's: no event, so with a hash of its own."""
    return with_hash({"kind": "stranger", **values_of(stranger)})
