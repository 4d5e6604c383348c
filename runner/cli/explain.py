"""`order-runner explain [TOPIC...]`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from runner.cli.options import common
from runner.cli.options.command import CommandOptions, argument, define, group, option_class
from runner.cli.options.targets import Targets
from runner.core.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

FORMATS = ("text", "json")


def _completions(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names that begin so, no deeper than the path that is being typed."""
    del ctx, param
    from click.shell_completion import CompletionItem

    from runner.explain import every_name

    depth = incomplete.count(".")
    names = (name for name in every_name() if name.startswith(incomplete) and " " not in name)
    return [CompletionItem(name) for name in names if name.count(".") <= depth]


@option_class
class ExplainOptions(CommandOptions):
    topics: tuple[str, ...] = argument(nargs=-1, metavar="[TOPIC...]", shell_complete=_completions)
    formats: tuple[str, ...] = common.format_option(*FORMATS)
    screen: common.ScreenOptions = group(common.ScreenOptions)


@define("explain", ExplainOptions)
def command(options: ExplainOptions) -> int:
    """Explain TOPIC: a type, a field, a finding, an exit code, a status. Without TOPIC: list what there is.

    \b
    order-runner explain ipv4                     the fields of a type
    order-runner explain ipv4.quantity            one field of it
    order-runner explain quantity                 the same in every type
    order-runner explain report.money.unexplained any field of a file
    order-runner explain PSR012                   a finding: why, and what to do
    order-runner explain exit 7                   an exit code
    order-runner explain status unknown           a status of an order
    """
    from runner import explain
    from runner.views import explain as view

    outputs = common.outputs_of(options.formats, FORMATS)
    Targets(outputs)
    console = options.screen.console()
    try:
        pages = explain.explanations(options.topics) if options.topics else (explain.overview(),)
    except explain.UnknownTopic as unknown:
        near = ", ".join(unknown.near)
        hint = f"nearest: {near}" if near else "`order-runner explain` lists what there is"
        raise UsageError(f"there is nothing called {unknown.word!r}", hint=hint) from None
    common.write_outputs(outputs, console, lambda fmt, target: view.render(pages, fmt=fmt, console=target))
    return common.exit_code(ExitCode.OK, console)
