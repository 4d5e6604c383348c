"""Each order keeps its own lines as they are written, however the manifest is laid out, and what that costs is small."""

from __future__ import annotations

import io
import time

import pytest

from runner import manifest
from runner.manifest.excerpts import MAX_CHARACTERS, MAX_LINES

HEAD = "apiVersion: orders/v1\nbatch: b\ndefaults: {periodId: 1m, customTargetName: x, countryId: 561}\n"


def snippets(text: str) -> list[str | None]:
    loaded = manifest.load(["-"], stdin=io.BytesIO(text.encode()))
    assert not loaded.errors, loaded.problems
    return [order.source.snippet for order in loaded.orders]


BLOCK = """\
orders:
  # the first
  - name: a  # why
    type: ipv4
    quantity: 1
    # and so on

  # the second
  - &b
    labels: {team: "é — 東京"}
    type: ipv4
    quantity: 2
    name: b
  -
    quantity: 3
    type: ipv4
    name: c
"""


def test_an_order_keeps_its_lines() -> None:
    """Comments inside stay; those above the next order belong to that one, and blank lines to nobody."""
    assert snippets(HEAD + BLOCK) == [
        "  - name: a  # why\n    type: ipv4\n    quantity: 1\n    # and so on",
        '  - &b\n    labels: {team: "é — 東京"}\n    type: ipv4\n    quantity: 2\n    name: b',
        "    quantity: 3\n    type: ipv4\n    name: c",
    ]


def test_an_order_on_a_shared_line_keeps_its_own_part() -> None:
    """In flow style an order ends with its bracket, wherever that is."""
    text = "orders: [{name: a, type: ipv4, quantity: 1}, {name: b, type: ipv4,\n  quantity: 2}]"
    assert snippets(HEAD + text) == ["{name: a, type: ipv4, quantity: 1}", "{name: b, type: ipv4,\n  quantity: 2}"]


def test_an_order_by_another_name_is_the_line_that_names_it() -> None:
    """An alias stands for itself; what it repeats is elsewhere."""
    text = "budget: &a {name: a, type: ipv4, quantity: 1}\norders:\n  - *a\n"
    loaded = manifest.load(["-"], stdin=io.BytesIO((HEAD + text).encode()))
    assert [order.source.snippet for order in loaded.orders] == ["  - *a"]


def test_each_document_of_a_file_has_its_own() -> None:
    """Lines are counted on over the documents of a file."""
    text = "orders:\n  - {name: a, type: ipv4, quantity: 1}\n"
    both = HEAD + text + "---\n" + HEAD.replace("batch: b", "batch: c") + text.replace("1}", "2}")
    assert snippets(both) == ["  - {name: a, type: ipv4, quantity: 1}", "  - {name: a, type: ipv4, quantity: 2}"]


@pytest.mark.parametrize("end", ["", "\n", "\n\n# the end\n", "\n...\n"])
def test_the_last_order_ends_with_its_last_line(end: str) -> None:
    """Whatever stands behind it, and even if the file ends without a line's end."""
    assert snippets(HEAD + "orders:\n- name: a\n  type: ipv4\n  quantity: 1" + end) == [
        "- name: a\n  type: ipv4\n  quantity: 1"
    ]


def test_windows_lines_and_a_byte_order_mark_change_nothing() -> None:
    """The same manifest from another editor has the same snippets."""
    other = "\ufeff" + (HEAD + BLOCK).replace("\n", "\r\n")
    assert snippets(other) == snippets(HEAD + BLOCK)


def test_fields_that_stand_below_the_orders_change_nothing() -> None:
    """A manifest whose defaults come last is read twice, and cut once."""
    lines = HEAD.splitlines(keepends=True)
    assert snippets(lines[0] + BLOCK + "".join(lines[1:])) == snippets(HEAD + BLOCK)


def test_a_snippet_has_an_end() -> None:
    """A manifest cannot make a report that nobody can open."""
    labels = "".join(f"      l{number}: x\n" for number in range(100))
    (cut,) = snippets(HEAD + f"orders:\n  - name: a\n    type: ipv4\n    quantity: 1\n    labels:\n{labels}")
    assert cut is not None
    assert len(cut.split("\n")) == MAX_LINES
    (cut,) = snippets(
        HEAD
        + f"orders:\n  - name: a\n    type: ipv4\n    quantity: 1\n    # {'x' * 2 * MAX_CHARACTERS}\n    labels: {{}}\n"
    )
    assert cut is not None
    assert len(cut) == MAX_CHARACTERS


@pytest.mark.parametrize("between", ["\n", " "])
def test_snippets_cost_little(between: str) -> None:
    """Loading, which keeps every order and its lines, stays near checking, one line an order or all on one line."""
    orders = f",{between}".join(f"{{name: o{number}, type: ipv4, quantity: {number + 1}}}" for number in range(5_000))
    text = (HEAD + f"orders: [{between}{orders}]\n").encode()

    assert manifest.check(["-"], stdin=io.BytesIO(text)).errors == 0

    def seconds(load: bool) -> float:
        best = 60.0
        for _ in range(3):
            started = time.process_time()
            (manifest.load if load else manifest.check)(["-"], stdin=io.BytesIO(text))
            best = min(best, time.process_time() - started)
        return best

    assert seconds(True) < 4 * seconds(False) + 0.2
