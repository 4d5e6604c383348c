"""The parser's errors of syntax in plain words, with the way out. The same for libyaml and for PyYAML's own parser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import yaml

from runner.core.errors import Problem
from runner.core.yamldoc.nodes import point
from runner.core.yamldoc.source import TextSource


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    """What the parser said. Places count from 0; `start` is where the construct began that could not be finished."""

    context: str
    problem: str
    at: tuple[int, int]
    start: tuple[int, int]
    character: str

    @property
    def is_at_line_end(self) -> bool:
        """Nothing was left on the line to go on with."""
        return "end" in self.problem or not self.character


Words = tuple[str, str | None, tuple[int, int]]
"""Message, hint, and the place to point at."""


def syntax_problem(error: yaml.YAMLError, source: TextSource) -> Problem:
    """A finding for an error of the parser; its own words where none better are known."""
    failure = _failure(error, source)
    words = next((words for match, words in _KNOWN if match(failure)), _as_it_stands)
    message, hint, (line, column) = words(failure)
    return Problem(code="PSR007", message=message, hint=hint, path=source.path, span=point(line, column))


def is_depth_limit(error: yaml.YAMLError) -> bool:
    """True where libyaml met its own limit on nesting; from 0.2.6 on it says "exceeded maximum nesting depth"."""
    return "nesting" in (getattr(error, "problem", None) or "")


def _failure(error: yaml.YAMLError, source: TextSource) -> _Failure:
    at = _place(getattr(error, "problem_mark", None)) or (0, 0)
    text = source.line(at[0] + 1)
    return _Failure(
        context=getattr(error, "context", None) or "",
        problem=getattr(error, "problem", None) or str(error),
        at=at,
        start=_place(getattr(error, "context_mark", None)) or at,
        character=text[at[1] : at[1] + 1],
    )


def _place(mark: Any) -> tuple[int, int] | None:
    return (mark.line, mark.column) if mark else None


def _tab(failure: _Failure) -> Words:
    return "a tab is not allowed as indentation", "indent with spaces", failure.at


def _reserved_character(failure: _Failure) -> Words:
    return f"unquoted text cannot begin with the character {failure.character}", "quote it", failure.at


def _unclosed_quote(failure: _Failure) -> Words:
    return "a quoted text begins here and is never closed", "close it with the same quote", failure.start


def _escape(failure: _Failure) -> Words:
    return "this double-quoted text has an unknown escape", "use single quotes, or write `\\\\`", failure.start


def _brackets(failure: _Failure) -> Words:
    close = "]" if "sequence" in failure.context else "}"
    if failure.is_at_line_end:
        return f"a bracket opens here and is never closed with `{close}`", f"add the `{close}`", failure.start
    return f"`,` or `{close}` is missing here", "separate items with a comma", failure.at


def _open_end(failure: _Failure) -> Words:
    return "a value is missing at the end of the text", "close every bracket", failure.at


def _no_value(failure: _Failure) -> Words:
    return "a value cannot begin here", "quote text that begins with one of [ ] { } ,", failure.at


def _misplaced_part(failure: _Failure) -> Words:
    if failure.character == "-":
        return "this `- ` belongs to no list above", "check the indentation", failure.at
    column = failure.start[1] + 1
    message = f"this does not fit the fields above, which begin in column {column}"
    return message, "write `key: value`, and indent it like its neighbours", failure.at


def _no_item(failure: _Failure) -> Words:
    column = failure.start[1] + 1
    message = f"this line fits neither the list above, which begins in column {column}, nor its last item"
    return message, "check the indentation", failure.at


def _colon(failure: _Failure) -> Words:
    return "a `: ` is not allowed here", 'check the indentation; quote text that holds ": "', failure.at


def _dash(failure: _Failure) -> Words:
    return "a `- ` is not allowed here", "begin the list on a line of its own", failure.at


def _no_colon(failure: _Failure) -> Words:
    return "this line has no `: `", "write `key: value`", failure.start


def _anchor(failure: _Failure) -> Words:
    return "`&` and `*` begin an anchor or alias, and a name must follow", "quote text that begins so", failure.start


def _tag(failure: _Failure) -> Words:
    return "`!` begins a tag, and this one cannot be read", "quote text that begins so", failure.start


def _block(failure: _Failure) -> Words:
    return "after `|` or `>` the text begins on the next line", "move the text down and indent it", failure.start


def _directive(failure: _Failure) -> Words:
    return "this `%` line is not understood", "remove it", failure.start


def _document(failure: _Failure) -> Words:
    return "text is left after the end of the document", "begin the next document with `---`", failure.at


def _as_it_stands(failure: _Failure) -> Words:
    said = f"{failure.context}: {failure.problem}" if failure.context else failure.problem
    return f"the YAML cannot be read: {said}", None, failure.at


def _says(*, context: str = "", problem: str = "", character: str = "") -> Callable[[_Failure], bool]:
    def match(failure: _Failure) -> bool:
        return (
            context in failure.context
            and problem in failure.problem
            and (not character or (failure.character != "" and failure.character in character))
        )

    return match


_KNOWN: Final[tuple[tuple[Callable[[_Failure], bool], Callable[[_Failure], Words]], ...]] = (
    (_says(problem="cannot start any token", character="\t"), _tab),
    (_says(problem="tab character"), _tab),
    (_says(problem="cannot start any token", character="@`%"), _reserved_character),
    (_says(context="quoted scalar", problem="escape"), _escape),
    (_says(context="double-quoted scalar"), _escape),
    (_says(context="quoted scalar"), _unclosed_quote),
    (_says(context="flow sequence"), _brackets),
    (_says(context="flow mapping"), _brackets),
    (_says(context="flow node"), _open_end),
    (_says(context="block node"), _no_value),
    (_says(context="block mapping"), _misplaced_part),
    (_says(context="block collection"), _no_item),
    (_says(problem="mapping values are not allowed"), _colon),
    (_says(problem="sequence entries are not allowed"), _dash),
    (_says(context="simple key"), _no_colon),
    (_says(context="anchor"), _anchor),
    (_says(context="alias"), _anchor),
    (_says(problem="tag handle"), _tag),
    (_says(context="tag"), _tag),
    (_says(context="block scalar"), _block),
    (_says(context="directive"), _directive),
    (_says(problem="directive"), _directive),
    (_says(problem="incompatible YAML document"), _directive),
    (_says(problem="document start"), _document),
)
