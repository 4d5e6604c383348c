"""Nesting: one limit and one finding, whichever parser reads the file, and nothing read in vain.

The deepest texts here pass libyaml's own limit of 1,000 levels by three.
"""

from __future__ import annotations

import hashlib
import io
import tracemalloc
from typing import Any, Final

import pytest

from runner.core import yamldoc
from runner.core.errors import Problem
from runner.core.yamldoc.builder import MAX_DEPTH
from runner.core.yamldoc.nodes import Break, Field, Item, ListEntry
from runner.core.yamldoc.source import TextSource

DEEPEST: Final = 1_003
"""Just above the limit of libyaml 0.2.6."""

SHAPES: Final[dict[str, tuple[str, str, tuple[int, int]]]] = {
    "flow sequences": ("orders: ", "[", (1, 28)),
    "flow mappings as keys": ("orders: ", "{", (1, 29)),
    "flow mappings as values": ("orders: ", "{a: ", (1, 85)),
    "pairs in flow sequences": ("orders: ", "[a: ", (1, 46)),
    "flow sequences line by line": ("orders: ", "[\n", (20, 1)),
    "flow sequences and mappings": ("orders: ", "[{", (1, 30)),
    "flow mappings and sequences": ("orders: ", "{[", (1, 29)),
    "explicit keys in flow": ("orders: ", "{? ", (1, 69)),
    "anchored": ("orders: ", "[&a ", (1, 82)),
    "with text between": ("orders: ", "['[', ", (1, 123)),
    "block sequences": ("orders:\n", "- ", (2, 39)),
    "block mappings as keys": ("orders:\n", "? ", (2, 41)),
    "block sequences and mappings": ("orders:\n", "- ? ", (2, 43)),
    "flow in a block": ("a:\n  b:\n  - - c: ", "[", (3, 25)),
    "flow in an order": ("orders:\n- name: x\n  labels: ", "{", (3, 31)),
    "flow after orders in flow": ("orders: [{a: 1}, {a: 2}, ", "[", (1, 44)),
    "flow in a key": ("? ", "[", (1, 22)),
    "flow at the top": ("", "[", (1, 20)),
    "flow at the top, mappings": ("", "{a: ", (1, 81)),
    "block at the top": ("", "- ", (1, 39)),
    "a later document": ("a: 1\n---\nb: 2\n---\nc: ", "[", (5, 23)),
    "after characters of many bytes": ("é: 日本 # 🎉\nb: ", "[", (2, 23)),
    "after a byte order mark": ("\ufeffa: é\nb: ", "[", (2, 23)),
    "after Windows line ends": ("a: 1\r\nb: é\r\nc: ", "[", (3, 23)),
    "after an anchor and a comment": ("b: &b # [[[\n  ", "[", (2, 22)),
}
"""Where it begins, what each level is written as, and where the first level past our limit stands.

The levels in a key, and in a document that is no mapping, are counted by themselves: none of them is ever built.
"""


def source_of(text: str) -> TextSource:
    return TextSource.of(text.encode(), path="m.yaml")


def read(text: str, *, pure: bool = False) -> list[Item]:
    return list(yamldoc.read(source_of(text), split="orders", pure=pure))


def described(items: list[Item]) -> list[Any]:
    """What was handed on, comparable between two readings."""
    return [
        (item.value, item.value_span(), item.problems) if isinstance(item, Field | ListEntry) else item
        for item in items
    ]


def last_problem(items: list[Item]) -> Problem:
    last = items[-1]
    assert isinstance(last, Break)
    return last.problem


def assert_too_deep(problem: Problem, line: int, column: int) -> None:
    assert (problem.code, problem.path) == ("PSR008", "m.yaml")
    assert (problem.message, problem.hint) == ("nested more than 20 levels deep", "flatten it")
    assert problem.span
    place = problem.span
    assert (place.line, place.column, place.end_line, place.end_column) == (line, column, line, column + 1)


@pytest.mark.parametrize("pure", [False, True], ids=["libyaml", "pure"])
@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, DEEPEST])
@pytest.mark.parametrize("shape", SHAPES)
def test_nesting_is_refused_where_it_passes_the_limit(shape: str, levels: int, pure: bool) -> None:
    """More levels than allowed are PSR008 with its hint at the first one too many, however many more follow."""
    lead, level, place = SHAPES[shape]
    assert_too_deep(last_problem(read(lead + level * levels, pure=pure)), *place)


@pytest.mark.parametrize("pure", [False, True], ids=["libyaml", "pure"])
@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, DEEPEST])
def test_indentation_is_refused_where_it_passes_the_limit(levels: int, pure: bool) -> None:
    """Block mappings, each indented below the last, are PSR008 with its hint at the first one too many."""
    text = "".join(" " * level + "a:\n" for level in range(levels))
    assert_too_deep(last_problem(read(text, pure=pure)), MAX_DEPTH + 1, MAX_DEPTH + 1)


@pytest.mark.parametrize("levels", [998, 999, 1_000, 1_001, 1_002])
def test_closed_brackets_are_refused_alike(levels: int) -> None:
    """Around libyaml's own limit nothing changes, also where every bracket is closed."""
    text = f"orders:\n- {'[' * levels}{']' * levels}\n- a\n"
    assert_too_deep(last_problem(read(text)), 2, 2 + MAX_DEPTH - 1)


@pytest.mark.parametrize("shape", SHAPES)
def test_what_stands_before_is_handed_on_alike(shape: str) -> None:
    """Fields, orders and findings before the level that is refused are the same at any depth and with any parser."""
    lead, level, _ = SHAPES[shape]
    handed_on = described(read(lead + level * (MAX_DEPTH + 1)))
    assert described(read(lead + level * DEEPEST)) == handed_on
    assert described(read(lead + level * DEEPEST, pure=True)) == handed_on


def test_orders_on_the_line_that_is_too_deep_are_handed_on() -> None:
    """Orders and findings that libyaml had only looked ahead at are not lost, and none comes twice."""
    items = read("a: 1\norders: [{x: 1}, {x: 010}, " + "[" * DEEPEST)
    assert [item.value for item in items if isinstance(item, Field | ListEntry)] == [1, {"x": 1}, {"x": "010"}]
    assert [problem.code for item in items if isinstance(item, ListEntry) for problem in item.problems] == ["PSR020"]
    assert_too_deep(last_problem(items), 2, 27 + MAX_DEPTH - 1)


def test_depth_is_allowed_up_to_the_limit() -> None:
    """The limit itself is allowed, one level more is not; aliases count as what they stand for."""
    (_, field, _) = read("a: " + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1))
    assert isinstance(field, Field)
    assert not field.problems
    assert_too_deep(last_problem(read("a: " + "[" * MAX_DEPTH + "]" * MAX_DEPTH)), 1, 3 + MAX_DEPTH)
    half = "[" * 10 + "]" * 10
    assert not isinstance(read(f"a: &x {half}\nb: {'[' * 9}*x{']' * 9}")[-1], Break)
    assert last_problem(read(f"a: &x {half}\nb: {'[' * 10}*x{']' * 10}")).code == "PSR008"


class Counted(io.BytesIO):
    """Counts the bytes that are read."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


@pytest.mark.parametrize("pure", [False, True], ids=["libyaml", "pure"])
@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_is_read_after_the_limit(shape: str, pure: bool) -> None:
    """Of a megabyte that follows, no more than the beginning is looked at, in two pieces of 64 KiB."""
    lead, level, _ = SHAPES[shape]
    raw = Counted((lead + level * DEEPEST + "\n" + "- a: 1\n" * 150_000).encode())
    items = list(yamldoc.read(TextSource(raw, path="m.yaml"), split="orders", pure=pure))
    assert last_problem(items).code == "PSR008"
    assert raw.taken <= 2 * 65_536


@pytest.mark.parametrize("pure", [False, True], ids=["libyaml", "pure"])
def test_memory_stays_flat_before_the_limit(pure: bool) -> None:
    """A long file that ends too deep is read at most twice, in pieces, and nothing of it is held meanwhile."""
    count = 1_500
    order = b"- a: " + b"0123456789" * 9 + b"\n"
    raw = Counted(b"orders:\n" + order * count + b"- " + b"[" * DEEPEST)
    source, orders, last = TextSource(raw, path="m.yaml"), 0, None
    tracemalloc.start()
    try:
        for last in yamldoc.read(source, split="orders", pure=pure):
            orders += isinstance(last, ListEntry)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(last, Break)
    assert_too_deep(last.problem, count + 2, 2 + MAX_DEPTH - 1)
    assert orders == count
    assert raw.taken <= 2 * len(raw.getvalue())
    assert peak < 1024 * 1024


def test_a_source_keeps_its_books_when_nesting_is_refused() -> None:
    """The hash is that of the whole file, and whoever listens hears each piece once."""
    text = b"orders:\n" + b"- a: 1\n" * 10_000 + b"- " + b"[" * DEEPEST + b"\n" + b"# more\n" * 10_000
    source, heard = TextSource.of(text, path="m.yaml"), list[bytes]()
    source.listener = heard.append
    assert last_problem(list(yamldoc.read(source, split="orders"))).code == "PSR008"
    assert text.startswith(b"".join(heard))
    assert source.sha256 == hashlib.sha256(text).hexdigest()


@pytest.mark.parametrize("later", [b"orders: ", b"[" * DEEPEST], ids=["emptied", "deeper"])
def test_a_file_that_changes_meanwhile_is_still_broken(later: bytes) -> None:
    """What was handed on of a file that was too deep never passes for a whole file, even if the file changes."""
    raw = io.BytesIO(b"orders: " + b" " * 100 + b"[" * DEEPEST)
    source = TextSource(raw, path="m.yaml")

    def change(_: bytes) -> None:
        raw.getbuffer()[:] = later.ljust(len(raw.getvalue()))

    source.listener = change
    problem = last_problem(list(yamldoc.read(source, split="orders")))
    assert (problem.code, problem.hint) == ("PSR008", "flatten it")
