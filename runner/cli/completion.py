"""`order-runner completion bash|zsh|fish`"""

from __future__ import annotations

import click

from runner.cli.options.common import ended
from runner.core.errors import ExitCode

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS), metavar="bash|zsh|fish")
def command(shell: str) -> int:
    """Print the script that completes commands, options, order names and more in a shell.

    \b
    bash:  order-runner completion bash > ~/.local/share/bash-completion/completions/order-runner
    zsh:   order-runner completion zsh > ~/.zfunc/_order-runner   (~/.zfunc in fpath before compinit)
    fish:  order-runner completion fish > ~/.config/fish/completions/order-runner.fish

    Then open a new shell. Completing reads local files only: it writes nothing and asks nobody.
    """
    from runner.cli import cli
    from runner.cli.complete.shells import script
    from runner.views.terminal.console import Console

    console = Console.detect(no_color=True)
    console.write(script(cli, shell))
    return ended(ExitCode.OK, console)
