"""Everything that has a name can be explained, from the one place where it is written down."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from runner import explain
from runner.cli import cli
from runner.core import schemas
from runner.core.codes import TITLES
from runner.core.errors import ExitCode
from runner.core.orders import PRODUCT_TYPES
from runner.core.states import MOVES, State
from runner.explain import fields, page_tables, pages
from runner.explain.topics import Topic
from runner.report.report import STATUSES

ROOT = Path(__file__).resolve().parents[2]


def one(*words: str) -> Topic:
    (topic,) = explain.explanations(words)
    return topic


def texts(topic: Topic) -> list[str]:
    """Everything a topic says in sentences."""
    return [
        text for section in topic.sections for text in (*section.paragraphs, *(line.text for line in section.lines))
    ]


def part(topic: Topic, heading: str | None) -> list[str]:
    """What stands under a heading: paragraphs and code."""
    index = [section.heading for section in topic.sections].index(heading)
    section = topic.sections[index]
    return [*section.paragraphs, *([section.code] if section.code else [])]


def properties(schema: Any, root: dict[str, Any], path: str) -> Iterator[str]:
    """The path of each property of a schema, read by hand and not by the code under test."""
    if "$ref" in schema:
        yield from properties(root["$defs"][schema["$ref"].rpartition("/")[2]], root, path)
    for choice in schema.get("oneOf", ()):
        yield from properties(choice, root, path)
    if "items" in schema:
        yield from properties(schema["items"], root, path)
    free = schema.get("additionalProperties")
    for name, child in {**schema.get("properties", {}), **({"*": free} if isinstance(free, dict) else {})}.items():
        yield f"{path}.{name}"
        yield from properties(child, root, f"{path}.{name}")


@pytest.mark.parametrize("code", sorted(TITLES))
def test_every_finding_is_explained_as_its_page_has_it(code: str) -> None:
    """Each code has its title, an example, why, and the way out, word for word as in docs/findings.md."""
    topic = one(code)
    assert (topic.name, topic.title) == (code, TITLES[code])
    assert any(section.code for section in topic.sections)
    page = " ".join(pages.plain((ROOT / "docs" / "findings.md").read_text("utf-8")).split()) + " "
    why, way_out = (" ".join(part(topic, heading)) for heading in ("Why", "What to do"))
    assert why
    assert way_out
    assert f"{why} → {way_out} " in page


@pytest.mark.parametrize("code", sorted(ExitCode), ids=lambda code: code.name.lower())
def test_every_exit_code_is_explained_by_number_and_name(code: ExitCode) -> None:
    """Number and name lead to the same topic, which tells when it is given and what to do."""
    topic = one("exit", str(int(code)))
    assert topic == one("exit", "code", str(int(code))) == one("exit", code.name.lower())
    assert topic == explain.explanations([code.name.lower().replace("_", "-")])[0]
    assert topic.title == code.name.lower()
    assert all(part(topic, None))
    assert all(part(topic, "What to do"))


@pytest.mark.parametrize("name", sorted({*STATUSES, *State}))
def test_every_status_is_explained_with_its_moves(name: str) -> None:
    """Each status of a report and each state of the ledger has a meaning; a state every legal move in and out, no other."""
    topic = one("status", name)
    assert len(" ".join(part(topic, None))) > 10
    moves = [(line.name, line.text) for section in topic.sections for line in section.lines]
    legal = [(f"{move.before} → {move.after}", str(move.event)) for move in MOVES if name in (move.before, move.after)]
    assert moves == legal
    assert bool(moves) == (name in set(State))


@pytest.mark.parametrize("schema", schemas.names())
def test_every_field_of_every_schema_is_explained(schema: str) -> None:
    """Each property of each published schema has a topic of its own, with a title and a text, at its path."""
    paths = list(dict.fromkeys(properties(schemas.load(schema), schemas.load(schema), schema)))
    assert paths
    assert set(paths) == {node.name for node in fields.every(fields.root(schema)) if node.path}
    for path in paths:
        topic = one("field", path)
        assert topic.name == path
        assert topic.title
        assert len(topic.sections[0].paragraphs[0]) > 5, path


def test_every_name_leads_somewhere_and_says_something() -> None:
    """No name that is offered is unknown, and no topic is empty."""
    names = explain.every_name()
    assert len(names) > 600
    for name in names:
        for topic in explain.explanations(name.split(" ")):
            assert any(texts(topic)), name
            assert all(explain.explanations(other.split(" ")) for other in topic.see[:2]), name


@pytest.mark.parametrize("name", PRODUCT_TYPES)
def test_a_type_shows_its_fields_with_what_they_need(name: str) -> None:
    """Each field of a type is shown once, with what it needs as the type's schema has it."""
    schema = schemas.load(name)
    fields = {line.name: (section.heading, line.mark) for section in one(name).sections for line in section.lines}
    assert set(fields) == set(schema["properties"])
    either = [{branch["required"][0] for branch in rule["oneOf"]} for rule in schema["allOf"] if "oneOf" in rule]
    for field, (heading, mark) in fields.items():
        pair = next((pair for pair in either if field in pair), None)
        if pair:
            (other,) = pair - {field}
            assert (heading, mark) == ("Required, one of each two", f"required, or `{other}`")
        else:
            assert heading == ("Required" if field in schema["required"] else "Optional")


def test_a_field_alone_tells_the_types_apart() -> None:
    """A field of orders names every type that has it, in groups that read alike, and those that have not."""
    topic = one("quantity")
    groups = {line.name: line.mark for line in topic.sections[0].lines}
    assert sorted(", ".join(groups).split(", ")) == sorted(set(PRODUCT_TYPES) - {"resident"})
    assert set(groups.values()) == {"required"}
    assert topic.sections[1].paragraphs == ("Not a field of resident.",)
    assert len(one("mobileServiceType").sections[0].lines) == 1


PATHS = [
    ("report.orders[].errors[].code", "report.orders.errors.code"),
    ("report.orders.0.key", "report.orders.key"),
    ("plan.orders.problem.code", "plan.orders.problem.code"),
    ("lockfile.entries.word", "lockfile.entries.word"),
    ("ipv4.labels.team", "ipv4.labels.*"),
    ("budget.max_total", "manifest.budget.max_total"),
    ("auth.mode", "auth.mode"),
    ("psr012", "PSR012"),
    ("`quantity`", None),
]


@pytest.mark.parametrize(("asked", "name"), PATHS)
def test_paths_go_through_lists_references_and_free_names(asked: str, name: str | None) -> None:
    """A path may name a list's items or not, and goes through references and names that are not fixed."""
    if name is None:
        with pytest.raises(explain.UnknownTopic):
            one(asked)
    else:
        assert one(asked).name == name


NEAREST = [("quantiti", "quantity"), ("ipv4.quantiti", "ipv4.quantity"), ("PSR0122", "PSR012"), ("report.unexplained", "report.money.unexplained"), ("exit 12", "exit 1"), ("status lost", "status")]  # fmt: skip


@pytest.mark.parametrize(("asked", "near"), NEAREST)
def test_an_unknown_topic_names_the_nearest(asked: str, near: str) -> None:
    """What nothing is called is answered with what may have been meant."""
    with pytest.raises(explain.UnknownTopic) as unknown:
        explain.explanations(asked.split(" "))
    assert unknown.value.word == asked
    assert any(name.startswith(near) for name in unknown.value.near)


def test_a_word_with_two_meanings_is_both() -> None:
    """`refused` is an exit code and a status; a word in front of it chooses."""
    assert [topic.kind for topic in explain.explanations(["refused"])] == ["exit code", "status"]
    assert one("status", "refused").kind == "status"
    assert [topic.name for topic in explain.explanations(["ipv4", "emergency", "file", "exit", "7"])] == ["ipv4", "term emergency file", "exit 7"]  # fmt: skip


def test_lists_are_complete() -> None:
    """Each list has everything of its kind, and the overview names every list and every type."""
    assert [line.name for line in one("findings").sections[0].lines] == sorted(TITLES)
    assert {line.mark for line in one("exit-codes").sections[0].lines} == {code.name.lower() for code in ExitCode}
    assert {line.name for line in one("statuses").sections[0].lines} == {*STATUSES, *State}
    assert {line.name for line in one("terms").sections[0].lines} == set(page_tables.terms())
    said = " ".join(line.text for line in explain.overview().sections[0].lines).split()
    assert {*PRODUCT_TYPES, *set(schemas.names()) - set(PRODUCT_TYPES), "findings", "exit-codes", "statuses"} <= set(
        said
    )


def test_the_pages_are_all_that_is_shipped() -> None:
    """The pages that explanations are read from are the ones that the package carries."""
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    (shipped,) = re.findall(r'^"runner\._docs" = \[(.+)\]$', text, re.MULTILINE)
    assert tuple(json.loads(f"[{shipped}]")) == pages.PAGES


def command(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "runner", "explain", *words]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, env={"PATH": "", **env})


def test_the_command_fits_the_terminal_and_speaks_json() -> None:
    """Lines end where the terminal does; `-f json` has the same in one document."""
    for width in (40, 80):
        narrow = command("ipv4", "PSR304", "quantity", COLUMNS=str(width)).stdout.splitlines()
        assert max(len(line) for line in narrow if not line.startswith("    ")) <= width
    told = json.loads(command("PSR012", "exit", "7", "-f", "json").stdout)
    assert (told["version"], [topic["name"] for topic in told["topics"]]) == ("1.0", ["PSR012", "exit 7"])
    assert told["topics"][0]["sections"][1]["heading"] == "Why"


def test_a_shell_completes_names_step_by_step() -> None:
    """Tab offers names no deeper than what is typed, and every one of them can be explained."""
    topic = cli.get_command(click.Context(cli), "explain").params[0]  # type: ignore[union-attr]
    typed = {begin: [str(item.value) for item in topic.shell_complete(click.Context(cli), begin)] for begin in ("", "ipv6.", "report.money.un", "PSR30", "x")}  # fmt: skip
    assert {*PRODUCT_TYPES, "quantity", "findings", "PSR012", "outcome_unknown"} <= set(typed[""])
    assert typed["ipv6."] == [f"ipv6.{field}" for field in schemas.load("ipv6")["properties"]]
    assert typed["report.money.un"] == ["report.money.unexplained"]
    assert typed["PSR30"] == [code for code in sorted(TITLES) if code.startswith("PSR30")]
    assert typed["x"] == []
    assert all(explain.explanations([name]) for names in typed.values() for name in names)


def test_the_command_refuses_what_nothing_is_called() -> None:
    """Exit code 2, nothing on stdout, and the nearest names as the hint."""
    done = command("quantiti")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[0] == "error: there is nothing called 'quantiti'"
    assert done.stderr.splitlines()[1].startswith("hint: nearest: quantity")
    assert "\x1b" not in command("\x1b[31mred").stderr
