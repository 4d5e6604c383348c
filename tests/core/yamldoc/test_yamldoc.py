"""Strict YAML: what is read, where it stands, and what is refused in time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner.core import yamldoc
from runner.core.errors import Problem
from runner.core.yamldoc.nodes import Begin, Break, End, EventEntry, Field, ListEntry, Split
from runner.core.yamldoc.source import MAX_BYTES, Flaw, TextSource

CASES = sorted((Path(__file__).resolve().parents[2] / "manifest" / "cases").glob("*/*/**/*.y*ml"))


def read(text: str | bytes, *, pure: bool = False) -> list[Any]:
    data = text.encode() if isinstance(text, str) else text
    return list(yamldoc.read(TextSource.of(data, path="m.yaml"), split="orders", pure=pure))


def values(items: list[Any]) -> list[Any]:
    return [
        (item.key, item.value) if isinstance(item, Field) else item.value for item in items if hasattr(item, "value")
    ]


def problems(items: list[Any]) -> list[Problem]:
    reports: list[Problem] = []
    for item in items:
        if isinstance(item, Problem):
            reports.append(item)
        elif isinstance(item, Break):
            reports.append(item.problem)
        else:
            reports += getattr(item, "problems", ())
    return reports


def places(items: list[Any]) -> list[tuple[str, int, int]]:
    return [(item.code, item.span.line, item.span.column) for item in problems(items) if item.span]


def test_a_document_comes_in_pieces() -> None:
    """Fields and entries come one by one as they are complete, in the order they are written."""
    items = read("a: 1\norders:\n- x\n- y: 2\nb: [~, true]\n---\norders: []\n")
    assert [type(item) for item in items] == [
        Begin,
        Field,
        Split,
        EventEntry,
        EventEntry,
        Field,
        End,
        Begin,
        Split,
        End,
    ]
    assert values(items) == [("a", 1), "x", {"y": 2}, ("b", [None, True])]


def test_an_entry_is_handed_on_before_the_rest_is_read() -> None:
    """Memory does not grow with the file: an entry comes before what follows it was looked at."""
    text = b"orders:\n" + b"- a: 1\n" * 200_000
    source = TextSource.of(text, path="m.yaml")
    stream = yamldoc.read(source, split="orders")
    assert isinstance(next(item for item in stream if isinstance(item, ListEntry)), ListEntry)
    assert source._offset < len(text) / 2


def test_every_key_and_value_has_its_place() -> None:
    """Lines and columns count from 1 in characters, at any depth."""
    (entry,) = [
        item for item in read('orders:\n  - é: "日本" # x\n    k: {a: [1, 🎉, zz]}\n') if isinstance(item, ListEntry)
    ]
    assert entry.value == {"é": "日本", "k": {"a": [1, "🎉", "zz"]}}
    spans = [entry.key_span("é"), entry.value_span("é"), entry.key_span("k", "a"), entry.value_span("k", "a", 2)]
    assert [(place.line, place.column, place.end_line, place.end_column) for place in spans] == [
        (2, 5, 2, 6),
        (2, 8, 2, 12),
        (3, 9, 3, 10),
        (3, 19, 3, 21),
    ]


def test_a_value_without_a_place_has_that_of_its_key() -> None:
    """What is left empty is pointed at by its key, and what is not there by what it would be in."""
    (entry,) = [item for item in read("orders:\n- a:\n  b: 1\n") if isinstance(item, ListEntry)]
    assert (entry.value_span("a").line, entry.value_span("a").column) == (2, 3)
    assert entry.value_span("nothing").line == entry.value_span().line == 2


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_and_marks_change_no_place(start: str, end: str) -> None:
    """A byte order mark and Windows line ends leave values and places as they are."""
    text = "a: é\norders:\n- b: |\n    x\n    y\n  c: 010\n"
    plain = read(text)
    other = read(start + text.replace("\n", end))
    assert values(plain) == values(other)
    assert places(plain) == places(other) == [("PSR020", 6, 6)]


def test_text_is_judged_across_the_pieces_it_is_read_in() -> None:
    """A character, a line end or a bad byte that falls on the border of two reads is treated like any other."""
    for size in range(65_530, 65_540):
        good = b"a: '" + b"x" * size + "é🎉".encode() + b"\r\n\r\n  z'\r\n"
        assert values(read(good)) == [("a", "x" * size + "é🎉\nz")]
        (bad,) = problems(read(b"a: '" + b"x" * size + b"\xc3\xa9\xff'\n"))
        assert (bad.code, bad.span and bad.span.column) == ("PSR001", size + 6)
        (lone,) = problems(read(b"a: '" + b"x" * size + b"\r'\n"))
        assert (lone.code, lone.span and lone.span.column) == ("PSR002", size + 5)


def test_a_character_cut_off_at_the_end_is_refused() -> None:
    """A file that ends in the middle of a character is not taken for shorter text."""
    (problem,) = problems(read(b"a: x\xc3"))
    assert (problem.code, problem.span and problem.span.column) == ("PSR001", 5)
    (problem,) = problems(read(b"a: x\r"))
    assert problem.code == "PSR002"


def test_what_stands_before_a_bad_byte_is_still_found() -> None:
    """Findings before a byte that cannot be read are reported, and the entry it cuts in two is not judged."""
    items = read(b"orders:\n- a: 010\n- b: 1\n- c: x\xff\n  d: 1\n")
    assert places(items) == [("PSR020", 2, 6), ("PSR001", 4, 7)]
    assert [item.value for item in items if isinstance(item, ListEntry)] == [{"a": "010"}, {"b": 1}]


@pytest.mark.parametrize("where", ["'a\xff'", "|\n    a\xff", "# a\xff", "[a\xff", "a\xff", '"a\xff'])
def test_a_bad_byte_is_the_one_finding_wherever_it_stands(where: str) -> None:
    """Quotes, block text, comments and brackets hide no bad byte, and nothing is made up about what it cuts off."""
    text = b"orders:\n  - a: " + where.encode("latin-1") + b"\n    b: 1\n"
    items = read(text)
    assert [problem.code for problem in problems(items)] == ["PSR001"]
    assert not [item for item in items if isinstance(item, ListEntry)]


def test_a_billion_laughs_are_refused_early() -> None:
    """Aliases of aliases of aliases are stopped by what they would come to, before anybody walks through it."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"{chr(97 + n)}: &{chr(97 + n)} [{', '.join(['*' + chr(96 + n)] * 10)}]" for n in range(1, 4)]
    assert [problem.code for problem in problems(read("\n".join(lines)))] == ["PSR013"]


def test_many_aliases_of_a_long_list_are_refused() -> None:
    """50,000 aliases of a list of 1,000 are refused."""
    text = "a: &a [" + "x, " * 1000 + "]\norders:\n" + "- [*a]\n" * 50_000
    assert problems(read(text))[-1].code == "PSR013"


@pytest.mark.parametrize(
    "text",
    [
        "orders:\n- [" + "x, " * 20_000 + "]\n",
        "orders:\n- {" + "".join(f"k{n}: 1, " for n in range(30_000)) + "}\n",
        "orders:\n- {" + "a: 1, " * 20_000 + "}\n",
        "a: [" + ("[" + "x, " * 200 + "], ") * 200 + "]\n",
    ],
    ids=["list", "mapping", "one key", "nested"],
)
def test_one_order_cannot_fill_the_memory(text: str) -> None:
    """A value that is too large is given up while it is read, whatever its shape."""
    assert problems(read(text))[-1].code == "PSR015"


@pytest.mark.parametrize("entry", ["&a{} {{x: 1, y: 2}}", "{{x: &a{} 1}}", "{{&a{} x: 1}}"])
def test_anchors_cannot_fill_the_memory(entry: str) -> None:
    """Anchored values are kept to the end of the document, so there may only be so many."""
    text = "orders:\n" + "".join(f"- {entry.format(n)}\n" for n in range(60_000))
    assert problems(read(text))[-1].code == "PSR013"


def test_plain_reuse_is_allowed_at_any_length() -> None:
    """One small anchor may be used by every one of 20,000 entries."""
    text = "base: &b {a: 1, b: 2, c: 3}\norders:\n" + "- {<<: *b, n: x}\n" * 20_000
    items = read(text)
    assert not problems(items)
    assert values(items)[-1] == {"n": "x", "a": 1, "b": 2, "c": 3}


def test_an_alias_shares_nothing_with_another_document() -> None:
    """An anchor ends with its document."""
    assert [problem.code for problem in problems(read("a: &x 1\n---\nb: *x\n"))] == ["PSR012"]


def test_merged_fields_keep_their_places() -> None:
    """What a merge key brings is found where it is written, also from another entry."""
    items = read("orders:\n- &a\n  x: 1\n- <<: *a\n  y: 2\n- <<: [{z: 3}, *a]\n")
    entries = [item for item in items if isinstance(item, ListEntry)]
    assert entries[1].value == {"y": 2, "x": 1}
    assert entries[1].value_span("x").line == entries[2].value_span("x").line == 3
    assert (entries[2].value_span("z").line, entries[2].value_span("z").column) == (6, 12)


def test_a_quoted_merge_sign_is_a_key() -> None:
    """Only the plain `<<` merges."""
    assert values(read('a: {"<<": 1}')) == [("a", {"<<": 1})]


def test_escapes_bring_in_no_control_character() -> None:
    """What a file may not hold, an escape may not write: not in values, not in keys."""
    items = read('orders:\n- a: "x\\0y"\n- "b\\u202e": 1\n- "ok\\ttab\\n"\n')
    assert places(items) == [("PSR002", 2, 6), ("PSR002", 3, 3)]
    assert values(items) == [{"a": "x\ufffdy"}, {"b\ufffd": 1}, "ok\ttab\n"]


def test_the_parser_is_the_c_one_where_there_is_one() -> None:
    """`PURE_PYTHON` tells whether the slow parser is in use."""
    import yaml

    assert yamldoc.PURE_PYTHON is not yaml.__with_libyaml__


@pytest.mark.parametrize("path", CASES, ids=lambda path: "/".join(path.parts[-3:]))
def test_both_parsers_read_the_same(path: Path) -> None:
    """Without libyaml every value, place and finding is the same; only where a text ends is told differently."""
    fast, slow = read(path.read_bytes()), read(path.read_bytes(), pure=True)
    assert values(fast) == values(slow)
    assert [problem.code for problem in problems(fast)] == [problem.code for problem in problems(slow)]
    last = len(path.read_bytes().decode("utf-8", "replace").splitlines())
    for one, other in zip(problems(fast), problems(slow), strict=True):
        if one.span and one.span.line <= last and (one.code != "PSR007" or "escape" not in one.message):
            assert one == other


def test_a_source_over_the_limit_is_refused() -> None:
    """Bytes beyond the limit never reach the parser."""
    with pytest.raises(Flaw, match="64 MiB"):
        TextSource.of(b"#" * (MAX_BYTES + 1), path="m.yaml")


def test_a_file_that_grows_is_cut_off(tmp_path: Path) -> None:
    """A file that was small when it was opened is still not read beyond the limit."""
    path = tmp_path / "m.yaml"
    path.write_bytes(b"a: 1\n")
    with TextSource.open(str(path)) as source:
        with path.open("r+b") as stream:
            stream.truncate(MAX_BYTES + 10)
            stream.seek(0)
            stream.write(b"#" * (MAX_BYTES + 10))
        found = problems(list(yamldoc.read(source, split="orders")))
    assert [problem.code for problem in found] == ["PSR003"]
