"""`order-runner schema [NAME]`"""

from __future__ import annotations

from runner.cli.complete import values
from runner.cli.options.command import CommandOptions, argument, define, option_class
from runner.cli.options.common import exit_code
from runner.core.errors import ExitCode, UsageError


@option_class
class SchemaOptions(CommandOptions):
    name: str | None = argument(required=False, shell_complete=values.schemas)


@define("schema", SchemaOptions)
def command(options: SchemaOptions) -> int:
    """Print the JSON schema NAME, or the names of all."""
    from runner.core import schemas
    from runner.views.terminal.console import Console

    console = Console.detect(no_color=True)
    name, names = options.name, schemas.names()
    if name is not None and name not in names:
        raise UsageError(f"there is no schema called {name!r}", hint=f"one of {', '.join(names)}")
    console.write(schemas.text(name) if name is not None else "".join(f"{each}\n" for each in names))
    return exit_code(ExitCode.OK, console)
