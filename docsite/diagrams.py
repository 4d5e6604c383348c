"""Diagrams that GitHub draws from Mermaid, as tables: drawing them would take a megabyte of script."""

from __future__ import annotations

import re
from typing import Final

BLOCK: Final = re.compile(r"^```mermaid\nstateDiagram-v2\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MOVE: Final = re.compile(r" *(?P<before>\S+) --> (?P<after>[^\s:]+)(?:: (?P<label>.+))?")


def drawn(text: str) -> str:
    """The page with each state diagram as a table of its moves. Another kind of diagram stays, and stops the build."""
    return BLOCK.sub(lambda block: "\n".join(table(block[1])) + "\n", text)


def table(moves: str) -> list[str]:
    """One row for each arrow; a letter in front of a label is the move's name. ValueError for anything else."""
    rows = ["| move | from | to | what happened |", "| --- | --- | --- | --- |"]
    for line in filter(str.strip, moves.splitlines()):
        move = MOVE.fullmatch(line)
        if move is None:
            raise ValueError(f"no arrow of a state diagram: {line.strip()}")
        letter, _, event = (move["label"] or " ").partition(" ")
        cells = (letter and f"*{letter}*", state(move["before"]), state(move["after"]), event and f"`{event}`")
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def state(name: str) -> str:
    return "nothing yet" if name == "[*]" else f"`{name}`"
