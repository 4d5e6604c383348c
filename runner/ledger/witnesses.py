"""How a witness is stored: whole, or as the difference to one that the ledger has already. Pure.

An account of ten thousand orders is witnessed again every minute, and hardly anything changes in between.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from runner.core.vendor import Witness
from runner.ledger.codec import json_text, record_of, values_of

Row = Mapping[str, Any]

LONGEST: Final = 16
"""Differences behind a whole witness at most: reading one reads them all."""

_SETS: Final = ("order_ids", "numbers")


def columns_of(witness: Witness, base: Witness | None = None) -> dict[str, Any]:
    """What is stored; where that is much shorter, as the difference to `base`."""
    values = values_of(witness)
    package = None if witness.package is None else json_text(values["package"])
    whole = _whole_text(values)
    shorter = whole if base is None else _difference_text(witness, base)
    return values | {"package": package, "order_ids": shorter if 2 * len(shorter) < len(whole) else whole}


def is_difference(columns: Row) -> bool:
    """Whether `columns_of` made a difference of it."""
    return _base_of(columns) is not None


def read(row: Row, find: Callable[[str], Row | None]) -> Witness:
    """The witness that is stored as `row`; `find` has the rows of those it differs from, by their digests.

    ValueError, KeyError or TypeError for what is no witness.
    """
    rows = [row]
    while (base := _base_of(rows[-1])) is not None:
        next_row = find(base)
        if next_row is None or len(rows) > LONGEST:
            raise ValueError(f"it differs from {base[:12]}…, which is {'missing' if next_row is None else 'too far'}")
        rows.append(next_row)
    sets = _whole_of(json.loads(rows.pop()["order_ids"]))
    for each in reversed(rows):
        sets = {name: _apply(sets[name], change) for name, change in json.loads(each["order_ids"])["change"].items()}
    package = None if row["package"] is None else json.loads(row["package"])
    return record_of(Witness, {**row, **sets, "package": package})


def _whole_text(values: Row) -> str:
    """Its order ids; together with their base numbers, where it has those."""
    if values["numbers"] is None:
        return json_text(values["order_ids"])
    return json_text({name: values[name] for name in _SETS})


def _whole_of(value: Any) -> dict[str, Any]:
    """What `_whole_text` wrote."""
    return {"numbers": None} | (value if isinstance(value, dict) else {"order_ids": value})


def _difference_text(witness: Witness, base: Witness) -> str:
    if (witness.numbers is None) != (base.numbers is None):
        return _whole_text(values_of(witness))
    changes = {name: _change(getattr(base, name), getattr(witness, name)) for name in _SETS}
    return json_text({"base": base.digest, "change": changes})


def _change(before: frozenset[str] | None, after: frozenset[str] | None) -> dict[str, list[str]] | None:
    if before is None or after is None:
        return None
    return {"added": sorted(after - before), "gone": sorted(before - after)}


def _apply(before: Any, change: Mapping[str, list[str]] | None) -> Any:
    return None if change is None else (frozenset(before) - frozenset(change["gone"])) | frozenset(change["added"])


def _base_of(row: Row) -> str | None:
    """The digest of the witness that one differs from; None for a whole one."""
    value = json.loads(row["order_ids"])
    return str(value["base"]) if isinstance(value, dict) and "base" in value else None
