"""Tables: every text whole, no line wider than the terminal, whatever the letters are."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.views.terminal.console import Channel
from runner.views.terminal.grid import Column, Grid, Row, fold, show, width_of
from tests.views.conftest import Terminal

LETTERS = st.text(st.sampled_from("ab \u4e2d\u0301\ufe0f\U0001f600-"), max_size=60)
PLAN = Grid(
    columns=(Column(name="order"), Column(name="total", right=True), Column(name="why", folds=True)),
    rows=(
        Row(cells=("crawl/fr", "12.50", "its price rose above what the plan allows"), style="warning"),
        Row(cells=("crawl/us", "9.00", "")),
    ),
)
DRAWN = """\
order     total  why
──────────────────────────────
crawl/fr  12.50  its price
                 rose above
                 what the plan
                 allows
crawl/us   9.00
"""


class Text(io.StringIO):
    """A stream of an encoding."""

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding


def table_lines(grid: Grid, width: int, encoding: str = "utf-8") -> str:
    stream = Text(encoding)
    show(grid, Channel(stream=stream, terminal=True, width=width))
    return "".join(f"{line.rstrip()}\n" for line in stream.getvalue().splitlines())


def test_a_table_folds_what_may_be_folded() -> None:
    """A header, a rule as wide as the table, numbers at their end, and long texts between words."""
    assert table_lines(PLAN, 30) == DRAWN


def test_a_terminal_without_unicode_gets_a_rule_it_can_show() -> None:
    """In ASCII the rule is one of hyphens."""
    assert table_lines(PLAN, 30, "ascii") == DRAWN.replace("─", "-")


def test_a_terminal_that_is_too_narrow_gets_one_value_a_line() -> None:
    """No text is cut, and none that must not be folded is."""
    assert table_lines(PLAN, 25).startswith("crawl/fr\n  total  12.50\n")


def test_a_row_has_its_colour_and_the_header_is_bold(terminal: Callable[[int], Terminal]) -> None:
    """Colours are those of any other text."""
    tty = terminal(30)
    show(PLAN, tty.console().out)
    assert "\x1b[1morder" in tty.text
    assert "\x1b[1;33mcrawl/fr" in tty.text


@given(LETTERS, st.integers(2, 20))
def test_folding_keeps_every_letter_and_the_width(text: str, width: int) -> None:
    """For every text and width: no line is wider, and nothing but blanks is lost."""
    lines = fold(text, width)
    assert max(map(width_of, lines)) <= width
    assert "".join("".join(lines).split()) == "".join(text.split())


@pytest.mark.parametrize(("text", "cells"), [("abc", 3), ("\u4e2d", 2), ("e\u0301", 1), ("\u2764\ufe0f", 1), ("", 0)])
def test_a_letter_takes_the_cells_that_a_terminal_gives_it(text: str, cells: int) -> None:
    """Wide letters take two cells, marks above others none."""
    assert width_of(text) == cells
