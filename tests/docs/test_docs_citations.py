"""Whatever code, comments, cases and pages refer to is in the repository, under the name they use."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.docs.test_docs_links import anchors, prose

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("benchmarks", "docs", "docsite", "runner", "samples", "schemas", "tests")
KINDS = {".py", ".md", ".json", ".yaml", ".yml", ".sql", ".toml", ".js", ".css"}
INVENT = {"tests/docs/test_docs_citations.py", "tests/docs/test_docs_links.py", "tests/docs/test_docs_site.py"}
"""Tests that make pages up."""

PLACE = re.compile(r"(?<![\w./-])((?:docs|runner|tests|docsite|benchmarks)/[\w./-]+\.(?:md|py))(?:#([\w-]+))?")
VENDOR = re.compile(r"(?<![\w/-])([\w./-]*api[-/_ ]?v[12]\.md)(#?)")
DECISION = re.compile(r"\bdecision (\d+)\b")
ELSEWHERE = re.compile(r"(?:RFC \d+|YAML \d\.\d) section \d+(?:\.\d+)*")
"""Published documents, whose sections are theirs."""
DANGLING = re.compile(r"§ ?\d+|\bsections? \d+(?:\.\d+)*|\b[Tt]hreats? [A-Z]?\d+|\bdesign\.md|\bthe design's table")
CITED = re.compile(r"\[([^\]\[]+)\](?!\()")


@cache
def texts() -> dict[str, str]:
    """Every text of the project that may refer to something, by its path."""
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in KINDS]
    found += [*ROOT.glob("*.md"), ROOT / "pyproject.toml"]
    names = {path.relative_to(ROOT).as_posix(): path for path in sorted(found) if path.is_file()}
    return {
        name: path.read_text(encoding="utf-8", errors="replace") for name, path in names.items() if name not in INVENT
    }


def lost(text: str) -> Iterator[str]:
    """What a text refers to that is not there: pages, their sections, files, decisions, numbers of unknown documents."""
    for path, anchor in PLACE.findall(text):
        if not (ROOT / path).is_file() or (anchor and anchor not in anchors(ROOT / path)):
            yield f"{path}#{anchor}" if anchor else path
    for number in DECISION.findall(text):
        if not list((ROOT / "docs" / "decisions").glob(f"{int(number):04}-*.md")):
            yield f"decision {number}"
    yield from DANGLING.findall(ELSEWHERE.sub("", text))


def loose(text: str) -> Iterator[str]:
    """Pages about the vendor that are cited in another form than `docs/vendor/api-v1.md#section`."""
    for path, mark in VENDOR.findall(text):
        if not (path.startswith("docs/vendor/") and mark):
            yield path


def keys(text: str) -> set[str]:
    """The sources that a page about the vendor names in square brackets, without the pages behind them."""
    return {" ".join(found.split()).partition(":")[0] for found in CITED.findall(text)}


@pytest.mark.parametrize("folder", [*FOLDERS, ""])
def test_what_is_cited_is_there(folder: str) -> None:
    """Every page, section, file and decision that a text of this folder names is in the repository, and no text cites a
    number of a document that is not."""
    mine = {name: text for name, text in texts().items() if name.rpartition("/")[0].partition("/")[0] == folder}
    assert mine
    assert {name: wrong for name, text in mine.items() if (wrong := list(lost(text)))} == {}


def test_facts_about_the_vendor_are_cited_in_one_form() -> None:
    """Outside of Markdown, which links, the vendor's pages are cited as `docs/vendor/api-v1.md#section`."""
    code = {name: text for name, text in texts().items() if not name.endswith(".md")}
    assert sum("docs/vendor/api-v" in text for text in code.values()) > 100
    assert {name: wrong for name, text in code.items() if (wrong := list(loose(text)))} == {}


def test_every_case_from_the_vendor_names_its_section() -> None:
    """A case whose source speaks of the vendor's documentation cites the section that it is about."""
    cases = [json.loads(text)["source"] for name, text in texts().items() if re.match(r"tests/vendors/.*/cases/", name)]
    assert len(cases) > 200
    marked = [case for case in cases if re.search(r"verbatim|CONTRADICTION|INFERRED|UNKNOWN|\bv[12]\b", case)]
    assert [case for case in marked if not re.search(r"docs/vendor/api-v[12]\.md#[\w-]+", case)] == []


def test_every_source_of_a_fact_is_explained() -> None:
    """Each source that the pages about the vendor name is in the tables of sources, and each one there is used."""
    pages = {path.stem: path for path in (ROOT / "docs" / "vendor").glob("*.md")}
    text = pages["sources"].read_text(encoding="utf-8")
    tables = re.findall(r"^\| key \|.*\n\|[- |]+\n((?:\|.*\n)+)", text, re.MULTILINE)
    rows = [row.split("|")[1] for table in tables for row in table.splitlines()]
    explained = {key.strip() for row in rows for key in row.split(",")}
    named = set().union(*(keys(prose(page)) for page in pages.values()))
    assert {"docs v1", "Python 2.1.1", "user 2"} <= named
    assert named - explained == set()
    assert explained - named == set()


def test_every_invariant_of_the_simulation_is_told() -> None:
    """What the simulation says is broken, by its number, is in the table of docs/reliability.md."""
    rows = set(re.findall(r"^\| (I\d+) \|", texts()["docs/reliability.md"], re.MULTILINE))
    simulation = [text for name, text in texts().items() if name.startswith("tests/simulation/")]
    cited = {number for text in simulation for number in re.findall(r"\bI\d+\b", text)}
    assert cited
    assert cited - rows == set()


def test_samples_on_the_pages_are_json() -> None:
    """Each sample on the pages about the vendor can be read by a JSON parser."""
    pages = (ROOT / "docs" / "vendor").glob("*.md")
    blocks = [
        block
        for page in pages
        for block in re.findall(r"^```json\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    ]
    assert len(blocks) > 3
    for block in blocks:
        json.loads(block)


def test_a_lost_citation_is_found() -> None:
    """A missing page, section, file or decision, a section of nothing and a number of a threat are found; sections of
    RFCs are theirs."""
    text = """docs/nowhere.md, docs/cli.md#nothing, docs/cli.md#plan, runner/nowhere.py, decision 4, decision 999,
    section 4, RFC 9110 section 10.2.3, § 3, Threats T5 and T6, sections 5 to 10"""
    assert set(lost(text)) == {
        *("docs/nowhere.md", "docs/cli.md#nothing", "runner/nowhere.py", "decision 999"),
        *("section 4", "§ 3", "Threats T5", "sections 5"),
    }
    assert list(loose("docs/vendor/api-v1.md#access")) == []
    forms = ("api/v1.md section 3", "docs/vendor/api-v1.md", "vendor/api-v2.md#balance")
    assert [wrong for form in forms for wrong in loose(form)] == [
        "api/v1.md",
        "docs/vendor/api-v1.md",
        "vendor/api-v2.md",
    ]
    assert keys("a [docs v1: Complete\n  information][user 2], [link](page.md)") == {"docs v1", "user 2"}
