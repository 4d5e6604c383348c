"""A lockfile as text and back: sorted, one entry a line; read strictly, with the place of whatever is wrong."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from runner.core import schemas
from runner.core.errors import Problem, Span, UsageError
from runner.core.schemas import Violation
from runner.core.yamldoc import read as read_yaml
from runner.core.yamldoc.nodes import Break, Field
from runner.core.yamldoc.nodes import ListEntry as Node
from runner.core.yamldoc.source import MAX_BYTES, UNSAFE, TextSource
from runner.manifest.lock import API_VERSION, VERSION, Address, LockedWord, Lockfile

SCHEMA: Final = "lockfile"
_AGAIN: Final = "correct it, restore it from git, or remove it and run `order-runner lock` again"
_TEXT_IDS: Final = ("periodId", "operatorId")


def lockfile_text(entries: Iterable[LockedWord]) -> str:
    """The whole file. The same entries are the same bytes."""
    lines = [f"    {_line(entry)}" for entry in sorted(entries, key=lambda entry: entry.address.sort_key)]
    body = "[\n" + ",\n".join(lines) + "\n  ]" if lines else "[]"
    return f'{{\n  "lockfile_version": "{VERSION}",\n  "api_version": "{API_VERSION}",\n  "entries": {body}\n}}\n'


def clean(text: str) -> str:
    """A vendor's name as a file in git may hold it: nothing that hides, breaks or turns a line."""
    return UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text.replace("\t", " ").replace("\n", " ").replace("\r", " "))


def read(path: Path) -> tuple[Lockfile | None, tuple[Problem, ...]]:
    """The lockfile at a path (None where it has errors), and what is wrong with it. UsageError if it cannot be read."""
    name = str(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"the lockfile {name} cannot be read: {error.strerror or error}") from None
    entries: dict[Address, LockedWord] = {}
    problems = _no_json(data, name)
    if not problems:
        fields, nodes, problems = _parse(data, name)
        problems = problems or _violations(fields, nodes, name)
        if not problems:
            entries, problems = _entries(nodes, name)
    if problems:
        return None, tuple(sorted(problems, key=lambda problem: problem.order))
    return Lockfile(path=name, sha256=hashlib.sha256(data).hexdigest(), entries=entries), ()


def _no_json(data: bytes, path: str) -> list[Problem]:
    """Why the bytes are no JSON; nothing where they are."""
    if len(data) > MAX_BYTES:
        return [_problem(path, "the lockfile is too large", None)]
    try:
        json.loads(data.decode("utf-8"))
    except UnicodeDecodeError:
        return [_problem(path, "the lockfile is not UTF-8", None)]
    except json.JSONDecodeError as error:
        place = Span(line=error.lineno, column=error.colno, end_line=error.lineno, end_column=error.colno + 1)
        return [_problem(path, f"the lockfile is not valid JSON: {error.msg}", place)]
    except (RecursionError, ValueError):
        return [_problem(path, "the lockfile holds something that no lockfile needs", None)]
    return []


def _line(entry: LockedWord) -> str:
    address = entry.address
    return json.dumps(
        {
            "type": address.type,
            "kind": address.kind,
            "word": address.word,
            "within": dict(address.within),
            "id": entry.id,
            "name": entry.name,
            "section": entry.section,
            "locked_at": entry.locked_at,
        },
        ensure_ascii=False,
    )


def _problem(path: str, message: str, place: Span | None, field: str | None = None) -> Problem:
    return Problem(code="PSR306", message=message, hint=_AGAIN, path=path, span=place, field=field)


def _parse(data: bytes, path: str) -> tuple[dict[str, Field], list[Node], list[Problem]]:
    """The same text read as YAML, of which JSON is a part: values with their places, keys that stand twice found."""
    fields: dict[str, Field] = {}
    nodes: list[Node] = []
    problems: list[Problem] = []
    for item in read_yaml(TextSource(io.BytesIO(data), path=path), split="entries"):
        if isinstance(item, Break):
            problems.append(item.problem)
        elif isinstance(item, Problem):
            problems.append(item)
        elif isinstance(item, Field | Node):
            problems += item.problems
            if isinstance(item, Field):
                fields[item.key] = item
            else:
                nodes.append(item)
    return fields, nodes, problems


def _violations(fields: dict[str, Field], nodes: list[Node], path: str) -> list[Problem]:
    instance: dict[str, Any] = {name: field.value for name, field in fields.items()}
    if "entries" not in fields:
        instance["entries"] = [node.value for node in nodes]
    if schemas.gate(SCHEMA)(instance):
        return []
    problems: dict[tuple[str | int, ...], Problem] = {}
    for violation in schemas.explain(SCHEMA, instance):
        problems.setdefault(violation.at, _problem(path, _words(violation), _place(violation, fields, nodes)))
    return list(problems.values())


def _place(violation: Violation, fields: dict[str, Field], nodes: list[Node]) -> Span:
    at = violation.at
    if len(at) > 1 and at[0] == "entries":
        return nodes[int(at[1])].value_span(*at[2:])
    field = fields.get(str(at[0])) if at else None
    return field.value_span(*at[1:]) if field else Span(line=1, column=1, end_line=1, end_column=2)


def _words(violation: Violation) -> str:
    what = "`" + ".".join(map(str, violation.at)) + "`" if violation.at else "the lockfile"
    if violation.keyword == "required":
        missing = sorted(set(violation.demand) - set(violation.value))
        return f"{what} lacks {', '.join(f'`{name}`' for name in missing)}"
    if violation.keyword == "additionalProperties":
        extra = sorted(set(violation.value) - set(violation.rule["properties"]))
        return f"{what} has unknown fields: {', '.join(f'`{name}`' for name in extra)}"
    if violation.at == ("lockfile_version",):
        return f"the lockfile has version {violation.value}; this program reads {VERSION}"
    return f"{what} is not allowed there (rule `{violation.keyword}`)"


def _entries(nodes: list[Node], path: str) -> tuple[dict[Address, LockedWord], list[Problem]]:
    entries: dict[Address, LockedWord] = {}
    problems: list[Problem] = []
    for node in nodes:
        entry = _entry(node)
        if isinstance(entry.id, str) != (entry.address.field in _TEXT_IDS):
            kind = "text" if entry.address.field in _TEXT_IDS else "a whole number"
            problems.append(_problem(path, f"the id of `{entry.address}` must be {kind}", node.value_span("id"), "id"))
        first = entries.setdefault(entry.address, entry)
        if first is not entry:
            where = f"{path}:{first.span.line}" if first.span else path
            message = f"`{entry.address}` of {entry.address.type} is locked twice, first at {where}"
            problems.append(_problem(path, message, entry.span))
    return entries, problems


def _entry(node: Node) -> LockedWord:
    value = node.value
    order = [name for name in ("countryId", "mobileServiceType", "operatorId") if name in value["within"]]
    address = Address(
        type=value["type"],
        kind=value["kind"],
        word=value["word"],
        within=tuple((name, value["within"][name]) for name in order),
    )
    return LockedWord(
        address=address,
        id=value["id"],
        name=value["name"],
        section=value["section"],
        locked_at=value["locked_at"],
        span=node.value_span(),
    )
