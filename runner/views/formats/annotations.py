"""GitHub's workflow commands: annotations, at most ten of a kind and the worst first, and the mask for a secret.

GitHub shows ten errors, ten warnings and ten notices a step and drops the rest without a word, so which ten is not left
to chance, and the rest is counted in a line of the log.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from runner.views.terminal.safe import github_escape_data, github_escape_property
from runner.views.wording import plural

MOST: Final = 10
"""Annotations of one kind that GitHub shows of a step."""

Kind = Literal["error", "warning", "notice"]
KINDS: Final[tuple[Kind, ...]] = ("error", "warning", "notice")


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """One of them: `place` has GitHub's properties (file, line, col, title …), `lines` its text, already made safe."""

    kind: Kind
    place: Mapping[str, str]
    lines: Sequence[str]

    def __str__(self) -> str:
        """The command; these are the only lines of ours that start with `::`."""
        properties = ",".join(f"{name}={github_escape_property(value)}" for name, value in self.place.items())
        return f"::{self.kind} {properties}::{github_escape_data(chr(10).join(self.lines))}"


def limit(annotations: Sequence[Annotation], rest: str) -> Iterator[str]:
    """The first ten of each kind, errors before warnings before notices, then how many more; `rest` says where."""
    left: Counter[Kind] = Counter()
    for kind in KINDS:
        members = [annotation for annotation in annotations if annotation.kind == kind]
        yield from map(str, members[:MOST])
        left[kind] = max(len(members) - MOST, 0)
    if any(left.values()):
        counts = ", ".join(plural(number, f"more {kind}") for kind, number in left.items() if number)
        yield f"and {counts}: GitHub shows only {MOST} of each kind; {rest}"


def mask(secret: str) -> str:
    """The one line that may hold a secret: GitHub takes it out of the log, and whatever has it in it from then on."""
    return f"::add-mask::{github_escape_data(secret)}"
