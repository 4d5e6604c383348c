"""The way out for a value that is written wrongly: a spelling that its field takes, so that no hint leads to another.

YAML alone would say of `generateAuth: yes` to write `true` or to quote it, and the field takes neither: it takes `Y`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from runner.core.errors import Problem, Span
from runner.core.yamldoc.scalars import DATE, FRACTION, NUMBER, SIGN, WORD, Scalar, Trap, plain
from runner.manifest.places import Path

TRAPS: Final = frozenset({NUMBER, WORD, FRACTION, DATE, SIGN})
_YES: Final = frozenset({"y", "yes", "true", "on"})
_NO: Final = frozenset({"n", "no", "false", "off"})

_SHOWN: Final = 60
"""Characters of a value that a hint repeats at most."""

Rule = Mapping[str, Any]


def spelling(rule: Rule, text: str) -> str | None:
    """The hint that makes a scalar one that its rule takes; None where no spelling of it does."""
    from jsonschema import Draft202012Validator

    if len(text) > _SHOWN:
        return None
    takes = Draft202012Validator(rule).is_valid
    fitting = next((written for written, value in _spellings(text) if takes(value)), None)
    if fitting is None:
        return None
    if fitting == f'"{text}"':
        return f"quote it: {fitting}"
    return f"remove the quotes: {text}" if fitting == text else f"write {fitting}"


def _spellings(text: str) -> Iterator[tuple[str, Scalar]]:
    """What may be meant by a scalar, as it is to be written and as it is then read; the likeliest first."""
    word, value = text.lower(), plain(text)
    instead = value.instead if isinstance(value, Trap) else None
    if word in _YES | _NO:
        yield ("true", True) if word in _YES else ("false", False)
    if instead is not None and not isinstance(meant := plain(instead), Trap):
        yield instead, meant
    if isinstance(value, int):
        yield text, value
    yield f'"{text}"', text
    if word in _YES | _NO:
        yield ("Y", "Y") if word in _YES else ("N", "N")
    if instead is not None:
        yield f'"{instead}"', instead


def refit(
    problems: Iterable[Problem],
    rule: Rule,
    value: object,
    place_of: Callable[[Path], Span],
    otherwise: Callable[[Rule, str], str | None],
) -> list[Problem]:
    """Findings of the YAML reader in `value`, each with a way out that the field at its place takes.

    `otherwise` has the words for a field that takes no spelling of what is written there.
    """
    problems = list(problems)
    if not any(problem.code in TRAPS for problem in problems):
        return problems
    fields = {_begin(place_of(path)): (path, text) for path, text in _texts(value)}
    return [_with_way_out(problem, fields, rule, otherwise) for problem in problems]


def _with_way_out(
    problem: Problem,
    fields: Mapping[tuple[int, int], tuple[Path, str]],
    rule: Rule,
    otherwise: Callable[[Rule, str], str | None],
) -> Problem:
    path, text = fields.get(_begin(problem.span), ((), "")) if problem.span else ((), "")
    own = rule_at(rule, path) if path and problem.code in TRAPS else None
    if own is None:
        return problem
    return replace(problem, hint=spelling(own, text) or otherwise(own, str(path[-1])) or "write another value")


def rule_at(rule: Rule, path: Path) -> Rule | None:
    """The rule of a schema for what a path leads to; None where it has none."""
    node: Any = rule
    for step in path:
        if not isinstance(node, Mapping):
            return None
        node = node.get("items") if isinstance(step, int) else _property(node, step)
    return node if isinstance(node, Mapping) else None


def _property(rule: Rule, name: str) -> object:
    properties: Mapping[str, object] = rule.get("properties", {})
    return properties.get(name, rule.get("additionalProperties"))


def _texts(value: object, at: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every text in a value, and the path to it."""
    steps: Iterable[tuple[str | int, object]] = ()
    if isinstance(value, dict):
        steps = value.items()
    elif isinstance(value, list):
        steps = enumerate(value)
    elif isinstance(value, str):
        yield at, value
    for step, inner in steps:
        yield from _texts(inner, (*at, step))


def _begin(place: Span) -> tuple[int, int]:
    return place.line, place.column
