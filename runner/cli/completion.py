"""`order-runner completion bash|zsh|fish`"""

from __future__ import annotations

from typing import Literal

import click

from runner.cli.options.command import CommandOptions, argument, define, option_class
from runner.cli.options.common import exit_code
from runner.core.errors import ExitCode

SHELLS = ("bash", "zsh", "fish")


@option_class
class CompletionOptions(CommandOptions):
    shell: Literal["bash", "zsh", "fish"] = argument(type=click.Choice(SHELLS), metavar="bash|zsh|fish")


@define("completion", CompletionOptions)
def command(options: CompletionOptions) -> int:
    """Print the script that completes commands, options, order names and more in a shell.

    \b
    bash:  order-runner completion bash > ~/.local/share/bash-completion/completions/order-runner
    zsh:   order-runner completion zsh > ~/.zfunc/_order-runner   (~/.zfunc in fpath before compinit)
    fish:  order-runner completion fish > ~/.config/fish/completions/order-runner.fish

    Then open a new shell. Completing reads local files only: it writes nothing and asks nobody.
    """
    from runner.cli.complete.shells import script
    from runner.views.terminal.console import Console

    console = Console.detect(no_color=True)
    console.write(script(options.shell))
    return exit_code(ExitCode.OK, console)
