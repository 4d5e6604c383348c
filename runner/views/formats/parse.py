"""A report read back: checked by its schema, and one of another minor version brought to this one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from runner.core import schemas
from runner.core.errors import UsageError
from runner.report.report import REPORT_VERSION
from runner.views.terminal.safe import one_line

MAJOR: Final = REPORT_VERSION.partition(".")[0]
NAMED: Final = 5
"""Faults of a document that are named."""

_OLDER: Final = ("0", "1", "2")
"""Minor versions before this one."""

_HINT: Final = "name the file that --report wrote; `order-runner schema report` prints its schema"


def read(data: bytes, name: str) -> Mapping[str, Any]:
    """The report in `data`, of this version. UsageError, with the place, for what is none, or of a major version that
    is not ours.

    What a later minor version has added is left out; what an older one did not have is null or empty.
    """
    try:
        document = json.loads(data, object_pairs_hook=_once(name))
    except json.JSONDecodeError as error:
        place = f"{name}:{error.lineno}:{error.colno}"
        raise UsageError(f"{place}: this is not valid JSON: {error.msg}", hint=_HINT) from None
    except (UnicodeDecodeError, RecursionError):
        raise UsageError(f"{name} is not JSON that can be read", hint=_HINT) from None
    current: Mapping[str, Any] = _of_this_version(document, name)
    if not schemas.gate("report")(current) and (faults := list(_faults(current))):
        more = f" (and {len(faults) - NAMED} more)" if len(faults) > NAMED else ""
        raise UsageError(f"{name} is not a report: {'; '.join(faults[:NAMED])}{more}", hint=_HINT)
    return current


def _once(name: str) -> Callable[[list[tuple[str, Any]]], dict[str, Any]]:
    """Refuses a key that stands twice in one object: which one counts would be anybody's guess."""

    def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        one = dict(pairs)
        if len(one) < len(pairs):
            key = next(key for number, (key, _) in enumerate(pairs) if key in dict(pairs[:number]))
            raise UsageError(one_line(f"{name} has the key {key!r} twice in one object"), hint=_HINT)
        return one

    return object_of


def _of_this_version(document: Any, name: str) -> Any:
    version = document.get("report_version") if isinstance(document, dict) else None
    if not isinstance(version, str) or "." not in version:
        raise UsageError(f"{name} is not a report: it has no report_version", hint=_HINT)
    if version == REPORT_VERSION:
        return document
    major, _, minor = version.partition(".")
    if major != MAJOR:
        text = f"{name} is a report of version {version}; this order-runner reads {MAJOR}.x"
        raise UsageError(one_line(text), hint="render it with the order-runner that wrote it")
    current = {**document, "report_version": REPORT_VERSION}
    if minor not in _OLDER:
        return _prune(current, schemas.load("report"))
    return _with_origins(_with_renames(_complete(current) if minor == "0" else current))


def _with_origins(document: dict[str, Any]) -> dict[str, Any]:
    """A report of version 1.2 with what 1.3 has added."""
    run, nobody = document.get("run"), dict.fromkeys(("actor", "commit", "ref", "job"))
    orders = [{"labels": {}, "renews": None, **order} for order in _dicts(document.get("orders"))]
    return {**document, "run": {**run, **nobody} if isinstance(run, dict) else run, "orders": orders}


def _with_renames(document: dict[str, Any]) -> dict[str, Any]:
    """A report of version 1.1 with what 1.2 has added."""
    return {**document, "orders": [{"renamed_from": None, **order} for order in _dicts(document.get("orders"))]}


def _complete(document: dict[str, Any]) -> dict[str, Any]:
    """A report of version 1.0 with what 1.1 has added."""
    orders = [_order(order) for order in _dicts(document.get("orders"))]
    errors = [{"key": None, **finding} for finding in _dicts(document.get("errors"))]
    return {**document, "orders": orders, "errors": errors}


def _order(order: dict[str, Any]) -> dict[str, Any]:
    source = order.get("source")
    return {
        "words": {},
        "possible": None,
        **order,
        "source": {"snippet": None, **source} if isinstance(source, dict) else source,
        "errors": [{"key": order.get("key"), **finding} for finding in _dicts(order.get("errors"))],
    }


def _dicts(value: Any) -> list[dict[str, Any]]:
    """A list of objects, which the schema will see again; nothing where it is something else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _prune(value: Any, schema: Mapping[str, Any]) -> Any:
    """Without the keys that the schema does not know."""
    if "$ref" in schema:
        schema = schemas.load("report")["$defs"][schema["$ref"].rpartition("/")[2]]
    if isinstance(value, dict) and "properties" in schema:
        fields = schema["properties"]
        return {key: _prune(child, fields[key]) for key, child in value.items() if key in fields}
    if isinstance(value, list) and "items" in schema:
        return [_prune(child, schema["items"]) for child in value]
    return value


def _faults(document: Any) -> Iterator[str]:
    for violation in schemas.explain("report", document):
        place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in violation.at).lstrip(".")
        wanted = violation.demand
        if violation.keyword == "required":
            wanted = next((key for key in wanted if key not in violation.value), wanted)
        yield one_line(f"{place or 'the document'} breaks {violation.keyword} ({json.dumps(wanted)[:80]})")
