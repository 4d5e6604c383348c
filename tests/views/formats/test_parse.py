"""A report that is read back: by its schema, of every minor version, with the place of what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from runner.core.errors import UsageError
from runner.report.report import Finding
from runner.views import formats
from runner.views.formats import parse
from tests.views.conftest import Make


@pytest.fixture
def report(make: Make) -> dict[str, Any]:
    finding = Finding(problem=make.problem(), category="warning")
    orders = [make.entry("skipped", name, errors=(finding,)) for name in ("a", "b")]
    return make.document(make.report(*orders, errors=[finding]))


def read(document: object) -> Any:
    return parse.read(json.dumps(document).encode(), "r.json")


def test_a_report_is_what_was_written(report: dict[str, Any]) -> None:
    """A report of this version comes back as it is."""
    assert read(report) == report


def test_a_report_of_1_0_is_read(report: dict[str, Any]) -> None:
    """What 1.1 has added is empty in one of 1.0, but for the keys of findings of orders, which are known."""
    old = json.loads(json.dumps(report)) | {"report_version": "1.0"}
    for order in old["orders"]:
        del order["words"], order["possible"], order["renamed_from"], order["source"]["snippet"]
    for finding in [*old["errors"], *(f for order in old["orders"] for f in order["errors"])]:
        del finding["key"]
    assert formats.render("junit", read(old)) == formats.render("junit", report)
    assert read(old)["orders"][0]["errors"][0]["key"] == "crawl/a"


def test_a_report_of_1_1_is_read(report: dict[str, Any]) -> None:
    """In one of 1.1 nothing was renamed."""
    old = json.loads(json.dumps(report)) | {"report_version": "1.1"}
    for order in old["orders"]:
        del order["renamed_from"]
    assert read(old) == report


def test_a_report_of_a_later_minor_version_is_read(report: dict[str, Any]) -> None:
    """What we do not know of is left out."""
    newer = json.loads(json.dumps(report)) | {"report_version": "1.9", "new": 1}
    newer["orders"][0]["source"]["end"] = 5
    newer["orders"][0]["errors"][0]["new"] = 5
    newer["orders"][0]["evidence"] = {"kept": 1}
    expected = json.loads(json.dumps(report))
    expected["orders"][0]["evidence"] = {"kept": 1}
    assert read(newer) == expected


WRONG: list[tuple[bytes, str]] = [
    (b'{"report_version":\n ', "r.json:2:2: this is not valid JSON: Expecting value"),
    (b'{"a": 1, "a": 2}', "r.json has the key 'a' twice in one object"),
    (b"[]", "r.json is not a report: it has no report_version"),
    (b'{"report_version": 1}', "r.json is not a report: it has no report_version"),
    (b'{"report_version": "1.1"}', 'r.json is not a report: the document breaks required ("tool")'),
    (b'{"report_version": "1.0", "orders": 5}', "breaks required"),
    (b'{"report_version": "2.0"}', "r.json is a report of version 2.0; this order-runner reads 1.x"),
    (b"\xc3(", "r.json is not JSON that can be read"),
    (b"[" * 1_003, "JSON"),  # which of the two it is depends on how deep this Python's json goes
]


@pytest.mark.parametrize(("data", "words"), WRONG, ids=[words for _, words in WRONG])
def test_what_is_no_report_is_refused(data: bytes, words: str) -> None:
    """With the place, and what to do."""
    with pytest.raises(UsageError) as raised:
        parse.read(data, "r.json")
    assert words in str(raised.value)
    assert raised.value.hint


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda r: r["orders"][1].pop("status"), 'orders[1] breaks required ("status")'),
        (lambda r: r["orders"][0].update(extra=1), "orders[0] breaks additionalProperties"),
        (lambda r: r["money"].update(spent_confirmed=1.5), "money.spent_confirmed breaks type"),
        (lambda r: r["orders"][0]["errors"][0].update(line=0), "orders[0].errors[0].line breaks minimum (1)"),
    ],
)
def test_a_fault_has_its_place(report: dict[str, Any], spoil: Callable[[Any], object], words: str) -> None:
    """Which value it is, and which rule of the schema it breaks."""
    spoil(report)
    with pytest.raises(UsageError) as raised:
        read(report)
    assert words in str(raised.value)
