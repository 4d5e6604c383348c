"""docs/cli.md describes every command and option as click has them, and nothing else."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from runner.cli import COMMANDS, cli
from runner.core.ci import SYSTEMS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
SECTIONS: dict[str, str] = dict(re.findall(r"^#{2,3} (.+)\n((?:(?!^##).*\n?)*)", PAGE, re.MULTILINE))
ROW = re.compile(r"^\| (`-[^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
ALSO = re.compile(r"^Also takes: (.*?)\.$", re.MULTILINE | re.DOTALL)
GROUP = re.compile(r"\[[^\]]+\]\(#([a-z-]+)\)")
NAMES = re.compile(r"`(-[^`]+)`")


def command(name: str) -> click.Command:
    found: click.Command | None = cli
    for word in name.split():
        assert isinstance(found, click.Group)
        found = found.get_command(click.Context(found), word)
    assert found is not None
    return found


def names() -> Iterator[str]:
    """Every command, those of a group as they are typed."""
    for name in COMMANDS:
        yield name
        group = command(name)
        if isinstance(group, click.Group):
            yield from (f"{name} {word}" for word in group.commands)


def options(name: str) -> dict[frozenset[str], click.Option]:
    """What click knows, by spellings; help aside, which every command has."""
    found = (param for param in command(name).params if isinstance(param, click.Option))
    return {frozenset((*option.opts, *option.secondary_opts)): option for option in found}


def table(section: str) -> Iterator[tuple[frozenset[str], str, str]]:
    """The options that a section's tables describe: spellings, default, meaning."""
    for names, default, meaning in ROW.findall(SECTIONS[section]):
        yield frozenset(NAMES.findall(names)), default, meaning


def rows(name: str) -> Iterator[tuple[frozenset[str], str, str]]:
    """What the page says of a command's options, those it shares with others included."""
    yield from table(name)
    also = ALSO.search(SECTIONS[name])
    if also:
        yield from (row for row in table("Shared options") if row[0] & set(NAMES.findall(also[1])))
        for anchor in GROUP.findall(also[1]):
            yield from table(anchor.replace("-", " ").capitalize())


def variable(name: str, option: click.Option) -> str | None:
    """The variable of an option by the page's rule, or the one that the page names for it; None where it has none."""
    alone = re.search(r"Nor has `([a-z ]+) (--[a-z-]+)`", SECTIONS["Where a value comes from"])
    assert alone
    if name == alone[1] and alone[2] in option.opts:
        return None
    without = re.search(r"((?:`--[a-z-]+`[ \nand,]*)+) have no variable", SECTIONS["Where a value comes from"])
    assert without
    if set(NAMES.findall(without[1])) & {*option.opts}:
        return None
    exceptions = dict(re.findall(r"`(--[a-z-]+)` is `([A-Z_]+)`", SECTIONS["Where a value comes from"]))
    long = next(name for name in option.opts if name.startswith("--"))
    return exceptions.get(long) or f"ORDER_RUNNER_{long[2:].replace('-', '_').upper()}"


@pytest.mark.parametrize("name", list(names()))
def test_every_option_is_documented_and_none_invented(name: str) -> None:
    """A command's section and the groups it names have each of its options once, with every spelling."""
    described = [names for names, *_ in rows(name)]
    assert sorted(map(sorted, described)) == sorted(map(sorted, options(name)))


@pytest.mark.parametrize("name", list(names()))
def test_every_variable_is_the_one_that_counts(name: str) -> None:
    """The variable that the page's rule gives an option is the one click reads."""
    known = options(name).values()
    assert [variable(name, option) for option in known] == [option.envvar for option in known]


def test_every_exception_to_the_rule_of_variables_exists() -> None:
    """What the page names a variable for is an option."""
    named = re.findall(r"`(--[a-z-]+)` is `", SECTIONS["Where a value comes from"])
    assert named
    assert set(named) <= {name for command in names() for option in options(command) for name in option}


@pytest.mark.parametrize("name", list(names()))
def test_every_default_is_the_one_that_counts(name: str) -> None:
    """An option with a value of its own by default is documented with it; a flag is off."""
    known = options(name)
    for names, default, meaning in rows(name):
        option = known[names]
        assert meaning.strip()
        if option.secondary_opts:
            assert option.default is None, names
            assert default == "on with `CI`, else off", names
        elif option.is_flag:
            assert default == "off", names
        elif isinstance(option.get_default(click.Context(command(name))), (int, float, Path)):
            value = option.get_default(click.Context(command(name)))
            shown = f"{value:g}" if isinstance(value, float) else str(value)
            assert default == f"`{shown}`", names
        else:
            assert not re.fullmatch(r"`[0-9.]+`", default), names


def test_every_command_is_documented() -> None:
    """Each command has a section and a line in the table at the top, which links to it; no other command is named."""
    listed = re.findall(r"^\| \[`([a-z]+)`\]\(#([a-z]+)\) \|", PAGE, re.MULTILINE)
    assert [name for name, _ in listed] == [anchor for _, anchor in listed] == list(COMMANDS)
    assert set(names()) <= SECTIONS.keys()
    assert set(re.findall(r"`order-runner ([a-z]+)", PAGE)) <= set(COMMANDS)


def test_every_format_is_documented() -> None:
    """The table of formats names what each command takes, the default first."""
    described = {
        name: tuple(re.findall(r"`([a-z0-9-]+)`", formats))
        for name, formats in re.findall(r"^\| `([a-z]+)` \| ((?:`[a-z0-9-]+`(?:, )?)+) \|", PAGE, re.MULTILINE)
    }
    modules = {name: importlib.import_module(f"runner.cli.{name}") for name in COMMANDS}
    batching = importlib.import_module("runner.cli.buying")
    known = {name: module.FORMATS for name, module in modules.items() if hasattr(module, "FORMATS")}
    assert described == known | {"plan": batching.FORMATS, "apply": batching.FORMATS}


def test_the_page_lists_every_ci_system() -> None:
    """How-to/ci.md names each system that is known, and no other."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "ci.md").read_text(encoding="utf-8")
    sentence = page.split("names itself: ")[1].split(". Such a variable")[0]
    assert sentence.replace("\n", " ").split(", ") == sorted((system.name for system in SYSTEMS), key=str.lower)
