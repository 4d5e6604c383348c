"""Each command is handed one typed value, and click fills it as its types say."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from dataclasses import is_dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import click
import pytest

from runner import cli
from runner.cli.options.command import (
    CommandOptions,
    Origins,
    argument,
    define,
    group,
    option,
    option_class,
    parameters,
)
from runner.core.records import Head

FOLDER = Path(cli.__file__).parent
DECLARING = FOLDER / "options" / "command.py"
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.rglob("*.py"))}
SAMPLES = {
    str: "x",
    int: "3",
    float: "3",
    Path: "x",
    Decimal: "1.20",
    timedelta: "15m",
    date: "2026-11",
    Head: f"7:{0:064}",
}
"""What is typed for a value of a type."""


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by its name."""
    for name in cli.COMMANDS:
        command = importlib.import_module(f"runner.cli.{name}").command
        if isinstance(command, click.Group):
            yield from ((f"{name} {word}", part) for word, part in command.commands.items())
        else:
            yield name, command


COMMANDS = dict(commands())
KINDS = [
    value
    for name in cli.COMMANDS
    for value in vars(importlib.import_module(f"runner.cli.{name}")).values()
    if isinstance(value, type) and issubclass(value, CommandOptions) and value is not CommandOptions
]
"""The dataclasses of the commands, in the order of the commands."""
NAMES = dict(zip(KINDS, COMMANDS, strict=True))


def leaves(kind: Any) -> Iterator[tuple[str, Any]]:
    """Each parameter that a dataclass declares and its annotation, those of groups included."""
    for name, annotation in get_type_hints(kind).items():
        if is_dataclass(annotation) and annotation is not Origins:
            yield from leaves(annotation)
        elif annotation is not Origins:
            yield name, annotation


@option_class
class Place:
    path: str | None = option("--state")


@option_class
class Sample(CommandOptions):
    words: tuple[str, ...] = argument(nargs=-1)
    max_spend: int | None = option("-m", "--max-spend", type=int)
    loud: bool = option("--loud", is_flag=True)
    place: Place = group(Place)


def handed(arguments: list[str], **environment: str) -> Sample:
    """What a command of `Sample` is called with."""
    seen: list[Sample] = []

    @define("sample", Sample)
    def command(options: Sample) -> int:
        seen.append(options)
        return 7

    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        assert command.main(arguments, standalone_mode=False) == 7
    return seen[0]


def test_a_command_is_handed_what_was_typed() -> None:
    """Arguments, options and groups of options arrive as one value, and the command's own code is what click returns."""
    options = handed(["a", "b", "-m", "3", "--state", "x"])
    assert (options.words, options.max_spend, options.loud) == (("a", "b"), 3, False)
    assert options.place.path == "x"


def test_options_do_not_print() -> None:
    """What an option holds may be a password: no trace and no message shows it by accident."""
    assert "hidden" not in repr(handed(["--state", "hidden"]))


def test_the_line_is_told_from_the_environment() -> None:
    """`origins` has what was set, by the name it was set by; what nobody set is in neither half."""
    options = handed(["-m", "3"], ORDER_RUNNER_MAX_SPEND="9", ORDER_RUNNER_STATE="p")
    assert options.max_spend == 3
    assert options.origins == Origins(line={"max_spend": "-m"}, environment={"path": "ORDER_RUNNER_STATE"})


def test_an_option_of_the_line_counts_before_its_variable() -> None:
    """The environment sets what the line does not."""
    assert handed([], ORDER_RUNNER_MAX_SPEND="9").max_spend == 9
    assert handed(["--max-spend", "1"], ORDER_RUNNER_MAX_SPEND="9").max_spend == 1


def test_a_field_that_declares_nothing_is_an_error() -> None:
    """A value that no parameter fills cannot be added to a command."""

    @option_class
    class Loose(CommandOptions):
        path: str | None = option("--state")
        forgotten: str = "x"

    with pytest.raises(TypeError, match=r"Loose\.forgotten is neither"):
        list(parameters(Loose))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_command_takes_what_its_dataclass_declares(kind: type) -> None:
    """Frozen, slotted, and of one field a parameter: none twice, none beside them."""
    assert is_dataclass(kind)
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert "__slots__" in vars(kind)
    names = [param.name for param in parameters(kind)]
    assert names == [name for name, _ in leaves(kind)]
    assert len(set(names)) == len(names)
    assert [param.name for param in COMMANDS[NAMES[kind]].params] == names


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_click_fills_every_field_as_its_type_says(kind: type) -> None:
    """What mypy believes of an option is what click makes of it: its type, repeated or not, and None or a default."""
    command = COMMANDS[NAMES[kind]]
    typed = [
        sample(param, annotation)
        for param, (_, annotation) in zip(command.params, leaves(kind), strict=True)
        if param.required
    ]
    context = command.make_context("x", typed)
    for param, (name, annotation) in zip(parameters(kind), leaves(kind), strict=True):
        several = param.nargs == -1 or bool(getattr(param, "multiple", False))
        optional = type(None) in get_args(annotation)
        plain = next(part for part in get_args(annotation) if part is not type(None)) if optional else annotation
        assert (get_origin(plain) is tuple) == several, name
        assert optional == (context.params[name] is None), name
        _check_type(param, get_args(plain)[0] if several else plain, context)


def sample(param: click.Parameter, annotation: Any) -> str:
    """What may be typed for a parameter."""
    kind = get_args(annotation)[0] if get_origin(annotation) is tuple else annotation
    return str(param.type.choices[0]) if isinstance(param.type, click.Choice) else SAMPLES[kind]


def _check_type(param: click.Parameter, kind: Any, context: click.Context) -> None:
    """One value of a parameter is of that type."""
    if isinstance(param, click.Option) and param.is_flag:
        assert kind is bool, param.name
    elif get_origin(kind) is Literal:
        assert isinstance(param.type, click.Choice), param.name
        assert set(get_args(kind)) == set(param.type.choices), param.name
    else:
        assert isinstance(param.type.convert(sample(param, kind), param, context), kind), param.name


def test_no_option_is_looked_up_by_its_name() -> None:
    """No function takes options as loose keywords, subscripts them, or asks click for its present call."""
    for path, tree in TREES.items():
        if path == DECLARING:
            continue
        for node in ast.walk(tree):
            where = f"{path.name}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, (ast.FunctionDef, ast.Lambda)):
                assert node.args.kwarg is None, where
            if isinstance(node, ast.Subscript):
                assert ast.unparse(node.value).rpartition(".")[2] not in ("values", "params"), where
            if isinstance(node, ast.Attribute):
                assert node.attr not in ("get_current_context", "get_parameter_source", "pass_context"), where
