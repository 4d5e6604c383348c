"""`order-runner apply PATH...`"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from runner.cli import buying
from runner.cli.ending import Call
from runner.cli.options import approval
from runner.cli.options.common import (
    format_option,
    ledger_options,
    option,
    outputs,
    paths_argument,
    quiet_options,
    settings_of,
    vendor_options,
)
from runner.cli.options.limits import limit_options
from runner.core.errors import UsageError
from runner.run.settings import MIN_MONEY_TIMEOUT


class _Apply(click.Command):
    """`--dry-run` alone means `--dry-run=online`, and never takes the path behind it for its value."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, ["--dry-run=online" if arg == "--dry-run" else arg for arg in args])


@click.command("apply", cls=_Apply)
@paths_argument()
@format_option(*buying.FORMATS)
@option(
    "--dry-run",
    type=click.Choice(["online", "offline"]),
    metavar="[online|offline]",
    help="Buy nothing: show bodies and prices (online, the default), or bodies only, without network (offline).",
)
@approval.approval_options
@approval.selection_options
@limit_options
@option(
    "--report",
    type=click.Path(path_type=Path),
    metavar="PATH",
    default=Path("report.json"),
    help="Where the JSON report goes; - is stdout. [report.json]",
)
@option("--yes", is_flag=True, help="Buy without asking.")
@option("--no-input", is_flag=True, help="Never ask; without --yes or --approve that is an error.")
@option("--fail-fast", is_flag=True, help="Stop at the first order that is refused.")
@option(
    "--money-timeout",
    type=click.FloatRange(min=1),
    default=180.0,
    help="Seconds to wait for the answer to a purchase; below 120 only with --allow-short-money-timeout. [180]",
)
@option("--allow-short-money-timeout", is_flag=True, help="Accept more unknown outcomes for less waiting.")
@option("--lock-timeout", type=click.FloatRange(min=0), default=0.0, help="Seconds to wait for another run to end. [0]")
@option(
    "--fault",
    "faults",
    multiple=True,
    metavar="SPEC",
    help="With --sandbox: make the emulator fail, like reset-after@1; see runner/sandbox/limits.md.",
)
@vendor_options
@ledger_options
@quiet_options
@click.pass_context
def command(
    ctx: click.Context, /, paths: tuple[str, ...], formats: tuple[str, ...], dry_run: str | None, **values: Any
) -> int:
    """Buy what is missing of PATH..., at most once each, and report.

    Everything is quoted before anything is bought. Asks on a terminal; elsewhere it needs --yes or --approve. PATH may
    be a plan that `plan --out` wrote: then exactly that is bought, without asking. An order that may have been charged,
    and is not settled, stops this and every later run of the account (exit code 7).
    """
    if values["money_timeout"] < MIN_MONEY_TIMEOUT and not values["allow_short_money_timeout"]:
        raise UsageError(
            "a purchase may take two minutes: waiting less makes unknown outcomes of good ones",
            hint="leave --money-timeout at 120 or more, or say --allow-short-money-timeout",
        )
    wanted = outputs(formats, buying.FORMATS, "text")
    settings = settings_of(ctx, **values)
    paths, consent = approval.approved_of(ctx, settings, paths, values)
    call = Call.of(settings, wanted, consent, **values)
    if dry_run == "offline" and consent.approval:
        raise UsageError("nothing can be held against an approval without prices", hint="use --dry-run=online")
    if dry_run:
        return buying.preview(call, paths, "dry-run", report=values["report"], offline=dry_run == "offline")
    return buying.buy(call, paths, **values)
