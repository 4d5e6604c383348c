"""`order-runner plan PATH...`"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from runner.cli import buying
from runner.cli.ending import Call
from runner.cli.options import approval
from runner.cli.options.common import (
    Output,
    format_option,
    ledger_options,
    option,
    outputs,
    paths_argument,
    quiet_options,
    settings_of,
    vendor_options,
    writable,
)
from runner.cli.options.limits import limit_options
from runner.core.errors import UsageError


@click.command("plan")
@paths_argument()
@format_option(*buying.PLAN_FORMATS)
@option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also write the plan there, for `apply FILE`: the document of -f json.",
)
@option("--detailed-exitcode", is_flag=True, help="Exit code 10 where there is something to buy.")
@option("--expect-nothing", is_flag=True, help="Exit code 5 where there is something to buy, naming it.")
@approval.selection_options
@limit_options
@option("--report", type=click.Path(path_type=Path), metavar="PATH", help="Also write a report there.")
@vendor_options
@ledger_options
@quiet_options
@click.pass_context
def command(ctx: click.Context, /, paths: tuple[str, ...], formats: tuple[str, ...], **values: Any) -> int:
    """Quote every order that is not bought yet: price, total, balance after. Buys nothing."""
    wanted = outputs(formats, buying.PLAN_FORMATS, "text")
    if values["out"] is not None:
        if "-" in paths:
            raise UsageError("a plan of stdin cannot be applied: it could not be read again", hint="name files")
        wanted += (Output("json", writable(values["out"])),)
    settings = settings_of(ctx, **values)
    consent = approval.consent_of(settings, values, nothing=values["expect_nothing"])
    call = Call.of(settings, wanted, consent, command=approval.command_of(ctx, settings, paths, values), **values)
    return buying.preview(call, paths, "plan", report=values["report"], offline=False)
