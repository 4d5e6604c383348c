"""The text of a manifest that is written from what the vendor shows. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final

from runner.core.orders import UNSHOWN, Scalar

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*(?: [A-Za-z0-9_.-]+)*|[0-9]+ [a-z]+")
_UNSAFE: Final = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan"))
_STEM: Final = re.compile(r"[^a-z0-9._-]+")

Line = tuple[str, Mapping[str, Scalar], str]
"""An order's name, its fields, and a remark."""


def batch_name(stem: str) -> str:
    """The batch of a file by its name."""
    text = _STEM.sub("-", stem.lower()).strip("-._")[:63]
    return text or "adopted"


def manifest_text(batch: str, orders: Iterable[Line], day: date) -> str:
    """A manifest of orders that are in the ledger already."""
    listed = list(orders)
    example = listed[0][0]
    lines = [
        f"# Orders that no manifest had, as the vendor showed them on {day.isoformat()}. `order-runner adopt` has",
        "# entered them in the ledger under these keys, so that nothing here is bought again.",
        "#",
        "# A better name: keep the key it has now beside it, and the ledger follows:",
        "#   - name: search-fr",
        f"#     renamed_from: {batch}/{example}",
        f"# What an order is for is not shown. `{UNSHOWN}` stands in its place; nothing is ever bought with it",
        "# (PSR437). Leave it while the order runs, because a changed order is another one (PSR401); once you raise",
        "# its `generation` to buy it again, write what it is for. Its price is not shown either: no budget counts it.",
        "",
        "apiVersion: orders/v1",
        f"batch: {_scalar(batch)}",
        "",
        "orders:",
    ]
    for name, fields, remark in listed:
        lines.append(f"  - name: {_scalar(name)}" + (f"  # {remark}" if remark else ""))
        lines += [f"    {field}: {_scalar(value)}" for field, value in fields.items()]
    return "\n".join(lines) + "\n"


def _scalar(value: Scalar) -> str:
    """As YAML writes it: plain where that can mean nothing else."""
    if isinstance(value, int):
        return str(value)
    return value if _PLAIN.fullmatch(value) and value.lower() not in _UNSAFE else json.dumps(value)
