"""`order-runner init [DIR]`"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import click

from runner.cli.options.command import CommandOptions, argument, define, option, option_class
from runner.cli.options.common import exit_code
from runner.core.errors import ExitCode, UsageError
from runner.core.orders import PRODUCT_TYPES, ProductType

if TYPE_CHECKING:
    from runner.starter import Wish

SYSTEMS: Final = ("github", "gitlab", "jenkins")
NONE: Final = "none"
FIRST: Final[ProductType] = "ipv4"


@option_class
class InitOptions(CommandOptions):
    folder: Path = argument(metavar="[DIR]", default=Path(), type=click.Path(path_type=Path, file_okay=False))
    types: tuple[ProductType, ...] = option(
        "--type", multiple=True, type=click.Choice(PRODUCT_TYPES), help="A starter manifest of this type."
    )
    systems: tuple[str, ...] = option(
        "--ci", multiple=True, type=click.Choice(SYSTEMS), help="A workflow for this CI system."
    )
    pre_commit: bool = option("--pre-commit", is_flag=True, help="A hook that checks the orders before every commit.")
    vscode: bool = option("--vscode", is_flag=True, help="Settings that tell VS Code's YAML extension the schemas.")
    force: bool = option("--force", is_flag=True, help="Replace files that are there already.")
    no_input: bool = option("--no-input", is_flag=True, help="Never ask.")


@define("init", InitOptions)
def command(options: InitOptions) -> int:
    """Start a repository of orders in DIR, or add to one: manifests, policy, schemas, CI, hook.

    Writes a starter manifest for each --type, valid at once and bought by `apply --sandbox`. On a terminal it asks for
    what is not given. Where DIR has manifests already, it adds only what is named. Nothing is overwritten without
    --force: exit code 2, and nothing written.
    """
    from runner import starter
    from runner.starter import placing
    from runner.views import starter as view
    from runner.views.terminal.console import Console

    console = Console.detect(no_color=True)
    folder, types, systems = options.folder, options.types, options.systems
    begun = placing.has_manifests(folder)
    if not options.no_input and sys.stdin.isatty() and console.interactive:
        types, systems = _ask_for_rest(types, systems, begun=begun, hosted=placing.hosted_at(folder))
    choice = starter.Wish(
        types=_in_order(types, begun=begun),
        systems=tuple(system for system in SYSTEMS if system in systems),
        pre_commit=options.pre_commit,
        vscode=options.vscode,
    )
    _refuse_nothing(choice, folder)
    placed = placing.place(folder, starter.files(choice), force=options.force)
    view.render(placed, choice, folder, placing.repository_above(folder), console)
    return exit_code(ExitCode.OK, console)


def _in_order(types: Sequence[ProductType], *, begun: bool) -> tuple[ProductType, ...]:
    """Each type once, in one order, so that the order of options changes no byte."""
    chosen = types or (() if begun else (FIRST,))
    return tuple(name for name in PRODUCT_TYPES if name in chosen)


def _refuse_nothing(choice: Wish, folder: Path) -> None:
    if not (choice.types or choice.systems or choice.pre_commit or choice.vscode):
        raise UsageError(
            f"{folder} already has manifests, and nothing to add was named",
            hint="pass --ci, --pre-commit, --vscode, or --type for another starter manifest",
        )


def _ask_for_rest(
    types: tuple[ProductType, ...], systems: tuple[str, ...], *, begun: bool, hosted: str | None
) -> tuple[tuple[ProductType, ...], tuple[str, ...]]:
    """What the options left open, as a person answers it."""
    if not types and not begun:
        types = tuple(cast("ProductType", name) for name in _ask("Types of product", PRODUCT_TYPES, FIRST))
    if not systems:
        systems = tuple(name for name in _ask("CI", (*SYSTEMS, NONE), hosted or NONE) if name != NONE)
    return types, systems


def _ask(question: str, answers: Sequence[str], default: str) -> list[str]:
    """One or more of the answers; asks again for any other."""

    def words_of(text: str) -> list[str]:
        words = text.replace(",", " ").split()
        if not words or any(word not in answers for word in words):
            raise click.UsageError(f"one or more of {', '.join(answers)}")
        return words

    return click.prompt(f"{question} ({', '.join(answers)})", default=default, value_proc=words_of, err=True)
