"""`order-runner schema [NAME]`"""

from __future__ import annotations

import click

from runner.cli.complete import values
from runner.cli.options.common import ended
from runner.core.errors import ExitCode, UsageError


@click.command("schema")
@click.argument("name", required=False, shell_complete=values.schemas)
def command(name: str | None) -> int:
    """Print the JSON schema NAME, or the names there are."""
    from runner.core import schemas
    from runner.views.terminal.console import Console

    console = Console.detect(no_color=True)
    if name is None:
        console.write("".join(f"{known}\n" for known in schemas.names()))
        return ended(ExitCode.OK, console)
    if name not in schemas.names():
        raise UsageError(f"no schema is called {name!r}", hint=f"one of {', '.join(schemas.names())}")
    console.write(schemas.text(name))
    return ended(ExitCode.OK, console)
