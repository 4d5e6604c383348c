"""`order-runner reconcile [KEY...]`"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click

from runner.cli.complete import values as completers
from runner.cli.options.common import (
    ended,
    format_option,
    ledger_options,
    option,
    outputs,
    quiet_options,
    settings_of,
    vendor_options,
    write_output,
)
from runner.cli.options.limits import is_exclusive, policy_option
from runner.cli.options.types import Duration, flags_of, key_of

FORMATS = ("text", "json")


@click.command("reconcile")
@click.argument("keys", nargs=-1, metavar="[KEY...]", shell_complete=completers.keys)
@format_option(*FORMATS)
@option(
    "--wait",
    type=Duration(),
    default=timedelta(0),
    metavar="DURATION",
    help="Look again, with growing pauses, until nothing is open or so much time is over, like 15m. [one look]",
)
@option(
    "--settle-after",
    type=Duration(),
    metavar="DURATION",
    help="How long after its claim an order may be called absent. [20m; mobile 4h]",
)
@option(
    "--exclusive",
    is_flag=True,
    help="Nobody else buys on this account: a new order that fits, and its price gone from the balance, is ours.",
)
@option("--lock-timeout", type=click.FloatRange(min=0), default=0.0, help="Seconds to wait for another run to end. [0]")
@policy_option
@vendor_options
@ledger_options
@quiet_options
@click.pass_context
def command(ctx: click.Context, /, keys: tuple[str, ...], formats: tuple[str, ...], **values: Any) -> int:
    """Settle orders in doubt, all or those of KEY..., by what the vendor shows now. Reads only; buys nothing.

    An order is called absent only when a whole list has nothing that could be it, the balance did not move, and the
    waiting time is over; placed only with --exclusive. What stays open is listed with its candidates: exit code 7.
    """
    from runner.core.stop import Stop
    from runner.evidence.judge import Policy
    from runner.run import call
    from runner.views import reconcile as view
    from runner.views.terminal import events
    from runner.views.terminal.console import Console

    wanted = outputs(formats, FORMATS, "text")
    named = tuple(dict.fromkeys(key_of(text) for text in keys))
    settings = settings_of(ctx, **values)
    console = Console.detect(no_color=values["no_color"])
    exclusive = values["exclusive"] or is_exclusive(values["policy"], console)
    stop = Stop()
    with events.watching(console, quiet=values["quiet"], verbose=values["verbose"]) as watch:
        outcome, code = call.reconcile(
            settings,
            Policy(settle_after=values["settle_after"], exclusive=exclusive),
            stop,
            watch,
            keys=named,
            wait=values["wait"].total_seconds(),
            lock_timeout=values["lock_timeout"],
        )
    flags = flags_of(ctx, settings)
    for output in wanted:
        write_output(output, console, lambda fmt, to: view.render(outcome, fmt=fmt, console=to, flags=flags))
    return ended(code, console)
