"""The reader of everyday lines: what it reads, where it stops, and that it says what the parser says."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from runner.core import yamldoc
from runner.core.yamldoc import line_reader, rows
from runner.core.yamldoc.nodes import End, EventEntry, Item, ListEntry
from runner.core.yamldoc.rows import LineEntry
from runner.core.yamldoc.source import TextSource
from tests.agreement.comparing import difference, loaded_difference

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted((ROOT / "tests" / "manifest" / "cases").glob("*/*/**/*.y*ml"))
SAMPLES = sorted((ROOT / "samples").glob("*.yaml"))
HEAD = "apiVersion: orders/v1\nbatch: b\norders:\n"
FIRST, SECOND = "  - name: a\n    quantity: 1\n", "  - name: b  # why\n\n    labels:\n      team: 'x'\n"


def read(text: str) -> list[Item]:
    return list(yamldoc.read(TextSource.of(text.encode(), path="m.yaml"), split="orders"))


def kinds(text: str) -> list[type]:
    return [type(item) for item in read(text) if isinstance(item, ListEntry)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_case_is_read_alike(path: Path) -> None:
    """Every manifest of the cases gives the same items, places, orders and findings either way."""
    data = path.read_bytes()
    assert difference(data)[0] is None
    assert loaded_difference(data)[0] is None


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_the_samples_are_everyday_manifests(path: Path) -> None:
    """Comments, blank lines, quoted amounts and labels are no reason to leave an order to the parser."""
    found, share = difference(path.read_bytes())
    assert found is None
    assert share == "all" or b"auth: {" in path.read_bytes()


def test_what_is_of_everyday_shape_is_not_parsed() -> None:
    """Fields, comments, blank lines, simple quotes, and mappings one level deep are read line by line to the end."""
    items = read(HEAD + FIRST + SECOND)
    assert [type(item) for item in items[-3:]] == [LineEntry, LineEntry, End]
    assert [item.value for item in items if isinstance(item, ListEntry)] == [
        {"name": "a", "quantity": 1},
        {"name": "b", "labels": {"team": "x"}},
    ]


@pytest.mark.parametrize(
    "line",
    [
        "    a: &a b",
        "    a: *a",
        "    a: !t b",
        "    a: {b: c}",
        "    a: |",
        "    a: 'it''s'",
        r'    a: "\t"',
        "    a:\tb",
        "    a: 010",
        "    yes: a",
        "    name: again",
        "     a: b",
        "    a: b\r",
        "    a: " + "x" * rows.MAX_LINE,
        "  - {}",
        "budget: {}",
        "---",
    ],
)
def test_the_parser_gets_what_is_not_of_everyday_shape(line: str) -> None:
    """From the order on that an odd line is in, the parser reads; what stands before was read, and keeps its places."""
    text = HEAD + FIRST + SECOND + f"{line}\n" + FIRST.replace("a", "c")
    found = kinds(text)
    assert found[0] is LineEntry
    assert LineEntry not in found[1:]
    assert difference(text.encode()) == (None, "some")


def test_an_alias_knows_what_was_anchored_above() -> None:
    """An order that the parser reads knows the anchors of the head, however many orders stand between."""
    text = HEAD.replace("orders:", "defaults: &d {quantity: 7}\norders:") + FIRST * 3 + "  - <<: *d\n    name: z\n"
    (last,) = [item for item in read(text) if isinstance(item, EventEntry)][-1:]
    assert last.value == {"name": "z", "quantity": 7}
    assert last.key_span("name").line == text.count("\n")


def test_aliases_are_counted_against_what_was_read_line_by_line() -> None:
    """What aliases may repeat depends on all that is written above, whoever read it."""
    head = HEAD.replace("orders:", f"a: &a [{', '.join('x' * 900)}]\norders:")
    text = head + FIRST * 500 + "  - a: [" + "*a, " * 25 + "]\n"
    assert difference(text.encode())[0] is None
    assert difference((head + "  - a: [" + "*a, " * 25 + "]\n").encode())[0] is None


def test_an_order_of_too_many_lines_is_left_to_the_parser() -> None:
    """The limits on the size of one order stay the parser's."""
    fields = "".join(f"    a{number}: 1\n" for number in range(line_reader.MAX_LINES))
    assert kinds(HEAD + FIRST + fields) == [EventEntry]
    assert kinds(HEAD + FIRST + "  - name: b\n" + fields + FIRST.replace("a", "c")) == [
        LineEntry,
        EventEntry,
        EventEntry,
    ]


def test_memory_does_not_grow_with_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten times as many lines, no two alike, are read in the same memory."""
    monkeypatch.setattr(rows, "_CACHED", 1_000)

    def peak(orders: int) -> int:
        text = HEAD + "".join(f"  - name: o{number}\n    a: x{number}\n" for number in range(orders))
        source = TextSource.of(text.encode(), path="m.yaml")
        del text
        tracemalloc.start()
        count = sum(isinstance(item, LineEntry) for item in yamldoc.read(source, split="orders"))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert count == orders
        return most

    assert peak(50_000) < 1.5 * peak(5_000)
