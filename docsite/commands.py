"""The reference of the command line, from click itself: a page for each command, with every option it takes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from docsite.contents import toctree
from runner.cli import COMMANDS, cli

UNWRAPPED: Final = "\b"
OPTION: Final = re.compile(r"(?<![\w-])(--[a-z][a-z-]*)")
MARK: Final = re.compile(r"([*_<\[\]])")
BRACKET: Final = re.compile(r" *\[([^\[\]]+)\]$")
"""The default, in brackets at the end of a help text."""


def pages() -> dict[str, str]:
    """The index and a page for each command."""
    rows = [f"| [`{name}`]({name}.md) | {line} |" for name, line in COMMANDS.items()]
    index = [
        "# Every command\n",
        "Made from the program itself. [Command line](../cli.md) tells what commands share and what goes where.\n",
        "| command | does |\n| --- | --- |",
        *rows,
        "\n`order-runner --version` prints the version. Every command takes `-h` and `--help`.",
    ]
    made = {f"commands/{name}.md": page(name) for name in COMMANDS}
    return {"commands/index.md": "\n".join(index) + toctree(f"commands/{name}" for name in COMMANDS)} | made


def page(name: str) -> str:
    """One command, and those under it."""
    command = cli.get_command(click.Context(cli), name)
    assert command is not None  # noqa: S101 - each name of COMMANDS has one
    text = f"# order-runner {name}\n\n{escaped(COMMANDS[name])}\n\n{described(command, name)}"
    if isinstance(command, click.Group):
        for word, part in command.commands.items():
            text += f"\n## order-runner {name} {word}\n\n{described(part, f'{name} {word}', '###')}"
    return f"{text}\nSee also [{name}](../cli.md#{name}) in the command line as a whole.\n"


def described(command: click.Command, name: str, level: str = "##") -> str:
    """Usage, help and options; options are headings of that level."""
    context = click.Context(command, info_name=f"order-runner {name}")
    usage = " ".join((context.info_name or "", *command.collect_usage_pieces(context)))
    options = [param for param in command.params if isinstance(param, click.Option) and not param.hidden]
    return f"```text\n{usage}\n```\n\n{prose(command.help or '')}\n\n" + "\n".join(
        option(found, level) for found in options
    )


def prose(text: str) -> str:
    """A docstring as paragraphs; one that click is told not to wrap becomes a block."""
    return "\n\n".join(
        f"```text\n{block.removeprefix(UNWRAPPED).strip()}\n```" if block.startswith(UNWRAPPED) else escaped(block)
        for block in inspect.cleandoc(text).split("\n\n")
    )


def escaped(text: str) -> str:
    """Help for a terminal as Markdown: options become code, and a star of a pattern is no emphasis."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else OPTION.sub(r"`\1`", MARK.sub(r"\\\1", part)) for part in parts)


def option(parameter: click.Option, level: str) -> str:
    """One option: its spellings as a heading, what it does, and its facts in a line."""
    spellings = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    text = parameter.help or ""
    told = BRACKET.search(text)
    shown = " · ".join(facts(parameter, told and told[1]))
    return f"{level} {spellings}\n\n{escaped(BRACKET.sub('', text))}\n\n{shown}\n"


def facts(parameter: click.Option, words: str | None) -> Iterator[str]:
    """What it takes, what counts without it, and its environment variable; `words` is the default as help tells it."""
    if not parameter.is_flag:
        yield f"takes `{value(parameter)}`" + (", may be repeated" if parameter.multiple else "")
    yield "required" if parameter.required else f"default: {words or default(parameter)}"
    if parameter.envvar:
        yield f"environment: `{parameter.envvar}`"


def value(parameter: click.Option) -> str:
    """How help writes the value, with its bounds."""
    if isinstance(parameter.type, click.Choice):
        return " | ".join(map(str, parameter.type.choices))
    if not isinstance(parameter.type, (click.IntRange, click.FloatRange)):
        return parameter.metavar or parameter.type.name.upper()
    low, high = (None if end is None else f"{end:g}" for end in (parameter.type.min, parameter.type.max))
    bounds = f" from {low}" if high is None else f" from {low} to {high}"
    return f"{parameter.metavar or 'NUMBER'}{bounds}"


def default(parameter: click.Option) -> str:
    """What counts without the option, where click knows it."""
    known = parameter.to_info_dict()["default"]
    if parameter.is_flag:
        return "on" if known is True else "off"
    return f"`{known}`" if isinstance(known, (str, int, float, Path)) else "none"
