"""docs/explanation/life-of-an-order.md draws the table of moves, and numbers the steps, as the code has them."""

from __future__ import annotations

import re
from pathlib import Path

from runner.buy import protocol
from runner.core.states import MOVES, State

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "explanation" / "life-of-an-order.md").read_text(
    encoding="utf-8"
)


def test_the_drawing_is_the_table_of_moves() -> None:
    """Every lettered arrow of the drawing is a legal move with its event, and every legal move is drawn."""
    drawn = re.findall(r"^ +([a-z]+) --> ([a-z]+): ([a-z]) ([a-z_]+)$", PAGE, re.MULTILINE)
    assert drawn == [(str(move.before), str(move.after), move.letter, str(move.event)) for move in MOVES]
    assert PAGE.count("-->") == len(MOVES) + 1, "an arrow that this test cannot read"


def test_every_state_is_explained() -> None:
    """The table of states has each state once, in the order of the code."""
    table = PAGE.split("| state | meaning |")[1].split("\n\n")[0]
    assert re.findall(r"^\| `([a-z]+)` \|", table, re.MULTILINE) == [str(state) for state in State]


def test_the_steps_are_those_of_the_protocol() -> None:
    """The page's numbered steps are as many as the numbered steps of runner/buy/protocol.py, without a gap."""
    section = PAGE.split("## The purchase protocol")[1].split("\n## ")[0]
    steps = [int(number) for number in re.findall(r"^([0-9]+)\. \*\*", section, re.MULTILINE)]
    in_code = [int(number) for number in re.findall(r"^([0-9]+) +\w", protocol.__doc__ or "", re.MULTILINE)]
    assert steps == in_code == list(range(1, len(steps) + 1))


def test_figures_are_those_of_the_protocol() -> None:
    """The seconds and attempts that the page names are the code's."""
    assert f"At most {protocol.GUARD_SECONDS:.0f} seconds since the claim" in PAGE
    assert protocol.PAUSES == (1.0, 4.0)
    assert "three attempts in all, after pauses of one and four seconds" in " ".join(PAGE.split())
    assert f"(at most {protocol.THROTTLE_CAP:.0f} s)" in PAGE
