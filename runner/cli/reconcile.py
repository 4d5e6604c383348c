"""`order-runner reconcile [KEY...]`"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from runner.cli.complete import values as completers
from runner.cli.options import common
from runner.cli.options.bounds import policy_option
from runner.cli.options.command import CommandOptions, argument, define, group, option, option_class
from runner.cli.options.targets import Targets
from runner.cli.options.types import Duration, key_of
from runner.cli.outputs import render_problems
from runner.core.errors import InvalidManifests

if TYPE_CHECKING:
    from runner.views.terminal.console import Console

FORMATS = ("text", "json")


@option_class
class ReconcileOptions(CommandOptions):
    keys: tuple[str, ...] = argument(nargs=-1, metavar="[KEY...]", shell_complete=completers.keys)
    formats: tuple[str, ...] = common.format_option(*FORMATS)
    wait: timedelta = option(
        "--wait",
        type=Duration(),
        default=timedelta(0),
        metavar="DURATION",
        help="Look again, with growing pauses, until nothing is open or this time has passed, like 15m. [one look]",
    )
    settle_after: timedelta | None = option(
        "--settle-after",
        type=Duration(),
        metavar="DURATION",
        help="How long after its claim an order may be declared absent. [20m; mobile 4h]",
    )
    exclusive: bool = option(
        "--exclusive",
        is_flag=True,
        help="Nobody else buys on this account: a new order that matches, its price gone from the balance, is ours.",
    )
    lock_timeout: float = common.lock_timeout_option()
    actor: str | None = common.actor_option()
    policy: str | None = policy_option()
    vendor: common.VendorOptions = group(common.VendorOptions)
    ledger: common.LedgerOptions = group(common.LedgerOptions)
    screen: common.ScreenOptions = group(common.ScreenOptions)


@define("reconcile", ReconcileOptions)
def command(options: ReconcileOptions) -> int:
    """Settle orders in doubt, all or those of KEY..., by what the vendor shows now. Reads only; buys nothing.

    An order is declared absent only if a complete list has nothing that could be it, the balance did not move, and the
    waiting time has passed; placed only with --exclusive. What stays open is listed with its candidates: exit code 7.
    """
    from runner.core.leading import leading_there
    from runner.core.stop import Stop
    from runner.evidence.judge import Rules
    from runner.run import call
    from runner.views import reconcile as view
    from runner.views.terminal.writer import hurry

    outputs = common.outputs_of(options.formats, FORMATS)
    keys = tuple(dict.fromkeys(key_of(text) for text in options.keys))
    settings = replace(common.vendor_settings(options.vendor, options.origins, options.ledger), actor=options.actor)
    Targets(outputs, settings).refuse_inputs((), policy=options.policy)
    console = options.screen.console()
    exclusive = options.exclusive or _is_exclusive(options.policy, console)
    flags = common.flags_of(options.origins, settings)
    with leading_there(flags), console.impatient(), options.screen.watching(console) as watch:
        settlements, code = call.reconcile(
            settings,
            Rules(settle_after=options.settle_after, exclusive=exclusive),
            Stop(hurry),
            watch,
            keys=keys,
            wait=options.wait.total_seconds(),
            lock_timeout=options.lock_timeout,
        )
    common.write_outputs(outputs, console, lambda fmt, to: view.render(settlements, fmt=fmt, console=to, flags=flags))
    return common.exit_code(code, console)


def _is_exclusive(policy: str | None, console: Console) -> bool:
    """Whether the policies call the account exclusive. Ends the call where one of them is wrong."""
    from runner.run.call import is_exclusive

    try:
        return is_exclusive(policy)
    except InvalidManifests as error:
        render_problems(error.problems, console)
        raise click.exceptions.Exit(int(error.exit_code)) from None
