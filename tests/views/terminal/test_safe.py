"""Text of vendors and manifests can do nothing where it is printed."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.views.terminal.safe import cell, github_escape_data, github_escape_property, json_text, one_line, pieces

NASTY = st.lists(
    st.one_of(
        st.sampled_from(
            ["::error::", "##[group]", "##vso[x]", "##teamcity[", "::", "##", "#", ":", " ", "\n", "\r", "\t"]
        ),
        st.sampled_from(["\x1b]0;title\x07", "\x1b[31m", "\x9b2J", "\u202e", "\u2028", "\u200b", "\u3000", "\xa0"]),
        st.text(max_size=5),
        st.characters(),
    ),
    max_size=12,
).map("".join)


def acts(text: str) -> list[str]:
    """Characters that do something or cannot be seen."""
    return [character for character in text if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs")]


@given(NASTY)
def test_nothing_is_left_that_acts(text: str) -> None:
    """Whatever a vendor says becomes one line without controls, workflow commands or `##`."""
    line = one_line(text)
    assert acts(line) == []
    assert len(line.splitlines()) <= 1
    assert not line.lstrip().startswith("::")
    assert "##" not in line
    assert line.encode("utf-8", "strict") == line.encode("utf-8", "replace")


@given(NASTY)
def test_safe_text_is_left_alone(text: str) -> None:
    """What is safe already is not changed again, so lines may be made safe part by part and once more as a whole."""
    assert one_line(one_line(text)) == one_line(text)


@given(NASTY, NASTY)
def test_a_safe_line_stays_safe_behind_our_own_words(first: str, second: str) -> None:
    """Safe parts joined by our own punctuation make a safe line."""
    line = f"{one_line(first)}: {one_line(second)}"
    assert "##" not in line
    assert acts(line) == []
    assert not f"error: {one_line(first)}".lstrip().startswith("::")


@given(NASTY)
def test_pieces_add_up_to_the_line(text: str) -> None:
    """There is one piece a character, and together they are the safe line."""
    assert len(pieces(text)) == len(text)
    assert "".join(pieces(text)) == one_line(text)


@given(NASTY, st.integers(min_value=1, max_value=10))
def test_a_broken_cell_starts_no_command(text: str, width: int) -> None:
    """However a table breaks a cell, no line of it starts with `::` or `##`."""
    shown = cell(text)
    lines = [shown[start : start + width].lstrip() for start in range(len(shown))]
    assert not any(line.startswith(("::", "##")) for line in lines)


@given(st.recursive(NASTY | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(NASTY, inner)))
def test_json_means_the_same(value: object) -> None:
    """JSON is ASCII, without `##` or controls, and still says what was said."""
    for indent in (None, 2):
        text = json_text(value, indent=indent)
        assert text.isascii()
        assert "##" not in text
        assert acts(text.replace("\n", "")) == []
        assert json.loads(text) == value


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain text, é, 中, #1 and a::b", "plain text, é, 中, #1 and a::b"),
        ("two\nlines\r\n", r"two\nlines\r\n"),
        ("\x1b]0;owned\x07", r"\x1b]0;owned\x07"),
        ("\x9b31m\x7f\x00", r"\x9b31m\x7f\x00"),
        ("pay \u202eUSD 5\u2066", r"pay \u202eUSD 5\u2066"),
        ("a\u2028b\u200bc\ufeff", r"a\u2028b\u200bc\ufeff"),
        ("::error::x", ": :error::x"),
        ("  ::stop-commands::x", "  : :stop-commands::x"),
        ("\u3000::error::x", " : :error::x"),
        ("##[error]x ###", "# #[error]x # # #"),
        ("##vso[task.complete]", "# #vso[task.complete]"),
        ("[bold red]x[/]", "[bold red]x[/]"),
        ("\ud800 and \ufeff", r"\ud800 and \ufeff"),
        ("blank\u3164filler", r"blank\u3164filler"),
        ("", ""),
    ],
)
def test_what_is_shown(text: str, line: str) -> None:
    """Escapes are visible, words stay readable, IPv6 addresses and lone `#` stay as they are."""
    assert one_line(text) == line


def test_github_escapes() -> None:
    """Messages and properties are escaped as GitHub's runner undoes it."""
    assert github_escape_data("50%\r\nmore: a, b") == "50%25%0D%0Amore: a, b"
    assert github_escape_property("a%b:c,d\n") == "a%25b%3Ac%2Cd%0A"
