"""The documentation site: built from docs/ as a reader gets it, and read again."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from docsite import check, contents, diagrams, fields, links, staging
from runner.cli import COMMANDS, cli

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = sorted((ROOT / "schemas").glob("*.json"))
BUILD = (
    "import sys; from pathlib import Path; from docsite.__main__ import {0}; sys.exit({0}(*map(Path, sys.argv[1:])))"
)


def built(what: str, *folders: Path) -> subprocess.CompletedProcess[str]:
    """`build(out)` or `render(pages, out)`, in a process of its own."""
    code = [sys.executable, "-W", "ignore", "-c", BUILD.format(what), *map(str, folders)]
    return subprocess.run(code, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole site, built once for all processes of a test run."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "site"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "said").exists():
            done = built("build", folder / "html")
            (folder / "said").write_text(f"{done.returncode}{done.stdout}{done.stderr}")
    assert (folder / "said").read_text() == "0"
    return folder / "html"


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[str, check.Page]:
    return {path.relative_to(site.resolve()).as_posix(): page for path, page in check.read(site.resolve()).items()}


def test_the_strict_build_has_nothing_to_complain_about(site: Path) -> None:
    """The site builds without one warning, and every link, anchor, title and description of its HTML is there."""
    assert list(check.problems(site)) == []


def test_every_page_is_reached_from_the_front(site: Path, pages: dict[str, check.Page]) -> None:
    """Whoever follows links from the front page sees every page of docs/ and every generated one."""
    seen, todo = set(), [site.resolve() / "index.html"]
    while todo:
        path = todo.pop()
        name = path.relative_to(site.resolve()).as_posix()
        if name not in seen and name in pages:
            seen.add(name)
            todo += [
                (path.parent / link.partition("#")[0]).resolve() for link in pages[name].links if "://" not in link
            ]
    wanted = {staged.removesuffix(".md") + ".html" for staged in staging.pages().values()}
    wanted |= {f"commands/{name}.html" for name in COMMANDS}
    wanted |= {f"schemas/{path.name.removesuffix('.schema.json')}.html" for path in SCHEMAS}
    assert wanted <= seen
    assert {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")} <= staging.pages().keys()


def test_no_file_name_stands_for_a_page(site: Path) -> None:
    """Where the repository says `cli.md`, the site says what the page is called."""
    text = (site / "explanation" / "life-of-an-order.html").read_text()
    assert not re.search(r">[a-z/-]+\.md<", text)
    assert ">Manifest reference<" in text.partition('role="main"')[2]


def test_no_page_asks_another_host(site: Path, pages: dict[str, check.Page]) -> None:
    """No page, style sheet or script of the site fetches anything from elsewhere."""
    assert all("://" not in target and not target.startswith("//") for page in pages.values() for target in page.loads)
    styles = "".join(path.read_text() for path in site.rglob("*.css"))
    assert not re.search(r"""(?:url\(|@import)\s*["']?(?:https?:)?//""", styles)
    scripts = [path.read_text() for path in site.rglob("*.js")]
    assert not any(re.search(r"""(?:fetch|import|importScripts)\(\s*["'`](?:https?:)?//""", text) for text in scripts)


def test_the_search_knows_every_page(site: Path) -> None:
    """The search index, a file of the site, names every page and finds a word of the reference."""
    index = json.loads((site / "searchindex.js").read_text().removeprefix("Search.setIndex(").removesuffix(")"))
    assert {"index", "tutorial", "cli", "commands/apply", "schemas/ipv4", "how-to/shared-ledger"} <= {
        *index["docnames"]
    }
    assert "tutorial" in [index["docnames"][number] for number in index["terms"]["sandbox"]]


def commands() -> Iterator[tuple[str, click.Command]]:
    """Each command's page, with the command and those under it."""
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        yield name, command
        if isinstance(command, click.Group):
            yield from ((name, part) for part in command.commands.values())


def test_every_option_is_in_the_reference(site: Path) -> None:
    """Each command's page names every spelling and every variable of its options, and the command's usage."""
    for name, command in commands():
        text = (site / "commands" / f"{name}.html").read_text()
        for option in (param for param in command.params if isinstance(param, click.Option)):
            variable = () if option.envvar is None else (str(option.envvar),)
            wanted = {*option.opts, *option.secondary_opts, *variable}
            assert {word for word in wanted if f'<span class="pre">{word}</span>' not in text} == set(), name


def properties(node: Any, *, top: bool = True) -> Iterator[str]:
    """Every name of a property in a schema; the types of a manifest have schemas, and so pages, of their own."""
    if isinstance(node, dict):
        yield from node.get("properties", {}) if isinstance(node.get("properties"), dict) else ()
        types = {path.name.removesuffix(".schema.json") for path in SCHEMAS}
        for name, value in node.items():
            if name not in ("if", "then", "else") and name not in types:
                yield from properties(value, top=False)
    elif isinstance(node, list):
        for value in node:
            yield from properties(value, top=False)


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name.removesuffix(".schema.json"))
def test_every_field_is_in_the_reference(site: Path, path: Path) -> None:
    """A schema's page has a heading for each of its fields, with what the schema says of it under it."""
    schema = json.loads(path.read_text())
    text = (site / "schemas" / f"{path.name.removesuffix('.schema.json')}.html").read_text()
    headings = re.findall(r'<h[23]><code[^>]*><span class="pre">([^<]+)</span>', text)
    assert {name for name in properties(schema) if name not in {path.rpartition(".")[2] for path in headings}} == set()
    assert len(headings) == len(set(headings))
    plain = " ".join(re.sub(r"<[^>]+>", "", text).split())
    for field in schema["properties"].values():
        assert " ".join(field.get("description", "").split()[:3]).replace("`", "") in plain


def test_fields_of_every_shape_are_found() -> None:
    """References, lists, free names, choices and conditions: none of them hides a field, and none shows one twice."""
    point = {"type": "object", "required": ["x"], "properties": {"x": {"type": "integer"}}}
    schema = {
        "$defs": {"point": point},
        "properties": {
            "at": {"oneOf": [{"type": "null"}, {"$ref": "#/$defs/point"}]},
            "path": {"items": {"$ref": "#/$defs/point"}},
            "named": {"additionalProperties": {"type": "string"}},
        },
        "oneOf": [{"properties": {"at": {}, "a": {}}}, {"properties": {"b": {"items": {"type": "string"}}}}],
        "allOf": [{"if": {"required": ["a"]}, "then": {"properties": {"c": {}}}, "else": {"properties": {"d": {}}}}],
    }
    by_path = {field.path: field for field in fields.fields(schema)}
    assert list(by_path) == ["at", "at.x", "path", "path[].x", "named", "named.*", "c", "d", "a", "b", "b[]"]
    assert by_path["at"].schema["type"] == ["object", "null"]
    assert by_path["path[].x"].required
    assert not by_path["path"].required


def test_the_reference_gives_examples_from_real_runs(site: Path) -> None:
    """Fields of reports and manifests show a value that a run, or a sample, really had."""
    assert "PSR504" in (site / "schemas" / "report.html").read_text()
    assert "FRA&quot;" in (site / "schemas" / "ipv4.html").read_text()


def test_a_wrong_page_stops_the_build(tmp_path: Path) -> None:
    """A link or an anchor that leads nowhere, a heading that skips a level, and a page that nothing leads to: each
    fails the build and is named."""
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "index.md").write_text("# One\n\n[a](nowhere.md) and [b](#nothing)\n\n### Too deep\n")
    (folder / "alone.md").write_text("# Alone\n\nText.\n")
    done = built("render", folder, tmp_path / "html")
    assert done.returncode != 0
    for wrong in ("index.md:3: WARNING", "'nowhere.md'", "'nothing'", "H1 to H3", "alone.md: WARNING"):
        assert wrong in done.stderr, done.stderr


def test_the_checker_finds_what_is_wrong(tmp_path: Path) -> None:
    """A missing file, a missing anchor, a script from elsewhere, a page without title or description: each is named."""
    head = '<title>A</title><meta name="description" content="a">'
    (tmp_path / "a.html").write_text(
        f'{head}<a href="b.html#there">b</a><a href="https://example.org/x">x</a><p id="p">'
    )
    (tmp_path / "b.html").write_text(
        '<a href="c.html">c</a><a href="a.html#q">q</a><a href="#top">t</a><i id="there"></i>'
        '<script src="https://example.org/x.js"></script><img src="//example.org/y.png">'
    )
    assert sorted(check.problems(tmp_path)) == [
        "b.html: #top leads nowhere",
        "b.html: a.html#q leads nowhere",
        "b.html: asks another host for //example.org/y.png",
        "b.html: asks another host for https://example.org/x.js",
        "b.html: c.html leads nowhere",
        "b.html: no description",
        "b.html: no title",
    ]


def test_links_lead_to_where_the_site_has_things() -> None:
    """Links out of docs/ go to the site's page, a file's name becomes a title, what the site does not have is named, and
    code is left alone."""
    places = {
        "docs/cli.md": "cli.md",
        "schemas/ipv4.schema.json": "schemas/ipv4.md",
        "samples/a.yaml": "samples/index.md#a",
    }
    text = "[a](../cli.md#plan) [b](../../schemas/ipv4.schema.json) [c](../../runner/buy/protocol.py) `[d](../cli.md)` [e](#here)"
    assert links.rewritten(text, page="docs/how-to/x.md", staged="how-to/x.md", places=places) == (
        "[a](../cli.md#plan) [b](../schemas/ipv4.md) c (`runner/buy/protocol.py` in the repository) `[d](../cli.md)` [e](#here)"
    )
    assert (
        links.rewritten("[`protocol.py`](../runner/buy/protocol.py)", page="docs/x.md", staged="x.md", places={})
        == "`protocol.py`"
    )
    assert (
        links.rewritten("[cli.md](../cli.md)", page="docs/how-to/x.md", staged="how-to/x.md", places=places)
        == "[](../cli.md)"
    )
    assert links.rewritten("[s](../samples/a.yaml)", page="docs/x.md", staged="x.md", places=places) == (
        "[s](samples/index.md#a)"
    )


def test_a_new_page_finds_its_place() -> None:
    """A page nobody has heard of goes to how-to guides or explanation by its folder, and else to the reference."""
    sections = contents.sections(["index", "how-to/new", "explanation/new", "new", "tutorial", "commands/apply"])
    assert sections["How-to guides"] == ["how-to/new"]
    assert sections["Explanation"] == ["explanation/new"]
    assert sections["Reference"] == ["new"]
    assert [page for pages in sections.values() for page in pages] == [
        "tutorial",
        "how-to/new",
        "new",
        "explanation/new",
    ]


def test_no_line_of_a_page_moves() -> None:
    """A warning about line 40 of a page in the site is about line 40 of the page in the repository."""
    known = staging.places()
    for path, staged in staging.pages().items():
        before, after = (ROOT / path).read_text(), staging.page(path, staged, known)
        assert after.count("\n") == before.count("\n"), path
        assert list(links.headings(after)) == list(links.headings(before)), path


def test_a_state_diagram_becomes_a_table() -> None:
    """Each arrow is a row; what is no arrow is an error, and another diagram is left for the build to refuse."""
    block = "```mermaid\nstateDiagram-v2\n    [*] --> planned\n    planned --> submitted: a claimed\n```"
    assert diagrams.drawn(block).splitlines()[2:] == [
        "|  | nothing yet | `planned` |  |",
        "| *a* | `planned` | `submitted` | `claimed` |",
    ]
    with pytest.raises(ValueError, match="no arrow"):
        diagrams.drawn("```mermaid\nstateDiagram-v2\n    planned\n```")
    assert diagrams.drawn("```mermaid\npie\n```") == "```mermaid\npie\n```"
