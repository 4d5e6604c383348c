"""Findings, exit codes, statuses and terms, as their pages and tables have them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from runner.core.errors import PRECEDENCE, ExitCode
from runner.core.states import CLAIMABLE, MOVES, OPEN, State
from runner.explain.pages import page, plain, table
from runner.explain.topics import Item, Section, Topic

_HEADING: Final = re.compile(r"^### (PSR\d{3}): (.+)$", re.MULTILINE)
_PARTS: Final = re.compile(r"^```\w*\n(.*?)^```\n\n(.+?)\n\n→ (.+?)\s*\Z", re.MULTILINE | re.DOTALL)
"""What a finding's section has: an example, why it is one, and behind an arrow the way out."""


@cache
def findings() -> dict[str, str]:
    """Every code of a finding, with its title."""
    return dict(_HEADING.findall(page("findings.md")))


def finding(code: str) -> Topic | None:
    """A finding: an example, why it is one, and the way out. None for a code that does not exist."""
    if code not in findings():
        return None
    _, _, rest = page("findings.md").partition(f"\n### {code}: ")
    body = re.split(r"^##", rest.partition("\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    return Topic(name=code, kind="finding", title=findings()[code], sections=tuple(_parts(body)), see=("findings",))


def _parts(body: str) -> Iterator[Section]:
    parts = _PARTS.search(body)
    if parts is None:
        raise KeyError("findings.md has a section without an example, a reason or a way out")
    example, why, way_out = parts.groups()
    yield Section(code=example.rstrip("\n"))
    for heading, text in (("Why", why), ("What to do", way_out)):
        yield Section(heading=heading, paragraphs=tuple(plain(" ".join(part.split())) for part in text.split("\n\n")))


@cache
def exit_codes() -> dict[str, tuple[int, str, str]]:
    """Every exit code by name: its number, when it is given, and what to do."""
    return {
        name.strip("`"): (int(code), when, todo) for code, name, when, todo in table("exit-codes.md", "code", "name")
    }


def exit_code(word: str) -> Topic | None:
    """An exit code by its number or name, with the situations that end in it; None where there is none."""
    name = word.replace("-", "_").lower()
    if word.isdecimal():
        name = next((other for other, (number, _, _) in exit_codes().items() if number == int(word)), "")
    if name not in exit_codes():
        return None
    number, when, todo = exit_codes()[name]
    happened = [what for what, code in table("exit-codes.md", "what happened", "code") if int(code) == number]
    stronger = [str(int(code)) for code in PRECEDENCE[: PRECEDENCE.index(ExitCode(number))]]
    rank = f"{', '.join(stronger)} take precedence over it" if stronger else "takes precedence over all others"
    return Topic(
        name=f"exit {number}",
        kind="exit code",
        title=name,
        facts=(("where several apply", rank),),
        sections=(
            Section(paragraphs=(when,)),
            Section(heading="What to do", paragraphs=(todo,)),
            *([Section(heading="For example", lines=tuple(Item(name=what) for what in happened))] if happened else []),
        ),
        see=("exit-codes",),
    )


@cache
def statuses() -> dict[str, str]:
    """Every status of an order in a report, and every state in the ledger, with what it means."""
    reported = {name.strip("`"): text for name, text in table("report.md", "status", "meaning")}
    kept = {name.strip("`"): text for name, text in table("explanation/life-of-an-order.md", "state", "meaning")}
    return reported | kept


def status(word: str) -> Topic | None:
    """A status of an order; of one that the ledger keeps as a state also what moves an order into and out of it."""
    name = word.replace("-", "_").lower()
    if name not in statuses():
        return None
    state = next((state for state in State if state == name), None)
    moves = [move for move in MOVES if state in (move.before, move.after)]
    lines = tuple(Item(name=f"{move.before} → {move.after}", text=str(move.event)) for move in moves)
    return Topic(
        name=f"status {name}",
        kind="status",
        title="in the ledger and in reports" if state else "in reports only",
        facts=tuple(_meanings(state)),
        sections=(
            Section(paragraphs=(statuses()[name],)),
            *([Section(heading="Legal moves, each with its event", lines=lines)] if lines else []),
        ),
        see=("statuses",),
    )


def _meanings(state: State | None) -> Iterator[tuple[str, str]]:
    if state in OPEN:
        yield "money", "may have been charged; blocks the account until it is settled"
    if state in CLAIMABLE:
        yield "bought by", "the next run whose manifests want it"


@cache
def terms() -> dict[str, str]:
    """The glossary."""
    return {row[0]: row[1] for row in table("glossary.md", "word", "meaning")}


def term(word: str) -> Topic | None:
    """A word of the glossary; None where it is not in there."""
    name = next((entry for entry in terms() if entry.lower() == word.replace("-", " ").lower()), None)
    if name is None:
        return None
    return Topic(
        name=f"term {name}", kind="term", title=name, sections=(Section(paragraphs=(terms()[name],)),), see=("terms",)
    )
