"""What `lock` found and wrote → text; JSON and GitHub annotations are those of findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runner.core.errors import Problem
from runner.manifest.lock import LockedWord
from runner.views import findings
from runner.views.findings import finding_lines
from runner.views.formats.validation import SourceLine
from runner.views.terminal.console import Channel, Console
from runner.views.terminal.safe import one_line
from runner.views.wording import plural


@dataclass(frozen=True, slots=True, kw_only=True)
class LockResult:
    """What became of a lockfile; `changed` says whether its bytes did."""

    path: str
    words: int
    additions: Sequence[LockedWord]
    updates: Sequence[tuple[LockedWord, LockedWord]]
    removals: Sequence[LockedWord]
    changed: bool


def render(
    problems: Sequence[Problem],
    written: LockResult | None,
    *,
    fmt: str,
    console: Console,
    files: int,
    orders: int,
    source_line: SourceLine,
) -> None:
    """Write what was found and, as text, what was locked to stdout."""
    if fmt != "text" or written is None:
        findings.render(problems, fmt=fmt, console=console, files=files, orders=orders, source_line=source_line)
        return
    for problem in problems:
        console.out.lines(list(finding_lines(problem, console.out, source_line)))
    console.out.lines(list(_changes(written, console.out)))


def _changes(written: LockResult, channel: Channel) -> Iterator[str]:
    for entry in written.additions:
        yield one_line(f"+ {_name(entry)} is {entry.meaning}")
    for before, after in written.updates:
        yield one_line(f"~ {_name(after)} was {before.meaning}, is {after.meaning}")
    for entry in written.removals:
        yield one_line(f"- {_name(entry)} was {entry.meaning}")
    if not written.words and not written.changed:
        yield "no words, nothing to lock"
        return
    end = "written" if written.changed else "nothing changed"
    yield channel.paint("good", one_line(f"{written.path}: {plural(written.words, 'word')} locked, {end}"))


def _name(entry: LockedWord) -> str:
    """`mobile operator Operator A (countryId 4401, mobileServiceType shared)`."""
    address = entry.address
    within = ", ".join(f"{name} {value}" for name, value in address.within)
    return f"{address.type} {address.kind} {address.word}" + (f" ({within})" if within else "")
