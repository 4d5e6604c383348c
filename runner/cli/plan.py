"""`order-runner plan PATH...`"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from runner.cli import batching
from runner.cli.closing import Call
from runner.cli.limiting import limit_options
from runner.cli.options import (
    format_option,
    ledger_options,
    option,
    outputs,
    paths_argument,
    quiet_options,
    settings_of,
    vendor_options,
)


@click.command("plan")
@paths_argument()
@format_option(*batching.FORMATS)
@limit_options
@option("--report", type=click.Path(path_type=Path), metavar="PATH", help="Also write a report there.")
@vendor_options
@ledger_options
@quiet_options
@click.pass_context
def command(ctx: click.Context, /, paths: tuple[str, ...], formats: tuple[str, ...], **values: Any) -> int:
    """Quote every order that is not bought yet: price, total, balance after. Buys nothing."""
    wanted = outputs(formats, batching.FORMATS, "text")
    call = Call.of(settings_of(ctx, **values), wanted, **values)
    return batching.preview(call, paths, "plan", report=values["report"], offline=False)
