"""`order-runner explain [TOPIC...]`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from runner.cli.options.common import ended, format_option, outputs, quiet_options, write_output
from runner.core.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

FORMATS = ("text", "json")


def _completed(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names that begin so, no deeper than the path that is being typed."""
    del ctx, param
    from click.shell_completion import CompletionItem

    from runner.explain import every_name

    depth = incomplete.count(".")
    names = (name for name in every_name() if name.startswith(incomplete) and " " not in name)
    return [CompletionItem(name) for name in names if name.count(".") <= depth]


@click.command("explain")
@click.argument("topics", nargs=-1, metavar="[TOPIC...]", shell_complete=_completed)
@format_option(*FORMATS)
@quiet_options
def command(topics: tuple[str, ...], formats: tuple[str, ...], quiet: bool, verbose: bool, no_color: bool) -> int:
    """Explain TOPIC: a type, a field, a finding, an exit code, a status. Alone it shows what there is.

    \b
    order-runner explain ipv4                     the fields of a type
    order-runner explain ipv4.quantity            one field of it
    order-runner explain quantity                 the same in every type
    order-runner explain report.money.unexplained any field of a file
    order-runner explain PSR012                   a finding: why, and the way out
    order-runner explain exit 7                   an exit code
    order-runner explain status unknown           what an order can be
    """
    del quiet, verbose
    from runner import explain
    from runner.views import explain as view
    from runner.views.terminal.console import Console

    wanted = outputs(formats, FORMATS, "text")
    console = Console.detect(no_color=no_color)
    try:
        found = explain.explanations(topics) if topics else (explain.overview(),)
    except explain.UnknownTopic as unknown:
        near = ", ".join(unknown.near)
        hint = f"nearest: {near}" if near else "`order-runner explain` alone shows what there is"
        raise UsageError(f"nothing is called {unknown.word!r}", hint=hint) from None
    for output in wanted:
        write_output(output, console, lambda fmt, to: view.render(found, fmt=fmt, console=to))
    return ended(ExitCode.OK, console)
